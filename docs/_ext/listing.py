"""Text of the manual that is made of the library: its losses, rules, laws and works, and the public names by room."""

from __future__ import annotations

import inspect
import re
from typing import Any

import sympy as sp

import symhigh as sh
from symhigh.entries import Entry
from symhigh.notation import latex
from symhigh.registry import LAWS, LOSSES, RULES
from symhigh.report.tidy import tidy
from symhigh.symbols import G, X, d, g

LONGEST = 700
"""Characters of LaTeX that fit a page; what is longer is evaluated by quadrature or is no closed form to read."""
AVERAGES = {"risk": r"\mathcal{R}", "c1": r"c_1", "c2": r"c_2", "I": "I"}


def arguments(entry: Entry) -> dict[str, Any]:
    """Symbols for numbers, defaults for all else: the entry in letters."""
    found: dict[str, Any] = {}
    for p in entry.parameters:
        number = p.kind is float and p.symbolic
        plain = sp.Rational(str(p.default)) if isinstance(p.default, float) else p.default
        found[p.name] = sp.Symbol(p.name, positive=True) if number else plain
    if entry.noisy:
        found["noise"] = sp.Symbol("omega", positive=True)
    return found


def losses() -> str:
    """Each loss with its formula, and what its limit needs of it, as derived."""
    return "\n\n".join(_loss(name, entry) for name, entry in LOSSES.items())


def _loss(name: str, entry: Entry) -> str:
    problem = entry.make(**arguments(entry))
    lines = [rf"f &= {latex(problem.loss)}"]
    if problem.labels:
        lines += [rf"\mathrm{{P}}(y = {latex(k)}) &= {latex(p)}" for k, p in problem.labels]
    scalars = {s.name.name: tidy(s.expression) for s in sh.derive(problem, sh.Constant(1), reduce=False).scalars}
    lines += [f"{left} &= {latex(scalars[key])}" for key, left in AVERAGES.items() if key in scalars]
    short = [line for line in lines if len(line) <= LONGEST]
    note = "" if short == lines else "\n\nWhat is not shown is evaluated by quadrature, or is too long to read."
    return f"## {problem.name[0].upper()}{problem.name[1:]}\n\n{_called(name, entry, 'loss')}\n\n{_set(short)}{note}"


def rules() -> str:
    """Each rule with its update, and the equations that come out of it on least squares."""
    return "\n\n".join(_rule(name, entry) for name, entry in RULES.items())


def _rule(name: str, entry: Entry) -> str:
    given = arguments(entry)
    if entry.wraps:
        first = next(iter(inspect.signature(entry.function).parameters))
        given[first] = sh.Constant(sp.Symbol("gamma", positive=True))
    made = entry.make(**_filled(entry, given))

    def given_names(expr: sp.Expr) -> str:
        return latex(expr.xreplace(dict(made.values)))

    lines = [rf"{latex(m.name)} &\leftarrow {given_names(m.name + m.increment)}" for m in (*made.memory, *made.cells)]
    if made.rate is not None:
        lines.append(f"g &= {given_names(made.rate)}")
    step = made.step
    if step != {X: X - g / d * G}:
        lines += [f"{latex(s)}^+ &= {given_names(sp.expand(e))}" for s, e in step.items()]
    if made.objective is not None:
        times = "" if made.multiple == 1 else latex(made.multiple)
        lines.append(rf"g &= {times} \arg\min_g\ \mathbb{{E}}\,{latex(made.objective)}")
    return f"## {name}\n\n{_called(name, entry, 'rule')}\n\n{_set(lines)}"


def _filled(entry: Entry, given: dict[str, Any]) -> dict[str, Any]:
    """With a schedule, γ/√(1 + t), for an expression, and 2 for a number of things that has no default."""
    shape = (1 if entry.wraps else sp.Symbol("gamma", positive=True)) / sp.sqrt(1 + sh.t)
    shapes = {p.name: shape for p in entry.parameters if p.kind == "expression"}
    return given | shapes | {p.name: 2 for p in entry.parameters if p.kind is int and p.default is None}


def laws() -> str:
    """Each law of label noise with its variance."""
    rows = ["| law | name | parameters |", "|---|---|---|"]
    for name, entry in LAWS.items():
        given = ", ".join(f"`{p.name}`: {p.meaning}" for p in entry.parameters)
        rows.append(f"| {_sentence(entry.help)} | `sh.{entry.function.__name__}`, `--noise-law {name}` | {given} |")
    return "\n".join(rows)


def works() -> str:
    """The works that :func:`symhigh.cite` knows."""
    from symhigh.report.bibliography import WORKS

    return "\n".join(
        f"- {work.fields['title']} ({work.fields['year']})" + (f", arXiv {work.eprint}" if work.eprint else "")
        for work in WORKS
    )


def _called(name: str, entry: Entry, kind: str) -> str:
    options = "".join(f" --{p.flag} …" for p in entry.parameters if p.default is None)
    public = entry.function.__name__ in sh.__all__
    call = f"`sh.{entry.function.__name__}{_signature(entry)}`, on the command line " if public else ""
    return f"{_sentence(entry.help)} {call}`--{kind} {name}{options}`."


def _signature(entry: Entry) -> str:
    """The arguments, as this name gives them where it fixes some."""
    found, fixed = inspect.signature(entry.function), getattr(entry.make, "keywords", {})
    plain = [
        p.replace(annotation=inspect.Parameter.empty, default=fixed.get(p.name, p.default))
        for p in found.parameters.values()
        if p.name != "model"
    ]
    return str(found.replace(parameters=plain, return_annotation=inspect.Signature.empty))


def _sentence(text: str) -> str:
    """A docstring's first line in Markdown."""
    text = re.sub(r":\w+:`~?([\w.]+)`", r"`\1`", text.replace("``", "`"))
    return "" if text.count("`") % 2 else text


def _set(lines: list[str]) -> str:
    return "$$\n" + " \\\\\n".join(lines) + "\n$$" if lines else ""


LISTINGS = {"losses": losses, "rules": rules, "laws": laws, "works": works}


def public(rooms: list[str]) -> list[str]:
    """A directive of autodoc for every public name that lives in one of the rooms, such as ``symhigh.rule``."""
    if unknown := [r for r in rooms if not _names(r)]:
        raise ValueError(f"public: no public name lives in {', '.join(unknown)}")
    return [_entry(name) for room in rooms for name in _names(room)]


def _names(room: str) -> list[str]:
    return [name for name in sh.__all__ if (home := sh._HOME[name]) == room or home.startswith(room + ".")]


def _entry(name: str) -> str:
    thing = getattr(sh, name)
    if inspect.isclass(thing):
        return f".. autoclass:: symhigh.{name}\n   :members:"
    return f".. auto{'function' if callable(thing) else 'data'}:: symhigh.{name}" + (
        "" if callable(thing) else "\n   :no-value:"
    )
