"""One table of experiments, used by the tests of every room."""

from dataclasses import dataclass

import symhigh as sh


@dataclass(frozen=True)
class Scenario:
    problem: sh.Problem
    rule: sh.Rule
    spectrum: sh.Spectrum
    start: sh.Start
    t_end: float


ISOTROPIC = sh.Spectrum.isotropic()
TWO_HALVES = sh.Spectrum.from_eigenvalues([1.0, 0.25])
START = sh.Start(x0=0.5, x_star=1.0, overlap=0.3)

SCENARIOS = {
    "least squares, constant": Scenario(sh.least_squares(0.5), sh.Constant(0.7), TWO_HALVES, START, 4.0),
    "least squares, AdaGrad-Norm": Scenario(
        sh.least_squares(1), sh.AdaGradNorm(1, 0.3), ISOTROPIC, sh.Start(), 5.0
    ),
    "least squares, line search": Scenario(sh.least_squares(), sh.LineSearch(), TWO_HALVES, START, 4.0),
    "least squares, Polyak": Scenario(sh.least_squares(0.2), sh.Polyak(), TWO_HALVES, START, 4.0),
    "Huber, schedule": Scenario(sh.huber(0.8, 0.5), sh.Schedule(1 / (1 + sh.t)), TWO_HALVES, START, 4.0),
    "logistic, AdaGrad-Norm": Scenario(
        sh.logistic_regression(), sh.AdaGradNorm(2, 1), TWO_HALVES, START, 4.0
    ),
    "logistic, sampled, line search": Scenario(
        sh.logistic_regression(True), sh.LineSearch(), TWO_HALVES, START, 2.0
    ),
    "phase retrieval, constant": Scenario(
        sh.phase_retrieval(), sh.Constant(0.1), ISOTROPIC, sh.Start(0.5, 1, 0.4), 4.0
    ),
}
