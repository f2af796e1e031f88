"""Two-unit committees: the derived equations are those of Saad and Solla; integrated, they follow direct SGD."""

import itertools
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
import sympy as sp
from scipy.special import erf

import symhigh as sh
from symhigh import derive
from symhigh.codegen.kernels import limit_kernels
from symhigh.codegen.target import NUMPY
from symhigh.derivation.expectations import numbered as overlap
from symhigh.population import Overlaps
from symhigh.problem import MultiIndex
from symhigh.symbols import gamma, lam
from symhigh.system import MomentSystem

STUDENTS = sp.symbols("x_1 x_2", real=True)
TARGETS = sp.symbols("y_1 y_2", real=True)


@lru_cache(maxsize=1)
def committee() -> MomentSystem:
    """``f = (g(x_1) + g(x_2) - g(y_1) - g(y_2))²/2`` with ``g(u) = erf(u/√2)``."""
    g = lambda u: sp.erf(u / sp.sqrt(2))  # noqa: E731
    error = sum(map(g, STUDENTS)) - sum(map(g, TARGETS))
    return derive(MultiIndex(STUDENTS, TARGETS, error**2 / 2), sh.Constant(0.6))


def three(C: np.ndarray, u: int, v: int, w: int, m: Any = np) -> Any:
    """``E g'(u) v g(w)`` = (2/π) (C_vw (1 + C_uu) - C_uv C_uw)/((1 + C_uu) √Λ), Λ = (1+C_uu)(1+C_ww) - C_uw²."""
    root = m.sqrt((1 + C[u, u]) * (1 + C[w, w]) - C[u, w] ** 2)
    return 2 / m.pi * (C[v, w] * (1 + C[u, u]) - C[u, v] * C[u, w]) / ((1 + C[u, u]) * root)


def four(C: np.ndarray, a: int, b: int, c: int, e: int, m: Any = np) -> Any:
    """``E g'(a) g'(b) g(c) g(e)`` = (4/π²) asin(Λ₀/√(Λ₁Λ₂))/√Λ₄."""
    A, B = 1 + C[a, a], 1 + C[b, b]
    l4 = A * B - C[a, b] ** 2
    l0 = l4 * C[c, e] - C[b, c] * C[b, e] * A - C[a, c] * C[a, e] * B
    l0 += C[a, b] * (C[a, c] * C[b, e] + C[a, e] * C[b, c])
    l1, l2 = (
        l4 * (1 + C[k, k]) - C[b, k] ** 2 * A - C[a, k] ** 2 * B + 2 * C[a, b] * C[a, k] * C[b, k]
        for k in (c, e)
    )
    arcsine = m.asin if hasattr(m, "asin") else m.arcsin
    return 4 / m.pi**2 * arcsine(l0 / m.sqrt(l1 * l2)) / m.sqrt(l4)


def saad_solla(C: np.ndarray, eta: Any, m: Any = np) -> dict[tuple[int, int], Any]:
    """dR/dα = η E δ_i y_n and dQ/dα = η E(δ_i x_k + δ_k x_i) + η² E δ_i δ_k, ``δ_i = g'(x_i)(Σ g(y) - Σ g(x))``."""
    signs = {0: -1, 1: -1, 2: 1, 3: 1}
    first = lambda i, v: sum(s * three(C, i, v, w, m) for w, s in signs.items())  # noqa: E731
    rates = {(i, n): eta * first(i, n) for i in (0, 1) for n in (2, 3)}
    for i, k in ((0, 0), (0, 1), (1, 1)):
        noise = sum(
            signs[c] * signs[e] * four(C, i, k, c, e, m) for c, e in itertools.product(signs, repeat=2)
        )
        rates[i, k] = eta * (first(i, k) + first(k, i)) + eta**2 * noise
    return rates


@pytest.mark.parametrize("seed", range(4))
def test_equations_are_those_of_saad_and_solla(seed: int) -> None:
    """The generated right-hand side at random overlaps, isotropic data, against the classical closed form."""
    system = committee()
    root = np.random.default_rng(seed).standard_normal((4, 4))
    C = root @ root.T / 4
    values = {overlap("V", p, q): C[p, q] for p in range(4) for q in range(p, 4)}
    y, dy = np.array([values[s] for s in system.family.states]), np.zeros(len(system.family.states))
    coef = np.array([[1.0], *([values[s]] for s in system.family.coefficients[1:])])
    kernels, w, const = limit_kernels(system, NUMPY), np.ones(1), np.zeros(len(system.reductions))
    kernels.prepare(np.array([0.6]), coef, w, const)
    kernels.rhs(0.0, y, dy, np.array([0.6]), coef, w, const)
    found = dict(zip(system.family.states, dy, strict=True))
    for (p, q), rate in saad_solla(C, 0.6).items():
        assert found[overlap("V", p, q)] == pytest.approx(rate, rel=1e-11, abs=1e-13)


