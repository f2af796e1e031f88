"""How far one run strays from its limit, and its mean: the linear theory around a limit, to order 1/d.

A pass after the derivation. A step of SGD is ``y⁺ = y + (1/d) h(sample)`` for the states y of the modes and the rule's
memories. With ``F = E h``, ``Σ = Cov h``, ``J = ∂F/∂y`` the scaled deviation ``√d (y_d - y)`` has a covariance C and
``E y_d = y + m/d``,

    dC/dt = J C + C Jᵀ + Σ,     dm/dt = J m + ½ F″:C + B₁ - ½ d²y/dt²,

with ``B₁`` the part of order 1/d of ``E h`` at finite d. Derived here; for a constant rate this is the diffusion
approximation of Kurtz (*Solutions of ordinary differential equations as limits of pure jump Markov processes*, 1970).

The increments. With s_q = <a_i, W_q> the share of mode i in prediction q and φ_p = γ F_p,
``h_pq = -φ_p s_q - φ_q s_p + φ_p φ_q λ``. Given the predictions z the shares are Gaussian, ``Cov(s_q, z_k) = λ V_qk``,
so by Stein's lemma E over many modes becomes one over z:

    E[G s_q s'_r] = δ λ V_qr E G/w + λ V_qk λ' V'_rl E ∂_k ∂_l G,     E[G s_q] = λ V_qk E ∂_k G:

Σ is a small block on each mode, over its weight w, plus ``features · core · featuresᵀ`` with few features: one for each
(p, k), the part of a step along z_k, one for each φ_p φ_r, and one for each memory. Steps that are not linear in the
gradient, and cells, are of the same shape (:mod:`symhigh.derivation.kicks`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations_with_replacement

import sympy as sp

from symhigh.derivation.chain import Chain
from symhigh.derivation.close import closed_by_moments
from symhigh.derivation.close.refusal import no_fluctuations
from symhigh.derivation.entrywise import Entrywise
from symhigh.derivation.increments import Increments, table
from symhigh.derivation.invariance import sees_error_alone
from symhigh.derivation.limit import derive
from symhigh.derivation.mean_field import rotation_invariant
from symhigh.derivation.nodes import AtNodes, Nodes, at_nodes
from symhigh.derivation.sample import OneSample, sample_of
from symhigh.derivation.shift import Shift
from symhigh.derivation.state import Statement, state
from symhigh.derivation.state_checks import KNOWN
from symhigh.meanfield import Family, Reduction, Scalar
from symhigh.problem.learnt import refuse_learnt
from symhigh.symbols import D2, OwnedSymbol, inverse_time, lam, t
from symhigh.system import MomentSystem


@dataclass(frozen=True, eq=False)
class Mean:
    """What the equation of m needs beyond that of C; second derivatives in the states v of a mode and in z.

    ``inner`` p × p × p (v, v), ``mixed`` p × p × n (v, z), ``outer`` p × n × n of the drift of the modes, ``memory`` of
    the memories' and ``outputs`` of the outputs; ``shift`` and ``memory_shift`` are B₁.
    """

    inner: sp.Array
    mixed: sp.Array
    outer: sp.Array
    memory: sp.Array
    outputs: sp.Array
    shift: tuple[sp.Expr, ...]
    memory_shift: tuple[sp.Expr, ...]


@dataclass(frozen=True, eq=False)
class Deviations:
    """The linear theory of ``system``: expressions in the symbols of a mode, in scalars, and in names of ``shared``.

    ``coupling`` z holds the averages that move and the memories. Of J: ``block`` ∂F/∂v (p × p), ``border`` ∂F/∂z
    (p × n), ``reading`` ∂z/∂v over the weight (averages × p), ``memory`` (memories × n). Of Σ: ``spread`` (p × p),
    ``features`` (p × f), ``core`` (f + memories, square). ``gradients`` (outputs × n); ``in_time`` and
    ``memory_in_time`` are ∂F/∂t. ``mean`` is None where ``why`` says that the bias is not known. The names that
    ``nodes`` asks for are parameters of ``system``, behind its own. The last ``beside`` states of its family serve the
    mean alone (:mod:`symhigh.derivation.entrywise`), and are none of the linear theory.
    """

    system: MomentSystem
    coupling: tuple[sp.Symbol, ...]
    shared: tuple[tuple[sp.Symbol, sp.Expr], ...]
    block: sp.Matrix
    border: sp.Matrix
    reading: sp.Matrix
    memory: sp.Matrix
    spread: sp.Matrix
    features: sp.Matrix
    core: sp.Matrix
    gradients: sp.Matrix
    in_time: tuple[sp.Expr, ...]
    memory_in_time: tuple[sp.Expr, ...]
    mean: Mean | None
    why: str
    nodes: Nodes | None = None
    beside: int = 0

    @property
    def averages(self) -> int:
        """How many entries of z are averages; the memories follow."""
        return int(self.reading.shape[0])

    @cached_property
    def bent(self) -> list[int]:
        """The outputs that hold averages not linear in a mode's states, whose bias is not that of ``mean``."""
        curved = [k for k in range(self.averages) if self.reading.row(k).has(*self.system.family.states)]
        return [o for o in range(self.gradients.rows) if any(self.gradients[o, k] != 0 for k in curved)]


