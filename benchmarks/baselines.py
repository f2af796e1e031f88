"""What a researcher would write for the same curves and runs: short NumPy and SciPy, no tricks."""

from __future__ import annotations

import numpy as np
import sympy as sp
from scipy.integrate import solve_ivp


def adagrad_euler(eta: float, b: float, noise: float, t_end: float, steps_per_unit: int = 256):
    """Least squares, K = I, AdaGrad-Norm: Euler on D² and b²; returns (t, risk, rate)."""
    dt, n = 1 / steps_per_unit, round(t_end * steps_per_unit)
    D2, b2, out = 1.0, b**2, np.empty((n + 1, 2))
    for k in range(n + 1):
        rate, I = eta / np.sqrt(b2), D2 + noise**2
        out[k] = I / 2, rate
        D2 += dt * (-2 * rate * D2 + rate**2 * I)
        b2 += dt * I
    return np.arange(n + 1) * dt, out[:, 0], out[:, 1]


def adagrad_lambdified():
    """The same right-hand side written in SymPy, lambdified, for ``solve_ivp``."""
    D2, b2, eta, noise = sp.symbols("D2 b2 eta noise", positive=True)
    rate, I = eta / sp.sqrt(b2), D2 + noise**2
    rhs = sp.lambdify((D2, b2, eta, noise), [-2 * rate * D2 + rate**2 * I, I])
    return lambda t, y, eta, noise: rhs(y[0], y[1], eta, noise)


def adagrad_solve_ivp(rhs, eta: float, b: float, noise: float, times, rtol: float, method: str = "RK45"):
    """Risk and rate at ``times`` by SciPy."""
    found = solve_ivp(
        rhs,
        (0, times[-1]),
        [1.0, b**2],
        method=method,
        rtol=rtol,
        atol=1e-2 * rtol,
        t_eval=times,
        args=(eta, noise),
    )
    return (found.y[0] + noise**2) / 2, eta / np.sqrt(found.y[1])


class Logistic:
    """h and I of logistic regression with soft labels by n × n Gauss-Hermite, derivatives of h by differences."""

    def __init__(self, n: int = 50) -> None:
        z, w = np.polynomial.hermite_e.hermegauss(n)
        self.z1, self.z2 = (a.ravel() for a in np.meshgrid(z, z, indexing="ij"))
        self.w = np.outer(w, w).ravel() / (2 * np.pi)

    def points(self, B11, B12, B22):
        s = np.sqrt(B22)
        c = B12 / s
        return c * self.z1 + np.sqrt(max(B11 - c**2, 0.0)) * self.z2, s * self.z1

    def risk(self, B11, B12, B22):
        x, y = self.points(B11, B12, B22)
        return self.w @ (-x / (1 + np.exp(-y)) + np.logaddexp(0, x))

    def noise(self, B11, B12, B22):
        x, y = self.points(B11, B12, B22)
        return self.w @ (1 / (1 + np.exp(-x)) - 1 / (1 + np.exp(-y))) ** 2

    def slopes(self, B11, B12, B22, step=1e-5):
        """c1 = 2 ∂h/∂B11 and c2 = ∂h/∂B12; one-sided in B11, which may be zero."""
        h = self.risk(B11, B12, B22)
        return (
            2 * (self.risk(B11 + step, B12, B22) - h) / step,
            (self.risk(B11 + step, B12 + step, B22) - self.risk(B11 + step, B12 - step, B22)) / (2 * step),
        )

    def exact_slopes(self, B11, B12, B22):
        """By Stein's lemma, for a reference: c1 = E σ'(x), c2 = -E σ'(x*)."""
        x, y = self.points(B11, B12, B22)
        return self.w @ (0.25 / np.cosh(x / 2) ** 2), -self.w @ (0.25 / np.cosh(y / 2) ** 2)


def logistic_rhs(model: Logistic, slopes, eta: float):
    """K = I, |X*| = 1, AdaGrad-Norm; state (V11, V12, b²)."""

    def rhs(t, y):
        V11, V12, b2 = y
        rate, I = eta / np.sqrt(b2), model.noise(V11, V12, 1.0)
        c1, c2 = slopes(V11, V12, 1.0)
        return np.array([-2 * rate * (c1 * V11 + c2 * V12) + rate**2 * I, -rate * (c1 * V12 + c2), I])

    return rhs


def logistic_euler(eta: float, b: float, t_end: float, steps_per_unit: int = 256):
    """Euler with differences of 50 × 50 Gauss-Hermite; risk at whole times."""
    model = Logistic(50)
    rhs = logistic_rhs(model, model.slopes, eta)
    y, dt, risk = np.array([0.0, 0.0, b**2]), 1 / steps_per_unit, []
    for k in range(round(t_end * steps_per_unit) + 1):
        if k % steps_per_unit == 0:
            risk.append(model.risk(y[0], y[1], 1.0))
        y = y + dt * rhs(k * dt, y)
    return np.array(risk)


def volterra_trapezoid(values, weights, rate: float, noise: float, t_end: float, steps: int):
    """Least squares, constant rate, X0 = 0, |X*| = 1: the trapezoidal rule on the Volterra equation, O(steps²)."""
    h = t_end / steps
    t = np.arange(steps + 1) * h
    decay = np.exp(-2 * rate * np.outer(t, values))
    kernel, forcing = rate**2 * (decay @ (weights * values**2)), decay @ (weights * values)
    I = np.empty(steps + 1)
    I[0] = forcing[0] + noise**2
    for n in range(1, steps + 1):
        past = forcing[n] + h * (kernel[n] * I[0] / 2 + kernel[n - 1 : 0 : -1] @ I[1:n])
        I[n] = (past + noise**2) / (1 - h * kernel[0] / 2)
    return t, I / 2


def power_law_bdf(lam, energy, eta: float, b: float, noise: float, times, rtol: float):
    """Least squares, AdaGrad-Norm, one equation a mode, SciPy's BDF with its own Jacobian by differences."""

    def rhs(t, y):
        rate, I = eta / np.sqrt(y[-1]), np.mean(lam * y[:-1]) + noise**2
        return np.append(-2 * rate * lam * y[:-1] + rate**2 * lam * I, lam.mean() * I)

    found = solve_ivp(
        rhs, (0, times[-1]), np.append(energy, b**2), method="BDF", rtol=rtol, atol=1e-3 * rtol, t_eval=times
    )
    return (lam @ found.y[:-1] / lam.size + noise**2) / 2


def sgd_loop(d: int, steps: int, eta: float, b: float, noise: float, seed: int = 0):
    """Least squares, K = I, AdaGrad-Norm: a lean NumPy loop of SGD; returns the last iterate."""
    rng = np.random.default_rng(seed)
    X, X_star, b2 = np.zeros(d), np.full(d, d**-0.5), b**2
    for _ in range(steps):
        a = rng.standard_normal(d)
        r = a @ (X - X_star) - noise * rng.standard_normal()
        b2 += r * r * (a @ a) / d**2
        X -= (eta / np.sqrt(b2) / d * r) * a
    return X
