"""Renewal equations: solutions against integrated limits, inverse Laplace transforms, and their own definition."""

import mpmath
import numpy as np
import pytest
import sympy as sp
from scipy.linalg import expm

import symhigh as sh
from symhigh.closed.modes import Modes
from symhigh.closed.nodes import Average, numeric
from symhigh.closed.volterra import RenewalEquation, RootSum, Z, renewal_equation
from symhigh.symbols import D2, lam, t, tau

g, omega, l1, l2 = sp.symbols("g omega lambda_1 lambda_2", positive=True)
SPECTRA = [[1.2], [0.5, 1.5], [0.4, 0.9, 1.6, 2.0], list(np.linspace(0.2, 2.0, 9))]
START = sh.Start(x0=0.5)


def integrated(noise, rate, values, times):
    system = sh.derive(sh.least_squares(noise), sh.Constant(rate))
    spectrum = sh.Spectrum.from_eigenvalues(values)
    return system.solve(spectrum, START, times[-1], t=times, rtol=1e-12, atol=1e-60).risk


def renewal(noise, rate, values):
    return renewal_equation(
        sh.least_squares(noise), sh.Constant(rate), sh.Spectrum.from_eigenvalues(values), START
    )


@pytest.mark.parametrize("values", SPECTRA, ids=len)
@pytest.mark.parametrize("noise", [0, 0.7])
def test_sum_of_exponentials_against_integration(noise: float, values: list[float]) -> None:
    times = [0.0, 1.0, 8.0]
    exact = renewal(noise, 0.6, values).solution()
    found = [float(exact.evaluate(t=s)) for s in times]
    assert found == pytest.approx(integrated(noise, 0.6, values, times).tolist(), rel=1e-10)


@pytest.mark.parametrize("values", SPECTRA[1:], ids=len)
def test_inverse_laplace_transform_is_the_solution(values: list[float]) -> None:
    equation = renewal(0.7, 0.6, values)
    with mpmath.workdps(30):
        transform = numeric(equation.transform().expr, (Z,))
        inverse = mpmath.invertlaplace(transform, mpmath.mpf(2), method="talbot", degree=24)
        assert abs(inverse / equation.solution().evaluate(25, t=2) - 1) < 1e-12


@pytest.mark.parametrize("values", SPECTRA[:3], ids=len)
def test_resolvent_solves_its_equation(values: list[float]) -> None:
    """``r = K + K*r`` and ``R = F + r*F`` at t = 1.5, by quadrature."""
    equation, end = renewal(0.7, 0.6, values), 1.5
    places, weights = np.polynomial.legendre.leggauss(12)
    places, weights = end * (places + 1) / 2, end * weights / 2
    kernel, forcing = (sp.lambdify(t, e) for e in (equation.kernel_at(), equation.forcing_at()))
    exact = equation.resolvent()
    resolvent = [float(exact.evaluate(t=float(s))) for s in places]
    assert float(exact.evaluate(t=end)) - kernel(end) == pytest.approx(
        sum(w * kernel(end - s) * r for w, s, r in zip(weights, places, resolvent, strict=True)), rel=1e-11
    )
    solved = forcing(end) + sum(
        w * forcing(end - s) * r for w, s, r in zip(weights, places, resolvent, strict=True)
    )
    assert solved == pytest.approx(float(equation.solution().evaluate(t=end)), rel=1e-12)
    if len(values) > 2:
        with pytest.raises(ValueError, match=r"use Formula\.evaluate"):
            exact.python()


@pytest.mark.parametrize("values", SPECTRA[1:], ids=len)
@pytest.mark.parametrize("noise", [0, 0.7])
def test_long_time_is_the_renewal_limit(noise: float, values: list[float]) -> None:
    equation = renewal(noise, 0.6, values)
    rho, floor, size = (
        float(f().evaluate()) for f in (equation.exponent, equation.floor, equation.amplitude)
    )
    late = 12.0 / rho if noise else 40.0 / rho
    gap = integrated(noise, 0.6, values, [late])[0] - floor
    assert gap == pytest.approx(size * np.exp(-rho * late), rel=1e-3 if noise else 1e-8, abs=0)


