"""Means beside other means: of the other arm, of other times, of other trials on the scale."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import NamedTuple

from trialpool.review.extraction.checks.index import Index, grouped, having, number
from trialpool.review.extraction.checks.registry import Finding, warning
from trialpool.review.extraction.checks.sds import Sds, doubted
from trialpool.review.extraction.checks.sizes import MOST_SDS
from trialpool.review.extraction.read import Row, Value, show

# In SDs: what is odd if a moved decimal point, or a lost sign, would explain it, and how near it
# must then come; what is odd by itself, if all there is to compare with says so.
FAR, NEAR, FAR_OFF = 1.5, 1.0, 1.8
ENOUGH_TRIALS = 2
# A change differs from the difference of the means by who was lost and by adjusting for baseline.
CHANGE_APART = 0.5
BASELINE = "at baseline"


class _Peer(NamedTuple):
    """A mean to compare with, and what it is of."""

    what: str
    mean: float


class _Level(NamedTuple):
    """A mean with its SD, the largest SD of the arms, and the means it can be compared with."""

    row: Row
    mean: float
    sd: float
    largest: float
    peers: tuple[_Peer, ...]

    def is_far(self) -> bool:
        """Whether it is far from all the others."""
        return all(abs(self.mean - peer.mean) >= FAR * self.sd for peer in self.peers)

    def is_near(self, mean: float) -> bool:
        """Whether another mean would be near them all; to a baseline it need not be."""
        after = [peer for peer in self.peers if peer.what != BASELINE] or self.peers
        return all(abs(mean - peer.mean) <= NEAR * self.sd for peer in after)

    @property
    def beside(self) -> str:
        """The means to compare with, in words."""
        return ", ".join(f"{peer.mean:.3g} {peer.what}" for peer in self.peers)


def _levels(index: Index) -> list[_Level]:
    """The means of scores whose SDs are in order, and that no other check calls too far apart."""
    sds, odd = index.shared(Sds), index.shared(doubted)
    scores = having(index.scores, "mean", "instrument")
    of_arm = grouped(scores, ("trial_id", "arm_id", "instrument"))
    of_trial: dict[tuple[Value, ...], dict[Value, float]] = {}
    for key, rows in grouped(scores, ("instrument", "outcome_type", "trial_id")).items():
        of_trial.setdefault(key[:2], {})[key[2]] = median(number(r, "mean") for r in rows)
    out = []
    for side in sds.sides:
        arms = [sd for sd in side if sd.row["mean"] is not None]
        if not arms or any(sd.row["row"] in odd for sd in side):
            continue
        sd = max(each.value for each in arms)
        means = [number(each.row, "mean") for each in arms]
        if max(means) - min(means) > MOST_SDS * sd:
            continue
        for row, sd_of_row in ((each.row, each.value) for each in arms):
            rest = [each.row for each in arms if each.row is not row]
            mine = of_arm.get((row["trial_id"], row["arm_id"], row["instrument"]), [])
            trials = of_trial.get((row["instrument"], row["outcome_type"]), {})
            peers = tuple(_peers(row, rest, mine, trials))
            out.append(_Level(row, number(row, "mean"), sd_of_row, sd, peers))
    return out


def _peers(
    row: Row, rest: list[Row], mine: list[Row], trials: dict[Value, float]
) -> Iterator[_Peer]:
    """The nearest of the other arms and of the other times; the baseline; the other trials."""
    mean, kind = number(row, "mean"), row["outcome_type"]
    times = [each for each in mine if each is not row and each["outcome_type"] == kind]
    before = [each for each in mine if each["outcome_type"] == "baseline" and kind == "msd"]
    for what, rows in (("in the other arm", rest), ("at another time", times),
                       (BASELINE, before)):  # fmt: skip
        if rows:
            yield _Peer(what, min((number(r, "mean") for r in rows), key=lambda m: abs(m - mean)))
    others = [value for trial, value in trials.items() if trial != row["trial_id"]]
    if len(others) >= ENOUGH_TRIALS:
        yield _Peer("in other trials", median(others))


@warning(
    "Check the decimal point and the sign in the source",
    flag="the mean may lack a digit, a decimal point or its sign",
)
def mean_mistyped(index: Index) -> Iterator[Finding]:
    """A mean far from the others of its scale is not near them with another decimal point, nor a
    change with the other sign.
    """
    for level in index.shared(_levels):
        for meant in _meant(index, level):
            rule = f"far from {level.beside}; {meant:g} would be near"
            yield Finding(index["results"], level.row, "mean", rule)
            break


def _meant(index: Index, level: _Level) -> Iterator[float]:
    """What may have been meant instead: ten times as much, a tenth, or the other sign."""
    low, high = index.ends(level.row)
    change = level.row["outcome_type"] == "change"
    if not level.peers or not level.is_far():
        return
    for meant in (10 * level.mean, level.mean / 10, -level.mean):
        if (low is not None and meant < low) or (high is not None and meant > high):
            continue
        if meant == -level.mean and not change:
            continue
        if level.is_near(meant):
            yield meant


@warning(
    "Check the mean in the source, and whether the arms are what they are called",
    flag="the mean is far from all it can be compared with",
)
def mean_far_off(index: Index) -> Iterator[Finding]:
    """A mean does not lie far above or below all others of its scale: the other arm's, and its own
    at other times or those of other trials.
    """
    for level in index.shared(_levels):
        whose = {peer.what for peer in level.peers}
        if len(whose) < 2 or not whose & {"at another time", "in other trials"}:
            continue
        far = [(level.mean - peer.mean) / level.largest for peer in level.peers]
        if min(far) >= FAR_OFF or max(far) <= -FAR_OFF:
            way = "above" if far[0] > 0 else "below"
            least = min(map(abs, far))
            rule = f"at least {least:.1f} SDs {way} {level.beside}"
            if not any(_meant(index, level)):
                yield Finding(index["results"], level.row, "mean", rule)


@warning(
    "Check the change and both means in the source",
    flag="the change is not the difference of the means",
)
def change_contradicts_means(index: Index) -> Iterator[Finding]:
    """A change is about the mean after treatment less the mean at baseline."""
    people = ("trial_id", "arm_id", "outcome", "instrument", "definition", "period",
              "analysis_set", "source")  # fmt: skip
    sheet = index["results"]
    for rows in grouped(having(index.scores, "mean"), people).values():
        before = [row for row in rows if row["outcome_type"] == "baseline"]
        for row in having((r for r in rows if r["outcome_type"] == "change"), "sd"):
            for after in rows:
                of_time = after["outcome_type"] == "msd" and after["time_days"] == row["time_days"]
                if not of_time or len(before) != 1:
                    continue
                difference = number(after, "mean") - number(before[0], "mean")
                apart = abs(number(row, "mean") - difference)
                if apart > CHANGE_APART * number(row, "sd"):
                    rule = (
                        f"{show(after['mean'])} (row {after['row']}) less "
                        f"{show(before[0]['mean'])} (row {before[0]['row']}) is {difference:.3g}"
                    )
                    yield Finding(sheet, row, "mean", rule, others=(after, before[0]))
