"""Overlaps of several directions and classes of coordinates: what they refuse, and that finite problems have them."""

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.population.population import Population, cholesky, patterns


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ([[1, 0.5, 0], [0.5, 1, 0]], r"shape \(2, 3\).*square and symmetric"),
        ([[1, 0.5], [0.2, 1]], "square and symmetric"),
        ([[1, 2], [2, 1]], "positive semidefinite"),
        ([1, 2], "matrix has shape"),
    ],
)
def test_bad_matrices(matrix, message):
    with pytest.raises(ValueError, match=message):
        sh.Overlaps(matrix)


def test_singular_overlaps_are_taken():
    given = [[1, 1, 0.5], [1, 1, 0.5], [0.5, 0.5, 1]]
    np.testing.assert_array_equal(sh.Overlaps(given).values, given)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8])
def test_patterns_are_orthogonal_signs(count):
    rows = patterns(count)
    assert rows.shape == (count, 1 << (count - 1).bit_length())
    assert (np.abs(rows) == 1).all()
    np.testing.assert_array_equal(rows @ rows.T, rows.shape[1] * np.eye(count))


def test_cholesky_factors_of_singular_matrices():
    root = np.random.default_rng(0).standard_normal((6, 4, 2))
    gram = root @ root.transpose(0, 2, 1)  # of rank two
    factor = cholesky(gram)
    np.testing.assert_allclose(factor @ factor.transpose(0, 2, 1), gram, atol=1e-12)
    assert (np.triu(factor, 1) == 0).all()


@pytest.mark.parametrize("wrong", ["lam", "theta_star", "u", "v"])
def test_classes_of_unequal_lengths(wrong):
    given = {"lam": [1, 2, 3], "theta_star": [1, 2, 3], "u": [1, 2, 3], "v": 0.5} | {wrong: [1, 2]}
    with pytest.raises(ValueError, match=rf"{wrong} of length 2.*must have 1 or 3 entries"):
        sh.NetworkClasses(**given)


def test_scalars_are_spread_over_the_classes():
    classes = sh.NetworkClasses([1, 2, 4], -0.5, [1, 2, 3], 0.1, [0.5, 0.25, 0.25])
    assert classes.size == 3
    assert (classes.theta_star == -0.5).all()
    assert (classes.v == 0.1).all()
    assert classes.counts(7).tolist() == [3, 2, 2]


def test_what_a_population_must_be_stated_by():
    """Of one vector and its target, of a network, and of several directions; a population itself is taken."""
    p, q, target, u, v = sp.symbols("p q target u v", real=True)
    all_three = "give a Spectrum and the Overlaps of all 3 directions"
    for learnt, targets, given, words in (
        ([p], [target], (3,), r"solve\(spectrum=3, start=None\): give a Spectrum and a Start"),
        ([u, v], [target], (3,), r"solve\(classes=3\): give NetworkClasses"),
        ([p, q], [target], (sh.Spectrum.isotropic(), sh.Start()), all_three),
        ([p], [target, q], (sh.Spectrum.isotropic(),), all_three),
    ):
        with pytest.raises(TypeError, match=words):
            Population.of(learnt, targets, *given)
    population = Population.of([p], [target], sh.Spectrum.isotropic(), sh.Start())
    assert Population.of([p], [target], population) is population