def check_closure(system: MomentSystem) -> None:
    """Refuses systems that are not closed by second moments."""
    if not closed_by_moments(system):
        raise ValueError(no_fluctuations(system))


def deviations(system: MomentSystem, random_start: bool = False, numeric: bool = False) -> Deviations:
    """The linear theory around ``system``; with ``random_start`` what is fixed in a run differs between runs.

    With ``numeric`` averages without closed forms of a reasonable length are left to be taken at nodes.

    Raises ``ValueError`` for limits that are not closed by second moments, for noise in proportion to a coordinate's
    entries, for rules that divide by the time, for rules with a running maximum, which is no smooth function of the
    path, and where the increments have no variance.
    """
    check_closure(system)
    why = "whose own spread the covariance of one step does not hold yet"
    refuse_learnt("fluctuations", system.problem.learnt, why, "simulate an ensemble for its spread")
    s, _ = state(system.problem, system.rule)
    _check(s)
    if D2 in system.family.states and not (
        rotation_invariant(s) and sees_error_alone(s) and not any(map(s.uses, KNOWN))
    ):
        whole = derive(system.problem, system.rule, reduce=False)
        system = replace(whole, parameters=system.parameters)
    if any(e.has(inverse_time) for e in (*system.outputs.values(), *system.family.rhs)):
        raise ValueError(
            f"fluctuations: the rule {s.owner} divides by the time since the start, where the linear theory is "
            "singular; average with a decay, as Averaged(rule, decay) does, or simulate an ensemble for its spread"
        )
    sample = sample_of(system)
    if numeric and at_nodes(system):
        sample = AtNodes.of_sample(sample)
    extended = _extended(system, sample, random_start)
    moving = set(extended.family.states)
    averages = [r for r in extended.reductions if r.summand.free_symbols & moving]
    coupling = (*(r.name for r in averages), *(s.name for s in extended.states))
    nodal = (sample.through(), sample.again) if isinstance(sample, AtNodes) else ()
    chain = Chain(extended.scalars, coupling, *nodal)
    noise = Increments(extended, sample, chain)
    family, states = extended.family, extended.states
    border = table([[chain.along(f, z) for z in coupling] for f in family.rhs], len(coupling))
    reading = table([[sp.diff(r.summand, v) for v in family.states] for r in averages], len(family.states))
    memory = table([[chain.along(s.rhs, z) for z in coupling] for s in states], len(coupling))
    unknown = sample.unknown or _bent(border.col_join(memory), reading, family)
    mean, beside = None, Family((), (), ())
    if not unknown:
        mean, beside = _mean(extended, chain, sample, noise)
    nodes = sample.nodes() if isinstance(sample, AtNodes) else None
    asked = () if nodes is None else (name for name, *_ in nodes.asked)
    extended = replace(extended, parameters={**extended.parameters, **dict.fromkeys(asked, sp.S.Zero)})
    shared = tuple(chain.named)
    if beside.states:
        extended = _with(beside, extended, shared)
    return Deviations(
        extended,
        coupling,
        shared,
        sp.Matrix(family.rhs).jacobian(family.states),
        border,
        reading,
        memory,
        noise.spread(),
        noise.features,
        noise.core,
        table([[chain.along(g, z) for z in coupling] for g in extended.outputs.values()], len(coupling)),
        tuple(chain.along(f, t) for f in family.rhs),
        tuple(chain.along(s.rhs, t) for s in states),
        mean,
        unknown,
        nodes,
        len(beside.states),
    )


