"""The page of a ledger: well-formed, its links and ids sound, its colours readable, and names shown as text."""

import html.parser
import re
from pathlib import Path

import pytest
import sympy as sp

import symhigh as sh
from symhigh.ledger import REFUTED, Ledger, numeric, symbolic
from symhigh.ledger import page as page_module
from symhigh.ledger.glossary import meanings
from symhigh.mathml import mathml
from symhigh.notation import FieldLatexPrinter, latex

FORMULA = {"mrow", "mi", "mn", "mo", "msup", "mfrac", "msqrt", "math", "msub", "mtext"}
CSS = Path(page_module.__file__).with_name("page.css").read_text("utf-8")


class Tags(html.parser.HTMLParser):
    """Collects tags inside formulas, ids, links, unclosed tags, and all attributes that could run something."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.inside, self.found, self.active, self.ids, self.links, self.open = False, set(), [], [], [], []  # type: ignore[var-annotated]
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.inside = self.inside or tag == "math"
        if self.inside:
            self.found.add(tag)
        given = dict(attrs)
        self.ids += [given["id"]] if "id" in given else []
        self.links += [given["href"]] if "href" in given else []
        self.active += [name for name in given if name.startswith("on") or name == "src"]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self.inside = self.inside and tag != "math"


def one(name: str, left: sp.Expr, right: sp.Expr, **more: object) -> sh.Claim:
    return sh.Claim(name, evidence=symbolic(left, right), **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    a = sp.Symbol("a", positive=True)
    right = one("a square", (a + 1) ** 2, a**2 + 2 * a + 1, id="page/square", domain={sh.symbols.omega: (0, 1)})
    wrong = one("a misprint", (a + 1) ** 2, a**2 + 1, id="page/misprint", expect=REFUTED)
    bad = one("a mistake", a, 2 * a, id="topic/Claims of this session", domain={a: (0, 1)})
    return sh.verify([right, wrong, bad])


@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>", "</math><img src=x onerror=alert(1)>", "<mi onclick=alert(1)>x</mi>", "<b>", "a<b",
     '<mi mathvariant="bold" onclick="alert(1)">x</mi>', "<mtext/onclick=alert(1)>", "<MI onclick=alert(1)>"],
)  # fmt: skip
def test_names_of_symbols_are_not_markup(name: str) -> None:
    symbol = sp.Symbol(name)
    formula = sp.Eq(sp.sqrt(symbol) / 2, symbol**2)
    row = sh.verify(sh.Claim(name, formula=formula, source=name, evidence=symbolic(symbol - symbol)))
    for text in (row.to_html(), row._repr_html_()):
        tags = Tags(text)
        assert tags.found <= FORMULA
        assert not tags.active
        assert text.count("<script") <= 1
        assert all(link.startswith("#") for link in tags.links)


def test_formulas_stay_formulas() -> None:
    x = sp.Symbol("x_1", positive=True)
    left = sp.sqrt(x) / 2 + sp.Abs(x)
    page = sh.verify(sh.Claim("title", domain={x: (1, 2)}, evidence=numeric(left, left))).to_html()
    inside = mathml(latex(left)).removeprefix("<math><mrow>").removesuffix("</mrow></math>")
    assert inside in page


def test_ids_are_permanent_unique_and_linked(ledger: Ledger) -> None:
    tags = Tags(ledger.to_html())
    assert {"page/square", "page/misprint"} <= set(tags.ids)
    assert len(tags.ids) == len(set(tags.ids))
    assert {link.removeprefix("#") for link in tags.links} <= set(tags.ids)
    assert not [tag for tag in tags.open if tag not in ("meta",)]


def test_an_expected_refutation_is_told_from_a_mistake(ledger: Ledger) -> None:
    text = ledger.to_html()
    misprint, mistake = (text[text.index(f"<span>{name}</span>") - 90 :][:90] for name in ("a misprint", "a mistake"))
    assert "✓ refuted, as expected" in misprint
    assert "✗ refuted, expected: proved" in mistake
    assert text.count('<details open="open">') == 1  # what is not as expected shows its evidence


def test_settings_words_and_symbols_stand_there(ledger: Ledger) -> None:
    text = ledger.to_html()
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC · seed 0", text)
    assert f"sympy {sp.__version__}" in text
    assert all(f"<th>{word}</th>" in text for word in page_module.WORDS)
    assert "0 &lt; ω &lt; 1" in text
    assert meanings()["omega"] in text
    assert "Average" not in text


def test_each_claim_of_a_file_names_its_command(tmp_path: Path) -> None:
    file = tmp_path / "my claims.py"
    file.write_text(
        '"""Squares of sums. More."""\nimport sympy as sp\nimport symhigh as sh\na = sp.Symbol("a")\n'
        'one = sh.Claim("one", id="x/1", evidence=sh.symbolic((a + 1)**2, a**2 + 2*a + 1))\n'
    )
    (tmp_path / "README.md").write_text("# A *source* <of mine>\n")
    text = sh.verify(file, jobs=1, seed=7, quick=True).to_html()
    assert f"symhigh verify &#x27;{file}::x/1&#x27; --quick --seed 7" in text
    assert "<h2>A source &lt;of mine&gt;</h2>" in text
    assert "<h3>Squares of sums</h3>" in text


def test_the_page_is_small_and_whole(ledger: Ledger) -> None:
    text = ledger.to_html()
    assert len(text.encode()) < 20_000 * len(ledger.rows)
    assert "://" not in text
    assert "@import" not in text
    assert "url(" not in text


def palette(css: str) -> dict[str, str]:
    return dict(re.findall(r"--(\w+):(#[0-9a-f]{3,6})\b", css))


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.1."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * c for c in colour[1:])
    parts = (int(digits[k : k + 2], 16) / 255 for k in (0, 2, 4))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("mode", ["light", "dark", "print"])
def test_every_colour_of_text_is_readable_on_every_ground(mode: str) -> None:
    light, dark = CSS.split("@media (prefers-color-scheme:dark)")
    colours = palette(light)
    if mode != "light":
        colours |= palette(dark.split("}}")[0]) if mode == "dark" else palette(CSS.split("@media print")[1])
    assert contrast("#000", "#fff") == pytest.approx(21)
    for ground in ("paper", "card", *(["mark"] if mode != "print" else [])):
        for text in ("text", "quiet", "link", "good", "bad", "note"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)


def test_every_symbol_that_has_a_meaning_can_be_set() -> None:
    printer = FieldLatexPrinter()
    assert len(meanings()) > 30
    for name, meaning in meanings().items():
        assert mathml(printer.name(name)).startswith("<math>")
        assert meaning.strip()
