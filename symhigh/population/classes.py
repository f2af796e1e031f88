"""Classes of equal coordinates, on which the limit of a diagonal network is posed.

Second room of the pipeline, beside spectra and starts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from symhigh.checks import array, real, shown, whole

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class NetworkClasses:
    """Classes of coordinates with equal ``(λ, θ*, u(0), v(0))``; ``weight`` is each class's fraction of d.

    All fields have shape (classes,). Scalars are spread over the classes; weights default to equal shares.
    ``u = ± v`` is allowed: there one of ``u + v``, ``u − v`` stays zero for ever, and θ keeps its sign.
    """

    lam: Array
    theta_star: Array
    u: Array
    v: Array
    weight: Array

    def __init__(self, lam: Any, theta_star: Any, u: Any, v: Any, weight: Any = None) -> None:
        given = {"lam": lam, "theta_star": theta_star, "u": u, "v": v}
        arrays = {name: _array(name, value) for name, value in given.items()}
        count = max(entries.size for entries in arrays.values())
        if any(entries.size not in (1, count) for entries in arrays.values()):
            lengths = ", ".join(f"{name} of length {entries.size}" for name, entries in arrays.items())
            raise ValueError(f"NetworkClasses({lengths}): each must have 1 or {count} entries")
        for name, entries in arrays.items():
            object.__setattr__(self, name, np.ascontiguousarray(np.broadcast_to(entries, count)))
        if (bad := self.lam[self.lam < 0]).size:
            raise ValueError(
                f"NetworkClasses(lam={bad[0]:g}): lam must be >= 0, an eigenvalue of a covariance"
            )
        share = np.full(count, 1 / count) if weight is None else _array("weight", weight)
        if share.size != count:
            raise ValueError(
                f"NetworkClasses(weight of length {share.size}): weight must have {count} entries, "
                "one a class of lam, theta_star, u and v"
            )
        if (share <= 0).any() or abs(share.sum() - 1) > 1e-9:
            raise ValueError(
                "NetworkClasses(weight): weights must be > 0 and sum to one, they sum to "
                f"{share.sum():.12g}; "
                "divide them by their sum"
            )
        object.__setattr__(self, "weight", share / share.sum())

    def __repr__(self) -> str:
        low, high = float(self.lam.min()), float(self.lam.max())
        return f"NetworkClasses({self.size} classes, eigenvalues {low:.4g} … {high:.4g})"

    @property
    def size(self) -> int:
        """The number of classes."""
        return int(self.lam.size)

    @classmethod
    def from_law(cls, nodes: int, **quantiles: Any) -> NetworkClasses:
        """Turn independent continuous laws of ``lam, theta_star, u, v`` into classes by Gauss-Legendre
        quadrature.

        Each keyword is a number, or a quantile function ``(0, 1) -> value`` (``scipy.stats.norm(0, 1).ppf``)
        of arrays. Every law gets ``nodes`` nodes, so k laws make ``nodes**k`` classes. The error falls
        geometrically with ``nodes`` where the quantile functions are analytic, and like a power where tails
        are unbounded; :meth:`~symhigh.derivation.close.density.DensitySystem.solve_law` chooses ``nodes`` and
        estimates it.
        """
        count = whole(
            "NetworkClasses.from_law", "nodes", nodes, least=1, most=1024, meaning="quadrature nodes of each law"
        )
        names = ("lam", "theta_star", "u", "v")
        if set(quantiles) != set(names):
            raise ValueError(f"NetworkClasses.from_law: give {names}, got {tuple(quantiles)}")
        levels, weights = np.polynomial.legendre.leggauss(count)
        axes, shares = [], []
        for name in names:
            law = quantiles[name]
            axes.append(_axis(name, law, (levels + 1) / 2))
            shares.append(weights / 2 if callable(law) else np.ones(1))
        values = [axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")]
        share = np.prod([axis.ravel() for axis in np.meshgrid(*shares, indexing="ij")], axis=0)
        lam, target, first, second = values
        return cls(lam, target, first, second, share)

    def counts(self, d: int) -> Array:
        """How many of ``d`` coordinates each class gets: the rounding of ``weight * d`` with the largest
        remainders."""
        size = whole(
            "NetworkClasses.counts", "d", d, least=self.size, most=2**32, meaning="one coordinate a class at least"
        )
        exact = self.weight * size
        counts = np.floor(exact).astype(np.int64)
        counts[np.argsort(counts - exact, kind="stable")[: size - counts.sum()]] += 1
        return np.asarray(counts)

    def coordinates(self, d: int) -> tuple[Array, Array, Array, Array]:
        """``(lam, theta_star, u, v)`` of ``d`` coordinates, each of shape (d,), class after class."""
        counts = self.counts(d)
        lam, target, first, second = (
            np.repeat(a, counts) for a in (self.lam, self.theta_star, self.u, self.v)
        )
        return lam, target, first, second


def _array(name: str, value: Any) -> Array:
    """One number, or one a class, as an array of one dimension."""
    entries = value if isinstance(value, Iterable) and getattr(value, "ndim", 1) != 0 else [value]
    return array("NetworkClasses", name, entries, meaning="numbers, one a class")


def _axis(name: str, law: float | Callable[[Array], Array], levels: Array) -> Array:
    """The values that a law takes at ``levels``: of a quantile function, or one number."""
    owner = "NetworkClasses.from_law"
    if not callable(law):
        return np.array([real(owner, name, law, meaning="a number or a quantile function of arrays")])
    try:
        values = law(levels)
    except Exception as error:
        raise TypeError(f"{owner}({name}={shown(law)}): the quantile function raises {error!r}") from error
    return array(
        owner, name, np.broadcast_to(np.asarray(values), levels.shape), meaning="the quantiles of a law"
    )
