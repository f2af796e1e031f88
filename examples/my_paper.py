"""Claims of a paper of one's own: ``symhigh verify examples/my_paper.py`` proves and measures them, exit status 0."""

import sympy as sp

import symhigh as sh
from symhigh.ledger import Claim, compare, equal, simulation, symbolic

g, w = sp.symbols("g omega", positive=True)


@symbolic
def from_the_limit():
    floor = sh.limits(sh.least_squares(w), sh.Constant(g), sh.Spectrum.isotropic())["risk"]
    return equal(floor.expr, w**2 / (2 - g))


@simulation
def from_sgd(trial):
    problem, rule, where = sh.least_squares(1), sh.Constant(0.5), (sh.Spectrum.isotropic(), sh.Start())
    curve = sh.derive(problem, rule).solve(*where, t_end=5)
    return compare(curve, sh.simulate(problem, rule, *where, d=200, t_end=5, seeds=20))


floor = Claim(
    "Risk floor",
    "Where SGD at a constant rate comes to rest, one eigenvalue.",
    id="my-paper/floor",
    domain={g: (0, 2)},
    evidence=[from_the_limit, from_sgd],
)
