"""Checks on raw tables. One function each; registering it is all it takes.

A check sees the tables of one condition and yields problems. An error stops the run before
anything is written; a warning travels with the row to the page.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping

from trialpool.extraction.problems import Problem
from trialpool.extraction.read import RawData, Row, Sheet, second_look, show
from trialpool.extraction.schema import CONDITION_TABLES, INSTRUMENTS

# outcome -> {"kind": "continuous" | "binary", "better": "lower" | "higher"}
Outcomes = Mapping[str, Mapping[str, str]]
Check = Callable[[RawData, Outcomes], Iterator[Problem]]
CHECKS: dict[str, Check] = {}

# An SE is smaller than its SD by sqrt(n): with the 10 to 100 people per arm of small trials, by a
# factor of 3 to 10. Two arms measured on one scale rarely differ in SD by a factor of 3.
SD_RATIO = 3.0
SD_OF_REFERENCE = 0.2

_WITH_RESULTS = ("results", "contrasts")


def check(function: Check) -> Check:
    """Register a check under its function's name."""
    CHECKS[function.__name__] = function
    return function


def run_checks(raw: RawData, outcomes: Outcomes) -> list[Problem]:
    """All problems of all checks, in the order of registration.

    A table that could not be read at all would make every row that refers to it look wrong, so
    nothing is checked until all tables can be read.
    """
    if not all(sheet.readable for sheet in raw.sheets.values()):
        return []
    return [problem for function in CHECKS.values() for problem in function(raw, outcomes)]


@check
def duplicate_row(raw: RawData, outcomes: Outcomes) -> Iterator[Problem]:
    """No two rows of a table share their key."""
    for table in (INSTRUMENTS, *CONDITION_TABLES):
        sheet = raw[table.name]
        first: dict[tuple[object, ...], Row] = {}
        for row in sheet.rows:
            key = tuple(row[name] for name in table.key)
            if key in first:
                named = ", ".join(
                    f"{name} {show(row[name])}" for name in table.key if row[name] is not None
                )
                yield sheet.problem(
                    row,
                    table.key[0],
                    f"the same as row {first[key]['row']} ({named})",
                    "Remove one row, or tell them apart in a key column",
                    "duplicate_row",
                )
            first.setdefault(key, row)


@check
def orphan(raw: RawData, outcomes: Outcomes) -> Iterator[Problem]:
    """Every trial, arm, instrument and outcome that is named exists."""
    trials = raw.trials()
    arms = {(row["trial_id"], row["arm_id"]) for row in raw["arms"].rows}
    instruments = raw.instruments()
    for name in ("arms", "results", "contrasts", "risk_of_bias", "missing_results"):
        sheet = raw[name]
        for row in sheet.rows:
            if row["trial_id"] is not None and row["trial_id"] not in trials:
                yield sheet.problem(
                    row,
                    "trial_id",
                    "no such trial in trials.csv",
                    "Add the trial there or fix the spelling",
                    "orphan_trial",
                )
                continue
            for column in ("arm_id", "experimental_arm", "control_arm"):
                arm = (row["trial_id"], row.get(column))
                if name != "arms" and arm[1] is not None and arm not in arms:
                    yield sheet.problem(
                        row,
                        column,
                        "no such arm of this trial in arms.csv",
                        "Add the arm there or fix the spelling",
                        "orphan_arm",
                    )
    for name in _WITH_RESULTS:
        sheet = raw[name]
        for row in sheet.rows:
            if row["instrument"] is not None and row["instrument"] not in instruments:
                yield sheet.problem(
                    row,
                    "instrument",
                    "unknown instrument",
                    "Add it to data/raw/instruments.csv or fix the spelling",
                    "unknown_instrument",
                )
    for name in (*_WITH_RESULTS, "missing_results", "instruments"):
        sheet = raw[name]
        for row in sheet.rows:
            if row["outcome"] is not None and row["outcome"] not in outcomes:
                yield sheet.problem(
                    row,
                    "outcome",
                    "not declared under outcomes in config/review.yaml",
                    "Declare it there or fix the spelling",
                    "unknown_outcome",
                )


