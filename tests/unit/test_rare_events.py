"""Rare events as the field has them: RevMan's numbers of tables with zeros, and MH-DL by name.

The tables are made up; their numbers are worked out here from the formulas of Deeks & Higgins 2010,
Statistical algorithms in Review Manager 5, unless another origin is named.
"""

from __future__ import annotations

from math import exp, isnan, log, sqrt
from typing import Any

import numpy as np
import pytest

import trialpool as tp
from trialpool.results import TrialpoolError

Z = 1.959963984540054
# Made up: a zero in one arm, in the other, in neither; no events at all; events in everyone.
A, N1 = [0, 2, 5, 0, 6], [20, 31, 40, 15, 6]
C, N2 = [3, 0, 9, 0, 8], [22, 28, 41, 30, 8]


def limits(yi: float, vi: float) -> tuple[float, float]:
    return yi - Z * sqrt(vi), yi + Z * sqrt(vi)


@pytest.mark.parametrize(
    ("table", "difference", "low", "high"),
    [
        # Printed in RevMan Web for a published review (2 of 217 rows with a zero cell).
        ((3, 25, 0, 25), 0.12, -0.0214, 0.2614),
        # By hand: 0.5 12.5/13^3 + 0.5 4.5/5^3 = 0.1444^2.
        ((0, 12, 0, 4), 0.0, -0.1444 * Z, 0.1444 * Z),
    ],
)
def test_a_half_goes_into_the_variance_of_a_risk_difference_only(
    table: tuple[int, ...], difference: float, low: float, high: float
) -> None:
    """The difference is that of the risks as they are."""
    es = tp.effect_size("RD", **dict(zip(("ai", "n1i", "ci", "n2i"), table, strict=True)))
    assert es.yi[0] == pytest.approx(difference, abs=1e-15)
    assert limits(es.yi[0], es.vi[0]) == pytest.approx((low, high), abs=1e-4)
    assert es.formula.endswith("in the variance only")


def test_what_metafor_does_by_default_is_there_by_name() -> None:
    """R, metafor 3.8-1: escalc("RD", ai=3, n1i=25, ci=0, n2i=25), and so for RR and PETO."""
    rd = tp.effect_size("RD", ai=3, n1i=25, ci=0, n2i=25, corrects="both")
    assert rd.yi[0] == pytest.approx(3 / 26)
    rr = tp.effect_size("RR", ai=28, n1i=28, ci=29, n2i=29, drop00=False)
    assert rr.yi[0] == pytest.approx(log(28.5 / 29 / (29.5 / 30)))
    peto = tp.effect_size("PETO", ai=1, n1i=38, ci=0, n2i=33, add=0.5)
    assert exp(peto.yi[0]) == pytest.approx(2.41, abs=0.005)
    # Without a zero nothing is added, whatever it would go into.
    plain = {"ai": 4, "n1i": 25, "ci": 2, "n2i": 25}
    both = tp.effect_size("RD", **plain, corrects="both")
    assert tp.effect_size("RD", **plain).yi == pytest.approx(both.yi, abs=1e-15)
    assert "only" not in both.formula
    with pytest.raises(TrialpoolError, match="corrects = 'effect': allowed are variance, both"):
        tp.effect_size("RD", **plain, corrects="effect")


def test_a_risk_ratio_with_events_in_everyone_is_1_and_stays() -> None:
    """28/28 against 29/29: RevMan Web prints 1.00 (0.935 to 1.069); 8/8 against 40/40 is 1, too."""
    es = tp.effect_size("RR", ai=[28, 8, 8], n1i=[28, 8, 9], ci=[29, 40, 40], n2i=[29, 40, 40])
    assert es.reason == ("", "", "")
    assert list(es.yi[:2]) == [0.0, 0.0]
    assert [round(exp(x), 3) for x in limits(0.0, es.vi[0])] == [0.935, 1.069]
    assert es.yi[2] != 0  # one person without: the usual correction of a zero cell
    none = tp.effect_size("RR", ai=0, n1i=28, ci=0, n2i=29)
    assert none.reason == ("no events in either arm",)
    odds = tp.effect_size("OR", ai=28, n1i=28, ci=29, n2i=29)
    assert odds.reason == ("events in all participants of both arms",)


