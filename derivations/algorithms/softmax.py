"""Softmax regression with one output a class: what its outputs have in common never moves.

The slopes ``f_p' = σ_p(x) - 1[p = y]`` of ``f = -log σ_y(x)`` sum to zero over the outputs, and so do the steps of SGD,
at every d and for labels of any law. Of two outputs the difference ``X_1 - X_2`` is the one direction of logistic
regression, with the labels of the teacher ``X*_1 - X*_2``, and moves by both steps: at twice the rate.
"""

import numpy as np
import sympy as sp

import symhigh as sh
from symhigh.ledger import Claim, Measured, equal, integrated, must_fail, symbolic

g = sp.Symbol("g", positive=True)
TWO = sh.derive(sh.softmax(2), sh.Constant(g))

SMALL = sp.Rational(1, 6)
DOMAIN = {  # covariances with a dominant diagonal
    r.name: (sp.S.Half, 2) if r.name.is_nonnegative else (-SMALL, SMALL)
    for r in TWO.reductions
    if r.name.name.startswith("B_")
}


@symbolic
def sum_rests():
    """The speed of the sum of both outputs: its square, and its products with the teacher's."""
    rhs = {v.name: TWO.unfolded(f) for v, f in zip(TWO.family.states, TWO.family.rhs, strict=True)}
    for names in (("V_1_1", "V_1_2", "V_1_2", "V_2_2"), ("V_1_3", "V_2_3"), ("V_1_4", "V_2_4")):
        yield equal(sp.Add(*(rhs[name] for name in names)), 0)


def both(factor):
    """Risk of two outputs, and of logistic regression at ``factor`` times the rate, from the same predictions."""
    spectrum, times = sh.Spectrum.from_eigenvalues([1.5, 0.5]), [0.5, 2.0, 6.0]
    for rate in (0.2, 0.8):
        rule = sh.Constant(factor * rate)
        logistic = sh.derive(sh.logistic_regression(sampled=True), rule).solve(
            spectrum, sh.Start(0.3, 1, 0.2), 6.0, [0.0, *times], rtol=1e-10
        )
        norm, overlap = logistic.outputs["norm"][0], logistic.outputs["overlap"][0]
        halves = np.kron(np.array([[norm, overlap], [overlap, 1.0]]) / 4, [[1, -1], [-1, 1]])
        curve = TWO.bind({g: rate}).solve(spectrum, sh.Overlaps(halves), 6.0, times, rtol=1e-10)
        one = Measured("risk of two outputs", curve.risk)
        yield one, Measured("risk of logistic regression", logistic.risk[1:]), {g: rate}


@integrated(tolerance=1e-8)
def twice_the_rate(trial):
    """The risk of two outputs is that of logistic regression at twice the rate."""
    yield from both(2)


@must_fail
@integrated(tolerance=1e-8)
def same_rate(trial):
    """At the same rate."""
    yield from both(1)


two_outputs = Claim(
    "Softmax with two outputs is logistic regression at twice the rate",
    "The sum of the outputs never moves, and their difference moves by the steps of both.",
    id="algorithms/softmax-of-two",
    source="symhigh's own",
    domain=DOMAIN,
    evidence=[sum_rests, twice_the_rate],
    checks=[same_rate],
)
