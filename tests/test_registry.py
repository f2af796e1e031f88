"""The registry holds every loss, law and rule of the package, and what it makes can be made."""

import inspect

import pytest
import sympy as sp

import symhigh as sh
from symhigh import entries, problem, rule
from symhigh.problem.noise import NoiseLaw
from symhigh.registry import EXPRESSION, LAWS, LINKS, LOSSES, RULES, Entry, described


def made(entry: Entry, **more: object) -> object:
    given = {p.name: 1 / (1 + sh.t) if p.kind == EXPRESSION else p.default for p in entry.parameters}
    given |= {name: 2 for name, value in given.items() if value is None}
    return entry.make(**given, **more)


def test_nothing_is_missing() -> None:
    losses = {f for name in problem.__all__ if inspect.isfunction(f := getattr(problem, name))}
    assert {e.function for e in LOSSES.values()} >= losses - {problem.student, problem.powers}
    rules = {
        c for name in rule.__all__ if inspect.isclass(c := getattr(rule, name)) and issubclass(c, sh.Rule)
    }
    assert {
        type(made(e, **({"inner": sh.Constant(1)} if e.wraps else {}))) for e in RULES.values()
    } == rules - {sh.Rule}
    laws = {c for c in NoiseLaw.__subclasses__() if c.__module__ == problem.noise.__name__}
    assert {e.function for e in LAWS.values()} == laws - {sh.Contaminated}


@pytest.mark.parametrize("table", [LOSSES, LAWS, RULES])
def test_parameters_are_those_of_the_function_and_every_entry_says_what_it_is(
    table: dict[str, Entry],
) -> None:
    for name, entry in table.items():
        accepted = set(inspect.signature(entry.make).parameters)
        assert {p.name for p in entry.parameters} <= accepted, name
        assert len(entry.help) > 15
        assert ("noise" in accepted) == entry.noisy or table is not LOSSES
        assert all(p.meaning.endswith(".") for p in entry.parameters)


@pytest.mark.parametrize("link", LINKS)
def test_links_make_students(link: str) -> None:
    assert LOSSES["student"].make(link=link, noise=0.1).name == f"{link} student of {link}"


def test_descriptions_show_numbers_as_they_were_given() -> None:
    assert described(sh.huber(0.1, 0.5)) == "Huber loss, c = 0.1, label noise Gaussian(sigma=0.5)"
    assert (
        described(sh.WarmUp(sh.AdaGradNorm(1, 0.3), 2))
        == "WarmUp(inner=AdaGradNorm(eta=1, b=0.3), duration=2)"
    )
    assert "average" in described(sh.RMSpropNorm(1, 1, 1, sh.Forgetting.AVERAGE))


def test_students_are_without_noise_and_their_own_teachers_unless_told_otherwise() -> None:
    alone = LOSSES["student"].make(link="tanh")
    assert alone.law == sh.Gaussian(0)
    assert alone.loss == sh.tanh_student().loss
    other = LOSSES["student"].make(link="tanh", teacher="erf")
    assert other.name == "tanh student of erf"
    assert other.loss.xreplace({sh.x: sh.x_star, sh.eps: 0}) != 0
    with pytest.raises(ValueError, match="teacher must be one of"):
        LOSSES["student"].make(link="tanh", teacher="cosh")


def test_links_are_the_functions_of_their_names() -> None:
    u = 0.7
    values = {"linear": 0.7, "tanh": 0.6043677771171636, "erf": 0.5160727, "relu": 0.7, "sigmoid": 0.6681878,
              "sin": 0.644217687237691, "atan": 0.6107259643892086, "abs": 0.7, "sign": 1}  # fmt: skip
    assert {n: float(f(sp.Float(u))) for n, f in LINKS.items()} == pytest.approx(values, rel=1e-6)
    assert [float(LINKS[n](sp.Float(-u))) for n in ("relu", "abs", "sign", "linear")] == [0, u, -1, -u]


def test_a_name_that_is_taken_is_refused_with_both_places() -> None:
    before = dict(LOSSES)
    with pytest.raises(ValueError, match="bear this name; rename one of them"):
        entries.loss("least-squares")(lambda noise=0: None)
    assert dict(LOSSES) == before


def test_an_entry_says_what_it_is_and_where_it_comes_from() -> None:
    def own(noise: float = 0) -> None:
        """First line.

        Source: a paper.
        """

    def plain() -> None: ...

    assert Entry(own).help == "First line."
    assert entries.stated_source(own) == own.__doc__
    for words in ("arXiv 1", "Source: a book", "The High Line"):
        plain.__doc__ = words
        assert entries.stated_source(plain) == words
    for words in (None, "Nothing is named."):
        plain.__doc__ = words
        assert entries.stated_source(plain) == __doc__
    assert [entries.Parameter("a_b", "m.", option=o).flag for o in ("", "c_d")] == ["a-b", "c-d"]


def test_a_file_that_is_read_again_enters_again() -> None:
    before = dict(LOSSES)
    entry = LOSSES["huber"]
    entries.loss("huber", *entry.parameters, noisy=entry.noisy)(entry.function)
    assert {n: e.function for n, e in LOSSES.items()} == {n: e.function for n, e in before.items()}
    LOSSES.update(before)
