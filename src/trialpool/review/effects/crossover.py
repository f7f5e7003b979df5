"""Crossover results in which every participant had both conditions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isfinite
from typing import TYPE_CHECKING, Any

from trialpool.effects import effect_size, measure_of
from trialpool.effects.changes import r_from_p, r_from_t
from trialpool.effects.paired import recover_r
from trialpool.results import NAN
from trialpool.review.effects import choices as by
from trialpool.review.effects.arms import MeasuredArm, Summary
from trialpool.review.effects.effect_rows import Effect, from_arms, without
from trialpool.review.effects.parallel import combined
from trialpool.review.schema.packed import RawCell, RawRow
from trialpool.words import number, text

if TYPE_CHECKING:
    from trialpool.review.effects.choices import Choices

PAIRED, FIRST, AS_PARALLEL = (
    f"crossover, {how}" for how in ("paired", "first period", "as parallel")
)
# What a correlation can be recovered from, in words.
_SOURCES = {
    "sd_difference": "SD of the difference",
    "t": "paired t test",
    "p_value": "p value of the paired t test",
}
_SAME = ("trial_id", "outcome", "instrument", "definition", "time_days", "stratum", "analysis_set")
INDEPENDENT = "the two conditions of a crossover are counted as independent groups"
LEFT_OUT = {
    "leave_out": "the protocol leaves out results with both conditions per person",
    "first_period": "the protocol takes the first period of a crossover only",
}
SEVERAL = (
    "several experimental conditions of a crossover are the same people; they are not combined "
    "(exclude all but one with a reason)"
)
NO_PAIRED_TABLE = f"{INDEPENDENT}: the paired table is not available"


def effect(
    measure: str,
    experimental: Sequence[MeasuredArm],
    control: MeasuredArm,
    reported: Sequence[Mapping[str, Any]],
    how: Choices,
) -> Effect:
    """The effect as the choices handle crossovers.

    Scores are compared within people, with the correlation recovered from a reported SD of the
    difference or a paired test, or imputed. Counts would need the table of pairs, which is almost
    never reported: they are compared as independent groups, which overstates the variance when a
    person's two answers agree (Elbourne 2002, Int J Epidemiol 31:140).
    """
    handling = how.crossover.handling

    def parallel(*imputed: str, hangs_on: frozenset[str] = frozenset()) -> Effect:
        people = max(arm.summary(how).n for arm in (*experimental, control))
        return combined(
            measure,
            experimental,
            control,
            how,
            design=AS_PARALLEL,
            people=people,
            imputed=imputed,
            hangs_on=hangs_on,
        )

    if handling in LEFT_OUT:
        return without(parallel(), LEFT_OUT[handling])
    if control.counts:
        return parallel(NO_PAIRED_TABLE)
    if handling == "parallel":
        return parallel(INDEPENDENT, hangs_on=frozenset({by.PAIRING}))
    if len(experimental) > 1:
        return without(parallel(), SEVERAL)
    if not measure_of(measure).paired:
        return without(parallel(), f"{measure} has no form for pairs")
    return _paired(measure, experimental[0], control, reported, how)


def _paired(
    measure: str,
    experimental: MeasuredArm,
    control: MeasuredArm,
    reported: Sequence[Mapping[str, Any]],
    how: Choices,
) -> Effect:
    sides = one, other = experimental.summary(how), control.summary(how)
    # Only people seen under both conditions make a pair; the smaller number is the most there
    # can be.
    pairs = min(one.n, other.n)
    hangs_on = {by.PAIRING}
    recovered = _correlation(experimental, control, sides, pairs, reported)
    r, source, cell = recovered or (how.crossover.correlation, "", None)
    imputed = () if recovered else (f"correlation between the two conditions assumed {r:g}",)
    if not recovered:
        hangs_on.add(by.PAIR_CORRELATION)
    paired = measure_of(measure_of(measure).paired)
    options = {}
    if how.crossover.variance in paired.choices.get("variance", ()):
        options = {"variance": how.crossover.variance}
        hangs_on.add(by.PAIR_VARIANCE)
    pair = {"m1i": one.mean, "sd1i": one.sd, "m2i": other.mean, "sd2i": other.sd}
    pair |= {"ni": pairs, "ri": r}
    sizes = effect_size(paired.name, **{name: [pair[name]] for name in paired.needs}, **options)
    effect = from_arms(
        sizes,
        measure,
        [experimental],
        control,
        sides,
        design=PAIRED,
        n=pairs,
        imputed=imputed,
        derived=(source,),
        hangs_on=hangs_on,
    )
    if cell is None:
        return effect
    return replace(effect, records=(*effect.records, cell.at), cells=(*effect.cells, cell))


def _correlation(
    experimental: MeasuredArm,
    control: MeasuredArm,
    sides: tuple[Summary, Summary],
    pairs: float,
    reported: Sequence[Mapping[str, Any]],
) -> tuple[float, str, RawCell] | None:
    """The correlation between conditions that a reported paired contrast implies; how; which cell.

    From the SD of the difference, or else from the paired t, or its p value with pairs - 1 df.
    """
    wanted = {
        **{column: control.row[column] for column in _SAME},
        "experimental_arm": experimental.row["arm_id"],
        "control_arm": control.row["arm_id"],
    }
    for row in reported:
        if all(text(row[column]) == text(value) for column, value in wanted.items()):
            r, column = _implied(row, sides, pairs)
            # Rounded numbers can contradict each other; then nothing is recovered.
            if -1 < r < 1:
                at = RawRow("contrasts", int(row["row"]))
                source = f"r = {r:.3g} from the {_SOURCES[column]} (contrasts.csv row {at.row})"
                return r, source, RawCell(at, column)
    return None


def _implied(row: Any, sides: tuple[Summary, Summary], pairs: float) -> tuple[float, str]:
    sd1, sd2 = sides[0].sd, sides[1].sd
    spread, t, p = (number(row[name]) for name in ("sd_difference", "t", "p_value"))
    if isfinite(spread):
        return float(recover_r(sd1, sd2, spread)), "sd_difference"
    if text(row["effect_measure"]) != "MD" or text(row["adjusted_for"]):
        return NAN, ""
    difference = sides[0].mean - sides[1].mean
    if isfinite(t):
        return float(r_from_t(difference, t, sd1, sd2, pairs)), "t"
    if isfinite(p) and text(row["p_bound"]) != "yes":
        return float(r_from_p(difference, p, sd1, sd2, pairs)), "p_value"
    return NAN, ""
