"""Worked examples of the literature, recomputed; each docstring says where the numbers stand."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import ndtri

import trialpool as tp
from trialpool.effects.changes import change_sd
from trialpool.effects.generic import sd_from_ci, sd_from_difference, se_from_p, se_from_t
from trialpool.effects.medians import mean_sd
from trialpool.effects.multiarm import (
    one_estimate,
    shared_control_covariance,
    shared_control_covariance_counts,
)
from trialpool.effects.paired import recover_r
from trialpool.results import EffectSizes

Array = NDArray[np.float64]

# Cochrane Handbook 6.4, section 23.2.7 (5.1: 16.4.6.4): 10 people under E and C.
CROSSOVER = {"m1i": 7.0, "sd1i": 2.38, "m2i": 6.5, "sd2i": 2.21, "ni": 10, "ri": 0.68}


def test_handbook_crossover() -> None:
    """Section 23.2.7: SE .632 if the SD of differences is 2; r = .68: .583; SMD .218, SE .256.

    https://handbook-5-1.cochrane.org/chapter_16/16_4_6_4_example.htm
    """
    assert round(2 / math.sqrt(10), 3) == 0.632
    spread = float(change_sd(2.38, 2.21, 0.68))
    assert round(spread / math.sqrt(10), 3) == 0.583
    assert round(float(tp.effect_size("MC", **CROSSOVER).sei[0]), 3) == 0.583
    smd = tp.effect_size("SMCRP", **CROSSOVER, variance="Cochrane")
    assert (round(float(smd.yi[0]), 3), round(float(smd.sei[0]), 3)) == (0.218, 0.256)


def test_handbook_se_from_p() -> None:
    """Section 6.5.2.3: MD 3.8, p = .008, 25 and 22 people: t = 2.78 with 45 df, SE 1.37."""
    se = float(se_from_p(3.8, 0.008, df=45))
    assert round(se, 2) == 1.37
    assert round(3.8 / se, 2) == 2.78
    assert round(float(se_from_t(3.8, 2.78)), 2) == 1.37


def test_handbook_sd_from_a_small_samples_interval() -> None:
    """Section 6.5.2.2: with 25 people t is 2.0639, and the interval 4.128 SEs wide."""
    assert 5 / float(sd_from_ci(0, 1, 25)) == pytest.approx(4.128, abs=5e-4)


def test_handbook_sd_from_a_p_value() -> None:
    """Section 6.5.2.3, continued: SE 1.37 with 25 and 22 people is an SD of 4.69."""
    assert round(float(sd_from_difference(1.37, 25, 22)), 2) == 4.69


def test_handbook_correlation_behind_a_change() -> None:
    """Section 6.5.2.8, table 6.5.b: SDs 6.4, 7.1, change 4.5: r .78; 7.0, 6.9, 4.2: r .82."""
    assert round(float(recover_r(6.4, 7.1, 4.5)), 2) == 0.78
    assert round(float(recover_r(7.0, 6.9, 4.2)), 2) == 0.82


def test_wan_2014_table_1() -> None:
    """Xi(n), the expected range of n standard normal values: eq. 9 is within 0.6 % of it.

    https://bmcmedresmethodol.biomedcentral.com/articles/10.1186/1471-2288-14-135/tables/1
    """
    xi = {10: 3.078, 20: 3.735, 30: 4.086, 40: 4.322, 50: 4.498}
    sizes = list(xi)
    divisor = 1 / mean_sd(sizes, minimum=-0.5, median=0, maximum=0.5).sd
    assert divisor == pytest.approx(list(xi.values()), rel=0.006)
    assert divisor[-1] == pytest.approx(2 * float(ndtri(49.625 / 50.25)))


def test_shi_2023_as_documented_for_metafor() -> None:
    """Help page of conv.fivenum: none of its first three studies is skewed, its third then is.

    https://wviechtb.github.io/metafor/reference/conv.fivenum.html, examples 1 and 3
    """
    nan = math.nan
    first = mean_sd(
        20,
        minimum=[2, nan, 2],
        q1=[nan, 4, 4],
        median=6,
        q3=[nan, 10, 10],
        maximum=[14, nan, 14],
    )
    assert first.reason == ("", "", "")
    third = mean_sd(20, minimum=2, q1=4, median=6, q3=14, maximum=20)
    assert "skewed" in third.reason[0]


def test_quantile_estimation_as_documented_by_its_author() -> None:
    """README of estmeansd: minimum 2, median 4, maximum 9, n = 100: mean 4.347284, SD 1.502171.

    https://github.com/stmcg/estmeansd; its optimiser stops a little short of the minimum
    """
    found = mean_sd(100, minimum=2, median=4, maximum=9, method="QE")
    assert found.mean == pytest.approx([4.347284], rel=1e-5)
    assert found.sd == pytest.approx([1.502171], rel=1e-5)


def test_mln_comes_near_what_its_implementation_prints() -> None:
    """The same README: mean 4.195238, SD 1.294908, there by random numbers; here within 1 %."""
    found = mean_sd(100, minimum=2, median=4, maximum=9, method="MLN")
    assert found.mean == pytest.approx([4.195238], rel=0.01)
    assert found.sd == pytest.approx([1.294908], rel=0.01)


def test_becker_1988_in_morris_2008() -> None:
    """Morris 2008, Organ Res Methods 11:364, table 1: differences .74, .95, 1.81, 1.15, .51."""
    ri = [0.47, 0.64, 0.77, 0.89, 0.44]
    treated = tp.effect_size(
        "SMCR",
        m1i=[38.5, 26.8, 0.7, 75.9, 36.0],
        m2i=[30.6, 23.5, 0.5, 53.4, 35.6],
        sd1i=[15.0, 3.1, 0.1, 14.5, 4.7],
        ni=[20, 50, 9, 10, 14],
        ri=ri,
    )
    control = tp.effect_size(
        "SMCR",
        m1i=[19.7, 25.3, 0.6, 60.7, 33.4],
        m2i=[23.1, 24.9, 0.6, 55.7, 34.8],
        sd1i=[13.8, 4.1, 0.2, 17.3, 3.1],
        ni=[20, 42, 9, 11, 14],
        ri=ri,
    )
    assert np.round(treated.yi - control.yi, 2).tolist() == [0.74, 0.95, 1.81, 1.15, 0.51]


# Gleser & Olkin 2009, chapter 19 of Cooper, Hedges & Valentine, The Handbook of Research Synthesis
# and Meta-Analysis, p. 360-367; data and printed results also at
# https://www.metafor-project.org/doku.php/analyses:gleser2009
TREATMENT = np.array([0, 1, 0, 0, 1, 2])
CONTROL = {"ai": [40, 40, 10, 150, 150, 150], "n1i": [1000, 1000, 200, 2000, 2000, 2000]}
TREATED = {"ci": [100, 150, 15, 40, 80, 50], "n2i": [4000, 4000, 400, 1000, 1000, 1000]}
TRIALS = [slice(0, 2), slice(2, 3), slice(3, 6)]


def _least_squares(
    yi: Array, blocks: Sequence[Array], treatment: NDArray[np.int64]
) -> tuple[Array, Array, float]:
    """Effect per treatment, covariance of the effects, and the chi-square of fit."""
    v = np.zeros((len(yi), len(yi)))
    at = 0
    for block in blocks:
        v[at : at + len(block), at : at + len(block)] = block
        at += len(block)
    design = (treatment[:, np.newaxis] == np.unique(treatment)).astype(float)
    weight = np.linalg.inv(v)
    covariance = np.linalg.inv(design.T @ weight @ design)
    beta = covariance @ design.T @ weight @ yi
    rest = yi - design @ beta
    return beta, covariance, float(rest @ weight @ rest)


def _counts(measure: str) -> tuple[EffectSizes, list[Array]]:
    """The book's effects, control minus treated, and the covariance of each study."""
    es = tp.effect_size(measure, **CONTROL, **TREATED)
    blocks = [
        shared_control_covariance_counts(
            measure,
            TREATED["ci"][rows],
            TREATED["n2i"][rows],
            CONTROL["ai"][rows][0],
            CONTROL["n1i"][rows][0],
        )
        for rows in TRIALS
    ]
    return es, blocks


