"""SDs beside other SDs, whether they are printed or worked out from an SE, a CI or quartiles."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from math import isfinite
from statistics import median
from typing import NamedTuple

from trialpool.review.extraction.checks.index import Index, Key, grouped, having, number
from trialpool.review.extraction.checks.registry import Finding, warning
from trialpool.review.extraction.derived import from_quantiles, quantiles, spread
from trialpool.review.extraction.read import Row, Value, show

# An SE is smaller than its SD by sqrt(n): with the 10 to 100 people per arm of small trials, by a
# factor of 3 to 10. Two arms measured on one scale rarely differ in SD by a factor of 3.
SD_RATIO = 3.0
SD_OF_REFERENCE = 0.2
SD_OF_RANGE = 0.025
ENOUGH_TRIALS, ENOUGH_PEOPLE = 2, 5
# Near an end of its scale a score has no room to vary. An SD of half the distance to that end is
# what small scores have (as counts do); the SE of ten people and more is well below it.
SD_OF_ROOM = 0.5
# A score that is the mean of the items, or their share of the most there can be, is smaller than
# their sum by a factor, its mean about as much as its SD.
MEAN_RATIO, SAME_FACTOR = 2.0, 2.0


class Sd(NamedTuple):
    """The SD that is used of a row's score, the cell it comes from, and how (blank: printed)."""

    row: Row
    value: float
    column: str
    how: str

    @property
    def words(self) -> str:
        """The SD in words."""
        return f"{self.value:.3g}, worked out" if self.how else show(self.row["sd"])


def sd_of(row: Row) -> Sd | None:
    """The SD of a score as the pipeline uses it; None where there is none above 0."""
    printed = spread(row) if row["mean"] is not None or row["sd"] is not None else None
    if printed:
        sd = Sd(row, printed.sd, printed.cells[0], printed.how)
    elif row["mean"] is None and row["n"] is not None and (given := quantiles(row)):
        estimated = from_quantiles(number(row, "n"), given, "LWS", False)
        how = f"from {', '.join(name for name, _ in given)}"
        sd = Sd(row, float(estimated.sd[0]), given[0][0], how)
    else:
        return None
    return sd if isfinite(sd.value) and sd.value > 0 else None


class Sds:
    """The SDs of all scores: side by side, of the same arm, and of other trials."""

    def __init__(self, index: Index) -> None:
        self.sides = [[sd for row in rows if (sd := sd_of(row))] for rows in index.comparisons]
        of_row = {sd.row["row"]: sd for side in self.sides for sd in side}
        scores = [row for row in having(index.scores, "instrument") if row["row"] in of_row]
        self._of_arm = {
            key: [of_row[row["row"]] for row in rows]
            for key, rows in grouped(scores, ("trial_id", "arm_id", "instrument")).items()
        }
        self._of_arms: dict[Key, list[Sd]] = {}
        for (trial, _, instrument), of_arm in self._of_arm.items():
            self._of_arms.setdefault((trial, instrument), []).extend(of_arm)
        # One SD per trial, so that one with many time points does not outvote the others.
        self._sd: dict[Key, _OfTrials] = {}
        self._mean: dict[Key, _OfTrials] = {}
        for key, rows in grouped(scores, ("instrument", "outcome_type", "trial_id")).items():
            sds = [of_row[row["row"]].value for row in rows]
            self._sd.setdefault(key[:2], _OfTrials()).add(key[2], median(sds))
            means = [abs(number(row, "mean")) for row in having(rows, "mean")]
            if means:
                self._mean.setdefault(key[:2], _OfTrials()).add(key[2], median(means))

    def elsewhere(self, row: Row) -> list[Sd]:
        """The SDs of the same arm on the instrument, at other times."""
        key = (row["trial_id"], row["arm_id"], row["instrument"])
        return [sd for sd in self._of_arm.get(key, []) if sd.row is not row]

    def of_arms(self, trial: Value, instrument: Value) -> list[Sd]:
        """The SDs of all arms of a trial on an instrument, at all times."""
        return self._of_arms.get((trial, instrument), [])

    def usual(self, row: Row) -> float | None:
        """The median SD of other trials on the instrument; None where there are too few."""
        of_trials = self._sd.get((row["instrument"], row["outcome_type"]))
        return of_trials.median_without(row["trial_id"]) if of_trials else None

    def usual_mean(self, row: Row) -> float | None:
        """The median of the means of other trials on the instrument, whatever their sign."""
        of_trials = self._mean.get((row["instrument"], row["outcome_type"]))
        return of_trials.median_without(row["trial_id"]) if of_trials else None


