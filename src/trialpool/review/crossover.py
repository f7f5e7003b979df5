"""Crossover results in which every participant had both conditions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

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
)
from trialpool.review.protocol import Crossover, SmdOptions

AS_PARALLEL = "crossover as parallel"
INDEPENDENT = "the two conditions of a crossover are counted as independent groups"
LEFT_OUT = "the protocol leaves out results with both conditions per person"
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

    if control.counts or len(experimental) > 1:
        yield parallel("", NO_PAIRED_TABLE)
        return
    recovered = _correlation(experimental[0], control, contrasts)

    def paired(variant: str, r: float) -> Effect:
        found = recovered or (r, "")
        return _paired(measure, experimental[0], control, found, options.variance, smd, variant)

    if options.handling == "paired":
        yield paired("", options.correlation)
    elif options.handling == "parallel":
        yield parallel("", INDEPENDENT)
    else:
        yield replace(
            paired("", options.correlation), sizes=single(NAN, NAN, measure, "", LEFT_OUT)
        )
    for r in () if recovered else options.correlation_grid:
        yield paired(f"r = {r:g}", r)
    yield parallel(AS_PARALLEL, INDEPENDENT)


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
    about: Mapping[str, Any] = control.row
    same = contrasts[contrasts["sd_difference"].notna() & (contrasts["period"] == "both")]
    for column in ("trial_id", "outcome", "instrument", "time_days"):
        same = same[same[column] == about[column]]
    if same.empty:
        return None
    row = same.iloc[0]
    r = recover_r(
        float(experimental.row["sd"]), float(control.row["sd"]), float(row["sd_difference"])
    )
    where = f"contrasts.csv row {int(row['row'])}"
    return float(r), f"r = {float(r):.3g} from the SD of the difference ({where})"
