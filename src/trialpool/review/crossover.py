"""Crossover results in which every participant had both conditions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pandas as pd

from trialpool import tables
from trialpool.effects import effect_size
from trialpool.effects.paired import recover_r
from trialpool.results import NAN
from trialpool.review.effect_rows import (
    Arm,
    Effect,
    arm_effect,
    arm_numbers,
    from_arms,
    single,
    text,
)
from trialpool.review.protocol import Crossover, SmdOptions

AS_PARALLEL = "crossover as parallel"
_SAME = ("trial_id", "outcome", "instrument", "definition", "time_days", "analysis_set")
INDEPENDENT = "the two conditions of a crossover are counted as independent groups"
LEFT_OUT = "the protocol leaves out results with both conditions per person"
SEVERAL = (
    "several experimental conditions of a crossover are the same people; they are not combined "
    "(exclude all but one with a reason)"
)
NO_PAIRED_TABLE = f"{INDEPENDENT}: the paired table is not available"


def effects(
    measure: str,
    experimental: Sequence[Arm],
    control: Arm,
    contrasts: pd.DataFrame,
    options: Crossover,
    smd: SmdOptions,
) -> Iterator[Effect]:
    """The effect as the protocol handles crossovers, then each declared alternative.

    Scores are compared within people, with the correlation recovered from a reported SD of the
    difference, or imputed. Counts would need the table of pairs, which is almost never reported:
    they are compared as independent groups, which overstates the variance when a person's two
    answers agree (Elbourne 2002, Int J Epidemiol 31:140).
    """
    people = max(_people(arm) for arm in (*experimental, control))

    def parallel(variant: str, imputed: str) -> Effect:
        return arm_effect(
            measure,
            experimental,
            control,
            design="crossover, as parallel",
            smd=smd,
            people=people,
            variant=variant,
            imputed=imputed,
        )

    if options.handling == "leave_out":
        yield _without(parallel("", ""), LEFT_OUT)
        return
    if control.counts:
        yield parallel("", NO_PAIRED_TABLE)
        return
    if len(experimental) > 1:
        yield _without(parallel("", ""), SEVERAL)
        return
    recovered = _correlation(experimental[0], control, contrasts)

    def paired(variant: str, r: float) -> Effect:
        found = recovered or (r, "")
        return _paired(measure, experimental[0], control, found, options.variance, smd, variant)

    if options.handling == "paired":
        yield paired("", options.correlation)
    else:
        yield parallel("", INDEPENDENT)
    for r in () if recovered else options.correlation_grid:
        yield paired(f"r = {r:g}", r)
    yield parallel(AS_PARALLEL, INDEPENDENT)


def _without(effect: Effect, reason: str) -> Effect:
    """The effect without its numbers, and why."""
    return replace(effect, sizes=single(NAN, NAN, effect.measure, "", reason))


def _people(arm: Arm) -> float:
    return float(arm.row["totaln"] if arm.counts else arm.row["n"])


def _paired(
    measure: str,
    experimental: Arm,
    control: Arm,
    correlation: tuple[float, str],
    variance: str,
    smd: SmdOptions,
    variant: str,
) -> Effect:
    r, source = correlation
    numbers = arm_numbers([experimental], control)
    # Only people seen under both conditions make a pair; the smaller number is the most there
    # can be.
    pairs = min(_people(experimental), _people(control))
    options = {"variance": variance} if measure == "SMD" else {}
    sizes = effect_size(
        "SMCRP" if measure == "SMD" else "MC",
        m1i=[numbers["mean_experimental"]],
        m2i=[numbers["mean_control"]],
        sd1i=[numbers["sd_experimental"]],
        sd2i=[numbers["sd_control"]],
        ni=[pairs],
        ri=[r],
        **options,
    )
    return from_arms(
        sizes,
        measure,
        [experimental],
        control,
        design="crossover, paired",
        n=pairs,
        numbers=numbers,
        variant=variant,
        imputed="" if source else f"correlation between the two conditions assumed {r:g}",
        computed=source,
    )


def _correlation(
    experimental: Arm, control: Arm, contrasts: pd.DataFrame
) -> tuple[float, str] | None:
    """The correlation between conditions from a reported SD of the difference, and its source."""
    same = contrasts[contrasts["sd_difference"].notna() & (contrasts["period"] == "both")]
    wanted = {
        **{column: control.row[column] for column in _SAME},
        "experimental_arm": experimental.row["arm_id"],
        "control_arm": control.row["arm_id"],
    }
    for row in tables.records(same):
        if all(text(row[column]) == text(value) for column, value in wanted.items()):
            sd1, sd2 = (float(arm.row["sd"]) for arm in (experimental, control))
            r = float(recover_r(sd1, sd2, float(row["sd_difference"])))
            # Three rounded SDs can contradict each other; then nothing is recovered.
            if -1 < r < 1:
                where = f"contrasts.csv row {int(row['row'])}"
                return r, f"r = {r:.3g} from the SD of the difference ({where})"
    return None
