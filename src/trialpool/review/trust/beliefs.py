"""What the Bayesian model says under one prior of tau and another: `priors.csv`."""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd

from trialpool.bayes import EMPIRICAL, WEAK, HalfNormal, normal_normal
from trialpool.bayes.priors import Prior
from trialpool.effects import measure_of
from trialpool.pooling.policy import policy
from trialpool.results import NoPosteriorError, Posterior
from trialpool.review.case import Case
from trialpool.review.fitting.fit import shown
from trialpool.review.fitting.posterior import counted, posterior_of
from trialpool.review.fitting.prior import OF_INSTRUMENT
from trialpool.review.schema.trust import PRIORS

# As the empirical priors divide comparisons (Turner 2015, Rhodes 2015): the drug against placebo
# or nothing but what both arms get, or against another drug.
PLACEBO = ("placebo", "usual_care", "waiting_list", "no_treatment", "same_ect")
DRUG = ("active_placebo",)
NORMAL_LIKELIHOOD = "normal likelihood of the log ratios"
_AGAINST = {"placebo": "placebo or no drug", "drug": "another drug"}
# Which of the outcomes that have priors one is: the first whose words stand in its name. Dropout
# due to an adverse event is dropout.
OUTCOMES = (
    ("drop_outs", ("dropout", "drop-out", "drop out", "withdrawal", "discontinuation")),
    ("adverse_events", ("adverse", "side effect", "harm")),
    ("mental_health", ("symptom", "response", "remission", "suicid", "anxiety", "depress")),
)


class Chosen(NamedTuple):
    """An empirical prior by its name, "" for none, and why this one."""

    name: str
    note: str


def posterior(case: Case, studies: pd.DataFrame, *, each: bool = True) -> Posterior | None:
    """The Bayesian model beside the result, under the protocol's own prior; it needs two trials.

    None too where no prior of tau fits the effects, or leaves a posterior. `each`: with each
    trial's effect.
    """
    if len(studies) < 2 or case.prior.why_not:
        return None
    try:
        return posterior_of(
            studies,
            case.measure,
            tau_scale=case.prior.scale,
            mid=case.important,
            better=case.outcome.better,
            each=each,
        )
    except NoPosteriorError:
        return None


def beliefs(case: Case, studies: pd.DataFrame) -> pd.DataFrame:
    """The posterior of an analysis under each prior of tau, for readers.

    Parameters
    ----------
    studies : the chosen effects: yi, vi, trial_id and comparator_class

    Returns
    -------
    One row per prior: medians and 95 % intervals of the mean effect and of the true effect of a
    new trial (`new_low`, `new_high`) on the display scale, of tau on the analysis scale, and
    probabilities: that the mean is a benefit, that it is beyond `important` on the side of
    benefit or of harm, that a new trial's true effect is a benefit. `protocol` marks the protocol's
    own prior. An empirical prior has a `note` that says why it was chosen, or, without numbers, why
    none fits. Where there can be no posterior there is one row, whose note says why

    References
    ----------
    Roever et al. 2021, Res Synth Methods 12:448; Rhodes, Turner & Higgins 2015, J Clin Epidemiol
    68:52; Turner et al. 2015, Stat Med 34:984
    """
    measure, declared = case.measure, case.prior
    why = declared.why_not
    allowed = policy(int(studies["trial_id"].nunique()), no_bayes=why)
    if not allowed.pool:
        return _table([{"note": allowed.withheld["pooling"]}])
    if why:
        return _table([{"note": why}])
    scales = sorted({prior.scale * declared.unit for prior in WEAK} | {declared.scale})
    priors: list[Prior] = [HalfNormal(scale) for scale in scales]
    notes = [_of_unit(scale, declared.unit, case.sd_is) for scale in scales]
    trials = studies.drop_duplicates("trial_id")
    outcome = f"{case.spec.outcome} {case.outcome.title}"
    chosen = empirical(measure, trials["comparator_class"], outcome)
    if chosen.name:
        priors.append(EMPIRICAL[chosen.name])
        notes.append(chosen.note)
    yi, vi = (studies[name].to_numpy(float) for name in ("yi", "vi"))
    asked: dict[str, Any] = {"mid": case.important, "better": case.outcome.better, "each": False}
    exact = counted(studies, measure)
    if exact and chosen.name:
        notes[-1] = f"{notes[-1]}; {NORMAL_LIKELIHOOD}"
    rows = []
    for prior, note in zip(priors, notes, strict=True):
        of_protocol = prior == HalfNormal(declared.scale)
        about = {"prior": str(prior), "protocol": "yes" if of_protocol else "no"}
        try:
            one = (
                posterior_of(studies, measure, tau_scale=prior.scale, **asked)
                if isinstance(prior, HalfNormal)
                else normal_normal(yi, vi, prior=prior, **asked)
            )
        except NoPosteriorError as none:
            if of_protocol:
                return _table([{"note": str(none)}])
            rows.append(about | {"note": str(none)})
        else:
            rows.append(about | _numbers(one, measure) | {"note": note})
    if not chosen.name:
        rows.append({"prior": "empirical", "protocol": "no", "note": chosen.note})
    return _table(rows)


