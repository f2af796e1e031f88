"""Compute-optimal exponents: three phases, their borders, and the tropical program against a search."""

import random
from fractions import Fraction

import pytest
import sympy as sp

import symhigh as sh
from symhigh.closed.exponents import ALPHA, BETA, least, monomials

Q = sp.Rational


@pytest.mark.parametrize(("alpha", "beta", "phase", "parameters", "risk"), [
    (Q(4, 5), Q(3, 10), "I", Q(5, 13), -Q(6, 13)), (1, Q(7, 10), "II", Q(7, 17), -Q(12, 17)),
    (Q(4, 5), Q(13, 10), "III", Q(1, 2), -Q(11, 16)), (0.8, 0.3, "I", Q(5, 13), -Q(6, 13)),
    (0.6, -0.05, "I", Q(5, 11), -Q(1, 22)), (1, 1, "boundary", Q(1, 2), -Q(3, 4)),
    (Q(4, 5), Q(1, 2), "boundary", Q(5, 13), -Q(8, 13)),
])  # fmt: skip
def test_exponents_are_exact_fractions(alpha, beta, phase, parameters, risk) -> None:  # type: ignore[no-untyped-def]
    found = sh.compute_optimal(alpha, beta)
    assert (found.phase, found.parameters, found.steps, found.risk) == (phase, parameters, 1 - parameters, risk)
    at = {s: {"alpha": found.alpha, "beta": found.beta}[s.name] for s in found.formulas["risk"].free_symbols}
    assert found.formulas["risk"].subs(at) == risk


def test_the_plane_is_parted_by_two_lines() -> None:
    for k in range(1, 20, 2):
        for j in range(1, 20, 2):
            alpha, beta = Q(1, 2) + Q(k, 13), Q(j, 11)
            phase = "I" if 2 * beta < 1 else "II" if beta < alpha else "III" if beta > alpha else "boundary"
            assert sh.compute_optimal(alpha, beta).phase == phase


def test_exponents_of_the_risk_are_continuous_across_the_borders() -> None:
    step = Q(1, 10**6)
    for alpha, beta, other in ((1, Q(1, 2), Q(1, 2) - step), (Q(4, 5), Q(4, 5) - step, Q(4, 5) + step)):
        one, two = (sh.compute_optimal(alpha, b) for b in (beta, other))
        assert abs(one.risk - two.risk) < 4 * step


def test_the_program_against_a_search() -> None:
    rng = random.Random(3)
    for _ in range(60):
        terms = [(Q(rng.randint(-9, 3), 4), Q(rng.randint(-9, 3), 4)) for _ in range(rng.randint(2, 5))]
        x, value, tied = least(terms)
        heights = [max(a * y + b * (1 - y) for a, b in terms) for y in (Fraction(k, 240) for k in range(241))]
        assert value == max(a * x + b * (1 - x) for a, b in terms)
        assert value <= min(heights)
        assert min(heights) - value < Q(1, 20)
        assert all(terms[i][0] * x + terms[i][1] * (1 - x) == value for i in tied)


@pytest.mark.parametrize(("alpha", "beta", "words"), [
    (0.5, 1, r"alpha must be finite and > 0.5.*constant rate must fall"), (1, -0.6, r"beta must be finite and > -0.5"),
    (float("nan"), 1, "alpha"), (1, 1j, "beta"),
])  # fmt: skip
def test_refusals(alpha, beta, words: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises((ValueError, TypeError), match=rf"compute_optimal.*{words}"):
        sh.compute_optimal(alpha, beta)


@pytest.mark.parametrize("summable", [True, False])
def test_terms_of_the_risk_by_hand(summable: bool) -> None:
    """``∫ λ^q λ^{-1/2α - 1} e^{-2λr} dλ ~ r^{1/2α - q}`` with q = 1 + β/α, 2 and 1; and what d features leave out."""
    found = {m.name: (m.parameters, m.steps) for m in monomials(summable)}
    expected = {
        "target": (0, (1 - 2 * BETA) / (2 * ALPHA) - 1), "noise": (0, 1 / (2 * ALPHA) - 2),
        "capacity": (-2 * ALPHA + (0 if summable else 1 - 2 * BETA), 0),
    }  # fmt: skip
    if summable:
        expected["leakage"] = (-1, 1 / (2 * ALPHA) - 1)
    assert set(found) == set(expected)
    for name, pair in expected.items():
        assert [sp.simplify(e - f) for e, f in zip(found[name], pair, strict=True)] == [0, 0]


def test_of_several_best_splits_the_middle_one_is_taken() -> None:
    flat = [(Q(-1), Q(-1)), (Q(-1, 2), Q(-5, 2)), (Q(-5, 2), Q(-1, 2))]
    assert least(flat) == (Q(1, 2), -1, (0,))
    assert least([(Q(-1), Q(-1))]) == (Q(1, 2), -1, (0,))
    assert least([(Q(-1), Q(0))]) == (1, -1, (0,))
    assert least([(Q(0), Q(-1))]) == (0, -1, (0,))
    assert least([(Q(0), Q(-1)), (Q(-1), Q(0))]) == (Q(1, 2), Q(-1, 2), (0, 1))