class _OfTrials:
    """One number of each trial, in order."""

    def __init__(self) -> None:
        self._of: dict[Value, float] = {}
        self._all: list[float] = []

    def add(self, trial: Value, value: float) -> None:
        self._of[trial] = value
        insort(self._all, value)

    def median_without(self, trial: Value) -> float | None:
        """The median of the others; None where they are too few."""
        values = self._all
        if trial not in self._of:
            return median(values) if len(values) >= ENOUGH_TRIALS else None
        if len(values) <= ENOUGH_TRIALS:
            return None
        place = bisect_left(values, self._of[trial])
        # In order without the trial's own: whoever stands behind it moves up.
        left, right = (len(values) - 2) // 2, (len(values) - 1) // 2
        return (values[left + (left >= place)] + values[right + (right >= place)]) / 2


class _Odd(NamedTuple):
    """An SD that others make look small, or large, with how they do."""

    sd: Sd
    rule: str


@warning("If it is a standard error, move it to se", flag="the SD may be a standard error")
def se_typed_as_sd(index: Index) -> Iterator[Finding]:
    """An SD is not as small as a standard error: compared with the other arm, the same arm at
    other times, the instrument's reference SD, other trials, and the scale's width.
    """
    for sd, rule in index.shared(_small):
        if not sd.how:
            words = f"{rule}; looks like a standard error"
            yield Finding(index["results"], sd.row, sd.column, words)


@warning(
    "Check the SE, the limits or the quartiles, and n",
    flag="the SD behind the SE or CI is unusually small",
)
def derived_sd_small(index: Index) -> Iterator[Finding]:
    """An SD that is worked out from an SE, a CI or quartiles is not several times smaller than
    those it is compared with.
    """
    for sd, rule in index.shared(_small):
        if sd.how:
            yield Finding(
                index["results"], sd.row, sd.column, f"an SD of {sd.value:.3g} ({sd.how}), {rule}"
            )


@warning(
    "Check the decimal point; if an SD was typed as se, move it to sd",
    flag="the SD is unusually large",
)
def sd_too_large(index: Index) -> Iterator[Finding]:
    """An SD, printed or worked out, is not several times larger than that of the same arm at
    other times, of other trials, or the instrument's reference SD.
    """
    for sd, rule in index.shared(_large):
        said = f"an SD of {sd.value:.3g} ({sd.how}), {rule}" if sd.how else rule
        yield Finding(index["results"], sd.row, sd.column, said)


@warning(
    "Record it under an instrument of its own, e.g. the mean of the items instead of their sum",
    flag="another scoring of the scale than in other trials",
)
def another_scoring(index: Index) -> Iterator[Finding]:
    """A scale is scored alike in all trials: not once as the sum of its items and once as their
    mean.
    """
    sds = index.shared(Sds)
    first: dict[Key, Sd] = {}
    for sd in index.shared(_rescaled):
        if first.setdefault(_scale_of(sd), sd) is sd:
            rule = (
                f"mean and SD ({sd.words}) are as many times smaller than the usual ones on "
                f"{sd.row['instrument']} ({sds.usual_mean(sd.row):.3g} and {sds.usual(sd.row):.3g})"
            )
            yield Finding(index["results"], sd.row, "mean", rule)


def _large(index: Index) -> list[_Odd]:
    sds, out = index.shared(Sds), []
    # Where a scale is scored in two ways, nothing is usual.
    two_ways = {sd.row["instrument"] for sd in index.shared(_rescaled)}
    for sd in (sd for side in sds.sides for sd in side):
        usual = None if sd.row["instrument"] in two_ways else sds.usual(sd.row)
        times = [
            other.value
            for other in sds.elsewhere(sd.row)
            if other.row["outcome_type"] == sd.row["outcome_type"]
            and not _little_room(index, other)
        ]
        for value, than in (
            (index.reference_sd(sd.row), f"the reference SD of {sd.row['instrument']}"),
            (usual, f"the median SD of other trials on {sd.row['instrument']}"),
            # Of two times that differ it is the smaller SD that is told.
            (max(times) if times[1:] else None, "the same arm's SD at any other time"),
        ):
            if value is not None and sd.value >= SD_RATIO * value:
                out.append(_Odd(sd, f"{sd.value / value:.1f} times {than} ({value:.3g})"))
                break
    return out


