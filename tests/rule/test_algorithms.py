"""Limits of algorithms with further vectors, cells and noise: against independent integrations, and what is refused.

Least squares, λ = (1.5, .5) in equal halves, ω = .5, X₀ = 0, ‖X*‖² = 1: the risk at t = 1, 2, 5, 20, as integrated
elsewhere at 1e-12 from equations written by hand. The values of ScheduleFree are those of a hand-written system started
from its series at t = 1e-8.
"""

import numpy as np
import pytest
import sympy as sp

import symhigh as sh
from symhigh.symbols import G, X, d, g

TIMES = [1.0, 2.0, 5.0, 20.0]
SPECTRUM = sh.Spectrum.from_eigenvalues([1.5, 0.5])
SGD = sh.Constant(0.6)
GOLDEN = [
    (sh.Momentum(0.4, 1, 0.3), "risk", [0.367274030297, 0.262153310609, 0.190530147871, 0.177791555009]),
    (sh.Momentum(0.8, 2), "risk", [0.437818776967, 0.297006457789, 0.186832648226, 0.156315456770]),
    (sh.SignSGD(0.5), "risk", [0.473982337587, 0.381366037731, 0.282407868155, 0.262398838574]),
    (sh.AdaGrad(0.6, 0.3), "risk", [0.362913427546, 0.256549396459, 0.170877777556, 0.141041468155]),
    (sh.RMSprop(0.3, 1, 1), "risk", [0.414649616341, 0.300369158623, 0.180550743808, 0.166848676541]),
    (sh.Adam(0.5, 2, 1, 1), "risk", [0.424260474005, 0.280156950572, 0.197779654202, 0.201683908303]),
    (sh.Averaged(SGD), "average_risk", [0.425464866297, 0.323219256708, 0.207215474423, 0.138378959115]),
    (sh.Averaged(SGD, 0.5), "average_risk", [0.518502314786, 0.374646651873, 0.187964499019, 0.147733366671]),
    (sh.ScheduleFree(0.8, 0.9), "risk", [0.396296385929, 0.293457058062, 0.202257820506, 0.150688580754]),
    (sh.Drifting(SGD, 0.4), "risk", [0.401325613409, 0.329554317901, 0.282531620681, 0.273812363856]),
]


def curve(rule: sh.Rule, problem: sh.Problem | None = None, rtol: float = 1e-10) -> sh.Curve:
    system = sh.derive(problem or sh.least_squares(0.5), rule)
    return system.solve(SPECTRUM, sh.Start(), 20, t=TIMES, rtol=rtol)


@pytest.mark.parametrize(("rule", "output", "values"), GOLDEN, ids=lambda x: type(x).__name__)
def test_least_squares_as_integrated_elsewhere(rule: sh.Rule, output: str, values: list[float]) -> None:
    assert curve(rule).outputs[output] == pytest.approx(values, abs=1e-10)


def test_noisy_gradients_add_to_the_iterate_alone() -> None:
    """``sigma² γ² t`` on ‖X − X*‖² beside clipped or plain SGD: for K = 0 there is nothing else."""
    system = sh.derive(sh.least_squares(), sh.NoisyGradient(sh.Constant(0.8), 0.5))
    found = system.solve(sh.Spectrum.from_eigenvalues([1e-12]), sh.Start(0, 1, 0), 4, t=[1, 4]).distance
    assert found == pytest.approx([1 + 0.16, 1 + 0.64], rel=1e-8)


@pytest.mark.parametrize("direct", [0, 0.3])
def test_a_momentum_that_forgets_at_once_is_sgd(direct: float) -> None:
    """gamma/friction fixed, friction → ∞: the limit is SGD at direct + gamma/friction."""
    friction = 4000.0
    fast = curve(sh.Momentum(0.4 * friction, friction, direct), rtol=1e-8).risk
    assert fast == pytest.approx(curve(sh.Constant(0.4 + direct), rtol=1e-8).risk, rel=2e-3)


def test_momentum_takes_the_rate_of_a_rule() -> None:
    constant = curve(sh.Momentum(0.8, 2)).risk
    assert curve(sh.Momentum(sh.Constant(0.8), 2)).risk == pytest.approx(constant, rel=1e-9)
    assert curve(sh.Momentum(sh.AdaGradNorm(1, 1), 2)).learning_rate[-1] < 0.9


