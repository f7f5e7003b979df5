"""Absolute effects against printed rows, R meta, and arithmetic that is done by hand."""

from __future__ import annotations

import math
from statistics import NormalDist

import pytest
from bcg import V, Y

import trialpool as tp
from trialpool.effects.absolute import (
    AbsoluteEffect,
    From,
    absolute_effect,
    number_needed,
    points,
    responders,
)
from trialpool.results import TrialpoolError


def rd(estimate: float, lb: float, ub: float, baseline: float = 0.3) -> AbsoluteEffect:
    return absolute_effect("RD", estimate, lb, ub, baseline=baseline)


def test_bcg_as_r_meta_gives_it() -> None:
    """R meta 8.3, metabin(sm = "RR", method = "Inverse", method.tau = "REML"); nnt(p.c = 0.1)."""
    fit = tp.pool(Y, V, tau2="REML", test="z")
    ratio = [math.exp(value) for value in (fit.beta, fit.ci_lb, fit.ci_ub)]
    effect = absolute_effect("RR", *ratio, baseline=0.1)
    reduction = effect.difference.turned()
    assert [round(value, 4) for value in reduction] == [0.0511, 0.0304, 0.0656]
    needed = number_needed(effect, desirable=False)
    assert needed.kind == "NNTB"
    assert round(needed.estimate, 2) == 19.59
    assert needed.benefit is not None
    assert [round(value, 2) for value in needed.benefit] == [15.25, 32.91]
    assert needed.harm is None
    assert not needed.includes_no_difference


@pytest.mark.parametrize(
    ("measure", "effect", "baseline", "printed"),
    [
        # Cochrane Handbook 5.1, figure 11.5.a: compression stockings on long flights.
        ("RR", (0.10, 0.04, 0.26), 10, (1, 0, 3)),
        ("RR", (0.10, 0.04, 0.26), 30, (3, 1, 8)),
        ("RR", (0.45, 0.18, 1.13), 13, (6, 2, 15)),
        # The later table of the same review (CD004002), in odds ratios.
        ("OR", (0.10, 0.04, 0.25), 30, (3, 1, 8)),
    ],
)
def test_a_printed_summary_of_findings(
    measure: str, effect: tuple[float, float, float], baseline: int, printed: tuple[int, int, int]
) -> None:
    """Corresponding risks per 1,000 with their limits, as printed."""
    people = absolute_effect(measure, *effect, baseline=baseline / 1000).frequencies(1000)
    assert people.baseline == baseline
    assert people.risk == printed


def test_a_printed_difference_on_both_sides_of_none() -> None:
    """Kearon et al. 2012, Chest 141:e419S, table 25 (PMC3278049): stockings for the PTS.

    579 per 1,000, RR 0.96 (0.70 to 1.31): 23 fewer (174 fewer to 179 more).
    """
    people = absolute_effect("RR", 0.96, 0.70, 1.31, baseline=0.579).frequencies(1000)
    assert people.difference == (-23, -174, 179)


def test_the_three_measures_agree_on_one_table() -> None:
    """Of 20 in 100 against 40 in 100 each measure gives back the 20 in 100."""
    for measure, effect in (("RR", 0.5), ("OR", (20 / 80) / (40 / 60)), ("RD", -0.2)):
        risk = absolute_effect(measure, effect, effect, effect, baseline=0.4).risk
        assert risk == pytest.approx((0.2, 0.2, 0.2))


@pytest.mark.parametrize(
    ("measure", "effect"), [("OR", 1.0), ("RR", 1.0), ("RD", 0.0), ("SMD", 0.0)]
)
@pytest.mark.parametrize("baseline", [0.001, 0.07, 0.3, 0.77, 0.999])
def test_no_effect_is_no_difference(measure: str, effect: float, baseline: float) -> None:
    """Exactly none, or rounding would make a number needed to treat of billions."""
    if measure == "SMD":
        none = responders(effect, effect, effect, baseline=baseline, lower_is_better=True)
    else:
        none = absolute_effect(measure, effect, effect, effect, baseline=baseline)
    assert none.difference == (0, 0, 0)
    needed = number_needed(none, desirable=True)
    assert (needed.kind, needed.estimate) == ("", math.inf)
    assert needed.benefit is needed.harm is None
    assert needed.includes_no_difference


def test_a_risk_never_passes_everyone() -> None:
    """0.6 x 2 would be 120 of 100; the limit is 100 and the reason names what was set to it."""
    effect = absolute_effect("RR", 1.5, 1.1, 2.0, baseline=0.6)
    assert effect.frequencies().risk == (90, 66, 100)
    assert effect.reason == "risks outside 0 to 1 were set to the bound: upper limit 1.2"
    assert effect.difference.ub == pytest.approx(0.4)


