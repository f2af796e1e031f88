"""Where modes of any number of vectors rest, how fast they come there, and what averages make of it.

A finder of :func:`~symhigh.closed.limits.limits`, from the second moments of :mod:`symhigh.closed.resting`. The mean
square of the residual is P = Q + ω², and a mode's part of it, the share ``λ E(w·r)²/P``, follows from its Lyapunov
equation. Summed over the spectrum the shares give Φ, and ``Q = ΦP + Ψ`` with Ψ what noise beside the samples' adds:
``P = (ω² + Ψ)/(1 - Φ)``. The risk obeys a renewal equation whose kernel is ``∫ λ² (w·e^{At}b)² dμ ≥ 0``, so it
converges for ``Φ < 1`` and only then, and the exponent of its approach is the only root ρ of a secular equation below
twice the slowest decay of ``e^{At}``. New; of SGD: *The High Line* (arXiv 2405.19585), section 3.
"""

from __future__ import annotations

import sympy as sp

from symhigh.closed.approach import approach
from symhigh.closed.finder import DoesNotApply, Formulas, Question, factored
from symhigh.closed.formula import Formula, positive
from symhigh.closed.modes import Modes, read_modes
from symhigh.closed.nodes import Root
from symhigh.closed.noise import has_noise
from symhigh.closed.residual import grows_slower
from symhigh.closed.resting import LEVEL, NOISE, SLOPE, RestingModes, resting_modes
from symhigh.symbols import V22, error_square, gamma, gradient_square, inverse_time, lam, t
from symhigh.system import MomentSystem

SOURCE = "new; of SGD High Line (arXiv 2405.19585), section 3"
_THRESHOLD = "the constant learning rate at which the risk ceases to converge, where Φ = 1"


def rest_limits(question: Question) -> Formulas:
    """Shares, floor, threshold and rate of modes that rest, and the risk of averages of the iterates."""
    system = question.system
    rest = resting_modes(system)
    modes = read_modes(question.spectrum, question.start)
    field = system.field
    weight, offset = rest.relative(field.effective[0] - rest.target)
    core = rest.core(weight)
    small = sp.Matrix([weight[i] for i in core])
    S = rest.moments(core)
    if offset.has(t) or small.has(t) or (offset != 0 and rest.target in field.coordinates):
        raise DoesNotApply("the target wanders away from where its modes rest")
    (spread,) = small.T * S[0] * small
    mode = sp.cancel(lam * spread)
    level = _level(system, rest, modes, mode, lam * offset**2)
    where = (*_stable(rest, core), *level.where)
    least, rested = (_at_target(rest.risk), rest.risk.subs(error_square, level.error))
    found = {
        "learning_rate": Formula(gamma, (), SOURCE, "the learning rate"),
        "risk": Formula(factored(rested), where, SOURCE, "the limiting risk"),
        "excess_risk": Formula(factored(rested - least), where, SOURCE, "the limiting excess risk"),
    }
    if level.total is not None:
        found["total_share"] = Formula(level.total, (), SOURCE, "Φ, the part of P that comes from the modes at rest")
        found["threshold"] = Formula(_threshold(level.total), (), SOURCE, _THRESHOLD)
    if level.share is not None:
        found["share"] = Formula(level.share, where, SOURCE, "λ D²_λ/P of the mode λ at rest, a part of P")
    if rest.rate.free_symbols & {error_square}:
        del found["learning_rate"]  # a mean over samples without closed form
    if not rest.held and not any(a != sp.zeros(*a.shape) for a in (d.extract(core, core) for d in rest.drift[1:])):
        found |= approach(rest, core, small, offset, modes, level.value, where)
    found |= _outputs(system, rest, modes, level.value, where)
    return _measured(system, modes, rest, found)


def _at_target(expr: sp.Expr) -> sp.Expr:
    """``expr`` at Q = 0, from above where it has no value there, as pieces of a loss without noise."""
    value = expr.subs(error_square, 0)
    if value.has(sp.nan, sp.zoo, sp.oo):
        value = sp.limit(expr, error_square, 0, "+")
    if value.has(sp.nan, sp.zoo, sp.oo, sp.Limit, sp.AccumBounds):
        raise DoesNotApply(f"its risk or slope at the target is {value}")
    return value


