"""How the façade sees data of an inner room as an object with methods; shared by its files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


def seen_as(kind: type[T], data: Any) -> T:
    """``data`` of an inner room as the ``kind`` that adds methods to its class; the same fields, not copied."""
    view = object.__new__(kind)
    vars(view).update(vars(data))
    return view


def documented_by(function: Callable[..., Any]) -> Callable[[F], F]:
    """Gives a method the documentation of the function that it calls."""

    def give(method: F) -> F:
        method.__doc__ = function.__doc__
        return method

    return give
