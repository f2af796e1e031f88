"""Argument checks shared by every room: one wording for one mistake, before any work starts.

Every public argument passes through one of these functions. Text is refused, never parsed; complex numbers, NaN,
infinities, booleans and numbers beyond the range of doubles are refused by name, whatever type carries them.
One file, since checks that stand apart come to word one mistake in two ways.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from functools import lru_cache
from importlib import import_module
from typing import Any, NoReturn, TypeVar

import numpy as np
import sympy as sp

Array = np.ndarray[Any, Any]
T = TypeVar("T")

MOST_RUNS = 1_000_000
"""The largest number of runs, or of grid seeds, that one call takes."""
_SHOWN = 80
_UNBOUNDED = (sp.nan, sp.zoo, sp.oo, -sp.oo, sp.AccumBounds, sp.Order)


# --- numbers ----------------------------------------------------------------------------------------------
def parameter(
    owner: str, name: str, value: Any, *, positive: bool | None, meaning: str, below: Any = None
) -> sp.Expr:
    """Return ``value`` as a SymPy number or expression, or raise ``ValueError``/``TypeError``.

    Numbers must be real and finite, and ``> 0`` where ``positive`` is true, ``>= 0`` where it is false, of any sign
    where it is None; and ``< below`` if that is given. SymPy expressions with symbols are taken as they are unless
    SymPy already knows that they break the rule.
    """
    given = _scalar(value)
    if given is None:
        refuse_type(owner, name, value, "a number or a SymPy expression", meaning)
    if given.is_number:
        size = _double(owner, name, value, given, meaning)
        negative, zero = size < 0, size == 0
        over = below is not None and size >= float(below)
    else:
        if given.has(*_UNBOUNDED) or given.is_real is False or (given.has(sp.I) and not given.is_real):
            refuse(owner, name, value, "finite and real", meaning)
        negative, zero = bool(given.is_negative), bool(given.is_zero)
        over = below is not None and bool((given - below).is_nonnegative)
    if positive is not None and (negative or (positive and zero)):
        refuse(owner, name, value, "> 0" if positive else ">= 0", meaning)
    if over:
        refuse(owner, name, value, f"< {below}", meaning)
    return given


def declared(owner: str, symbol: sp.Symbol, value: sp.Expr) -> sp.Expr:
    """Return ``value``, a parameter's, if it keeps to what ``symbol`` is declared with: its sign, whole or not."""
    sign = True if symbol.is_positive else False if symbol.is_nonnegative else None
    meaning = "as the symbol is declared"
    given = parameter(owner, symbol.name, value, positive=sign, meaning=meaning)
    if symbol.is_integer and given.is_integer is False:
        refuse(owner, symbol.name, value, "a whole number", meaning)
    return given


def power_in_range(owner: str, name: str, value: sp.Expr, power: sp.Expr) -> None:
    """Raise ``ValueError`` where ``value**power``, for doubles > 0, is outside the doubles of full precision."""
    if not (value.is_number and power.is_number):
        return
    most, exponent = 300.0, float(power)
    size = exponent * math.log10(float(value))
    if abs(size) > most:
        ends = sorted(side * most / exponent for side in (-1, 1))
        raise ValueError(
            f"{owner}({name}={shown(value)}): {name}**{exponent:g} is about 1e{size:+.0f}, beyond what doubles hold; "
            f"{name} must be between 1e{ends[0]:+.0f} and 1e{ends[1]:+.0f}"
        )


_NUMBERS, _EXACT = (float, int), 2**53


def real(
    owner: str,
    name: str,
    value: Any,
    *,
    meaning: str,
    above: float = -math.inf,
    least: float = -math.inf,
    below: float = math.inf,
) -> float:
    """Return ``value`` as a finite ``float`` greater than ``above``, at least ``least``, less than ``below``."""
    if type(value) in _NUMBERS and above < value < below and max(least, -_EXACT) <= value <= _EXACT:  # most calls
        return float(value)
    given = _scalar(value)
    if given is None or not given.is_number:
        refuse_type(owner, name, value, "a number", meaning)
    number = _double(owner, name, value, given, meaning)
    if not above < number:
        refuse(owner, name, value, f"finite and > {above:g}", meaning)
    if number < least:
        refuse(owner, name, value, f">= {least:g}", meaning)
    if not number < below:
        refuse(owner, name, value, f"< {below:g}", meaning)
    return number


