"""Data with classes: a label, and a mean of its own, for each of them.

First room of the pipeline. With probability p_k a sample is ``a ~ N(μ_k, K)`` with the label y_k. Means have norms of
order one, as X has: they move predictions by ``<μ_k, X>``, of order one, and are lost in a single entry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp

from symhigh.checks import expression, instance, shown


@dataclass(frozen=True)
class Mixture:
    """Classes of data, ``a ~ N(μ_k, K)`` with probability ``weights[k]`` and the label ``sh.y = labels[k]``.

    Parameters
    ----------
    weights
        Probabilities > 0 that sum to one.
    means
        For each class a linear combination, with numbers, of symbols that stand for fixed directions: ``[mu, -mu]``, or
        ``[mu_1, mu_2, mu_3]``; 0 for a class that is centred. Norms and overlaps of the directions are the population's
        to say, by a :class:`~symhigh.Start` for one student and one direction (in the place of X*), else by
        :class:`~symhigh.Overlaps`, students first, then targets, then these directions in the order in which they
        appear.
    labels
        What ``sh.y`` is in each class, a number; 0, 1, 2, … by default.

    All classes share the covariance K. Raises ``ValueError`` for probabilities that do not sum to one, and for means
    that are no linear combinations.
    """

    weights: tuple[sp.Expr, ...]
    means: tuple[sp.Expr, ...]
    labels: tuple[sp.Expr, ...]

    def __init__(self, weights: Sequence[Any], means: Sequence[Any], labels: Sequence[Any] | None = None) -> None:
        for name, given in (("weights", weights), ("means", means)):
            instance("Mixture", name, given, (tuple, list), "a list with one entry a class")
        chosen = list(range(len(weights))) if labels is None else labels
        instance("Mixture", "labels", chosen, (tuple, list), "a list with one entry a class")
        if not len(weights) == len(means) == len(chosen) >= 1:
            raise ValueError(
                f"Mixture: {len(weights)} weights, {len(means)} means, {len(chosen)} labels; give one of each a class"
            )
        shares = tuple(_number("weights", w) for w in weights)
        if not all(w > 0 for w in shares) or abs(float(sum(shares)) - 1) > 1e-12:
            raise ValueError(f"Mixture(weights={shown(list(shares))}): weights must be > 0 and sum to one")
        object.__setattr__(self, "weights", tuple(w / sum(shares) for w in shares))
        object.__setattr__(self, "means", tuple(_linear(m) for m in means))
        object.__setattr__(self, "labels", tuple(_number("labels", value) for value in chosen))
        if not self.directions:
            raise ValueError("Mixture(means=…): all means are 0; leave the mixture out, or give a mean to a class")

    @property
    def directions(self) -> tuple[sp.Symbol, ...]:
        """The directions that the means are made of, in the order in which they appear."""
        return tuple(dict.fromkeys(s for m in self.means for s in sorted(m.free_symbols, key=str)))


def _number(name: str, given: Any) -> sp.Expr:
    value = expression("Mixture", name, given, "a number")
    if not (value.is_number and value.is_real and value.is_finite):
        raise ValueError(f"Mixture({name}={shown(value)}): {name} must be real numbers")
    return value


def _linear(given: Any) -> sp.Expr:
    mean = sp.expand(expression("Mixture", "means", given, "a linear combination of symbols of directions"))
    symbols = sorted(mean.free_symbols, key=str)
    rest = sp.expand(mean - sum((mean.coeff(s) * s for s in symbols), sp.S.Zero))
    if rest != 0 or any(not mean.coeff(s).is_number or not mean.coeff(s).is_real for s in symbols):
        raise ValueError(
            f"Mixture(means={shown(mean)}): a mean is a linear combination of directions with numbers, such as mu or "
            "mu_1 - mu_2/2"
        )
    return mean
