"""What claims and comparisons say, word by word and number by number: regression values."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.ledger import Claim, asymptotic, numeric, symbolic
from symhigh.ledger.bands import deviation, skewness
from tests.ledger.test_claims import MUTANTS, SQUARE, TRUE, below, stable
from tests.tables import Entry, check

TABLE = Path(__file__).with_suffix(".json")
a, b = sp.symbols("a b", positive=True)
t = sp.Symbol("t", positive=True)
ENCLOSED = re.compile(r", enclosed within [\d.e+-]+")
"""What is said where python-flint is installed, and not without."""
CLAIMS = {f"true {k}": (symbolic(statement), {}) for k, statement in enumerate(TRUE)} | {
    f"{line.__name__}, {name}": (
        line(statement), below if "lambert" in name else stable if name == "factor two" else {}
    )
    for line in (numeric, symbolic) for name, statement in MUTANTS.items()
} | {
    "square": (SQUARE, {}),
    "numeric": (numeric((a + b) ** 2, a**2 + 2 * a * b + b**2), {a: (0, 3), b: (1, 2)}),
    "numeric, open": (numeric(a / (1 + a) - sp.log(1 + a), a / (1 + a) - sp.log(1 + a) + a * 0), {a: (0, sp.oo)}),
    "bound": (numeric(sp.log(1 + a) <= a), {a: (0, 10)}),
    "sharp bound": (numeric(sp.log(1 + a) <= a * sp.Rational(99, 100)), {a: (0, 10)}),
    "asymptotic": (asymptotic(t / (1 + t) * a, a * (1 + 2 / t), t), {a: (1, 2)}),
    "not asymptotic": (asymptotic(a * sp.log(t), a * sp.log(2 * t) * sp.sqrt(t), t), {a: (1, 2)}),
    "asymptotic by a factor": (asymptotic(2 * a / t, a / t, t), {a: (1, 2)}),
    "ninth digit": (numeric(a, a + sp.Rational(1, 10**9)), {a: (1, 2)}),
}  # fmt: skip


@pytest.mark.parametrize("name", CLAIMS)
def test_verdicts_have_not_changed(name: str) -> None:
    evidence, domain = CLAIMS[name]
    row = Claim(name, evidence=(evidence,), domain=domain).examine()
    lines = [[e.verdict_text, ENCLOSED.sub("", e.detail), dict(e.counterexample), e.stated] for e in row.lines]
    check(TABLE, name, [row.statement, row.domain, row.verdict.value, row.expect.value, *lines])


def arrays(**given: np.ndarray) -> Entry:
    return {k: np.asarray(v).tolist() for k, v in given.items()}


ERRORS = [np.random.default_rng(k).gamma(2.0, 1 / d, (5 + 3 * k, 4)) for k, d in enumerate((100, 50, 25))]
DOUBTS = [np.array([0.0, 1e-3, 2e-3, 3e-3]) * k for k in (1, 2, 3)]
BANDS: dict[str, Callable[[], object]] = {
    "three dimensions": lambda: deviation(ERRORS, (100, 50, 25), 1e-4, 0.01),
    "one dimension": lambda: deviation(ERRORS[:1], (100,), 0.0, 0.001),
    "doubts": lambda: deviation(ERRORS, (100, 50, 25), 0.0, 0.01, 0.0, DOUBTS),
    "skewed": lambda: deviation(ERRORS, (100, 50, 25), 0.0, 0.01, np.array([0.0, 0.3, 0.6, 1.0])),
    "without noise": lambda: deviation([np.zeros((3, 2)), *[np.ones((3, 2))] * 2], (100, 50, 25), 0.0, 0.01),
}


@pytest.mark.parametrize("name", BANDS)
def test_bands_have_not_changed(name: str) -> None:
    found = BANDS[name]()
    fields = ("error", "band", "standard_error", "remainder", "raw", "spread", "ratio", "place")
    check(TABLE, f"band: {name}", arrays(**{f: getattr(found, f) for f in fields}))


def test_the_skewness_of_gamma_laws() -> None:
    """2/√k for shape k, less one standard error; the sizes of the ensembles weigh with d."""
    rng = np.random.default_rng(0)
    errors = [rng.gamma(4.0, 1.0, (200_000, 2)), rng.gamma(1.0, 1.0, (100_000, 2))]
    assert skewness(errors[:1], (100,)) == pytest.approx(1.0 - np.sqrt(6 / 200_000), abs=0.02)
    mixed = (200_000 * 1.0 + 400_000 * 0.5 * 2.0) / 600_000  # of one run at the first dimension
    assert skewness(errors, (100, 25)) == pytest.approx(mixed - np.sqrt(6 / 600_000), abs=0.02)
    check(TABLE, "skewness", arrays(found=skewness(ERRORS, (100, 50, 25))))


WORLDS = {
    "least squares": (sh.least_squares(0.5), sh.Constant(0.4), 1.0),
    "AdaGrad-Norm": (sh.least_squares(0.5), sh.AdaGradNorm(0.8, 0.9), 1.0),
    "wrong rate": (sh.least_squares(0.5), sh.Constant(0.4), 1.3),
}


@pytest.mark.parametrize("name", WORLDS)
def test_comparisons_have_not_changed(name: str) -> None:
    problem, rule, factor = WORLDS[name]
    where = sh.Spectrum.from_eigenvalues([1, 0.4]), sh.Start(0.5, 1, 0.3)
    theory = sh.Constant(0.4 * factor) if factor != 1 else rule
    curve = sh.derive(problem, theory).solve(*where, 2.1)
    comparison = sh.compare(curve, sh.simulate(problem, rule, *where, 256, 2.0, 8, t=[0.5, 1.0, 2.0]))
    kept = {k: arrays(error=d.error, raw=d.raw) for k, d in comparison.deviations.items()}
    said = comparison.worst[0], comparison.dims
    check(TABLE, f"comparison: {name}", [comparison.agrees, kept, *said])
