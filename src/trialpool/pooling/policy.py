"""What a number of trials allows: one table, so no figure or page decides it again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from trialpool.results import TrialpoolError

Showing = Literal["withheld", "shown", "headline"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What may be reported for k trials. `withheld` maps the name of a thing to the reason.

    `bayesian`: the Bayesian interval leads, since a few trials say little of how much they differ.
    """

    k: int
    rule: str
    pool: bool
    bayesian: bool
    common_effect_only: bool
    prediction_interval: Showing
    withheld: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Band:
    """From this k on: what k allows in words, and which things it opens."""

    at_least: int
    rule: str
    prediction_interval: Showing
    opens: tuple[str, ...]


# From here on the protocol's own model leads (docs/few_trials.md).
FROM_HERE_ON = 5
# As a thing that may be withheld.
BAYESIAN = "Bayesian analysis"

# Each row holds until the next begins; what a later row opens is withheld in the earlier ones.
TABLE = (
    _Band(
        at_least=0,
        rule="no trial: the question stands open",
        prediction_interval="withheld",
        opens=(),
    ),
    _Band(
        at_least=1,
        rule="one trial: it is shown, nothing is pooled",
        prediction_interval="withheld",
        opens=(),
    ),
    _Band(
        at_least=2,
        rule="two to four trials: {few}; read with caution",
        prediction_interval="shown",
        opens=("pooling", "prediction interval"),
    ),
    _Band(
        at_least=FROM_HERE_ON,
        rule="five to nine trials: {main}, with {spread}leave-one-out and crude subgroups",
        prediction_interval="headline",
        opens=("leave-one-out", "subgroups", "funnel plot"),
    ),
    _Band(
        at_least=10,
        rule="ten or more trials: {main}, with asymmetry tests, selection models and one covariate",
        prediction_interval="headline",
        opens=("asymmetry tests", "selection models", "meta-regression"),
    ),
)

# The methods that pool counts, by their codes; MH-DL has random effects, the others a common one.
COUNT_METHODS = {
    "MH": "Mantel-Haenszel",
    "MH-DL": "random effects about the Mantel-Haenszel mean",
    "Peto": "Peto's method",
}
COMMON_OF_COUNTS = ("MH", "Peto")


def _words(method: str) -> dict[str, str]:
    """The parts of a rule; inverse variance needs corrected cells when events are rare."""
    by = COUNT_METHODS.get(method, "")
    if method in COMMON_OF_COUNTS:
        return {
            "common": f"a common effect by {by}",
            "beside": by,
            "main": f"{by}, with random effects as sensitivity",
            "spread": "",
        }
    return {
        "common": by or "a common effect by inverse variance",
        "beside": by or "random effects by the protocol's model",
        "main": by or "random effects",
        "spread": "prediction interval, ",
    }


def policy(k: int, *, method: str = "IV", no_bayes: str) -> Policy:
    """What may be shown for k trials.

    Parameters
    ----------
    k : number of trials that contribute an effect, >= 0
    method : the protocol's, "IV" by inverse variance or one of `COUNT_METHODS`
    no_bayes : why there can be no Bayesian analysis whatever k is; "" where there can

    Returns
    -------
    Policy; `rule` is one sentence for readers, without a full stop

    Raises
    ------
    TrialpoolError
        if k is negative or not a whole number

    References
    ----------
    Bender et al. 2018, Res Synth Methods 9:382 (two to four trials); Cochrane Handbook 6.4,
    chapters 10 (prediction, covariates) and 13 (asymmetry)
    """
    if k != int(k) or k < 0:
        raise TrialpoolError(f"k = {k}: the number of trials must be a whole number >= 0")
    band = [row for row in TABLE if row.at_least <= k][-1]
    withheld = {
        name: f"k = {k}: needs at least {row.at_least} trials"
        for row in TABLE
        if row.at_least > k
        for name in row.opens
    }
    pool = "pooling" not in withheld
    few = pool and k < FROM_HERE_ON
    common, bayesian = bool(few and no_bayes and k == 2), few and not no_bayes
    if method in COMMON_OF_COUNTS and not bayesian:
        withheld["prediction interval"] = f"{COUNT_METHODS[method]} is a common-effect model"
    elif few and no_bayes:
        withheld["prediction interval"] = f"k = {k}: needs at least {FROM_HERE_ON} trials"
    if no_bayes and pool:
        withheld[BAYESIAN] = no_bayes
    words = _words(method)
    led = "a Bayesian analysis leads, with {beside} beside it"
    led = led if bayesian else "{common}" if common else "{main}"
    return Policy(
        k=int(k),
        rule=f"k = {k}, " + band.rule.format(**words, few=led.format(**words)),
        pool=pool,
        bayesian=bayesian,
        # Random effects of counts are no default: a protocol that names them has them.
        common_effect_only=common and method != "MH-DL",
        prediction_interval="withheld"
        if "prediction interval" in withheld
        else band.prediction_interval,
        withheld=withheld,
    )


def random_effects_tau2(method: str, tau2: str) -> str:
    """The estimator of tau2 of an analysis; a common effect of counts has none, REML stands in."""
    return "REML" if method in COMMON_OF_COUNTS else tau2


def tau2_without_counts(method: str, tau2: str) -> str:
    """The estimator of tau2 of an analysis in effects alone, as when trials are left out in turn.

    Mantel-Haenszel and Peto need counts; by inverse variance they are the common effect ("EE").
    """
    return "EE" if method in COMMON_OF_COUNTS else tau2
