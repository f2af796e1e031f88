"""Averages over a mixing law lowered to source: one function a node, a sum over nodes chosen for its density.

Between derivation and code generation, around the lowering of Gaussian means. The rule is the trapezoidal one after
``s = exp(v + e^v - e^{-v})``, a double-exponential map (Takahasi and Mori, Publ. RIMS 9, 1974): it converges
geometrically for densities that are algebraic or exponential at 0 and ∞, and resolves every scale of s.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import sympy as sp
from sympy.core.function import AppliedUndef

from symhigh.codegen.nested_source import EVALUATIONS
from symhigh.codegen.quadrature import lower_nodes
from symhigh.codegen.target import Names, statements
from symhigh.derivation.mixture import MixtureMean
from symhigh.population.spectrum import Array
from symhigh.problem.noise import MIXING
from symhigh.symbols import OwnedSymbol

_NODE = OwnedSymbol("mixing_node", positive=True)
_REACH = 6.0
_NEGLIGIBLE = 1e-22
_SCALES = 10.0 ** np.arange(-4, 5, 2)

_FUNCTION = """
{name}_nodes = numpy.array({nodes!r})
{name}_weights = numpy.array({weights!r})


@njit
def {name}({args}):
    total = 0.0
    for k in range({count}):
        {node} = {name}_nodes[k]
        total += {name}_weights[k] * {name}_at({node}{more})
        if not math.isfinite(total):
            break
    return total
"""

_KNOWN = """

@njit
def {name}_error({node}{more}):
    worst = 0.0
{errors}
    return worst


@njit
def {name}_known({args}):
    total = 0.0
    for k in range({count}):
        {node} = {name}_nodes[k]
        total += {name}_weights[k] * {name}_error({node}{more})
        if total == math.inf:
            return math.nan, total
    return {name}({args}), total
"""
"""Beside it, where averages inside are taken by nested rules: the mean of the worst of their errors."""


def lower_means(exprs: Sequence[sp.Expr]) -> tuple[str, list[sp.Expr]]:
    """Source of the functions that all averages in ``exprs`` need, and ``exprs`` with calls in their place."""
    nodes = sorted(set().union(*(e.atoms(MixtureMean) for e in exprs)), key=sp.default_sort_key)
    calls = {node: _call(f"mixture_{k}", node) for k, node in enumerate(nodes)}
    inner = [node.integrand.xreplace({MIXING: _NODE}) for node in nodes]
    source, lowered = lower_nodes([*(e.xreplace(calls) for e in exprs), *inner])
    texts = [source]
    for (node, call), body in zip(calls.items(), lowered[len(exprs) :], strict=True):
        texts.append(_source(call.func.__name__, node, body, list(call.args), source))
    return "\n".join(texts), lowered[: len(exprs)]


def _call(name: str, node: MixtureMean) -> sp.Expr:
    return sp.Function(name, real=True)(*sorted(node.free_symbols, key=sp.default_sort_key))


def _source(name: str, node: MixtureMean, body: sp.Expr, arguments: list[sp.Symbol], nested: str) -> str:
    """``nested`` is the source of the averages that ``body`` calls."""
    places, weights = mixing_rule(node.density)
    share = sp.Float(EVALUATIONS // places.size)
    nodes = {c: c.func.__name__ for c in body.atoms(AppliedUndef) if f"def {c.func.__name__}_part(" in nested}
    within = [sp.Function(f"{name}_within")(*c.args, share) for c, name in nodes.items()]
    body = body.xreplace({c: sp.Function(f"{name}_part", real=True)(*c.args, share) for c, name in nodes.items()})
    names = Names(("total", "k", "worst", "value", "error"))
    more = "".join(f", {names(s)}" for s in arguments)
    value = sp.Symbol("value")
    lines = [f"    {names(s)} = {names.code(e)}" for s, e in statements([(value, body)])]
    at = "\n".join(
        ["", "@njit", f"def {name}_at({names(_NODE)}{more}):", *lines, f"    return {names(value)}", ""]
    )
    errors = [
        f"    value, error = {call.func.__name__}({', '.join(map(names.code, call.args))})\n"
        "    worst = max(worst, error)"
        for call in sorted(within, key=sp.default_sort_key)
    ]
    return (at + _FUNCTION + (_KNOWN if errors else "")).format(
        name=name,
        nodes=places.tolist(),
        weights=weights.tolist(),
        count=places.size,
        args=more[2:],
        more=more,
        node=names(_NODE),
        errors="\n".join(errors),
    )


@lru_cache(maxsize=32)
def mixing_rule(density: sp.Expr) -> tuple[Array, Array]:
    """Nodes and weights of ``∫₀^∞ g(s) density(s) ds``, for g that grows slower than the density decays.

    The step is halved until halving it again moves test functions at all scales of s by less than 1e-13.
    """
    rate = sp.lambdify(MIXING, density, "numpy")
    step, coarser, before = 0.5, (np.empty(0), np.empty(0)), np.full(_SCALES.size, np.inf)
    while step > 2e-3:
        v = np.arange(-_REACH, _REACH + step / 2, step)
        with np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore"):
            s = np.exp(v + np.exp(v) - np.exp(-v))
            weights = step * rate(s) * s * (1 + np.exp(v) + np.exp(-v))
        kept = np.isfinite(weights) & (weights > _NEGLIGIBLE * np.minimum(1, 1 / s)) & (s < 1e250)
        s, weights = s[kept], weights[kept]
        tests = np.array([(weights / np.sqrt(1 + s / scale)).sum() for scale in _SCALES])
        if np.abs(tests - before).max() < 1e-13:
            return coarser
        step, coarser, before = step / 2, (s, weights), tests
    raise ValueError(f"mixing law of density {density}: no quadrature rule was found")
