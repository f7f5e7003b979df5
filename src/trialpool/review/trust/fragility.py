"""How few people with another outcome would turn the result of an analysis of counts."""

from __future__ import annotations

from math import isnan

import numpy as np
import pandas as pd

from trialpool.diagnostics import fragility as counts
from trialpool.effects import measure_of
from trialpool.review.fitting.fit import COMMON, Fit, Leading
from trialpool.review.fitting.posterior import COUNTS, counted
from trialpool.review.protocol.settings import FewTrials
from trialpool.trust_facts import ChangedOutcomes, FragilityFacts

NOT_SEARCHED = "an interval by the exact likelihood leads, which takes too long to search"


def fragility(
    studies: pd.DataFrame, result: Fit, measure: str, leading: Leading
) -> FragilityFacts | None:
    """The fragility index of an analysis under its own model; None where it has no counts.

    Parameters
    ----------
    studies : its studies.csv
    result : what was pooled, whose interval the counts must give

    Returns
    -------
    `index`, the people of all `n` whose outcome changes (None with a `reason`), and `moved`: by how
    many events in which arm of which trial. References in `diagnostics.fragility`
    """
    if measure not in counts.MEASURES or not len(studies):
        return None
    model = leading.of(result.policy.k)
    if isinstance(model, FewTrials) and result.policy.pool and counted(studies, measure):
        people = studies[["totaln_experimental", "totaln_control"]].to_numpy(float).sum()
        return FragilityFacts(index=None, n=int(people), reason=NOT_SEARCHED, moved=())
    bayesian = isinstance(model, FewTrials)
    if model.counts and result.policy.pool and not bayesian:
        refit = counts.by_counts(measure, method=model.method, variance=model.variance)
    else:
        how = model.how if result.policy.pool else COMMON
        refit = counts.by_inverse_variance(measure, **how)
    limits = np.array([result.ci_low, result.ci_high])
    expected = measure_of(measure).scale.analysed(limits)
    columns = [studies[name].to_numpy(float) for name in COUNTS]
    changes = counts.fragility(*columns, refit=refit, expected=(expected[0], expected[1]))
    known = not isnan(changes.index)
    names = list(studies["study"])
    return FragilityFacts(
        index=int(changes.index) if known else None,
        n=int(changes.n) if not isnan(changes.n) else None,
        reason=changes.reasons.get("index", ""),
        moved=tuple(
            ChangedOutcomes(
                study=names[m.trial],
                arm="experimental" if m.arm == 1 else "control",
                events=m.events,
            )
            for m in changes.moved
        ),
    )
