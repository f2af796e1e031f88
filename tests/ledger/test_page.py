"""The page of a ledger shows names as text, whatever they hold."""

import html.parser

import pytest
import sympy as sp

import symhigh as sh
from symhigh.ledger import numeric, symbolic

FORMULA = {"mrow", "mi", "mn", "mo", "msup", "mfrac", "msqrt", "math", "msub", "mfenced"}


class Tags(html.parser.HTMLParser):
    """Collects the tags inside formulas, and all attributes that could run something."""

    def __init__(self) -> None:
        super().__init__()
        self.inside, self.found, self.active = False, set(), []  # type: ignore[var-annotated]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = self.inside or tag == "math"
        if self.inside:
            self.found.add(tag)
        self.active += [name for name, _ in attrs if name.startswith("on") or name in ("href", "src")]

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag != "math"


@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>", "</math><img src=x onerror=alert(1)>", "<mi onclick=alert(1)>x</mi>", "<b>", "a<b",
     '<mi mathvariant="bold" onclick="alert(1)">x</mi>', "<mtext/onclick=alert(1)>", "<MI onclick=alert(1)>"],
)  # fmt: skip
def test_names_of_symbols_are_not_markup(name: str) -> None:
    symbol = sp.Symbol(name)
    formula = sp.Eq(sp.sqrt(symbol) / 2, symbol**2)
    row = sh.verify(sh.Claim("title", formula=formula, evidence=symbolic(symbol - symbol)))
    tags = Tags()
    tags.feed(row.to_html())
    assert tags.found <= FORMULA | {"mrow"}
    assert not tags.active


def test_formulas_stay_formulas() -> None:
    x = sp.Symbol("x_1", positive=True)
    formula = sp.Eq(sp.sqrt(x) / 2 + sp.Abs(x), sp.exp(x**2))
    page = sh.verify(sh.Claim("title", domain={x: (1, 2)}, evidence=numeric(formula.lhs, formula.lhs))).to_html()
    assert sp.mathml(formula.lhs, printer="presentation") in page
