"""A flow linearised at the target: against differences of its velocity, and the blocks of its symmetries."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.closed.finder import DoesNotApply
from symhigh.closed.fixed_points import RATE
from symhigh.closed.flow import Flow, _modes, _targets, _used, flow_of, pair_of
from symhigh.closed.linearised import Linearised, aimed, check_rests, is_zero, linearised, tidied
from symhigh.symbols import gamma, risk

R = sp.Rational
a, b = sp.symbols("a b", positive=True)
x, y = sp.symbols("x y", real=True)
STEP = 0.3
SPECTRUM = sh.Spectrum.from_eigenvalues([1.5, 0.5, 0.0, 0.5], [0.25, 0.25, 0.25, 0.25])
START = sh.Overlaps([[0.25, 0.05, 0.1, 0], [0.05, 0.3, 0, 0.1], [0.1, 0, 1, 0.2], [0, 0.1, 0.2, 0.8]])


@lru_cache(maxsize=2)
def near(noise: float) -> Linearised:
    X, Y = sp.symbols("x_1 x_2", real=True), sp.symbols("y_1 y_2", real=True)
    unit = [sp.erf(u / sp.sqrt(2)) for u in (*X, *Y)]
    problem = sh.MultiIndex(X, Y, (unit[0] + unit[1] - unit[2] - unit[3] - sh.eps) ** 2 / 2, noise)
    return linearised(flow_of(sh.derive(problem, sh.Constant(STEP)), SPECTRUM, START))


def numeric(flow: Flow) -> Callable[[np.ndarray], tuple[np.ndarray, float]]:
    """Velocity of the unknowns and risk, layer by layer in doubles."""
    numbers = {s: float(v) for s, v in flow.numbers.items()}

    def made(expr: sp.Expr) -> Callable[[dict[sp.Symbol, float]], float]:
        names = sorted(expr.free_symbols, key=str)
        function = sp.lambdify([sp.Dummy() for _ in names], 0) if not names else sp.lambdify(names, expr)
        return lambda known: float(function(*(known[n] for n in names))) if names else float(expr)

    layers, velocity = [(name, made(e)) for name, e in flow.layers], [made(e) for e in flow.velocity]

    def at(unknowns: np.ndarray) -> tuple[np.ndarray, float]:
        known = {**numbers, **dict(zip(flow.unknowns, unknowns, strict=True))}
        for name, function in layers:
            known[name] = STEP if name == gamma else function(known)
        return np.array([f(known) for f in velocity]), known[risk]

    return at


def relative(flow: Flow) -> np.ndarray:
    """``S_vw = <v - v*, w - w*>`` and ``E_vn = <v - v*, n>`` in the states of both modes, constants apart."""
    learnt, aims = flow.system.field.learnt, flow.system.field.targets
    aim = dict(zip(learnt, aims, strict=True))
    T = np.zeros((7, 7))
    for row, (v, w) in enumerate(flow.pairs):
        T[row, row] += 1
        for one, other in ((v, w), (w, v)):
            if one in learnt and other in learnt:
                T[row, [set(p) == {one, aim[other]} for p in flow.pairs].index(True)] -= 1
    return np.kron(np.eye(2), T)


def test_modes_of_a_flow() -> None:
    """Equal eigenvalues are one mode, zeros none; targets are those of the start."""
    flow = near(0).flow
    assert (flow.values, flow.weights) == ((R(3, 2), R(1, 2)), (R(1, 4), R(1, 2)))
    assert flow.targets == sp.Matrix([[1, R(1, 5)], [R(1, 5), R(4, 5)]])
    assert len(flow.unknowns) == 14
    point = {u.name: near(0).point[u] for u in flow.unknowns}
    assert sorted(point.values()) == sorted([1, R(1, 5), R(4, 5)] * 2 + [1, R(1, 5), R(1, 5), R(4, 5)] * 2)
    learnt, aims = flow.system.field.learnt, flow.system.field.targets
    at = flow.at({learnt[0]: {aims[0]: sp.Integer(2)}, learnt[1]: {aims[0]: sp.Integer(-1), aims[1]: sp.Integer(3)}})
    G = np.array([[1, 0.2], [0.2, 0.8]])
    rows = dict(zip((*learnt, *aims), ([2, 0], [-1, 3], [1, 0], [0, 1]), strict=True))
    for k, (v, w) in enumerate(flow.pairs):
        assert float(at[flow.unknowns[k]]) == float(at[flow.unknowns[7 + k]]) == pytest.approx(rows[v] @ G @ rows[w])
    assert flow.noiseless
    assert not near(0.1).flow.noiseless


def test_the_jacobian_is_that_of_differences() -> None:
    flow, at = near(0).flow, numeric(near(0).flow)
    point = np.array([float(near(0).point[u]) for u in flow.unknowns])
    velocity, level = at(point)
    assert velocity == pytest.approx(np.zeros(14), abs=1e-14)
    assert level == pytest.approx(0, abs=1e-14)
    sides = [(at(point + h), at(point - h)) for h in 1e-5 * np.eye(14)]
    J = np.array([(up[0] - down[0]) / 2e-5 for up, down in sides]).T
    slope = np.array([(up[1] - down[1]) / 2e-5 for up, down in sides])
    T = relative(flow)
    found = np.array(near(0).jacobian.subs(RATE, STEP).tolist(), dtype=float)
    assert found == pytest.approx(T @ J @ np.linalg.inv(T), abs=1e-8)
    gradient = np.array(near(0).gradient(risk).tolist(), dtype=float)[0]
    assert gradient == pytest.approx(slope @ np.linalg.inv(T), abs=1e-8)


def test_second_moments_do_not_see_the_overlaps() -> None:
    at, J = near(0), np.array(near(0).jacobian.subs(RATE, STEP).tolist(), dtype=float)
    S, E = at.places(True), at.places(False)
    assert sorted(S + E) == list(range(14))
    learnt = set(at.flow.system.field.learnt)
    assert [at.flow.pairs[k % 7] for k in S] == [p for p in at.flow.pairs if set(p) <= learnt] * 2
    assert J[np.ix_(S, E)] == pytest.approx(np.zeros((6, 8)), abs=1e-12)
    for second, matrix in ((True, at.second), (False, at.first)):
        part = J[np.ix_(at.places(second), at.places(second))]
        assert np.array(matrix.subs(RATE, STEP).tolist(), dtype=float) == pytest.approx(part, abs=1e-12)
    assert at.rests
    assert at.still == (0,) * 14
    check_rests(at)


def test_symmetries_part_the_flow() -> None:
    """Orthonormal targets may be exchanged together with the students: blocks hold all eigenvalues, none twice."""
    flow = near(0).flow
    even = linearised(flow_of(flow.system, sh.Spectrum.isotropic(), None))
    for second, shape in ((True, (2, 1)), (False, (2, 2))):
        blocks = even.blocks(second)
        assert tuple(m.rows for m in blocks) == shape
        assert even.symmetric(second) == blocks[0]
        whole = even.second if second else even.first
        parts = np.concatenate([np.linalg.eigvals(np.array(m.subs(RATE, STEP).tolist(), dtype=float)) for m in blocks])
        assert sorted(parts.real) == pytest.approx(
            sorted(np.linalg.eigvals(np.array(whole.subs(RATE, STEP).tolist(), dtype=float)).real), abs=1e-10
        )
    assert len(near(0).blocks(True)) == 1  # of these targets one is longer


def test_label_noise_moves_the_target() -> None:
    at, noisy = numeric(near(0.1).flow), near(0.1)
    point = np.array([float(noisy.point[u]) for u in noisy.flow.unknowns])
    velocity = at(point)[0]
    assert not noisy.rests
    still = np.array([float(e.subs(RATE, STEP)) for e in noisy.still])
    assert still == pytest.approx(velocity, abs=1e-14)
    assert np.abs(still[noisy.places(True)]).min() > 1e-6
    assert still[noisy.places(False)] == pytest.approx(np.zeros(8), abs=1e-14)
    moved = np.array([float(e.subs(RATE, STEP)) for e in noisy.relative_still()])
    assert moved == pytest.approx(relative(noisy.flow) @ velocity, abs=1e-14)
    assert noisy.second.rows == 6


# --- parts --------------------------------------------------------------------------------------------------
def test_what_vanishes() -> None:
    root = sp.sqrt(2) * sp.sqrt(3) - sp.sqrt(6)
    for expr, answer in (
        (root, True), (sp.sqrt(2) - R(14142135623730950488, 10**19), False), ((a + 1) ** 2 - a**2 - 2 * a - 1, True),
        (sp.sin(a) ** 2 + sp.cos(a) ** 2 - 1, True), (a - b, False), (a * (sp.cos(1) ** 2 + sp.sin(1) ** 2 - 1), True),
        (sp.Float("1e-24", 30), False), (sp.Float("1e-26", 30), True), (-sp.Float("1e-24", 30), False), (sp.I, False),
    ):  # fmt: skip
        assert is_zero(sp.sympify(expr)) is answer
    zero = sp.cos(1) ** 2 + sp.sin(1) ** 2 - 1
    assert tidied(zero) == 0
    assert tidied(1 / (1 + sp.sqrt(2))) == sp.sqrt(2) - 1
    assert tidied(a**2 / (1 + sp.sqrt(2)) + zero * a + b) == a**2 * (sp.sqrt(2) - 1) + b
    assert tidied(sp.sqrt(a) + 1) == sp.sqrt(a) + 1


def test_pairs_of_products() -> None:
    assert pair_of(x * y) in ((x, y), (y, x))
    assert pair_of(x**2) == (x, x)


def test_layers_that_something_is_computed_from() -> None:
    c, d, e, f = sp.symbols("c d e f")
    layers = [(c, x), (d, c + y), (e, x), (f, d * e)]
    assert _used(layers, [d]) == ((c, x), (d, c + y))
    assert _used(layers, [f]) == tuple(layers)
    assert _used(layers, [x]) == ()


def test_eigenvalues_of_a_flow() -> None:
    for count in (8, 9):
        spectrum = sh.Spectrum.from_eigenvalues([float(k) for k in range(1, count + 1)])
        if count == 8:
            assert _modes(spectrum) == (tuple(map(sp.Integer, range(1, 9))), (R(1, 8),) * 8)
            continue
        with pytest.raises(DoesNotApply, match=r"has 9 eigenvalues; .* are known for at most 8"):
            _modes(spectrum)
    assert _modes(None) == ((1,), (1,))


def test_overlaps_of_the_targets() -> None:
    system: Any = SimpleNamespace(
        field=SimpleNamespace(learnt=(x, y), targets=(a, b)), problem=SimpleNamespace(name="a committee")
    )
    assert _targets(system, None) == sp.eye(2)
    assert _targets(system, START) == sp.Matrix([[1, R(1, 5)], [R(1, 5), R(4, 5)]])
    with pytest.raises(ValueError, match=r"limits\(Overlaps of 3 directions\): a committee has 4, students first"):
        _targets(system, sh.Overlaps(START.values[:3, :3]))


def test_which_vectors_have_targets() -> None:
    """Iterates and their averages those of their students, momenta none."""
    one, two, momentum, other, average, mean = sp.symbols("v_1 v_2 m_1 m_2 A_1 A_2")
    field = SimpleNamespace(
        learnt=(one, two), coordinates=(one, momentum, average, two, other, mean),
        begins={one: x, average: x, two: y, mean: y, momentum: sp.S.Zero},
    )  # fmt: skip
    assigned = {one: (a, 1), two: (b, -1)}
    found = aimed(SimpleNamespace(system=SimpleNamespace(field=field)), assigned)  # type: ignore[arg-type]
    assert found == {one: (a, 1), two: (b, -1), average: (a, 1), mean: (b, -1)}


@pytest.mark.parametrize(("students", "targets", "words"), [
    (1, 2, r"fewer students \(1\) than targets \(2\)"), (3, 2, r"more students \(3\) than targets \(2\)"),
])  # fmt: skip
def test_students_and_targets_of_different_numbers(students: int, targets: int, words: str) -> None:
    field = SimpleNamespace(learnt=(x,) * students, targets=(a,) * targets)
    with pytest.raises(DoesNotApply, match=words):
        linearised(SimpleNamespace(system=SimpleNamespace(field=field)))  # type: ignore[arg-type]
