"""Texts of generated modules, function by function: which of them a change of the generators touches.

They are not known to be right, values see to that; they show what has changed, and that nothing else has. Where the
change is meant, ``SYMHIGH_TABLES=write pytest tests/codegen/test_texts.py`` keeps the new ones.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.codegen.c import translate, translate_shared
from symhigh.codegen.c_types import Record
from symhigh.codegen.control import FIELDS
from symhigh.codegen.course import COURSE_FIELDS, COURSES, course_source
from symhigh.codegen.density import density_source
from symhigh.codegen.deviations import deviation_source
from symhigh.codegen.dormand_prince import dormand_prince_8
from symhigh.codegen.explicit import explicit_source
from symhigh.codegen.gram import gram_source
from symhigh.codegen.helpers import SHARED, TYPES
from symhigh.codegen.implicit import IMPLICIT_FIELDS, implicit_source
from symhigh.codegen.jacobian import jacobian
from symhigh.codegen.kernels import limit_source
from symhigh.codegen.normal import normal_source
from symhigh.codegen.particles import particle_source
from symhigh.codegen.quadrature import lower_nodes
from symhigh.codegen.rodas import rodas_5p
from symhigh.codegen.signatures import ALGEBRA, GIVEN_STEP, GRAM, LIMIT, STEP, STEPPER, record
from symhigh.codegen.step import step_source
from symhigh.codegen.target import NUMBA, NUMPY, C
from symhigh.codegen.woodbury import linear_algebra
from symhigh.derivation.gaussian import GaussianMean
from symhigh.derivation.limit import mean_field_of
from symhigh.integration.fluctuations import theory_of
from tests import matrix
from tests.combinations import NOISY, RULES, combinations
from tests.tables import check

ALL = combinations()
t = sh.t
LIMITS = [
    "SGD, square, linear", "momentum, square, linear", "AdaGrad-Norm, logistic, sampled", "AdaGrad-Norm, hinge",
    "AdaGrad-Norm, Student", "AdaGrad-Norm, erf", "AdaGrad-Norm, ReLU", "AdaGrad-Norm, phase", "steps, square",
    "AdaGrad-Norm, contaminated", "mini-batch with weight decay, square, linear", "sign SGD, square, linear",
    "clipped coordinates, square, linear",
]  # fmt: skip
ALGEBRAS = ("AdaGrad-Norm, square, linear", "AdaGrad-Norm, erf", "DoG, square", LIMITS[-1])
HUBER = sh.huber(0.8, 0.3), sh.Constant(0.4)
KINK = sh.Problem(sp.Max(0, 1 - sh.x * sp.tanh(sh.x_star))), sh.Constant(0.5)


Z = sp.symbols("z1:5", real=True)
LAW = sp.Matrix(4, 4, lambda p, q: sp.Symbol(f"v{min(p, q)}{max(p, q)}", real=True))
SHIFT = sp.Symbol("c", positive=True)
COMMITTEE = matrix.problem_of("Huber", "committee")
NU, MU = sp.symbols("nu mu", real=True)
CLASSES = sh.Problem(
    (sh.x - sh.x_star - sh.y - sh.eps) ** 2 / 2, 0.3,
    data=sh.Mixture([sp.Rational(1, 2), sp.Rational(3, 10), sp.Rational(1, 5)], [NU, MU - NU / 2, 0], [0, 1, -2]),
)  # fmt: skip
A, B = sp.symbols("a b", real=True)
LEARNT = sh.Problem((A * sh.x + B - sh.x_star - sh.eps) ** 2 / 2, noise=0.5, learnt={A: sh.Learnt(0.5, 2), B: 0})
NODES = {
    "smooth": (1 / (1 + sp.exp(-Z[0])) / (1 + sp.exp(SHIFT * Z[0])), 1),
    "a product": (sp.tanh(Z[0] + 1) ** 2 * sp.atan(SHIFT * Z[1] + 1), 2),
    "no strip": (sp.exp(sp.cos(Z[0])), 1),
    "steep": (sp.erf(SHIFT * Z[0]) * sp.tanh(Z[0]), 1),
    "one kink": (sp.Abs(Z[0] - SHIFT) ** sp.Rational(3, 2), 1),
    "roots": (sp.sqrt(Z[0] - 1 + sp.Abs(Z[0] - 1)) / sp.sqrt(1 + Z[0] ** 2) + sp.cbrt(Z[0] - 2), 1),
    "planes": (sp.tanh(Z[0] * Z[1]) * sp.Max(Z[0] - SHIFT, 0) * sp.Heaviside(Z[0] - Z[1] + 1, 1), 2),
    "a curve": (sp.Heaviside(Z[0] * Z[1] - 1, 1) * sp.Max(Z[0] - Z[1], SHIFT), 2),
    "curves in space": (sp.Heaviside(Z[0] * Z[1] - Z[2], 1) * sp.Abs(Z[2] - Z[0]) * sp.Abs(Z[1]), 3),
    "planes in space": (sp.Abs(Z[0] + Z[1] - Z[2]) * sp.Max(Z[1] - Z[2], SHIFT) * sp.Heaviside(Z[0], 1), 3),
    "a lattice of three": (1 / (1 + sp.exp(Z[0]) + sp.exp(SHIFT * Z[1]) + sp.exp(Z[2])), 3),
    "a lattice of four": (1 / (2 + sp.exp(Z[0]) + sp.exp(Z[1]) + sp.exp(Z[2] + SHIFT * Z[3])), 4),
}


@lru_cache(maxsize=64)
def limit(name: str) -> sh.MomentSystem:
    return sh.derive(*(KINK if name == "kink" else ALL[name][:2]))


def chain(problem: sh.Problem, rule: sh.Rule) -> str:
    return gram_source(sh.derive(problem, rule, reduce=False), mean_field_of(problem, rule)[0], C)


def step(problem: sh.Problem, rule: sh.Rule, given: bool = False) -> str:
    statement, field = mean_field_of(problem, rule)
    return step_source(field, statement, given, C)


def algebra(name: str) -> str:
    return linear_algebra(jacobian(limit(name)), limit(name), NUMPY).source()


def node(integrand: sp.Expr, size: int) -> str:
    return lower_nodes([GaussianMean(integrand, Z[:size], LAW[:size, :size])])[0]


def compiled_algebra(name: str) -> str:
    return translate(linear_algebra(jacobian(limit(name)), limit(name), C).source(), ALGEBRA)


def stepper(source: str, fields: tuple[str, ...]) -> str:
    return translate(source, STEPPER, (record(fields),))


def particles() -> str:
    system = limit("momentum, square, network")
    assert isinstance(system, sh.ParticleSystem)
    assert system.field.noise is not None
    return particle_source(system, system.field.noise, NUMPY)


def density(loss: str) -> str:
    system = sh.derive(matrix.problem_of(loss, "network"), sh.AdaGradNorm(1, 1))
    return density_source(system, system.channels.names[1:], C)[0]


def course_record() -> Record:
    fields = {**record(COURSE_FIELDS).fields, "advance": (*STEPPER["advance"], "(i,i)")}
    return Record("limit", fields)


BATCH = sh.MiniBatch(sh.WeightDecay(sh.AdaGradNorm(0.8, 0.9), 0.2), 3)
CASES: dict[str, Callable[[], str]] = {
    **{f"limit: {name}": lambda name=name: limit_source(limit(name), NUMPY) for name in (*LIMITS, "kink")},
    **{f"limit in C: {n}": lambda n=n: translate(limit_source(limit(n), C), LIMIT)
       for n in (*LIMITS[:4], LIMITS[-1], "kink")},
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
    **{f"algebra in C: {n}": lambda n=n: compiled_algebra(n) for n in ALGEBRAS},
    **{f"node: {name}": lambda e=e, k=k: node(e, k) for name, (e, k) in NODES.items()},
    "step: committee": lambda: step(COMMITTEE, sh.AdaGradNorm(1, 1)),
    "step: batch of a committee": lambda: step(COMMITTEE, BATCH),
    "step: classes": lambda: step(CLASSES, sh.AdaGradNorm(1, 1)),
    "step: normals of its own": lambda: step(NOISY, sh.NoisyGradient(sh.AdaGradNorm(1, 1), 0.3)),
    "step: learnt": lambda: step(LEARNT, sh.MiniBatch(sh.Constant(0.3), 2)),
    "chain: learnt": lambda: chain(LEARNT, sh.MiniBatch(sh.Constant(0.3), 2)),
    "step: the distance": lambda: step(NOISY, RULES["distance threshold"]),
    "step: the risk": lambda: step(NOISY, RULES["risk threshold"]),
    "step: greedy": lambda: step(NOISY, sh.LineSearch()),
    "step: falling": lambda: step(NOISY, sh.Schedule(1 / sp.sqrt(t))),
    "step: delayed": lambda: step(NOISY, RULES["delayed AdaGrad-Norm"]),
    "step: noise by uniforms": lambda: step(sh.huber(0.8, sh.StudentT(5, 0.4)), sh.Constant(0.3)),
    "chain: greedy": lambda: chain(NOISY, sh.LineSearch()),
    "step: signs": lambda: step(NOISY, sh.SignSGD(0.3)),
    "chain: committee": lambda: chain(COMMITTEE, sh.AdaGradNorm(1, 1)),
    "chain: batch of a committee": lambda: chain(COMMITTEE, BATCH),
    "chain: normals of its own": lambda: chain(NOISY, sh.NoisyGradient(BATCH, 0.3)),
    "chain: normals of a committee": lambda: chain(COMMITTEE, sh.NoisyGradient(BATCH, 0.3)),
    **{f"density: {loss}": lambda loss=loss: density(loss) for loss in ("square", "quantile")},
    "particles": particles,
    "courses": lambda: course_source("advance"),
    "courses in C": lambda: translate(course_source("limit.advance"), {"courses": COURSES}, (course_record(),)),
    "explicit in C": lambda: stepper(explicit_source(dormand_prince_8()), FIELDS),
    "explicit for many in C": lambda: stepper(explicit_source(dormand_prince_8(), many=True), FIELDS),
    "implicit in C": lambda: stepper(implicit_source(rodas_5p()), IMPLICIT_FIELDS),
    "helpers in C": lambda: translate_shared(SHARED, TYPES),
    "helpers elsewhere": lambda: translate(node(sp.exp(sp.cos(Z[0])), 1), {"node_0": ("d",)}, given=TYPES),
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
    if np.lib.NumpyVersion(np.__version__) < "2.0.0":
        pytest.skip("texts hold nodes of quadratures, whose last digits are those of NumPy 2")
    check(table, "SymPy", sp.__version__)
    found = digests(CASES[name]())
    assert len(found) > 1
    check(table, name, found)
