"""Modes of any number of vectors as they stand at rest: drift, noise and second moments relative to the target.

Serves the finder of :mod:`symhigh.closed.rest`. Read off the mean field of a derived system: its drift must be linear
in the vectors, and everything else see the predictions through ``Q = E(x - x*)²`` alone. At a level of Q the vectors r
of a mode, taken relative to what they tend to, obey ``dr = A r dt + noise`` with covariance N, and their second moments
S solve ``A S + S A^T + N = 0`` (Lyapunov). Cells stand at the zero of their own drift. Where A and N hold 1/t, as for
averages from the start, S is a series in 1/t, solved order by order.
One file: the steps of one reading of a mean field.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import sympy as sp

from symhigh.closed.finder import DoesNotApply
from symhigh.closed.modes import rational
from symhigh.derivation.gaussian import GaussianMean
from symhigh.meanfield import MeanField
from symhigh.symbols import (
    B11,
    B12,
    B22,
    c1,
    c2,
    error_square,
    gamma,
    gradient_noise,
    inverse_time,
    lam,
    risk,
    t,
)
from symhigh.system import MomentSystem

LEVEL = sp.Dummy("p", dummy_index=8_140_206, positive=True)
"""The unknown of a rest: the root of the mean square of the residual where it occurs, else Q itself."""
SLOPE, NOISE = sp.symbols("c i", positive=True, cls=sp.Dummy)
"""``c1 = E f''`` and ``I = E f'^2`` where they are transcendental functions of Q."""
_HELD_AS = (c1, c2, gradient_noise)
LAST = 2
"""The highest power of 1/t that is kept."""
_EARLY = sp.Dummy("s", dummy_index=8_140_207, nonnegative=True)


@dataclass(frozen=True)
class RestingModes:
    """``dr = A r dt + noise`` of a mode in terms of λ, γ, :data:`LEVEL` and parameters.

    ``vectors`` are those of the system less ``shift`` times the target, over the powers ``scale`` of t. ``drift`` and
    ``noise`` are A and N, their coefficients in front of 1, 1/t, …; ``cells`` the values of cells; ``free`` the drift
    and noise in terms of cells, and ``cell_drift`` theirs. ``error`` is Q in terms of the level, ``risk`` the
    risk in terms of Q, ``rate`` the learning rate, ``numbers`` what has been put for parameters,
    ``held`` the functions of Q that :data:`SLOPE` and :data:`NOISE` stand for.
    """

    vectors: tuple[sp.Symbol, ...]
    target: sp.Symbol
    shift: tuple[sp.Expr, ...]
    scale: tuple[int, ...]
    drift: tuple[sp.ImmutableMatrix, ...]
    noise: tuple[sp.ImmutableMatrix, ...]
    cells: tuple[tuple[sp.Symbol, sp.Expr], ...]
    free: tuple[sp.ImmutableMatrix, sp.ImmutableMatrix]
    cell_drift: tuple[sp.Expr, ...]
    error: sp.Expr
    risk: sp.Expr
    rate: sp.Expr
    numbers: tuple[tuple[sp.Symbol, sp.Expr], ...]
    held: tuple[tuple[sp.Symbol, sp.Expr], ...] = ()

    @property
    def timed(self) -> bool:
        """Whether the modes see the time itself."""
        return len(self.drift) > 1

    def relative(self, weight: sp.Expr) -> tuple[sp.Matrix, sp.Expr]:
        """A linear weight of the system's vectors as ``w·r + offset X*``, in 1/t."""
        expr = sp.expand(weight.subs(dict(self.numbers)).subs(inverse_time, 1 / t))
        parts = [expr.coeff(v) for v in self.vectors]
        offset = expr.coeff(self.target) + sum((c * k for c, k in zip(parts, self.shift, strict=True)), sp.S.Zero)
        return sp.Matrix([c * t**n for c, n in zip(parts, self.scale, strict=True)]), sp.cancel(offset)

    def core(self, weight: sp.Matrix) -> list[int]:
        """The vectors that a weight depends on, directly or through the drift."""
        found = {i for i, c in enumerate(weight) if c != 0}
        while True:
            more = {j for i in found for j in range(len(self.vectors)) if any(a[i, j] != 0 for a in self.drift)}
            if more <= found:
                return sorted(found)
            found |= more

    def moments(self, kept: list[int]) -> list[sp.Matrix]:
        """The coefficients S₀, S₁, … of the second moments of some vectors, closed under the drift."""
        return _moments(
            tuple(_minor(a, kept) for a in self.drift), tuple(_minor(n, kept) for n in self.noise)
        )


