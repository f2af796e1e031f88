"""The one table of losses, noise laws and rules by name: parameters, defaults, help.

Stands after rules. The command line, the documentation and the tests read it; a new loss, law or rule enters here by
one line, and is then reachable everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from functools import partial
from typing import Any

import sympy as sp

from symhigh import problem, rule
from symhigh.checks import choice, shown
from symhigh.problem.losses.classification import sigmoid
from symhigh.problem.losses.squares import normal_erf, relu

EXPRESSION = "expression"
"""The kind of a parameter that is an expression in t."""
Kind = type[float] | type[int] | tuple[str, ...] | str


@dataclass(frozen=True)
class Parameter:
    """One argument of a loss, a law or a rule: ``default`` is its number, or None where one must be given.

    ``kind`` is float, int, a tuple of words to choose from, or :data:`EXPRESSION`. A float may stay a symbol in a
    formula unless ``symbolic`` is false. ``option`` is its name on a command line, if another than ``name``.
    """

    name: str
    meaning: str
    default: Any = None
    kind: Kind = float
    symbolic: bool = True
    option: str = ""

    @property
    def flag(self) -> str:
        """The option's name, with dashes."""
        return (self.option or self.name).replace("_", "-")


@dataclass(frozen=True)
class Entry:
    """A loss, law or rule: how it is made, what it takes, and one line of help."""

    make: Callable[..., Any]
    parameters: tuple[Parameter, ...] = ()
    noisy: bool = False
    """Whether a loss sees the label noise."""
    wraps: bool = False
    """Whether a rule is made of another one, its first argument."""

    @property
    def function(self) -> Callable[..., Any]:
        """The public function or class behind ``make``."""
        found = self.make.func if isinstance(self.make, partial) else self.make
        return found

    @property
    def help(self) -> str:
        """The first line of the documentation."""
        return (self.function.__doc__ or "").strip().splitlines()[0]


LINKS: Mapping[str, Callable[[sp.Expr], sp.Expr]] = {
    "linear": lambda u: u,
    "tanh": sp.tanh,
    "erf": normal_erf,
    "relu": relu,
    "sigmoid": sigmoid,
    "sin": sp.sin,
    "atan": sp.atan,
    "abs": sp.Abs,
    "sign": sp.sign,
}
"""Links of a student or a teacher."""


def _linked_student(link: str, noise: Any = 0, teacher: str = "") -> problem.Problem:
    own, other = LINKS[choice("student", "link", link, LINKS)], teacher or link
    return problem.student(
        own, noise, LINKS[choice("student", "teacher", other, LINKS)], f"{link} student of {other}"
    )


_linked_student.__doc__ = problem.student.__doc__
_C = Parameter("c", "Residual at which the loss turns linear.", 1.0, option="threshold")
_FLIP = Parameter("flip", "Probability of a wrong label, below 1/2.", 0.0)

LOSSES: Mapping[str, Entry] = {
    "least-squares": Entry(problem.least_squares, noisy=True),
    "huber": Entry(problem.huber, (_C,), noisy=True),
    "pseudo-huber": Entry(problem.pseudo_huber, (_C,), noisy=True),
    "quantile": Entry(
        problem.quantile, (Parameter("q", "Level of the quantile, in (0, 1).", 0.5),), noisy=True
    ),
    "logistic": Entry(problem.logistic_regression),
    "logistic-sampled": Entry(partial(problem.logistic_regression, sampled=True)),
    "probit": Entry(problem.probit_regression),
    "probit-sampled": Entry(partial(problem.probit_regression, sampled=True)),
    "hinge": Entry(problem.hinge, (_FLIP,)),
    "squared-hinge": Entry(problem.squared_hinge, (_FLIP,)),
    "phase-retrieval": Entry(problem.phase_retrieval),
    "absolute-phase-retrieval": Entry(problem.absolute_phase_retrieval),
    "relu-student": Entry(problem.relu_student, noisy=True),
    "erf-student": Entry(problem.erf_student, noisy=True),
    "tanh-student": Entry(problem.tanh_student, noisy=True),
    "sign-regression": Entry(problem.sign_regression, noisy=True),
    "hermite-student": Entry(
        problem.hermite_student, (Parameter("degree", "Degree of the Hermite link.", 2, int),), noisy=True
    ),
    "student": Entry(
        _linked_student,
        (
            Parameter("link", "Link of the student.", "tanh", tuple(LINKS)),
            Parameter("teacher", "Link of the teacher, by default the student's.", "", tuple(LINKS)),
        ),
        noisy=True,
    ),
}

