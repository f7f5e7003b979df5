"""Spread: standard deviations that are none, and standard errors in their place."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from statistics import median

from trialpool.review.extraction.checks.index import Index, Key, grouped, having, number
from trialpool.review.extraction.checks.registry import Finding, error, warning
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
# Fisher's z has the variance 1/(n - 3).
FEWEST_CORRELATED = 3


@error("Leave it blank if it is not known")
def zero_spread(index: Index) -> Iterator[Finding]:
    """An SD, a standard error, degrees of freedom or a time at risk of exactly zero are none."""
    for name, columns in (
        ("results", ("sd", "se", "time_at_risk")),
        ("contrasts", ("se", "sd_difference", "sd_pooled", "df")),
        ("instruments", ("reference_sd",)),
    ):
        for column in columns:
            for row in index[name].rows:
                if row.get(column) == 0:  # a table may lack time_at_risk
                    yield Finding(index[name], row, column, "must be above 0")


@error("Correct the value; leave it blank if it is not known")
def perfect_correlation(index: Index) -> Iterator[Finding]:
    """A correlation lies strictly between -1 and 1."""
    for row in index.having("results", "correlation"):
        if abs(number(row, "correlation")) == 1:
            rule = "must lie strictly between -1 and 1"
            yield Finding(index["results"], row, "correlation", rule)


@warning(
    "Check n in the source; a correlation of so few people cannot be pooled as Fisher's z",
    flag="a correlation of three people or fewer",
)
def correlation_of_few(index: Index) -> Iterator[Finding]:
    """A correlation is of more than 3 people: its variance, 1/(n - 3), does not exist otherwise."""
    for row in having(index.used("results"), "correlation", "n"):
        if number(row, "n") <= FEWEST_CORRELATED:
            rule = "a correlation of 3 people or fewer has no variance, 1/(n - 3)"
            yield Finding(index["results"], row, "n", rule)


@warning("If it is a standard error, move it to se", flag="the SD may be a standard error")
def se_typed_as_sd(index: Index) -> Iterator[Finding]:
    """An SD is not as small as a standard error: compared with the other arm, the same arm at
    other times, the instrument's reference SD, other trials, and the scale's width.
    """
    sheet = index["results"]
    elsewhere = _Elsewhere(index)
    for rows in index.comparisons:
        arms = [row for row in having(rows, "sd") if number(row, "sd") > 0]
        if not arms:
            continue
        largest = max(arms, key=_sd)
        usual = elsewhere.usual_sd(largest)
        # Where both arms carry it, both are small beside other trials; one small arm shows beside
        # the other arm.
        both = usual is not None and _sd(largest) * SD_RATIO < usual
        for row in arms:
            rule = (
                _beside_arm(row, largest)
                or _beside_times(row, elsewhere.largest_of_arm(row))
                or _beside_reference(row, index.scale(row).get("reference_sd"))
                or (usual is not None and both and _beside_trials(row, usual))
                or _beside_range(index, row)
            )
            if rule and not _little_room(index, row):
                yield Finding(sheet, row, "sd", f"{rule}; looks like a standard error")


def _sd(row: Row) -> float:
    return number(row, "sd")


def _little_room(index: Index, row: Row) -> bool:
    if row["mean"] is None or row["outcome_type"] == "change":
        return False
    distances = [abs(number(row, "mean") - end) for end in index.ends(row) if end is not None]
    return bool(distances) and _sd(row) >= SD_OF_ROOM * min(distances)


def _beside_arm(row: Row, largest: Row) -> str:
    ratio = _sd(largest) / _sd(row)
    if ratio < SD_RATIO:
        return ""
    return (
        f"{ratio:.1f} times smaller than the other arm's SD ({show(largest['sd'])}, row "
        f"{largest['row']}) on {row['instrument']}"
    )


def _beside_times(row: Row, largest: Row) -> str:
    ratio = _sd(largest) / _sd(row)
    if ratio < SD_RATIO:
        return ""
    return (
        f"{ratio:.1f} times smaller than the same arm's SD in row {largest['row']} "
        f"({show(largest['sd'])}) on {row['instrument']}"
    )


def _beside_reference(row: Row, reference: Value) -> str:
    if reference is None or _sd(row) >= SD_OF_REFERENCE * float(reference):
        return ""
    return f"less than a fifth of the reference SD of {row['instrument']} ({show(reference)})"


def _beside_trials(row: Row, usual: float) -> str:
    return (
        f"{usual / _sd(row):.1f} times smaller than the median SD of other trials on "
        f"{row['instrument']} ({usual:.3g}), as in all arms of this trial"
    )


def _beside_range(index: Index, row: Row) -> str:
    low, high = index.ends(row)
    if low is None or high is None or row["n"] is None or number(row, "n") < ENOUGH_PEOPLE:
        return ""
    share = _sd(row) / (high - low) if high > low else 1.0
    return (
        f"{100 * share:.1f} % of the width of {row['instrument']} ({low:g} to {high:g})"
        if share < SD_OF_RANGE
        else ""
    )


class _Elsewhere:
    """SDs of the same instrument outside a comparison: in other trials, and in the same arm."""

    def __init__(self, index: Index) -> None:
        scores = [row for row in having(index.scores, "sd", "instrument") if _sd(row) > 0]
        self._largest = {
            key: max(rows, key=_sd)
            for key, rows in grouped(scores, ("trial_id", "arm_id", "instrument")).items()
        }
        # One SD per trial, so that one with many time points does not outvote the others.
        self._of_trial: dict[Key, float] = {}
        self._all: dict[Key, list[float]] = {}
        for key, rows in grouped(scores, ("instrument", "outcome_type", "trial_id")).items():
            self._of_trial[key] = median(map(_sd, rows))
            insort(self._all.setdefault(key[:2], []), self._of_trial[key])

    def largest_of_arm(self, row: Row) -> Row:
        """The row with the arm's largest SD on the instrument, at whatever time."""
        return self._largest.get((row["trial_id"], row["arm_id"], row["instrument"]), row)

    def usual_sd(self, row: Row) -> float | None:
        """The median SD of other trials on the instrument; None where there are too few."""
        key = (row["instrument"], row["outcome_type"], row["trial_id"])
        trials = self._all.get(key[:2], [])
        if len(trials) <= ENOUGH_TRIALS:
            return None
        place = bisect_left(trials, self._of_trial[key])
        # In order without the trial's own: whoever stands behind it moves up.
        left, right = (len(trials) - 2) // 2, (len(trials) - 1) // 2
        return (trials[left + (left >= place)] + trials[right + (right >= place)]) / 2
