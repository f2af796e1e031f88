"""The same claim with a factor two lost: ``symhigh verify examples/my_paper_wrong.py`` refutes it, exit status 1."""

import sympy as sp

import symhigh as sh
from symhigh.ledger import Claim, equal, symbolic

g, w = sp.symbols("g omega", positive=True)


@symbolic
def from_the_limit():
    floor = sh.limits(sh.least_squares(w), sh.Constant(g), sh.Spectrum.isotropic())["risk"]
    return equal(floor.expr, w**2 / (1 - g))


floor = Claim("Risk floor", id="my-paper/wrong-floor", domain={g: (0, 1)}, evidence=[from_the_limit])
