"""Laws of the label noise ε: how a simulator draws it, and how an expectation averages over it.

First room of the pipeline. Every law here is a mixture of normals, ``ε = m + √v Z``, so that an expectation over ε is
a Gaussian one, then a finite sum, then at most one integral over v. Laplace: Andrews and Mallows, *Scale mixtures of
normal distributions* (J. R. Stat. Soc. B 36, 1974); Student-t: the same, with v inverse gamma.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import sympy as sp

from symhigh.checks import instance, parameter, real, shown
from symhigh.entries import Parameter, law
from symhigh.symbols import OwnedSymbol, omega

NORMAL = OwnedSymbol("normal", real=True)
"""In a draw: one standard normal."""
UNIFORMS = sp.symbols("uniform_1:4", positive=True)
"""In a draw: independent uniforms on (0, 1)."""
MIXING = sp.Dummy("s", dummy_index=8_140_100, positive=True)
"""The variable over which a mixing density is a density, on (0, ∞)."""
SCALE = OwnedSymbol("scale", positive=True)
SHARE = OwnedSymbol("share", positive=True)
_SCALE = Parameter("scale", "Scale of the label noise.", 1.0)


@dataclass(frozen=True)
class Component:
    """One part of a law: ``ε = centre + √variance Z`` with ``probability``.

    Where ``density`` is not one, ``variance`` holds :data:`MIXING`, itself drawn with that density. ``order``: moments
    ``E|ε|^p`` are finite for p below it.
    """

    probability: sp.Expr
    centre: sp.Expr
    variance: sp.Expr
    density: sp.Expr = sp.S.One
    order: sp.Expr = sp.oo


class NoiseLaw(ABC):
    """A law of the label noise, symmetric or not, independent of the data."""

    @property
    @abstractmethod
    def components(self) -> tuple[Component, ...]:
        """The law as a mixture of normals; probabilities sum to one."""

    @property
    @abstractmethod
    def draw(self) -> sp.Expr:
        """ε as an expression in :data:`NORMAL` and :data:`UNIFORMS`, parameters in canonical symbols."""

    @property
    @abstractmethod
    def values(self) -> dict[sp.Symbol, sp.Expr]:
        """The canonical symbols used above and what the user gave for them."""


@law("gaussian", Parameter("sigma", "Standard deviation ω of the label noise.", 0.0, option="noise"))
@dataclass(frozen=True)
class Gaussian(NoiseLaw):
    """Gaussian label noise, ``ε ~ N(0, sigma²)`` with ``sigma ≥ 0`` a number or a SymPy expression."""

    sigma: Any = 1

    def __post_init__(self) -> None:
        _checked(self, "sigma", "the standard deviation of the label noise", positive=False)

    @property
    def components(self) -> tuple[Component, ...]:
        return (Component(sp.S.One, sp.S.Zero, omega**2),)

    @property
    def draw(self) -> sp.Expr:
        return omega * NORMAL

    @property
    def values(self) -> dict[sp.Symbol, sp.Expr]:
        return {omega: self.sigma}


@law("rademacher", _SCALE)
@dataclass(frozen=True)
class Rademacher(NoiseLaw):
    """``ε = ±scale`` with probability 1/2 each; variance scale²."""

    scale: Any = 1

    def __post_init__(self) -> None:
        _checked(self, "scale", "the size of the label noise")

    @property
    def components(self) -> tuple[Component, ...]:
        return tuple(Component(sp.S.Half, side * SCALE, sp.S.Zero) for side in (1, -1))

    @property
    def draw(self) -> sp.Expr:
        return sp.Piecewise((SCALE, UNIFORMS[0] < sp.S.Half), (-SCALE, True))

    @property
    def values(self) -> dict[sp.Symbol, sp.Expr]:
        return {SCALE: self.scale}


@law("laplace", _SCALE)
@dataclass(frozen=True)
class Laplace(NoiseLaw):
    """Density ``e^{-|ε|/scale}/(2 scale)``; variance 2 scale².

    In the limit ``ε = scale √(2s) Z`` with s exponential; drawn as the difference of two exponentials.
    """

    scale: Any = 1

    def __post_init__(self) -> None:
        _checked(self, "scale", "the mean of |ε|")

    @property
    def components(self) -> tuple[Component, ...]:
        return (Component(sp.S.One, sp.S.Zero, 2 * SCALE**2 * MIXING, sp.exp(-MIXING)),)

    @property
    def draw(self) -> sp.Expr:
        return SCALE * (sp.log(UNIFORMS[0]) - sp.log(UNIFORMS[1]))

    @property
    def values(self) -> dict[sp.Symbol, sp.Expr]:
        return {SCALE: self.scale}


_MOST_FREEDOM = 1000.5
"""Degrees of freedom whose powers a double holds."""


@law("student-t", Parameter("dof", "Degrees of freedom.", 3.0, symbolic=False), _SCALE)
@dataclass(frozen=True)
class StudentT(NoiseLaw):
    """``ε = scale · T`` with T Student's t of ``dof`` > 0 degrees of freedom.

    The variance is scale² dof/(dof - 2) for dof > 2, else infinite. Moments exist below ``dof`` only; a loss that
    needs more is refused when its limit is derived. In the limit ``ε = scale √s Z`` with s inverse gamma; drawn by
    Bailey's polar method (Math. Comp. 62, 1994), ``T = √(dof (U^{-2/dof} - 1)) cos 2πV``.
    ``dof`` is a number: it decides which expectations exist.
    """

    dof: Any
    scale: Any = 1

    def __post_init__(self) -> None:
        what = "the degrees of freedom; beyond, give Gaussian(scale), from which the law differs by 1/dof"
        number = real("StudentT", "dof", self.dof, above=0.0, below=_MOST_FREEDOM, meaning=what)
        exact = isinstance(self.dof, sp.Expr) and self.dof.is_Rational
        object.__setattr__(self, "dof", self.dof if exact else sp.nsimplify(number, rational=True))
        _checked(self, "scale", "the scale of the label noise")

    @property
    def components(self) -> tuple[Component, ...]:
        half = self.dof / 2
        density = half**half / sp.gamma(half) * MIXING ** (-half - 1) * sp.exp(-half / MIXING)
        return (Component(sp.S.One, sp.S.Zero, SCALE**2 * MIXING, density, self.dof),)

    @property
    def draw(self) -> sp.Expr:
        radius = sp.sqrt(self.dof * (UNIFORMS[0] ** (-2 / self.dof) - 1))
        return SCALE * radius * sp.cos(2 * sp.pi * UNIFORMS[1])

    @property
    def values(self) -> dict[sp.Symbol, sp.Expr]:
        return {SCALE: self.scale}


@dataclass(frozen=True)
class Contaminated(NoiseLaw):
    """``clean`` with probability ``1 - share``, else ``outliers``; 0 < share < 1 (Huber's contamination model)."""

    clean: NoiseLaw
    outliers: NoiseLaw
    share: Any

    def __post_init__(self) -> None:
        for name in ("clean", "outliers"):
            law = instance(
                "Contaminated",
                name,
                getattr(self, name),
                NoiseLaw,
                "Gaussian, Rademacher, Laplace or StudentT",
            )
            if isinstance(law, Contaminated):
                raise TypeError(f"Contaminated({name}={shown(law)}): {name} must not be contaminated itself")
        _checked(self, "share", "the probability of an outlier", below=1)

    @property
    def _names(self) -> dict[sp.Symbol, sp.Symbol]:
        return {s: OwnedSymbol(f"{s.name}_out", **s.assumptions0) for s in self.outliers.values}

    @property
    def components(self) -> tuple[Component, ...]:
        clean = [(1 - SHARE, c) for c in self.clean.components]
        outliers = [(SHARE, _renamed(c, self._names)) for c in self.outliers.components]
        return tuple(
            Component(share * c.probability, c.centre, c.variance, c.density, c.order)
            for share, c in (*clean, *outliers)
        )

    @property
    def draw(self) -> sp.Expr:
        return sp.Piecewise(
            (self.outliers.draw.xreplace(self._names), UNIFORMS[2] < SHARE), (self.clean.draw, True)
        )

    @property
    def values(self) -> dict[sp.Symbol, sp.Expr]:
        outliers = {self._names[s]: v for s, v in self.outliers.values.items()}
        return {**self.clean.values, **outliers, SHARE: self.share}


def _renamed(c: Component, names: dict[sp.Symbol, sp.Symbol]) -> Component:
    return Component(c.probability, c.centre.xreplace(names), c.variance.xreplace(names), c.density, c.order)


def _checked(law: NoiseLaw, name: str, meaning: str, positive: bool = True, below: int | None = None) -> None:
    owner, given = type(law).__name__, getattr(law, name)
    object.__setattr__(
        law, name, parameter(owner, name, given, positive=positive, meaning=meaning, below=below)
    )
