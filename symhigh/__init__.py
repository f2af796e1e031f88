"""symhigh: exact high-dimensional limits of stochastic gradient descent, derived, integrated and checked."""