def test_signs_of_the_stein_coefficients_of_sign_sgd() -> None:
    """cˢ = √(2/π)/√P for least squares, by hand: E ∂ sign(r) = 2 φ(0)/√P."""
    system = sh.derive(sh.least_squares(0.5), sh.SignSGD(0.5), reduce=False)
    found = [x.expression for x in system.scalars if x.name.name.startswith("c'")]
    B = {s.name: s for s in system.unfolded(system.outputs["risk"]).free_symbols}
    P = B["B11"] - 2 * B["B12"] + B["B22"] + B["omega"] ** 2
    for value, sign in zip(found, (1, -1), strict=True):
        assert sp.simplify(value**2 - 2 / (sp.pi * P)) == 0
        point = {s: 1.7 if s.name == "B11" else 0.3 for s in value.free_symbols}
        assert np.sign(float(value.subs(point))) == sign


def test_what_is_not_invariant_under_rotations_says_so() -> None:
    for rule, invariant in ((sh.SignSGD(1), False), (sh.AdaGrad(1, 1), False), (sh.Momentum(1, 1), True)):
        assumptions = " ".join(sh.derive(sh.least_squares(), rule).assumptions)
        assert ("K is diagonal" in assumptions) is not invariant


@pytest.mark.parametrize(("make", "message"), [
    (lambda: sh.Momentum(1, 0), r"Momentum\(friction=0\).*Constant\(gamma/\(1 - beta\)\)"),
    (lambda: sh.Momentum(sh.Averaged(SGD), 1), "keeps vectors of its own"),
    (lambda: sh.RMSprop(1, 0, 1), r"RMSprop\(alpha=0\)"),
    (lambda: sh.ScheduleFree(1, 1.5), r"ScheduleFree\(beta=1.5\).*\[0, 1\)"),
    (lambda: sh.ScheduleFree(1, 1), r"ScheduleFree\(beta=1\).*\[0, 1\)"),
    (lambda: sh.Adam(1, 0, 1, 1), r"Adam\(friction=0\)"),
    (lambda: sh.Adam(1, 1, -1, 1), r"Adam\(alpha=-1\)"),
    (lambda: sh.Averaged(SGD, 0), r"Averaged\(decay=0\)"),
    (lambda: sh.NoisyGradient(SGD, -1), r"NoisyGradient\(sigma=-1\)"),
    (lambda: sh.Averaged(sh.Averaged(SGD)), "averaged already"),
    (lambda: sh.derive(sh.least_squares(), sh.MiniBatch(sh.SignSGD(1), 2)), "use batches of one"),
])  # fmt: skip
def test_refusals(make, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=message):
        make()


def test_a_step_that_is_no_product_is_refused() -> None:
    class Cubed(sh.Constant):
        @property
        def step(self) -> dict[sp.Symbol, sp.Expr]:
            return {X: X - g / d * sp.tanh(G)}

    with pytest.raises(ValueError, match="whose average over the sample's entry has no closed form"):
        sh.derive(sh.least_squares(), Cubed(1))


@pytest.mark.parametrize(
    "rule", [sh.SignSGD(0.3), sh.Adam(0.3, 1, 1, 1), sh.ClippedCoordinates(SGD, 1)], ids=lambda r: type(r).__name__
)
def test_coordinates_that_k_mixes_are_refused_by_rules_of_coordinates(rule: sh.Rule) -> None:
    K = np.kron(np.eye(30), [[1, 0.5], [0.5, 1]])
    problem, start = sh.least_squares(0.3), sh.Start()
    with pytest.raises(ValueError, match=r"simulate\(covariance\): .* K diagonal"):
        sh.simulate(problem, rule, sh.Spectrum.isotropic(), start, 60, 1, 2, covariance=K)
    with pytest.raises(ValueError, match=r"solve\(spectrum with eigenvectors\): .* K diagonal"):
        sh.derive(problem, rule).solve(sh.Spectrum.from_covariance(K), start, 1)
    even = sh.Spectrum.from_covariance(np.diag(np.linspace(0.5, 1.5, 60)))
    assert sh.derive(problem, rule).solve(even, start, 1).complete