@pytest.mark.parametrize(("ub", "capped"), [(2.0, False), (2.01, True)])
def test_a_risk_of_exactly_one_is_not_capped(ub: float, capped: bool) -> None:
    effect = absolute_effect("RR", 1.0, 0.5, ub, baseline=0.5)
    assert effect.risk.ub == 1
    assert bool(effect.reason) is capped


@pytest.mark.parametrize(("lb", "capped"), [(-0.3, False), (-0.31, True)])
def test_a_risk_never_falls_below_nobody(lb: float, capped: bool) -> None:
    effect = rd(-0.1, lb, 0.1)
    assert effect.risk.lb == pytest.approx(0)
    assert bool(effect.reason) is capped


def test_an_odds_ratio_never_passes_everyone() -> None:
    assert absolute_effect("OR", 50, 10, 1e9, baseline=0.6).reason == ""


@pytest.mark.parametrize(
    ("baseline", "ratio", "per"),
    [
        (0.01, 1.5, 100),
        (0.0099, 1.5, 1000),
        (0.02, 0.5, 100),  # the risk with the treatment is 1 % itself
        (0.02, 0.49, 1000),
    ],
)
def test_rare_events_are_told_of_a_thousand(baseline: float, ratio: float, per: int) -> None:
    """Below 1 % on either side, 100 people would say 0 or 1."""
    effect = absolute_effect("RR", ratio, ratio, ratio, baseline=baseline)
    assert effect.per == per
    assert effect.frequencies().per == per


@pytest.mark.parametrize(
    ("change", "people"), [(0.124, 12), (0.125, 13), (-0.124, -12), (-0.125, -13)]
)
def test_halves_are_rounded_away_from_no_one(change: float, people: int) -> None:
    assert rd(change, change, change).frequencies(100).difference.estimate == people


def test_an_interval_with_no_difference_reaches_infinity_on_both_sides() -> None:
    """Altman 1998, BMJ 317:1309: -5 % to 25 % fewer is NNTB 4 to infinity to NNTH 20."""
    needed = number_needed(rd(-0.10, -0.25, 0.05), desirable=False)
    assert needed.kind == "NNTB"
    assert needed.estimate == pytest.approx(10)
    assert needed.benefit == pytest.approx((4, math.inf))
    assert needed.harm == pytest.approx((20, math.inf))
    assert needed.includes_no_difference


@pytest.mark.parametrize(
    ("ub", "benefit", "harm"),
    [
        (-0.01, (4, 100), None),
        (0.0, (4, math.inf), None),
        (0.01, (4, math.inf), (100, math.inf)),
    ],
)
def test_a_limit_around_no_difference(
    ub: float, benefit: tuple[float, float], harm: tuple[float, float] | None
) -> None:
    """Below it there is no harm, at it the benefit reaches infinity, above it there is harm."""
    needed = number_needed(rd(-0.10, -0.25, ub), desirable=False)
    assert needed.benefit == pytest.approx(benefit)
    assert (needed.harm is None) if harm is None else (needed.harm == pytest.approx(harm))
    assert needed.includes_no_difference is (ub >= 0)


def test_a_wish_and_a_harm_are_mirror_images() -> None:
    """The same numbers with benefit and harm exchanged."""
    effect = rd(-0.10, -0.25, 0.05)
    harm, wish = number_needed(effect, desirable=False), number_needed(effect, desirable=True)
    assert (wish.kind, wish.estimate) == ("NNTH", harm.estimate)
    assert (wish.benefit, wish.harm) == (harm.harm, harm.benefit)
    assert isinstance(wish.harm, From)


def test_responders_are_areas_of_the_normal_curve() -> None:
    """From half, a d of 1.96 leaves 2.5 % behind; d is the distance of the two quantiles."""
    effect = responders(-1.959964, -2.5, -1.0, baseline=0.5, lower_is_better=True)
    assert effect.risk.estimate == pytest.approx(0.975, abs=1e-6)
    normal = NormalDist()
    for risk, d in zip(effect.risk, (1.959964, 1.0, 2.5), strict=True):
        assert normal.inv_cdf(risk) - normal.inv_cdf(0.5) == pytest.approx(d)


