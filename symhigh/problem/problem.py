"""A problem: the loss of one sample, its label noise, and the law of its label.

First room of the pipeline: everything later (the limit, the simulator, the closed forms) is generated from
what is stated here. Setting: *The High Line* (arXiv 2405.19585), section 2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import sympy as sp

from symhigh.checks import expression, instance, mapping, parameter, rebuilt, shown
from symhigh.problem.learnt import Learnt, read_learnt, speed_of, start_of
from symhigh.problem.mixture import Mixture
from symhigh.problem.model import LINEAR, Model
from symhigh.problem.noise import Gaussian, NoiseLaw
from symhigh.symbols import eps, x, x_star, y


@dataclass(frozen=True)
class Label:
    """One value a sampled label may take: its probability given ``x_star``, and the loss it causes.

    Of data with classes ``mean`` is the class's, in symbols of directions, and ``label`` its label.
    """

    probability: sp.Expr
    loss: sp.Expr
    mean: sp.Expr = sp.S.Zero
    label: sp.Expr | None = None


@dataclass(frozen=True)
class Problem:
    """One-pass SGD on a loss ``f`` of predictions of Gaussian data ``a ~ N(0, K)``: ``x = <a, X>``, ``x* = <a, X*>``.

    Parameters
    ----------
    loss
        SymPy expression in ``sh.x`` (prediction ``<a, X>``), ``sh.x_star`` (target ``<a, X*>``), ``sh.eps``
        (label noise) and, where ``labels`` is given, ``sh.y``. It must contain ``x``.
    noise
        Standard deviation ω ≥ 0 of ``eps ~ N(0, ω²)``, a number or a SymPy expression; or a law of
        :mod:`symhigh.problem.noise`, such as ``StudentT(3)``.
    labels
        Law of a sampled label: ``{value: probability given x_star}``. The probabilities must sum to one.
    parameters
        Values of the loss's own symbols, ``{symbol: number}``. The loss keeps the symbol, so changing the
        number derives and compiles nothing anew.
    name
        What reports call the problem.
    model
        What the learnt coordinates predict with: ``LINEAR``, or a diagonal network, ``PRODUCT``, ``SQUARES``,
        ``powers(depth)``.
    students, targets
        Symbols of the predictions of the learnt and of the fixed directions, ``(sh.x,)`` and ``(sh.x_star,)`` by
        default; several make a committee or a multi-index model, whose loss is an expression in them.
    data
        A :class:`~symhigh.Mixture`, for data with classes; ``sh.y`` is then the label of the class, and the directions
        of the means come after the targets.
    learnt
        Symbols of the loss that learn, ``{symbol: start}`` or ``{symbol: Learnt(start, speed)}``: second-layer weights,
        biases, scales. The rule moves them by the step of an entry of X.

    Raises
    ------
    TypeError
        The loss is not a SymPy expression (text is never parsed).
    ValueError
        Foreign symbols, no ``x``, a negative or non-finite noise, probabilities that do not sum to one.
    """

    loss: sp.Expr
    noise: sp.Expr | NoiseLaw = sp.S.Zero
    labels: tuple[tuple[sp.Expr, sp.Expr], ...] = ()
    parameters: tuple[tuple[sp.Symbol, sp.Expr], ...] = ()
    name: str = field(default="custom loss", compare=False)
    model: Model = LINEAR
    students: tuple[sp.Symbol, ...] = (x,)
    targets: tuple[sp.Symbol, ...] = (x_star,)
    data: Mixture | None = None
    learnt: tuple[tuple[sp.Symbol, Learnt], ...] = ()

    def __init__(
        self,
        loss: sp.Expr,
        noise: Any = 0,
        labels: Mapping[Any, Any] | None = None,
        parameters: Mapping[sp.Symbol, Any] | None = None,
        name: str = "custom loss",
        model: Model = LINEAR,
        students: Sequence[sp.Symbol] | None = None,
        targets: Sequence[sp.Symbol] | None = None,
        data: Mixture | None = None,
        learnt: Mapping[sp.Symbol, Any] | None = None,
    ) -> None:
        loss = expression("Problem", "loss", loss, "a SymPy expression in sh.x, sh.x_star and sh.eps")
        instance("Problem", "model", model, Model, "LINEAR, PRODUCT, SQUARES or powers(depth)")
        value, chance = "the value of a label, a number or an expression", "the probability of a label"
        if data is not None:
            targets = _with_means(loss, instance("Problem", "data", data, Mixture, "a Mixture"), targets)
        directions = _directions(students, targets)
        if not model.linear and directions != ((x,), (x_star,)):
            raise ValueError("Problem(students=…): a network has one student, sh.x, and one target, sh.x_star")
        laws = tuple(
            (expression("Problem", "labels", k, value), expression("Problem", "labels", v, chance))
            for k, v in _paired("labels", labels, "{value: probability given sh.x_star}").items()
        )
        own = tuple(
            (
                instance("Problem", "parameters", s, sp.Symbol, "{symbol: number}"),
                own_parameter("Problem", s, v),
            )
            for s, v in _paired("parameters", parameters, "{symbol: number}").items()
        )
        scalars = read_learnt(dict(_paired("learnt", learnt, "{symbol of the loss: start or Learnt(start, speed)}")))
        _check_learnt(scalars, own, noise, {*directions[0], *directions[1]}, loss)
        if data is not None and (laws or not model.linear):
            wrong = "labels" if laws else "model"
            raise ValueError(f"Problem({wrong}=…, data=…): classes have labels of their own, and models are linear")
        classes = {y} if data is not None else set()
        _check_loss(loss, laws, frozenset(s for s, _ in own), frozenset({s for s, _ in scalars} | classes), *directions)
        object.__setattr__(self, "loss", loss)
        object.__setattr__(self, "noise", _law_or_deviation(noise))
        object.__setattr__(self, "labels", laws)
        object.__setattr__(self, "parameters", own)
        object.__setattr__(self, "name", instance("Problem", "name", name, str, "a string"))
        object.__setattr__(self, "model", model)
        object.__setattr__(self, "students", directions[0])
        object.__setattr__(self, "targets", directions[1])
        object.__setattr__(self, "data", data)
        object.__setattr__(self, "learnt", scalars)

    def bound(self, values: Mapping[sp.Basic, sp.Expr]) -> Problem:
        """The same problem with ``values`` put into its parameters and its noise, which are checked as in a new one."""
        noise = self.noise.xreplace(values) if isinstance(self.noise, sp.Expr) else rebuilt(self.noise, values)
        own = tuple((s, own_parameter("Problem", s, v.xreplace(values))) for s, v in self.parameters)
        learnt = tuple((s, rebuilt(scalar, values)) for s, scalar in self.learnt)
        _check_learnt(learnt, own, noise, set(self.directions), self.loss)
        made = copy(self)
        for name, value in (("noise", _law_or_deviation(noise)), ("parameters", own), ("learnt", learnt)):
            object.__setattr__(made, name, value)
        return made

    @property
    def outcomes(self) -> tuple[Label, ...]:
        """The label's values with their probabilities, or the classes; one sure outcome where no label is sampled."""
        if self.data is not None:
            classes = zip(self.data.weights, self.data.labels, self.data.means, strict=True)
            return tuple(Label(p, self.loss.subs(y, value), mean, value) for p, value, mean in classes)
        if not self.labels:
            return (Label(sp.S.One, self.loss),)
        return tuple(Label(p, self.loss.subs(y, value)) for value, p in self.labels)

    @property
    def law(self) -> NoiseLaw:
        """The law of ``eps``."""
        return self.noise if isinstance(self.noise, NoiseLaw) else Gaussian(self.noise)

    @property
    def noisy(self) -> bool:
        """Whether the loss looks at ``eps``."""
        return eps in self.loss.free_symbols

    @property
    def directions(self) -> tuple[sp.Symbol, ...]:
        """The predictions of all directions, students first."""
        return (*self.students, *self.targets)

    @property
    def values(self) -> dict[sp.Symbol, sp.Expr]:
        """Canonical symbols of the problem and the values that the user gave them."""
        begun = {start_of(s): scalar.start for s, scalar in self.learnt}
        speeds = {speed_of(s): scalar.speed for s, scalar in self.learnt}
        return {**dict(self.parameters), **(self.law.values if self.noisy else {}), **begun, **speeds}

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle f = {sp.latex(self.loss)}$"


