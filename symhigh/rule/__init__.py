"""Learning-rate rules, one file each: memory, discrete update, rate. Their limits are derived elsewhere."""

from symhigh.rule.adagrad_norm import AdaGradNorm
from symhigh.rule.constant import Constant
from symhigh.rule.line_search import LineSearch
from symhigh.rule.polyak import Polyak
from symhigh.rule.rule import Memory, Rule
from symhigh.rule.schedule import Schedule

__all__ = ["AdaGradNorm", "Constant", "LineSearch", "Memory", "Polyak", "Rule", "Schedule"]