@pytest.mark.parametrize(
    ("measure", "effects", "beta", "fit"),
    [
        ("RD", [0.0150, 0.0025, 0.0125, 0.0350, -0.0050, 0.0250], [0.0200, 0.0043, 0.0211], 7.1907),
        ("OR", [0.4855, 0.0671, 0.3008, 0.6657, -0.0700, 0.4321], [0.5099, 0.0044, 0.4301], 2.0563),
        ("RR", [0.4700, 0.0645, 0.2877, 0.6286, -0.0645, 0.4055], [0.4875, 0.0006, 0.4047], 1.8954),
    ],
)
def test_gleser_olkin_2009_counts(
    measure: str, effects: list[float], beta: list[float], fit: float
) -> None:
    """Pages 360-364, eq. 19.6 and 19.8: effects, combined effects, chi-square."""
    es, blocks = _counts(measure)
    assert np.round(es.yi, 4).tolist() == effects
    found, _, q = _least_squares(es.yi, blocks, TREATMENT)
    assert np.round(found, 4).tolist() == beta
    assert round(q, 4) == fit


@pytest.mark.parametrize(
    ("measure", "unit", "digits", "printed"),
    [
        ("RD", 1e-6, 3, [[24.612, 19.954, 13.323], [19.954, 28.538, 13.255]]),
        ("OR", 1, 5, [[0.01412, 0.00712, 0.00425], [0.00712, 0.01178, 0.00455]]),
    ],
)
def test_gleser_olkin_2009_covariance_of_counts(
    measure: str, unit: float, digits: int, printed: list[list[float]]
) -> None:
    """Eq. 19.7 (RD, in millionths) and page 363 (log OR): the first two rows."""
    es, blocks = _counts(measure)
    covariance = _least_squares(es.yi, blocks, TREATMENT)[1]
    assert np.round(covariance[:2] / unit, digits).tolist() == printed


