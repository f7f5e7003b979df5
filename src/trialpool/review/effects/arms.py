"""One arm's result: n, mean and SD, or events, with the cells and the choices behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite, sqrt
from typing import TYPE_CHECKING, Any

from trialpool.effects.changes import change_sd
from trialpool.effects.medians import mean_sd
from trialpool.effects.multiarm import combine_arms, combine_counts
from trialpool.results import NAN
from trialpool.review.effects import choices as by
from trialpool.review.extraction.usable import cells_behind
from trialpool.words import number, text

if TYPE_CHECKING:
    from trialpool.review.effects.choices import Choices
    from trialpool.review.effects.records import Records

QUANTILES = ("minimum", "q1", "median", "q3", "maximum")
SUSPECT = "se_typed_as_sd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What one side of a comparison reported, or what was made of it.

    Scores have `n`, `mean` and `sd`; counts have `n` (people at risk) and `event`. `cells` names
    the raw cells used, `derived` what was computed from them, `imputed` what was assumed, and
    `hangs_on` the choices that decide it. A number that could not be had is NaN, and `reason` says
    why.
    """

    n: float
    mean: float = NAN
    sd: float = NAN
    event: float = NAN
    cells: tuple[str, ...] = ()
    derived: tuple[str, ...] = ()
    imputed: tuple[str, ...] = ()
    hangs_on: frozenset[str] = frozenset()
    reason: str = ""


class Arm:
    """One arm's result with what the arm is.

    `before` and `after` are the rows of the same people's scores, for a change that was not
    reported itself.
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
        self.about = records.arm(str(row["trial_id"]), str(row["arm_id"]))
        self.role = str(self.about["role"])
        rows = [each for each in (row, before, after) if each is not None]
        self.rows = tuple(dict.fromkeys(int(each["row"]) for each in rows))
        self.flags = tuple(f for each in self.rows for f in records.flags_of("results", each))

    @property
    def counts(self) -> bool:
        return bool(self.row["outcome_type"] == "event")

    def summary(self, how: Choices) -> Summary:
        """The arm's numbers under the choices made."""
        if self.counts:
            return _events(self.row)
        if self.before is not None and self.after is not None:
            return _change(self.row, self.before, self.after, how)
        found = _score(self.row, how)
        return _suspected(found, how) if SUSPECT in self.flags else found


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
        cells=(_named(row, *(cells_behind(computed) or ("event",)), "totaln"),),
        derived=(computed,) if computed else (),
    )


def _score(row: Mapping[str, Any], how: Choices) -> Summary:
    """A mean with its SD as reported, or what a median and its spread say of them."""
    n, mean, sd = (number(row[name]) for name in ("n", "mean", "sd"))
    computed = text(row["computed"])
    if isfinite(mean) and isfinite(sd):
        cells = _named(row, "n", "mean", *(cells_behind(computed) or ("sd",)))
        derived = (computed,) if computed else ()
        return Summary(n=n, mean=mean, sd=sd, cells=(cells,), derived=derived)
    held = {name: number(row[name]) for name in QUANTILES}
    strict = how.medians.skewed == "refuse"
    found = mean_sd(n, **held, method=how.medians.method, test=strict)
    given = [name for name, value in held.items() if isfinite(value)]
    reason = found.reason[0]
    told = f"mean and SD from {', '.join(given)} ({found.formula[0]})"
    return Summary(
        n=n,
        mean=float(found.mean[0]),
        sd=float(found.sd[0]),
        cells=(_named(row, "n", *given),),
        imputed=() if reason else (told,),
        hangs_on=frozenset({by.MEDIANS}),
        reason=reason,
    )


def _change(
    row: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any], how: Choices
) -> Summary:
    """A change whose SD is worked out from those of both scores and their correlation."""
    first, last = _score(before, how), _score(after, how)
    told = next((r for each in (row, after) if isfinite(r := number(each["correlation"]))), NAN)
    r = told if isfinite(told) else how.change.correlation
    mean = number(row["mean"])
    derived = ["SD of the change from the SDs before and after"]
    cells = [*first.cells, *last.cells]
    if isfinite(mean):
        cells.insert(0, _named(row, "n", "mean"))
    else:
        mean = last.mean - first.mean
        derived.insert(0, "change = mean after - mean before")
    imputed = () if isfinite(told) else (f"correlation with baseline assumed {r:g}",)
    return Summary(
        n=number(row["n"]),
        mean=mean,
        sd=float(change_sd(first.sd, last.sd, r)),
        cells=tuple(dict.fromkeys(cells)),
        derived=(*first.derived, *last.derived, *derived),
        imputed=(*first.imputed, *last.imputed, *imputed),
        hangs_on=first.hangs_on
        | last.hangs_on
        | (frozenset() if isfinite(told) else frozenset({by.CHANGE_CORRELATION})),
        reason=first.reason or last.reason,
    )


def _suspected(found: Summary, how: Choices) -> Summary:
    """An SD that a check takes for a standard error: as printed, or multiplied by sqrt(n)."""
    found = replace(found, hangs_on=found.hangs_on | {by.SPREAD})
    if not how.sd_is_se:
        return found
    told = f"the printed SD, {found.sd:g}, taken for a standard error"
    return replace(found, sd=found.sd * sqrt(found.n), imputed=(*found.imputed, told))


def _named(row: Mapping[str, Any], *columns: str) -> str:
    """The raw cells by file, row and columns: `results.csv:14 n mean sd`."""
    return f"results.csv:{int(row['row'])} {' '.join(columns)}"