@check
def instrument_range(raw: RawData, outcomes: Outcomes) -> Iterator[Problem]:
    """A score lies within its instrument's range; a change within plus or minus the range."""
    instruments = raw.instruments()
    sheet = raw["results"]
    for row in sheet.rows:
        scale = instruments.get(row["instrument"])
        if scale is None or scale["low"] is None or scale["high"] is None:
            continue
        low, high = _real(scale, "low"), _real(scale, "high")
        if row["outcome_type"] == "change":
            low, high = low - high, high - low
        for column in ("mean", "ci_low", "ci_high", "median", "q1", "q3"):
            value = row[column]
            # A confidence limit may pass the end of a scale; the mean and the data cannot.
            if value is None or column.startswith("ci_") or low <= float(value) <= high:
                continue
            yield sheet.problem(
                row,
                column,
                f"outside the range of {scale['instrument']}, {low:g} to {high:g}",
                "Correct the value, the instrument or outcome_type",
                "instrument_range",
            )


@check
def event_counts(raw: RawData, outcomes: Outcomes) -> Iterator[Problem]:
    """Counts come with their denominator, and no more people have the event than were at risk."""
    sheet = raw["results"]
    for row in sheet.rows:
        event, total = row["event"], row["totaln"]
        if event is not None and total is not None and float(event) > float(total):
            yield sheet.problem(
                row,
                "event",
                f"more events than people ({show(total)})",
                "Correct event or totaln",
                "events_above_n",
            )
        if row["outcome"] not in outcomes or row["outcome_type"] is None:
            continue
        kind = outcomes[str(row["outcome"])]["kind"]
        if (row["outcome_type"] == "event") != (kind == "binary"):
            yield sheet.problem(
                row,
                "outcome_type",
                f"does not fit outcome {row['outcome']}, which is {kind}",
                "Correct outcome_type or outcome",
                "outcome_type",
            )


@check
def instrument_fits(raw: RawData, outcomes: Outcomes) -> Iterator[Problem]:
    """A score's instrument measures the row's outcome, and both agree on which way is better.

    Events are exempt: response is an event counted on a symptom scale.
    """
    instruments = raw.instruments()
    for name in _WITH_RESULTS:
        sheet = raw[name]
        for row in sheet.rows:
            scale, outcome = instruments.get(row["instrument"]), outcomes.get(str(row["outcome"]))
            if scale is None or outcome is None or outcome["kind"] == "binary":
                continue
            if scale["outcome"] not in (None, row["outcome"]):
                yield sheet.problem(
                    row,
                    "instrument",
                    f"measures {scale['outcome']}, not {row['outcome']}",
                    "Correct the instrument or the outcome",
                    "instrument_outcome",
                )
            elif scale["better"] not in (None, outcome["better"]):
                yield sheet.problem(
                    row,
                    "instrument",
                    f"{scale['better']} is better on it, but {outcome['better']} is better for "
                    f"{row['outcome']} in config/review.yaml",
                    "Record the scale under an outcome of its own direction",
                    "instrument_direction",
                )


@check
def ratio_above_zero(raw: RawData, outcomes: Outcomes) -> Iterator[Problem]:
    """A ratio and its limits are above zero; they are logged."""
    sheet = raw["contrasts"]
    for row in sheet.rows:
        for column in ("estimate", "ci_low", "ci_high"):
            value = row[column]
            if row["effect_measure"] in ("OR", "RR") and value is not None and float(value) <= 0:
                yield sheet.problem(
                    row,
                    column,
                    f"a ratio ({row['effect_measure']}) must be above 0",
                    "Enter it as printed, not logged",
                    "ratio",
                )


@check
def zero_spread(raw: RawData, outcomes: Outcomes) -> Iterator[Problem]:
    """A standard deviation or error of exactly zero is not a spread."""
    for name, columns in (("results", ("sd", "se")), ("contrasts", ("se", "sd_difference"))):
        sheet = raw[name]
        for row in sheet.rows:
            for column in columns:
                if row[column] == 0:
                    yield sheet.problem(
                        row,
                        column,
                        "must be above 0",
                        "Leave it blank if it is not known",
                        "zero_spread",
                    )


@check
def limits_in_order(raw: RawData, outcomes: Outcomes) -> Iterator[Problem]:
    """Lower limits lie below upper ones, and the estimate between them."""
    for name, middle in (("results", "mean"), ("contrasts", "estimate")):
        sheet = raw[name]
        for row in sheet.rows:
            low, high, mid = row["ci_low"], row["ci_high"], row[middle]
            if low is None or high is None:
                continue
            if float(low) >= float(high):
                yield sheet.problem(
                    row,
                    "ci_low",
                    f"not below ci_high ({show(high)})",
                    "Correct the limits",
                    "limits",
                )
            elif mid is not None and not float(low) <= float(mid) <= float(high):
                yield sheet.problem(
                    row,
                    middle,
                    f"outside its own interval, {show(low)} to {show(high)}",
                    "Correct the value or the limits",
                    "limits",
                )


