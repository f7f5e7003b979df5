"""Reported differences: is their standard error one that their people and their scale allow?"""

from __future__ import annotations

from collections.abc import Iterator
from math import hypot, inf, isfinite, sqrt

from trialpool.review.extraction.checks.index import Index, having, number
from trialpool.review.extraction.checks.registry import Finding, error, warning
from trialpool.review.extraction.checks.sds import SD_RATIO, Sds, doubted
from trialpool.review.extraction.read import Row
from trialpool.review.extraction.reported import Reported, reported_estimate

# Beside sqrt(1/n1 + 1/n2), the standard error of a difference of scores with an SD of 1: adjusting
# for baseline takes away two thirds at most; a d of 3 adds a little, clusters rarely double it.
LEAST_OF_D, MOST_OF_D = 1 / 3, 2.0
# The variance of a log odds ratio is the sum of 1/(n p (1 - p)), least for p = 0.5; that of a risk
# difference is the sum of p (1 - p)/n, most for p = 0.5; every hazard ratio has fewer events than
# people. What rounding and other models do to them is a tenth.
LOOSE = 1.1
_BOUNDS = {
    "D": (LEAST_OF_D, MOST_OF_D),
    "G": (LEAST_OF_D, MOST_OF_D),
    "OR": (2 / LOOSE, inf),
    "HR": (1 / LOOSE, inf),
    "RD": (0.0, LOOSE / 2),
}
# Behind the SE of an adjusted difference is less than the SD of the scores.
SMALL_RATIO = 5.0


def _read(index: Index) -> list[tuple[Row, Reported]]:
    """The differences between groups of people of known sizes, as the pipeline reads them."""
    rows = having(index.used("contrasts"), "estimate", "n_experimental", "n_control")
    apart = [row for row in rows if row["period"] != "both"]
    read = [
        (row, reported_estimate(row, number(row, "n_experimental"), number(row, "n_control")))
        for row in apart
        if row["effect_measure"] in (*_BOUNDS, "MD") and row["p_value"] != 0
    ]
    return [(row, one) for row, one in read if isfinite(one.se) and one.se > 0]


@warning(
    "Check the SE, the interval or p, and the numbers of people",
    flag="the precision of the difference does not fit its number of people",
)
def precision_contradicts_n(index: Index) -> Iterator[Finding]:
    """The standard error of a d, an odds ratio, a hazard ratio or a risk difference is one that so
    many people can have.
    """
    for row, read in index.shared(_read):
        if row["effect_measure"] == "MD":
            continue
        least, most = _BOUNDS[str(row["effect_measure"])]
        unit = _unit(row)
        if row["effect_measure"] in ("D", "G"):
            most *= hypot(1, read.yi / sqrt(8))
        if not least * unit <= read.se <= most * unit:
            way, bound = ("least", least) if read.se < least * unit else ("most", most)
            rule = (
                f"the standard error is {read.se:.2g} ({read.formula}), but with "
                f"{number(row, 'n_experimental'):g} and {number(row, 'n_control'):g} people it is "
                f"at {way} {bound * unit:.2g}"
            )
            yield Finding(index["contrasts"], row, read.cells[-1], rule)


def _unit(row: Row) -> float:
    return sqrt(1 / number(row, "n_experimental") + 1 / number(row, "n_control"))


def contrast_sds(index: Index) -> list[tuple[Row, float, str, str]]:
    """The SDs of differences of means: printed, or behind the SE; the cell and the words."""
    # scipy comes with it; `trialpool check` seldom needs it.
    from trialpool.effects.generic import sd_from_difference

    out = []
    for row, read in index.shared(_read):
        if row["effect_measure"] == "MD" and row["sd_pooled"] is not None:
            out.append((row, number(row, "sd_pooled"), "sd_pooled", "sd_pooled"))
        elif row["effect_measure"] == "MD":
            people = number(row, "n_experimental"), number(row, "n_control")
            how = f"{read.formula}; SD = SE / sqrt(1/n1 + 1/n2)"
            out.append((row, float(sd_from_difference(read.se, *people)), read.cells[-1], how))
    return [each for each in out if each[1] > 0]


@error("Correct the SE, the interval, p, sd_pooled or the numbers of people")
def contrast_sd_above_maximum(index: Index) -> Iterator[Finding]:
    """The SD behind a difference of means is not larger than the whole scale, which even changes
    cannot pass.
    """
    for row, sd, column, how in index.shared(contrast_sds):
        low, high = index.ends({**row, "outcome_type": "msd"})
        if low is not None and high is not None and sd > LOOSE * (high - low):
            rule = f"an SD of {sd:.3g} ({how}) on {row['instrument']}, {low:g} to {high:g}"
            yield Finding(index["contrasts"], row, column, rule)


@warning(
    "Check the SE, the interval or p, and the numbers of people",
    flag="the SD behind the difference is unusual",
)
def contrast_sd_unusual(index: Index) -> Iterator[Finding]:
    """The SD behind a difference of means is not several times that of the arms, of other trials
    or the instrument's reference SD, nor a small part of it.
    """
    arms, odd = index.shared(Sds), index.shared(doubted)
    for row, sd, column, how in index.shared(contrast_sds):
        reference = index.reference_sd(row)
        of_arms = [
            each.value
            for each in arms.of_arms(row["trial_id"], row["instrument"])
            if each.row["row"] not in odd
        ]
        for value, whose in (
            (max(of_arms, default=None), "of its arms"),
            (reference, "of reference"),
            (arms.usual({**row, "outcome_type": "msd"}), "of other trials"),
        ):
            if value is None:
                continue
            if not value / SMALL_RATIO < sd < SD_RATIO * value:
                rule = f"an SD of {sd:.3g} ({how}), where that {whose} is {value:.3g}"
                yield Finding(index["contrasts"], row, column, rule)
                break