def _measured(system: MomentSystem, modes: Modes, rest: RestingModes, found: Formulas) -> Formulas:
    """The formulas with the rule's rate and the averages of λ alone put in."""
    fixed = {r.name: modes.mean(r.summand) for r in system.field.couplings if r.summand.free_symbols == {lam}}
    return {name: f.subs({gamma: rest.rate}).subs(fixed) for name, f in found.items()}


class _Level:
    """The level at rest: ``value`` of :data:`LEVEL`, Q there, Φ and the share of a mode, and where there is one."""

    def __init__(
        self, value: sp.Expr, error: sp.Expr, total: sp.Expr | None, share: sp.Expr | None, where: tuple[sp.Basic, ...]
    ) -> None:
        self.value, self.error, self.total, self.share, self.where = value, error, total, share, where


def _level(system: MomentSystem, rest: RestingModes, modes: Modes, mode: sp.Expr, target: sp.Expr) -> _Level:
    """The level where ``∫ mode dμ = Q``, for a mode's part that is a sum of powers of it."""
    if rest.held:
        return _only_level(system, rest, modes, mode + target * V22)
    parts = _powers(mode)
    parts[0] = parts.get(0, sp.S.Zero) + target * V22
    c = {k: _mean(modes, e) for k, e in parts.items()}
    top = 1 if rest.error == LEVEL else 2
    if max(c) > top:
        raise DoesNotApply(f"the modes' part of Q grows like its power {sp.Rational(max(c), top)}")
    total = c.pop(top, sp.S.Zero)
    where = () if total == 0 else (sp.StrictLessThan(total, 1, evaluate=False),)
    if top == 1 and set(c) <= {0}:
        error = sp.cancel(c[0] / (1 - total)) if modes.few else c[0] / (1 - total)
        noise = sp.cancel(2 * rest.risk.subs(error_square, LEVEL) - LEVEL)
        share = sp.cancel(mode / (LEVEL + noise))
        return _Level(error, error, total, None if share.has(LEVEL) or noise.has(LEVEL) else share, where)
    c[0] += LEVEL**top - rest.error
    if set(c) <= {0, 1}:
        half = c.get(1, sp.S.Zero) / (2 * (1 - total))
        value = half + sp.sqrt(half**2 + c[0] / (1 - total))
    else:
        if not all(e.is_nonnegative for e in c.values()):
            raise DoesNotApply("it is not clear that its level at rest is the only one; give numbers")
        least = min(c)  # by Descartes' rule of signs the polynomial has one positive root
        equation = (1 - total) * LEVEL ** (top - least) - sum(e * LEVEL ** (k - least) for k, e in c.items())
        value = Root(equation, LEVEL, 0, sp.oo)
    return _Level(value, rest.error.subs(LEVEL, value), None, None, where)


def _only_level(system: MomentSystem, rest: RestingModes, modes: Modes, mode: sp.Expr) -> _Level:
    """The level for transcendental c1 and I, as the one root that :func:`~symhigh.closed.residual.grows_slower` allows.

    There ``I/(c1 P)`` does not rise in P = Q + ω²; where f' rises, ``c1 P = E r f'`` does. So ``I^a c1^{-b}/Q``
    = ``(I/(c1 P))^a (c1 P)^{a-b} P^{b-1} (P/Q)`` falls for 0 ≤ a ≤ b ≤ 1, and a sum of such terms is Q once.
    """
    rule, problem = system.rule, system.problem
    sampled = rule.rate is not None and rule.rate.has(gradient_square)
    if not grows_slower(problem, rule.rate if sampled else sp.S.One):
        raise DoesNotApply("one level is shown for losses that grow no faster than a square, Gaussian noise only")
    some = sp.symbols("s:2", positive=True, cls=sp.Dummy)
    terms = sp.Add.make_args(sp.expand(sp.powdenest(mode)))
    for term in terms:
        a, b = (sp.simplify(s * sp.diff(term, s) / term) for s in (NOISE, SLOPE))
        falls = a.is_number and b.is_number and 0 <= a <= -b <= 1
        if not (falls and term.subs({NOISE: 1, SLOPE: 1, lam: some[0], gamma: some[1]}).is_nonnegative):
            raise DoesNotApply(f"the modes' part {mode} of Q has not one level for sure")
    if not has_noise(system) and mode.subs(NOISE, 0) == 0:
        raise DoesNotApply("without noise it may rest at the target or away from it")
    held = {s: e.subs(error_square, LEVEL) for s, e in rest.held}
    value = Root(_mean(modes, mode).xreplace(held) / LEVEL - 1, LEVEL, 0, sp.oo)
    return _Level(value, value, None, None, ())