def _minor(matrix: sp.Matrix, kept: list[int]) -> sp.ImmutableMatrix:
    return sp.ImmutableMatrix(matrix).extract(kept, kept)


@lru_cache(maxsize=64)
def _moments(drift: tuple[sp.ImmutableMatrix, ...], noise: tuple[sp.ImmutableMatrix, ...]) -> list[sp.Matrix]:
    size, orders = drift[0].rows, LAST + 1 if len(drift) > 1 else 1
    names = {(k, i, j): sp.Dummy(f"S{k}_{i}{j}") for k in range(orders) for i in range(size) for j in range(i, size)}
    S = [sp.Matrix(size, size, lambda i, j, k=k: names[k, min(i, j), max(i, j)]) for k in range(orders)]
    equations = []
    for k in range(orders):
        left = sp.zeros(size, size) if k >= len(noise) else sp.Matrix(noise[k])
        for j, A in enumerate(drift[: k + 1]):
            left += A * S[k - j] + S[k - j] * A.T
        if k:
            left += (k - 1) * S[k - 1]
        equations += [left[i, j] for i in range(size) for j in range(i, size)]
    found = sp.solve(equations, list(names.values()), dict=True)
    if not found:
        raise DoesNotApply("the second moments of its modes do not come to rest")
    return [s.xreplace(found[0]).applyfunc(sp.cancel) for s in S]


def resting_modes(system: MomentSystem, grown: bool = False) -> RestingModes:
    """The modes of a system at rest; :class:`DoesNotApply` with the reason where they are of another form.

    With ``grown``, cells stand where they are at a late time t if they grow for ever, at Q = 0.
    """
    numbers = tuple((s, rational(v)) for s, v in system.parameters.items() if v.is_number)
    return _resting(system.field, numbers, grown)


@lru_cache(maxsize=64)
def _resting(field: MeanField, numbers: tuple[tuple[sp.Symbol, sp.Expr], ...], grown: bool) -> RestingModes:
    if len(field.targets) != 1 or len(field.learnt) != 1:
        raise DoesNotApply("it has several directions, or none to aim at")
    if field.states:
        names = ", ".join(str(m.name) for m in field.states)
        raise DoesNotApply(f"its memory {names} moves, and with it the learning rate")
    (target,) = field.targets
    known = _scalars(field)
    moving = {t, error_square, B11, B12, B22} | {r.name for r in field.couplings if r.summand.free_symbols != {lam}}
    if any(e.has(gamma) for e in (*field.drift, *field.covariance)) and known[gamma].free_symbols & moving:
        raise DoesNotApply(f"the learning rate {known[gamma]} is not constant")
    exprs = (*field.drift, *field.covariance, *field.cell_drift)
    held = _transcendental(known) if any(e.has(*_HELD_AS) for e in exprs) else {}
    level = {s: e for s, e in known.items() if s != gamma}
    late: dict[sp.Symbol, sp.Expr] = {}
    if held:
        level |= dict(zip(_HELD_AS, (SLOPE, -SLOPE, NOISE), strict=True))

    def read(expr: sp.Expr) -> sp.Expr:
        found = expr.subs(level).subs(late).subs(dict(numbers)).subs(inverse_time, 1 / t)
        if left := found.free_symbols & moving - {t, error_square}:
            raise DoesNotApply(f"the modes see {', '.join(sorted(map(str, left)))} beside Q")
        return found

    if held and grown:
        late |= {SLOPE: read(held[SLOPE].subs(error_square, 0)), NOISE: read(held[NOISE].subs(error_square, 0))}
        held = {}
    drift = [sp.expand(read(b)) for b in field.drift]
    noise = field.covariance.applyfunc(read)
    cell_drift = [read(e) for e in field.cell_drift]
    level_of_risk = read(risk)
    cells = _growing(field, cell_drift) if grown else _cells(field, cell_drift)
    error = _level([e.subs(cells) for e in (*drift, *noise)])
    drift, cell_drift = ([e.subs(error_square, error) for e in part] for part in (drift, cell_drift))
    noise, cells = noise.subs(error_square, error), tuple((c, e.subs(error_square, error)) for c, e in cells)
    places = [i for i, v in enumerate(field.coordinates) if v != target]
    vectors = tuple(field.coordinates[i] for i in places)
    foreign = {c for c in field.coefficients if c not in (lam, target)}
    A, toward = _linear([drift[i] for i in places], vectors, target, foreign)
    k = _shift(A, toward)
    N = _relative_noise(field, noise, places, k, target)
    if grown:
        drawn, kick = (sp.ImmutableMatrix(m).subs(dict(cells)) for m in (A, N))
        late = kick.subs(LEVEL, _level_at_target(error))
        return RestingModes(
            vectors, target, k, (0,) * len(vectors), (drawn,), (late,), cells, (drawn, kick), tuple(cell_drift), error,
            level_of_risk, known[gamma], numbers,
        )  # fmt: skip
    scale = tuple(_growth(N[i, i]) for i in range(len(vectors)))
    T = sp.diag(*(t**n for n in scale))
    A = (T.inv() * A * T - sp.diag(*scale) / t).applyfunc(sp.expand)
    N = (T.inv() * N * T.inv()).applyfunc(sp.expand)
    at = dict(cells)
    return RestingModes(
        vectors, target, k, scale, _orders(A.subs(at)), _orders(N.subs(at)), cells,
        (sp.ImmutableMatrix(A), sp.ImmutableMatrix(N)), tuple(cell_drift), error, level_of_risk, known[gamma],
        numbers, tuple((s, read(e)) for s, e in held.items()),
    )  # fmt: skip