def whole(owner: str, name: str, value: Any, *, least: int, meaning: str, most: int = 2**63 - 1) -> int:
    """Return ``value`` as an ``int`` of at least ``least`` and at most ``most``, or raise."""
    if type(value) is int and least <= value <= most:
        return value
    given = _scalar(value)
    if given is None or not isinstance(given, sp.Integer):
        refuse_type(owner, name, value, "a whole number", meaning)
    if given < least:
        refuse(owner, name, value, f">= {least}", meaning)
    if given > most:
        refuse(owner, name, value, f"<= {most}", meaning)
    return int(given)


def flag(owner: str, name: str, value: Any, *, meaning: str) -> bool:
    """Return ``value`` as a ``bool``, or raise ``TypeError``."""
    if not isinstance(value, (bool, np.bool_)):
        refuse_type(owner, name, value, "True or False", meaning)
    return bool(value)


# --- arrays -----------------------------------------------------------------------------------------------
def array(
    owner: str, name: str, value: Any, *, meaning: str, ndim: int = 1, least: float = -math.inf
) -> Array:
    """Return ``value`` as a new float array of ``ndim`` dimensions, not empty, of real finite numbers >= ``least``."""
    given = _raw(owner, name, value, meaning)
    if given.ndim != ndim or given.size == 0:
        shape = "a non-empty list of numbers" if ndim == 1 else f"an array of {ndim} dimensions, not empty"
        raise ValueError(f"{owner}: {name} has shape {given.shape}, it must be {shape}, {meaning}")
    if given.dtype.kind in "iuf":
        numbers = given.astype(float)
    else:
        entries = [real(owner, name, entry, meaning=meaning) for entry in given.ravel().tolist()]
        numbers = np.array(entries, dtype=float).reshape(given.shape)
    if (bad := numbers[~np.isfinite(numbers)]).size:
        refuse(owner, name, float(bad.ravel()[0]), "finite", meaning)
    if (bad := numbers[numbers < least]).size:
        refuse(owner, name, float(bad.ravel()[0]), f">= {least:g}", meaning)
    return numbers


def array_or_expressions(owner: str, name: str, value: Any, *, meaning: str, least: float = 0.0) -> Array:
    """As :func:`array` in one dimension; SymPy objects, >= 0, in an object array where symbols remain."""
    given = _raw(owner, name, value, meaning)
    if given.ndim == 1 and given.dtype == object:
        entries = [parameter(owner, name, e, positive=None, meaning=meaning) for e in given.tolist()]
        if any(e.free_symbols for e in entries):
            for entry in entries:
                parameter(owner, name, entry, positive=False, meaning=meaning)
            return np.array(entries, dtype=object)
    return array(owner, name, value, meaning=meaning, least=least)


def output_times(owner: str, t: Any, end: float, count: int = 201, name: str = "t") -> Array:
    """The times of a result, increasing in [0, ``end``]; ``count`` equally spaced ones where ``t`` is None."""
    if t is None:
        return _equal_times(end, count).copy()
    plain = type(t) is np.ndarray and t.dtype == np.float64 and t.ndim == 1 and t.size > 0
    times = t.copy() if plain else array(owner, name, t, meaning="the output times, in steps/d")
    if not (times[0] >= 0.0 and times[-1] <= end * (1 + 1e-12) and (times[1:] > times[:-1]).all()):
        array(owner, name, t, meaning="the output times, in steps/d")  # which says what is not finite
        raise ValueError(
            f"{owner}({name}=…): output times must increase within [0, t_end={end:g}], in steps/d"
        )
    return times


@lru_cache(maxsize=32)
def _equal_times(end: float, count: int) -> Array:
    return np.linspace(0.0, end, count)


def seeds(owner: str, value: Any, name: str = "seeds") -> tuple[int, ...]:
    """Distinct seeds >= 0: those of a sequence, or 0 … n-1 for a number n."""
    given = _scalar(value)
    if given is not None:
        return tuple(range(whole(owner, name, value, least=1, most=MOST_RUNS, meaning="the number of runs")))
    if not is_listed(value):
        refuse_type(owner, name, value, "a number of runs, or a list of seeds", "which are whole numbers")
    chosen = tuple(whole(owner, name, s, least=0, meaning="a seed") for s in value)
    if not chosen:
        raise ValueError(f"{owner}({name}=[]): give at least one seed")
    if len(set(chosen)) < len(chosen):
        raise ValueError(
            f"{owner}({name}=…): seeds repeat, so runs would not be independent; give distinct ones"
        )
    return chosen


