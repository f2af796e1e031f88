"""Phase diagrams: the numbers of curves and closed forms, one by one; points without a value are marked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy as sp

import symhigh as sh

g, n = sp.symbols("g n", positive=True)
ATOMS = sh.Spectrum.from_eigenvalues([0.5, 1.0, 2.0])
START = sh.Start()
SYSTEM = sh.derive(sh.least_squares(noise=n), sh.Constant(g))
X, Y = (g, [0.1, 0.7, 1.5, 2.0]), ("n", np.array([0.2, 1.0, 3.0]))


def test_outputs_at_the_end_are_those_of_curves() -> None:
    diagram = sh.phase_diagram(SYSTEM, X, Y, "distance", ATOMS, START, t_end=3.0)
    assert diagram.values.shape == (4, 3)
    assert (diagram.x_name, diagram.y_name, diagram.quantity, diagram.t) == ("g", "n", "distance", 3.0)
    for i, j in np.ndindex(4, 3):
        curve = SYSTEM.bind({g: diagram.x[i], n: diagram.y[j]}).solve(ATOMS, START, 3.0, [3.0])
        assert diagram.values[i, j] == curve.distance[0]


def test_a_function_sees_all_last_outputs() -> None:
    diagram = sh.phase_diagram(SYSTEM, X, Y, lambda end: end.risk - end.distance, ATOMS, START, t_end=3.0)
    parts = [sh.phase_diagram(SYSTEM, X, Y, name, ATOMS, START, t_end=3.0).values for name in ("risk", "distance")]
    assert (diagram.values == parts[0] - parts[1]).all()
    with pytest.warns(RuntimeWarning, match="phase_diagram: of 12 points 11 complete, 1 undefined.*is nan here"):
        odd = sh.phase_diagram(
            SYSTEM, X, Y, lambda end: np.where(end.risk == end.risk.max(), np.nan, end.risk), ATOMS, START, t_end=3.0
        )
    place = np.unravel_index(int(parts[0].argmax()), (4, 3))
    assert odd.status[place] == "undefined"
    assert set(odd.errors) == {place}


@pytest.mark.parametrize("name", ["risk", "rate"])
def test_limits_are_those_of_the_formulas_and_end_at_the_threshold(name: str) -> None:
    with pytest.warns(RuntimeWarning, match="9 complete, 3 no limit.*needs g < 12/7"):
        diagram = sh.phase_diagram(SYSTEM, X, Y, name, ATOMS, START)
    formula = sh.limits(SYSTEM, ATOMS, START)[name]
    for i, j in np.ndindex(3, 3):
        at = {s.name: {"g": diagram.x[i], "n": diagram.y[j]}[s.name] for s in formula.symbols}
        assert diagram.values[i, j] == pytest.approx(float(formula.evaluate(**at)), rel=1e-12)
    assert (diagram.status[3] == "no limit").all()
    assert np.isnan(diagram.values[3]).all()
    assert len(diagram.errors) == 3


def test_long_curves_end_at_the_limits() -> None:
    x, y = ("g", [0.2, 0.5, 1.0]), ("n", [0.3, 1.0])
    limit = sh.phase_diagram(SYSTEM, x, y, "risk", ATOMS, START).values
    ends = sh.phase_diagram(SYSTEM, x, y, "risk", ATOMS, START, t_end=400.0, rtol=1e-10).values
    np.testing.assert_allclose(ends, limit, rtol=1e-7)


def test_formulas_without_a_short_form_are_evaluated() -> None:
    law = sh.Spectrum.marchenko_pastur(0.5)
    formula = sh.limits(SYSTEM, law, START)["rate"]
    diagram = sh.phase_diagram(SYSTEM, {"g": [0.2, 0.4]}, {n: [0.3]}, "rate", law, START)
    for i in range(2):
        assert diagram.values[i, 0] == pytest.approx(float(formula.evaluate(g=float(diagram.x[i]))), rel=1e-12)


def test_bad_points_are_marked_in_values_words_and_picture() -> None:
    x = ("g", [-0.5, 0.5, 500.0])
    with pytest.warns(RuntimeWarning, match="2 complete, 2 diverged, 2 refused") as said:
        diagram = sh.phase_diagram(SYSTEM, x, ("n", [0.2, 0.4]), "risk", ATOMS, START, t_end=500.0)
    assert len(said) == 1
    assert said[0].filename == __file__
    assert diagram.status[:, 0].tolist() == ["refused", "complete", "diverged"]
    assert np.isnan(diagram.values[[0, 2]]).all()
    assert set(diagram.errors) == {(0, 0), (0, 1), (2, 0), (2, 1)}
    assert "Constant(gamma=-0.5" in diagram.errors[0, 1]
    axes = diagram.plot()
    first = axes.collections[0].get_array()
    np.testing.assert_array_equal(np.ma.filled(first.reshape(2, 3).T, np.nan), diagram.values)
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["diverged", "refused"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("g", "n")


def test_networks_have_diagrams_too() -> None:
    step = sp.Symbol("step", positive=True)
    system = sh.derive(sh.DiagonalNetwork(step, noise=n))
    classes = sh.NetworkClasses(1.0, 1.0, 0.5, 0.5)
    diagram = sh.phase_diagram(
        system, ("step", [0.05]), ("n", [0.1]), "risk", classes, t_end=0.5, nodes=41, step=0.05
    )
    curve = system.bind({"step": 0.05, "n": 0.1}).solve(classes, 0.5, [0.5], nodes=41, step=0.05)
    assert diagram.values[0, 0] == curve.risk[0]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"x": ("h", [1.0])}, "not a parameter of this system"),
        ({"x": ("n", [1.0])}, "different parameters"),
        ({"x": [1.0]}, "x must be"),
        ({"x": {g: [1.0], n: [1.0]}}, "one parameter"),
        ({"y": ("n", "0.1")}, "must be a list"),
        ({"quantity": "loss"}, "quantity must be one of 'risk'"),
        ({"quantity": 3}, "quantity must be"),
        ({"quantity": lambda end: 1.0}, "must return real numbers"),
        ({"quantity": lambda end: end.loss}, "has risk"),
        ({"t_end": None, "quantity": "loss"}, "quantity must be one of 'learning_rate'"),
        ({"t_end": None, "quantity": lambda end: end.risk}, "needs the time"),
        ({"t_end": None, "quantity": "risk", "rtol": 1e-3}, "this is for curves"),
        ({"t_end": None, "spectrum": None, "start": None}, "the limit .* still has"),
        ({"t_end": -1.0}, "t_end must be"),
        ({"spectrum": None}, "spectrum=None.*give a Spectrum"),
        ({"start": None}, "start=None.*give a Spectrum"),
        ({"system": sh.least_squares()}, "system must be"),
    ],
)
def test_wrong_arguments_are_refused_by_name(given: dict[str, Any], words: str) -> None:
    arguments = {"system": SYSTEM, "x": X, "y": Y, "spectrum": ATOMS, "start": START, "t_end": 1.0} | given
    with pytest.raises((ValueError, TypeError, AttributeError), match=words):
        sh.phase_diagram(**arguments)
