"""Named outputs as attributes: what a curve and an ensemble of runs have in common."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

import numpy as np

from symhigh.population.spectrum import Array


class Outputs:
    """Gives each entry of ``outputs`` as an attribute; arrays whose last axis is time."""

    outputs: Mapping[str, Array]

    def __getattr__(self, name: str) -> Array:
        outputs = self.__dict__.get("outputs", {})
        if name in outputs:
            return np.asarray(outputs[name])
        near = get_close_matches(name, dict.fromkeys([*outputs, *dir(type(self))]), n=2)
        if near and not name.startswith("_"):
            hint = f"did you mean {' or '.join(near)}?"
            raise AttributeError(f"{type(self).__name__} has no {name!r}; {hint}")
        remedy = "; derive(problem, rule, reduce=False) carries it" if name in ("overlap", "norm") else ""
        raise AttributeError(
            f"{type(self).__name__} has {', '.join(outputs)}, excess_risk, not {name!r}{remedy}"
        )

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.outputs})

    @property
    def risk(self) -> Array:
        """Population risk h, noise included."""
        return np.asarray(self.outputs["risk"])

    @property
    def learning_rate(self) -> Array:
        """The learning rate γ; of a run, that of the step which follows."""
        return np.asarray(self.outputs["learning_rate"])

    @property
    def distance(self) -> Array:
        """Squared distance ``‖X - X*‖²``."""
        return np.asarray(self.outputs["distance"])