def steps_of(owner: str, d: int, end: float) -> None:
    """Refuse runs of so many steps, ``d * end``, that they cannot be counted."""
    if not d * end < 2.0**62:
        raise ValueError(
            f"{owner}(t_end={end:g}): t_end must be < 2**62/d = {2.0**62 / d:.3g}; d * t_end is the number of steps"
        )


def threads_of(owner: str, value: Any) -> int:
    """How many threads to use, by default one per core."""
    given = (os.cpu_count() or 1) if value is None else value
    return whole(owner, "threads", given, least=1, meaning="the number of threads")


def optional(owner: str, module: str) -> Any:
    """A package that symhigh does without, imported; ``ImportError`` says which extra brings it."""
    try:
        return import_module(module)
    except ImportError as error:
        raise ImportError(
            f"{owner}: needs {module}, which is not installed; pip install 'symhigh[{module}]' brings it"
        ) from error


# --- objects ----------------------------------------------------------------------------------------------
def instance(owner: str, name: str, value: Any, kind: type[T] | tuple[type[T], ...], what: str) -> T:
    """Return ``value`` if it is a ``kind``; ``what`` says in words what it must be, with an example."""
    if not isinstance(value, kind):
        raise TypeError(f"{owner}({name}={shown(value)}): {name} must be {what}")
    return value


def several(owner: str, name: str, value: Any, kind: type[T] | tuple[type[T], ...], what: str) -> tuple[T, ...]:
    """``value``, a sequence of ``kind``, as a tuple; ``what`` says in words what it must be."""
    listed = isinstance(value, Sequence) and not isinstance(value, (str, bytes))
    if not listed or not all(isinstance(entry, kind) for entry in value):
        raise TypeError(f"{owner}({name}={shown(value)}): {name} must be {what}")
    return tuple(value)


def expression(owner: str, name: str, value: Any, what: str) -> sp.Expr:
    """Return ``value`` as a scalar SymPy expression without NaN or infinities; numbers are taken, text is not read."""
    given = _scalar(value)
    if given is None:
        raise TypeError(
            f"{owner}({name}={shown(value)}): {name} must be {what}; text is not read, never evaluated"
        )
    open_ended = given.has(sp.nan, sp.zoo, sp.AccumBounds, sp.Order)
    if open_ended or (isinstance(given, sp.Number) and abs(given) > sys.float_info.max):
        raise ValueError(f"{owner}({name}={shown(value)}): {name} must be finite, {what}")
    return given


def limit(owner: str, name: str, value: Any, what: str) -> sp.Expr:
    """As :func:`expression`, for the end of an interval or of a limit, which may be infinite."""
    given = _scalar(value)
    return given if given in (sp.oo, -sp.oo) else expression(owner, name, value, what)


