"""The shared symbols: owned by the library, equal to themselves only, and what composite ones stand for."""

import pickle

import pytest
import sympy as sp

from symhigh import symbols
from symhigh.symbols import X0, OwnedSymbol, Total, X, moved, owned, product_symbol

OWNED = {name: s for name, s in vars(symbols).items() if isinstance(s, OwnedSymbol)}


@pytest.mark.parametrize("name", OWNED)
def test_a_symbol_of_the_same_name_is_another(name: str) -> None:
    symbol = OWNED[name]
    assert symbol != sp.Symbol(symbol.name, **symbol._assumptions_orig)
    assert symbol != OwnedSymbol(symbol.name, "somebody", **symbol._assumptions_orig)
    assert symbol == OwnedSymbol(symbol.name, **symbol._assumptions_orig) == pickle.loads(pickle.dumps(symbol))
    assert str(symbol) == symbol.name


def test_symbols_are_sorted_by_name_and_owner_as_plain_ones_are() -> None:
    late, early, other = OwnedSymbol("a", "zeta"), OwnedSymbol("a", "beta"), OwnedSymbol("b", "alpha")
    assert sorted([other, late, early], key=sp.default_sort_key) == [early, late, other]
    plain, own = sp.Symbol("a").sort_key(), early.sort_key()
    assert own[0] == plain[0]
    assert own[1][0] == len(own[1][1]) == 2
    assert own[2:] == plain[2:]


def test_a_number_says_what_its_symbol_did_not() -> None:
    plain = sp.Symbol("c")
    assert owned(plain, "loss", sp.Integer(2)).is_positive
    assert owned(plain, "loss", sp.Integer(-2)).is_nonpositive
    assert owned(plain, "loss", sp.Integer(0)).is_positive is None
    assert owned(plain, "loss").is_real is None
    assert owned(sp.Symbol("n", integer=True), "loss", sp.Integer(2)).is_integer
    assert product_symbol("B", True).is_nonnegative
    assert product_symbol("B", False).is_nonnegative is None


@pytest.mark.parametrize("value", [sp.S.Zero, sp.Integer(2), sp.Integer(-2), sp.Rational(1, 10**9), sp.pi, -sp.pi])
def test_the_sign_of_a_number_is_that_of_its_symbol(value: sp.Expr) -> None:
    found = owned(sp.Symbol("c"), "loss", value)
    assert found.is_real
    assert (found.is_positive, found.is_nonpositive) == ((None, None) if value == 0 else (value > 0, value < 0))
    assert found.is_commutative


def test_what_is_declared_of_a_symbol_is_kept() -> None:
    for given in ({"nonnegative": True}, {"integer": True}, {"positive": True}, {"imaginary": True}, {}):
        plain = sp.Symbol("c", **given)
        kept = owned(plain, "loss").assumptions0
        assert kept == plain.assumptions0
        for value in (None, sp.Symbol("a"), sp.I):  # no real number
            assert owned(plain, "loss", value).assumptions0 == plain.assumptions0
    assert owned(sp.Symbol("c", nonnegative=True), "loss", sp.S.Zero).is_nonnegative
    assert owned(sp.Symbol("c", nonnegative=True), "loss", sp.S.Zero).is_positive is None


def test_how_far_the_iterate_moved_is_a_sum_of_squares() -> None:
    assert moved == Total((X - X0) ** 2)
    assert symbols.moved.args[0].subs({X: 3, X0: 1}) == 4
