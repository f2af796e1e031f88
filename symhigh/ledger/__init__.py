"""Claims, their evidence, the ledger, and the statistics that compare a limit with direct simulation.

The room where symhigh's results are checked. A claims file is plain Python with claims at module level::

    import sympy as sp
    from symhigh.symbols import gamma, omega, tau
    from symhigh.ledger import PROVED, Claim, symbolic

    R = sp.Symbol("R", positive=True)

    @symbolic
    def no_drift():
        \"\"\"The distance stands still where its drift -4γ(R - ω²/2) + 2γ²τR vanishes.\"\"\"
        (floor,) = sp.solve(-4*gamma*(R - omega**2/2) + 2*gamma**2*tau*R, R)
        return floor - omega**2/(2 - gamma*tau)

    risk_floor = Claim(
        "risk floor",
        "SGD at a constant rate below 2/τ settles at the risk ω²/(2 - γτ).",
        source="High Line, section 3",
        domain={tau: (0, 10), gamma: (0, 2/tau), omega: (0, 5)},
        evidence=[no_drift],
        expect=PROVED,
    )

``symhigh verify FILE`` or ``symhigh.verify(FILE)`` examines them.
"""

from symhigh.ledger.claim import Claim
from symhigh.ledger.comparison import compare
from symhigh.ledger.domain import Domain
from symhigh.ledger.evidence import Trial, integrated, numeric, simulation, symbolic
from symhigh.ledger.outcome import Comparison
from symhigh.ledger.rows import Ledger, Line, Row, row_text
from symhigh.ledger.runner import verify
from symhigh.ledger.slope import ErrorSlope, error_slope
from symhigh.ledger.verdict import Verdict

PROVED = Verdict.PROVED
VERIFIED = Verdict.VERIFIED
CONSISTENT = Verdict.CONSISTENT
REFUTED = Verdict.REFUTED

__all__ = [
    "CONSISTENT",
    "PROVED",
    "REFUTED",
    "VERIFIED",
    "Claim",
    "Comparison",
    "Domain",
    "ErrorSlope",
    "Ledger",
    "Line",
    "Row",
    "Trial",
    "Verdict",
    "compare",
    "error_slope",
    "integrated",
    "numeric",
    "row_text",
    "simulation",
    "symbolic",
    "verify",
]