def mapping(owner: str, name: str, value: Any, what: str) -> Mapping[Any, Any]:
    """Return ``value`` if it is a mapping, an empty one for None."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise TypeError(f"{owner}({name}={shown(value)}): {name} must be a mapping, {what}")
    return value


def words(owner: str, name: str, value: Any, what: str) -> tuple[str, ...]:
    """``value``, a string or a sequence of strings, as a tuple."""
    given = (value,) if isinstance(value, str) else value
    if not isinstance(given, Sequence | set | frozenset) or not all(isinstance(w, str) for w in given):
        raise TypeError(f"{owner}({name}={shown(value)}): {name} must be {what}")
    return tuple(given)


def choice(owner: str, name: str, value: Any, allowed: Iterable[str]) -> str:
    """Return ``value`` if it is one of the words ``allowed``."""
    options = tuple(allowed)
    if not isinstance(value, str) or value not in options:
        kind = ValueError if isinstance(value, str) else TypeError
        raise kind(f"{owner}({name}={shown(value)}): {name} must be one of {', '.join(map(repr, options))}")
    return value


def callback(owner: str, name: str, value: Any, what: str) -> Callable[..., Any] | None:
    """Return ``value`` if it can be called, or is None."""
    if value is not None and not callable(value):
        raise TypeError(f"{owner}({name}={shown(value)}): {name} must be {what}, or None")
    return value


def rebuilt(thing: T, values: Mapping[sp.Basic, sp.Expr]) -> T:
    """``thing``, a frozen dataclass, made anew with ``values`` put into its fields, so that its own checks run."""
    if not is_dataclass(thing) or isinstance(thing, type):
        return thing
    if hasattr(thing, "bound"):
        made: T = thing.bound(values)
        return made
    given = {f.name: getattr(thing, f.name) for f in fields(thing) if f.init}
    put = {k: v.xreplace(values) if isinstance(v, sp.Expr) else rebuilt(v, values) for k, v in given.items()}
    changed = {k: v for k, v in put.items() if v is not given[k] and v != given[k]}
    return replace(thing, **changed) if changed else thing


# --- wording ----------------------------------------------------------------------------------------------
def refuse(owner: str, name: str, value: Any, rule: str, meaning: str) -> NoReturn:
    """Raise ``ValueError``: argument, value, range, meaning."""
    raise ValueError(f"{owner}({name}={shown(value)}): {name} must be {rule}, {meaning}")


def refuse_type(owner: str, name: str, value: Any, kind: str, meaning: str) -> NoReturn:
    """Raise ``TypeError``: argument, value, kind, meaning."""
    raise TypeError(f"{owner}({name}={shown(value)}): {name} must be {kind}, {meaning}")


def shown(value: Any) -> str:
    """``value`` as a message shows it: at most a line, whatever its ``repr`` does."""
    try:
        text = str(value) if isinstance(value, (int, float, np.number, sp.Basic)) else repr(value)
    except Exception:
        text = f"<{type(value).__name__}>"
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def is_listed(value: Any) -> bool:
    """Whether ``value`` has entries, one after the other; text, mappings and arrays without an axis have none."""
    return (
        isinstance(value, Iterable)
        and not isinstance(value, (str, bytes, Mapping))
        and getattr(value, "ndim", 1) != 0
    )


# --- parts ------------------------------------------------------------------------------------------------
def _scalar(value: Any) -> sp.Expr | None:
    """``value`` as a scalar SymPy number or expression; None where it is neither."""
    if isinstance(value, sp.Number):
        return value
    if isinstance(value, np.ndarray):
        if value.ndim:
            return None
        value = value[()]
    if isinstance(value, sp.Expr):
        foreign = isinstance(value, sp.MatrixExpr) or any(not s.is_commutative for s in value.free_symbols)
        return None if foreign else value
    kind = type(value)
    if isinstance(value, (bool, np.bool_, str, bytes, np.timedelta64, np.complexfloating)):
        return None
    try:
        if hasattr(kind, "__index__"):
            return sp.Integer(int(value.__index__()))
        if hasattr(kind, "numerator") and hasattr(kind, "denominator"):
            return sp.Rational(int(value.numerator), int(value.denominator))
        return sp.Float(float(value)) if hasattr(kind, "__float__") else None
    except Exception:  # an array of one entry in a foreign library, a tensor on another device, …
        return None


def _double(owner: str, name: str, value: Any, number: sp.Expr, meaning: str) -> float:
    """A SymPy number as a finite double, or ``ValueError``."""
    try:
        if number.is_real is not False and math.isfinite(size := float(number)):
            return size
    except (TypeError, ValueError, OverflowError, ArithmeticError):
        pass
    refuse(owner, name, value, "finite and real, and within the range of doubles", meaning)


def _raw(owner: str, name: str, value: Any, meaning: str) -> Array:
    """``value`` as an array of whatever it holds; text and ragged lists are refused."""
    if isinstance(value, sp.MatrixBase):
        value = value.tolist()
    if value is None or isinstance(value, (str, bytes, Mapping, type)):
        refuse_type(owner, name, value, "a list or an array of numbers", meaning)
    try:
        if not isinstance(value, np.ndarray):
            value = list(value) if is_listed(value) else value
        given = np.asarray(value)
    except Exception:
        refuse_type(owner, name, value, "a list or an array of numbers", meaning)
    if isinstance(value, np.ndarray) and np.any(getattr(value, "mask", False)):  # numpy.ma is not imported for it
        refuse_type(owner, name, value, "without masked entries: fill them, or leave them out", meaning)
    if given.dtype.kind not in "iufO":
        bad = given.ravel()[0] if given.size else value
        refuse_type(owner, name, bad, "a list or an array of real numbers", meaning)
    return given
