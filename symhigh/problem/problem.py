"""A problem: the loss of one sample, its label noise, and the law of its label.

First room of the pipeline: everything later (the limit, the simulator, the closed forms) is generated from
what is stated here. Setting: *The High Line* (arXiv 2405.19585), section 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from symhigh.checks import expression, instance, mapping, parameter, rebuilt, shown
from symhigh.problem.noise import Gaussian, NoiseLaw
from symhigh.symbols import eps, x, x_star, y


@dataclass(frozen=True)
class Label:
    """One value a sampled label may take: its probability given ``x_star``, and the loss it causes."""

    probability: sp.Expr
    loss: sp.Expr


@dataclass(frozen=True)
class Problem:
    """One-pass SGD on a generalised linear model ``f(x, x_star, eps)`` with Gaussian data.

    Parameters
    ----------
    loss
        SymPy expression in ``sh.x`` (prediction ``<a, X>``), ``sh.x_star`` (target ``<a, X*>``), ``sh.eps``
        (label noise) and, where ``labels`` is given, ``sh.y``. It must contain ``x``.
    noise
        Standard deviation ω ≥ 0 of ``eps ~ N(0, ω²)``, a number or a SymPy expression; or a law of
        :mod:`symhigh.problem.noise`, such as ``StudentT(3)``.
    labels
        Law of a sampled label: ``{value: probability given x_star}``. The probabilities must sum to one.
    parameters
        Values of the loss's own symbols, ``{symbol: number}``. The loss keeps the symbol, so changing the
        number derives and compiles nothing anew.
    name
        What reports call the problem.

    Raises
    ------
    TypeError
        The loss is not a SymPy expression (text is never parsed).
    ValueError
        Foreign symbols, no ``x``, a negative or non-finite noise, probabilities that do not sum to one.
    """

    loss: sp.Expr
    noise: sp.Expr | NoiseLaw = sp.S.Zero
    labels: tuple[tuple[sp.Expr, sp.Expr], ...] = ()
    parameters: tuple[tuple[sp.Symbol, sp.Expr], ...] = ()
    name: str = field(default="custom loss", compare=False)

    def __init__(
        self,
        loss: sp.Expr,
        noise: Any = 0,
        labels: Mapping[Any, Any] | None = None,
        parameters: Mapping[sp.Symbol, Any] | None = None,
        name: str = "custom loss",
    ) -> None:
        loss = expression("Problem", "loss", loss, "a SymPy expression in sh.x, sh.x_star and sh.eps")
        value, chance = "the value of a label, a number or an expression", "the probability of a label"
        laws = tuple(
            (expression("Problem", "labels", k, value), expression("Problem", "labels", v, chance))
            for k, v in mapping("Problem", "labels", labels, "{value: probability given sh.x_star}").items()
        )
        own = tuple(
            (
                instance("Problem", "parameters", s, sp.Symbol, "{symbol: number}"),
                own_parameter("Problem", s, v),
            )
            for s, v in mapping("Problem", "parameters", parameters, "{symbol: number}").items()
        )
        _check_loss(loss, laws, {s for s, _ in own})
        object.__setattr__(self, "loss", loss)
        if isinstance(noise, Gaussian):
            noise = noise.sigma
        if not isinstance(noise, NoiseLaw):
            noise = parameter(
                "Problem", "noise", noise, positive=False, meaning="the standard deviation of the label noise"
            )
        object.__setattr__(self, "noise", noise)
        object.__setattr__(self, "labels", laws)
        object.__setattr__(self, "parameters", own)
        object.__setattr__(self, "name", instance("Problem", "name", name, str, "a string"))

    def bound(self, values: Mapping[sp.Basic, sp.Expr]) -> Problem:
        """The same problem with ``values`` put into its parameters and its noise, checked as a new one is."""
        noise = self.noise
        noise = noise.xreplace(values) if isinstance(noise, sp.Expr) else rebuilt(noise, values)
        own = {s: v.xreplace(values) for s, v in self.parameters}
        return Problem(self.loss, noise, dict(self.labels), own, self.name)

    @property
    def outcomes(self) -> tuple[Label, ...]:
        """The label's values with their probabilities; one sure outcome where no label is sampled."""
        if not self.labels:
            return (Label(sp.S.One, self.loss),)
        return tuple(Label(p, self.loss.subs(y, value)) for value, p in self.labels)

    @property
    def law(self) -> NoiseLaw:
        """The law of ``eps``."""
        return self.noise if isinstance(self.noise, NoiseLaw) else Gaussian(self.noise)

    @property
    def noisy(self) -> bool:
        """Whether the loss looks at ``eps``."""
        return eps in self.loss.free_symbols

    @property
    def values(self) -> dict[sp.Symbol, sp.Expr]:
        """Canonical symbols of the problem and the values that the user gave them."""
        return {**dict(self.parameters), **(self.law.values if self.noisy else {})}

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle f = {sp.latex(self.loss)}$"


def own_parameter(owner: str, symbol: sp.Symbol, value: Any) -> sp.Expr:
    """The value of a loss's own symbol, with the sign that the symbol is declared with."""
    sign = True if symbol.is_positive else False if symbol.is_nonnegative else None
    return parameter(owner, symbol.name, value, positive=sign, meaning="a parameter of the loss")


def _check_loss(loss: sp.Expr, labels: tuple[tuple[sp.Expr, sp.Expr], ...], own: set[sp.Symbol]) -> None:
    allowed = {x, x_star, eps} | own | ({y} if labels else set())
    if foreign := sorted(map(str, loss.free_symbols - allowed)):
        lookalike = set(foreign) & {"x", "x_star", "eps", "y"}
        hint = (
            "build the loss from sh.x, sh.x_star, sh.eps (symbols of the same name with other assumptions differ)"
            if lookalike
            else "give their values in parameters={symbol: number}"
        )
        raise ValueError(f"Problem(loss={shown(loss)}): foreign symbols {foreign}; {hint}")
    if x not in loss.free_symbols:
        raise ValueError(f"Problem(loss={shown(loss)}): the loss must depend on the prediction sh.x")
    if labels:
        if foreign := sorted(map(str, {s for _, p in labels for s in p.free_symbols} - {x_star} - own)):
            raise ValueError(
                f"Problem(labels=…): probabilities may depend on sh.x_star only, not on {foreign}"
            )
        total = sp.cancel(sum(p for _, p in labels).rewrite(sp.exp).subs(sp.exp(x_star), sp.Symbol("u")))
        if total != 1:
            raise ValueError(f"Problem(labels=…): the probabilities must sum to one, they sum to {total}")
