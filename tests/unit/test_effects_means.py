"""Effects from means: worked examples, pairs, ratios, one group, reasons for missing values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from sound import ARMS, GROUP, PAIRS

import trialpool as tp
from trialpool.effects.small_sample import small_sample_factor

# Borenstein, Hedges, Higgins & Rothstein 2009, Introduction to Meta-Analysis, chapter 4.
BOOK = {"m1i": 103.0, "sd1i": 5.5, "n1i": 50, "m2i": 100.0, "sd2i": 4.5, "n2i": 50}
# The same book's matched groups: SD of the differences 5.5, r = .7, so SD within 5.5/sqrt(.6).
WITHIN = 5.5 / math.sqrt(2 * (1 - 0.7))
MATCHED = {"m1i": 103.0, "sd1i": WITHIN, "m2i": 100.0, "sd2i": WITHIN, "ni": 50, "ri": 0.7}
RESPONSE = {"m1i": 61.515, "sd1i": 19.475, "n1i": 10, "m2i": 51.015, "sd2i": 19.475, "n2i": 10}


def _rounded(measure: str, columns: dict[str, Any], **options: Any) -> tuple[float, float]:
    es = tp.effect_size(measure, **columns, **options)
    return round(float(es.yi[0]), 4), round(float(es.vi[0]), 4)


def test_differences_in_introduction_to_meta_analysis() -> None:
    """D = 3, V 1.01; d = .5970, V .0418; g = .5924, V .0411 (chapter 4)."""
    assert _rounded("MD", BOOK, variance="HO") == (3.0, 1.01)
    assert _rounded("SMD", BOOK, correction="none") == (0.5970, 0.0418)
    assert _rounded("SMD", BOOK, variance="LS2", correction="approx") == (0.5924, 0.0411)


def test_matched_groups_in_introduction_to_meta_analysis() -> None:
    """D = 3, V .6050; d = .4225, V .0131 (chapter 4)."""
    assert _rounded("MC", MATCHED) == (3.0, 0.605)
    assert _rounded("SMCRP", MATCHED, variance="Cochrane") == (0.4225, 0.0131)


def test_response_ratio_in_introduction_to_meta_analysis() -> None:
    """ln(61.515/51.015) = .1872, V .0246 (chapter 4)."""
    assert _rounded("ROM", RESPONSE, variance="HO", correction="none") == (0.1872, 0.0246)


def test_md_with_one_sd_for_both_arms() -> None:
    """Pooled variance (11 16 + 9 25)/20 = 20.05, over 12 and over 10; LS keeps the two apart."""
    assert tp.effect_size("MD", **ARMS, variance="HO").vi == pytest.approx([20.05 * (1 / 12 + 0.1)])


def test_smd_with_the_mean_g_in_every_variance() -> None:
    """AV: mean of g weighted by N, over the studies that have one."""
    columns: dict[str, Any] = {key: [value, value, math.nan] for key, value in ARMS.items()}
    columns["m1i"] = [10.0, 16.0, 10.0]
    columns["n1i"] = [12, 30, 12]
    own = tp.effect_size("SMD", **columns)
    es = tp.effect_size("SMD", **columns, variance="AV")
    mean = (own.yi[0] * 22 + own.yi[1] * 40) / 62
    assert es.vi[:2] == pytest.approx(
        [1 / 12 + 1 / 10 + mean**2 / 44, 1 / 30 + 1 / 10 + mean**2 / 80]
    )
    assert math.isnan(es.vi[2])


def test_other_standardisers_by_hand() -> None:
    """(10 - 13)/sqrt(20.5), df 20; (10 - 13)/5, df 9."""
    d, j = -3 / math.sqrt(20.5), float(small_sample_factor(20))
    es = tp.effect_size("SMDH", **ARMS)
    assert es.yi == pytest.approx([j * d])
    shape = (j * d) ** 2 * (4**4 / 11 + 5**4 / 9) / (8 * 20.5**2)
    assert es.vi == pytest.approx([(16 / 11 + 25 / 9) / 20.5 + shape])
    g = float(small_sample_factor(9)) * -0.6
    es = tp.effect_size("SMD1", **ARMS)
    assert es.yi == pytest.approx([g])
    assert es.vi == pytest.approx([1 / 12 + 1 / 10 + g**2 / 20])
    es = tp.effect_size("SMD1H", **ARMS)
    assert es.yi == pytest.approx([g])
    assert es.vi == pytest.approx([16 / 25 / 11 + 1 / 9 + g**2 / 18])


@pytest.mark.parametrize("measure", ["SMDH", "SMD1", "SMD1H", "SMCC", "SMCR", "SMCRH", "SMCRPH"])
def test_corrections_by_name(measure: str) -> None:
    """In size none > approx, and approx is within a percent of exact."""
    columns = ARMS if measure.startswith("SMD") else PAIRS
    size = {
        name: abs(float(tp.effect_size(measure, **columns, correction=name).yi[0]))
        for name in ("exact", "approx", "none")
    }
    assert size["none"] > size["approx"]
    assert size["approx"] == pytest.approx(size["exact"], rel=0.01)
    exact = float(tp.effect_size(measure, **columns).yi[0])
    assert abs(exact) == size["exact"]


def test_changes_by_hand() -> None:
    """Difference .5 over the SD of the differences, over SD 1; n = 10, r = .68."""
    change = math.sqrt(2.38**2 + 2.21**2 - 2 * 0.68 * 2.38 * 2.21)
    j = float(small_sample_factor(9))
    g = j * 0.5 / change
    es = tp.effect_size("SMCC", **PAIRS)
    assert es.yi == pytest.approx([g])
    assert es.vi == pytest.approx([1 / 10 + g**2 / 20])
    ub = tp.effect_size("SMCC", **PAIRS, variance="UB")
    assert ub.vi == pytest.approx([1 / 10 + (1 - 7 / (9 * j**2)) * g**2])
    g = j * 0.5 / 2.38
    es = tp.effect_size("SMCR", **PAIRS)
    assert es.yi == pytest.approx([g])
    assert es.vi == pytest.approx([2 * 0.32 / 10 + g**2 / 20])
    es = tp.effect_size("SMCRH", **PAIRS)
    assert es.yi == pytest.approx([g])
    assert es.vi == pytest.approx([change**2 / 2.38**2 / 9 + g**2 / 18])
    paired = tp.effect_size("SMCRP", **PAIRS)
    es = tp.effect_size("SMCRPH", **PAIRS)
    assert es.yi[0] == paired.yi[0]
    s2 = (2.38**2 + 2.21**2) / 2
    fourth = 2.38**4 + 2.21**4 + 2 * 0.68**2 * 2.38**2 * 2.21**2
    assert es.vi == pytest.approx([change**2 / s2 / 9 + es.yi[0] ** 2 * fourth / (72 * s2**2)])


def test_logs_of_two_arms_by_hand() -> None:
    """Means 10 and 13, SDs 4 and 5, numbers 12 and 10."""
    c1, c2, h1, h2 = 16 / 1200, 25 / 1690, 1 / 22, 1 / 18
    expected = {
        "ROM": (math.log(10 / 13) + (c1 - c2) / 2, c1 + c2),
        "CVR": (math.log(0.4 / (5 / 13)) + h1 - h2 - (c1 - c2) / 2, c1 + c2 + h1 + h2),
    }
    for measure, (yi, vi) in expected.items():
        es = tp.effect_size(measure, **ARMS)
        assert es.yi == pytest.approx([yi])
        assert es.vi == pytest.approx([vi])
    es = tp.effect_size("VR", sd1i=4, n1i=12, sd2i=5, n2i=10)
    assert es.yi == pytest.approx([math.log(0.8) + h1 - h2])
    assert es.vi == pytest.approx([h1 + h2])


def test_logs_of_pairs_by_hand() -> None:
    """Means 7 and 6.5; SDs 2.38 and 2.21; 10 pairs, r = .68."""
    v1, v2 = 2.38 / 7, 2.21 / 6.5
    means = (v1**2 + v2**2 - 2 * 0.68 * v1 * v2) / 10
    spread = (1 - 0.68**2) / 9
    plain = tp.effect_size("ROMC", **PAIRS, correction="none")
    assert plain.yi == pytest.approx([math.log(7 / 6.5)])
    es = tp.effect_size("ROMC", **PAIRS)
    assert es.yi == pytest.approx([math.log(7 / 6.5) + (v1**2 - v2**2) / 20])
    assert es.vi == pytest.approx([means])
    es = tp.effect_size("CVRC", **PAIRS)
    assert es.yi == pytest.approx([math.log(v1 / v2) - (v1**2 - v2**2) / 20])
    assert es.vi == pytest.approx([means + spread])
    es = tp.effect_size("VRC", sd1i=2.38, sd2i=2.21, ni=10, ri=0.68)
    assert es.yi == pytest.approx([math.log(2.38 / 2.21)])
    assert es.vi == pytest.approx([spread])


def test_one_group_by_hand() -> None:
    """Mean 20, SD 5, n = 16."""
    g = float(small_sample_factor(15)) * 4
    of_mean = 25 / (16 * 400)
    expected = {
        "MN": (20, 25 / 16),
        "MNLN": (math.log(20) + of_mean / 2, of_mean),
        "SDLN": (math.log(5) + 1 / 30, 1 / 30),
        "CVLN": (math.log(0.25) + 1 / 30 - of_mean / 2, 1 / 30 + of_mean),
        "SMN": (g, 1 / 16 + g**2 / 32),
    }
    for measure, (yi, vi) in expected.items():
        es = tp.effect_size(measure, **GROUP)
        assert es.yi == pytest.approx([yi])
        assert es.vi == pytest.approx([vi])
    assert tp.effect_size("MNLN", **GROUP, correction="none").yi == pytest.approx([math.log(20)])


@pytest.mark.parametrize("column", ["sd1i", "n1i"])
def test_a_plain_log_ratio_needs_no_sd(column: str) -> None:
    """Uncorrected: the ratio stands without a variance; corrected: there is none."""
    columns = {**ARMS, column: math.nan}
    plain = tp.effect_size("ROM", **columns, correction="none")
    assert plain.yi == pytest.approx([math.log(10 / 13)])
    assert plain.reason == (f"{column} is missing",)
    assert np.isnan(tp.effect_size("ROM", **columns).yi).all()


def test_two_negative_means_have_a_ratio() -> None:
    """-10 over -13; a coefficient of variation needs means above 0."""
    negative = {**ARMS, "m1i": -10, "m2i": -13}
    es = tp.effect_size("ROM", **negative)
    assert es.yi == pytest.approx(tp.effect_size("ROM", **ARMS).yi)
    assert tp.effect_size("CVR", **negative).reason == ("m1i <= 0",)


IN_ARMS = ("MD", "SMD", "SMDH", "SMD1H", "ROM", "RPB", "RBIS", "D2ORN", "D2ORL")
IN_PAIRS = ("MC", "SMCC", "SMCR", "SMCRH", "SMCRP", "SMCRPH", "ROMC", "CVRC", "VRC")
REASONS = [
    *((m, {**ARMS, "sd1i": -1}, "sd1i < 0") for m in IN_ARMS),
    *((m, {**ARMS, "sd2i": -1}, "sd2i < 0") for m in (*IN_ARMS, "SMD1")),
    *((m, {**ARMS, "n1i": 1}, "n1i < 2") for m in ("SMDH", "CVR", "SMD1H")),
    *((m, {**ARMS, "n2i": 1}, "n2i < 2") for m in ("SMDH", "CVR")),
    *((m, {**ARMS, "n1i": 0}, "n1i < 1") for m in ("SMD1", "ROM", "RPB", "RBIS", "D2ORN")),
    *((m, {**ARMS, "n2i": 2}, "n2i < 3") for m in ("SMD1", "SMD1H")),
    *((m, {**ARMS, "sd2i": 0}, "sd2i is 0") for m in ("SMD1", "SMD1H")),
    ("SMDH", {**ARMS, "sd1i": 0, "sd2i": 0}, "both SDs are 0"),
    *((m, {**ARMS, "sd1i": 0, "sd2i": 0}, "pooled SD is 0") for m in ("RPB", "RBIS", "D2ORL")),
    *((m, {**ARMS, "n1i": 1, "n2i": 2}, "n1i + n2i < 4") for m in ("RPB", "RBIS", "D2ORL")),
    ("ROM", {**ARMS, "m1i": -10}, "means are 0 or of opposite sign"),
    ("ROM", {**ARMS, "m2i": 0}, "means are 0 or of opposite sign"),
    ("CVR", {**ARMS, "m2i": 0}, "m2i <= 0"),
    ("CVR", {**ARMS, "sd1i": 0}, "sd1i <= 0"),
    ("VR", {"sd1i": 4, "n1i": 9, "sd2i": 0, "n2i": 9}, "sd2i <= 0"),
    ("VR", {"sd1i": 4, "n1i": 1, "sd2i": 3, "n2i": 9}, "n1i < 2"),
    *((m, {**PAIRS, "sd1i": -1}, "sd1i < 0") for m in IN_PAIRS),
    *((m, {**PAIRS, "sd2i": -1}, "sd2i < 0") for m in IN_PAIRS if m != "SMCR"),
    *((m, {**PAIRS, "ni": 0}, "ni < 1") for m in IN_PAIRS),
    *((m, {**PAIRS, "ri": -1.1}, "ri outside -1 to 1") for m in IN_PAIRS),
    *((m, {**PAIRS, "ni": 2}, "too few pairs: df <= 1") for m in ("SMCC", "SMCR", "SMCRH")),
    ("SMCRPH", {**PAIRS, "ni": 1}, "too few pairs: df <= 1"),
    ("SMCC", {**PAIRS, "sd2i": 2.38, "ri": 1}, "SD of the differences is 0"),
    *((m, {**PAIRS, "sd1i": 0}, "sd1i is 0") for m in ("SMCR", "SMCRH")),
    ("SMCRPH", {**PAIRS, "sd1i": 0, "sd2i": 0}, "both SDs are 0"),
    ("ROMC", {**PAIRS, "m2i": -6.5}, "means are 0 or of opposite sign"),
    ("CVRC", {**PAIRS, "m1i": 0}, "m1i <= 0"),
    ("CVRC", {**PAIRS, "ni": 1}, "ni < 2"),
    ("VRC", {**PAIRS, "sd2i": 0}, "sd2i <= 0"),
    ("VRC", {**PAIRS, "ni": 1}, "ni < 2"),
    *((m, {**GROUP, "sdi": -1}, "sdi < 0") for m in ("MN", "MNLN", "SMN", "SDLN", "CVLN")),
    *((m, {**GROUP, "sdi": 0}, "sdi is 0") for m in ("SMN", "SDLN", "CVLN")),
    *((m, {**GROUP, "mi": 0}, "mi <= 0") for m in ("MNLN", "CVLN")),
    *((m, {**GROUP, "ni": 0}, "ni < 1") for m in ("MN", "MNLN")),
    *((m, {**GROUP, "ni": 1}, "ni < 2") for m in ("SDLN", "CVLN")),
    ("SMN", {**GROUP, "ni": 2}, "ni < 3"),
]


@pytest.mark.parametrize(("measure", "columns", "reason"), REASONS)
def test_why_there_is_no_effect(measure: str, columns: dict[str, float], reason: str) -> None:
    """Every rule of every measure of means, by name."""
    es = tp.effect_size(measure, **columns)
    assert es.reason == (reason,)
    assert np.isnan([es.yi[0], es.vi[0]]).all()


@pytest.mark.parametrize(
    ("measure", "columns", "reason"),
    [
        ("MN", {**GROUP, "sdi": math.nan}, "sdi is missing"),
        ("MN", {**GROUP, "sdi": 0}, "sampling variance is 0 or undefined"),
        ("VRC", {**PAIRS, "ri": 1}, "sampling variance is 0 or undefined"),
        ("SMCR", {**PAIRS, "ri": math.nan}, "ri is missing"),
        ("ROMC", {**PAIRS, "ri": math.nan}, "ri is missing"),
    ],
)
def test_an_effect_without_a_variance_stands(
    measure: str, columns: dict[str, float], reason: str
) -> None:
    """It can be shown, not pooled."""
    es = tp.effect_size(measure, **columns)
    assert math.isfinite(es.yi[0])
    assert math.isnan(es.vi[0])
    assert es.reason == (reason,)


def test_columns_of_the_same_table_that_are_not_needed_may_be_given() -> None:
    """One call with all columns of the arms works for each measure of the family."""
    for measure in ("VR", "SMD1"):
        assert tp.effect_size(measure, **ARMS).reason == ("",)
    for measure in ("SMCR", "VRC"):
        assert tp.effect_size(measure, **PAIRS).reason == ("",)
    assert tp.effect_size("SDLN", **GROUP).reason == ("",)
    with pytest.raises(ValueError, match="VR does not take ri"):
        tp.effect_size("VR", **ARMS, ri=0.5)
