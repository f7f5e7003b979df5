"""Differences of changes in SDs of scores: which SD divides them, and the effect that gives.

The SD of changes is another than that of scores, so that a change divided by its own could not be
pooled with scores after treatment (Cochrane Handbook 6.4, section 10.5.2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite, sqrt
from typing import TYPE_CHECKING, Any

from trialpool.effects import measure_of
from trialpool.effects.changes import change_by_baseline_sd, change_by_reference_sd
from trialpool.results import NAN
from trialpool.review.effects import choices as by
from trialpool.review.effects.arms import MeasuredArm, score
from trialpool.review.effects.effect_rows import Effect, single, without
from trialpool.review.schema.packed import RawCell, RawRow
from trialpool.words import number, text

if TYPE_CHECKING:
    from trialpool.review.effects.choices import Choices
    from trialpool.review.effects.records import Records

Row = Mapping[str, Any]

# What is divided.
PLAIN = "MD"
LEFT_OUT = "change scores are not pooled with scores after treatment"
NO_SD = "there is no reference SD of {} in instruments.csv and no SD at baseline of each arm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Divisor:
    """An SD of scores that differences are divided by, in points.

    `n` and `df` are those of an SD estimated at baseline, NaN of a reference SD. `words` say what
    it is and whose, `hangs_on` are the choices behind it. Without one `reason` says why.
    """

    sd: float = NAN
    n: float = NAN
    df: float = NAN
    words: str = ""
    cells: tuple[RawCell, ...] = ()
    imputed: tuple[str, ...] = ()
    hangs_on: frozenset[str] = frozenset()
    reason: str = ""

    def divided(self, difference: float, se: float, correction: str) -> tuple[float, float, str]:
        """The effect, its variance, and the formula by name."""
        if isfinite(self.df):
            made = change_by_baseline_sd(difference, se, self.sd, self.n, self.df, correction)
        else:
            made = change_by_reference_sd(difference, se, self.sd)
        return float(made.yi), float(made.vi), made.formula

    def marked(self, effect: Effect, records: Records) -> Effect:
        """An effect that was divided by it, with all that it adds to the account of the effect."""
        at = tuple(dict.fromkeys(cell.at for cell in self.cells))
        return replace(
            effect,
            standardiser=self.sd,
            derived=(*effect.derived, self.words),
            imputed=(*effect.imputed, *self.imputed),
            flags=(*effect.flags, *(flag for row in at for flag in records.flags_of(row))),
            records=(*effect.records, *at),
            cells=(*effect.cells, *self.cells),
            hangs_on=effect.hangs_on | self.hangs_on,
        )


def of_changes(measure: str, row: Row) -> bool:
    """Whether an effect in `measure` of arms with such rows is one of changes in SDs."""
    return measure_of(measure).standardises and row["outcome_type"] == "change"


def effects(
    plain: Sequence[Effect],
    measure: str,
    arms: Sequence[MeasuredArm],
    records: Records,
    how: Choices,
) -> list[Effect]:
    """Differences of changes, in points, as effects in `measure`.

    Parameters
    ----------
    plain : the effects of a comparison in the measure PLAIN
    arms : all arms of the comparison, its control last
    """
    made = [replace(effect, measure=measure) for effect in plain]
    if how.change.standardise == "leave_out":
        hanging = frozenset({by.STANDARDISER})
        return [replace(without(effect, LEFT_OUT), hangs_on=hanging) for effect in made]
    divisor = divisor_of(arms[-1].row, [arm.start for arm in arms], how)
    return [_divided(effect, divisor, records, how) for effect in made]


def _divided(effect: Effect, divisor: Divisor, records: Records, how: Choices) -> Effect:
    if not effect.has_number:
        return without(effect, next(filter(None, effect.sizes.reason), ""))
    if divisor.reason:
        return without(effect, divisor.reason)
    sizes = effect.sizes
    difference, se = float(sizes.yi[0]), sqrt(float(sizes.vi[0]))
    yi, vi, formula = divisor.divided(difference, se, how.smd.correction)
    formula = f"{sizes.formula}, of changes; {formula}"
    sizes = single(yi, vi, effect.measure, formula)
    return divisor.marked(replace(effect, sizes=sizes), records)


def divisor_of(row: Row, starts: Sequence[Row | None], how: Choices) -> Divisor:
    """The SD that the choices name, else the other one.

    Parameters
    ----------
    row : of the control arm, or of a reported contrast
    starts : the baseline of each arm
    """
    known = {"reference_sd": _reference(row), "baseline_sd": _at_baseline(starts, how)}
    order = sorted(known, key=lambda name: name != how.change.standardise)
    usable = [divisor for name in order if (divisor := known[name])]
    if not usable:
        return Divisor(reason=NO_SD.format(text(row["instrument"])))
    both = {by.EITHER_SD} if len(usable) > 1 else set[str]()
    first = usable[0]
    return replace(first, hangs_on=first.hangs_on | {by.STANDARDISER} | both)


def _reference(row: Row) -> Divisor | None:
    sd = number(row["reference_sd"])
    if not isfinite(sd):
        return None
    cells = RawRow("instruments", int(row["reference_row"])).cells("reference_sd")
    words = f"divided by the reference SD of {row['instrument']}, {sd:g}"
    return Divisor(sd=sd, words=words, cells=cells)


def _at_baseline(starts: Sequence[Row | None], how: Choices) -> Divisor | None:
    """The SD pooled within arms; None where an arm has none."""
    scores = [score(row, how) for row in starts if row is not None]
    if len(scores) < len(starts) or not all(isfinite(each.sd) for each in scores):
        return None
    degrees = [each.n - 1 for each in scores]
    if not sum(degrees) > 0:
        return None
    pairs = zip(degrees, scores, strict=True)
    sd = sqrt(sum(df * each.sd**2 for df, each in pairs) / sum(degrees))
    # Under both conditions of a crossover it is the same people.
    same = any(row is not None and row["period"] == "both" for row in starts)
    return Divisor(
        sd=sd,
        n=max(each.n for each in scores) if same else sum(each.n for each in scores),
        df=max(degrees) if same else sum(degrees),
        words=f"divided by the SD at baseline, pooled over the arms, {sd:.4g}",
        cells=tuple(cell for each in scores for cell in each.cells if cell.column != "mean"),
        imputed=tuple(words for each in scores for words in each.imputed),
        hangs_on=frozenset[str]().union(*(each.hangs_on for each in scores)),
    )
