"""Phase diagrams: one number of a limit over two of its parameters, at the end of curves or in closed form.

Stands on scans and on the closed forms of the long time; drawn by :mod:`symhigh.report.phase_figure`.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symhigh.checks import choice, is_listed, mapping, refuse_type, shown
from symhigh.closed.formula import Formula, identifiers
from symhigh.closed.limits import limits
from symhigh.codegen.cache import load
from symhigh.integration.axes import axes_of, parameters_on
from symhigh.integration.many import COMPLETE, IMPRECISE, REFUSED, ManyCurves
from symhigh.integration.outputs import Outputs
from symhigh.integration.waiting import Teller
from symhigh.population.spectrum import Array
from symhigh.system import MomentSystem
from symhigh.telling import warn

NO_LIMIT, UNDEFINED = "no limit", "undefined"
"""What else may become of a point: its curve has no limit by the closed form, or the quantity is no number there."""
_OWNER = "phase_diagram"


@dataclass(frozen=True, eq=False)
class PhaseDiagram:
    """``values[i, j]`` of a quantity at ``x[i]``, ``y[j]``; NaN where it is neither complete nor imprecise.

    ``status`` is one of the words of :class:`ManyCurves`, ``"no limit"`` where the assumptions of a closed form are
    broken, or ``"undefined"``; ``errors[i, j]`` says why a point is not complete. ``x_name``, ``y_name`` and
    ``quantity`` are names, ``t`` is the time, or infinity for limits.
    """

    x_name: str
    y_name: str
    quantity: str
    x: Array
    y: Array
    values: Array
    status: Array
    errors: Mapping[tuple[int, int], str]
    t: float

    def summary(self) -> str:
        """How many points have each status, in words."""
        words, counts = np.unique(self.status, return_counts=True)
        return ", ".join(f"{n} {word}" for word, n in zip(words.tolist(), counts.tolist(), strict=True))

    def __repr__(self) -> str:
        when = "as t -> oo" if np.isinf(self.t) else f"at t = {self.t:g}"
        grid = f"{self.x.size} {self.x_name} x {self.y.size} {self.y_name}"
        return f"PhaseDiagram({self.quantity} {when}; {grid}; {self.summary()})"


@dataclass(frozen=True, eq=False)
class Ends(Outputs):
    """The last outputs of many curves as attributes, ``risk``, ``learning_rate``, …: arrays over the grid."""

    outputs: Mapping[str, Array]


def phase_diagram(
    system: MomentSystem,
    solve_many: Callable[..., ManyCurves],
    x: Any,
    y: Any,
    quantity: Any,
    population: Sequence[Any],
    t_end: Any,
    options: Mapping[str, Any],
) -> PhaseDiagram:
    """The diagram that :func:`symhigh.phase_diagram` returns; ``solve_many`` is the system's own."""
    over = _axis("x", x) | _axis("y", y)
    if len(over) != 2:
        raise ValueError(f"{_OWNER}(x=…, y=…): both are {next(iter(over))}; give two different parameters")
    if isinstance(quantity, type) or not (callable(quantity) or isinstance(quantity, str)):
        what = "a name of an output or a limit, or a function of the last outputs"
        refuse_type(_OWNER, "quantity", quantity, what, "such as 'risk'")
    if t_end is None:
        if callable(quantity):
            raise ValueError(f"{_OWNER}(t_end=None): a function of the last outputs needs the time at which they are")
        if options:
            raise ValueError(f"{_OWNER}({next(iter(options))}=…): this is for curves; give their end, t_end=…, too")
        return _marked(*_limits(system, over, quantity, population))
    keep = None if callable(quantity) else choice(_OWNER, "quantity", quantity, system.outputs)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="solve_many: ", category=RuntimeWarning)  # said below, with the rest
        many = solve_many(over, *population, t_end=t_end, t=[t_end], keep=keep, **options)
    ends = {name: values[..., 0] for name, values in many.values.items()}
    values = ends[quantity] if keep else _called(quantity, Ends(ends), many.shape)
    name = quantity if keep else getattr(quantity, "__name__", type(quantity).__name__)
    names = [str(getattr(key, "name", key)) for key in over]
    numbers = [np.array(many.axes[n], dtype=float) for n in names]
    return _marked(names, name, numbers, values, many.status, dict(many.errors), float(many.t[-1]))


def _axis(name: str, given: Any) -> dict[Any, Any]:
    """``(parameter, values)`` or ``{parameter: values}`` as the latter."""
    form = "(parameter, values) or {parameter: values}"
    if isinstance(given, tuple) and len(given) == 2:
        found = {given[0]: given[1]}
    elif not isinstance(given, Mapping):
        refuse_type(_OWNER, name, given, form, "one axis of the diagram")
    elif len(found := dict(mapping(_OWNER, name, given, form))) != 1:
        raise ValueError(f"{_OWNER}({name}={shown(given)}): {name} must be one parameter with its values, {form}")
    for values in found.values():
        if not is_listed(values):
            refuse_type(_OWNER, name, values, "a list or an array of numbers", "one a column or a row of the diagram")
    return found