def _bent(speeds: sp.Matrix, reading: sp.Matrix, family: Family) -> str:
    """Why the bias is not derived where an average that moves others is not linear in the states of a mode."""
    for k in range(reading.rows):
        held = reading.row(k).free_symbols & set(family.states)
        if held and any(e != 0 for e in speeds.col(k)):
            return f"an average that couples the coordinates is not linear in {min(map(str, held))}"
    return ""


def _check(s: Statement) -> None:
    if s.classes:
        raise ValueError(
            "fluctuations: the data have classes, and the covariance of one step does not hold how their means add to "
            "it; simulate an ensemble for its spread"
        )
    if maxima := [m.name.name for m in s.memory if m.maximum_of is not None]:
        raise ValueError(
            f"fluctuations: the rule {s.owner} keeps a running maximum ({maxima[0]}), whose fluctuations "
            "are not those of a smooth function of the path; simulate an ensemble for its spread"
        )


def _extended(system: MomentSystem, sample: OneSample, random_start: bool) -> MomentSystem:
    """``system`` with the averages that B₁ needs; coefficients of a random start become states at rest."""
    family, reductions = system.family, list(system.reductions)
    fixed = tuple(c for c in family.coefficients if c != lam) if random_start else ()
    if fixed:
        family = Family(
            (*family.states, *fixed), (lam,), (*family.rhs, *(sp.S.Zero for _ in fixed)), family.definitions
        )
    known = {r.summand for r in reductions}
    if system.states or sample.rated:
        size = range(len(sample.predictions))
        wanted = [lam**2, *(lam**2 * sample.weight(k, l) for k, l in combinations_with_replacement(size, 2))]
        for summand in wanted:
            if summand not in known:
                name = OwnedSymbol(f"square_{len(reductions)}", real=True)
                reductions.append(Reduction(name, summand))
    return replace(system, family=family, reductions=tuple(reductions))


def _with(beside: Family, system: MomentSystem, shared: tuple[tuple[sp.Symbol, sp.Expr], ...]) -> MomentSystem:
    """``system`` with further states behind its own, and with the names that their equations hold as scalars."""
    own = system.family
    family = replace(
        own,
        states=(*own.states, *beside.states),
        rhs=(*own.rhs, *beside.rhs),
        definitions={**own.definitions, **beside.definitions},
        sizes=beside.sizes,
    )
    return replace(system, family=family, scalars=(*system.scalars, *(Scalar(name, e) for name, e in shared)))


def _mean(system: MomentSystem, chain: Chain, sample: OneSample, noise: Increments) -> tuple[Mean, Family]:
    """Second derivatives and B₁, and the further states that these hold."""
    shift = Shift(system, sample, chain, noise)
    beside, of_modes = Family((), (), ()), None
    if not rotation_invariant(sample.statement):
        alone = Entrywise(system, sample, chain, noise)
        of_modes, beside = alone.shift, alone.beside
    family, coupling = system.family, chain.coupling
    p, n = len(family.states), len(coupling)
    block = sp.Matrix(family.rhs).jacobian(family.states)
    inner = [sp.diff(block[i, j], v) for i in range(p) for j in range(p) for v in family.states]
    mixed = [chain.along(block[i, j], z) for i in range(p) for j in range(p) for z in coupling]
    mean = Mean(
        sp.Array(inner, (p, p, p)),
        sp.Array(mixed, (p, p, n)),
        chain.hessian(family.rhs),
        chain.hessian([s.rhs for s in system.states]),
        chain.hessian(list(system.outputs.values())),
        shift.modes() if of_modes is None else of_modes,
        shift.memories(),
    )
    return mean, beside