def _paired(name: str, given: Any, what: str) -> Mapping[Any, Any]:
    """A mapping, or the pairs that a problem keeps of it, which ``dataclasses.replace`` hands back."""
    pairs = isinstance(given, tuple) and all(isinstance(entry, tuple) and len(entry) == 2 for entry in given)
    return mapping("Problem", name, dict(given) if pairs else given, what)


def _with_means(loss: sp.Expr, data: Mixture, targets: Sequence[sp.Symbol] | None) -> tuple[sp.Symbol, ...]:
    """The targets and after them the directions of the classes' means; no target where the loss has none."""
    named = (x_star,) if targets is None and loss.has(x_star) else tuple(targets or ())
    return tuple(dict.fromkeys((*named, *data.directions)))


def _directions(
    students: Sequence[sp.Symbol] | None, targets: Sequence[sp.Symbol] | None
) -> tuple[tuple[sp.Symbol, ...], tuple[sp.Symbol, ...]]:
    """The learnt and the fixed directions, checked to be distinct symbols."""
    found = []
    for name, given, default in (("students", students, x), ("targets", targets, x_star)):
        what = "a tuple of SymPy symbols, one a direction"
        chosen = (default,) if given is None else (given,) if isinstance(given, sp.Symbol) else given
        instance("Problem", name, chosen, (tuple, list), what)
        found.append(tuple(instance("Problem", name, s, sp.Symbol, what) for s in chosen))
    if not found[0] or len({*found[0], *found[1]}) < len(found[0]) + len(found[1]):
        raise ValueError(f"Problem(students={found[0]}): needs at least one student, and distinct symbols")
    return found[0], found[1]


