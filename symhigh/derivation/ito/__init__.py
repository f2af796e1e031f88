"""The Itô toolbox: SDEs as typed objects, their calculus, their invariants, their densities and moments.

Used by the derivation of diagonal networks and of homogenized SGD; knows no loss and no rule.
Sources: Øksendal, *Stochastic Differential Equations*; Risken, *The Fokker-Planck Equation*.
"""

from symhigh.derivation.ito.calculus import (
    Differential,
    change_of_variables,
    covariation,
    generator,
    ito_formula,
)
from symhigh.derivation.ito.densities import fokker_planck, kolmogorov_backward, stationary_density
from symhigh.derivation.ito.invariants import (
    Decay,
    combinations_without_noise,
    decays,
    noise_free,
    with_generator,
)
from symhigh.derivation.ito.lamperti import AdditiveCoordinate, additive_coordinates
from symhigh.derivation.ito.moments import MomentSystem, NotClosed, complete, moment_equations
from symhigh.derivation.ito.sde import ItoSDE, StratonovichSDE

__all__ = [
    "AdditiveCoordinate",
    "Decay",
    "Differential",
    "ItoSDE",
    "MomentSystem",
    "NotClosed",
    "StratonovichSDE",
    "additive_coordinates",
    "change_of_variables",
    "combinations_without_noise",
    "complete",
    "covariation",
    "decays",
    "fokker_planck",
    "generator",
    "ito_formula",
    "kolmogorov_backward",
    "moment_equations",
    "noise_free",
    "stationary_density",
    "with_generator",
]
