"""What is to be optimised: losses, label noise, networks."""

from symhigh.problem.losses import (
    absolute_phase_retrieval,
    erf_student,
    hermite_student,
    hinge,
    huber,
    least_squares,
    logistic_regression,
    phase_retrieval,
    probit_regression,
    pseudo_huber,
    quantile,
    relu_student,
    sign_regression,
    squared_hinge,
    student,
    tanh_student,
)
from symhigh.problem.network import DiagonalNetwork, NetworkClasses
from symhigh.problem.noise import Contaminated, Gaussian, Laplace, NoiseLaw, Rademacher, StudentT
from symhigh.problem.problem import Problem

__all__ = [
    "Contaminated",
    "DiagonalNetwork",
    "Gaussian",
    "Laplace",
    "NetworkClasses",
    "NoiseLaw",
    "Problem",
    "Rademacher",
    "StudentT",
    "absolute_phase_retrieval",
    "erf_student",
    "hermite_student",
    "hinge",
    "huber",
    "least_squares",
    "logistic_regression",
    "phase_retrieval",
    "probit_regression",
    "pseudo_huber",
    "quantile",
    "relu_student",
    "sign_regression",
    "squared_hinge",
    "student",
    "tanh_student",
]