def own_parameter(owner: str, symbol: sp.Symbol, value: Any) -> sp.Expr:
    """The value of a loss's own symbol, with the sign that the symbol is declared with."""
    sign = True if symbol.is_positive else False if symbol.is_nonnegative else None
    return parameter(owner, symbol.name, value, positive=sign, meaning="a parameter of the loss")


def _law_or_deviation(noise: Any) -> sp.Expr | NoiseLaw:
    """A law of the label noise; a Gaussian one is told by its standard deviation."""
    if isinstance(noise, NoiseLaw) and not isinstance(noise, Gaussian):
        return noise
    deviation = noise.sigma if isinstance(noise, Gaussian) else noise
    return parameter("Problem", "noise", deviation, positive=False, meaning="the standard deviation of the label noise")


def _check_learnt(
    scalars: tuple[tuple[sp.Symbol, Learnt], ...],
    own: tuple[tuple[sp.Symbol, sp.Expr], ...],
    noise: Any,
    directions: set[sp.Symbol],
    loss: sp.Expr,
) -> None:
    """A scalar that learns is one thing only, and the loss sees it."""
    law = list(noise.values.values()) if isinstance(noise, NoiseLaw) else [noise]
    values = [v for _, v in own] + law + [v for _, s in scalars for v in (s.start, s.speed)]
    for scalar, _ in scalars:
        said = f"Problem(learnt={{{shown(scalar)}: …}})"
        if scalar in directions or scalar in dict(own):
            raise ValueError(f"{said}: {scalar} is a prediction or has its value in parameters already; name it anew")
        if any(getattr(v, "free_symbols", set()) & {scalar} for v in values):
            raise ValueError(f"{said}: noise, parameters and starts are constant, they may not depend on {scalar}")
        if not loss.has(scalar):
            raise ValueError(f"{said}: the loss {shown(loss)} does not depend on {scalar}; leave it out")


@lru_cache(maxsize=256)
def _check_loss(
    loss: sp.Expr,
    labels: tuple[tuple[sp.Expr, sp.Expr], ...],
    own: frozenset[sp.Symbol],
    others: frozenset[sp.Symbol],
    students: tuple[sp.Symbol, ...],
    targets: tuple[sp.Symbol, ...],
) -> None:
    allowed = {*students, *targets, eps} | own | others | ({y} if labels else set())
    if foreign := sorted(map(str, loss.free_symbols - allowed)):
        lookalike = set(foreign) & {"x", "x_star", "eps", "y"}
        hint = (
            "build the loss from sh.x, sh.x_star, sh.eps (symbols of the same name with other assumptions differ)"
            if lookalike
            else "give their values in parameters={symbol: number}, or where they start in learnt={symbol: number}"
        )
        raise ValueError(f"Problem(loss={shown(loss)}): foreign symbols {foreign}; {hint}")
    if not loss.free_symbols & set(students):
        which = "sh.x" if students == (x,) else f"of a student, {', '.join(map(str, students))}"
        raise ValueError(f"Problem(loss={shown(loss)}): the loss must depend on the prediction {which}")
    if labels:
        if foreign := sorted(map(str, {s for _, p in labels for s in p.free_symbols} - {*targets} - own)):
            which = "sh.x_star" if targets == (x_star,) else "the targets"
            raise ValueError(
                f"Problem(labels=…): probabilities may depend on {which} only, not on {foreign}"
            )
        total = sp.cancel(sum(p for _, p in labels).rewrite(sp.exp).subs(sp.exp(x_star), sp.Dummy("u")))
        if total != 1:
            raise ValueError(f"Problem(labels=…): the probabilities must sum to one, they sum to {total}")
