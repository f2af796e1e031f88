"""The second algebra system: true identities are reduced to zero, false ones are not, and nothing runs unasked."""

from __future__ import annotations

import pytest
import sympy as sp
from click.testing import CliRunner

import symhigh as sh
from symhigh.cli import main
from symhigh.derivation.gaussian.node import GaussianMean
from symhigh.derivation.gaussian.smooth import Softplus
from symhigh.ledger import maxima
from symhigh.ledger.maxima import Second, reduce_to_zero, written
from symhigh.ledger.rows import Row

a, b = sp.symbols("a b", positive=True)
x = sp.Symbol("x", real=True)
f = sp.Function("f")
NODE = GaussianMean(sp.tanh(x) ** 2, [x], [[a]])


@pytest.fixture
def second() -> None:
    if maxima.program() is None:
        pytest.skip("Maxima is not installed")


TRUE = [
    (sp.sqrt(a) * sp.sqrt(b), sp.sqrt(a * b)),
    (sp.log(a**2 * b), 2 * sp.log(a) + sp.log(b)),
    ((a + b) ** 3, a**3 + b**3 + 3 * a * b * (a + b)),
    (sp.tanh(x), (sp.exp(2 * x) - 1) / (sp.exp(2 * x) + 1)),
    (sp.erfc(a) + sp.erf(a), sp.S.One),
    (Softplus(x), sp.log(1 + sp.exp(-x)) + x),
    (f(x).diff(x) * (a + b) / (a**2 - b**2), f(x).diff(x) / (a - b)),
    (NODE * (a + 1) - NODE, a * NODE),
]


def test_true_identities_are_reduced(second: None) -> None:
    assert reduce_to_zero(TRUE) == Second(len(TRUE), len(TRUE))


@pytest.mark.parametrize("shift", [a, sp.Rational(1, 10**12), f(x)], ids=str)
def test_false_identities_are_not(second: None, shift: sp.Expr) -> None:
    assert reduce_to_zero([(left, right + shift) for left, right in TRUE]) == Second(0, len(TRUE))


def test_the_square_root_of_a_square_needs_its_sign(second: None) -> None:
    c = sp.Symbol("c", real=True)
    root = sp.Pow(sp.Pow(c, 2, evaluate=False), sp.S.Half, evaluate=False)
    assert "x1" in written(root, c)[0]
    assert written(root, c)[1] == []
    assert written(sp.sqrt(a), a)[1] == ["x1"]


def test_constants_are_written_as_maxima_has_them() -> None:
    assert written(sp.pi * a, sp.E + sp.EulerGamma) == ("(%pi*x1) - (%e + %gamma)", ["x1"])


def test_a_row_is_proved_by_two_and_travels(second: None) -> None:
    claim = sh.Claim("square", evidence=sh.symbolic((a + b) ** 2, a**2 + 2 * a * b + b**2))
    row = claim.examine(second=True)
    assert row.lines[0].second == Second(1, 1)
    assert "by two" in row.lines[0].verdict_text
    assert Row.from_dict(row.to_dict()) == row
    assert claim.examine().lines[0].second is None
    ledger = sh.verify(claim, second=True)
    assert "Maxima reduces 1 of 1 identities to zero" in ledger.summary()


def test_without_maxima_it_is_refused_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maxima.shutil, "which", lambda name: None)
    with pytest.raises(FileNotFoundError, match=r"second=True.*Maxima is not installed"):
        sh.verify(sh.Claim("none", evidence=sh.symbolic(a - a + b, b)), second=True)
    with pytest.raises(FileNotFoundError, match="Maxima"):
        reduce_to_zero([(a, a)])
    done = CliRunner().invoke(main, ["verify", "-k", "balance", "--second"])
    assert done.exit_code == 2
    assert "Maxima is not installed" in done.output
