"""Priors of the heterogeneity tau: weakly informative families, and two empirical ones.

The empirical priors come from the Cochrane Database. They are distributions of log tau^2: halve
location and scale to read them as distributions of log tau.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import NamedTuple, Protocol

import numpy as np

from trialpool.bayes.quadrature import NEGLIGIBLE, PANELS, TauAxis
from trialpool.results import Array, TrialpoolError, check_choice

_ROEVER = "Roever et al. 2021, Res Synth Methods 12:448"
_RHODES = "Rhodes, Turner, Higgins 2015, J Clin Epidemiol 68:52"
_TURNER = "Turner et al. 2015, Stat Med 34:984"
_GELMAN = "Gelman 2006, Bayesian Anal 1:515"
_LEAST, _MOST = 1e-18, 1e18  # as for effects; beyond, squares leave the range of a float
_FAR = 100  # of log tau^2, further than any unit can move it


def check_positive(name: str, value: float) -> None:
    """Raise unless a parameter is a positive number in the range effects may have."""
    if not isinstance(value, Real) or not _LEAST <= value <= _MOST:
        raise TrialpoolError(
            f"{name} = {value}: must be a number > 0 (from {_LEAST:g} to {_MOST:g})"
        )


def _check_log(name: str, location: float, scale: float) -> None:
    if not isinstance(location, Real) or not -_FAR <= location <= _FAR:
        raise TrialpoolError(
            f"{name} location = {location}: is of log tau^2, must lie between {-_FAR} and {_FAR}"
        )
    check_positive(f"{name} scale", scale)


class Reach(NamedTuple):
    """What of the studies decides where tau matters.

    Below `least` tau changes nothing; above `settled` the likelihood falls, in the end as
    tau^-`order`.
    """

    least: float
    settled: float
    order: int


class Prior(Protocol):
    """A prior of tau; `str` of it is its name with its parameters."""

    @property
    def reference(self) -> str:
        """Paper that proposed it."""

    @property
    def measure(self) -> str:
        """Scale of effect it was made for, SMD or OR; "" for any."""

    def axis(self, reach: Reach) -> TauAxis:
        """The coordinate in which the posterior is integrated."""


@dataclass(frozen=True, slots=True)
class HalfNormal:
    """tau = |N(0, scale^2)|; `scale` in units of the effects."""

    scale: float
    reference: str = _ROEVER
    measure: str = ""

    def __post_init__(self) -> None:
        """Check the scale."""
        check_positive("half-normal scale", self.scale)

    def __str__(self) -> str:
        """Name and scale."""
        return f"tau half-normal({self.scale:g})"

    def axis(self, reach: Reach) -> TauAxis:
        """Up to where the prior leaves nothing."""
        top = math.sqrt(reach.settled + 2 * NEGLIGIBLE * self.scale**2)
        return _linear(
            min(reach.least, self.scale), top, lambda tau: -((tau / self.scale) ** 2) / 2
        )


@dataclass(frozen=True, slots=True)
class HalfCauchy:
    """tau = |Cauchy(0, scale)|, whose median is `scale`, in units of the effects."""

    scale: float
    reference: str = _GELMAN
    measure: str = ""

    def __post_init__(self) -> None:
        """Check the scale."""
        check_positive("half-Cauchy scale", self.scale)

    def __str__(self) -> str:
        """Name and scale."""
        return f"tau half-Cauchy({self.scale:g})"

    def axis(self, reach: Reach) -> TauAxis:
        """Up to where likelihood and prior leave nothing."""
        top = math.hypot(math.sqrt(reach.settled), self.scale) * math.exp(NEGLIGIBLE)
        step = min(reach.least, self.scale)
        return _linear(step, top, lambda tau: -np.log1p((tau / self.scale) ** 2), 2 * PANELS)


@dataclass(frozen=True, slots=True)
class Uniform:
    """tau even between 0 and `upper`; without an end where that is None (improper)."""

    upper: float | None = None
    reference: str = _GELMAN
    measure: str = ""

    def __post_init__(self) -> None:
        """Check the upper end."""
        if self.upper is not None:
            check_positive("uniform upper", self.upper)

    def __str__(self) -> str:
        """Name and range."""
        return "tau uniform" if self.upper is None else f"tau uniform(0, {self.upper:g})"

    def axis(self, reach: Reach) -> TauAxis:
        """Up to its end, or to where the likelihood leaves nothing."""
        if self.upper is None and reach.order < 2:
            raise TrialpoolError(
                "prior = tau uniform: too few studies to make the posterior proper (3, or 2 with "
                "mu_sd). Give it an upper end, or use another prior"
            )
        top = self.upper or math.sqrt(reach.settled) * math.exp(NEGLIGIBLE)
        return _linear(min(reach.least, top), top, np.zeros_like, 2 * PANELS)


@dataclass(frozen=True, slots=True)
class LogNormal:
    """log tau^2 ~ N(location, scale^2): `scale` is the SD of log tau^2, not of log tau."""

    location: float
    scale: float
    reference: str = ""
    measure: str = ""

    def __post_init__(self) -> None:
        """Check the parameters."""
        _check_log("log-normal", self.location, self.scale)

    def __str__(self) -> str:
        """Name and parameters."""
        return f"tau^2 log-normal({self.location:g}, {self.scale:g})"

    def axis(self, reach: Reach) -> TauAxis:
        """Standard normal in (log tau^2 - location)/scale."""
        nearest = (2 * math.log(reach.least) - self.location) / self.scale
        return _logarithmic(self, reach, min(nearest, 0) - 12, lambda z: -(z**2) / 2)


@dataclass(frozen=True, slots=True)
class LogStudent:
    """(log tau^2 - location)/scale ~ t with `df`: the SD of log tau^2 is larger than `scale`."""

    location: float
    scale: float
    df: float = 5
    reference: str = ""
    measure: str = ""

    def __post_init__(self) -> None:
        """Check the parameters."""
        _check_log("log-t", self.location, self.scale)
        if not isinstance(self.df, Real) or not self.df >= 1:
            raise TrialpoolError(f"log-t df = {self.df}: must be a number >= 1")

    def __str__(self) -> str:
        """Name and parameters."""
        return f"tau^2 log-t{self.df:g}({self.location:g}, {self.scale:g})"

    def axis(self, reach: Reach) -> TauAxis:
        """Student t in (log tau^2 - location)/scale."""
        nearest = (2 * math.log(reach.least) - self.location) / self.scale
        low = (min(nearest, 0) - math.sqrt(self.df)) * math.exp(NEGLIGIBLE / self.df)

        def log_prior(z: Array) -> Array:
            return -(self.df + 1) / 2 * np.log1p(z**2 / self.df)

        return _logarithmic(self, reach, low, log_prior)


WEAK = (HalfNormal(0.25), HalfNormal(0.5), HalfNormal(1.0))

# Drug against placebo, or against another drug. The R packages bayesmeta and rnmamod list the same
# parameters. Rhodes' non-drug comparisons of mental health are left out: both list a location of
# -3.85, but every other outcome, and the same one in the two other areas of medicine, has 0.13 to
# 0.15 more than drug against placebo, which would be -2.85 here.
EMPIRICAL: dict[str, Prior] = {
    "rhodes_mental_health_placebo": LogStudent(-2.99, 2.16, reference=_RHODES, measure="SMD"),
    "rhodes_mental_health_drug": LogStudent(-3.27, 2.14, reference=_RHODES, measure="SMD"),
    "turner_mental_health_placebo": LogNormal(-2.12, 1.53, _TURNER, "OR"),
    "turner_adverse_events_placebo": LogNormal(-1.87, 1.52, _TURNER, "OR"),
    "turner_drop_outs_placebo": LogNormal(-2.99, 1.74, _TURNER, "OR"),
}


def named(prior: Prior | str) -> Prior:
    """The prior itself, or the empirical prior of that name.

    Raises
    ------
    TrialpoolError
        no empirical prior has the name; lists those there are
    """
    if not isinstance(prior, str) and hasattr(prior, "axis"):
        return prior
    check_choice("prior", prior, (*EMPIRICAL, "an object such as HalfNormal(0.5)"))
    return EMPIRICAL[str(prior)]


def _linear(
    step: float, top: float, log_density: Callable[[Array], Array], panels: int = PANELS
) -> TauAxis:
    """Counts tau in steps from 0: for priors that are flat at 0."""
    return TauAxis(lambda x: step * x, lambda x: log_density(step * x), 0.0, top / step, panels)


def _logarithmic(
    prior: LogNormal | LogStudent, reach: Reach, low: float, log_prior: Callable[[Array], Array]
) -> TauAxis:
    """Counts log tau^2 in scales from the location.

    Far below, tau is 0 to the last digit and the likelihood constant; the prior still counts.
    """
    start = max(math.log(reach.settled), prior.location)
    high = (start + 2 * NEGLIGIBLE - prior.location) / prior.scale
    return TauAxis(
        lambda z: np.exp((prior.location + prior.scale * z) / 2), log_prior, low, high, 4 * PANELS
    )
