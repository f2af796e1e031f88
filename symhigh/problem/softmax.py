"""Softmax regression: one output a class, cross-entropy, and labels of a teacher or of the classes of the data.

First room of the pipeline. The loss depends on differences of the outputs alone, which is how it is stated, so that its
expectations are averages over one variable fewer than there are classes.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from symhigh.checks import flag, instance, shown, whole
from symhigh.entries import Parameter, loss
from symhigh.problem.mixture import Mixture
from symhigh.problem.problem import Problem
from symhigh.symbols import y

MOST = 4
"""The most variables of one Gaussian average that quadrature takes in its stride."""


@loss("softmax", Parameter("classes", "Labels, one output each.", 2, kind=int, option="labels"))
def softmax(classes: Any, data: Mixture | None = None, reference: bool = False) -> Problem:
    """``f = -log(e^{x_y}/Σ_k e^{x_k})`` for the label y in 0 … C - 1, one output ``x_k = <a, X_k>`` a class.

    Parameters
    ----------
    classes
        C, how many labels there are.
    data
        A :class:`~symhigh.Mixture` with the labels 0 … C - 1, for data whose classes are the labels; a curve then holds
        ``zero_one_error``, how often the largest output is not the label's, for up to three classes. Without it labels
        are drawn from the softmax of a teacher's outputs ``<a, X*_k>``; a longer X* is a teacher surer of its labels.
    reference
        Whether the last output, the student's and the teacher's, is 0, as of logistic regression for C = 2.

    With data, averages are over C - 1 correlated variables, and C may be up to 5; a teacher's labels make them
    2 (C - 1), and C may be up to 3. Seconds a curve at four variables.
    """
    count = whole("softmax", "classes", classes, least=2, most=64, meaning="the number of labels")
    last = flag("softmax", "reference", reference, meaning="whether the last output is 0")
    if data is not None:
        instance("softmax", "data", data, Mixture, "a Mixture whose labels are 0, 1, …")
        if set(data.labels) != set(range(count)):
            raise ValueError(
                f"softmax(data with labels {shown(list(data.labels))}): labels must be 0 to {count - 1}, one an output"
            )
    size = count - 1 if data is not None else 2 * (count - 1)
    if size > MOST:
        most = MOST + 1 if data is not None else MOST // 2 + 1
        remedy = "merge classes" if data is not None else "merge classes, or give the labels by a Mixture, up to 5"
        raise ValueError(
            f"softmax(classes={count}): its expectations are averages over {size} correlated variables, beyond the "
            f"{MOST} that quadrature resolves; classes must be <= {most} here: {remedy}"
        )
    free = count - 1 if last else count
    x, x_star = (tuple(sp.Symbol(f"{name}_{k + 1}", real=True) for k in range(free)) for name in ("x", "z"))
    own = _against_last(x, last)
    cost = sp.log(1 + sp.Add(*map(sp.exp, own)))
    cross_entropy = cost - sp.Piecewise(*((u, sp.Eq(y, k)) for k, u in enumerate(own)), (0, True))
    if data is not None:
        return Problem(cross_entropy, name=f"softmax of {count} classes", students=x, data=data)
    odds = [*map(sp.exp, _against_last(x_star, last)), sp.S.One]
    labels = {k: e / sp.Add(*odds) for k, e in enumerate(odds)}
    return Problem(cross_entropy, labels=labels, name=f"softmax of {count} classes", students=x, targets=x_star)


def _against_last(outputs: tuple[sp.Symbol, ...], reference: bool) -> tuple[sp.Expr, ...]:
    """The outputs less the last of them."""
    return outputs if reference else tuple(u - outputs[-1] for u in outputs[:-1])
