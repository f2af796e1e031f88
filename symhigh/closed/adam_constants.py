"""The two constants of Adam with fixed β₁ and β₂ on least squares.

Closed forms beside :mod:`symhigh.closed.best_rate`. A memory that forgets within O(1) steps sees gradients g = rα, r
and α independent normal variables, with the scale √(λP) divided out: m/√V with ``m = Σ w_l g_l``, ``V = Σ u_l g_l²``,
``w_l = (1 - β₁)β₁^l``, ``u_l = (1 - β₂)β₂^l``. A mode obeys ``dD² = -2γC₁ √λ D²/√P + γ²C₂``,

    C₁ = E Σ_l g_l · m/√V,      C₂ = Σ_n E (m/√V)_k (m/√V)_{k-n}    over all integers n,

by Stein's lemma and since the noise of different steps is correlated. With ``1/√V = (2/√π) ∫ e^{-Vs²} ds`` both are
integrals of products of ``φ(a) = E e^{-ag²} = √(2y/π) e^y K₀(y)``, y = 1/(8a). Put B(x) = Π φ(u_l x), χ = -φ'/φ and
M(x) = B(x) Σ w_l² χ(u_l x):

    C₁ = (2/√π) ∫ B(s²) Σ w_l χ(u_l s²) ds,
    C₂ = ∫ M(x) dx + (8/π) Σ_{n>0} β₁^n ∫∫ B(s²)/B(β₂^n s²) M(t² + β₂^n s²) ds dt.

Source: symhigh's own, ``derivations/algorithms/adam.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.polynomial import chebyshev

from symhigh.checks import real
from symhigh.population.measure import Array
from symhigh.telling import telling

_SMALL = 2e-3
"""Below this a, χ is summed from its series in 1/y."""
_TAIL = 1e-5
"""Lags at which a is below this are summed by the series of log φ and χ in a, a geometric series each."""
_LOW, _STEP = -32.0, 0.2
"""The logarithm of s and t from which integrals run, and the step of the trapezoidal rule."""
_ENDS = (-42.0, -80.0)
"""The logarithm of B at which the integral over s ends, and at which that over t does."""
_DEGREE = 160
_LONGEST = {"beta1": 0.995, "beta2": 0.9995}


class AdamConstants(NamedTuple):
    """``dD² = -2γ drift √λ D²/√P + γ² noise`` of a mode, P the mean square of the residual."""

    drift: float
    noise: float


@telling
def adam_constants(beta1: Any, beta2: Any) -> AdamConstants:
    """The constants C₁ (``drift``) and C₂ (``noise``) of Adam with fixed ``beta1`` and ``beta2`` on least squares.

    The rule is ``m⁺ = beta1 m + (1 - beta1) ∇f``, ``s⁺ = beta2 s + (1 - beta2) (∇f)²``, ``X⁺ = X - (γ/d) m⁺/√s⁺``,
    entry by entry, K diagonal; as d → ∞ the memories forget at once, and a mode obeys
    ``dD² = -2γ drift √λ D²/√P + γ² noise`` with P = 2R. It rests at ``√P = q + √(q² + ω²)``,
    ``q = γ (noise/drift) avg √λ/4``. Both lie in [0, 1) and the constants are right to 1e-10; ``beta1 = beta2 = 0`` is
    sign SGD, 2/π and 1. With beta2 = 0 and beta1 > 0 the variance of a step is infinite, which is refused. Memories
    that forget within d steps, ``1 - beta`` of the order 1/d, are the rule :class:`~symhigh.Adam`.
    """
    owner = "adam_constants"
    first = real(owner, "beta1", beta1, least=0.0, below=1.0, meaning="the share of the momentum that a step keeps")
    second = real(owner, "beta2", beta2, least=0.0, below=1.0, meaning="the share of the squares that a step keeps")
    for name, value in (("beta1", first), ("beta2", second)):
        if value > _LONGEST[name]:
            raise ValueError(
                f"{owner}({name}={value:g}): {name} must be <= {_LONGEST[name]:g}; for longer memories use the rule "
                f"Adam, with d (1 - {name}) in its place"
            )
    if second == 0:
        if first > 0:
            raise ValueError(f"{owner}(beta2=0): beta2 must be > 0 where beta1 > 0, or a step has no variance")
        return AdamConstants(2 / np.pi, 1.0)
    return _Memory(first, second).constants()


class _OfLag(NamedTuple):
    """A function of a, and its series at 0."""

    value: Callable[[Array], Array]
    series: tuple[float, ...]


class _Memory:
    """B and the sums over lags, as functions of a logarithm."""

    def __init__(self, first: float, second: float) -> None:
        self.first, self.second = first, second
        self.high, self.far = (self._end(level) for level in _ENDS)
        (self.logarithm,) = _fitted(lambda x: self._sums(_LOG_PHI, x, (1, 1)) / np.log1p(x)[:, None], self.far)
        weights = (1 - first, first), ((1 - first) ** 2, first**2)
        self.drift, self.spread = _fitted(lambda x: self._sums(_CHI, x, *weights), self.far)

    def _end(self, level: float) -> float:
        """The logarithm of an x at which log B is below the level."""
        end = 1.0
        while self._sums(_LOG_PHI, np.exp([end]), (1, 1))[0, 0] > level:
            end += 0.25
        return end

    def _sums(self, function: _OfLag, x: Array, *weights: tuple[float, float]) -> Array:
        """``Σ_l scale ratio^l function(u_l x)`` of every (scale, ratio) in ``weights``, (len(x), len(weights))."""
        found = np.empty((len(x), len(weights)))
        for place, value in enumerate(x):
            head = (1 - self.second) * value
            count = max(0, int(np.ceil(np.log(_TAIL / head) / np.log(self.second)))) if head > _TAIL else 0
            lags = np.arange(count)
            values = function.value(head * self.second**lags)
            for column, (scale, ratio) in enumerate(weights):
                powers = [(ratio * self.second**n) ** count / (1 - ratio * self.second**n) if c else 0.0
                          for n, c in enumerate(function.series)]  # fmt: skip
                far = sum(c * head**n * power for n, (c, power) in enumerate(zip(function.series, powers, strict=True)))
                found[place, column] = scale * (ratio**lags @ values + far)
        return found

    def B(self, x: Array) -> Array:
        """The average of ``e^{-Vx}``."""
        return np.asarray(np.exp(np.log1p(x) * self.logarithm(x)))

    def M(self, x: Array) -> Array:
        """Minus the slope of B with the squares of the momentum's weights in place of u."""
        return np.asarray(np.where(x < np.exp(self.far), self.B(x) * self.spread(x), 0.0))

    def constants(self) -> AdamConstants:
        """C₁ and C₂."""
        s = np.exp(np.arange(_LOW, self.high / 2, _STEP))
        drift = float(2 / np.sqrt(np.pi)) * _STEP * float((s * self.B(s**2) * self.drift(s**2)).sum())
        noise = 2 * _STEP * float((s**2 * self.M(s**2)).sum())
        if self.first == 0:
            return AdamConstants(drift, noise)
        t = np.exp(np.arange(_LOW, self.far / 2, _STEP))

        def inner(y: Array) -> Array:
            found = (t * self.M(t**2 + y[:, None])).sum(axis=1)
            return np.asarray(found * _STEP / self.B(y))[:, None]

        (column,) = _fitted(inner, self.high)
        outer, share, decay = s * self.B(s**2), self.first, self.second
        while share > 1e-14:
            noise += float(8 / np.pi) * share * _STEP * float((outer * column(decay * s**2)).sum())
            share, decay = share * self.first, decay * self.second
        return AdamConstants(drift, noise)


