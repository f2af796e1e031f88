"""The bias of rules that move every coordinate by itself, on least squares at any d.

Signs. ``(a_i, r)`` are jointly Gaussian at every d, so ``E sign(a_i) sign(r) = (2/π) arcsin ρ_i`` with
``ρ_i = √(λ_i/(dP)) e_i`` and e the error's entry times √d: what is of order 1/d in the drift of ``X_i²`` is
``-(2/(3π)) γ (λ/P)^{3/2} E X e³``, a fourth moment of the entries. Cells. AdaGrad's grows by ``a_i² r²``; given r the
entries of two coordinates are independent, so one strays from what its mode has in common by
``E r⁴ (E a⁴ - (E a²)²) = 6 P² λ²`` per unit of time. A cell that stands still leaves momentum. symhigh's own.
"""

import sympy as sp

import symhigh as sh
from symhigh.derivation.fluctuations import deviations
from symhigh.ledger import Claim, Measured, equal, integrated, must_fail, symbolic
from symhigh.symbols import B11, B12, B22, V11, X_STAR, OwnedSymbol, X, gamma, lam, omega

P = sp.Symbol("P", positive=True)
DOMAIN = {s: (sp.Rational(1, 10), 2) for s in (lam, gamma, P)}


def read(theory, expr):
    """A coefficient of a theory, averages and scalars written out, in ``P = B11 - 2 B12 + B22 + ω²``."""
    for name, value in reversed(theory.shared):
        expr = expr.subs(name, value)
    for scalar in reversed(theory.system.scalars):
        if scalar.name != gamma:
            expr = expr.subs(scalar.name, scalar.expression)
    return sp.expand(expr.subs(B22, P - B11 + 2 * B12 - omega**2))


def fourth(*entries):
    """The state that stands for ``E`` of a product of four entries."""
    return OwnedSymbol("Q_" + "".join(v.name for v in sorted(entries, key=(X, X_STAR).index)), real=True)


def series(power):
    """The coefficient of a power of ρ in (2/π) arcsin ρ."""
    rho = sp.Symbol("rho")
    return 2 / sp.pi * sp.asin(rho).series(rho, 0, power + 1).removeO().coeff(rho, power)


SIGNS = deviations(sh.derive(sh.least_squares(omega), sh.SignSGD(gamma)))
CELLS = deviations(sh.derive(sh.least_squares(omega), sh.AdaGrad(1, 1)))


def by_hand(power=3):
    """``-2γ (λ/P)^{3/2} E X e³`` times a coefficient of the arcsine, in fourth moments."""
    cube = fourth(X, X, X, X) - 3 * fourth(X, X, X, X_STAR) + 3 * fourth(X, X, X_STAR, X_STAR)
    cube -= fourth(X, X_STAR, X_STAR, X_STAR)
    return -2 * gamma * (lam / P) ** sp.Rational(3, 2) * series(power) * cube


@symbolic
def signs_of_two_gaussians():
    """B₁ of the squared entries, against the third order of the arcsine."""
    return equal(read(SIGNS, SIGNS.mean.shift[SIGNS.system.family.states.index(V11)]), by_hand())


@symbolic
def a_cell_alone():
    """What a cell strays by beside its mode."""
    family = CELLS.system.family
    own = next(rhs for s, rhs in zip(family.states, family.rhs, strict=True) if s.name == "K_s_s")
    return equal(read(CELLS, own), 6 * P**2 * lam**2)


first_order = must_fail(
    symbolic(equal(read(SIGNS, SIGNS.mean.shift[0]), by_hand(1))), title="the first order of the arcsine"
)


@integrated(tolerance=1e-4)
def a_cell_that_stands_still(trial):
    """Adam whose cells hardly move, against momentum, whose bias is derived without fourth moments."""
    spectrum, times = sh.Spectrum.from_eigenvalues([1.5, 0.5]), [0.5, 1.0]
    for _ in range(1 if trial.quick else 3):
        rate, friction, b = trial.rng.uniform(0.5, 1.5, 3)
        start = sh.Start(0.5, 1, trial.rng.uniform(0, 0.6))
        rules = sh.Adam(rate, friction, 1e-9, b), sh.Momentum(rate * friction / b, friction)
        adam, momentum = (
            sh.derive(sh.least_squares(0.4), rule).fluctuations(spectrum, start, 1, times) for rule in rules
        )
        for name in ("risk", "norm", "overlap"):
            here, there = Measured(f"bias of the {name}", adam.bias(name, 1)), momentum.bias(name, 1)
            yield here, Measured("of momentum", there), {"rate": rate, "friction": friction, "b": b}


entry_by_entry = Claim(
    "The bias of signs and of cells",
    "Least squares; the terms of one step by hand, and the case that has no cells in motion.",
    source="symhigh's own",
    id="beyond/entry-by-entry",
    domain=DOMAIN,
    evidence=[signs_of_two_gaussians, a_cell_alone, a_cell_that_stands_still],
    checks=[first_order],
)
