"""One arm's result: n, mean and SD, or events, with the cells and the choices behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite, sqrt
from typing import TYPE_CHECKING, Any

from trialpool.effects.changes import change_sd
from trialpool.effects.multiarm import combine_arms, combine_counts
from trialpool.results import NAN
from trialpool.review.effects import choices as by
from trialpool.review.extraction.derived import from_quantiles, quantiles
from trialpool.review.extraction.usable import cells_behind
from trialpool.review.schema.packed import RawCell, RawRow
from trialpool.words import number, text

if TYPE_CHECKING:
    from trialpool.review.effects.choices import Choices
    from trialpool.review.effects.records import Records

SUSPECT = "se_typed_as_sd"
SEVERAL_CORRELATIONS = (
    "the correlations of several arms are not combined (exclude all but one with a reason)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What one side of a comparison reported, or what was made of it.

    Scores have `n`, `mean` and `sd`; counts have `n` (people at risk) and `event`, or `event` and
    the `time` that people were at risk; associations `n` and `r`. `cells` names
    the raw cells used, `derived` what was computed from them, `imputed` what was assumed, and
    `hangs_on` the choices that decide it. A number that could not be had is NaN, and `reason` says
    why.
    """

    n: float
    mean: float = NAN
    sd: float = NAN
    event: float = NAN
    time: float = NAN
    r: float = NAN
    cells: tuple[RawCell, ...] = ()
    derived: tuple[str, ...] = ()
    imputed: tuple[str, ...] = ()
    hangs_on: frozenset[str] = frozenset()
    reason: str = ""


