"""How a loss, a law of label noise or a rule declares its entry in the registry, in the file that states it.

Stands before every room of the pipeline. A declaration is a decorator: what is declared is reachable by name on the
command line, in the documentation and in the tests, as :mod:`symhigh.registry` collects it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from inspect import signature
from pkgutil import walk_packages
from types import ModuleType
from typing import Any, TypeVar

EXPRESSION = "expression"
"""The kind of a parameter that is an expression in t."""
Kind = type[float] | type[int] | tuple[str, ...] | str
Made = TypeVar("Made", bound=Callable[..., Any])


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
    def modelled(self) -> bool:
        """Whether a loss takes what the learnt coordinates predict with."""
        return "model" in signature(self.make).parameters

    @property
    def source(self) -> str:
        """The documentation in which the sources stand: its own where it names any, else that of its file."""
        return stated_source(self.function)

    @property
    def help(self) -> str:
        """The first line of the documentation."""
        return (self.function.__doc__ or "").strip().splitlines()[0]


def stated_source(made: Any) -> str:
    """The documentation of a function or class where it names a source, else that of its file."""
    own = made.__doc__ or ""
    named = "arXiv" in own or "Source" in own or "High Line" in own
    return own if named else sys.modules[made.__module__].__doc__ or ""


LOSSES: dict[str, Entry] = {}
LAWS: dict[str, Entry] = {}
"""The pure laws; :class:`~symhigh.problem.noise.Contaminated` mixes two of them."""
RULES: dict[str, Entry] = {}


def loss(name: str, *parameters: Parameter, noisy: bool = False, **fixed: Any) -> Callable[[Made], Made]:
    """Enter a function that makes a problem under ``name``; ``fixed`` are arguments that this name gives it."""
    return _entered("loss", LOSSES, name, parameters, fixed, noisy=noisy)


def law(name: str, *parameters: Parameter) -> Callable[[Made], Made]:
    """Enter a law of label noise under ``name``."""
    return _entered("law", LAWS, name, parameters, {})


def rule(name: str, *parameters: Parameter, wraps: bool = False) -> Callable[[Made], Made]:
    """Enter a rule, or a function that makes one, under ``name``; ``wraps`` where its first argument is a rule."""
    return _entered("rule", RULES, name, parameters, {}, wraps=wraps)


def discover(room: ModuleType) -> None:
    """Import every file of a room, so that what they declare is entered."""
    for module in walk_packages(room.__path__, f"{room.__name__}."):
        import_module(module.name)


def _entered(
    kind: str,
    table: dict[str, Entry],
    name: str,
    parameters: tuple[Parameter, ...],
    fixed: dict[str, Any],
    **more: bool,
) -> Callable[[Made], Made]:
    def enter(made: Made) -> Made:
        entry = Entry(partial(made, **fixed) if fixed else made, parameters, **more)
        other = table.get(name)
        if other is not None and _place(other) != _place(entry):  # a file that is read anew enters again
            raise ValueError(
                f"{kind}({name!r}): {_place(other)} and {_place(entry)} bear this name; rename one of them"
            )
        table[name] = entry
        return made

    return enter


def _place(entry: Entry) -> str:
    return f"{entry.function.__module__}.{entry.function.__qualname__}"
