"""The Bayesian normal-normal model: exact by quadrature, the same bytes on each run."""

from trialpool.bayes.model import normal_normal, sweep
from trialpool.bayes.priors import (
    EMPIRICAL,
    WEAK,
    HalfCauchy,
    HalfNormal,
    LogNormal,
    LogStudent,
    Prior,
    Uniform,
)

__all__ = [
    "EMPIRICAL",
    "WEAK",
    "HalfCauchy",
    "HalfNormal",
    "LogNormal",
    "LogStudent",
    "Prior",
    "Uniform",
    "normal_normal",
    "sweep",
]