class MeasuredArm:
    """One arm's result with what the arm is.

    `before` and `after` are the rows of the same people's scores, for a change that was not
    reported itself; `start` is that of their baseline, whatever was reported.
    """

    def __init__(
        self,
        row: Mapping[str, Any],
        records: Records,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        self.row = row
        self.before, self.after = before, after
        self.start = records.baseline(row)
        self.about = records.arm(str(row["trial_id"]), str(row["arm_id"]))
        self.role = str(self.about["role"])
        rows = [each for each in (row, before, after) if each is not None]
        self.rows = tuple(dict.fromkeys(map(_at, rows)))
        self.flags = tuple(flag for at in self.rows for flag in records.flags_of(at))

    @property
    def counts(self) -> bool:
        return self.row["outcome_type"] in ("event", "rate")

    def summary(self, how: Choices) -> Summary:
        """The arm's numbers under the choices made."""
        if read := _OTHERS.get(str(self.row["outcome_type"])):
            return read(self.row)
        if self.before is not None and self.after is not None:
            return _change(self.row, self.before, self.after, how)
        scored = score(self.row, how)
        return _suspected(scored, how) if SUSPECT in self.flags else scored


def together(arms: Sequence[Summary]) -> Summary:
    """Several arms as one group (Cochrane Handbook table 6.5.a; counts are summed)."""
    first = arms[0]
    if len(arms) == 1:
        return first
    joined = replace(
        first,
        cells=tuple(c for arm in arms for c in arm.cells),
        derived=(
            *(d for arm in arms for d in arm.derived),
            f"{len(arms)} experimental arms combined",
        ),
        imputed=tuple(i for arm in arms for i in arm.imputed),
        hangs_on=frozenset[str]().union(*(arm.hangs_on for arm in arms), {by.ARMS}),
        reason=next((arm.reason for arm in arms if arm.reason), ""),
    )
    if isfinite(first.r):
        return replace(joined, r=NAN, reason=joined.reason or SEVERAL_CORRELATIONS)
    if isfinite(first.time):
        sums = {name: sum(getattr(arm, name) for arm in arms) for name in ("n", "event", "time")}
        return replace(joined, **sums)
    if isfinite(first.event):
        event, total = combine_counts([a.event for a in arms], [a.n for a in arms])
        return replace(joined, n=float(total), event=float(event))
    n, mean, sd = combine_arms(*([getattr(a, name) for a in arms] for name in ("n", "mean", "sd")))
    return replace(joined, n=float(n), mean=float(mean), sd=float(sd))


def _events(row: Mapping[str, Any]) -> Summary:
    computed = text(row["computed"])
    return Summary(
        n=number(row["totaln"]),
        event=number(row["event"]),
        cells=_at(row).cells(*(cells_behind(row) or ("event",)), "totaln"),
        derived=(computed,) if computed else (),
    )


def _rate(row: Mapping[str, Any]) -> Summary:
    return Summary(
        n=number(row["n"]),
        event=number(row["event"]),
        time=number(row.get("time_at_risk")),
        cells=_at(row).cells("event", "time_at_risk"),
    )


def _association(row: Mapping[str, Any]) -> Summary:
    cells = _at(row).cells("n", "correlation")
    return Summary(n=number(row["n"]), r=number(row["correlation"]), cells=cells)


# How a row that is no score is read, by its outcome_type.
_OTHERS = {"event": _events, "rate": _rate, "association": _association}


def score(row: Mapping[str, Any], how: Choices) -> Summary:
    """A mean with its SD as reported, or what a median and its spread say of them."""
    n, mean, sd = (number(row[name]) for name in ("n", "mean", "sd"))
    computed = text(row["computed"])
    if isfinite(mean) and isfinite(sd):
        cells = _at(row).cells("n", "mean", *(cells_behind(row) or ("sd",)))
        derived = (computed,) if computed else ()
        return Summary(n=n, mean=mean, sd=sd, cells=cells, derived=derived)
    given = quantiles(row)
    estimated = from_quantiles(n, given, how.medians.method, how.medians.skewed == "refuse")
    names, reason = [name for name, _ in given], estimated.reason[0]
    assumed = f"mean and SD from {', '.join(names)} ({estimated.formula[0]})"
    return Summary(
        n=n,
        mean=float(estimated.mean[0]),
        sd=float(estimated.sd[0]),
        cells=_at(row).cells("n", *names),
        imputed=() if reason else (assumed,),
        hangs_on=frozenset({by.MEDIANS}),
        reason=reason,
    )


def _change(
    row: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any], how: Choices
) -> Summary:
    """A change whose SD is worked out from those of both scores and their correlation."""
    first, last = score(before, how), score(after, how)
    both = (number(each["correlation"]) for each in (row, after))
    reported = next(filter(isfinite, both), NAN)
    r = reported if isfinite(reported) else how.change.correlation
    mean = number(row["mean"])
    derived = ["SD of the change from the SDs before and after"]
    cells = [*first.cells, *last.cells]
    if isfinite(mean):
        cells = [*_at(row).cells("n", "mean"), *cells]
    else:
        mean = last.mean - first.mean
        derived.insert(0, "change = mean after - mean before")
    imputed = () if isfinite(reported) else (f"correlation with baseline assumed {r:g}",)
    return Summary(
        n=number(row["n"]),
        mean=mean,
        sd=float(change_sd(first.sd, last.sd, r)),
        cells=tuple(dict.fromkeys(cells)),
        derived=(*first.derived, *last.derived, *derived),
        imputed=(*first.imputed, *last.imputed, *imputed),
        hangs_on=first.hangs_on
        | last.hangs_on
        | (frozenset() if isfinite(reported) else frozenset({by.CHANGE_CORRELATION})),
        reason=first.reason or last.reason,
    )


def _suspected(side: Summary, how: Choices) -> Summary:
    """An SD that a check takes for a standard error: as printed, or multiplied by sqrt(n)."""
    side = replace(side, hangs_on=side.hangs_on | {by.SPREAD})
    if not how.sd_is_se:
        return side
    assumed = f"the printed SD, {side.sd:g}, taken for a standard error"
    return replace(side, sd=side.sd * sqrt(side.n), imputed=(*side.imputed, assumed))


def _at(row: Mapping[str, Any]) -> RawRow:
    return RawRow("results", int(row["row"]))