@pytest.mark.parametrize("measure", ["OR", "RR", "RD"])
def test_mantel_haenszel_and_inverse_variance_rest_on_the_same_trials(measure: str) -> None:
    """A study counts in one where it has an effect of its own in the other."""
    es = tp.effect_size(measure, ai=A, n1i=N1, ci=C, n2i=N2)
    pooled = tp.pool_counts(A, N1, C, N2, measure=measure)
    assert pooled.k == np.isfinite(es.vi).sum()
    assert tp.pool_counts(A, N1, C, N2, measure=measure, method="MH-DL").k == pooled.k


def test_q_of_risk_ratios_counts_events_in_everyone() -> None:
    """10/20 against 12/20 and 28/28 against 29/29: by hand about the Mantel-Haenszel mean."""
    pooled = tp.pool_counts([10, 28], [20, 28], [12, 29], [20, 29], measure="RR")
    r, s = 10 * 20 / 40 + 28 * 29 / 57, 12 * 20 / 40 + 29 * 28 / 57
    assert pooled.beta == pytest.approx(log(r / s))
    v = 1 / 10 - 1 / 20 + 1 / 12 - 1 / 20, 1 / 28.5 - 1 / 29 + 1 / 29.5 - 1 / 30
    q = (log(10 / 12) - pooled.beta) ** 2 / v[0] + pooled.beta**2 / v[1]
    assert (pooled.k, pooled.q_df, pooled.q) == pytest.approx((2, 1, q))


def test_peto_of_one_study_is_its_pooled_odds_ratio() -> None:
    """1/38 against 0/33: RevMan prints 6.48 (0.13 to 329.67) on either way."""
    es = tp.effect_size("PETO", ai=1, n1i=38, ci=0, n2i=33)
    pooled = tp.pool_counts([1], [38], [0], [33], method="Peto")
    assert es.yi[0] == pytest.approx(pooled.beta)
    assert exp(pooled.beta) == pytest.approx(6.478, abs=5e-4)
    assert [exp(pooled.ci_lb), exp(pooled.ci_ub)] == pytest.approx([0.127, 329.67], abs=5e-3)


def test_a_risk_difference_without_any_event_is_pooled() -> None:
    """0/12 and 0/54 against 0/4 and 0/19: RevMan prints 0.0000 (-0.0809 to 0.0809)."""
    zero, n1, n2 = [0, 0], [12, 54], [4, 19]
    for events in ((zero, zero), (n1, n2)):  # nor where everyone has one
        pooled = tp.pool_counts(events[0], n1, events[1], n2, measure="RD")
        shown = [round(x, 4) for x in (pooled.beta, pooled.ci_lb, pooled.ci_ub)]
        assert shown == [0.0, -0.0809, 0.0809]
    # One event is enough for the usual variance.
    some = tp.pool_counts([1, 0], n1, zero, n2, measure="RD")
    w = 12 * 4 / 16, 54 * 19 / 73
    by_hand = 1 * 11 * 4**3 / (12 * 4 * 16**2) / sum(w) ** 2
    named = tp.pool_counts([1, 0], n1, zero, n2, measure="RD", variance="Greenland-Robins")
    assert named.se**2 == pytest.approx(by_hand)
    assert some.beta == named.beta
    assert some.se != pytest.approx(named.se, rel=1e-3)


@pytest.mark.parametrize("measure", ["OR", "RR", "RD"])
def test_mh_dl_is_der_simonian_laird_with_q_about_the_mantel_haenszel_mean(measure: str) -> None:
    """Step by step, from the effects of single studies and the Mantel-Haenszel mean."""
    a, n1, c, n2 = [4, 30, 2, 0], [40, 60, 55, 25], [9, 12, 8, 3], [41, 62, 50, 27]
    es = tp.effect_size(measure, ai=a, n1i=n1, ci=c, n2i=n2)
    mean = tp.pool_counts(a, n1, c, n2, measure=measure).beta
    w = 1 / es.vi
    q = float((w * (es.yi - mean) ** 2).sum())
    tau2 = (q - 3) / float(w.sum() - (w**2).sum() / w.sum())
    assert tau2 > 0
    pooled = tp.pool_counts(a, n1, c, n2, measure=measure, method="MH-DL")
    weights = 1 / (es.vi + tau2)
    beta, se = float(weights @ es.yi / weights.sum()), float(weights.sum() ** -0.5)
    assert (pooled.tau2, pooled.q, pooled.q_df) == pytest.approx((tau2, q, 3))
    assert (pooled.beta, pooled.se) == pytest.approx((beta, se))
    assert (pooled.ci_lb, pooled.ci_ub) == pytest.approx(limits(beta, se**2))
    assert pooled.i2 == pytest.approx(100 * (q - 3) / q)
    assert pooled.weights == pytest.approx(weights / weights.sum())
    reach = 3.182446305 * sqrt(tau2 + se**2)  # t quantile, 3 df
    assert (pooled.pi_lb, pooled.pi_ub) == pytest.approx((beta - reach, beta + reach))
    assert pooled.tau2 != pytest.approx(tp.pool(es.yi, es.vi, tau2="DL").tau2, rel=1e-6)