def _fitted(function: Callable[[Array], Array], high: float) -> list[Callable[[Array], Array]]:
    """The columns of a function of x > 0, smooth in log x ≤ ``high``, by their Chebyshev series; constant below."""

    def at(y: Any) -> Any:
        return function(np.exp(_LOW + (high - _LOW) * (y + 1) / 2))

    def value(x: Array, series: Array) -> Array:
        y = 2 * (np.log(np.maximum(x, 1e-300)) - _LOW) / (high - _LOW) - 1
        return np.asarray(chebyshev.chebval(np.clip(y, -1, 1), series))

    columns: Array = chebyshev.chebinterpolate(at, _DEGREE)
    return [partial(value, series=series) for series in columns.T]


def _log_phi(a: Array) -> Array:
    """``log E e^{-ag²}``, g a product of two normal variables."""
    from scipy.special import k0e

    y = 1 / (8 * a)
    return np.asarray(np.log(np.sqrt(2 * y / np.pi) * k0e(y)))


def _chi(a: Array) -> Array:
    """``E g² e^{-ag²}/E e^{-ag²} = 8y² (1/(2y) + 1 - K₁(y)/K₀(y))``, y = 1/(8a)."""
    from scipy.special import k0e, k1e

    y = 1 / (8 * a)
    large = np.where(a < _SMALL, y, 1 / _SMALL)
    series = -8 * sum(c * large ** (2 - n) for n, c in enumerate(_RATIO) if n >= 2)
    y = np.where(a < _SMALL, 1.0, y)
    return np.where(a < _SMALL, series, 8 * y**2 * (0.5 / y + 1 - k1e(y) / k0e(y)))


def _ratio_of_bessel_functions(count: int) -> list[float]:
    """Coefficients of ``K₁/K₀ = Σ c_n y^{-n}``, by the Riccati equation w' = w² - 1 - w/y."""
    c = [1.0]
    for n in range(1, count):
        c.append(((2 - n) * c[-1] - sum(c[i] * c[n - i] for i in range(1, n))) / 2)
    return c


_RATIO = _ratio_of_bessel_functions(16)
_LOG_PHI = _OfLag(_log_phi, (0.0, -1.0, 4.0, -100 / 3))
_CHI = _OfLag(_chi, (1.0, -8.0, 100.0, -1664.0))