def _powers(mode: sp.Expr) -> dict[int, sp.Expr]:
    """The coefficients of powers of the level, negative ones included."""
    top, bottom = (sp.Poly(part, LEVEL) for part in sp.fraction(sp.cancel(mode)))
    if len(bottom.terms()) > 1:
        raise DoesNotApply(f"the modes' part {mode} of Q is no sum of powers of its level: not one root for sure")
    (((shift,), below),) = bottom.terms()
    return {k - shift: c / below for (k,), c in top.terms()}


def _mean(modes: Modes, summand: sp.Expr) -> sp.Expr:
    """The average over the spectrum; what a continuous law has no closed form for is refused."""
    try:
        return modes.mean(sp.powsimp(sp.expand(sp.cancel(summand))))
    except (ValueError, sp.PolynomialError) as reason:
        raise DoesNotApply(f"an average over the spectrum has no closed form ({reason})") from reason


def _threshold(total: sp.Expr) -> sp.Expr:
    """γ where Φ is one, Φ being linear in γ; infinite where it does not depend on γ, as without momentum's share."""
    slope = sp.diff(total, gamma)
    if sp.simplify(sp.diff(slope, gamma)) != 0:
        return _root(total)
    return factored((1 - total.subs(gamma, 0)) / slope) if slope != 0 else sp.oo


def _root(total: sp.Expr) -> sp.Expr:
    return Root(total - 1, gamma, 0, sp.oo)


def _stable(rest: RestingModes, core: list[int]) -> tuple[sp.Basic, ...]:
    """The signs under which a mode's own drift pulls it back, where they do not follow from those of the parameters."""
    A = rest.drift[0].extract(core, core)
    needed = [-A.trace()] + ([A.det()] if A.rows == 2 and len(rest.drift) == 1 else [])
    needed = [factored(e) for e in needed]
    return positive(*(e for e in needed if not e.is_positive and not (e / lam).is_positive and not e.has(lam)))


def growing_limits(question: Question) -> Formulas:
    """The excess risk of modes that follow cells which grow for ever: AdaGrad with label noise.

    Where cells grow like t the noise of a step dies out, so late modes stand where they would rest with the cells of
    that moment, as their own decay times t grows without bound.
    """
    system = question.system
    rest = resting_modes(system, grown=True)
    modes = read_modes(question.spectrum, question.start)
    if not rest.cells:
        raise DoesNotApply("it has no cells")
    weight, offset = rest.relative(system.field.effective[0] - rest.target)
    core = rest.core(weight)
    (drift,), (moments,) = rest.drift, rest.moments(core)
    pulls = list(drift.extract(core, core))
    if offset != 0 or len(pulls) > 1 or any(sp.limit(1 / (pull * t), t, sp.oo) != 0 for pull in pulls):
        raise DoesNotApply("its modes do not follow the cells")
    small = sp.Matrix([weight[i] for i in core])
    (spread,) = small.T * moments * small
    mode = sp.powdenest(sp.simplify(lam * spread * sp.sqrt(t)))
    error = _mean(modes, mode) / sp.sqrt(t)
    least, slope = (_at_target(e) for e in (rest.risk, sp.diff(rest.risk, error_square)))
    late = factored(sp.simplify(slope * error * sp.sqrt(t))) / sp.sqrt(t)
    if (late * sp.sqrt(t)).has(t):
        raise DoesNotApply(f"its excess risk does not fall like 1/√t: {late}")
    words = "the excess risk for large t, up to a relative error of the order of 1/√t"
    found = {
        "learning_rate": Formula(rest.rate, (), SOURCE, "the numerator of the learning rate"),
        "risk": Formula(least, (), SOURCE, "the limiting risk"),
        "excess_risk": Formula(sp.S.Zero, (), SOURCE, "the limiting excess risk"),
        "excess_risk_asymptotic": Formula(late, positive(modes.edge), SOURCE, words),
    }
    return _measured(system, modes, rest, found)


