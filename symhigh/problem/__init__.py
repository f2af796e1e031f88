"""What is to be optimised: losses, label noise, networks."""

from symhigh.problem.committee import committee
from symhigh.problem.learnt import Learnt
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
from symhigh.problem.mixture import Mixture
from symhigh.problem.model import LINEAR, PRODUCT, SQUARES, Model, Parametrization, powers
from symhigh.problem.network import DiagonalNetwork
from symhigh.problem.noise import Contaminated, Gaussian, Laplace, NoiseLaw, Rademacher, StudentT
from symhigh.problem.problem import Problem
from symhigh.problem.several import MultiIndex
from symhigh.problem.softmax import softmax

__all__ = [
    "LINEAR",
    "PRODUCT",
    "SQUARES",
    "Contaminated",
    "DiagonalNetwork",
    "Gaussian",
    "Laplace",
    "Learnt",
    "Mixture",
    "Model",
    "MultiIndex",
    "NoiseLaw",
    "Parametrization",
    "Problem",
    "Rademacher",
    "StudentT",
    "absolute_phase_retrieval",
    "committee",
    "erf_student",
    "hermite_student",
    "hinge",
    "huber",
    "least_squares",
    "logistic_regression",
    "phase_retrieval",
    "powers",
    "probit_regression",
    "pseudo_huber",
    "quantile",
    "relu_student",
    "sign_regression",
    "softmax",
    "squared_hinge",
    "student",
    "tanh_student",
]
