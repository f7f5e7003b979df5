"""What a number of trials allows: one table, so no figure or page decides it again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from trialpool.results import TrialpoolError

Showing = Literal["withheld", "shown", "headline"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What may be reported for k trials. `withheld` maps the name of a thing to the reason."""

    k: int
    rule: str
    pool: bool
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
        rule="two trials: {common}{beside}; read with caution",
        prediction_interval="withheld",
        opens=("pooling",),
    ),
    _Band(
        at_least=3,
        rule="three or four trials: {main}{beside}",
        prediction_interval="shown",
        opens=("random effects", "prediction interval"),
    ),
    _Band(
        at_least=5,
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

# Inverse variance needs corrected cells when events are rare; the methods for counts do not.
_WORDS = {
    False: {
        "common": "a common effect by inverse variance",
        "main": "random effects",
        "spread": "prediction interval, ",
    },
    True: {
        "common": "a common effect by Mantel-Haenszel",
        "main": "Mantel-Haenszel, with random effects as sensitivity",
        "spread": "",
    },
}


def policy(k: int, *, counts: bool, no_bayes: str = "") -> Policy:
    """What may be shown for k trials.

    Parameters
    ----------
    k : number of trials that contribute an effect, >= 0
    counts : whether the data are counts of events, where Mantel-Haenszel is the primary method
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
    if counts:
        withheld["prediction interval"] = "Mantel-Haenszel is a common-effect model"
    if no_bayes and "pooling" not in withheld:
        withheld["Bayesian analysis"] = no_bayes
    beside = "" if no_bayes else ", with a Bayesian analysis beside it"
    return Policy(
        k=int(k),
        rule=f"k = {k}, " + band.rule.format(**_WORDS[counts], beside=beside),
        pool="pooling" not in withheld,
        common_effect_only="pooling" not in withheld and "random effects" in withheld,
        prediction_interval="withheld" if counts else band.prediction_interval,
        withheld=withheld,
    )


def random_effects_tau2(method: str, tau2: str) -> str:
    """The estimator of tau2 of an analysis; Mantel-Haenszel ("MH") has none, REML stands in."""
    return "REML" if method == "MH" else tau2


def tau2_without_counts(method: str, tau2: str) -> str:
    """The estimator of tau2 of an analysis in effects alone, as when trials are left out in turn.

    Mantel-Haenszel ("MH") needs counts; by inverse variance it is the common effect ("EE").
    """
    return "EE" if method == "MH" else tau2
