"""What claims, domains and slopes refuse, in their words."""

from collections.abc import Callable
from typing import Any

import pytest
import sympy as sp

import symhigh as sh
from symhigh.ledger import Claim, Domain, less, must_fail, numeric, simulation, symbolic
from symhigh.ledger.verdict import combine

a, b, n = sp.Symbol("a", positive=True), sp.Symbol("b", positive=True), sp.Symbol("n", positive=True)
r = sp.Function("r")
GOOD = symbolic((a + b) ** 2, a**2 + 2 * a * b + b**2)
WHERE = sh.Spectrum.isotropic(), sh.Start(0, 1)
CASES: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "statement": (lambda: Claim("name", statement=a > 0, evidence=(GOOD,)), TypeError, "is a comment in words"),
    "id with spaces": (lambda: Claim("name", id=" x", evidence=(GOOD,)), ValueError, "without spaces around it"),
    "id of a number": (lambda: Claim("name", id=3, evidence=(GOOD,)), ValueError, "must be a short text"),
    "no evidence": (lambda: combine([]), ValueError, "no verdict to combine"),
    "twin of no line": (lambda: must_fail(a > 0), TypeError, "give a line of evidence"),
    "domain of no symbol": (lambda: Domain({a + b: (0, 1)}), TypeError, "belongs to a SymPy symbol"),
    "parameter of a comparison": (lambda: comparison().power("nothing", 0.1), KeyError, "this comparison knows"),
    "claims of an empty name": (lambda: sh.verify(""), FileNotFoundError, "an empty name"),
    "claims of a number": (lambda: sh.verify(3), TypeError, r"verify\(path_or_claims=3\): give files"),
    "progress of no function": (
        lambda: sh.verify(Claim("n", evidence=(GOOD,)), progress=1), TypeError, "progress must be"
    ),
    "rows for no function": (lambda: sh.verify(Claim("n", evidence=(GOOD,)), on_row=1), TypeError, "on_row must be"),
    "slope of no curve": (lambda: sh.error_slope(1, []), TypeError, "curve must be a curve"),
    "evidence that is no list": (lambda: Claim("name", evidence=1), TypeError, "or be a list of these"),
    "probability": (lambda: comparison().finds("nothing"), KeyError, "this comparison knows"),
}  # fmt: skip


def comparison() -> sh.Comparison:
    curve = sh.derive(sh.least_squares(0.3), sh.Constant(0.4)).solve(*WHERE, 1.0)
    return sh.compare(curve, sh.simulate(sh.least_squares(0.3), sh.Constant(0.4), *WHERE, 64, 1.0, 4))


@pytest.mark.parametrize("name", CASES)
def test_refusals(name: str) -> None:
    make, kind, words = CASES[name]
    with pytest.raises(kind, match=words):
        make()


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        (symbolic([]), "nothing would be proved"),
        (numeric(sp.Sum(a**n, (n, 1, sp.oo)), a / (1 - a)), "diverges"),
        (numeric(sp.Integral(r(n), (n, 0, a)), r(a)), "so it has no value at a point; give it as a formula"),
        (symbolic(less(a, b + sp.O(n))), "a < b + O(n): an order symbol stands in an equation only"),
        (simulation(lambda trial: 3, title="runs"), "simulation evidence 'runs' returned 3; return a Comparison"),
        (simulation(lambda trial: [], title="runs"), "simulation evidence 'runs' returned []; return a Comparison"),
    ],
    ids=["empty", "sum", "unknown function", "order symbol", "no comparison", "no comparisons"],
)
def test_lines_without_an_answer_are_errors(evidence: Any, words: str) -> None:
    row = Claim("name", evidence=(evidence,), domain={a: (2, 3)}).examine()
    assert not row.as_expected
    assert words in row.lines[0].detail