def empirical(measure: str, comparators: pd.Series, outcome: str) -> Chosen:
    """The empirical prior for this measure, these comparisons and this outcome.

    Parameters
    ----------
    comparators : kind of control of each trial
    outcome : its name, in which the words of `OUTCOMES` are looked for
    """
    words = outcome.lower().replace("_", " ")
    kind = next((kind for kind, names in OUTCOMES if any(n in words for n in names)), "")
    trials = int(comparators.notna().sum())
    counts = {
        "placebo": int(comparators.isin(PLACEBO).sum()),
        "drug": int(comparators.isin(DRUG).sum()),
    }
    # Of two kinds as frequent, the one with the wider prior.
    against = max(counts, key=lambda name: counts[name])
    why = f"control is {_AGAINST[against]} in {counts[against]} of {trials} trials"
    if measure not in ("SMD", "OR"):
        return Chosen("", refused(EMPIRICAL["turner_mental_health_placebo"], measure))
    if 2 * counts[against] < max(trials, 1):
        return Chosen("", "no empirical prior: most trials compare with something else than a drug")
    if not kind or (measure == "SMD" and kind != "mental_health"):
        return Chosen("", "no empirical prior: none of those at hand is for this outcome")
    if measure == "SMD":
        return Chosen(f"rhodes_mental_health_{against}", f"{why}; mental-health outcome")
    if against == "drug":
        return Chosen("", f"no empirical prior: {why}, and those for odds ratios are for placebo")
    return Chosen(f"turner_{kind}_placebo", f"{why}; outcome: {kind.replace('_', ' ')}")


def refused(prior: Prior, measure: str) -> str:
    """Why a prior cannot be used for a measure, "" if it can."""
    if not prior.measure or prior.measure == measure:
        return ""
    made, asked = _many(prior.measure), _many(measure)
    return f"the empirical priors at hand are for {made}; tau of {asked} is on another scale"


def _of_unit(scale: float, unit: float, sd_is: str) -> str:
    """What the scale of a prior in points is of an SD; "" of other effects."""
    named = "reference SD" if sd_is == OF_INSTRUMENT else sd_is
    return "" if unit == 1 else f"{scale / unit:g} times the {named}, {unit:g}"


def _many(measure: str) -> str:
    """Effects of a measure in words: `SMDs`, `log risk ratios`."""
    record = measure_of(measure)
    return f"log {record.many}" if record.is_ratio else f"{record.short}s"


def _numbers(posterior: Posterior, measure: str) -> dict[str, Any]:
    effects = {
        "mu": posterior.mu,
        "mu_low": posterior.mu_lb,
        "mu_high": posterior.mu_ub,
        "new_low": posterior.new_lb,
        "new_high": posterior.new_ub,
    }
    return {
        "reference": posterior.prior_reference,
        **{name: shown(value, measure) for name, value in effects.items()},
        "tau": posterior.tau,
        "tau_low": posterior.tau_lb,
        "tau_high": posterior.tau_ub,
        "p_benefit": posterior.p_benefit,
        "p_important": posterior.p_mid,
        "p_harm_important": posterior.p_harm_mid,
        "p_new_benefit": posterior.p_new_benefit,
    }


def _table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    return PRIORS.frame(rows)
