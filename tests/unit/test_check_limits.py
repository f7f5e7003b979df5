"""Every limit of the checks from both sides: silent on the last value it allows, not beyond.

The numbers are worked by hand, beside each pair where they are not plain.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from small import SmallReview

from trialpool.review.extraction.checks import run_checks
from trialpool.review.extraction.read import read_condition
from trialpool.review.schema.raw import CONFIDENCE


class Edit(NamedTuple):
    """Cells of a row of a table."""

    table: str
    row: int
    cells: dict[str, str]


class Limit(NamedTuple):
    """A limit of a check: what is changed first, then what is still silent, or not any more."""

    check: str
    given: list[Edit]
    silent: Edit
    fires: Edit


def results(row: int, **cells: str) -> Edit:
    return Edit("results", row, cells)


def contrast(**cells: str) -> Edit:
    return Edit("contrasts", 2, cells)


def scale(row: int, **cells: str) -> Edit:
    return Edit("instruments", row, cells)


RATIO = contrast(outcome="harm", instrument="", effect_measure="OR")
DIFFERENCE = contrast(outcome="harm", instrument="", effect_measure="RD", estimate="0.5",
                      ci_low="0.2", ci_high="0.8")  # fmt: skip
ALONE = contrast(ci_low="", ci_high="")
# Two arms on a scale that no other row uses, without ends or reference: each sign for itself.
OTHER = [results(2, instrument="OTHER"), results(3, instrument="OTHER"),
         scale(3, low="", high="")]  # fmt: skip
ONE_OTHER = [results(2, instrument="OTHER")]
PLAIN = scale(2, low="", high="", reference_sd="", reference_sd_source="")
QI = [
    results(2, n="60", mean="37.52", sd="7.14"), results(3, n="60", mean="41.03", sd="9.66"),
    contrast(time_days="7", estimate="", ci_low="", ci_high=""),
]  # fmt: skip


def times() -> Iterator[Limit]:
    name = "time_contradicts_words"
    # A factor of 1.6.
    yield Limit(name, [results(2, timepoint="10 days")],
                results(2, time_days="16"), results(2, time_days="16.1"))  # fmt: skip
    # Half a day: 2 h are 0.083 days.
    yield Limit(name, [results(2, timepoint="2 h")],
                results(2, time_days="0.58"), results(2, time_days="0.59"))  # fmt: skip
    # Day 1 may be the day of the dose: a whole day less, and no other number.
    yield Limit(name, [results(2, timepoint="day 2")],
                results(2, time_days="1"), results(2, time_days="0.9"))  # fmt: skip
    # A baseline may be called by the time it is compared with.
    yield Limit(name, [results(16, timepoint="day 30")],
                results(16, outcome_type="baseline"), results(16, outcome_type="msd"))  # fmt: skip
    yield Limit("time_runs_backwards", [],
                results(16, time_days="0"), results(16, time_days="0.1"))  # fmt: skip
    yield Limit("time_runs_backwards", [results(6, outcome_type="baseline")],
                results(6, period="both"), results(6, period="first"))  # fmt: skip
    yield Limit("time_runs_backwards", [],
                results(2, time_days="0"), results(2, time_days="-0.1"))  # fmt: skip
    window = Edit("missing_results", 2, {"time_to_days": "7"})
    yield Limit("window_runs_backwards", [window],
                Edit("missing_results", 2, {"time_from_days": "7"}),
                Edit("missing_results", 2, {"time_from_days": "8"}))  # fmt: skip


def spread() -> Iterator[Limit]:
    name = "se_typed_as_sd"
    # Three times smaller than the other arm's, or than the same arm's at baseline.
    yield Limit(name, [], results(2, sd="3.1"), results(2, sd="3.0"))
    yield Limit(name, [results(8, sd="3.0")], results(16, sd="8.9"), results(16, sd="9.0"))
    # A fifth of a reference of 8.
    reference = [*OTHER, scale(3, reference_sd="8.0"), results(3, sd="1.6")]
    yield Limit(name, reference, results(2, sd="1.6"), results(2, sd="1.59"))
    # A fortieth of 100 points; of fewer than five people an SD says little.
    yield Limit(name, [*ONE_OTHER, results(3, instrument="OTHER", sd="2.5")],
                results(2, sd="2.5"), results(2, sd="2.49"))  # fmt: skip
    yield Limit(name, [*ONE_OTHER, results(3, instrument="OTHER", sd="2.6"), results(2, sd="2.4")],
                results(2, n="4"), results(2, n="5"))  # fmt: skip
    # Both arms below a third of the other trials' median: 7.75 of 7.75, 6.25 and 9.
    yield Limit(name, [PLAIN, results(2, sd="2.4")], results(3, sd="2.59"), results(3, sd="2.58"))
    # Two other trials are enough, one is not.
    few = [PLAIN, results(2, sd="1.5"), results(3, sd="1.6"),
           *(results(row, instrument="OTHER") for row in (4, 5, 6))]  # fmt: skip
    yield Limit(name, few, results(7, instrument="OTHER"), results(7, instrument="SCALE"))
    # Half of the room to the end of the scale, which a mean of 5 has 5 points below it.
    yield Limit(name, [results(2, mean="5.0")], results(2, sd="2.50"), results(2, sd="2.49"))
    # A change has room on both sides.
    changes = [results(row, outcome_type="change", mean="0.5") for row in (2, 3)]
    yield Limit(name, changes, results(2, sd="3.1"), results(2, sd="2.9"))
    yield Limit("zero_spread", [], results(2, sd="0.01"), results(2, sd="0"))


def sds() -> Iterator[Limit]:
    yield Limit("spread_of_one", [], results(2, n="2"), results(2, n="1"))
    # The SD behind an SE is three times smaller than 9: 3 / sqrt(20) = 0.6708.
    unprinted = [results(2, sd="")]
    yield Limit("derived_sd_small", unprinted, results(2, se="0.671"), results(2, se="0.670"))
    # Three times the reference of 8.
    reference = [*OTHER, scale(3, reference_sd="8.0")]
    yield Limit("sd_too_large", reference, results(3, sd="23.9"), results(3, sd="24.0"))
    # Three times 7.75, the median of the other trials' 7.75, 6.25 and 9.
    yield Limit("sd_too_large", [PLAIN], results(2, sd="23.2"), results(2, sd="23.3"))
    # An SD typed as an SE: 23.25 / sqrt(20) = 5.199.
    yield Limit("sd_too_large", [PLAIN, *unprinted], results(2, se="5.19"), results(2, se="5.20"))
    # Three times the same arm's at two other times, if they are of one kind.
    later = [*OTHER, *(results(row, trial_id="Ash", arm_id="experimental", instrument="OTHER",
                               time_days=day, n="20", mean="30.0", sd="4.0")
                       for row, day in ((8, "14"), (9, "28")))]  # fmt: skip
    yield Limit("sd_too_large", later, results(2, sd="11.9"), results(2, sd="12.0"))
    yield Limit("sd_too_large", [*later, results(2, sd="12.0")],
                results(8, outcome_type="change"), results(8, outcome_type="msd"))  # fmt: skip
    # Three times below the other trials in SD, 7.75, and twice in mean, 20 (of 21.25, 16.75, 20).
    # In both arms: one small arm may have an SE.
    items = [PLAIN, *(results(row, mean="6.0", sd="2.5") for row in (2, 3))]
    yield Limit("another_scoring", items, results(2, sd="2.59"), results(2, sd="2.58"))
    yield Limit("another_scoring", items, results(3, mean="10.1"), results(3, mean="9.9"))
    # 7.75 / 2.5 = 3.1 times in SD; in mean at most 6.2 times, 20 / 6.2 = 3.226.
    yield Limit("another_scoring", items, results(2, mean="3.22"), results(2, mean="3.23"))


def precision() -> Iterator[Limit]:
    name = "precision_contradicts_n"
    # sqrt(1/20 + 1/19) = 0.32036. Of a d of 0.5 a third, 0.10679, and twice, with the factor
    # sqrt(1 + 0.25/8), 0.65065.
    d = [ALONE, contrast(effect_measure="D", estimate="0.5")]
    yield Limit(name, d, contrast(se="0.107"), contrast(se="0.106"))
    yield Limit(name, d, contrast(se="0.650"), contrast(se="0.651"))
    # Of a log odds ratio 2 / 1.1 times, 0.58247; of a risk difference 1.1 / 2 times, 0.17620; of a
    # log hazard ratio 1 / 1.1 times, 0.29124.
    ratio = [RATIO, contrast(estimate="1.5", ci_low="", ci_high="")]
    yield Limit(name, ratio, contrast(se="0.583"), contrast(se="0.582"))
    risk = [DIFFERENCE, contrast(estimate="0.1", ci_low="", ci_high="")]
    yield Limit(name, risk, contrast(se="0.176"), contrast(se="0.177"))
    hazard = [*ratio, contrast(effect_measure="HR")]
    yield Limit(name, hazard, contrast(se="0.292"), contrast(se="0.291"))
    # Between conditions of the same people n does not say how precise it is.
    yield Limit(name, [*d, contrast(se="0.106")], contrast(period="both"), contrast(period="first"))
    # A tenth above the 60 points of the scale; the SE 66 sqrt(1/20 + 1/19) is 21.144.
    most = "contrast_sd_above_maximum"
    yield Limit(most, [], contrast(sd_pooled="66.0"), contrast(sd_pooled="66.1"))
    yield Limit(most, [ALONE], contrast(se="21.14"), contrast(se="21.15"))
    # Three times the 9 of its arms, and a fifth of it; three times a reference of 8.
    unusual = "contrast_sd_unusual"
    arms = [*OTHER, contrast(instrument="OTHER")]
    yield Limit(unusual, arms, contrast(sd_pooled="26.9"), contrast(sd_pooled="27.0"))
    yield Limit(unusual, arms, contrast(sd_pooled="1.81"), contrast(sd_pooled="1.80"))
    yield Limit(unusual, [*arms, scale(3, reference_sd="8.0")],
                contrast(sd_pooled="23.9"), contrast(sd_pooled="24.0"))  # fmt: skip
    yield Limit(unusual, [PLAIN], contrast(sd_pooled="23.2"), contrast(sd_pooled="23.3"))


def arm_sizes() -> Iterator[Limit]:
    name = "n_unlike_the_arm"
    # 20 in two other rows: 6 is a third of it and less, 60 three times as many.
    yield Limit(name, [], results(2, n="7"), results(2, n="6"))
    yield Limit(name, [], results(2, n="59"), results(2, n="60"))
    # If as large a part of the other arm is lost, 0.3 of 20 and up to 0.6 of 19, both are.
    yield Limit(name, [results(2, n="6")], results(3, n="11"), results(3, n="12"))
    # Five times fewer than the other arm's 16, in arms of which no more is known.
    arms = "arms_of_unlike_size"
    yield Limit(arms, [], results(6, n="4"), results(6, n="3"))
    # Where 40 and 10 were randomised, 20 and 26 are 5.2 times what was planned.
    planned = [Edit("arms", 8, {"n_randomised": "40"}), Edit("arms", 9, {"n_randomised": "10"})]
    yield Limit(arms, planned, results(8, n="21"), results(8, n="20"))
    # A tenth of 20, if four others agree.
    counts = [results(row, trial_id="Ash", arm_id="experimental", definition=f"kind {row}",
                      event="1", totaln="20") for row in range(10, 15)]  # fmt: skip
    yield Limit("n_unlike_the_report", counts, results(10, totaln="22"), results(10, totaln="23"))
    few = [*counts, results(10, totaln="30")]
    yield Limit("n_unlike_the_report", few, results(11, totaln="21"), results(11, totaln="20"))
    # One other is enough if it is of all that were randomised.
    two = [results(10, totaln="23"), results(11, arm_id="experimental", definition="another",
                                              event="1", totaln="20")]  # fmt: skip
    yield Limit("n_unlike_the_report", two, Edit("arms", 2, {"n_randomised": "21"}),
                Edit("arms", 2, {"n_randomised": "20"}))  # fmt: skip
    # 60 were randomised and the other arm has 19; one too many is no misprint to look for.
    yield Limit("arms_above_randomised", [], results(2, n="42"), results(2, n="43"))


def levels() -> Iterator[Limit]:
    name = "mean_mistyped"
    # Beside the other arm: 1.5 SDs of 8 below 13.5, where ten times as much is near.
    tenth = [*OTHER, results(3, mean="13.5")]
    yield Limit(name, tenth, results(2, mean="1.6"), results(2, mean="1.5"))
    # 10 is an SD below 18.
    near = [*OTHER, results(2, mean="1.0"), results(3, sd="20.0")]
    yield Limit(name, near, results(3, mean="18.1"), results(3, mean="18.0"))
    # A change up by 4 where the other arm falls by 8 is 1.5 SDs away, and near with its sign.
    falls = [*OTHER, *(results(row, outcome_type="change", mean="-8.0") for row in (2, 3))]
    yield Limit(name, falls, results(2, mean="3.9"), results(2, mean="4.0"))
    # 1.8 SDs of 9 below 20, the other trials' median, and more below the other arm's 24.
    far = "mean_far_off"
    yield Limit(far, [], results(2, mean="3.81"), results(2, mean="3.79"))
    # With the other arm alone to compare with, a large effect is an effect.
    yield Limit(far, [results(2, mean="3.79")],
                results(3, mean="12.0"), results(3, mean="24.0"))  # fmt: skip
    # 19 less 26 is -7; half of an SD of 8 from it is -11.
    change = [results(10, trial_id="Elm", arm_id="experimental", outcome="mood", n="25",
                      instrument="SCALE", time_days="7", outcome_type="change", sd="8.0",
                      event="", totaln="")]  # fmt: skip
    yield Limit("change_contradicts_means", change,
                results(10, mean="-11.0"), results(10, mean="-11.1"))  # fmt: skip


def effects() -> Iterator[Limit]:
    name = "effect_turned"
    # -2 / 8.501 = -0.2353 on day 7; with the contrast's 4.80 / 8.5 = 0.5647 that is 0.79997 apart.
    turned = [contrast(contrast="experimental-control"), results(3, mean="20.0")]
    yield Limit(name, turned, contrast(estimate="4.80"), contrast(estimate="4.81"))
    # Both at least 0.2 SDs: 1.70 / 8.5, beside the -0.706 of day 7.
    yield Limit(name, turned[:1], contrast(estimate="1.69"), contrast(estimate="1.71"))
    # A fifth trial beside four : -0.370 (SE 0.150) in SDs; at 0.92 it is 3.499 SEs from them.
    fifth = [contrast(trial_id="Fir", effect_measure="D", contrast="experimental-control",
                      ci_low="", ci_high="", se="0.33")]  # fmt: skip
    unlike = "effect_unlike_other_trials"
    yield Limit(unlike, fifth, contrast(estimate="0.92"), contrast(estimate="0.93"))
    # Three others are too few.
    yield Limit(unlike, [*fifth, contrast(estimate="0.93")],
                results(8, arm_id="control", time_days="9"), results(8, time_days="7"))  # fmt: skip


def doses() -> Iterator[Limit]:
    # 9 of 20 in one arm of the drug; log odds -0.191. Of 310 in another, 52 are 3.02 standard
    # errors below (1.4030 / 0.4639), 53 are 2.98 (1.3801 / 0.4636).
    two = [Edit("arms", 4, {"trial_id": "Ash", "arm_id": "high"}),
           results(12, trial_id="Ash", arm_id="high", totaln="310")]  # fmt: skip
    yield Limit("doses_far_apart", two, results(12, event="53"), results(12, event="52"))
    # Another drug may do what it does.
    yield Limit("doses_far_apart", [*two, results(12, event="20")],
                Edit("arms", 4, {"drug": "another"}),
                Edit("arms", 4, {"drug": "drug"}))  # fmt: skip


def descriptions() -> Iterator[Limit]:
    def arms(row: int, **cells: str) -> Edit:
        return Edit("arms", row, cells)

    def trials(row: int, **cells: str) -> Edit:
        return Edit("trials", row, cells)

    # Saline is a placebo in three other trials, or in two; beside ECT it is the same ECT.
    role = "drug_in_another_role"
    active = [arms(3, comparator_class="active_placebo"), arms(11, drug="water")]
    yield Limit(role, active, arms(9, drug="water"), arms(9, drug="saline"))
    yield Limit(role, active, arms(3, comparator_class="same_ect"),
                arms(3, comparator_class="active_placebo"))  # fmt: skip
    # Two other trials of the diagnosis, or one.
    one = [trials(2, setting="medical"), *(trials(row, diagnosis="reds") for row in (5, 6))]
    yield Limit("setting_unlike_diagnosis", one,
                trials(4, diagnosis="reds"), trials(4, diagnosis="blues"))  # fmt: skip
    # A hundredth: 0.005 of 0.505, and 0.006 of 0.506.
    yield Limit("dose_contradicts_words", [arms(2, dose="0.5 mg/kg")],
                arms(2, dose_mg_kg="0.505"), arms(2, dose_mg_kg="0.506"))  # fmt: skip
    yield Limit("dose_contradicts_words", [arms(2, dose="50 microgram")],
                arms(2, dose_mg="0.05"), arms(2, dose_mg="50"))  # fmt: skip
    yield Limit("labels_alike", [], arms(3, arm="experimental 2"), arms(3, arm="Experimental "))
    yield Limit("labels_alike", [], Edit("instruments", 3, {"name": "A scale, new"}),
                Edit("instruments", 3, {"name": "a  scale"}))  # fmt: skip
    # One scale with two kinds of rater is two instruments.
    yield Limit("labels_alike", [Edit("instruments", 3, {"name": "A scale"})],
                Edit("instruments", 3, {"rating": "clinician"}),
                Edit("instruments", 3, {"rating": ""}))  # fmt: skip


def changes_as_scores() -> Iterator[Limit]:
    name = "change_sd_as_score"
    # The SD of the same arm's change, by its last digit.
    own = [results(8, trial_id="Ash", n="20", outcome_type="change", mean="-7.0", sd="5.94")]
    yield Limit(name, own, results(2, sd="5.95"), results(2, sd="5.94"))
    # Changes of Birch and Elm have 4, scores of the others 7.75 (that of 7.75, 6.25 and 9): the
    # middle of 4 and 7.75 on the log scale is sqrt(31) = 5.568.
    as_change = {"outcome": "mood", "instrument": "SCALE", "outcome_type": "change", "n": "30",
                 "mean": "-7.0", "sd": "4.0", "event": "", "totaln": ""}  # fmt: skip
    others = [results(2, sd="5.0"), results(3, sd="5.0"), results(12, **as_change),
              results(14, **as_change)]  # fmt: skip
    yield Limit(name, others, results(2, sd="5.57"), results(2, sd="5.56"))
    # 7.75 is 1.490 times 5.2 and 1.505 times 5.15.
    apart = [*others, results(12, sd="5.0")]
    yield Limit(name, apart, results(14, sd="5.4"), results(14, sd="5.3"))
    # Two other trials are enough, one is not.
    yield Limit(name, others, results(14, instrument="OTHER"), results(14, instrument="SCALE"))


def agreement() -> Iterator[Limit]:
    # SE sqrt(20) is 5 % above the SD of 8.00 from an SE of 1.887 on, roundings allowed for.
    yield Limit("spread_contradicts", [results(2, sd="8.00")],
                results(2, se="1.88"), results(2, se="1.89"))  # fmt: skip
    # Half the width (3.35 and 3.33 with rounding) sqrt(20) / 1.96 = 7.64 and 7.60.
    yield Limit("spread_contradicts", [results(2, sd="8.00")],
                results(2, ci_low="14.66", ci_high="21.34"),
                results(2, ci_low="14.68", ci_high="21.32"))  # fmt: skip
    # Of one person nothing can be said.
    yield Limit("spread_contradicts", [results(2, se="1.0")], results(2, n="1"), results(2, n="2"))
    # 1.15 of 10.3 points, and 1.2 of 10.4: a tenth of the width and 0.15 for rounding.
    yield Limit("mean_off_centre", [results(2, ci_low="14.0")],
                results(2, ci_high="24.3"), results(2, ci_high="24.4"))  # fmt: skip
    yield Limit("limits_in_order", [results(2, ci_low="17.0")],
                results(2, ci_high="18.0"), results(2, ci_high="17.9"))  # fmt: skip
    yield Limit("limits_in_order", [results(2, ci_high="20.0")],
                results(2, ci_low="18.0"), results(2, ci_low="18.1"))  # fmt: skip
    yield Limit("limits_in_order", [results(2, mean="", ci_high="20.0")],
                results(2, ci_low="19.9"), results(2, ci_low="20.0"))  # fmt: skip
    yield Limit("quantiles_in_order", [results(2, median="17.0")],
                results(2, q1="17.0"), results(2, q1="17.1"))  # fmt: skip
    yield Limit("quantiles_in_order", [],
                results(2, minimum="18.0"), results(2, minimum="18.1"))  # fmt: skip
    yield Limit("quantiles_in_order", [],
                results(2, maximum="18.0"), results(2, maximum="17.9"))  # fmt: skip


def contrasts() -> Iterator[Limit]:
    name = "contrast_contradicts"
    # 5.0 (0.5 to 9.5): the widest CI has 9.1 / 3.92 = 2.321; 5 % more is 2.437.
    yield Limit(name, [], contrast(se="2.44"), contrast(se="2.443"))
    # Not knowing df, t of 10: the narrowest CI has 8.9 / 4.456 = 1.997; 5 % less is 1.902.
    yield Limit(name, [contrast(n_experimental="")], contrast(se="1.90"), contrast(se="1.89"))
    # 15 % where a test or the skew of a ratio or an SMD comes in: 2.670.
    yield Limit(name, [contrast(effect_measure="D")], contrast(se="2.67"), contrast(se="2.68"))
    # p gives at most 5 / z: 5 / 2.874 = 1.740 and 5 / 2.882 = 1.735, against 2 / 1.15 = 1.739.
    exact = [ALONE, contrast(estimate="5.000", se="2.0000")]
    yield Limit(name, exact, contrast(p_value="0.0040"), contrast(p_value="0.0039"))
    # A bound allows every smaller p.
    yield Limit(name, exact, contrast(p_value="0.05", p_bound="yes"), contrast(p_value="0.05"))
    # A tenth of 9 points and 0.15 for rounding.
    yield Limit("estimate_off_centre", [], contrast(estimate="6.0"), contrast(estimate="6.1"))
    # On the log scale a tenth of log 4 and 0.0084 for rounding: up to 2 exp(0.1470) = 2.317.
    ratio = [RATIO, contrast(ci_low="1.00", ci_high="4.00")]
    yield Limit("estimate_off_centre", ratio, contrast(estimate="2.31"), contrast(estimate="2.32"))
    yield Limit("risk_difference_range", [DIFFERENCE, contrast(ci_low="", ci_high="")],
                contrast(estimate="-1"), contrast(estimate="-1.01"))  # fmt: skip
    yield Limit("risk_difference_range", [DIFFERENCE],
                contrast(ci_high="1.5"), contrast(ci_high="1.51"))  # fmt: skip
    yield Limit("ratio_above_zero", [RATIO, ALONE],
                contrast(estimate="0.01"), contrast(estimate="0"))  # fmt: skip
    yield Limit("p_of_zero", [], contrast(p_value="0.0001"), contrast(p_value="0"))
    yield Limit("paired_without_pairs", [contrast(sd_difference="5.0")],
                contrast(period="both"), contrast(period="first"))  # fmt: skip


def means() -> Iterator[Limit]:
    name = "p_contradicts_means"
    # The t tests give 0.0250 to 0.0260, z = 2.226 to 2.241: more than 1 above the z of 0.23, and
    # of 0.22 in some of them only.
    yield Limit(name, QI, contrast(p_value="0.22"), contrast(p_value="0.23"))
    # They give 0.8925 to 0.9027: more than five times 0.178.
    near = [*QI, results(3, mean="37.72")]
    yield Limit(name, near, contrast(p_value="0.179"), contrast(p_value="0.178"))
    # Far below 0.001, which counts as 0.001, z = 3.2905: 1 above the z of 0.02199.
    far = [*QI, results(3, mean="60.00")]
    yield Limit(name, far, contrast(p_value="0.0219"), contrast(p_value="0.0221"))
    # In either direction, and only of a test of these people at this time.
    yield Limit(name, [*QI, contrast(p_value="0.39")],
                contrast(adjusted_for="baseline"), contrast(adjusted_for=""))  # fmt: skip
    # SE = sqrt(64/20 + 81/19) = 2.732; 18.0 - 20.8 may be as small as 2.7, 18.0 - 20.9 is 2.8.
    other_way = [contrast(time_days="7", contrast="experimental-control")]
    yield Limit("contrast_direction", other_way,
                results(3, mean="20.8"), results(3, mean="20.9"))  # fmt: skip


def sizes() -> Iterator[Limit]:
    # Six points with an SD of 2.
    yield Limit("effect_above_3_sd", [results(2, sd="2.0"), results(3, sd="2.0")],
                results(3, mean="24.0"), results(3, mean="24.1"))  # fmt: skip
    # Falls are as far apart as scores are: 18 points down, and six more.
    falls = [results(row, outcome_type="change", sd="2.0", mean="-18.0") for row in (2, 3)]
    yield Limit("effect_above_3_sd", falls,
                results(3, mean="-24.0"), results(3, mean="-24.1"))  # fmt: skip
    yield Limit("effect_above_3_sd", [ALONE, contrast(effect_measure="D")],
                contrast(estimate="3.0"), contrast(estimate="3.1"))  # fmt: skip
    yield Limit("effect_above_3_sd", [ALONE, contrast(sd_pooled="2.0")],
                contrast(estimate="6.0"), contrast(estimate="6.1"))  # fmt: skip
    # Two decimals between mean and SD.
    copied = [results(2, mean="18.0", sd="8"), results(4, n="20", mean="18.0", sd="8")]
    yield Limit("same_numbers", copied, results(2, sd="8"), results(2, sd="8.0"))
    yield Limit("equal_to_baseline", [results(8, n="25", mean="26.0", sd="9.0")],
                results(8, n="24"), results(8, n="25"))  # fmt: skip


def counts() -> Iterator[Limit]:
    yield Limit("events_above_n", [], results(10, event="20"), results(10, event="21"))
    # 91 of 200 is 45.5 %: both 45 and 46 are right roundings.
    half = [results(10, event="91", totaln="200")]
    for percent in ("45", "46"):
        yield Limit("percent_contradicts_count", half,
                    results(10, percent=percent), results(10, percent="47"))  # fmt: skip
    # 9 of 19 is 47.37 %.
    yield Limit("percent_impossible", [results(10, event="", totaln="19")],
                results(10, percent="47.4"), results(10, percent="47.3"))  # fmt: skip


def people() -> Iterator[Limit]:
    # One person more than at baseline is everyday, two are not, unless they are 5 %.
    yield Limit("n_grows", [], results(8, n="26"), results(8, n="27"))
    yield Limit("n_grows", [results(16, n="40")], results(8, n="42"), results(8, n="43"))
    twenty = [Edit("arms", 2, {"n_randomised": "20"})]
    yield Limit("n_above_randomised", twenty, results(2, n="20"), results(2, n="21"))
    yield Limit("n_above_randomised", twenty, results(10, totaln="20"), results(10, totaln="21"))
    yield Limit("arms_do_not_sum", [Edit("arms", 2, {"n_randomised": "31"})],
                Edit("arms", 3, {"n_randomised": "29"}),
                Edit("arms", 3, {"n_randomised": "30"}))  # fmt: skip


def scales() -> Iterator[Limit]:
    yield Limit("instrument_range", [], results(2, mean="60"), results(2, mean="60.1"))
    yield Limit("instrument_range", [], results(2, mean="0"), results(2, mean="-0.1"))
    yield Limit("instrument_range", [results(2, outcome_type="change")],
                results(2, mean="-60"), results(2, mean="-60.1"))  # fmt: skip
    # All scores at the ends: sqrt(20/19 * 30 * 30) = 30.78, 1 % more and 0.05 is 31.14.
    yield Limit("sd_above_maximum", [results(2, mean="30.0")],
                results(2, sd="31.1"), results(2, sd="31.2"))  # fmt: skip
    # An SD behind an SE need not keep to its mean's room, but to the whole scale's: 31.09 is
    # 6.951 sqrt(20).
    yield Limit("sd_above_maximum", [results(2, sd="")],
                results(2, se="6.95"), results(2, se="6.96"))  # fmt: skip
    # A mean that is not printed leaves all the room.
    yield Limit("sd_above_maximum", [results(2, mean="")],
                results(2, sd="31.1"), results(2, sd="31.2"))  # fmt: skip
    yield Limit("scale_makes_sense", [], scale(2, step="60"), scale(2, step="61"))
    yield Limit("scale_makes_sense", [], scale(2, reference_sd="30"),
                scale(2, reference_sd="30.1"))  # fmt: skip
    yield Limit("scale_makes_sense", [PLAIN], scale(2, low="59", high="60"),
                scale(2, low="60", high="60"))  # fmt: skip


def granularity() -> Iterator[Limit]:
    steps = [scale(2, step="1")]
    # Of one person no mean is odd; two have none that ends in .13.
    yield Limit("grim", [*steps, results(2, mean="18.13")], results(2, n="1"), results(2, n="2"))
    # 100 scores with sum 1813 have an SD of 0.115 and no smaller; with 101 two decimals are few.
    small = [*steps, results(2, mean="18.13", sd="0.05")]
    yield Limit("grimmer", small, results(2, n="101"), results(2, n="100"))


GROUPS = (
    times,
    spread,
    sds,
    precision,
    arm_sizes,
    levels,
    effects,
    doses,
    descriptions,
    changes_as_scores,
    agreement,
    contrasts,
    means,
    sizes,
    counts,
    people,
    scales,
    granularity,
)
LIMITS = [limit for group in GROUPS for limit in group()]


def checks_that_fire(small: SmallReview, edits: list[Edit]) -> set[str]:
    """The names of the checks that say something of the changed review."""
    for edit in edits:
        for column, value in edit.cells.items():
            small.set(edit.table, edit.row, column, value)
    raw, problems = read_condition(small.folder / "data/raw", "blue", {})
    assert problems == []
    return {problem.check for problem in run_checks(raw, small.review.outcome_rules(), CONFIDENCE)}


def named(value: Any) -> str:
    """A limit in the names of the tests."""
    return value.check if isinstance(value, Limit) else ""


@pytest.mark.parametrize("limit", LIMITS, ids=named)
def test_a_check_is_silent_up_to_its_limit(small: SmallReview, limit: Limit) -> None:
    assert limit.check not in checks_that_fire(small, [*limit.given, limit.silent])


@pytest.mark.parametrize("limit", LIMITS, ids=named)
def test_a_check_fires_beyond_its_limit(small: SmallReview, limit: Limit) -> None:
    assert limit.check in checks_that_fire(small, [*limit.given, limit.fires])


@pytest.mark.parametrize(("mean", "fires"), [("18.05", False), ("18.06", True)])
def test_two_sources_may_round_differently(small: SmallReview, mean: str, fires: bool) -> None:
    """18.0 may be 18.05; half a unit of the coarser number, and a thousandth of it for binary."""
    rows = small.rows("results")
    other = dict(zip(rows[0], rows[1], strict=True)) | {
        "source": "review", "confidence": "secondary", "mean": mean,
    }  # fmt: skip
    small.write("results", [*rows, list(other.values())])
    assert ("sources_differ" in checks_that_fire(small, [])) == fires


@pytest.mark.parametrize(("domain", "fires"), [("low", False), ("some_concerns", True)])
def test_an_overall_judgement_as_bad_as_the_worst_domain(
    small: SmallReview, domain: str, fires: bool
) -> None:
    """Equal is as it should be; one step better is not. (Row 2 is a domain of Ash, overall low.)"""
    edits = [Edit("risk_of_bias", 2, {"judgement": domain})]
    assert ("overall_better_than_domain" in checks_that_fire(small, edits)) == fires