@pytest.mark.parametrize(("smd", "printed"), [(1.147, 2.89), (1.229, 2.64), (1.276, 2.51)])
def test_numbers_needed_that_metapsy_prints(smd: float, printed: float) -> None:
    """PTSD, 10 % of the controls respond (docs/published_reviews.md): all, highest, low risk."""
    effect = responders(-smd, -smd, -smd, baseline=0.1, lower_is_better=True)
    assert number_needed(effect, desirable=True).estimate == pytest.approx(printed, abs=0.005)


def test_the_side_of_a_benefit_is_asked_for() -> None:
    """A fall of symptoms and an equal rise of well-being give the same responders."""
    fall = responders(-0.5, -0.8, -0.1, baseline=0.2, lower_is_better=True)
    rise = responders(0.5, 0.1, 0.8, baseline=0.2, lower_is_better=False)
    assert fall == rise
    assert fall.risk.lb < fall.risk.estimate < fall.risk.ub
    assert number_needed(fall, desirable=True).kind == "NNTB"
    worse = responders(-0.5, -0.8, -0.1, baseline=0.2, lower_is_better=False)
    assert number_needed(worse, desirable=True).kind == "NNTH"


def test_points_are_the_smd_times_the_reference_sd() -> None:
    assert points(-0.5, -0.8, 0.1, sd=12) == pytest.approx((-6, -9.6, 1.2))


@pytest.mark.parametrize("baseline", [-0.1, 0.0, 1.0, 10.0, math.nan])
def test_a_baseline_is_a_proportion_between_none_and_all(baseline: float) -> None:
    with pytest.raises(TrialpoolError, match="between 0 and 1"):
        absolute_effect("RR", 0.5, 0.4, 0.6, baseline=baseline)
    with pytest.raises(TrialpoolError, match="between 0 and 1"):
        responders(0.5, 0.4, 0.6, baseline=baseline, lower_is_better=True)


@pytest.mark.parametrize("baseline", [1e-6, 1 - 1e-6])
def test_any_baseline_between_is_taken(baseline: float) -> None:
    absolute_effect("OR", 0.5, 0.4, 0.6, baseline=baseline)
    responders(0.5, 0.4, 0.6, baseline=baseline, lower_is_better=True)


@pytest.mark.parametrize(("lb", "ub"), [(0.51, 0.6), (0.4, 0.49), (0.6, 0.4)])
def test_limits_out_of_order_are_refused(lb: float, ub: float) -> None:
    for call in (
        lambda: absolute_effect("RR", 0.5, lb, ub, baseline=0.1),
        lambda: responders(0.5, lb, ub, baseline=0.1, lower_is_better=True),
        lambda: points(0.5, lb, ub, sd=1),
    ):
        with pytest.raises(TrialpoolError, match="do not enclose"):
            call()


def test_limits_may_equal_the_estimate() -> None:
    assert points(0.5, 0.5, 0.5, sd=1) == (0.5, 0.5, 0.5)


@pytest.mark.parametrize(
    ("measure", "effect", "message"),
    [
        ("HR", (0.5, 0.4, 0.6), "allowed are OR, RR, RD"),
        ("RR", (-0.7, -1.1, -0.4), "a ratio, not its log"),
        ("RD", (0.5, 0.4, 1.01), "within -1 to 1"),
        ("RD", (-0.5, -1.01, 0.4), "within -1 to 1"),
        ("RR", (0.5, math.nan, 0.6), "missing or infinite"),
        ("OR", (0.5, 0.4, math.inf), "missing or infinite"),
    ],
)
def test_what_is_no_such_effect_is_refused(
    measure: str, effect: tuple[float, float, float], message: str
) -> None:
    with pytest.raises(TrialpoolError, match=message):
        absolute_effect(measure, *effect, baseline=0.1)


@pytest.mark.parametrize(("measure", "effect"), [("RR", (0, 0, 2)), ("RD", (0, -1, 1))])
def test_the_bounds_of_a_measure_belong_to_it(
    measure: str, effect: tuple[float, float, float]
) -> None:
    absolute_effect(measure, *effect, baseline=0.1)


@pytest.mark.parametrize("sd", [0.0, -1.0, math.nan, math.inf])
def test_a_reference_sd_is_above_none(sd: float) -> None:
    with pytest.raises(TrialpoolError, match="above 0"):
        points(0.5, 0.4, 0.6, sd=sd)


@pytest.mark.parametrize("per", [0, -100])
def test_frequencies_are_of_people(per: int) -> None:
    with pytest.raises(TrialpoolError, match="at least 1"):
        rd(0.1, 0.0, 0.2).frequencies(per)
    assert rd(0.1, 0.0, 0.2).frequencies(1).risk == (0, 0, 1)