def test_above_the_threshold_the_risk_grows_with_the_exponent() -> None:
    equation = renewal(0.3, 2.4, [0.5, 0.9, 1.6])
    rho = float(equation.exponent().evaluate())
    risk = integrated(0.3, 2.4, [0.5, 0.9, 1.6], [20.0, 25.0])
    assert rho < 0
    assert np.log(risk[1] / risk[0]) / 5 == pytest.approx(-rho, rel=1e-6)
    for broken in (equation.floor, equation.amplitude):
        with pytest.raises(ValueError, match="is broken"):
            broken().evaluate()


def test_at_the_threshold_the_risk_stays_at_half_tau_times_the_distance() -> None:
    """γ = 2/τ conserves D² and ends in equipartition: R → τD²(0)/2, for every spectrum."""
    values = [0.5, 1.0, 1.5]
    at = renewal(0, 2, values)
    assert float(at.critical_limit().evaluate()) == pytest.approx(0.75)
    assert integrated(0, 2.0, values, [200.0])[0] == pytest.approx(0.75, rel=1e-9)
    with pytest.raises(ValueError, match="is broken"):
        renewal(0, 1, values).critical_limit().evaluate()
    with pytest.raises(ValueError, match="level = 0"):
        renewal(1, 2, values).critical_limit()


def test_open_spectrum_gives_the_equations_of_the_paper() -> None:
    equation = renewal_equation(sh.least_squares(omega), sh.Constant(g))
    assert sp.simplify(equation.mass - g * tau / 2) == 0
    assert sp.simplify(equation.floor().expr - omega**2 / (2 - g * tau)) == 0
    with pytest.raises(ValueError, match="finitely many modes"):
        equation.solution()


def test_marchenko_pastur_has_an_amplitude_where_its_exponent_is_isolated() -> None:
    spectrum = sh.Spectrum.marchenko_pastur(0.5)
    strong = renewal_equation(sh.least_squares(0.5), sh.Constant(1.9), spectrum, START)
    rho, size, floor = (float(f().evaluate()) for f in (strong.exponent, strong.amplitude, strong.floor))
    system, late = sh.derive(sh.least_squares(0.5), sh.Constant(1.9)), 12.0 / rho
    gap = system.solve(spectrum, START, late, t=[late], rtol=1e-12).risk[0] - floor
    assert gap == pytest.approx(size * np.exp(-rho * late), rel=1e-3)
    weak = renewal_equation(sh.least_squares(), sh.Constant(0.2), spectrum, START)
    assert float(weak.exponent().evaluate()) == pytest.approx(0.4 * (1 - 0.5**0.5) ** 2)
    with pytest.raises(ValueError, match="is broken"):
        weak.amplitude().evaluate()


def test_two_symbolic_eigenvalues_are_explicit() -> None:
    spectrum = sh.Spectrum.from_eigenvalues([l1, l2])
    root = renewal_equation(sh.least_squares(), sh.Constant(g), spectrum).exponent().expr
    residual = sum(g**2 * v**2 / (2 * g * v - root) for v in (l1, l2)) / 2 - 1
    assert sp.simplify(residual) == 0


def test_mini_batches() -> None:
    rule, spectrum = sh.MiniBatch(sh.Constant(0.6), 3), sh.Spectrum.from_eigenvalues([0.5, 1.5])
    exact = renewal_equation(sh.least_squares(0.7), rule, spectrum, START).solution()
    curve = sh.derive(sh.least_squares(0.7), rule).solve(spectrum, START, 3.0, t=[3.0], rtol=1e-11)
    assert float(exact.evaluate(t=3)) == pytest.approx(curve.risk[0], rel=1e-9)