def _called(quantity: Callable[[Ends], Any], ends: Ends, shape: tuple[int, ...]) -> Array:
    """A function of the last outputs, as floats over the grid."""
    with np.errstate(all="ignore"):
        found = np.asarray(quantity(ends))
    if found.shape != shape or found.dtype.kind not in "biuf":
        raise ValueError(
            f"{_OWNER}(quantity={shown(quantity)}): it returned an array of {found.dtype}, of shape {found.shape}; it "
            f"must return real numbers of the grid's shape {shape}, as lambda end: end.risk does"
        )
    return found.astype(float)


def _marked(
    names: Sequence[str], quantity: str, numbers: Sequence[Array], values: Array, status: Array,
    errors: dict[tuple[int, ...], str], t: float,
) -> PhaseDiagram:  # fmt: skip
    """The diagram with every point marked that has no value, and one warning that counts them."""
    held = (status == COMPLETE) | (status == IMPRECISE)
    odd = held & ~np.isfinite(values)
    status = np.where(odd, UNDEFINED, status.astype(object)).astype(str)
    for i, j in np.argwhere(odd).tolist():
        errors[i, j] = f"{quantity} is {values[i, j]:g} here"
    kept = np.where(held & ~odd, values, np.nan)
    found = PhaseDiagram(
        names[0], names[1], quantity, numbers[0], numbers[1], kept, status,
        {(i, j): text for (i, j), text in errors.items()}, t,
    )  # fmt: skip
    if errors:
        i, j = np.argwhere((status != COMPLETE) | odd)[0].tolist()
        at = f"{names[0]} = {numbers[0][i]:g}, {names[1]} = {numbers[1][j]:g}"
        warn(
            f"{_OWNER}: of {status.size} points {found.summary()}; .status and .errors say which and why. At {at}: "
            f"{found.errors[i, j]}",
        )  # fmt: skip
    return found


# --- limits in closed form -----------------------------------------------------------------------------------
def _limits(system: MomentSystem, over: dict[Any, Any], name: str, population: Sequence[Any]) -> tuple[Any, ...]:
    """A closed form of the long time over the grid; the arguments of :func:`_marked`."""
    axes = axes_of(_OWNER, system, over)
    shape = tuple(len(a.values) for a in axes)
    _, reasons = parameters_on(_OWNER, system, axes)
    reasons = reasons.reshape(shape)
    formulas = limits(system, *population)
    formula = formulas[choice(_OWNER, "quantity", name, formulas)]
    known = {a.symbol: a for a in axes}
    if open_ := [s.name for s in formula.symbols if s not in known]:
        raise ValueError(
            f"{_OWNER}(quantity={name!r}): the limit {formula.expr} still has {', '.join(open_)}; give a spectrum and "
            "a start, and numbers for the other parameters"
        )
    used = [known[s] for s in formula.symbols]
    found = np.full([len(a.values) if a in used else 1 for a in axes], np.nan)
    broken = np.full(found.shape, "", dtype=object)
    function, teller = _function(formula, name), Teller(_OWNER, found.size, None)
    lists = [a.numbers.tolist() if a in used else [None] for a in axes]
    order = [axes.index(a) for a in used]
    for point, at in enumerate(itertools.product(*lists)):
        try:
            found.flat[point] = function(*(at[k] for k in order))
        except (ValueError, ArithmeticError) as reason:
            broken.flat[point] = str(reason)
        if point % 64 == 0:
            teller.done = point
            teller.tell()
    teller.end(True)
    broken = np.broadcast_to(broken, shape)
    said = np.where(reasons == "", broken, reasons)
    status = np.where(reasons == "", np.where(broken == "", COMPLETE, NO_LIMIT), REFUSED)
    errors = {(i, j): str(said[i, j]) for i, j in np.argwhere(said != "").tolist()}
    names, numbers = [a.symbol.name for a in axes], [a.numbers for a in axes]
    return names, name, numbers, np.broadcast_to(found, shape), status, errors, np.inf


def _function(formula: Formula, name: str) -> Callable[..., float]:
    """The formula as a function of its symbols, in order: in double precision where it has such a form."""
    plain = identifiers(formula.symbols)
    called = name if name.isidentifier() and name not in plain.values() else "limit"
    try:
        source = formula.python(called)
    except ValueError:  # some integrals and constants have none
        return lambda *at: float(formula.evaluate(**dict(zip(plain.values(), at, strict=True))))
    function = getattr(load(source), called)
    return lambda *at: float(function(**dict(zip(plain.values(), at, strict=True))))
