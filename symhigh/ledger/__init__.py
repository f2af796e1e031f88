"""Claims, their evidence, the ledger, and the statistics that compare a limit with direct simulation.

The room where symhigh's results are checked. A claims file is plain Python with claims at module level::

    import sympy as sp
    from symhigh.symbols import gamma, omega, tau
    from symhigh.ledger import Claim, equal, symbolic

    R = sp.Symbol("R", positive=True)

    @symbolic
    def no_drift():
        \"\"\"The distance stands still where its drift -4γ(R - ω²/2) + 2γ²τR vanishes.\"\"\"
        (floor,) = sp.solve(-4*gamma*(R - omega**2/2) + 2*gamma**2*tau*R, R)
        return equal(floor, omega**2/(2 - gamma*tau))

    risk_floor = Claim(
        "risk floor",
        "Where SGD at a constant rate comes to rest.",
        source="High Line, section 3",
        domain={tau: (0, 10), gamma: (0, 2/tau), omega: (0, 5)},
        evidence=[no_drift],
        id="my-paper/floor",
    )

``symhigh verify FILE`` or ``symhigh.verify(FILE)`` examines them.
"""

from symhigh.ledger.asymptotics import asymptotic
from symhigh.ledger.claim import Claim
from symhigh.ledger.comparison import compare
from symhigh.ledger.domain import Domain
from symhigh.ledger.empirical import Measured, integrated, simulation
from symhigh.ledger.equivalence import iff
from symhigh.ledger.evidence import Trial, numeric, symbolic
from symhigh.ledger.outcome import Comparison
from symhigh.ledger.rows import Ledger, Line, Row
from symhigh.ledger.runner import verify
from symhigh.ledger.slope import ErrorSlope, error_slope
from symhigh.ledger.statement import at_least, at_most, equal, greater, less
from symhigh.ledger.text import row_text
from symhigh.ledger.twin import must_fail
from symhigh.ledger.verdict import Proof, Verdict

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
    "Measured",
    "Proof",
    "Row",
    "Trial",
    "Verdict",
    "asymptotic",
    "at_least",
    "at_most",
    "compare",
    "equal",
    "error_slope",
    "greater",
    "iff",
    "integrated",
    "less",
    "must_fail",
    "numeric",
    "row_text",
    "simulation",
    "symbolic",
    "verify",
]
