"""Effects too large to be true, and numbers that stand in two places."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt

from trialpool.review.extraction.checks.index import Index, decimals, grouped, having, number
from trialpool.review.extraction.checks.registry import Finding, warning
from trialpool.review.extraction.read import Row, show

MOST_SDS = 3.0
# Two decimals between mean and SD: whole numbers meet by chance.
ENOUGH_DECIMALS = 2


@warning(
    "Check the SDs (a standard error in their place makes effects large), the means and the arms",
    flag="a difference of more than 3 SDs",
)
def effect_above_3_sd(index: Index) -> Iterator[Finding]:
    """Two arms do not differ by more than 3 pooled standard deviations."""
    for rows in index.comparisons:
        arms = [row for row in having(rows, "mean", "sd", "n") if row["sd"]]
        means, sds = ([number(row, column) for row in arms] for column in ("mean", "sd"))
        if not arms or max(means) - min(means) <= MOST_SDS * min(sds):
            continue
        for row in (r for r in arms if index.role(r["trial_id"], r["arm_id"]) == "experimental"):
            for other in arms:
                if index.role(other["trial_id"], other["arm_id"]) != "control":
                    continue
                size = _standardised(row, other)
                if abs(size) > MOST_SDS:
                    far = f"{abs(size):.1f} pooled SDs {'below' if size < 0 else 'above'}"
                    rule = f"{far} row {other['row']} ({show(other['mean'])})"
                    yield Finding(index["results"], row, "mean", rule, others=(other,))
    for row in index.having("contrasts", "estimate"):
        size = number(row, "estimate")
        if row["effect_measure"] == "MD":
            size = size / number(row, "sd_pooled") if row["sd_pooled"] else 0.0
        if row["effect_measure"] in ("MD", "D", "G") and abs(size) > MOST_SDS:
            rule = f"a difference of {abs(size):.1f} standard deviations"
            yield Finding(index["contrasts"], row, "estimate", rule)


def _standardised(one: Row, other: Row) -> float:
    weights = [max(0.0, number(row, "n") - 1) for row in (one, other)]
    if sum(weights) <= 0:
        return 0.0
    squares = [w * number(row, "sd") ** 2 for w, row in zip(weights, (one, other), strict=True)]
    sd = sqrt(sum(squares) / sum(weights))
    return (number(one, "mean") - number(other, "mean")) / sd if sd > 0 else 0.0


@warning(
    "Check the source; give exclude_reason if it is a posting error",
    flag="repeats the baseline to the digit",
)
def equal_to_baseline(index: Index) -> Iterator[Finding]:
    """A result after treatment does not repeat the baseline to the digit."""
    sheet = index["results"]
    same = ("trial_id", "arm_id", "instrument", "n", "mean", "sd")
    baseline = {
        tuple(row[c] for c in same): row
        for row in having(sheet.rows, "mean", "sd")
        if row["outcome_type"] == "baseline"
    }
    for row in having(index.scores, "mean", "sd"):
        other = (
            baseline.get(tuple([row[c] for c in same])) if row["outcome_type"] == "msd" else None
        )
        if other:
            rule = f"the same n, mean and SD as at baseline (row {other['row']})"
            yield Finding(sheet, row, "mean", rule)


@warning(
    "Check both rows against the source: one may have been copied over the other",
    flag="the same numbers stand in another row",
)
def same_numbers(index: Index) -> Iterator[Finding]:
    """No two arms, trials, times or scales share n, mean and SD, or a difference and its limits,
    to the digit.
    """
    for name, rows, column, numbers in (
        ("results", index.scores, "mean", ("n", "mean", "sd")),
        ("contrasts", index.used("contrasts"), "estimate", ("estimate", "ci_low", "ci_high")),
    ):
        sheet = index[name]
        for equal in grouped(having(rows, *numbers), numbers).values():
            places = sum(decimals(sheet.text(equal[0], c)) for c in numbers) if equal[1:] else 0
            for place, row in enumerate(equal) if places >= ENOUGH_DECIMALS else ():
                others = ((o, where) for o in equal[:place] if (where := _elsewhere(row, o)))
                for other, where in list(others)[:1]:
                    rule = f"the same {_WHAT[name]} as in row {other['row']}, which has {where}"
                    yield Finding(sheet, row, column, rule, others=(other,))


_WHAT = {"results": "n, mean and SD", "contrasts": "estimate and interval"}
# What makes two results two: not who reports them, and not for which set of the same people.
_OF = ("trial_id", "arm_id", "experimental_arm", "control_arm", "outcome", "instrument", "period",
       "time_days")  # fmt: skip


def _elsewhere(row: Row, other: Row) -> str:
    """Where the other row says it is from, if it is elsewhere; a baseline has its own check."""
    where = next((c for c in _OF if c in row and row[c] != other[c]), "")
    kinds = {row.get("outcome_type"), other.get("outcome_type")}
    if "baseline" in kinds and len(kinds) > 1 and where not in ("trial_id", "arm_id", "instrument"):
        return ""
    value = other.get(where)
    return f"{where} {'blank' if value is None else show(value)}" if where else ""