def _small(index: Index) -> list[_Odd]:
    sds, out = index.shared(Sds), []
    rescaled = {sd.row["row"] for sd in index.shared(_rescaled)}
    large = {odd.sd.row["row"] for odd in index.shared(_large)}
    for every in sds.sides:
        side = [sd for sd in every if sd.row["row"] not in large]
        largest = max(side, key=_value, default=None)
        if largest is None:
            continue
        usual = sds.usual(largest.row)
        # Where both arms carry it, both are small beside other trials; one small arm shows beside
        # the other arm.
        both = usual is not None and largest.value * SD_RATIO < usual
        for sd in side:
            times = [other for other in sds.elsewhere(sd.row) if other.row["row"] not in large]
            rule = (
                _beside_arm(sd, largest)
                or _beside_times(sd, times)
                or _beside_reference(sd, index.reference_sd(sd.row))
                or (usual is not None and both and _beside_trials(sd, usual))
                or _beside_range(index, sd)
            )
            if rule and not _little_room(index, sd) and sd.row["row"] not in rescaled:
                out.append(_Odd(sd, rule))
    return out


def doubted(index: Index) -> set[Value]:
    """The rows of results.csv whose SD is told to be odd."""
    odd = (*index.shared(_small), *index.shared(_large))
    return {each.sd.row["row"] for each in odd} | {sd.row["row"] for sd in index.shared(_rescaled)}


def _rescaled(index: Index) -> list[Sd]:
    """SDs that are small beside other trials because the whole scale is, in all arms."""
    sds = index.shared(Sds)

    def is_so(sd: Sd) -> bool:
        usual, mean = sds.usual(sd.row), sds.usual_mean(sd.row)
        if not usual or not mean or not sd.row["mean"] or sd.row["outcome_type"] == "change":
            return False
        of_sd, of_mean = usual / sd.value, mean / abs(number(sd.row, "mean"))
        alike = 1 / SAME_FACTOR <= of_sd / of_mean <= SAME_FACTOR
        return of_sd >= SD_RATIO and of_mean >= MEAN_RATIO and alike

    # Scored so once, a trial scores so at all times.
    scored = {_scale_of(sd) for side in sds.sides if all(map(is_so, side)) for sd in side}
    return [sd for side in sds.sides for sd in side if _scale_of(sd) in scored]


def _scale_of(sd: Sd) -> Key:
    return sd.row["trial_id"], sd.row["instrument"]


def _value(sd: Sd) -> float:
    return sd.value


def _little_room(index: Index, sd: Sd) -> bool:
    row = sd.row
    if row["mean"] is None or row["outcome_type"] == "change":
        return False
    distances = [abs(number(row, "mean") - end) for end in index.ends(row) if end is not None]
    return bool(distances) and sd.value >= SD_OF_ROOM * min(distances)


def _beside_arm(sd: Sd, largest: Sd) -> str:
    ratio = largest.value / sd.value
    if ratio < SD_RATIO:
        return ""
    return (
        f"{ratio:.1f} times smaller than the other arm's SD ({largest.words}, row "
        f"{largest.row['row']}) on {sd.row['instrument']}"
    )


def _beside_times(sd: Sd, others: Sequence[Sd]) -> str:
    # Who may enter a trial is bounded by their scores; later they spread.
    if sd.row["outcome_type"] == "baseline":
        others = [other for other in others if other.row["outcome_type"] == "baseline"]
    largest = max(others, key=_value, default=sd)
    ratio = largest.value / sd.value
    if ratio < SD_RATIO:
        return ""
    return (
        f"{ratio:.1f} times smaller than the same arm's SD in row {largest.row['row']} "
        f"({largest.words}) on {sd.row['instrument']}"
    )


def _beside_reference(sd: Sd, reference: float | None) -> str:
    if reference is None or sd.value >= SD_OF_REFERENCE * reference:
        return ""
    return f"less than a fifth of the reference SD of {sd.row['instrument']} ({show(reference)})"


def _beside_trials(sd: Sd, usual: float) -> str:
    return (
        f"{usual / sd.value:.1f} times smaller than the median SD of other trials on "
        f"{sd.row['instrument']} ({usual:.3g}), as in all arms of this trial"
    )


def _beside_range(index: Index, sd: Sd) -> str:
    row = sd.row
    low, high = index.ends(row)
    if low is None or high is None or row["n"] is None or number(row, "n") < ENOUGH_PEOPLE:
        return ""
    share = sd.value / (high - low) if high > low else 1.0
    return (
        f"{100 * share:.1f} % of the width of {row['instrument']} ({low:g} to {high:g})"
        if share < SD_OF_RANGE
        else ""
    )
