"""A learning-rate rule of your own in ten lines: a rate that follows a running average of the sample losses.

The rule states its discrete update; its limit is derived. Run: python examples/own_rule.py
"""

from dataclasses import dataclass

import sympy as sp

import symhigh as sh
from symhigh.symbols import d, sample_loss

AVERAGE = sp.Symbol("s", positive=True)


@dataclass(frozen=True)
class LossFollowing(sh.Rule):
    """g = s/(1 + s), s an exponential average of the losses over d/3 steps, from s = 1."""

    @property
    def memory(self) -> tuple[sh.Memory, ...]:
        return (sh.Memory(AVERAGE, increment=3 * (sample_loss - AVERAGE) / d, initial=sp.S.One),)

    @property
    def rate(self) -> sp.Expr:
        return AVERAGE / (1 + AVERAGE)


problem, rule = sh.least_squares(noise=0.5), LossFollowing()
spectrum, start = sh.Spectrum.from_eigenvalues([1.0, 0.2]), sh.Start()
system = sh.derive(problem, rule)
print(system)

curve = system.solve(spectrum, start, t_end=15)
runs = sh.simulate(problem, rule, spectrum, start, d=500, t_end=15, seeds=20)
comparison = sh.compare(curve, runs)
print(comparison.summary())
assert comparison.agrees