@pytest.mark.parametrize(
    ("measure", "beta", "se", "tau2", "q"),
    [
        ("OR", -0.7475280793, 0.1926656480, 0.3682280519, 163.9425795692),
        ("RR", -0.7141861196, 0.1789133797, 0.3094968538, 152.5675535867),
        ("RD", -0.0081488085, 0.0018186622, 0.0000265483, 386.7759418366),
    ],
)
def test_mh_dl_of_the_bcg_trials(
    measure: str, beta: float, se: float, tau2: float, q: float
) -> None:
    """Colditz 1994 in R, metafor 3.8-1: Q of escalc's effects about rma.mh's mean, then
    rma(yi, vi, tau2 = tau2, test = "z").
    """
    a = [4, 6, 3, 62, 33, 180, 8, 505, 29, 17, 186, 5, 27]
    n1 = [123, 306, 231, 13598, 5069, 1541, 2545, 88391, 7499, 1716, 50634, 2498, 16913]
    c = [11, 29, 11, 248, 47, 372, 10, 499, 45, 65, 141, 3, 29]
    n2 = [139, 303, 220, 12867, 5808, 1451, 629, 88391, 7277, 1665, 27338, 2341, 17854]
    pooled = tp.pool_counts(a, n1, c, n2, measure=measure, method="MH-DL")
    ours = pooled.beta, pooled.se, pooled.tau2, pooled.q
    assert ours == pytest.approx((beta, se, tau2, q), abs=1e-9)


def test_mh_dl_of_little() -> None:
    """One study is itself; without a Mantel-Haenszel mean there is no result, and the reason."""
    one = tp.pool_counts([4], [40], [9], [41], method="MH-DL")
    es = tp.effect_size("OR", ai=4, n1i=40, ci=9, n2i=41)
    assert (one.beta, one.se) == pytest.approx((es.yi[0], es.sei[0]))
    assert isnan(one.tau2)
    assert one.reasons["tau2"] == one.reasons["i2"] == "k < 2"
    two = tp.pool_counts([4, 2], [40, 30], [9, 4], [41, 33], method="MH-DL")
    assert (two.tau2, two.reasons["pi_lb"]) == (0.0, "k < 3")
    nothing = tp.pool_counts([0, 0], [40, 30], [0, 0], [41, 33], method="MH-DL")
    assert isnan(nothing.beta)
    assert nothing.reasons["beta"] == nothing.reasons["tau2"]


def test_mh_dl_without_events_in_one_arm_is_of_corrected_cells() -> None:
    """The mean is 0, but each study has an effect: Q is about the mean of the same cells."""
    a, n1, c, n2 = [0, 0], [40, 30], [9, 4], [41, 33]
    assert isnan(tp.pool_counts(a, n1, c, n2).beta)
    pooled = tp.pool_counts(a, n1, c, n2, method="MH-DL")
    es = tp.effect_size("OR", ai=a, n1i=n1, ci=c, n2i=n2)
    mean = tp.pool_counts([0.5, 0.5], [41, 31], [9.5, 4.5], [42, 34]).beta
    assert pooled.q == pytest.approx(float(((es.yi - mean) ** 2 / es.vi).sum()))
    plain = tp.pool(es.yi, es.vi, tau2="EE", test="z")
    assert (pooled.tau2, pooled.beta) == pytest.approx((0.0, plain.beta))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"method": "MH-DL", "pi": "k"}, "pi = 'k': allowed are k-1, k-2, z"),
        ({"method": "MH", "pi": "k-1"}, "pi = 'k-1': an option of MH-DL alone"),
        ({"method": "MH", "corrects": "both"}, "corrects = 'both': an option of MH RD alone"),
        ({"measure": "RD", "variance": "GR"}, "variance = 'GR': allowed are Sato"),
        ({"method": "Peto", "measure": "RR"}, "method 'Peto' with measure 'RR': known are"),
    ],
)
def test_an_option_of_another_method_is_refused(options: dict[str, Any], told: str) -> None:
    """Nothing that is asked is left aside in silence."""
    with pytest.raises(TrialpoolError, match=told):
        tp.pool_counts(A, N1, C, N2, **options)
