"""Directives whose content the library computes when the manual is built.

``{run}``: Python code, shown with what it prints; what its last line leaves is shown as a formula where it has LaTeX.
``{listing}``: a table of the registry. ``{public}``: the documentation of all public names of some rooms.
The blocks of a page share one namespace, and ``tests/test_manual.py`` runs them without Sphinx.
"""

from __future__ import annotations

import ast
import io
import os
import sys
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

sys.path.insert(0, str(Path(__file__).parent))
from listing import LISTINGS, public

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(code: str, scope: dict[str, Any]) -> tuple[str, Any]:
    """What ``code`` prints, and the value of its last line where that is an expression; files go elsewhere."""
    body = ast.parse(code).body
    last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
    printed, before = io.StringIO(), Path.cwd()
    with TemporaryDirectory() as folder, redirect_stdout(printed):
        os.chdir(folder)
        try:
            exec(compile(ast.Module(body, []), "manual", "exec"), scope)
            value = None if last is None else eval(compile(ast.Expression(last.value), "manual", "eval"), scope)
        finally:
            os.chdir(before)
    return printed.getvalue(), value


def as_latex(value: Any) -> str | None:
    """LaTeX of a limit, a formula, several formulas, or a SymPy object; else None."""
    import sympy as sp

    from symhigh.notation import latex

    if isinstance(value, tuple) and value and all(hasattr(v, "latex") for v in value):
        return " \\\\\n".join(f"& {v.latex(assumptions=True)}" for v in value)
    for method in ("latex", "to_latex"):
        if hasattr(value, method):
            text = getattr(value, method)()
            return text.removeprefix("\\begin{aligned}\n").removesuffix("\n\\end{aligned}")
    if isinstance(value, sp.Basic | sp.MatrixBase):
        return latex(value)
    if isinstance(value, list | tuple) and value and all(isinstance(v, sp.Basic) for v in value):
        return " \\\\\n".join(f"{latex(v.lhs)} &= {latex(v.rhs)}" if isinstance(v, sp.Eq) else latex(v) for v in value)
    return None


class Run(SphinxDirective):
    """Runs its content; ``:hide:`` shows the results alone."""

    has_content = True
    option_spec: ClassVar = {"hide": directives.flag}

    def run(self) -> list[nodes.Node]:
        code = "\n".join(self.content)
        scopes = self.env.temp_data.setdefault("run_scopes", {})
        printed, value = run(code, scopes.setdefault(self.env.docname, {"__name__": "manual"}))
        found: list[nodes.Node] = []
        if "hide" not in self.options:
            found.append(nodes.literal_block(code, code, language="python"))
        if printed.strip():
            found.append(nodes.literal_block(printed, printed.rstrip(), language="text", classes=["printed"]))
        formula = as_latex(value)
        if formula is not None:
            found.append(nodes.math_block(formula, formula, nowrap=True, number=None))
        elif value is not None:
            found.append(nodes.literal_block(str(value), str(value), language="text", classes=["printed"]))
        return found


class Listing(SphinxDirective):
    """A table made of the registry: ``losses``, ``rules``, ``laws``, ``works``."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        return self.parse_text_to_nodes(LISTINGS[self.arguments[0]](), allow_section_headings=True)


class Public(SphinxDirective):
    """The documentation of every public name of the rooms named."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        entries = "\n\n".join(public(self.arguments[0].split()))
        return self.parse_text_to_nodes(f"```{{eval-rst}}\n{entries}\n```", allow_section_headings=True)


def setup(app: Any) -> dict[str, bool]:
    for name, directive in (("run", Run), ("listing", Listing), ("public", Public)):
        app.add_directive(name, directive)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