def test_gleser_olkin_2009_standardised_differences() -> None:
    """Pages 364-367: d per treatment; 2.3743 and 1.5702, their covariance, chi-square 3.9447."""
    m1i = np.array([7.87, 4.35, 9.32, 8.08, 7.44, 5.34])
    m2i = np.array([-1.36, -1.36, 0.98, 1.17, 0.45, 0.45])
    d = (m1i - m2i) / [4.2593, 4.2593, 2.8831, 3.1764, 2.9344, 2.9344]
    assert np.round(d, 4).tolist() == [2.1670, 1.3406, 2.8927, 2.1754, 2.3821, 1.6664]
    blocks = [
        shared_control_covariance(d[:2], [25, 22], 25, "GO"),
        shared_control_covariance(d[2:3], [38], 40, "GO"),
        shared_control_covariance(d[3:4], [50], 50, "GO"),
        shared_control_covariance(d[4:], [30, 30], 30, "GO"),
    ]
    beta, covariance, q = _least_squares(d, blocks, np.array([0, 1, 0, 0, 0, 1]))
    assert np.round(beta, 4).tolist() == [2.3743, 1.5702]
    assert np.round(covariance, 5).tolist() == [[0.02257, 0.01244], [0.01244, 0.03554]]
    assert round(q, 4) == 3.9447
    # With one effect for both treatments of a study, least squares is `one_estimate`.
    one, variance, _ = _least_squares(d[:2], blocks[:1], np.array([0, 0]))
    assert one_estimate(d[:2], blocks[0]) == pytest.approx((one[0], variance[0, 0]))
