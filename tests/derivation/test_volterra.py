"""The Volterra form, against hand-written kernels and against the integrated limit."""

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.derivation import volterra as module
from symhigh.derivation.volterra import CLOCK, volterra
from symhigh.symbols import D2, gamma, gradient_noise, lam, omega


def test_forcing_kernel_and_floor() -> None:
    form = volterra(sh.derive(sh.least_squares(sp.Symbol("omega")), sh.AdaGradNorm(1, 1)))
    assert sp.expand(form.forcing.summand - lam * D2 * sp.exp(-2 * lam * CLOCK) / 2) == 0
    assert sp.expand(form.kernel.summand - lam**2 * sp.exp(-2 * lam * CLOCK)) == 0
    assert form.least == omega**2 / 2
    ((_, begin, end),) = form.mode.atoms(sp.Integral).pop().limits
    assert (begin, end) == (0, module.t)


def test_integrated_risk_satisfies_the_equation() -> None:
    problem, rule = sh.least_squares(0.6), sh.AdaGradNorm(1.0, 0.5)
    spectrum, start = sh.Spectrum.from_eigenvalues([0.3, 1.0, 2.0]), sh.Start(x0=1.0)
    times = np.linspace(0.0, 4.0, 2001)
    curve = sh.derive(problem, rule).solve(spectrum, start, 4.0, t=times, rtol=1e-11)
    form = volterra(sh.derive(problem, rule))
    forcing = sp.lambdify((lam, D2, CLOCK), form.forcing.summand, "numpy")
    kernel = sp.lambdify((lam, CLOCK), form.kernel.summand, "numpy")
    rate, risk = curve.learning_rate, curve.risk
    h = times[1]
    clock = h * np.concatenate([[0.0], np.cumsum((rate[1:] + rate[:-1]) / 2)])
    average = lambda f: sum(f(v) for v in spectrum.values) / 3  # noqa: E731
    integrand = rate**2 * risk * average(lambda v: kernel(v, clock[-1] - clock))
    memory = h * (integrand.sum() - (integrand[0] + integrand[-1]) / 2)
    assert average(lambda v: forcing(v, 2.0, clock[-1])) + 0.18 + memory == pytest.approx(risk[-1], rel=1e-6)


def test_wrong_solution_is_noticed() -> None:
    clock, rate, level = (sp.Function(n) for n in ("Gamma", "gamma", "I"))
    s, t = module._S, module.t
    good = sp.exp(-2 * lam * clock(t)) * D2 + sp.Integral(
        sp.exp(-2 * lam * (clock(t) - clock(s))) * lam * rate(s) ** 2 * level(s), (s, 0, t)
    )
    rhs = -2 * lam * gamma * D2 + lam * gamma**2 * gradient_noise
    module._check(good, rhs, clock, rate, level)
    with pytest.raises(AssertionError, match="does not solve"):
        module._check(good, rhs + lam * gamma**2 * gradient_noise, clock, rate, level)


def test_no_volterra_form_is_said() -> None:
    for problem in (sh.huber(1, 0), sh.logistic_regression()):
        with pytest.raises(ValueError, match="no Volterra form"):
            volterra(sh.derive(problem, sh.Constant(1)))
