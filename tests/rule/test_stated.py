"""What a rule of the user's states is read as expressions, whatever numbers it is given as; the rest is refused."""

import pytest
import sympy as sp

import symhigh as sh
from symhigh.symbols import d, sample_loss

C, S = sp.Symbol("C", positive=True), sp.Symbol("S", positive=True)


class Plain(sh.Rule):
    """A rate C/S with S growing by the losses, its numbers plain Python."""

    @property
    def memory(self):
        return [sh.Memory(S, sample_loss / d, 1)]

    @property
    def rate(self):
        return C / S

    @property
    def values(self):
        return {C: 1}


def test_values_and_starts_may_be_plain_numbers() -> None:
    """The value is that of the rule with ``sp.Integer(1)``, by RK45 on the two equations below."""
    curve = sh.derive(sh.least_squares(noise=0.5), Plain()).solve(sh.Spectrum.isotropic(), sh.Start(), 1, t=[0, 1])
    from scipy.integrate import solve_ivp

    def slopes(_: float, y: list[float]) -> list[float]:
        distance, memory = y
        rate, level = 1 / memory, distance + 0.25
        return [-2 * rate * distance + rate**2 * level, level / 2]

    right = (solve_ivp(slopes, (0, 1), [1, 1], rtol=1e-11, atol=1e-12).y[0, -1] + 0.25) / 2
    assert curve.risk[-1] == pytest.approx(right, rel=1e-7)
    assert right == pytest.approx(0.367797, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "stated", "error"),
    [
        ("values", {C: "1"}, "text is not read"),
        ("values", {"C": 1}, "a mapping {symbol:"),
        ("values", [C], "must be a mapping"),
        ("memory", sh.Memory(S, sample_loss / d, 1), "a tuple of Memory"),
        ("memory", (S,), "a tuple of Memory"),
        ("step", {C: None}, r"step\[C\] must be"),
    ],
)
def test_what_is_no_statement_is_refused_by_name(name: str, stated: object, error: str) -> None:
    rule = type("Odd", (Plain,), {name: property(lambda self: stated)})
    with pytest.raises(TypeError, match=rf"^Odd\({name}.*{error}"):
        sh.derive(sh.least_squares(), rule())
