"""The losses that symhigh knows by name, each a statement of one line.

First room of the pipeline. Each file holds a family; sources and golden answers stand with each loss.
"""

from symhigh.problem.losses.classification import (
    hinge,
    logistic_regression,
    probit_regression,
    sigmoid,
    squared_hinge,
)
from symhigh.problem.losses.phase import absolute_phase_retrieval, phase_retrieval
from symhigh.problem.losses.robust import HUBER_THRESHOLD, huber, pseudo_huber, quantile
from symhigh.problem.losses.squares import (
    erf_student,
    hermite_student,
    least_squares,
    relu_student,
    sign_regression,
    student,
    tanh_student,
)

__all__ = [
    "HUBER_THRESHOLD",
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
    "sigmoid",
    "sign_regression",
    "squared_hinge",
    "student",
    "tanh_student",
]
