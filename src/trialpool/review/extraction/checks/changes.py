"""Changes: their standard deviations in the place of those of scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median

from trialpool.review.extraction.checks.index import Index, decimals, grouped, having, number
from trialpool.review.extraction.checks.registry import Finding, warning
from trialpool.review.extraction.read import Row, Value

# SDs with so many decimals are hardly equal by chance.
SAME_DECIMALS = 2
# From here on SDs of changes and of scores tell themselves apart: between trials of one instrument
# either may differ by a fifth.
SDS_APART = 1.5
ENOUGH_TRIALS = 2

_OfTrial = Mapping[Value, float]


@warning(
    "If it is the SD of a change, enter the change and exclude this row with a reason",
    flag="the SD may be that of a change",
)
def change_sd_as_score(index: Index) -> Iterator[Finding]:
    """A score after treatment has the SD of scores: not that of the same arm's change, nor one
    nearer to those of changes than to those of scores of the instrument in other trials.
    """
    sheet = index["results"]
    scores = having(index.scores, "sd", "instrument")
    changes = [row for row in scores if row["outcome_type"] == "change"]
    of_arm = grouped(changes, ("trial_id", "arm_id", "instrument"))
    known = {kind: _by_trial(scores, kind) for kind in ("change", "msd")}
    for rows in index.comparisons:
        arms = [row for row in having(rows, "sd", "instrument") if row["outcome_type"] == "msd"]
        rule = _nearer_to_changes(arms, known, index)
        for row in arms:
            text = sheet.text(row, "sd")
            mine = of_arm.get((row["trial_id"], row["arm_id"], row["instrument"]), [])
            same = [each for each in mine if sheet.text(each, "sd") == text]
            if same and decimals(text) >= SAME_DECIMALS:
                twin = f"the SD of the same arm's change in row {same[0]['row']}"
                yield Finding(sheet, row, "sd", twin, others=tuple(same))
            elif rule:
                yield Finding(sheet, row, "sd", rule)


def _by_trial(scores: Sequence[Row], kind: str) -> dict[Value, dict[Value, float]]:
    """The median SD of each trial, by instrument."""
    out: dict[Value, dict[Value, float]] = {}
    of_kind = [row for row in scores if row["outcome_type"] == kind]
    for (instrument, trial), rows in grouped(of_kind, ("instrument", "trial_id")).items():
        out.setdefault(instrument, {})[trial] = median(number(row, "sd") for row in rows)
    return out


def _nearer_to_changes(
    arms: Sequence[Row], known: Mapping[str, Mapping[Value, _OfTrial]], index: Index
) -> str:
    """That all arms' SDs are nearer to those of changes in other trials; blank where not."""
    if not arms:
        return ""
    instrument, trial = arms[0]["instrument"], arms[0]["trial_id"]
    usual = {kind: _usual(known[kind].get(instrument, {}), trial) for kind in known}
    reference = index.scale(arms[0]).get("reference_sd")
    of_scores = usual["msd"] or (None if reference is None else float(reference))
    of_changes = usual["change"]
    if not of_scores or not of_changes:
        return ""
    if max(of_scores / of_changes, of_changes / of_scores) < SDS_APART:
        return ""
    below, middle = of_changes < of_scores, of_changes * of_scores
    if any((number(row, "sd") ** 2 < middle) != below for row in arms):
        return ""
    return (
        f"nearer to the SD of changes on {instrument} in other trials ({of_changes:.3g}) than to "
        f"that of scores ({of_scores:.3g})"
    )


def _usual(of_trials: _OfTrial, trial: Value) -> float | None:
    """The median over the other trials; None where they are too few."""
    others = [sd for name, sd in of_trials.items() if name != trial]
    return median(others) if len(others) >= ENOUGH_TRIALS else None