_SCALE = Parameter("scale", "Scale of the label noise.", 1.0)
LAWS: Mapping[str, Entry] = {
    "gaussian": Entry(
        problem.Gaussian,
        (Parameter("sigma", "Standard deviation ω of the label noise.", 0.0, option="noise"),),
    ),
    "rademacher": Entry(problem.Rademacher, (_SCALE,)),
    "laplace": Entry(problem.Laplace, (_SCALE,)),
    "student-t": Entry(
        problem.StudentT, (Parameter("dof", "Degrees of freedom.", 3.0, symbolic=False), _SCALE)
    ),
}
"""The pure laws; :func:`contaminated` mixes two of them."""

_ETA = Parameter("eta", "Numerator of the adaptive rules.", 1.0)
_B = Parameter("b", "Starting accumulator of the adaptive rules.", 1.0)
_GAMMA = Parameter("gamma", "Learning rate at the start.", 1.0)
_ALPHA = Parameter("alpha", "Rate of forgetting.", 1.0)
_FRICTION = Parameter("friction", "Rate at which the momentum forgets.", 1.0)
_FRACTION = Parameter("fraction", "Fraction of the threshold.", 0.5)


def _rmsprop_norm(eta: Any, b: Any, alpha: Any, forgetting: str) -> rule.RMSpropNorm:
    return rule.RMSpropNorm(eta, b, alpha, rule.Forgetting[forgetting.upper()])


_rmsprop_norm.__doc__ = rule.RMSpropNorm.__doc__

