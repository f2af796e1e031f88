"""Rows with labels against NumPy's least squares, and what their shapes must be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symhigh as sh

pytestmark = pytest.mark.filterwarnings("ignore::symhigh.EffectiveDimensionWarning")
ROWS = {
    "tall": np.array([[1.0, 0.5], [-0.3, 2.0], [0.7, -1.1], [0.2, 0.4], [1.5, 0.1]]),
    "wide": np.array([[1.0, 0.5, -0.2], [-0.3, 2.0, 0.9]]),
    "equal eigenvalues": np.array([[1.0, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]])[:, [0, 1, 3]],
    "smallest": np.array([[2.0, 0.0], [1.0, -1.0]]),
}
LABELS = np.array([0.3, -1.2, 2.5, 0.9, -0.4])


@pytest.mark.parametrize("name", ROWS)
def test_the_problem_that_rows_pose(name: str) -> None:
    rows = ROWS[name]
    n, d = rows.shape
    data = sh.Dataset(rows, LABELS[:n])
    assert (data.n, data.d, data.basis.shape) == (n, d, (d, d))
    minimiser = np.linalg.lstsq(rows, LABELS[:n], rcond=None)[0]
    residuals = LABELS[:n] - rows @ minimiser
    assert data.minimiser == pytest.approx(minimiser, rel=1e-12)
    assert data.residuals == pytest.approx(residuals if n > d else np.zeros(n), rel=1e-10, abs=1e-14)
    assert np.array_equal(data.residuals, np.zeros(n)) == (n <= d)  # exactly
    assert data.least == pytest.approx(np.mean(residuals**2) / 2, rel=1e-10, abs=1e-25)
    assert data.noise == pytest.approx(np.sqrt(np.mean(residuals**2)), rel=1e-10, abs=1e-12)
    covariance = data.basis @ np.diag(data.eigenvalues) @ data.basis.T
    assert covariance == pytest.approx(rows.T @ rows / n, rel=1e-12, abs=1e-14)
    assert data.basis.T @ data.basis == pytest.approx(np.eye(d), abs=1e-14)
    assert (np.diff(data.eigenvalues) >= 0).all()


def test_loss_and_alignment_anywhere() -> None:
    rows, X = ROWS["tall"], np.array([0.4, -0.7])
    data = sh.Dataset(rows, LABELS)
    assert data.loss(X) == pytest.approx(sum((a @ X - b) ** 2 for a, b in zip(rows, LABELS, strict=True)) / 10)
    for at, given in ((X, X), (data.minimiser, None)):
        squares, lengths = (LABELS - rows @ at) ** 2, np.array([a @ a for a in rows])
        expected = np.mean(squares * lengths) / (np.mean(squares) * np.mean(lengths))
        assert data.alignment(given) == pytest.approx(expected, rel=1e-10)
        assert abs(expected - 1) > 0.1
    wide = sh.Dataset(ROWS["wide"], LABELS[:2])
    assert wide.alignment() == 1
    assert wide.loss(wide.minimiser) == pytest.approx(0, abs=1e-28)


def test_rounding_alone_is_no_residual() -> None:
    rows = np.linalg.qr(np.sin(np.arange(1.0, 73) ** 2).reshape(12, 6))[0]
    near = rows @ np.arange(1.0, 7)
    assert not sh.Dataset(rows, near).residuals.any()
    off = np.linalg.qr(np.column_stack([rows, np.ones(12)]))[0][:, -1]  # a direction that no combination has
    assert sh.Dataset(rows, near + 1e-9 * off).residuals == pytest.approx(1e-9 * off, rel=1e-5, abs=1e-14)
    assert not sh.Dataset(rows, 0 * near).residuals.any()


def test_starts() -> None:
    data = sh.Dataset(ROWS["tall"], LABELS)
    for given, X0 in ((None, [0.0, 0.0]), ([0.3, 2.0], [0.3, 2.0])):
        assert data.start(given).vectors_given[0].tolist() == X0  # type: ignore[index]
        assert data.start(given).vectors_given[1].tolist() == data.minimiser.tolist()  # type: ignore[index]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda d: sh.Dataset(np.ones((3, 2)), np.ones(2)), r"labels has shape \(2,\), rows \(3, 2\)"),
        (lambda d: sh.Dataset(np.ones((1, 3)), np.ones(1)), "at least 2 rows and 2 features"),
        (lambda d: sh.Dataset(np.ones((3, 1)), np.ones(3)), "at least 2 rows and 2 features"),
        (lambda d: d.start(np.ones(3)), r"Dataset.start: X0 has shape \(3,\), the rows have 2 features"),
        (lambda d: d.loss(np.ones((2, 1))), r"Dataset.loss: X0 has shape \(2, 1\)"),
        (lambda d: d.alignment(np.ones(1)), r"Dataset.alignment: X0 has shape \(1,\)"),
    ],
)
def test_shapes_are_checked(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call(sh.Dataset(ROWS["tall"], LABELS))
