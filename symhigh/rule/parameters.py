"""Parameters that several rules share, as the registry shows them.

Part of the rules' room; each rule declares its entry with them, and with its own.
"""

from symhigh.entries import Parameter

ETA = Parameter("eta", "Numerator of the adaptive rules.", 1.0)
B = Parameter("b", "Starting accumulator of the adaptive rules.", 1.0)
GAMMA = Parameter("gamma", "Learning rate at the start.", 1.0)
ALPHA = Parameter("alpha", "Rate of forgetting.", 1.0)
FRICTION = Parameter("friction", "Rate at which the momentum forgets.", 1.0)
FRACTION = Parameter("fraction", "Fraction of the threshold.", 0.5)
