"""How far to trust each number: all diagnostics of one analysis, as tables and as facts.

What k does not allow is an empty table; `policy` says why. CONTRIBUTING.md says where a new
diagnostic is added.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from trialpool.results import Posterior
from trialpool.review.case import Case
from trialpool.review.fitting.fit import DEPENDENT, shown
from trialpool.review.protocol.settings import TOGETHER
from trialpool.review.schema.trust import COVERAGE, PRIORS, SMALL_STUDIES, TRUST
from trialpool.review.trust import facts
from trialpool.review.trust.beliefs import beliefs, posterior
from trialpool.review.trust.coverage import coverage
from trialpool.review.trust.fragility import fragility
from trialpool.review.trust.influence import (
    cumulative_table,
    influence_table,
    weight_shares,
)
from trialpool.review.trust.main_result import MainResult
from trialpool.review.trust.missing_effect import missing_effect
from trialpool.review.trust.moderators import moderators
from trialpool.review.trust.multiverse import AnalysisMultiverse
from trialpool.review.trust.next_trial import next_trial
from trialpool.review.trust.small_studies import small_studies
from trialpool.trust_facts import OtherChoices, ShownEstimate, TrustFacts, Unanswered


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """The tables by name, and what verdict and words are made of."""

    tables: Mapping[str, pd.DataFrame]
    facts: TrustFacts


def trust(
    case: Case, main: MainResult, others: pd.DataFrame, multiverse: AnalysisMultiverse
) -> Trust:
    """Ask of one analysis everything its number of trials allows.

    Where a trial's effects stand beside each other, which leaves little to ask, all but the shares
    of the weight and the other choices is withheld.

    Parameters
    ----------
    others : the sensitivity table
    """
    now = ShownEstimate(
        estimate=main.fit.estimate, ci_low=main.fit.ci_low, ci_high=main.fit.ci_high
    )
    varied = facts.of_other_choices(others, now, case.measure)
    if case.spec.effects in TOGETHER:
        return _of_dependent(case, main, varied, multiverse)
    studies, measure, model = main.studies, case.measure, case.model
    gone = missing_effect(case, studies, main.absent)
    further, about = next_trial(case, studies)
    moderated = moderators(case, studies)
    made = {
        "influence": influence_table(studies, measure, model),
        "cumulative": cumulative_table(studies, measure, case.leading),
        "weights": weight_shares(studies, case.judged(studies), measure),
        "small_studies": _asymmetry(case, main),
        "missing_effect": gone.curve,
        "next_trial": further,
        "coverage": coverage(case, studies, main.posterior),
        "priors": beliefs(case, studies),
        "multiverse": multiverse.table,
        **moderated.tables,
    }
    threshold = None if case.important is None else shown(case.important, measure)
    return Trust(
        tables=made,
        facts=TrustFacts(
            influence=facts.of_influence(made["influence"], now, measure),
            weights=facts.of_weights(made["weights"]),
            flagged=_flagged(studies),
            small_studies=facts.of_small_studies(made["small_studies"], now, measure),
            missing_effect=gone.facts,
            next_trial=about,
            coverage=facts.of_coverage(made["coverage"]),
            other_choices=varied,
            priors=facts.of_priors(made["priors"], threshold, _if_missing_null(case, main)),
            multiverse=facts.of_multiverse(multiverse.summary, multiverse.sides, now, measure),
            moderators=moderated.facts,
            fragility=fragility(studies, main.fit, measure, case.leading),
        ),
    )


def _flagged(studies: pd.DataFrame) -> tuple[str, ...]:
    return tuple(dict.fromkeys(studies.loc[studies["flags"].notna(), "study"]))


def _asymmetry(case: Case, main: MainResult) -> pd.DataFrame:
    if "asymmetry tests" in main.fit.policy.withheld:
        return SMALL_STUDIES.frame()
    return small_studies(main.studies, case.measure, case.model, case.outcome.better)


def _if_missing_null(case: Case, main: MainResult) -> Posterior | None:
    """The Bayesian model with the missing trials that can be added, at no effect."""
    missing = main.absent.missing[main.absent.missing["what_if"] == "yes"]
    if not len(missing):
        return None
    parts = [part[["trial_id", "yi", "vi"]] for part in (main.studies, missing)]
    return posterior(case, pd.concat(parts), each=False)


def _of_dependent(
    case: Case, main: MainResult, varied: OtherChoices, multiverse: AnalysisMultiverse
) -> Trust:
    """What can be asked where a trial has several effects: by whom they were found, and no more."""
    why = Unanswered(reason=DEPENDENT)
    weights = weight_shares(main.studies, case.judged(main.studies), case.measure)
    return Trust(
        tables={
            **{table.name: table.frame() for table in TRUST},
            **{table.name: table.frame([{"note": DEPENDENT}]) for table in (COVERAGE, PRIORS)},
            "weights": weights,
            "multiverse": multiverse.table,
        },
        facts=TrustFacts(
            weights=facts.of_weights(weights),
            flagged=_flagged(main.studies),
            other_choices=varied,
            missing_effect=why,
            next_trial=why,
        ),
    )
