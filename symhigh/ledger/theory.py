"""What the linear theory predicts of runs at dimension d: their bias and their covariance, as a :class:`Source`.

Stands below the comparison. The theory is that of the statement that was simulated, not of the curve: a mistake in the
curve stays in the comparison. Source of the mathematics: :mod:`symhigh.derivation.fluctuations`.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from symhigh.clock import OutOfTime, time_limit
from symhigh.derivation import derive
from symhigh.derivation.nodes import at_nodes, long
from symhigh.integration.bands import Fluctuations
from symhigh.ledger.directions import thinned
from symhigh.ledger.judgement import MOST, Source
from symhigh.simulation.runs import Runs
from symhigh.system import MomentSystem

_RTOL = 1e-3
"""Relative tolerance of variances and biases, which are known to leading order in 1/d alone."""
_MODES = 60
"""Modes of fixed vectors, which cannot be compressed, up to which the theory is quick."""
THEORY = "the linear theory"
SECONDS = 60.0
"""The time of work that the theory has; companions then tell what it would have told."""


def predicted(source: Source, runs: Runs, names: Sequence[str]) -> Source:
    """``source`` with what the linear theory of ``runs`` knows more.

    Where there is no theory ``fluctuations`` of the result says why.
    """
    try:
        with time_limit(SECONDS, working=True):
            bands = _bands(runs, names)
    except (ValueError, ArithmeticError) as error:
        return replace(source, fluctuations=f"companions, as there is no linear theory: {_short(str(error))}")
    except (OutOfTime, TimeoutError):  # a derivation on the way takes the end of this limit for that of its own
        why = f"the linear theory takes more than {SECONDS:g} s of work (system.fluctuations does it)"
        return replace(source, fluctuations=f"companions, as {why}")
    d, rows = runs.d, runs.t.size
    known = bands.values.shape[0] == rows and all(np.isfinite(bands.variance(n, d)).all() for n in names)
    if not known:
        return replace(source, fluctuations="companions, as the linear theory ends before the runs do")
    marks = np.searchsorted(runs.t, bands.marks)
    covariance = {(a, b): bands.two_times(a, b, d) for a in names for b in names}
    source = replace(source, covariance=covariance, marks=marks, fluctuations=THEORY)
    biases = {name: bands.bias(name, d) for name in names}
    found = {name: b for name, b in biases.items() if b is not None and np.isfinite(b).all()}
    if source.bias is None and len(found) == len(names):
        source = replace(source, method=THEORY, bias=found, leading=True)
    return source


def _bands(runs: Runs, names: Sequence[str]) -> Fluctuations:
    """The linear theory at the times of the runs, with its covariances between some of them."""
    from symhigh.integration.fluctuations import fluctuations  # the ledger is imported without SciPy

    given = runs.population.origin
    if len(given) != 2:
        raise ValueError(f"{runs.problem.name} has no spectrum with a start")
    if runs.rotated:
        raise ValueError("runs with a covariance of their own start along coordinates, not along its eigenvectors")
    system = derive(runs.problem, runs.rule)
    if type(system) is not MomentSystem:
        raise ValueError(f"{runs.problem.name} is not closed by second moments")
    if long(system) and not at_nodes(system):
        raise ValueError(
            "its averages of four slopes have no common closed form, and take minutes to derive "
            "(system.fluctuations does)"
        )
    if missing := [n for n in names if n not in system.outputs]:
        raise ValueError(f"{missing[0]} is no output of the derived limit")
    spectrum, start = given
    if getattr(start, "vectors_given", None) is not None and spectrum.values.size > _MODES:
        raise ValueError(f"fixed vectors on {spectrum.values.size} modes need large dense matrices")
    late = thinned(np.flatnonzero(runs.t > 0), MOST)
    marks = np.union1d(np.flatnonzero(runs.t[:1] == 0), late)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # that the limit stopped is the comparison's to say
        return fluctuations(system, spectrum, start, runs.t[-1], runs.t, _RTOL, joint=runs.t[marks])


def _short(text: str) -> str:
    """A refusal without its address and its remedy."""
    return text.removeprefix("fluctuations: ").split("; ")[0]
