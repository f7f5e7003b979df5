"""How far to trust each number: all diagnostics of one analysis, as tables and as facts.

What k does not allow is an empty table; `policy` says why. A new diagnostic is a table here, its
facts in `facts.py`, and its words in `review/report/trust_words.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from trialpool.results import Posterior
from trialpool.review.choosing.several import DEPENDENT
from trialpool.review.choosing.what_if import WhatIf
from trialpool.review.fitting.fit import Fit, shown
from trialpool.review.protocol.protocol import Review
from trialpool.review.schema.trust import (
    COVERAGE,
    CUMULATIVE,
    INFLUENCE,
    MISSING_EFFECT,
    NEXT_TRIAL,
    PRIORS,
    REGRESSIONS,
    SMALL_STUDIES,
    SUBGROUPS,
    TRUST,
)
from trialpool.review.trust import facts
from trialpool.review.trust.beliefs import beliefs
from trialpool.review.trust.coverage import coverage
from trialpool.review.trust.fragility import fragility
from trialpool.review.trust.influence import (
    cumulative_table,
    influence_table,
    weight_shares,
)
from trialpool.review.trust.missing_effect import missing_effect
from trialpool.review.trust.moderators import Moderators
from trialpool.review.trust.multiverse import Multiverse
from trialpool.review.trust.next_trial import next_trial
from trialpool.review.trust.sensitivity import posterior as believe
from trialpool.review.trust.small_studies import small_studies

# The tables of an analysis that say how far to trust it; each is a file of that name.
TRUST_TABLES = tuple(table.name for table in TRUST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """The tables by name, and what verdict and words are made of."""

    tables: Mapping[str, pd.DataFrame]
    facts: Mapping[str, Any]


def trust(
    studies: pd.DataFrame,
    result: Fit,
    absent: WhatIf,
    posterior: Posterior | None,
    multiverse: Multiverse,
    moderated: Moderators | None,
    risk_of_bias: pd.DataFrame,
    review: Review,
    condition: str,
    name: str,
) -> Trust:
    """Ask of one analysis everything its number of trials allows.

    Parameters
    ----------
    studies : its studies.csv
    result, absent, posterior, multiverse, moderated : what was pooled, what is missing, the
        Bayesian model, all declared specifications, and the result by kind of trial; None where a
        trial's effects stand beside each other, which leaves little to ask
    risk_of_bias : the condition's judgements
    """
    analysis = review.conditions[condition].analyses[name]
    if moderated is None:
        return _of_dependent(studies, multiverse, risk_of_bias)
    measure, model, defaults = analysis.measure, review.model_of(analysis), review.defaults
    better, important = review.outcomes[analysis.outcome].better, review.important_of(analysis)
    display = {"estimate": result.estimate, "ci_low": result.ci_low, "ci_high": result.ci_high}
    named = f"{analysis.outcome} {review.outcomes[analysis.outcome].title}"
    gone = missing_effect(studies, absent, analysis, model, important, better)
    further, about = next_trial(studies, analysis, model, important, better)
    allowed = "asymmetry tests" not in result.policy.withheld
    asymmetry = small_studies(studies, measure, model, better) if allowed else SMALL_STUDIES.frame()
    found = {
        "influence": influence_table(studies, measure, model),
        "cumulative": cumulative_table(studies, measure, model),
        "weights": weight_shares(studies, risk_of_bias),
        "small_studies": asymmetry,
        "missing_effect": gone.curve,
        "next_trial": further,
        "coverage": coverage(
            studies, measure, model, defaults.alternatives, posterior, defaults.smd
        ),
        "priors": beliefs(studies, measure, better, important, defaults.bayes.tau_scale, named),
        "multiverse": multiverse.table,
        **moderated.tables,
    }
    threshold = None if important is None else shown(important, measure)
    missing = absent.missing[absent.missing["what_if"] == "yes"]
    if_null = None
    if len(missing):
        both = pd.concat([part[["trial_id", "yi", "vi"]] for part in (studies, missing)])
        if_null = believe(both, measure, defaults.bayes, better, important)
    flagged = studies.loc[studies["flags"].notna(), "study"]
    return Trust(
        tables=found,
        facts={
            "influence": facts.of_influence(found["influence"], display, measure),
            "weights": facts.of_weights(found["weights"]),
            "flagged": list(dict.fromkeys(flagged)),
            "small_studies": facts.of_small_studies(asymmetry, display, measure),
            "missing_effect": gone.facts,
            "next_trial": about,
            "coverage": facts.of_coverage(found["coverage"]),
            "priors": facts.of_priors(found["priors"], threshold, if_null),
            "multiverse": facts.of_multiverse(multiverse.summary, display, measure, better),
            "moderators": list(moderated.facts),
            "fragility": fragility(studies, result, measure, model),
        },
    )


def _of_dependent(
    studies: pd.DataFrame, multiverse: Multiverse, risk_of_bias: pd.DataFrame
) -> Trust:
    """What can be asked where a trial has several effects: by whom they were found, and no more."""
    why = {"reason": DEPENDENT}
    weights = weight_shares(studies, risk_of_bias)
    empty = (INFLUENCE, CUMULATIVE, SMALL_STUDIES, MISSING_EFFECT, NEXT_TRIAL, SUBGROUPS,
             REGRESSIONS)  # fmt: skip
    flagged = studies.loc[studies["flags"].notna(), "study"]
    return Trust(
        tables={
            **{table.name: table.frame() for table in empty},
            **{table.name: table.frame([{"note": DEPENDENT}]) for table in (COVERAGE, PRIORS)},
            "weights": weights,
            "multiverse": multiverse.table,
        },
        facts={
            **dict.fromkeys(
                ("influence", "small_studies", "coverage", "priors", "multiverse", "fragility")
            ),
            "weights": facts.of_weights(weights),
            "flagged": list(dict.fromkeys(flagged)),
            "missing_effect": why,
            "next_trial": why,
            "moderators": [],
        },
    )