def test_an_equation_of_ones_own() -> None:
    """R = 1 + ∫ R/2 e^{-(t-s)} ds has the solution 2 - e^{-t/2}."""
    own = RenewalEquation(sp.S.Zero, sp.S.Half, lam, sp.S.One, Modes((sp.S.One,), (sp.S.One,)))
    assert sp.simplify(own.solution().expr - (2 - sp.exp(-t / 2))) == 0
    assert sp.simplify(own.resolvent().expr - sp.exp(-t / 2) / 2) == 0


def test_derivative_by_time() -> None:
    exact = renewal(0, 0.6, SPECTRA[2]).solution()
    slope = float(exact.expr.diff(t).subs(t, 1).evalf(20))
    step = float(exact.evaluate(30, t=sp.Rational(1001, 1000)) - exact.evaluate(30, t=sp.Rational(999, 1000)))
    assert slope == pytest.approx(step / 2e-3, rel=1e-5)


def test_what_has_no_form_is_said() -> None:
    with pytest.raises(ValueError, match="must be constant"):
        renewal_equation(sh.least_squares(), sh.AdaGradNorm(1, 1))
    spectrum = sh.Spectrum.from_eigenvalues([1, 2])
    with pytest.raises(ValueError, match="start="):
        renewal_equation(sh.least_squares(), sh.Constant(g), spectrum).solution()
    three = sh.Spectrum.from_eigenvalues([l1, 2 * l1, 3 * l1])
    with pytest.raises(ValueError, match="must be numbers"):
        renewal_equation(sh.least_squares(), sh.Constant(g), three).resolvent()


def test_one_root_is_typeset_without_a_sum() -> None:
    one, two = (renewal(0, 0.6, values).solution().latex() for values in ([1.2], [0.4, 0.9, 1.6]))
    assert r"\sum" not in one
    assert r"\sum" in two
    x = sp.Symbol("x", positive=True)
    assert sp.latex(RootSum(x, x - 1, x, sp.Tuple(0, 2))) == r"\left. x \right|_{x : x - 1 = 0}"
    assert sp.latex(RootSum(x, x**2 - 3 * x + 2, x, sp.Tuple(0, sp.Rational(3, 2), 3))).startswith(r"\sum_{x : ")


R = sp.Rational


