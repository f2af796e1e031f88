"""The SymPy symbols that problems, rules and limits are written in.

Stands before every room of the pipeline. Notation follows *The High Line* (arXiv 2405.19585): a sample is
``(a, eps)``, the prediction ``x = <a, X>``, the target ``x_star = <a, X*>``, and ``B`` the covariance of
``(x, x_star)``. Time is steps divided by d.
"""

from __future__ import annotations

import sympy as sp

# --- one sample -----------------------------------------------------------------------------------------
x = sp.Symbol("x", real=True)
x_star = sp.Symbol("x_star", real=True)
eps = sp.Symbol("eps", real=True)
y = sp.Symbol("y", real=True)
"""A sampled label; its law is stated by ``Problem(labels=...)``."""

# --- what a discrete rule may refer to --------------------------------------------------------------------
d = sp.Symbol("d", positive=True, integer=True)
"""The dimension."""
t = sp.Symbol("t", nonnegative=True)
"""Time, steps divided by d."""
gradient_square = sp.Symbol("gradient_square", nonnegative=True)
"""``||grad f||^2`` of the current sample, of order d."""
sample_loss = sp.Symbol("sample_loss", real=True)
"""The loss of the current sample, of order 1."""
distance = sp.Symbol("distance", nonnegative=True)
"""``||X - X*||^2``, as an objective and as an output."""
norm = sp.Symbol("norm", nonnegative=True)
"""``||X||^2``."""
overlap = sp.Symbol("overlap", real=True)
"""``<X, X*>``."""
moved = sp.Symbol("moved", nonnegative=True)
"""``||X - X0||^2``, how far the iterate is from where it started."""
batch_size = sp.Symbol("m", positive=True, integer=True)
"""Samples a step."""
ridge = sp.Symbol("kappa", nonnegative=True)
"""The weight decay: a step adds ``ridge X`` to the gradient."""
target_norm = sp.Symbol("target_norm", nonnegative=True)
"""``||X*||^2``."""
risk = sp.Symbol("risk", real=True)
"""The population risk, as an objective and as an output."""

# --- the limit --------------------------------------------------------------------------------------------
B11 = sp.Symbol("B11", nonnegative=True)
B12 = sp.Symbol("B12", real=True)
B22 = sp.Symbol("B22", nonnegative=True)
omega = sp.Symbol("omega", nonnegative=True)
"""Standard deviation of the label noise."""
gamma = sp.Symbol("gamma", nonnegative=True)
"""The deterministic learning rate."""
lam = sp.Symbol("lambda", nonnegative=True)
"""An eigenvalue of the data covariance K."""
weight = sp.Symbol("w", positive=True)
"""The fraction of the d modes that a class of equal modes stands for."""
tau = sp.Symbol("tau", positive=True)
"""``Tr(K)/d``."""
kappa2 = sp.Symbol("kappa_2", positive=True)
"""``Tr(K^2)/d``."""
V11 = sp.Symbol("V11", nonnegative=True)
V12 = sp.Symbol("V12", real=True)
V22 = sp.Symbol("V22", nonnegative=True)
V10 = sp.Symbol("V10", real=True)
"""``d X_i X0_i`` of a mode, with X0 the start; V00 and V20 likewise."""
V00 = sp.Symbol("V00", nonnegative=True)
V20 = sp.Symbol("V20", real=True)
D2 = sp.Symbol("D2", nonnegative=True)
"""``V11 - 2 V12 + V22`` of one mode, its share of the squared distance times d."""
along_target = sp.Symbol("along_target", real=True)
"""``d (X_i - X*_i) X*_i`` of a mode, or ``-d (X_i + X*_i) X*_i``: what is left of V12 - V22 beside D2."""
shift_square = sp.Symbol("shift_square", nonnegative=True)
"""``d (X_i - X0_i)²`` of a mode; :data:`shift_target` and :data:`shift_start` are its products with X* and X0."""
shift_target = sp.Symbol("shift_target", real=True)
shift_start = sp.Symbol("shift_start", real=True)
error_square = sp.Symbol("Q", nonnegative=True)
"""``E(x - x_star)^2 = B11 - 2 B12 + B22``."""
c1 = sp.Symbol("c1", real=True)
"""``E df'/dx``."""
c2 = sp.Symbol("c2", real=True)
"""``E df'/dx_star``."""
gradient_noise = sp.Symbol("I", nonnegative=True)
"""``E f'^2``."""