def test_equations_are_those_of_saad_and_solla_to_thirty_digits() -> None:
    """The derived expressions themselves, at a rational point, against the classical closed form."""
    system, eta = committee(), sp.Rational(3, 5)
    C = sp.Matrix(4, 4, lambda p, q: sp.Rational(1, 2 + abs(p - q) + p * q) + int(p == q))
    exact = np.array(C.tolist(), dtype=object)
    put = {overlap(kind, p, q): C[p, q] for kind in "VB" for p in range(4) for q in range(p, 4)}
    put |= {lam: sp.S.One, gamma: eta}
    found = {
        s: system.unfolded(rhs.subs(gamma, eta)).subs(put)
        for s, rhs in zip(system.family.states, system.family.rhs, strict=True)
    }
    for (p, q), rate in saad_solla(exact, eta, sp).items():
        assert abs(sp.N(found[overlap("V", p, q)] - rate, 30)) < 1e-27


def test_risk_is_the_sum_of_arcsines() -> None:
    """ε_g = (1/π) Σ ± asin(C_pq/√((1+C_pp)(1+C_qq))) over all pairs, students + and mixed -."""
    pair = lambda p, q: sp.asin(  # noqa: E731
        overlap("B", p, q) / sp.sqrt((1 + overlap("B", p, p)) * (1 + overlap("B", q, q)))
    )
    by_hand = sum((1 if (p < 2) == (q < 2) else -1) * pair(p, q) for p in range(4) for q in range(4)) / sp.pi
    point = {
        overlap("B", p, q): sp.Rational(3 + p + 2 * q, 10 + 5 * (q - p))
        for p in range(4)
        for q in range(p, 4)
    }
    assert abs(sp.N((committee().scalar("risk") - by_hand).subs(point), 30)) < 1e-25


def test_committee_follows_direct_sgd() -> None:
    """Mean risk of 24 runs at d = 400 within six standard errors plus 6/d of the limit's, at four times."""
    d, eta, runs, t_end = 400, 0.6, 24, 2.0
    rng = np.random.default_rng(5)
    start = np.array([[0.5, 0.1, 0.3, 0.0], [0.1, 0.4, 0.0, 0.2], [0.3, 0.0, 1.0, 0.0], [0.0, 0.2, 0.0, 1.0]])
    curve = committee().solve(sh.Spectrum.isotropic(), Overlaps(start), t_end, t=[0.0, 0.5, 1.0, 2.0])
    basis = np.linalg.qr(rng.standard_normal((d, 4)))[0]
    W = np.repeat((basis @ np.linalg.cholesky(start).T).T[None], runs, axis=0)
    risks = {}
    for step in range(int(t_end * d) + 1):
        if step in (0, d // 2, d, 2 * d):
            C = W @ W.transpose(0, 2, 1)
            size = np.sqrt(1 + np.einsum("rpp->rp", C))
            signs = np.outer([1, 1, -1, -1], [1, 1, -1, -1])
            risks[step / d] = (signs * np.arcsin(C / size[:, :, None] / size[:, None, :])).sum(
                axis=(1, 2)
            ) / np.pi
        a = rng.standard_normal((runs, d))
        z = np.einsum("rpd,rd->rp", W, a)
        error = erf(z[:, :2] / np.sqrt(2)).sum(axis=1) - erf(z[:, 2:] / np.sqrt(2)).sum(axis=1)
        slope = error[:, None] * np.sqrt(2 / np.pi) * np.exp(-(z[:, :2] ** 2) / 2)
        W[:, :2] -= eta / d * slope[:, :, None] * a[:, None, :]
    for time, limit in zip(curve.t, curve.risk, strict=True):
        sample = risks[time]
        allowed = 6 * sample.std(ddof=1) / np.sqrt(runs) + 6 / d * curve.risk.max()
        assert abs(sample.mean() - limit) < allowed


def test_refusals() -> None:
    with pytest.raises(ValueError, match="several directions have no distance"):
        derive(MultiIndex(STUDENTS, (), STUDENTS[0] ** 2), sh.Polyak())
    with pytest.raises(ValueError, match="foreign symbols"):
        MultiIndex(STUDENTS, (), sp.Symbol("z") ** 2)
    with pytest.raises(ValueError, match="positive semidefinite"):
        _ = Overlaps([[1, 2], [2, 1]]).values
