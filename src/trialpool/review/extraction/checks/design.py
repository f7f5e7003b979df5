"""Design: arms, comparators and periods that fit each other."""

from __future__ import annotations

from collections.abc import Iterator

from trialpool.review.extraction.checks.index import WITH_RESULTS, Index, having
from trialpool.review.extraction.checks.registry import Finding, error, warning


@error("Say what kind of comparator it is", excluded_too=True)
def comparator_class(index: Index) -> Iterator[Finding]:
    """Every control arm says what kind of comparator it is, and no experimental arm does."""
    sheet = index["arms"]
    for row in sheet.rows:
        if row["role"] == "control" and row["comparator_class"] is None:
            yield Finding(sheet, row, "comparator_class", "blank for a control arm")
        elif row["role"] == "experimental" and row["comparator_class"] is not None:
            rule, fix = "given for an experimental arm", "Leave it blank, or correct role"
            yield Finding(sheet, row, "comparator_class", rule, fix)


@error("Use `whole` for parallel trials, `first` or `both` for crossover trials", excluded_too=True)
def period(index: Index) -> Iterator[Finding]:
    """Only crossover trials have periods."""
    for name in (*WITH_RESULTS, "missing_results"):
        for row in having(index[name].rows, "period"):
            design = index.trials.get(row["trial_id"], {}).get("design")
            if design is not None and (design == "crossover") == (row["period"] == "whole"):
                rule = f"does not fit the trial's design, {design}"
                yield Finding(index[name], row, "period", rule)


@error("Move it to sd_pooled, or correct period")
def paired_without_pairs(index: Index) -> Iterator[Finding]:
    """An SD of within-person differences belongs to people seen under both conditions."""
    for row in index.having("contrasts", "sd_difference", "period"):
        if row["period"] != "both":
            rule = f"an SD of within-person differences where period is {row['period']}"
            yield Finding(index["contrasts"], row, "sd_difference", rule)


@warning(
    "Add the other side to arms.csv, or correct role",
    flag="a trial with one side only",
)
def one_sided_trial(index: Index) -> Iterator[Finding]:
    """A trial with results has an experimental and a control arm, if they are to be compared."""
    compared = {
        row["trial_id"]
        for name in WITH_RESULTS
        for row in index.used(name)
        if index.outcomes.get(str(row["outcome"]), {}).get("groups") != "1"
    }
    for trial in index["trials"].rows:
        roles = {arm["role"] for arm in index.arms_of.get(trial["trial_id"], [])}
        for role in ("experimental", "control"):
            if trial["trial_id"] in compared and role not in roles:
                rule = f"has results but no {role} arm"
                yield Finding(index["trials"], trial, "trial_id", rule)


@warning(
    "Correct comparator_class in arms.csv, or concomitant here",
    flag="comparator and concomitant treatment contradict each other",
)
def ect_in_one_place(index: Index) -> Iterator[Finding]:
    """Where the control arm gets the same ECT, all arms get ECT besides the drug."""
    for trial in index["trials"].rows:
        for arm in index.arms_of.get(trial["trial_id"], []):
            if arm["comparator_class"] == "same_ect" and trial["concomitant"] not in (None, "ect"):
                rule = f"not ect, but the arm {arm['arm_id']} has comparator_class same_ect"
                yield Finding(index["trials"], trial, "concomitant", rule)