def _outputs(
    system: MomentSystem, rest: RestingModes, modes: Modes, level: sp.Expr, where: tuple[sp.Basic, ...]
) -> Formulas:
    """Risk of other weights than those that the samples see, as averages are, linear in second moments."""
    everything = list(range(len(rest.vectors)))
    found: Formulas = {}
    for name, output in system.field.outputs.items():
        if not name.endswith("risk") or output.is_Symbol:
            continue
        orders = _series(system, rest, output.subs(dict(rest.numbers)), rest.moments(everything))
        if orders is None and name == "risk":
            raise DoesNotApply("the risk of the weights that it reports is no second moment")
        if orders is None:
            continue
        head, values = name.removesuffix("risk"), [_mean(modes, e.subs(LEVEL, level)) for e in orders]
        least = _at_target(rest.risk)
        words = f"the {name.replace('_', ' ')}"
        found[f"{head}risk"] = Formula(factored(least + values[0]), where, SOURCE, f"{words} in the limit")
        found[f"{head}excess_risk"] = Formula(factored(values[0]), where, SOURCE, f"its excess in the limit, {words}")
        if len(values) > 1 and values[0] == 0:
            bound, text = (*where, *positive(modes.edge)), f"the excess of {words}, up to O(1/t²)"
            found[f"{head}excess_risk_asymptotic"] = Formula(factored(values[1]) / t, bound, SOURCE, text)
    return found


def _series(
    system: MomentSystem, rest: RestingModes, output: sp.Expr, S: list[sp.Matrix]
) -> list[sp.Expr] | None:
    """The excess of an output as ``Σ_k t^{-k} ∫ e_k dμ``; the e_k, or None for an output that is not linear."""
    summands = {r.name: r.summand for r in system.field.couplings if r.name in output.free_symbols}
    form = sp.expand(output)
    linear = form.is_polynomial(*summands) and all(sp.degree(form, name) <= 1 for name in summands)
    if not linear or form.has(error_square):
        return None
    quadratic = sum((form.coeff(name) * summand for name, summand in summands.items()), sp.S.Zero)
    left = form.subs(dict.fromkeys(summands, 0)) - rest.risk.subs(error_square, 0)
    if left != 0 and sp.simplify(left) != 0:
        return None
    new = [sp.Dummy(v.name) for v in rest.vectors]
    put = {
        v: t**n * (r + k * rest.target)
        for v, r, k, n in zip(rest.vectors, new, rest.shift, rest.scale, strict=True)
    }
    expr = sp.expand(quadratic.subs(inverse_time, 1 / t).subs(put, simultaneous=True))
    poly = sp.Poly(expr, *new, rest.target)
    total = [sp.S.Zero] * len(S)
    for powers, c in poly.terms():
        at = [i for i, n in enumerate(powers) for _ in range(n)]
        if len(at) != 2 or c.has(t):
            return None
        if at[0] == at[1] == len(new):
            total[0] += c * V22
        elif at[1] < len(new):
            total = [e + c * s[at[0], at[1]] for e, s in zip(total, S, strict=True)]
    kept = [sp.cancel(e) for e in total[:2]]
    return None if any(e.atoms(sp.Dummy) - {LEVEL} for e in kept) else kept
