"""Sign changes along a line: all of them, close pairs and grid points included, in floats and in mpmath numbers."""

import mpmath
import numpy as np
import pytest
import sympy as sp

from symhigh.derivation.gaussian import expect
from symhigh.derivation.gaussian.basis import sign_basis
from symhigh.derivation.gaussian.crossings import changes, crossings
from symhigh.symbols import x, x_star

PAIRS = [(-1.3, -1.3 + 1e-3), (0.02, 0.021), (2.9, 2.9004), (-7.05, -7.0), (8.0, 8.1)]


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("side", [1, -1])
def test_two_zeros_close_together_are_both_found(pair: tuple[float, float], side: int) -> None:
    found = crossings(lambda z: side * (z - pair[0]) * (z - pair[1]) / (1 + z * z), -9.0, 9.5, 1e-13)
    assert found == pytest.approx(pair, abs=1e-9)


def test_simple_zeros_and_none() -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        zeros = np.sort(rng.uniform(-5, 5, 4))
        if np.diff(zeros).min() > 0.4:
            assert crossings(np.poly1d(zeros, r=True), -6.0, 6.0, 1e-13) == pytest.approx(zeros, abs=1e-10)
    assert crossings(lambda z: z * z + 1e-3, -6.0, 6.0, 1e-13) == []
    assert crossings(lambda z: z * z, -6.0, 6.0, 1e-13) == []  # touches, and does not cross
    assert crossings(lambda z: z**3, -6.0, 6.0, 1e-13) == [0.0]  # a point of the grid, as the middle is
    assert crossings(lambda z: 1 if z > 0.3 else -1, -6.0, 6.0, 1e-12) == pytest.approx([0.3], abs=1e-11)
    (root,) = crossings(lambda z: z**3 - 2, mpmath.mpf(0), mpmath.mpf(4), mpmath.mpf(10) ** -14)
    assert float(root) == pytest.approx(2 ** (1 / 3), abs=1e-13)


def test_changes_of_a_state() -> None:
    edges = [-2.3, 0.1, 0.104, 3.0]
    found = changes(lambda z: sum(z > e for e in edges), -5.0, 5.0, 1e-12)
    assert found == pytest.approx(edges, abs=1e-11)
    assert changes(lambda z: 0, -5.0, 5.0, 1e-12) == []


def test_exchangeable_variables_give_one_node_whatever_their_order() -> None:
    cov = [[1, sp.Rational(1, 2)], [sp.Rational(1, 2), 1]]
    first, second = (
        expect(sp.tanh(u) * sp.atan(v + 1) * sp.exp(-(v**4)), cov) for u, v in ((x, x_star), (x_star, x))
    )
    assert first == second


def test_a_form_takes_the_place_of_the_last_variable_it_holds() -> None:
    for form in ((1, -1, 0), (2, 0, -1), (0, 1, 3)):
        basis = sign_basis([tuple(map(sp.Integer, form))], 3)
        last = max(i for i, c in enumerate(form) if c)
        assert list(basis.forward[last]) == list(form)
        assert sp.Matrix(basis.forward) * sp.Matrix(basis.backward) == sp.eye(3)