def _scalars(field: MeanField) -> dict[sp.Symbol, sp.Expr]:
    """Scalars in terms of Q where they hold the covariance of the predictions; that covariance itself is kept."""
    cross, known = {B11: error_square + 2 * B12 - B22}, dict[sp.Symbol, sp.Expr]()
    for x in field.scalars:
        if x.name in (B11, B12, B22, inverse_time):
            continue
        value = sp.expand(x.expression.xreplace(known).xreplace(cross))
        if value.has(B12, B22):
            value = sp.simplify(value)
        if value.has(B12, B22) and x.name != gamma:
            raise DoesNotApply("the loss sees more than the residual x - x* - eps")
        known[x.name] = value
    return known


def _transcendental(known: dict[sp.Symbol, sp.Expr]) -> dict[sp.Symbol, sp.Expr]:
    """``c1`` and ``I`` as functions of Q where they are no algebraic ones, under the names that stand for them."""
    values = [known.get(s, sp.S.Zero) for s in _HELD_AS]
    if not any(e.has(error_square) and e.has(sp.Function) for e in values):
        return {}
    if sp.expand(values[0] + values[1]) != 0 or any(e.has(GaussianMean) for e in values):
        raise DoesNotApply("its expectations have no closed form in Q")
    return {SLOPE: values[0], NOISE: values[2]}


def _level(exprs: list[sp.Expr]) -> sp.Expr:
    """What stands for Q in terms of the level: ``p² - floor`` where ``√(Q + floor)`` occurs, else the level itself."""
    seen = {e for expr in exprs for e in expr.atoms(sp.Pow) if e.base.has(error_square) and not e.exp.is_integer}
    floors = {sp.expand(e.base - error_square) for e in seen}
    rooted = len(floors) == 1 and not any(f.has(error_square) for f in floors)
    found = LEVEL**2 - floors.pop() if rooted else LEVEL
    closed = [e.subs(error_square, found) for e in exprs]
    if not all(e.is_rational_function(LEVEL) for e in closed):
        raise DoesNotApply("its slopes are no algebraic function of Q")
    return found


def _level_at_target(error: sp.Expr) -> sp.Expr:
    """The level where Q = 0."""
    return sp.sqrt(-error.subs(LEVEL, 0))


