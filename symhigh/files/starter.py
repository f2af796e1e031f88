"""The text of a new experiment: every table with a comment, ready to run.

Part of the files; ``symhigh new`` writes it.
"""

from __future__ import annotations

import json

_STARTER = """# An experiment of symhigh. Run it: symhigh run {file}
# It leaves a folder with equations, curve, runs, figure and verdict. `symhigh names` lists losses, laws and rules.
name = {name}

[problem]
# A loss by name, or a formula in x (prediction), x_star (target) and eps (label noise), such as
# loss = "log(cosh(x - x_star - eps))". A formula's own constants go into parameters = {{ c = 1.5 }}.
loss = "least-squares"
# The standard deviation of Gaussian label noise, or a law: noise = {{ law = "student-t", dof = 4, scale = 0.5 }}
noise = 1
# What the coordinates predict with: linear, or a diagonal network, product, squares, powers (with depth = 3).
model = "linear"

[rule]
name = "adagrad-norm"
eta = 1
b = "1/2"                      # numbers may be formulas in quotes
# Rules around it, the first innermost: wrap = [{{ name = "mini-batch", m = 4 }}]

[population]
# "isotropic", {{ name = "power-law", beta = 0.2 }}, {{ name = "marchenko-pastur", ratio = 0.5 }},
# or {{ values = [1, 0.5], weights = [0.3, 0.7] }}
spectrum = "isotropic"
# Squared norms of X0 and X*, and their overlap; {{ delta = 0.4 }} for a power law. Several directions have
# overlaps = [[…], …] instead, and networks classes = {{ lam = …, theta_star = …, u = …, v = … }}.
start = {{ x0 = 0, x_star = 1 }}

[run]
t_end = 5                      # time is steps/d
dimensions = [128, 512]        # where direct SGD is run; leave it out to solve the limit alone
seeds = 20

[checks]
agree = ["risk", "learning_rate"]   # outputs that must agree with the runs at the largest dimension
alarm = 0.01                        # probability of finding a correct limit wrong

# A check of the limit itself: equals with within, below or above, at a time or at the end.
[[checks.value]]
output = "risk"
at = 5
below = 1

# Several experiments at once, one for each combination:
# [sweep]
# "rule.eta" = [0.5, 1, 2]
"""


def starter(name: str, file: str) -> str:
    """A commented TOML file for an experiment called ``name``, that is to stand in ``file``."""
    return _STARTER.format(name=json.dumps(name, ensure_ascii=False), file=file)