def by_matrices(equation: RenewalEquation, time: float) -> tuple[float, np.ndarray, np.ndarray]:
    """R(t) and the eigenvalues and residues at t = 0 of the linear system of which the equation is the solution."""
    values, weights = (np.array(part, dtype=float) for part in (equation.modes.values, equation.modes.weights))
    errors = np.array(equation.modes.errors or [0] * len(values), dtype=float)
    a, k = (np.array([float(e.subs(lam, v)) for v in equation.modes.values]) for e in (equation.decay, equation.kernel))
    f = [float(equation.forcing.subs({lam: v, D2: e})) for v, e in zip(equation.modes.values, errors, strict=True)]
    n = len(values)
    flow = np.zeros((2 * n + 1, 2 * n + 1))  # y' = -a y + w k (Σ y + Σ f + level)
    flow[:n] = np.outer(weights * k, np.ones(2 * n + 1))
    flow[:n, :n] -= np.diag(a)
    flow[n : 2 * n, n : 2 * n] = -np.diag(a)
    begin = np.concatenate([np.zeros(n), weights * f, [float(equation.level)]])
    own = np.outer(weights * k, np.ones(n)) - np.diag(a)
    rates, vectors = (part.real for part in np.linalg.eig(own))  # the newest NumPy gives complex ones always
    kernel = np.linalg.solve(vectors, weights * k) * vectors.sum(axis=0)
    order = np.argsort(-rates)
    return float((expm(time * flow) @ begin).sum()), -rates[order], kernel[order]


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize(("strength", "level"), [(R(1, 2), 0), (R(1, 2), R(3, 10)), (3, R(1, 5))])
def test_equations_of_ones_own_against_matrices(count: int, strength: sp.Expr, level: sp.Expr) -> None:
    chosen = slice(3 - count, 3)
    modes = Modes(
        tuple(map(sp.sympify, (R(1, 2), R(3, 2), R(5, 2))[chosen])), (R(1, 4), R(1, 2), R(1, 4))[chosen],
        tuple(map(sp.sympify, (1, 3, 2)[chosen])),
    )  # fmt: skip
    equation = RenewalEquation(2 * lam * D2 + 1 / (1 + lam), strength * lam**2 / 2, lam + R(1, 3), level, modes)
    exact, rates, sizes = by_matrices(equation, 1.3)
    assert float(equation.solution().evaluate(t=1.3)) == pytest.approx(exact, rel=1e-11)
    assert float(equation.exponent().evaluate()) == pytest.approx(rates[0], rel=1e-11)
    resolvent = float(sizes @ np.exp(-1.3 * rates))
    assert float(equation.resolvent().evaluate(t=1.3)) == pytest.approx(resolvent, rel=1e-10)
    a = np.array([float(v) + 1 / 3 for v in modes.values])  # type: ignore[union-attr]
    k = np.array([float(w * strength * v**2 / 2) for v, w in zip(modes.values, modes.weights, strict=True)])  # type: ignore[arg-type]
    rows = zip(modes.values, modes.weights, modes.errors, strict=True)  # type: ignore[arg-type]
    f = np.array([float(w * (2 * v * e + 1 / (1 + v))) for v, w, e in rows])
    assert float(equation.mass) == pytest.approx((k / a).sum(), rel=1e-14)
    for found, value in (
        (equation.kernel_at(R(7, 5)), k @ np.exp(-1.4 * a)),
        (equation.kernel_transform(R(7, 5)), (k / (a + 1.4)).sum()),
        (equation.forcing_at(R(7, 5)), f @ np.exp(-1.4 * a) + float(level)),
        (equation.forcing_transform(R(7, 5)), (f / (a + 1.4)).sum() + float(level) / 1.4),
    ):  # fmt: skip
        assert float(found) == pytest.approx(value, rel=1e-13)
    if equation.mass < 1:
        floor = float(equation.floor().evaluate())
        assert floor == pytest.approx(float(level) / (1 - (k / a).sum()), rel=1e-13, abs=1e-300)
        late = by_matrices(equation, 40.0 / (rates[1] - rates[0]) if count > 1 else 3.0)[0]
        time = 40.0 / (rates[1] - rates[0]) if count > 1 else 3.0
        gap = float(equation.amplitude().evaluate()) * np.exp(-rates[0] * time)
        assert late - floor == pytest.approx(gap, rel=1e-6, abs=1e-14)
    else:
        for broken in (equation.floor, equation.transform if level == 0 else equation.amplitude):
            with pytest.raises(ValueError, match="is broken"):
                broken().evaluate(**({"z": 1e-3} if broken == equation.transform else {}))


def test_forcing_over_a_law() -> None:
    """With the same error in all modes an average over the law, with others one over its nodes."""
    law = sh.Spectrum.marchenko_pastur(0.5)
    even = renewal_equation(sh.least_squares(), sh.Constant(g), law, START)
    assert sp.simplify(even.forcing_at(sp.S.Zero) - START.distance / 2) == 0  # ½ D² ∫ λ
    open_one = RenewalEquation(lam * D2 + 1, lam, lam)
    assert open_one.forcing_at(sp.S.Zero) == 1 + Average(lam * D2)
    with pytest.raises(ValueError, match="finitely many modes give a sum of exponentials"):
        even.solution()


@pytest.mark.parametrize("name", ["forcing", "kernel", "decay", "level"])
def test_arguments_are_expressions(name: str) -> None:
    given = {"forcing": lam, "kernel": lam, "decay": lam, "level": 0, name: "lam"}
    with pytest.raises(TypeError, match=rf"RenewalEquation\({name}='lam'\)"):
        RenewalEquation(**given)
    with pytest.raises(TypeError, match=r"RenewalEquation\(modes="):
        RenewalEquation(lam, lam, lam, modes=3)  # type: ignore[arg-type]