RULES: Mapping[str, Entry] = {
    "constant": Entry(rule.Constant, (_GAMMA,)),
    "schedule": Entry(
        rule.Schedule,
        (Parameter("expr", "Learning rate as an expression in t.", kind=EXPRESSION, option="schedule"),),
    ),
    "cosine": Entry(
        rule.cosine,
        (
            _GAMMA,
            Parameter("t_end", "Length of the cosine, in steps/d.", 10.0, option="cosine_end"),
            Parameter("floor", "Learning rate at the end.", 0.0, symbolic=False),
        ),
    ),
    "adagrad-norm": Entry(rule.AdaGradNorm, (_ETA, _B)),
    "delayed-adagrad-norm": Entry(
        rule.DelayedAdaGradNorm, (_ETA, _B, Parameter("power", "Power of b².", 0.5, symbolic=False))
    ),
    "rmsprop-norm": Entry(
        _rmsprop_norm,
        (
            _ETA,
            _B,
            _ALPHA,
            Parameter("forgetting", "How the accumulator forgets.", "sum", ("sum", "average")),
        ),
    ),
    "polyak": Entry(rule.Polyak),
    "line-search": Entry(rule.LineSearch),
    "distance-threshold": Entry(rule.DistanceThreshold, (_FRACTION,)),
    "risk-threshold": Entry(rule.RiskThreshold, (_FRACTION,)),
    "stochastic-polyak": Entry(
        rule.StochasticPolyak,
        (
            Parameter("cap", "Largest learning rate.", 1.0),
            Parameter("damping", "Factor before the squared gradient.", 0.5),
            Parameter("least", "Lower bound of the loss of a sample.", 0.0, symbolic=False),
        ),
    ),
    "dog": Entry(rule.DoG, (Parameter("r0", "Starting distance.", 0.1), _B)),
    "d-adaptation": Entry(
        rule.DAdaptation,
        (
            Parameter("speed", "Rate per estimated distance.", 1.0),
            Parameter("d0", "Starting estimate of the distance.", 0.1),
        ),
    ),
    "momentum": Entry(
        rule.Momentum,
        (
            _GAMMA,
            _FRICTION,
            Parameter("direct", "Learning rate along the gradient itself.", 0.0),
        ),
    ),
    "schedule-free": Entry(
        rule.ScheduleFree,
        (
            _GAMMA,
            Parameter("beta", "Weight of the average where gradients are taken.", 0.9, option="average_weight"),
        ),
    ),
    "sign-sgd": Entry(rule.SignSGD, (_GAMMA,)),
    "adagrad": Entry(rule.AdaGrad, (_ETA, _B)),
    "rmsprop": Entry(rule.RMSprop, (_GAMMA, _ALPHA, _B)),
    "adam": Entry(rule.Adam, (_GAMMA, _FRICTION, _ALPHA, _B)),
    "averaged": Entry(
        rule.Averaged,
        (Parameter("decay", "Rate at which an average of the iterates forgets.", option="average_decay"),),
        wraps=True,
    ),
    "noisy-gradient": Entry(
        rule.NoisyGradient,
        (
            Parameter(
                "sigma", "Standard deviation of noise added to the gradient.", option="gradient_noise"
            ),
        ),
        wraps=True,
    ),
    "clipped": Entry(
        rule.ClippedGradient,
        (Parameter("c", "Norm of the gradient, over √d, at which it is clipped.", option="clip"),),
        wraps=True,
    ),
    "drifting": Entry(
        rule.Drifting,
        (Parameter("speed", "Standard deviation of the target's drift in d steps.", option="drift"),),
        wraps=True,
    ),
    "mini-batch": Entry(
        rule.MiniBatch, (Parameter("m", "Samples a step.", kind=int, option="batch"),), wraps=True
    ),
    "weight-decay": Entry(
        rule.WeightDecay, (Parameter("kappa", "Weight decay.", option="weight_decay"),), wraps=True
    ),
    "warm-up": Entry(
        rule.WarmUp,
        (Parameter("duration", "Length of the warm-up, in steps/d.", option="warm_up"),),
        wraps=True,
    ),
    "modulated": Entry(
        rule.Modulated,
        (
            Parameter(
                "factor", "Factor of the learning rate, an expression in t.", kind=EXPRESSION, option="factor"
            ),
        ),
        wraps=True,
    ),
}


MODELS: Mapping[str, Entry] = {
    "linear": Entry(lambda: problem.LINEAR),
    "product": Entry(lambda: problem.PRODUCT),
    "squares": Entry(lambda: problem.SQUARES),
    "powers": Entry(problem.powers, (Parameter("depth", "Number of layers.", kind=int),)),
}
"""What the learnt coordinates predict with."""


def contaminated(clean: problem.NoiseLaw, outliers: problem.NoiseLaw, share: Any) -> problem.Contaminated:
    """``clean`` with probability ``1 - share``, else ``outliers``."""
    return problem.Contaminated(clean, outliers, share)


def described(statement: Any) -> str:
    """A problem, a law, a rule or a start in one line: its name and its numbers."""
    if isinstance(statement, problem.Problem):
        numbers = [f"{symbol} = {described(value)}" for symbol, value in statement.parameters]
        noise = [f"label noise {described(statement.law)}"] if statement.noisy else []
        model = [] if statement.model.linear else [f"model {statement.model.effective}"]
        return ", ".join([statement.name, *model, *numbers, *noise])
    if isinstance(statement, Enum):
        return statement.name.lower()
    if is_dataclass(statement):
        given = [(f.name, getattr(statement, f.name)) for f in fields(statement) if f.init]
        inside = ", ".join(f"{name}={described(value)}" for name, value in given)
        return f"{type(statement).__name__}({inside})"
    if isinstance(statement, sp.Expr):
        return str(
            statement.xreplace(
                {number: sp.Symbol(repr(float(number))) for number in statement.atoms(sp.Float)}
            )
        )
    return shown(statement)
