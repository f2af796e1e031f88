"""Direct simulation of SGD, from the same statement as the limit, and its exact mean where there is one."""
