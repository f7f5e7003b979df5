"""Frozen result objects shared by all rooms of the library. Imports nothing of the library.

Missing numbers are NaN, with the reason in a field beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields
from difflib import get_close_matches
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
NAN = float("nan")


class TrialpoolError(ValueError):
    """Base of every error the library raises on purpose."""


class NoPosteriorError(TrialpoolError):
    """Data that leave no posterior under a prior, and why."""


def check_choice(name: str, value: Any, allowed: Sequence[Any]) -> None:
    """Raise unless an option has one of its allowed values, which the error lists."""
    if not isinstance(value, str | Real | None) or value not in allowed:
        listed = ", ".join(str(known) for known in allowed)
        raise TrialpoolError(f"{name} = {value!r}: allowed are {listed}{nearest(value, allowed)}")


def nearest(value: Any, known: Iterable[Any]) -> str:
    """The words to suggest the known name that is spelled most alike; "" where none is."""
    names = {str(name).casefold(): str(name) for name in known}
    near = get_close_matches(str(value).casefold(), names, n=1) if isinstance(value, str) else []
    return f"; did you mean {names[near[0]]}?" if near else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectSizes:
    """Effects and their sampling variances, one per study.

    `yi`, `vi` have shape (k,); ratios are on the log scale. `formula` names the formulas used,
    `reason` says per study why a value is NaN ("" where it is not).
    """

    yi: Array
    vi: Array
    measure: str
    formula: str
    reason: tuple[str, ...] = ()

    @property
    def sei(self) -> Array:
        """Standard errors, shape (k,)."""
        return np.sqrt(self.vi)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooled:
    """A pooled effect on the scale of `yi`, in metafor's vocabulary.

    `i2` (from tau2 and the typical variance) and `i2_q` (from Q) are percentages. `maxima` counts
    the local maxima of the likelihood, of which the highest was taken. `reasons` maps the name of
    a NaN field to why it is NaN; `cautions` are sentences a reader should see.
    """

    k: int
    beta: float
    se: float
    zval: float
    ddf: float
    pval: float
    ci_lb: float
    ci_ub: float
    pi_lb: float
    pi_ub: float
    tau2: float
    se_tau2: float
    tau2_ci_lb: float
    tau2_ci_ub: float
    i2: float
    i2_ci_lb: float = NAN
    i2_ci_ub: float = NAN
    i2_q: float
    h2: float
    h2_ci_lb: float = NAN
    h2_ci_ub: float = NAN
    q: float
    q_df: int
    q_pval: float
    loglik: float
    aic: float = NAN
    bic: float = NAN
    aicc: float = NAN
    maxima: int = 1
    converged: bool
    method: str
    test: str
    level: float
    weights: Array
    pi_method: str = ""
    tau2_ci_method: str = ""
    reasons: dict[str, str] = field(default_factory=dict)
    cautions: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The fields as plain values, ready for JSON."""
        return {f.name: _plain(getattr(self, f.name)) for f in fields(self)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Posterior:
    """Posterior of the normal-normal random-effects model, on the scale of `yi`.

    `new` is a new study's true effect, `theta` the true effect of each study given all of them,
    in their order; each is a median with the bounds of its interval. `p_benefit` and
    `p_new_benefit` are the probabilities that mu and a new study's true effect lie beyond 0 on the
    side of `better`, `p_mid` and `p_new_mid` that they lie beyond `mid` there, `p_harm_mid` that mu
    lies beyond `mid` on the other side: None where no `mid` was given.
    """

    mu: float
    mu_lb: float
    mu_ub: float
    tau: float
    tau_lb: float
    tau_ub: float
    new_lb: float
    new_ub: float
    p_below_zero: float
    prior: str
    level: float
    prior_reference: str = ""
    new: float = NAN
    better: str = "lower"
    mid: float | None = None
    p_benefit: float = NAN
    p_new_benefit: float = NAN
    p_mid: float | None = None
    p_new_mid: float | None = None
    p_harm_mid: float | None = None
    theta: tuple[float, ...] = ()
    theta_lb: tuple[float, ...] = ()
    theta_ub: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChiSquared:
    """A chi-squared test; `reason` says why `stat` is NaN."""

    stat: float
    df: int
    pval: float
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledCounts(Pooled):
    """A pooled effect straight from counts: a `Pooled` with what only counts have.

    `tests` maps the name of a test to its result, `model` names the likelihood of a GLMM, whose
    random study effects have variance `sigma2`; `deviance` is twice its distance from the
    saturated model.
    """

    measure: str
    model: str = ""
    sigma2: float = NAN
    deviance: float = NAN
    tests: dict[str, ChiSquared] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The fields as plain values, ready for JSON."""
        plain = {f.name: _plain(getattr(self, f.name)) for f in fields(self)}
        return plain | {"tests": {name: asdict(test) for name, test in self.tests.items()}}


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return [float(x) for x in value]
    if isinstance(value, tuple):
        return list(value)
    return dict(value) if isinstance(value, dict) else value
