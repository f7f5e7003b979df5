"""People: nobody joins a trial after randomisation."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from trialpool.review.extraction.checks.index import Index, grouped, having, number
from trialpool.review.extraction.checks.registry import Finding, warning
from trialpool.review.extraction.read import Row, show
from trialpool.review.extraction.usable import no_contrast, no_result, spreads

# One person who missed a visit and came to the next is everyday.
MORE_PEOPLE, MORE_SHARE = 2, 0.05
# What the strata of one result have in common.
_IN_STRATA = ("trial_id", "outcome", "instrument", "definition", "period", "time_days",
              "analysis_set")  # fmt: skip


@warning(
    "Check n at each time; later numbers may be of another set of participants",
    flag="n grows over time",
)
def n_grows(index: Index) -> Iterator[Finding]:
    """The number of people with a score does not grow from one time to a later one."""
    same = (
        "trial_id",
        "arm_id",
        "outcome",
        "instrument",
        "period",
        "stratum",
        "analysis_set",
        "source",
    )
    sheet = index["results"]
    rows = [
        row for row in having(index.scores, "n", "time_days") if row["outcome_type"] != "change"
    ]
    for series in grouped(rows, same).values():
        most: Row = {}
        for row in sorted(series, key=lambda r: number(r, "time_days")):
            if most and number(row, "time_days") > number(most, "time_days"):
                more = number(row, "n") - number(most, "n")
                if more >= MORE_PEOPLE and more > MORE_SHARE * number(most, "n"):
                    at = f"{show(most['n'])} on day {show(most['time_days'])} (row {most['row']})"
                    rule = f"more than at any earlier time: {at}"
                    yield Finding(sheet, row, "n", rule, others=(most,))
                    break
            if not most or number(row, "n") > number(most, "n"):
                most = row


@warning(
    "Check n here and n_randomised in arms.csv; they may come from different reports",
    flag="more people analysed than randomised",
)
def n_above_randomised(index: Index) -> Iterator[Finding]:
    """No more people are analysed in an arm than were randomised to it."""
    for name, columns in (
        ("results", (("n", "arm_id"), ("totaln", "arm_id"))),
        ("contrasts", (("n_experimental", "experimental_arm"), ("n_control", "control_arm"))),
    ):
        for row in index[name].rows:
            for column, arm in columns:
                if row[column] is not None:
                    most, where = _randomised(index, row, arm)
                    if most is not None and number(row, column) > most:
                        rule = f"more than the {most:g} randomised to {where}"
                        yield Finding(index[name], row, column, rule)


def _randomised(index: Index, row: Row, arm: str) -> tuple[float | None, str]:
    """How many were randomised to a row's arm, or to its trial.

    Under both conditions of a crossover every participant counts, whatever came first.
    """
    arm_row = index.arms.get((row["trial_id"], row[arm]), {})
    if row["period"] != "both" and arm_row.get("n_randomised") is not None:
        return number(arm_row, "n_randomised"), f"the arm {row[arm]}"
    trial = index.trials.get(row["trial_id"], {})
    if trial.get("n_randomised") is None:
        return None, ""
    return number(trial, "n_randomised"), "the trial"


@warning(
    "Check n_randomised of the trial and of each arm; an arm may be missing from arms.csv",
    flag="the arms do not add up to the trial",
)
def arms_do_not_sum(index: Index) -> Iterator[Finding]:
    """The people randomised to the arms of a parallel trial add up to those of the trial."""
    for trial in having(index["trials"].rows, "n_randomised"):
        arms = index.arms_of.get(trial["trial_id"], [])
        numbers = [number(arm, "n_randomised") for arm in having(arms, "n_randomised")]
        if trial["design"] != "parallel" or not arms or len(numbers) < len(arms):
            continue
        if sum(numbers) != number(trial, "n_randomised"):
            rows = ", ".join(str(arm["row"]) for arm in arms)
            rule = (
                f"its arms (arms.csv rows {rows}) have "
                f"{' + '.join(f'{n:g}' for n in numbers)} = {sum(numbers):g}"
            )
            yield Finding(index["trials"], trial, "n_randomised", rule)


@warning(
    "Give each stratum its numbers, or set it aside in exclude_reason: the others then stand for "
    "the trial by decision",
    flag="a stratum without numbers",
)
def stratum_without_numbers(index: Index) -> Iterator[Finding]:
    """Where a result is in strata, each of them has its numbers."""
    results, contrasts = index["results"], index["contrasts"]
    judge = partial(no_result, sheet=results, spreads=spreads(results.rows))
    for sheet, why_not, apart in (
        (results, judge, ("arm_id", "outcome_type")),
        (contrasts, no_contrast, ("experimental_arm", "control_arm", "effect_measure")),
    ):
        rows = [row for row in sheet.rows if row.get("stratum") and not row["exclude_reason"]]
        for strata in grouped(rows, (*_IN_STRATA, *apart)).values():
            usable = [row for row in strata if not why_not(row)]
            named = {row["stratum"] for row in usable}
            gaps = [row for row in strata if row["stratum"] not in named]
            for row in usable if gaps else ():
                other = f"{show(gaps[0]['stratum'])} (row {gaps[0]['row']})"
                rule = f"the other stratum {other} has no numbers"
                yield Finding(sheet, row, "stratum", rule, others=tuple(gaps))
