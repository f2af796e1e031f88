"""Learning-rate rules, one file each: memory, discrete update, rate. Their limits are derived elsewhere."""

from symhigh.rule.adagrad_norm import AdaGradNorm, DelayedAdaGradNorm
from symhigh.rule.averaged import Averaged, ScheduleFree
from symhigh.rule.clipped_coordinates import ClippedCoordinates
from symhigh.rule.clipping import ClippedGradient
from symhigh.rule.constant import Constant
from symhigh.rule.coordinatewise import AdaGrad, Adam, RMSprop
from symhigh.rule.line_search import LineSearch
from symhigh.rule.momentum import Momentum
from symhigh.rule.noisy import Drifting, NoisyGradient
from symhigh.rule.parameter_free import DAdaptation, DoG
from symhigh.rule.polyak import Polyak
from symhigh.rule.rmsprop_norm import Forgetting, RMSpropNorm
from symhigh.rule.rule import Memory, Rule
from symhigh.rule.schedule import Schedule, cosine
from symhigh.rule.sign_sgd import SignSGD
from symhigh.rule.stochastic_polyak import StochasticPolyak
from symhigh.rule.thresholds import DistanceThreshold, RiskThreshold
from symhigh.rule.wrapped import MiniBatch, Modulated, WarmUp, WeightDecay

__all__ = [
    "AdaGrad",
    "AdaGradNorm",
    "Adam",
    "Averaged",
    "ClippedCoordinates",
    "ClippedGradient",
    "Constant",
    "DAdaptation",
    "DelayedAdaGradNorm",
    "DistanceThreshold",
    "DoG",
    "Drifting",
    "Forgetting",
    "LineSearch",
    "Memory",
    "MiniBatch",
    "Modulated",
    "Momentum",
    "NoisyGradient",
    "Polyak",
    "RMSprop",
    "RMSpropNorm",
    "RiskThreshold",
    "Rule",
    "Schedule",
    "ScheduleFree",
    "SignSGD",
    "StochasticPolyak",
    "WarmUp",
    "WeightDecay",
    "cosine",
]