@check
def arm_roles(raw: RawData, outcomes: Outcomes) -> Iterator[Problem]:
    """Control arms say what kind of comparator they are; only crossover trials have DS."""
    trials = raw.trials()
    for row in raw["arms"].rows:
        if row["role"] == "control" and row["comparator_class"] is None:
            yield raw["arms"].problem(
                row,
                "comparator_class",
                "blank for a control arm",
                "Say what kind of comparator it is",
                "comparator_class",
            )
    for name in _WITH_RESULTS:
        for row in raw[name].rows:
            trial = trials.get(row["trial_id"])
            if trial is None or row["period"] is None or trial["design"] is None:
                continue
            if (trial["design"] == "crossover") == (row["period"] == "whole"):
                yield raw[name].problem(
                    row,
                    "period",
                    f"does not fit the trial's design, {trial['design']}",
                    "Use `whole` for parallel trials, `first` or `both` for crossover trials",
                    "period",
                )
    for row in raw["risk_of_bias"].rows:
        trial = trials.get(row["trial_id"])
        if row["domain"] == "DS" and trial is not None and trial["design"] == "parallel":
            yield raw["risk_of_bias"].problem(
                row,
                "domain",
                "the crossover domain of a parallel trial",
                "Remove the row",
                "rob",
            )


@check
def se_typed_as_sd(raw: RawData, outcomes: Outcomes) -> Iterator[Problem]:
    """Warn when an SD looks like a standard error: against the other arm, or the instrument."""
    instruments = raw.instruments()
    sheet = raw["results"]
    groups: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    names = [n for n in sheet.table.key if n != "arm_id"]
    for row in sheet.rows:
        if row["sd"] is not None and float(row["sd"]) > 0 and row["exclude_reason"] is None:
            groups[tuple(row[name] for name in names)].append(row)
    fix = (
        "If it is a standard error move it to se; if not, name se_typed_as_sd in checked, "
        "with the reason in notes"
    )
    for rows in groups.values():
        largest = max(rows, key=lambda r: _real(r, "sd"))
        for row in rows:
            if "se_typed_as_sd" in second_look(row):
                continue
            ratio = _real(largest, "sd") / _real(row, "sd")
            reference = instruments.get(row["instrument"], {}).get("reference_sd")
            if ratio >= SD_RATIO:
                yield sheet.problem(
                    row,
                    "sd",
                    f"{ratio:.1f} times smaller than the other arm's SD "
                    f"({show(largest['sd'])}) on {row['instrument']}; looks like a standard error",
                    fix,
                    "se_typed_as_sd",
                    warn=True,
                )
            elif reference is not None and _real(row, "sd") < SD_OF_REFERENCE * float(reference):
                yield sheet.problem(
                    row,
                    "sd",
                    f"less than a fifth of the reference SD of {row['instrument']} "
                    f"({show(reference)}); looks like a standard error",
                    fix,
                    "se_typed_as_sd",
                    warn=True,
                )


@check
def equal_to_baseline(raw: RawData, outcomes: Outcomes) -> Iterator[Problem]:
    """Warn when a follow-up result repeats the baseline to the digit."""
    sheet = raw["results"]
    baseline = {
        (r["trial_id"], r["arm_id"], r["instrument"], r["n"], r["mean"], r["sd"]): r["row"]
        for r in sheet.rows
        if r["outcome_type"] == "baseline" and r["mean"] is not None
    }
    for row in sheet.rows:
        key = tuple(row[c] for c in ("trial_id", "arm_id", "instrument", "n", "mean", "sd"))
        if row["outcome_type"] == "msd" and row["exclude_reason"] is None and key in baseline:
            yield sheet.problem(
                row,
                "mean",
                f"the same n, mean and SD as at baseline (row {baseline[key]})",
                "Check the source; give exclude_reason if it is a posting error",
                "equal_to_baseline",
                warn=True,
            )


def _real(row: Row, column: str) -> float:
    return float(row[column] or 0.0)


__all__ = ["CHECKS", "SD_RATIO", "Outcomes", "Sheet", "check", "run_checks"]
