"""``expect``: the expectation of an expression over jointly Gaussian variables, closed or as quadrature nodes.

Joins the passes: recognise → split kinks → collect terms → tilt by exponentials → moments or nodes. Mathematics: Stein,
Price, completing the square and conditioning; a factor ``erf(u)`` is ``E sign(√2 u - Z)`` over one more independent
normal Z, so that Williams' kernel is the arcsine law in a larger space.
One file, as the passes are joined in one class.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from symhigh.checks import expression, instance
from symhigh.derivation.gaussian.basis import Sign, bilinear, gathered
from symhigh.derivation.gaussian.cells import KINKS, in_cells, is_finite
from symhigh.derivation.gaussian.conditional import along, conditional
from symhigh.derivation.gaussian.covariance import Covariance, independent_variables, read_covariance
from symhigh.derivation.gaussian.forms import Span, spanned
from symhigh.derivation.gaussian.kinks import Signs, split
from symhigh.derivation.gaussian.moments import NoClosedForm, density, moment, moment_given
from symhigh.derivation.gaussian.node import GaussianMean
from symhigh.derivation.gaussian.smooth import Sigmoid, Softplus, explicit, is_smooth, recognise
from symhigh.derivation.gaussian.symmetry import vanishes
from symhigh.derivation.gaussian.terms import TRIGONOMETRIC, Polynomial, Term, collect_terms, is_affine
from symhigh.derivation.gaussian.tilt import tilted
from symhigh.symbols import eps, x, x_star
from symhigh.telling import stage, telling

_NAMES = {1: (x,), 2: (x, x_star), 3: (x, x_star, eps)}


@telling
def expect(expr: Any, cov: Any, variables: Sequence[sp.Symbol] | None = None) -> sp.Expr:
    """``E expr`` for centred, jointly Gaussian ``variables`` with covariance ``cov``.

    Parameters
    ----------
    expr
        SymPy expression; symbols other than ``variables`` are parameters, and what is declared of them (positive, real)
        is used.
    cov
        Symmetric positive semidefinite matrix or nested sequence, k × k, numbers or expressions. A singular one is
        treated exactly: dependent variables are replaced by what they equal.
    variables
        The k variables; by default ``(x,)``, ``(x, x_star)`` or ``(x, x_star, eps)`` of :mod:`symhigh.symbols`.

    Returns
    -------
    A closed form wherever the engine finds one; else an expression with :class:`GaussianMean` nodes, one for each
    product of factors that does not integrate, over as few variables as possible. Where convergence depends on the sign
    of an expression that is not known, a ``Piecewise`` carries the condition and is ``nan`` where it fails.

    Raises
    ------
    TypeError
        ``expr`` is not a SymPy expression or a number.
    ValueError
        ``cov`` does not fit, is not symmetric, is known not to be a covariance; the expectation is known to diverge.
    """
    exact = expression("expect", "expr", expr, "a SymPy expression or a number")
    matrix = read_covariance(cov)
    if variables is None:
        if len(matrix) not in _NAMES:
            raise ValueError(f"expect(cov of size {len(matrix)}): name its variables, variables=(...)")
        variables = _NAMES[len(matrix)]
    instance("expect", "variables", variables, (tuple, list), "a list of SymPy symbols, one a row of cov")
    for name in variables:
        instance("expect", "variables", name, sp.Symbol, "a list of SymPy symbols, one a row of cov")
    if len(variables) != len(matrix) or len(set(variables)) != len(variables):
        raise ValueError(
            f"expect(variables={tuple(variables)}): needs {len(matrix)} distinct symbols, one a row of cov"
        )
    value = gathered(mean(_exact(exact), tuple(variables), matrix), {})
    floating = exact.has(sp.Float) or any(e.has(sp.Float) for row in matrix for e in row)
    return _rounded(value) if floating else value


def mean(expr: sp.Expr, variables: Sequence[sp.Symbol], cov: Any) -> sp.Expr:
    """:func:`expect` on checked arguments."""
    if not expr.free_symbols.intersection(variables):
        return expr
    rows = cov if isinstance(cov, tuple) else tuple(tuple(row) for row in cov.tolist())
    real = {v: v if v.is_real else sp.Dummy(v.name, real=True) for v in variables}
    kept, dependence = independent_variables(rows, [real[v] for v in variables])
    rows = tuple(tuple(map(_exact, row)) for row in rows)
    dependence = {v: _exact(e) for v, e in dependence.items()}
    reduced = recognise(expr.xreplace(real).xreplace(dependence))
    chosen = tuple(real[variables[i]] for i in kept)
    if not chosen or not reduced.free_symbols.intersection(chosen):
        return explicit(reduced)
    stage("the average of", reduced)
    used = [i for i, v in enumerate(chosen) if v in reduced.free_symbols]
    law = tuple(tuple(rows[kept[i]][kept[j]] for j in used) for i in used)
    held = tuple(chosen[i] for i in used)
    if reduced.has(*KINKS) and vanishes(reduced, held, law):
        return sp.S.Zero
    return _Expectation(held, law).of(reduced)


class _Expectation:
    """E over ``variables`` ~ N(0, cov), with independent variables."""

    def __init__(self, variables: tuple[sp.Symbol, ...], cov: Covariance) -> None:
        self.variables = variables
        self.cov = cov

    def of(self, expr: sp.Expr) -> sp.Expr:
        if expr.has(sp.DiracDelta):
            return sp.Add(*(self._concentrated(a) for a in sp.Add.make_args(sp.expand(expr))))
        parts = split(expr, self.variables)
        return sp.Add(
            *(
                self.term(term, signs)
                for signs, smooth in parts.items()
                for term in collect_terms(smooth, self.variables)
            )
        )

    def term(self, term: Term, signs: Signs) -> sp.Expr:
        hard = [f for f in term.factors if not self._integrates(f, with_signs=bool(signs))]
        span = spanned(hard, self.variables)
        if term.exponent != 0 and not span.holds(term.exponent):
            return self._tilt(term, signs)
        if (
            span.size > 1
            and any(f.has(*KINKS) for f in hard)
            and (value := self._inner(term, signs)) is not None
        ):
            return value
        if not hard and (
            trigonometric := [f for f in term.factors if f.as_base_exp()[0].func in TRIGONOMETRIC]
        ):
            waves = sp.prod(trigonometric).rewrite(sp.exp)
            rest = sp.prod(f for f in term.factors if f not in trigonometric)
            return _real(self.of(sp.expand(waves * rest * self._polynomial(term.polynomial))))
        smooth = not signs and all(is_smooth(f) for f in term.factors)
        if hard and smooth and all(span.holds(f) for f in term.factors):
            return self._smooth_node(term, span)
        return self._conditioned(term, signs, span)

    def _inner(self, term: Term, signs: Signs) -> sp.Expr | None:
        """The average over one variable in closed form, then over the others; None where no variable allows it."""
        polynomial = self._polynomial(term.polynomial)
        whole = sp.prod([*term.factors, *(sp.sign(t) for t in signs)]) * polynomial * sp.exp(term.exponent)
        for variable in along(whole, self.variables):
            given = conditional(variable, self.variables, self.cov)
            value = _Expectation((given.rest,), ((given.variance,),)).of(recognise(given.express(whole)))
            if not value.has(GaussianMean):
                return self._outer(explicit(value), given.others, given.law).xreplace(given.meaning)
        return None

    def _outer(self, value: sp.Expr, others: tuple[sp.Symbol, ...], law: Covariance) -> sp.Expr:
        """The average of what an inner average has left."""
        if len(others) > 1:
            return _Expectation(others, law).of(value)
        settled = value if is_finite(value, others) else in_cells(value, others)
        return GaussianMean(settled, others, sp.Matrix(law))

    def _concentrated(self, expr: sp.Expr) -> sp.Expr:
        """E of a product with ``δ(u)`` or a derivative of it, u affine.

        ``E[g δ(u)]`` is the density of u at 0 times E g given u = 0. A derivative is integrated by parts along one
        variable: ``α E[g δ^{(k)}(u)] = E[((S⁻¹v)_p g - ∂_p g) δ^{(k-1)}(u)]`` with ``α = ∂_p u``.
        """
        delta = next((f for f in sp.Mul.make_args(expr) if isinstance(f, sp.DiracDelta)), None)
        if delta is None:
            if expr.has(sp.DiracDelta):
                raise ValueError(
                    f"the average of {expr} is not defined: it holds a power or a function of a Dirac delta; write "
                    "Heaviside in the loss as a Piecewise"
                )
            return self.of(expr)
        g, (u, *order) = expr / delta, delta.args
        form, offset = self._affine(sp.expand(u))
        if order and order[0] > 0:
            p = next(k for k, a in enumerate(form) if a != 0)
            row = sp.Matrix(self.cov).inv().row(p)
            score = sp.Add(*(w * v for w, v in zip(row, self.variables, strict=True)))
            lower = sp.DiracDelta(u, order[0] - 1) if order[0] > 1 else sp.DiracDelta(u)
            return self.of((score * g - sp.diff(g, self.variables[p])) * lower) / form[p]
        s = [bilinear(form, self.cov, row) for row in sp.eye(len(form)).tolist()]
        variance = bilinear(form, self.cov, form)
        shift = {v: v - offset * a / variance for v, a in zip(self.variables, s, strict=True)}
        given = [[b - s[i] * s[j] / variance for j, b in enumerate(row)] for i, row in enumerate(self.cov)]
        return density(-offset, sp.sqrt(variance)) * mean(g.xreplace(shift), self.variables, sp.Matrix(given))

    def _integrates(self, factor: sp.Expr, with_signs: bool) -> bool:
        base, power = factor.as_base_exp()
        kinds = sp.erf if with_signs else (sp.erf, *TRIGONOMETRIC)
        if not (isinstance(base, kinds) and power.is_Integer and power.is_positive):
            return False
        return is_affine(base.args[0], self.variables)

    def _polynomial(self, polynomial: Polynomial) -> sp.Expr:
        return sp.Add(
            *(
                c * sp.prod(v**n for v, n in zip(self.variables, powers, strict=True))
                for powers, c in polynomial.items()
            )
        )

    def _tilt(self, term: Term, signs: Signs) -> sp.Expr:
        """Absorb the exponential into the law: another covariance, a shift, a constant and a condition."""
        law = tilted(term.exponent, self.variables, self.cov)
        shift = {v: v + m for v, m in zip(self.variables, law.mean, strict=True)}
        rest = sp.prod([*term.factors, *(sp.sign(t) for t in signs)]) * self._polynomial(term.polynomial)
        moved = recognise(rest.xreplace(shift))
        value = law.constant * _Expectation(self.variables, law.cov).of(moved)
        if law.condition is sp.true:
            return value
        return sp.Piecewise((value, law.condition), (sp.nan, True))

    def _smooth_node(self, term: Term, span: Span) -> sp.Expr:
        """A node of the hard factors; Stein's lemma moves polynomial factors of other variables into them."""
        polynomial = self._polynomial(term.polynomial)
        factors = sp.prod(term.factors) * sp.exp(term.exponent)
        logistic = is_affine(term.exponent, self.variables) and all(  # else each derivative brings its degree back
            isinstance(b, Sigmoid | Softplus | sp.tanh) and is_affine(b.args[0], self.variables)
            for b in (f.as_base_exp()[0] for f in term.factors)
        )
        degree = max(map(sum, term.polynomial))
        if degree == 0 or (span.holds(polynomial) and (not logistic or degree > 2)):
            return self._node(polynomial * factors, span)
        total = sp.S.Zero
        for powers, c in term.polynomial.items():
            monomial = self._polynomial({powers: sp.S.One})
            inside = span.holds(monomial)
            if not any(powers) or (inside and not logistic):
                total += c * self._node(monomial * factors, span)
                continue
            i = next(k for k, n in enumerate(powers) if n and (inside or not span.holds(self.variables[k])))
            rest = monomial / self.variables[i] * factors
            total += c * self.of(
                recognise(
                    sp.Add(
                        *(
                            self.cov[i][j] * sp.diff(rest, v)
                            for j, v in enumerate(self.variables)
                            if self.cov[i][j] != 0
                        )
                    )
                )
            )
        return total

    def _conditioned(self, term: Term, signs: Signs, span: Span) -> sp.Expr:
        """Integrate everything outside ``span`` in closed form, given the forms of ``span``; widen it if need be."""
        inside = [f for f in term.factors if span.size and span.holds(f)]
        errors = [f for f in term.factors if f not in inside]
        law, flat, polynomial = self._extended(signs, errors, term.polynomial)
        while True:
            try:
                if not span.size:
                    return moment(polynomial, flat, law)
                closed = moment_given(polynomial, flat, law, span.padded(len(law)), span.coordinates)
            except NoClosedForm:
                span = span.widened(flat, self.variables)
                inside = [f for f in term.factors if span.holds(f)]
                errors = [f for f in term.factors if f not in inside]
                law, flat, polynomial = self._extended(signs, errors, term.polynomial)
                continue
            return self._node_at(closed * span.express(sp.prod(inside) * sp.exp(term.exponent)), span)

    def _extended(
        self, signs: Signs, errors: Sequence[sp.Expr], polynomial: Polynomial
    ) -> tuple[Covariance, list[Sign], Polynomial]:
        """Signs as forms, with ``erf(u) = E sign(√2 u - Z)``: one more standard normal for each factor erf."""
        arguments = [base.args[0] for base, n in (f.as_base_exp() for f in errors) for _ in range(int(n))]
        extra = len(arguments)
        size = len(self.variables)
        flat: list[Sign] = []
        for t in sorted(signs, key=sp.default_sort_key):
            form, offset = self._affine(t)
            flat.append(((*form, *[sp.S.Zero] * extra), -offset))
        for k, u in enumerate(arguments):
            form, offset = self._affine(sp.sqrt(2) * u)
            flat.append(((*form, *(sp.Integer(-(m == k)) for m in range(extra))), -offset))
        law = tuple((*row, *[sp.S.Zero] * extra) for row in self.cov)
        law += tuple(tuple(sp.Integer(j == size + k) for j in range(size + extra)) for k in range(extra))
        return law, flat, {(*powers, *[0] * extra): c for powers, c in polynomial.items()}

    def _affine(self, expr: sp.Expr) -> tuple[tuple[sp.Expr, ...], sp.Expr]:
        poly = sp.Poly(expr, *self.variables)
        return tuple(poly.coeff_monomial(v) for v in self.variables), poly.coeff_monomial(1)

    def _node(self, integrand: sp.Expr, span: Span) -> sp.Expr:
        return self._node_at(span.express(integrand), span)

    def _node_at(self, integrand: sp.Expr, span: Span) -> sp.Expr:
        """A node in the span's coordinates."""
        return GaussianMean(integrand, span.coordinates, sp.Matrix(span.covariance(self.cov)))


def _exact(expr: sp.Expr) -> sp.Expr:
    """Floating-point numbers as the rationals that they are."""
    return expr.xreplace({f: sp.Rational(f) for f in expr.atoms(sp.Float)}) if expr.has(sp.Float) else expr


def _rounded(expr: sp.Expr) -> sp.Expr:
    """Rationals that came from floating-point numbers as such."""
    return expr.xreplace({q: sp.Float(q) for q in expr.atoms(sp.Rational) if q.q > 10**6 or abs(q.p) > 10**9})


def _real(expr: sp.Expr) -> sp.Expr:
    """The real form of a real expression written with complex exponentials."""
    return sp.expand(sp.expand(expr, complex=True)) if expr.has(sp.I) else expr
