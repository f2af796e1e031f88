"""The limit of diagonal networks against direct SGD and against particles, and planted mistakes that must be
refuted.

The comparison's false-alarm rate is 1/1000; companions at d/2 and d/4 remove the bias of order 1/d.
"""

from dataclasses import replace

import numpy as np

from symhigh import derive, simulate
from symhigh.integration.network_model import model_of
from symhigh.integration.particles import solve_particles
from symhigh.ledger import REFUTED, Claim, Measured, compare, integrated, simulation
from symhigh.population import NetworkClasses
from symhigh.problem.network import SQUARES, DiagonalNetwork

FOUR = NetworkClasses([1, 1, 0.4, 0.4], [1, -0.5, 1, -0.5], 1.2, 0.2)
TIMES = np.linspace(0, 5, 11)


def classes_of(trial):
    rng = trial.rng
    return NetworkClasses(
        rng.uniform(0.2, 1, 4), rng.normal(size=4), rng.uniform(0.6, 1.2, 4), rng.uniform(-0.4, 0.4, 4),
        rng.dirichlet(5 * np.ones(4)),
    )  # fmt: skip


def experiment(network, classes, trial, seeds=12):
    size = 256 if trial.quick else 512
    first = trial.seed % 100_000
    runs = simulate(network, None, classes, None, size, 5.0, range(first, first + seeds), t=TIMES)
    return compare(derive(network).solve(classes, 5.01), runs, alarm=1e-3)


@simulation
def three_noise_levels(trial):
    """ω = 0, 0.3, 1 on the four classes of the reference table."""
    return [experiment(DiagonalNetwork(0.4, noise), FOUR, trial) for noise in (0.0, 0.3, 1.0)]


@simulation
def random_classes(trial):
    """Random eigenvalues, targets, starts and weights; product and squares."""
    classes = classes_of(trial)
    return [
        experiment(network, classes, trial)
        for network in (DiagonalNetwork(0.4, 0.3), DiagonalNetwork(0.2, 0.3, SQUARES))
    ]


agreement = Claim(
    "The curve is the limit of SGD",
    "Risk and curvature, at several noise levels and for random classes.",
    id="dln/agreement",
    evidence=[three_noise_levels, random_classes],
    seconds=600,
)


@integrated(tolerance=2e-3)
def table(trial):
    """Risk and curvature at t = 0, 1, 2, 4, 6, 8, 10, as stated with the model from 200 000 particles."""
    curve = derive(DiagonalNetwork(0.4, 0.3)).solve(FOUR, 10, t=[0, 1, 2, 4, 6, 8, 10])
    risks = [0.2419, 0.1470, 0.1070, 0.0770, 0.0673, 0.0637, 0.0622]
    curvatures = [1.036, 1.126, 1.202, 1.280, 1.305, 1.309, 1.303]
    yield Measured("R", curve.risk), Measured(str(risks), np.array(risks))
    yield Measured("curvature", curve.curvature), Measured(str(curvatures), np.array(curvatures))


@integrated(tolerance=6e-3)
def particles(trial):
    """Three noise levels, within 0.6 % of the risk at five times."""
    count = 50_000 if trial.quick else 100_000
    for noise in (0.0, 0.3, 1.0):
        limit = derive(DiagonalNetwork(0.4, noise))
        curve = limit.solve(FOUR, 5, t=[1, 2, 3, 4, 5])
        model, start = model_of(limit, FOUR)
        many = count if noise else 2 * count  # without label noise the risk varies most
        cloud = solve_particles(model, start, curve.t, particles=many, seed=trial.seed, step=0.1)
        yield Measured("R of particles", cloud.risk), Measured("R of the curve", curve.risk), {"noise": noise}


second_routes = Claim(
    "The curve is the law of the particles",
    "Against interacting particles.",
    id="dln/particles",
    evidence=[table, particles],
    seconds=300,
)


# --- planted mistakes
# ------------------------------------------------------------------------------------------------
def with_mistake(change):
    """Evidence that particles with a changed model follow the curve."""

    @integrated(tolerance=4e-3, title="particles with the mistake against the curve")
    def compared(trial):
        limit = derive(DiagonalNetwork(0.4, 1.0))
        curve = limit.solve(FOUR, 4, t=[1, 2, 4])
        model, start = model_of(limit, FOUR)
        found = solve_particles(change(model), start, curve.t, particles=25_000, seed=trial.seed, step=0.1)
        yield Measured("R of particles with the mistake", found.risk), Measured("R of the curve", curve.risk)

    return compared


wrong_noise = Claim(
    "Noise a tenth too large, planted",
    id="dln/planted-noise",
    evidence=[with_mistake(lambda model: replace(model, spread_rate=1.1 * model.spread_rate))],
    expect=REFUTED,
)
wrong_balance = Claim(
    "Balance that decays at half its rate, planted",
    id="dln/planted-balance-rate",
    evidence=[with_mistake(lambda model: replace(model, alpha_rate=model.alpha_rate / 2))],
    expect=REFUTED,
)
wrong_correction = Claim(
    "Correction of Itô in the wrong coordinate, planted",
    id="dln/planted-correction",
    evidence=[
        with_mistake(lambda model: replace(model, drift_constant=model.drift_constant + model.alpha_rate / 2))
    ],
    expect=REFUTED,
)
