"""What derivations refuse, in their words: rules without a limit, averages without a value, matrices that are none."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import sympy as sp

import symhigh as sh
from symhigh.derivation.ito.densities import stationary_density
from symhigh.derivation.ito.sde import ItoSDE
from symhigh.rule import Memory, Rule
from symhigh.symbols import d, gradient_square

a, b = sp.symbols("a b", real=True)
M = sp.Symbol("M", positive=True)
LEAST = sh.least_squares(0.3)
LEARNT = sh.Problem((a * sh.x - sh.x_star) ** 2 / 2, learnt={a: sh.Learnt(1)})


def rule(rate: Any = None, memory: tuple[Memory, ...] = (), batch: int = 1, **own: Any) -> Rule:
    """A rule of one's own that states a rate, and memories."""

    @dataclass(frozen=True)
    class Own(Rule):
        @property
        def rate(self) -> Any:
            return rate

        @property
        def memory(self) -> tuple[Memory, ...]:
            return memory

    found = Own()
    return sh.MiniBatch(found, batch) if batch != 1 else found


CASES: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "no rate": (lambda: sh.derive(LEAST, rule()), ValueError, "neither a rate nor an objective"),
    "unknown": (lambda: sh.derive(LEAST, rule(M)), ValueError, "depends on M, so the system does not close"),
    "rate with d": (lambda: sh.derive(LEAST, rule(1 / d)), ValueError, "depends on d"),
    "batch of a sampled rate": (
        lambda: sh.derive(LEAST, rule(d / (1 + gradient_square), batch=2)), ValueError, "of which a batch has several"
    ),
    "rate of order d": (lambda: sh.derive(LEAST, rule(gradient_square / d**2)), ValueError, "no limit other than 0"),
    "maximum over samples": (
        lambda: sh.derive(LEAST, rule(1 / M, (Memory(M, sp.Max(0, gradient_square / d - M), 1),))), ValueError,
        "the maximum M is of {gradient_square}, which jumps from sample to sample",
    ),
    "squares of a learnt scalar's slopes over a batch": (
        lambda: sh.derive(LEARNT, sh.MiniBatch(sh.Adam(0.1, 1, 1, 1), 2)), ValueError,
        "not linear in the gradient, so that of a learnt scalar depends on all samples of a batch at once",
    ),
    "network and rule": (
        lambda: sh.derive(sh.DiagonalNetwork(0.3), sh.Constant(0.2)), TypeError, "holds its own constant step"
    ),
    "density of what is none": (
        lambda: sh.derive(sh.DiagonalNetwork(sp.Symbol("g", positive=True))).solve(
            sh.NetworkClasses(1, 1, 1, 0.5), 1.0
        ), ValueError, "must be a number",
    ),
    "cov without rows": (lambda: sh.expect(a, 3, [a]), TypeError, "must be a matrix or a nested sequence"),
    "cov of unequal rows": (lambda: sh.expect(a, [[1, 2], [1]], [a, b]), TypeError, "whose rows have one"),
    "cov not square": (lambda: sh.expect(a, [[1, 2]], [a, b]), ValueError, "must be a square matrix"),
    "cov empty": (lambda: sh.expect(a, [[]], []), ValueError, "must be a square matrix"),
    "complex exponent": (lambda: sh.expect(sp.exp(sp.I * a**2), [[1]], [a]), ValueError, "complex"),
    "two states": (
        lambda: stationary_density(ItoSDE((a, b), (-a, -b), sp.eye(2))), ValueError, "one state is needed"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_refusals(name: str) -> None:
    make, kind, words = CASES[name]
    with pytest.raises(kind, match=words):
        make()


def test_a_symbol_is_bound_by_its_name_where_one_alone_bears_it() -> None:
    noise, own = sp.Symbol("n", positive=True), sp.Symbol("n")
    system = sh.derive(sh.least_squares(noise), sh.Constant(0.3)).bind({"n": 0.5})
    assert noise not in {s for value in system.parameters.values() for s in value.free_symbols}
    both = sh.derive(sh.least_squares(noise), sh.Constant(own))
    with pytest.raises(ValueError, match="different symbols are called"):
        both.bind({"n": 0.5})
    assert own in both.bind({noise: 0.5}).parameters.values()
