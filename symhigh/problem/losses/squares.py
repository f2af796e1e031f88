"""Squared losses of a student: linear, through a link, and of Hermite polynomials.

Part of the losses that symhigh knows by name. Sources stand with each loss; the golden answers are tested, not used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sympy as sp

from symhigh.checks import choice, expression, instance, shown, whole
from symhigh.entries import Parameter, loss
from symhigh.problem.losses.classification import sigmoid
from symhigh.problem.model import LINEAR, Model
from symhigh.problem.problem import Problem
from symhigh.symbols import eps, x, x_star

Link = Callable[[sp.Expr], sp.Expr]


@loss("least-squares", noisy=True)
def least_squares(noise: Any = 0, model: Model = LINEAR) -> Problem:
    """``f = (x - x* - ε)²/2`` (High Line, section 3).

    Golden: ``h = (B11 - 2 B12 + B22 + ω²)/2``, ``I = 2h``, ``c₁ = -c₂ = 1``.
    """
    return Problem((x - x_star - eps) ** 2 / 2, noise, name="least squares", model=model)


def student(
    link: Link, noise: Any = 0, teacher: Link | None = None, name: str = "", model: Model = LINEAR
) -> Problem:
    """``f = (σ(x) - σ*(x*) - ε)²/2`` with ``σ = link`` and ``σ* = teacher``, by default the same.

    A link maps a SymPy expression to one: ``sympy.tanh``, or a function of the user's. It must be continuous;
    a student that jumps has no gradient to descend and is refused when its limit is derived. Where the link has
    a kink at 0, ``X₀ = 0`` is a point that SGD does not leave, so start with ``x0 > 0``.
    """
    if not callable(link) or not (teacher is None or callable(teacher)):
        raise TypeError(
            f"student(link={shown(link)}, teacher={shown(teacher)}): link and teacher must be functions of a SymPy "
            "expression, e.g. sp.tanh"
        )
    target, own = _linked("teacher", teacher or link, x_star), _linked("link", link, x)
    title = (
        instance("student", "name", name, str, "a string")
        or f"student {_linked('link', link, sp.Symbol('u'))}"
    )
    return Problem((own - target - eps) ** 2 / 2, noise, name=title, model=model)


def _linked(name: str, link: Link, argument: sp.Expr) -> sp.Expr:
    """``link`` at ``argument``; ``TypeError`` where it is no function of SymPy expressions."""
    what = "a function from a SymPy expression to one, e.g. sp.tanh"
    try:
        value = link(argument)
    except Exception as error:
        raise TypeError(
            f"student({name}={shown(link)}): {name} must be {what}; it raises {error!r}"
        ) from error
    return expression("student", f"{name}({argument})", value, what)


def relu(u: sp.Expr) -> sp.Expr:
    """``max(u, 0)``."""
    return sp.Piecewise((u, u > 0), (0, True))


def normal_erf(u: sp.Expr) -> sp.Expr:
    """``erf(u/√2)``, the link of Saad and Solla (1995)."""
    return sp.erf(u / sp.sqrt(2))


@loss("relu-student", noisy=True)
def relu_student(noise: Any = 0, model: Model = LINEAR) -> Problem:
    """ReLU student of a ReLU teacher.

    Golden: ``h = B11/4 + B22/4 + ω²/2 - (√(B11 B22 - B12²) + B12 (π - arccos ρ))/(2π)``. Source: Cho and Saul
    (2009).
    """
    return student(relu, noise, name="ReLU student", model=model)


@loss("erf-student", noisy=True)
def erf_student(noise: Any = 0, model: Model = LINEAR) -> Problem:
    """``erf(u/√2)`` student and teacher.

    Golden: ``h = ω²/2 + (asin(B11/(1+B11)) + asin(B22/(1+B22)) - 2 asin(B12/√((1+B11)(1+B22))))/π``.
    Sources: Saad and Solla (1995); Williams (1998).
    """
    return student(normal_erf, noise, name="erf student", model=model)


@loss("tanh-student", noisy=True)
def tanh_student(noise: Any = 0, model: Model = LINEAR) -> Problem:
    """tanh student and teacher. Golden: ``h = ω²/2`` at X = X*; the integrals do not close."""
    return student(sp.tanh, noise, name="tanh student", model=model)


@loss("sign-regression", noisy=True)
def sign_regression(noise: Any = 0, model: Model = LINEAR) -> Problem:
    """Linear student of a sign teacher, ``f = (x - sign(x*) - ε)²/2``.

    Golden: ``h = (B11 + 1 + ω²)/2 - √(2/π) B12/√B22``, ``c₁ = 1``, ``c₂ = -√(2/(π B22))``, ``I = 2h``.
    """
    return student(lambda u: u, noise, teacher=sp.sign, name="sign regression", model=model)


@loss("hermite-student", Parameter("degree", "Degree of the Hermite link.", 2, int), noisy=True)
def hermite_student(degree: int, noise: Any = 0, model: Model = LINEAR) -> Problem:
    """Student and teacher with the normalised Hermite link ``He_k(u)/√k!``, k = ``degree`` ≥ 1.

    Golden: at ``B11 = B22 = 1`` the risk is ``1 - B12^k + ω²/2``. For k ≥ 3 the slope grows like ``|x|^{2k-1}``: keep
    the learning rate small, or finite-d runs diverge.
    """
    k = whole("hermite_student", "degree", degree, least=1, most=64, meaning="the degree of the Hermite link")

    def link(u: sp.Expr) -> sp.Expr:
        # He_k(u) = 2^{-k/2} H_k(u/√2)
        v = sp.Symbol("v")
        polynomial = sp.expand(2 ** sp.Rational(-k, 2) * sp.hermite(k, v / sp.sqrt(2)))
        return polynomial.subs(v, u) / sp.sqrt(sp.factorial(k))

    return student(link, noise, name=f"Hermite student of degree {k}", model=model)


LINKS: Mapping[str, Link] = {
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
"""Links of a student or a teacher, by name."""


@loss(
    "student",
    Parameter("link", "Link of the student.", "tanh", tuple(LINKS)),
    Parameter("teacher", "Link of the teacher, by default the student's.", "", tuple(LINKS)),
    noisy=True,
)
def linked_student(link: str, noise: Any = 0, teacher: str = "", model: Model = LINEAR) -> Problem:
    """``f = (σ(x) - σ*(x*) - ε)²/2`` for links of the table above, the teacher's by default the student's."""
    own, other = LINKS[choice("student", "link", link, LINKS)], teacher or link
    target = LINKS[choice("student", "teacher", other, LINKS)]
    return student(own, noise, target, f"{link} student of {other}", model)
