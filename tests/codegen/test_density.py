"""What couples a network's coordinates: generated functions by the reference, against sums written out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.codegen.density import COEFFICIENTS, PAIR, PAIRS, WEIGHT, density_source
from symhigh.codegen.target import NUMPY
from symhigh.meanfield import Reduction
from tests.codegen.test_signatures import widths
from tests.matrix import problem_of


class Coupling:
    """The functions of a system, and what each pair of them is made of."""

    def __init__(self, loss: str) -> None:
        system: Any = sh.derive(problem_of(loss, "network"), sh.AdaGradNorm(0.8, 0.9))
        self.system, channels = system, system.channels.names[1:]
        self.source, self.pairs = density_source(system, channels, NUMPY)
        self.space: dict[str, Any] = {}
        exec(self.source, self.space)  # generated here
        self.made = {
            PAIRS[0]: (*channels, *(s.rhs for s in system.states)), PAIRS[1]: tuple(system.outputs.values()),
        }  # fmt: skip

    def used(self, pair: tuple[str, str]) -> list[Reduction]:
        """The averages of what moves that a pair's results hold."""
        moving = set(self.system.family.states)
        held = set().union(*(self.system.expanded(e).free_symbols for e in self.made[pair]))
        return [r for r in self.system.reductions if r.summand.free_symbols & moving and r.name in held]


@pytest.fixture(scope="module", params=["square", "quantile"])
def coupling(request: pytest.FixtureRequest) -> Coupling:
    return Coupling(request.param)


def test_functions_and_places(coupling: Coupling) -> None:
    family = coupling.system.family
    assert coupling.pairs == PAIRS[:2]
    assert not {"leans", "doubt"} & set(widths(coupling.source))
    assert (0, 1, 1 + 2 * len(family.states)) == (WEIGHT, PAIR, COEFFICIENTS)


@pytest.mark.parametrize("pair", PAIRS[:2])
def test_a_class_adds_its_share_of_the_averages(coupling: Coupling, pair: tuple[str, str]) -> None:
    """Two classes of three particles: ``u = u_w e^{α+ξ} + u_z e^{α-ξ}``, averages of summands over the law."""
    family, used = coupling.system.family, coupling.used(pair)
    assert used
    rng = np.random.default_rng(4)
    rows, laws = rng.uniform(0.3, 1.2, (2, COEFFICIENTS + len(family.coefficients))), rng.uniform(0.5, 1, (2, 3))
    amp, bump = rng.uniform(0.5, 1.5, (2, 2)), rng.uniform(-0.2, 0.2, (2, 2, 3))
    sums, expected = np.zeros(len(used)), np.zeros(len(used))
    for row, law, size, part in zip(rows, laws, amp, bump, strict=True):
        coupling.space[pair[0]](0.0, 0.0, np.zeros(3), size, part, law, row, sums)
        plus, minus = size[:, None] * (1 + part)
        at: dict[sp.Symbol, Any] = dict(zip(family.coefficients, row[COEFFICIENTS:], strict=True))
        at |= {s: row[PAIR + 2 * k] * plus + row[PAIR + 2 * k + 1] * minus for k, s in enumerate(family.states)}
        for j, r in enumerate(used):
            held = [s for s in at if s in r.summand.free_symbols]
            value = sp.lambdify(held, r.summand, "numpy")(*(at[s] for s in held))
            expected[j] += row[WEIGHT] * float(law @ (value * np.ones(3))) / law.sum()
    np.testing.assert_allclose(sums, expected, rtol=1e-13)


@pytest.mark.parametrize("pair", PAIRS[:2])
def test_channels_rates_and_outputs_follow_from_the_averages(coupling: Coupling, pair: tuple[str, str]) -> None:
    system, used, exprs = coupling.system, coupling.used(pair), coupling.made[pair]
    constant = [r.name for r in system.reductions if not r.summand.free_symbols & set(system.family.states)]
    memory = [s.name for s in system.states]
    known: dict[sp.Symbol, Any] = {
        s: sp.Rational(35 + 11 * k, 100) for k, s in enumerate((*(r.name for r in used), *memory, *constant, sh.t))
    } | dict(system.parameters)  # fmt: skip
    out, numbers = np.zeros(len(exprs)), {s: float(v) for s, v in known.items()}
    coupling.space[pair[1]](
        numbers[sh.t], np.array([numbers[r.name] for r in used]), np.array([numbers[m] for m in memory]),
        np.array([numbers[p] for p in system.parameters]), np.array([numbers[c] for c in constant]), out,
    )  # fmt: skip
    exact = [float(system.expanded(e).xreplace(known).evalf(14)) for e in exprs]
    np.testing.assert_allclose(out, exact, rtol=1e-10)
