"""The SymPy symbols that problems, rules and limits are written in.

Stands before every room of the pipeline. Notation follows *The High Line* (arXiv 2405.19585): a sample is
``(a, eps)``, the prediction ``x = <a, X>``, the target ``x_star = <a, X*>``, and ``B`` the covariance of
``(x, x_star)``. Time is steps divided by d.
"""

from __future__ import annotations

from typing import Any

import sympy as sp


class OwnedSymbol(sp.Symbol):  # type: ignore[misc]
    """A symbol that belongs to ``owner``: different from every symbol of the same name that belongs to somebody else.

    The library's own symbols are of this class, so that a user's ``sp.Symbol("tau", positive=True)`` is never taken
    for ``Tr(K)/d``; the symbols of a loss and of a rule become owned when they enter a derivation. It prints by its
    name alone.
    """

    __slots__ = ("owner",)

    def __new__(cls, name: str, owner: str = "symhigh", **assumptions: Any) -> OwnedSymbol:
        cls._sanitize(assumptions, cls)
        symbol = sp.Symbol.__xnew__(cls, name, **assumptions)
        symbol.owner = owner
        return symbol

    def __getnewargs_ex__(self) -> tuple[tuple[str, str], dict[str, Any]]:
        return (self.name, self.owner), self._assumptions_orig

    @classmethod
    def class_key(cls) -> tuple[int, int, str]:
        return sp.Symbol.class_key()

    def sort_key(self, order: Any = None) -> Any:
        return self.class_key(), (2, (self.name, self.owner)), sp.S.One.sort_key(), sp.S.One

    def _hashable_content(self) -> tuple[Any, ...]:
        return (*super()._hashable_content(), self.owner)


def owned(symbol: sp.Symbol, owner: str, value: sp.Expr | None = None) -> OwnedSymbol:
    """``symbol`` in the scope of ``owner``; where its ``value`` is a number, with what that number says of its sign."""
    known = {key: truth for key, truth in symbol.assumptions0.items() if key != "commutative"}
    if value is not None and value.is_number and value.is_real:
        known = {"real": True, **({} if value == 0 else {"positive": bool(value > 0)}), **symbol._assumptions_orig}
    return OwnedSymbol(symbol.name, owner, **known)


def product_symbol(name: str, square: bool) -> OwnedSymbol:
    """The name of an average of a product, nonnegative where it is one of squares."""
    return OwnedSymbol(name, nonnegative=True) if square else OwnedSymbol(name, real=True)


# --- one sample -----------------------------------------------------------------------------------------
x = OwnedSymbol("x", real=True)
x_star = OwnedSymbol("x_star", real=True)
eps = OwnedSymbol("eps", real=True)
y = OwnedSymbol("y", real=True)
"""A sampled label; its law is stated by ``Problem(labels=...)``."""

# --- what a discrete rule may refer to --------------------------------------------------------------------
d = OwnedSymbol("d", positive=True, integer=True)
"""The dimension."""
t = OwnedSymbol("t", nonnegative=True)
"""Time, steps divided by d."""
gradient_square = OwnedSymbol("gradient_square", nonnegative=True)
"""``||grad f||^2`` of the current sample, of order d."""
sample_loss = OwnedSymbol("sample_loss", real=True)
"""The loss of the current sample, of order 1."""
distance = OwnedSymbol("distance", nonnegative=True)
"""``||X - X*||^2``, as an objective and as an output."""
norm = OwnedSymbol("norm", nonnegative=True)
"""``||X||^2``."""
overlap = OwnedSymbol("overlap", real=True)
"""``<X, X*>``."""
batch_size = OwnedSymbol("m", positive=True, integer=True)
"""Samples a step."""
target_norm = OwnedSymbol("target_norm", nonnegative=True)
"""``||X*||^2``."""
risk = OwnedSymbol("risk", real=True)
"""The population risk, as an objective and as an output."""


# --- the entries that one step of a rule moves ------------------------------------------------------------
X = OwnedSymbol("X", real=True)
"""An entry of the iterate, of order ``d^(-1/2)``; in a mean-field limit, that entry times ``sqrt(d)``."""
G = OwnedSymbol("G", real=True)
"""The gradient's entry, of order one."""
g = OwnedSymbol("g", nonnegative=True)
"""The learning rate of the step."""
X0 = OwnedSymbol("X_0", real=True)
"""The entry of X at the start, where a rule states ``fixed = {X0: X}``."""
X_STAR = OwnedSymbol("X_star", real=True)
"""The entry of the target."""
xi = OwnedSymbol("xi", real=True)
"""A standard normal of the step's own, independent for every entry and step."""
xi_star = OwnedSymbol("xi_star", real=True)
"""Another one, for what moves the target."""
inverse_time = OwnedSymbol("t_inverse", nonnegative=True)
"""1/t, and 0 at t = 0, where what it multiplies vanishes."""


class Total(sp.Function):  # type: ignore[misc]
    """The sum over all coordinates of an expression in their entries, such as ``Total((X - X0)**2)``."""

    nargs = 1


moved = Total((X - X0) ** 2)
"""``||X - X0||^2``, how far the iterate is from where it started."""

# --- the limit --------------------------------------------------------------------------------------------
B11 = OwnedSymbol("B11", nonnegative=True)
B12 = OwnedSymbol("B12", real=True)
B22 = OwnedSymbol("B22", nonnegative=True)
omega = OwnedSymbol("omega", nonnegative=True)
"""Standard deviation of the label noise."""
gamma = OwnedSymbol("gamma", nonnegative=True)
"""The deterministic learning rate."""
lam = OwnedSymbol("lambda", nonnegative=True)
"""An eigenvalue of the data covariance K."""
weight = OwnedSymbol("w", positive=True)
"""The fraction of the d modes that a class of equal modes stands for."""
tau = OwnedSymbol("tau", positive=True)
"""``Tr(K)/d``."""
kappa2 = OwnedSymbol("kappa_2", positive=True)
"""``Tr(K^2)/d``."""
V11 = OwnedSymbol("V11", nonnegative=True)
V12 = OwnedSymbol("V12", real=True)
V22 = OwnedSymbol("V22", nonnegative=True)
V10 = OwnedSymbol("V10", real=True)
"""``d X_i X0_i`` of a mode, with X0 the start; V00 and V20 likewise."""
V00 = OwnedSymbol("V00", nonnegative=True)
V20 = OwnedSymbol("V20", real=True)
D2 = OwnedSymbol("D2", nonnegative=True)
"""``V11 - 2 V12 + V22`` of one mode, its share of the squared distance times d."""
along_target = OwnedSymbol("along_target", real=True)
"""``d (X_i - X*_i) X*_i`` of a mode, or ``-d (X_i + X*_i) X*_i``: what is left of V12 - V22 beside D2."""
along_start = OwnedSymbol("along_start", real=True)
"""``d (X_i - X*_i) X0_i`` of a mode."""
shift_square = OwnedSymbol("shift_square", nonnegative=True)
"""``d (X_i - X0_i)²`` of a mode; :data:`shift_target` and :data:`shift_start` are its products with X* and X0."""
shift_target = OwnedSymbol("shift_target", real=True)
shift_start = OwnedSymbol("shift_start", real=True)
error_square = OwnedSymbol("Q", nonnegative=True)
"""``E(x - x_star)^2 = B11 - 2 B12 + B22``."""
c1 = OwnedSymbol("c1", real=True)
"""``E df'/dx``."""
c2 = OwnedSymbol("c2", real=True)
"""``E df'/dx_star``."""
gradient_noise = OwnedSymbol("I", nonnegative=True)
"""``E f'^2``."""
