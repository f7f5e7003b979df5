"""Missing results: what the pooled effect becomes if the missing trials had found nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan
from typing import Any

import pandas as pd

from trialpool import tables
from trialpool.effects import effect_size, measure_of
from trialpool.results import NAN
from trialpool.review.case import Case
from trialpool.review.choosing.people import size
from trialpool.review.choosing.reasons import why_not
from trialpool.review.choosing.selection import Rules
from trialpool.review.fitting.fit import Fit, fit, without_counts
from trialpool.review.protocol.settings import Crossover
from trialpool.review.schema.results import MISSING
from trialpool.risk_of_bias import NOT_ASSESSED
from trialpool.words import text


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """The missing trials of an analysis, and the pooled effect with all of them at no effect.

    `joint` is None when no missing trial can enter.
    """

    missing: pd.DataFrame
    joint: Fit | None
    added: tuple[str, ...]


def what_if(case: Case, studies: pd.DataFrame) -> WhatIf:
    """Refit the analysis with missing trials added, each with an effect of exactly zero.

    The sampling variance of an added trial is what its size implies at no effect: 1/n1 + 1/n2
    for an SMD, 2(1 - r)/n for people seen under both conditions, and for counts the variance at
    the control groups' overall risk. A trial that reported an effect, or whose size is not known,
    cannot enter; the table says so. Trials outside the analysis (filters, risk of bias, time,
    comparators) are not missing from it; one whose risk of bias nobody judged may be.

    Parameters
    ----------
    studies : the effects that the analysis chooses
    """
    rules, missing = case.rules, case.tables.missing_results
    included = set(studies["trial_id"])
    # By the model that leads without them: what turns should be the missing trials, not the model.
    pooling = without_counts(case.leading.of(max(2, len(included))))
    lines, additions = [], []
    for row in tables.records(missing[missing["outcome"] == case.spec.outcome]):
        trial = rules.trials[row["trial_id"]]
        if row["trial_id"] in included or _outside(row, case, rules):
            continue
        vi, assumption = _variance(row, studies, case.measure, case.defaults.crossover)
        if row["what_if"] != "yes":
            vi, assumption = NAN, ""
        # What was assumed belongs to a trial that enters; why it cannot, to one that does not.
        enters = not isnan(vi)
        said = (row["what_if_reason"],) if enters or not assumption else ()
        line = {
            **{name: row.get(name) for name in MISSING.names},
            "study": trial["study"],
            "year": trial["year"],
            "what_if": "yes" if enters else "no",
            "what_if_reason": "; ".join(filter(None, map(text, (*said, assumption)))),
        }
        if enters:
            added = {"trial_id": row["trial_id"], "yi": 0.0, "vi": vi}
            additions.append(added)
            one = fit(_with(studies, [added]), case.measure, pooling)
            line |= {
                "yi": 0.0,
                "vi": vi,
                "estimate_if_null": one.estimate,
                "ci_low_if_null": one.ci_low,
                "ci_high_if_null": one.ci_high,
            }
        lines.append(line)
    table = MISSING.frame(lines)
    table = table.sort_values(["year", "study"], na_position="last", ignore_index=True)
    joint = None
    if additions and len(studies):
        joint = fit(_with(studies, additions), case.measure, pooling)
    return WhatIf(missing=table, joint=joint, added=tuple(a["trial_id"] for a in additions))


def _outside(row: Mapping[str, Any], case: Case, rules: Rules) -> bool:
    """Whether the missing result would not belong to the analysis anyway."""
    analysis, arms, trial = case.spec, case.tables.arms, row["trial_id"]
    if why_not(rules.trials[trial], analysis.include, analysis.exclude):
        return True
    if rules.judgement(trial) != NOT_ASSESSED and rules.against(trial):
        return True
    if analysis.time_days is not None:
        low, high = analysis.time_days
        if row["time_to_days"] < low or row["time_from_days"] > high:
            return True
    controls = arms[(arms["trial_id"] == trial) & (arms["role"] == "control")]
    classes = set(controls["comparator_class"])
    return bool(classes) and not classes & set(analysis.comparators)


def _variance(
    row: Mapping[str, Any], studies: pd.DataFrame, measure: str, crossover: Crossover
) -> tuple[float, str]:
    """The sampling variance at no effect, and what was assumed (or why it is not known)."""
    n = size(row)
    if isnan(n):
        return NAN, "the number of participants is not known"
    record = measure_of(measure)
    if record.null is None:
        return NAN, "nothing is compared, so no result can be assumed of it"
    if record.data.groups == 1:
        return NAN, f"no what-if is made of {record.a}"
    counted, standardised = record.data.name == "counts", record.unit == "SD"
    if not (counted or standardised):
        what = "no standard deviation" if record.data.name == "scores" else "nothing"
        return NAN, f"{what} is known to give {record.a} its variance"
    both = row["period"] == "both"
    if both and standardised and not counted:
        r = crossover.correlation
        return 2 * (1 - r) / n, f"crossover, correlation assumed {r:g}"
    n1, n2, groups = float(row["n_experimental"]), float(row["n_control"]), ""
    if both:
        n1, n2 = n, n
    elif isnan(n1 + n2):
        n1, n2, groups = n / 2, n / 2, "equal groups assumed"
    if not counted:
        nobody = {"m1i": 0, "sd1i": 1, "n1i": n1, "m2i": 0, "sd2i": 1, "n2i": n2}
        return float(effect_size(measure, **{k: nobody[k] for k in record.needs}).vi[0]), groups
    risk = studies["event_control"].sum() / studies["totaln_control"].sum() if len(studies) else 0
    if not 0 < risk < 1:
        return NAN, "no risk in the control groups to assume"
    sizes = effect_size(measure, ai=risk * n1, n1i=n1, ci=risk * n2, n2i=n2)
    assumed = f"the control groups' overall risk ({100 * risk:.0f} %) assumed in both arms"
    return float(sizes.vi[0]), "; ".join(part for part in (groups, assumed) if part)


def _with(studies: pd.DataFrame, added: list[dict[str, Any]]) -> pd.DataFrame:
    columns = ["trial_id", "yi", "vi"]
    extra = pd.DataFrame(added)[columns]
    return pd.concat([studies[columns], extra], ignore_index=True) if len(studies) else extra