def _cells(field: MeanField, drift: list[sp.Expr]) -> tuple[tuple[sp.Symbol, sp.Expr], ...]:
    """Where the cells of a mode stand still."""
    found = []
    for cell, speed in zip(field.cells, drift, strict=True):
        values = [v for v in sp.solve(speed, cell) if v != 0]
        if len(values) != 1 or any(v.has(t, *field.coordinates) for v in values):
            raise DoesNotApply(f"its cells {cell} never rest: they move by {speed}")
        found += [(cell, sp.powdenest(v)) for v in values]
    return tuple(found)


def _growing(field: MeanField, drift: list[sp.Expr]) -> tuple[tuple[sp.Symbol, sp.Expr], ...]:
    """Where the cells of a mode are late, if they grow in proportion to t at Q = 0."""
    found = []
    for cell, speed in zip(field.cells, drift, strict=True):
        late = speed.subs(error_square, 0)
        if late == 0:
            raise DoesNotApply(f"without label noise its cells {cell} stop where the whole path takes them")
        if late.has(t, cell, *field.coordinates):
            raise DoesNotApply(f"its cells {cell} do not grow in proportion to the time: they move by {speed}")
        found.append((cell, late * t))
    return tuple(found)


def _linear(
    drift: list[sp.Expr], vectors: tuple[sp.Symbol, ...], target: sp.Symbol, foreign: set[sp.Symbol]
) -> tuple[sp.Matrix, sp.Matrix]:
    """The drift as ``A v + a X*``."""
    A = sp.Matrix(len(vectors), len(vectors), lambda i, j: sp.diff(drift[i], vectors[j]))
    toward = sp.Matrix([sp.diff(b, target) for b in drift])
    if A.free_symbols & {*vectors, target} or toward.free_symbols & {*vectors, target}:
        raise DoesNotApply("the drift of its modes is not linear in the vectors")
    if seen := set().union(*(b.free_symbols for b in drift)) & foreign:
        raise DoesNotApply(f"its modes see {', '.join(sorted(map(str, seen)))}, which depends on the start")
    return A, toward


def _shift(A: sp.Matrix, toward: sp.Matrix) -> tuple[sp.Expr, ...]:
    """The multiples k of the target towards which the vectors drift, ``A k + a = 0``; zero where nothing tells."""
    unknown = sp.symbols(f"k:{A.rows}", cls=sp.Dummy)
    found = sp.solve(list(A * sp.Matrix(unknown) + toward), unknown, dict=True)
    if not found:
        raise DoesNotApply("its modes have no place to rest")
    return tuple(sp.cancel(found[0].get(k, k).subs(dict.fromkeys(unknown, 0))) for k in unknown)


def _relative_noise(
    field: MeanField, noise: sp.ImmutableMatrix, moving: list[int], shift: tuple[sp.Expr, ...], target: sp.Symbol
) -> sp.Matrix:
    """The covariance of the vectors less their multiples of a target that may wander."""
    if target not in field.coordinates:
        return sp.Matrix(noise).extract(moving, moving)
    at, shifts = field.coordinates.index(target), dict(zip(moving, shift, strict=True))
    L = sp.Matrix(len(moving), noise.rows, lambda r, c: int(moving[r] == c) - (shifts[moving[r]] if c == at else 0))
    return L * noise * L.T


def _growth(strength: sp.Expr) -> int:
    """The power of t by which a vector grows, half that of its covariance."""
    return sp.degree(strength, t) // 2 if strength.has(t) and strength.is_polynomial(t) else 0


def _orders(matrix: sp.Matrix) -> tuple[sp.ImmutableMatrix, ...]:
    """The coefficients of a matrix in powers of 1/t."""
    if not matrix.has(t):
        return (sp.ImmutableMatrix(matrix),)
    early = matrix.applyfunc(lambda e: sp.expand(e.subs(t, 1 / _EARLY)))
    if not all(e.is_polynomial(_EARLY) for e in early):
        raise DoesNotApply("its modes see the time in another way than through averages from the start")
    top = max(sp.degree(e, _EARLY) for e in early if e != 0)
    return tuple(sp.ImmutableMatrix(early.applyfunc(lambda e, k=k: e.coeff(_EARLY, k))) for k in range(top + 1))
