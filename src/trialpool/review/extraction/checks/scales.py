"""Scales: scores lie where their instrument has them, and mean what the outcome means."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt

from trialpool.review.extraction.checks.index import (
    WITH_RESULTS,
    Index,
    half_unit,
    having,
    number,
    span,
)
from trialpool.review.extraction.checks.registry import Finding, error, warning
from trialpool.review.extraction.checks.sds import sd_of
from trialpool.review.extraction.read import Row, show

# A confidence limit may pass the end of a scale; the mean and the data cannot.
_ON_THE_SCALE = ("mean", "median", "q1", "q3", "minimum", "maximum")


@error("Correct the value, the instrument or outcome_type")
def instrument_range(index: Index) -> Iterator[Finding]:
    """A score lies within its instrument's range; a change within plus or minus its width."""
    sheet = index["results"]
    for row in index.scores:
        low, high = index.ends(row)
        if low is None and high is None:
            continue
        for column in _ON_THE_SCALE:
            value = row[column]
            if value is None:
                continue
            below = low is not None and float(value) < low
            if below or (high is not None and float(value) > high):
                rule = f"outside the range of {row['instrument']}, {_range(low, high)}"
                yield Finding(sheet, row, column, rule)


def _range(low: float | None, high: float | None) -> str:
    if low is None:
        return f"up to {high:g}"
    return f"from {low:g}" if high is None else f"{low:g} to {high:g}"


@error("Correct mean, the spread, n or the instrument; a standard error belongs in se")
def sd_above_maximum(index: Index) -> Iterator[Finding]:
    """An SD, printed or worked out, is not larger than scores between the ends of the scale can
    make it.
    """
    sheet = index["results"]
    for row in having(index.scores, "n"):
        low, high = index.ends(row)
        n, sd = number(row, "n"), sd_of(row)
        if sd is None or low is None or high is None or n < 2:
            continue
        # All scores at the two ends: the largest variance there can be, and that a mean leaves
        # room for. An SD worked out from a model's SE need not keep to its mean's room.
        room, loose, where = (high - low) ** 2 / 4, 0.0, ""
        mean = row["mean"]
        if mean is not None and not sd.how and low <= float(mean) <= high:
            room, where = (float(mean) - low) * (high - float(mean)), f" with mean {show(mean)}"
            loose = half_unit(sheet, row, "mean")
        if sd.value**2 <= room:
            continue
        most = sqrt(n / (n - 1) * room)
        least = sd.value if sd.how else span(sheet, row, "sd")[0]
        if least > 1.01 * most + loose:
            derived = f"an SD of {sd.value:.3g} ({sd.how}), " if sd.how else ""
            rule = (
                f"{derived}more than {n:g} scores{where} on {row['instrument']} "
                f"({low:g} to {high:g}) can have; at most {most:.3g}"
            )
            yield Finding(sheet, row, sd.column, rule)


@error("Correct the instrument or the outcome")
def instrument_outcome(index: Index) -> Iterator[Finding]:
    """A score's instrument measures the outcome of its row."""
    for sheet_name, row, scale in _continuous(index):
        if scale["outcome"] not in (None, row["outcome"]):
            rule = f"measures {scale['outcome']}, not {row['outcome']}"
            yield Finding(index[sheet_name], row, "instrument", rule)


@error("Record the scale under an outcome of its own direction")
def instrument_direction(index: Index) -> Iterator[Finding]:
    """A score's instrument and its outcome agree on which way is better."""
    for name, row, scale in _continuous(index):
        better = index.outcomes[str(row["outcome"])]["better"]
        if scale["outcome"] == row["outcome"] and scale["better"] not in (None, better):
            yield Finding(
                index[name],
                row,
                "instrument",
                f"{scale['better']} is better on it, but {better} is better for "
                f"{row['outcome']} in config/review.yaml",
            )


def _continuous(index: Index) -> Iterator[tuple[str, Row, Row]]:
    """Scores with their instrument. Response is an event counted on a scale of symptoms."""
    for name in WITH_RESULTS:
        for row in index[name].rows:
            scale = index.scale(row)
            if scale and index.kind(row) == "continuous":
                yield name, row, scale


@error("Name the scale, a row of instruments.csv")
def score_without_instrument(index: Index) -> Iterator[Finding]:
    """A score names the instrument it was measured with."""
    for name in WITH_RESULTS:
        for row in index[name].rows:
            if (
                row["instrument"] is None
                and index.kind(row) == "continuous"
                and row.get("outcome_type") != "event"
            ):
                yield Finding(index[name], row, "instrument", "blank for a score")


@error("Correct the scale's row", excluded_too=True)
def scale_makes_sense(index: Index) -> Iterator[Finding]:
    """A scale's low end is below its high end, and its steps and SD fit in between."""
    sheet = index["instruments"]
    for row in sheet.rows:
        if row["step"] == 0:
            yield Finding(
                sheet, row, "step", "must be above 0", "Leave it blank if it is not known"
            )
        if row["low"] is None or row["high"] is None:
            continue
        width = number(row, "high") - number(row, "low")
        if width <= 0:
            yield Finding(sheet, row, "low", f"not below high ({show(row['high'])})")
            continue
        if row["step"] is not None and number(row, "step") > width:
            yield Finding(sheet, row, "step", f"larger than the scale, {width:g} points wide")
        if row["reference_sd"] is not None and number(row, "reference_sd") > width / 2:
            rule = f"more than half of the scale, {width:g} points wide: no SD can be"
            yield Finding(sheet, row, "reference_sd", rule)


@warning("Say in reference_sd_source whose SD it is", flag="reference SD without a source")
def reference_sd_source(index: Index) -> Iterator[Finding]:
    """A reference SD says where it comes from."""
    for row in index.having("instruments", "reference_sd"):
        if row["reference_sd_source"] is None:
            yield Finding(index["instruments"], row, "reference_sd", "has no source")
