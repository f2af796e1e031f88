"""LaTeX of the field's notation as presentation MathML, so that a page shows formulas without a script or a network.

Stands beside the notation, whose LaTeX it reads (:mod:`symhigh.notation`, and formulas written by hand in the manual).
It reads mathematics only: every character ends up escaped, and a command that it does not know is refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape

_TOKEN = re.compile(r"\\(?:[A-Za-z]+|.)|\d+(?:\.\d+)?|\s+|.", re.DOTALL)
_GREEK_NAMES = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi "
    "omega varepsilon vartheta varphi varrho Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
)
GREEK = dict(zip(_GREEK_NAMES.split(), "αβγδϵζηθικλμνξπρστυϕχψωεϑφϱΓΔΘΛΞΠΣΥΦΨΩ", strict=True))
_LETTERS = GREEK | {"infty": "∞", "ell": "ℓ", "partial": "∂", "nabla": "∇", "emptyset": "∅", "hbar": "ℏ", "dots": "…"}
_LETTERS |= {"ldots": "…", "cdots": "⋯", "top": "⊤", "imaginaryunit": "i"}
_OPERATORS = {
    "leq": "≤", "le": "≤", "geq": "≥", "ge": "≥", "neq": "≠", "ne": "≠", "sim": "∼", "approx": "≈",
    "propto": "∝", "equiv": "≡", "to": "→", "rightarrow": "→", "Rightarrow": "⇒", "implies": "⇒", "iff": "⇔",
    "Leftrightarrow": "⇔", "leftarrow": "←", "mapsto": "↦", "in": "∈", "notin": "∉", "subset": "⊂",
    "cup": "∪", "cap": "∩", "cdot": "⋅", "times": "×", "odot": "⊙", "otimes": "⊗", "oplus": "⊕", "pm": "±",
    "mp": "∓", "ll": "≪", "gg": "≫", "wedge": "∧", "vee": "∨", "neg": "¬", "mid": "|", "colon": ":",
    "star": "⋆", "ast": "∗", "circ": "∘", "prime": "′", "{": "{", "}": "}", "|": "‖", "Vert": "‖",
    "vert": "|", "langle": "⟨", "rangle": "⟩", "lfloor": "⌊", "rfloor": "⌋", "lceil": "⌈", "rceil": "⌉",
    "lbrace": "{", "rbrace": "}", "lbrack": "[", "rbrack": "]", "%": "%", "_": "_", "#": "#", "$": "$",
    "forall": "∀", "exists": "∃",
}  # fmt: skip
_LARGE = {"sum": "∑", "prod": "∏", "int": "∫", "bigcup": "⋃", "bigcap": "⋂"}
_FUNCTIONS = (
    "arcsin arccos arctan arcsinh arccosh arctanh asin acos atan log ln exp sin cos tan cot sec csc sinh cosh tanh "
    "coth det dim ker arg deg gcd Pr"
)
_NAMED = frozenset(_FUNCTIONS.split())
_LIMITS = ("lim", "max", "min", "sup", "inf")
_THIN = '<mspace width="0.17em"/>'
"""What sets a name apart from a letter beside it."""
_WORD = re.compile(r"(?:<m\w+>)?<mi>[A-Za-z]{2,}<")
_SPACES = {",": 0.17, ":": 0.22, ";": 0.28, " ": 0.25, "quad": 1.0, "qquad": 2.0, "!": 0.0}
_SILENT = {"displaystyle", "textstyle", "big", "Big", "bigg", "Bigg", "bigl", "bigr"}
_ACCENTS = {"hat": "^", "bar": "¯", "overline": "¯", "tilde": "~", "dot": "˙", "ddot": "¨", "vec": "→"}
_ALPHABETS = {"mathcal": 0x1D49C, "mathbb": 0x1D538, "mathsf": 0x1D5A0, "mathbf": 0x1D400}
_EARLIER = {
    "mathcal": dict(zip("BEFHILMRego", "ℬℰℱℋℐℒℳℛℯℊℴ", strict=True)),
    "mathbb": dict(zip("CHNPQRZ", "ℂℍℕℙℚℝℤ", strict=True)),
}
"""Letters that Unicode had before the mathematical alphabets."""
_ENVIRONMENTS = ("cases", "aligned", "matrix", "pmatrix", "array", "smallmatrix")


def mathml(latex: str, block: bool = False, spoken: str = "") -> str:
    """A ``<math>`` element for a formula in LaTeX; ``spoken`` is its readable text, for those who cannot see it.

    Raises ``ValueError`` for a command that is not known here, and where braces or brackets do not match.
    """
    reader = _Reader(_TOKEN.findall(latex), latex)
    inside = reader.row(lambda token: token == "")
    display = ' display="block"' if block else ""
    label = f' alttext="{escape(spoken)}"' if spoken else ""
    return f"<math{display}{label}>{inside}</math>"


@dataclass
class _Reader:
    """A formula that is read token by token, from left to right."""

    tokens: list[str]
    source: str
    place: int = 0

    def peek(self) -> str:
        while self.place < len(self.tokens) and self.tokens[self.place].isspace():
            self.place += 1
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def take(self, wanted: str = "") -> str:
        token = self.peek()
        if not token or (wanted and token != wanted):
            raise ValueError(f"mathml({self.source!r}): {token or 'the end'} stands where {wanted or 'more'} must")
        self.place += 1
        return token

    def row(self, ends: Callable[[str], bool]) -> str:
        """What stands before the first token of ``ends``, as one element."""
        found: list[str] = []
        while not ends(self.peek()):
            if not self.peek():
                raise ValueError(f"mathml({self.source!r}): a brace, bracket or environment is not closed")
            piece = self.scripted()
            found += [_THIN, piece] if found and _WORD.match(piece) else [piece]
        inside = "".join(found)
        return inside if len(found) == 1 else f"<mrow>{inside}</mrow>"

    def scripted(self) -> str:
        """One element with its sub- and superscript."""
        limits = self.peek()[1:] in (*_LIMITS, "sum", "prod", "bigcup", "bigcap")
        base, below, above = self.element(), "", ""
        if self.peek() in ("\\limits", "\\nolimits"):
            limits = self.take() == "\\limits"
        while self.peek() in ("_", "^", "'"):
            mark = self.take()
            if mark == "_":
                below = self.element()
            else:
                above += "<mo>′</mo>" if mark == "'" else self.element()
        above = f"<mrow>{above}</mrow>" if above.startswith("<mo>′</mo><") else above
        if not (below or above):
            return base
        tag = ("munder" if limits else "msub") if below else ""
        tag += ("over" if tag else "mover") if above and limits else ("sup" if tag else "msup") if above else ""
        return f"<{tag}>{base}{below}{above}</{tag}>"

    def element(self) -> str:
        """A group, a command with its arguments, a number, a letter or a sign."""
        token = self.take()
        if token == "{":
            inside = self.row(lambda t: t == "}")
            self.take("}")
            return inside
        if token.startswith("\\"):
            return self.command(token[1:])
        if token[0].isdigit():
            return f"<mn>{token}</mn>"
        if token.isalpha():
            return f"<mi>{token}</mi>"
        if token in "}&^_":
            raise ValueError(f"mathml({self.source!r}): {token} stands where a formula must")
        if token in "()[]|":
            return f'<mo stretchy="false">{token}</mo>'
        if token == "/":
            return '<mo lspace="0" rspace="0">/</mo>'
        return f"<mo>{escape({'-': '−', '*': '∗', '~': ' '}.get(token, token))}</mo>"

    def command(self, name: str) -> str:
        if name in _LETTERS:
            return f"<mi>{_LETTERS[name]}</mi>"
        if name in _OPERATORS or name in _LARGE:
            stretchy = ' stretchy="false"' if name in ("{", "}", "|", "langle", "rangle", "mid", "vert", "Vert") else ""
            return f"<mo{stretchy}>{escape(_OPERATORS.get(name) or _LARGE[name])}</mo>"
        if name in _NAMED or name in _LIMITS:
            return f"<mi>{name}</mi>{self.applied()}"
        if name in _SPACES:
            return f'<mspace width="{_SPACES[name]}em"/>'
        if name in _SILENT:
            return ""
        if name in ("frac", "tfrac", "dfrac"):
            return f"<mfrac>{self.element()}{self.element()}</mfrac>"
        if name == "binom":
            inside = f'<mfrac linethickness="0">{self.element()}{self.element()}</mfrac>'
            return f"<mrow><mo>(</mo>{inside}<mo>)</mo></mrow>"
        if name == "sqrt":
            return self.root()
        if name in ("mathrm", "operatorname"):
            return self.upright(name)
        if name in ("text", "textrm", "mbox"):
            return f"<mtext>{escape(self.raw())}</mtext>"
        if name in _ACCENTS:
            return f'<mover accent="true">{self.element()}<mo stretchy="false">{_ACCENTS[name]}</mo></mover>'
        if name in _ALPHABETS:
            return f"<mi>{''.join(_in_alphabet(c, name) for c in self.raw())}</mi>"
        if name == "left":
            return self.fenced()
        if name == "begin":
            return self.environment()
        raise ValueError(f"mathml({self.source!r}): the command \\{name} is not known")

    def applied(self) -> str:
        """A thin space between the name of a function and an argument without brackets."""
        follows = self.peek()
        plain = follows[:1].isalnum() or (follows.startswith("\\") and follows[1:] in _LETTERS)
        return _THIN if plain else ""

    def root(self) -> str:
        if self.peek() != "[":
            return f"<msqrt>{self.element()}</msqrt>"
        self.take("[")
        index = self.row(lambda t: t == "]")
        self.take("]")
        return f"<mroot>{self.element()}{index}</mroot>"

    def upright(self, name: str) -> str:
        """Upright letters: a name, or a group with marks of its own, such as ``\\mathrm{r_{0}}``."""
        start = self.place
        try:
            text = self.raw()
        except ValueError:
            self.place = start
            return self.element()
        if len(text) == 1:
            return f'<mi mathvariant="normal">{escape(text)}</mi>'
        return f"<mi>{escape(text)}</mi>{self.applied()}"

    def raw(self) -> str:
        """The characters of a group that holds text."""
        if self.peek() != "{":
            return self.take()
        self.take("{")
        found = []
        while self.place < len(self.tokens) and self.tokens[self.place] != "}":
            token = self.tokens[self.place]
            if token[0] in "\\{^_" and token not in ("\\ ", "\\_", "\\%"):
                raise ValueError(f"mathml({self.source!r}): {token} stands within text")
            found.append(token.removeprefix("\\"))
            self.place += 1
        self.take("}")
        return "".join(found)

    def fenced(self) -> str:
        opening = self.fence()
        inside = self.row(lambda t: t == "\\right")
        self.take("\\right")
        return f"<mrow>{opening}{inside}{self.fence()}</mrow>"

    def fence(self) -> str:
        token = self.take()
        if token == ".":
            return ""
        sign = _OPERATORS.get(token[1:], "") if token.startswith("\\") else token
        if not sign:
            raise ValueError(f"mathml({self.source!r}): {token} is no bracket")
        return f"<mo>{escape(sign)}</mo>"

    def environment(self) -> str:
        name = self.raw()
        if name not in _ENVIRONMENTS:
            raise ValueError(f"mathml({self.source!r}): the environment {name} is not known")
        if name == "array":
            self.raw()  # its columns
        rows: list[list[str]] = [[]]
        while True:
            rows[-1].append(self.row(lambda t: t in ("&", "\\\\", "\\end", "")))
            mark = self.take()
            if mark == "\\end":
                break
            if mark == "\\\\":
                rows.append([])
        if self.raw() != name:
            raise ValueError(f"mathml({self.source!r}): the environment {name} is not closed")
        filled = ("".join(f"<mtd>{c}</mtd>" for c in row) for row in rows if row != ["<mrow></mrow>"])
        cells = "".join(f"<mtr>{row}</mtr>" for row in filled)
        kind = ' class="aligned" displaystyle="true"' if name == "aligned" else ""
        table = f"<mtable{kind}>{cells}</mtable>"
        fences = {"cases": ("<mo>{</mo>", ""), "pmatrix": ("<mo>(</mo>", "<mo>)</mo>")}.get(name)
        return f"<mrow>{fences[0]}{table}{fences[1]}</mrow>" if fences else table


def _in_alphabet(letter: str, name: str) -> str:
    """A letter in script, double-struck, sans-serif or bold form."""
    if not (letter.isascii() and letter.isalpha()):
        return escape(letter)
    place = ord(letter) - ord("A") if letter.isupper() else ord(letter) - ord("a") + 26
    return _EARLIER.get(name, {}).get(letter) or chr(_ALPHABETS[name] + place)
