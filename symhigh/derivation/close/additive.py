"""The additive-noise coordinate of a network: one coordinate's SDE, and the change of variables that straightens it.

Serves the closure by a density. Rates, slopes and noise enter as functions of time, so one search holds for every loss
and every scalar rule. symhigh's own model (see ``problem/network.py``); steps in ``derivations/diagonal_networks``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import sympy as sp

from symhigh.derivation.ito import ItoSDE, additive_coordinates, generator, ito_formula
from symhigh.derivation.mean_field import mean_field
from symhigh.derivation.state import state
from symhigh.meanfield import MeanField
from symhigh.problem import least_squares
from symhigh.problem.model import Parametrization, u, v
from symhigh.problem.network import eta
from symhigh.rule import Constant
from symhigh.rule.constant import RATE
from symhigh.symbols import OwnedSymbol, gamma, gradient_noise, risk

alpha = OwnedSymbol("alpha", "network", real=True)
xi = OwnedSymbol("xi", "network", real=True)
side_w = OwnedSymbol("s_w", "network", real=True)
side_z = OwnedSymbol("s_z", "network", real=True)
"""Signs in {−1, 0, 1} of the two linear forms that carry the coordinates; 0 is the boundary."""


class NoReduction(ArithmeticError):
    """Raised where the coordinate's law does not obey a one-dimensional Fokker-Planck equation."""


@dataclass(frozen=True)
class Reduction:
    """``(u, v) = inverse(α, ξ)``: α deterministic, ξ with noise that depends on time alone.

    ``sde`` has states (α, ξ); ``inverse`` holds u and v in terms of α, ξ and the two signs, ``forms`` the
    linear forms whose logarithms are ``α ± ξ``, ``effective`` is ``θ(α, ξ)``.
    """

    sde: ItoSDE
    forms: tuple[sp.Expr, sp.Expr]
    inverse: dict[sp.Symbol, sp.Expr]
    effective: sp.Expr


@lru_cache(maxsize=64)
def coordinate_sde(parametrization: Parametrization) -> ItoSDE:
    """The Itô SDE of one coordinate under least squares at the constant step η, diagonal K; R is a function of time."""
    statement, _ = state(least_squares(OwnedSymbol("omega", nonnegative=True), parametrization), Constant(eta))
    return sde_of(mean_field(statement)).subs({RATE: eta})


def sde_of(field: MeanField) -> ItoSDE:
    """The mean field of one coordinate as an Itô SDE driven by one Brownian motion, averages being functions of time.

    Averages that are rational, a rate that is a parameter, and a gradient noise that is twice the risk are put in.
    """
    known = {x.name: x.expression for x in field.scalars}
    shown = {name: value for name, value in known.items() if value.is_Rational and name != gamma}
    if gradient_noise in known and sp.expand(known[gradient_noise] - 2 * known[risk]) == 0:
        shown[gradient_noise] = 2 * risk
    if known[gamma].is_Symbol:
        shown[gamma] = known[gamma]
    if field.noise is None or field.noise.cols != 1:
        raise NoReduction("the step draws more than one random number of its own for a coordinate")
    return ItoSDE(
        field.coordinates, tuple(b.subs(shown) for b in field.drift), sp.Matrix(field.noise.subs(shown))
    )


def reduce(parametrization: Parametrization) -> Reduction:
    """The reduction under least squares at the constant step η, see :func:`reduction_of`."""
    return reduction_of(coordinate_sde(parametrization), parametrization)


@lru_cache(maxsize=512)
def reduction_of(sde: ItoSDE, parametrization: Parametrization) -> Reduction:
    """Find ``(α, ξ)`` and check, by Itô's formula on the inverse, that they carry the coordinate on all
    sides.

    Raises :class:`NoReduction` where the noise-free combination of the additive coordinates is not
    deterministic.
    """
    try:
        first, second = additive_coordinates(sde)
    except ValueError as error:
        raise NoReduction(f"{parametrization}: {error}") from error
    if sp.simplify(first.noise + second.noise) != 0:
        raise NoReduction(f"the additive coordinates {first.expression}, {second.expression} have noises "
                          f"{first.noise}, {second.noise}: no equal and opposite pair")  # fmt: skip
    calm, noisy = (first.expression + second.expression) / 2, (first.expression - second.expression) / 2
    drift = [sp.cancel(sp.together(generator(sde, f))) for f in (calm, noisy)]
    if drift[0].has(u, v):
        raise NoReduction(
            f"{calm} carries no noise, but its drift {sp.factor(drift[0])} depends on the state: it is "
            "random, "
            "and the law of a coordinate stays two-dimensional; simulate it instead"
        )
    forms = (first.expression.args[0], second.expression.args[0])
    sides = (side_w * sp.exp(alpha + xi), side_z * sp.exp(alpha - xi))
    inverse = {
        s: sp.expand(e)
        for s, e in sp.solve([f - e for f, e in zip(forms, sides, strict=True)], (u, v)).items()
    }
    effective = sp.expand(sp.powsimp(sp.expand(parametrization.effective.subs(inverse))))
    pull = sp.expand(drift[1].subs(inverse))
    reduced = ItoSDE((alpha, xi), (drift[0], sp.powsimp(pull)), sp.Matrix([0, first.noise]))
    for entry, drift_there, noise_there in zip(sde.states, sde.drift, sde.diffusion, strict=True):
        image = ito_formula(reduced, inverse[entry])
        gaps = (image.drift - drift_there.subs(inverse), image.noise[0] - noise_there.subs(inverse))
        if any(sp.simplify(sp.expand(gap)) != 0 for gap in gaps):
            raise ArithmeticError(f"reduce: Itô's formula does not return the SDE of {entry}; gaps {gaps}")
    return Reduction(reduced, forms, inverse, effective)
