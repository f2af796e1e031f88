"""Rules made of another rule: mini-batches, weight decay, warm-up and other factors in time.

Second room of the pipeline. Each leaves the inner rule's memory alone; they nest in any order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp

from symhigh.checks import expression, instance, parameter, refuse, shown, whole
from symhigh.entries import EXPRESSION, Parameter, rule
from symhigh.rule.rule import Memory, Rule
from symhigh.symbols import G, OwnedSymbol, X, batch_size, owned, t

WARM_UP = OwnedSymbol("t_warm", positive=True)
DECAY = OwnedSymbol("kappa", nonnegative=True)


@dataclass(frozen=True)
class Wrapped(Rule):
    """A rule that passes on what the inner one says."""

    inner: Rule

    def __post_init__(self) -> None:
        instance(type(self).__name__, "inner", self.inner, Rule, "a symhigh rule, e.g. Constant(1)")

    @property
    def step(self) -> dict[sp.Symbol, sp.Expr]:
        return self.inner.step

    @property
    def start(self) -> dict[sp.Symbol, sp.Expr]:
        return self.inner.start

    @property
    def cells(self) -> tuple[Memory, ...]:
        return self.inner.cells

    @property
    def fixed(self) -> dict[sp.Symbol, sp.Expr]:
        return self.inner.fixed

    @property
    def memory(self) -> tuple[Memory, ...]:
        return self.inner.memory

    @property
    def rate(self) -> sp.Expr | None:
        return self.inner.rate

    @property
    def objective(self) -> sp.Expr | None:
        return self.inner.objective

    @property
    def multiple(self) -> sp.Expr:
        return self.inner.multiple

    @property
    def values(self) -> dict[sp.Symbol, sp.Expr]:
        return self.inner.values

    @property
    def batch(self) -> sp.Expr:
        return self.inner.batch

    @property
    def delayed(self) -> bool:
        return self.inner.delayed

    @property
    def remedy(self) -> str:
        return self.inner.remedy

    @property
    def at(self) -> sp.Expr:
        return self.inner.at

    @property
    def reports(self) -> dict[str, sp.Expr]:
        return self.inner.reports


@rule("mini-batch", Parameter("m", "Samples a step.", kind=int, option="batch"), wraps=True)
@dataclass(frozen=True)
class MiniBatch(Wrapped):
    """The gradient of a step is the mean over m ≥ 1 fresh samples; time still counts steps/d.

    In the limit the noise term I becomes I/m, the drift is unchanged. ``gradient_square`` is that of the mean.
    """

    m: Any = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.inner.batch != 1:
            raise ValueError("MiniBatch(inner=…): the inner rule has a batch already; give one batch size")
        size = parameter("MiniBatch", "m", self.m, positive=None, meaning="samples a step")
        if size.is_number:
            size = sp.Integer(whole("MiniBatch", "m", self.m, least=1, meaning="samples a step"))
        elif size.is_nonpositive or size.is_integer is False:
            refuse("MiniBatch", "m", self.m, "a whole number >= 1", "samples a step")
        object.__setattr__(self, "m", size)

    @property
    def batch(self) -> sp.Expr:
        return batch_size

    @property
    def values(self) -> dict[sp.Symbol, sp.Expr]:
        return {**self.inner.values, batch_size: self.m}


@rule("weight-decay", Parameter("kappa", "Weight decay.", option="weight_decay"), wraps=True)
@dataclass(frozen=True)
class WeightDecay(Wrapped):
    """``X⁺ = X - (g/d)(∇f + kappa X)``: SGD on the loss plus ``kappa ‖X‖²/2``; kappa ≥ 0.

    The risk reported stays that of the loss alone.
    """

    kappa: Any = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if any(e.has(DECAY) for e in self.inner.step.values()):
            raise ValueError(
                "WeightDecay(inner=…): the inner rule has a weight decay already; give their sum"
            )
        object.__setattr__(
            self,
            "kappa",
            parameter("WeightDecay", "kappa", self.kappa, positive=False, meaning="the weight decay"),
        )

    @property
    def step(self) -> dict[sp.Symbol, sp.Expr]:
        return {vector: new.xreplace({G: G + DECAY * X}) for vector, new in self.inner.step.items()}

    @property
    def values(self) -> dict[sp.Symbol, sp.Expr]:
        return {**self.inner.values, DECAY: self.kappa}


@rule(
    "modulated",
    Parameter("factor", "Factor of the learning rate, an expression in t.", kind=EXPRESSION),
    wraps=True,
)
@dataclass(frozen=True)
class Modulated(Wrapped):
    """The inner rule's rate times ``factor``, an expression in ``symhigh.t``: a decay, a warm-up, a cycle.

    The factor must be ≥ 0 on the interval; other symbols in it are parameters, to be bound later.
    """

    factor: sp.Expr = sp.S.One

    def __post_init__(self) -> None:
        super().__post_init__()
        given = expression("Modulated", "factor", self.factor, "a SymPy expression in symhigh.t")
        if given.is_number:
            parameter("Modulated", "factor", given, positive=False, meaning="a factor of the learning rate")
        if given.has(sp.I):
            raise ValueError(f"Modulated(factor={shown(given)}): factor must be real")
        object.__setattr__(self, "factor", given)

    @property
    def _owned(self) -> dict[sp.Symbol, sp.Symbol]:
        """The factor's own symbols under the factor's name, apart from the inner rule's."""
        depth = sum(s.owner.startswith("factor") for s in self.inner.values if isinstance(s, OwnedSymbol))
        owner = f"factor {depth}" if depth else "factor"
        return {s: owned(s, owner) for s in sorted(self.factor.free_symbols - {t}, key=str)}

    @property
    def rate(self) -> sp.Expr | None:
        return None if self.inner.rate is None else self.inner.rate * self.factor.xreplace(self._owned)

    @property
    def multiple(self) -> sp.Expr:
        return self.inner.multiple * self.factor.xreplace(self._owned)

    @property
    def values(self) -> dict[sp.Symbol, sp.Expr]:
        return {**{own: s for s, own in self._owned.items()}, **self.inner.values}


@rule("warm-up", Parameter("duration", "Length of the warm-up, in steps/d.", option="warm_up"), wraps=True)
@dataclass(frozen=True)
class WarmUp(Wrapped):
    """The inner rule's rate times ``min(1, t/duration)``; duration > 0 in steps/d."""

    duration: Any = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(
            self,
            "duration",
            parameter(
                "WarmUp",
                "duration",
                self.duration,
                positive=True,
                meaning="the length of the warm-up, in steps/d",
            ),
        )

    @property
    def _factor(self) -> sp.Expr:
        return sp.Min(1, t / WARM_UP)

    @property
    def rate(self) -> sp.Expr | None:
        return None if self.inner.rate is None else self.inner.rate * self._factor

    @property
    def multiple(self) -> sp.Expr:
        return self.inner.multiple * self._factor

    @property
    def values(self) -> dict[sp.Symbol, sp.Expr]:
        return {**self.inner.values, WARM_UP: self.duration}
