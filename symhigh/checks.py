"""Argument checks shared by every room: one wording for one mistake, before any work starts."""

from __future__ import annotations

import math
from typing import Any

import sympy as sp


def parameter(owner: str, name: str, value: Any, *, positive: bool, meaning: str) -> sp.Expr:
    """Return ``value`` as a SymPy number or expression, or raise ``ValueError``/``TypeError``.

    Numbers must be finite and ``> 0`` (``>= 0`` where ``positive`` is false); SymPy expressions are taken
    as they are unless SymPy already knows that they break the sign. Text is refused, never parsed.
    """
    bound = "> 0" if positive else ">= 0"
    if isinstance(value, bool) or (
        not isinstance(value, (int, float, sp.Expr)) and not hasattr(value, "__float__")
    ):
        raise TypeError(
            f"{owner}({name}={value!r}): {name} must be a number or a SymPy expression, {meaning}"
        )
    expression = (
        value
        if isinstance(value, sp.Expr)
        else sp.Float(float(value))
        if not isinstance(value, int)
        else sp.Integer(value)
    )
    if expression.is_number and not (expression.is_real and math.isfinite(float(expression))):
        raise ValueError(f"{owner}({name}={value}): {name} must be finite and real, {meaning}")
    if expression.is_negative or (positive and expression.is_zero):
        raise ValueError(f"{owner}({name}={value}): {name} must be {bound}, {meaning}")
    return expression


def whole(owner: str, name: str, value: Any, *, least: int, meaning: str) -> int:
    """Return ``value`` as an ``int`` of at least ``least``, or raise."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{owner}({name}={value!r}): {name} must be a whole number, {meaning}")
    number = value.__index__()
    if number < least:
        raise ValueError(f"{owner}({name}={value}): {name} must be >= {least}, {meaning}")
    return int(number)


def real(owner: str, name: str, value: Any, *, above: float, meaning: str) -> float:
    """Return ``value`` as a finite ``float`` greater than ``above``, or raise."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{owner}({name}={value!r}): {name} must be a number, {meaning}") from None
    if not (math.isfinite(number) and number > above):
        raise ValueError(f"{owner}({name}={value}): {name} must be finite and > {above:g}, {meaning}")
    return number


def expression(owner: str, name: str, value: Any, what: str) -> sp.Expr:
    """Return ``value`` as a SymPy expression; finite real numbers are taken, text is not read."""
    if isinstance(value, sp.Expr):
        return value
    if isinstance(value, (bool, str, bytes)) or not hasattr(value, "__float__"):
        raise TypeError(
            f"{owner}({name}={value!r}): {name} must be {what}; text is not read, never evaluated"
        )
    number = sp.Integer(value) if isinstance(value, int) else sp.Float(float(value))
    if not number.is_finite:
        raise ValueError(f"{owner}({name}={value!r}): {name} must be finite, {what}")
    return number
