"""Texts of generated modules, function by function: which of them a change of the generators touches.

They are not known to be right, values see to that; they show what has changed, and that nothing else has. Where the
change is meant, ``SYMHIGH_TABLES=write pytest tests/codegen/test_texts.py`` keeps the new ones.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import sympy as sp

import symhigh as sh
from symhigh.codegen.c import translate
from symhigh.codegen.deviations import deviation_source
from symhigh.codegen.dormand_prince import dormand_prince_8
from symhigh.codegen.explicit import explicit_source
from symhigh.codegen.gram import gram_source
from symhigh.codegen.implicit import implicit_source
from symhigh.codegen.jacobian import jacobian
from symhigh.codegen.kernels import limit_source
from symhigh.codegen.lower import Lowering
from symhigh.codegen.normal import normal_source
from symhigh.codegen.rodas import rodas_5p
from symhigh.codegen.signatures import GIVEN_STEP, GRAM, LIMIT, STEP
from symhigh.codegen.step import step_source
from symhigh.codegen.target import NUMBA, NUMPY, C
from symhigh.codegen.woodbury import LinearAlgebra
from symhigh.derivation.limit import mean_field_of
from symhigh.integration.fluctuations import theory_of
from tests.combinations import NOISY, RULES, combinations
from tests.tables import check

ALL = combinations()
LIMITS = [
    "SGD, square, linear", "momentum, square, linear", "AdaGrad-Norm, logistic, sampled", "AdaGrad-Norm, hinge",
    "AdaGrad-Norm, Student", "AdaGrad-Norm, erf", "AdaGrad-Norm, ReLU", "AdaGrad-Norm, phase", "steps, square",
    "AdaGrad-Norm, contaminated", "mini-batch with weight decay, square, linear", "sign SGD, square, linear",
]  # fmt: skip
ALGEBRAS = ("AdaGrad-Norm, square, linear", "AdaGrad-Norm, erf", "DoG, square")
HUBER = sh.huber(0.8, 0.3), sh.Constant(0.4)
KINK = sh.Problem(sp.Max(0, 1 - sh.x * sp.tanh(sh.x_star))), sh.Constant(0.5)


def limit(name: str) -> sh.MomentSystem:
    return sh.derive(*(KINK if name == "kink" else ALL[name][:2]))


def chain(problem: sh.Problem, rule: sh.Rule) -> str:
    return gram_source(sh.derive(problem, rule, reduce=False), mean_field_of(problem, rule)[0], C)


def step(problem: sh.Problem, rule: sh.Rule, given: bool = False) -> str:
    statement, field = mean_field_of(problem, rule)
    return step_source(field, statement, given, C)


def algebra(name: str) -> str:
    J = jacobian(limit(name))
    return LinearAlgebra(Lowering(limit(name), NUMPY, more=[e for _, e in J.slopes]), J).source()


BATCH = sh.MiniBatch(sh.WeightDecay(sh.AdaGradNorm(0.8, 0.9), 0.2), 3)
CASES: dict[str, Callable[[], str]] = {
    **{f"limit: {name}": lambda name=name: limit_source(limit(name), NUMPY) for name in (*LIMITS, "kink")},
    **{f"limit in C: {n}": lambda n=n: translate(limit_source(limit(n), C), LIMIT) for n in (*LIMITS[:4], "kink")},
    **{f"algebra: {n}": lambda n=n: algebra(n) for n in ALGEBRAS},
    "step: SGD": lambda: step(NOISY, sh.Constant(0.4)),
    "step: batch": lambda: step(NOISY, BATCH),
    "step: momentum, hinge": lambda: step(sh.hinge(0.1), sh.Momentum(0.4, 1, 0.2)),
    "step: rows given": lambda: step(NOISY, sh.StochasticPolyak(), True),
    "step: logistic, sampled": lambda: step(sh.logistic_regression(sampled=True), sh.AdaGradNorm(0.8, 0.9)),
    "step: from the start": lambda: step(sh.phase_retrieval(), RULES["DoG"]),
    "step in C": lambda: translate(step(NOISY, sh.AdaGradNorm(1, 1)), STEP),
    "rows given in C": lambda: translate(step(NOISY, sh.AdaGradNorm(1, 1), True), GIVEN_STEP),
    "chain: SGD": lambda: chain(NOISY, sh.AdaGradNorm(0.8, 0.9)),
    "chain: batch": lambda: chain(NOISY, BATCH),
    "chain: from the start": lambda: chain(sh.phase_retrieval(), RULES["DoG"]),
    "chain in C": lambda: translate(chain(NOISY, sh.Momentum(0.4, 1, 0.2)), GRAM),
    "deviations: least squares": lambda: deviation_source(theory_of(sh.derive(NOISY, BATCH), False), NUMPY),
    "deviations: Huber": lambda: deviation_source(theory_of(sh.derive(*HUBER), False), NUMBA),
    "explicit": lambda: explicit_source(dormand_prince_8()),
    "implicit": lambda: implicit_source(rodas_5p()),
    **{f"normals: {target.name}": lambda target=target: normal_source(target) for target in (NUMPY, NUMBA, C)},
}  # fmt: skip


def digests(text: str) -> dict[str, str]:
    """A digest of every function and table of a text, by its name; of equal names the last."""
    parts = re.split(r"(?m)^(?=(?:@njit|def |[A-Z]\w* = |static |SEEN |HERE |#))", text)
    named = [(re.search(r"(?:def |\b)(\w+)(?= ?[(=\[])", part), part) for part in parts]
    return {found[1] if found else "": hashlib.sha256(part.encode()).hexdigest()[:10] for found, part in named}


@pytest.mark.parametrize("name", CASES)
def test_texts_have_not_changed(name: str) -> None:
    table = Path(__file__).with_suffix(".json")
    kept = json.loads(table.read_text("utf-8")).get("SymPy") if table.exists() else None
    if kept not in (None, sp.__version__):
        pytest.skip(f"texts are those of SymPy {kept}, which orders terms in its own way")
    check(table, "SymPy", sp.__version__)
    found = digests(CASES[name]())
    assert len(found) > 1
    check(table, name, found)
