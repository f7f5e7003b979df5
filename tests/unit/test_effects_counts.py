"""Effects from counts: worked examples, zero cells, every reason for a missing value."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.special import ndtri
from sound import COUNTS, RATES

import trialpool as tp
from trialpool.effects import MEASURES
from trialpool.effects.zero_cells import described
from trialpool.results import TrialpoolError

# Fleiss & Berlin 2009, in Cooper, Hedges & Valentine, table 13.4: the running example.
HANDBOOK = {"ai": 135, "bi": 15, "ci": 40, "di": 10}


@pytest.mark.parametrize(
    ("measure", "estimate", "se"),
    [("PHI", 0.1309, 0.0789), ("YUQ", 0.3846, 0.1901), ("YUY", 0.2000, 0.1071)],
)
def test_association_in_the_handbook_of_research_synthesis(
    measure: str, estimate: float, se: float
) -> None:
    """135, 15, 40, 10: phi .1309 (.0789), Q .3846 (.1901), Y .2000 (.1071)."""
    es = tp.effect_size(measure, **HANDBOOK)
    assert round(float(es.yi[0]), 4) == estimate
    assert round(float(es.sei[0]), 4) == se


def test_ratios_in_introduction_to_meta_analysis() -> None:
    """5/100 against 10/100 (Borenstein et al. 2009, chapter 5)."""
    table = {"ai": 5, "n1i": 100, "ci": 10, "n2i": 100}
    printed = {"RR": (-0.6931, 0.2800), "OR": (-0.7472, 0.3216), "RD": (-0.05, 0.0014)}
    for measure, (yi, vi) in printed.items():
        es = tp.effect_size(measure, **table)
        assert round(float(es.yi[0]), 4) == pytest.approx(yi)
        assert round(float(es.vi[0]), 4) == vi


def test_arcsine_difference_is_half_of_cohens_h() -> None:
    """Risks .5 and .25: h = 2 (asin sqrt .5 - asin sqrt .25) = .524 (Cohen 1988, table 6.2.2)."""
    es = tp.effect_size("AS", ai=10, n1i=20, ci=10, n2i=40)
    assert round(2 * float(es.yi[0]), 3) == 0.524
    assert es.vi == pytest.approx([1 / 80 + 1 / 160])


def test_peto_by_hand() -> None:
    """4/10 against 2/10: O - E = 4 - 3, V = 6 14 10 10/(20^2 19)."""
    es = tp.effect_size("PETO", **COUNTS)
    variance = 6 * 14 * 100 / (400 * 19)
    assert es.yi == pytest.approx([1 / variance])
    assert es.vi == pytest.approx([1 / variance])


def test_peto_needs_nothing_added_to_one_zero() -> None:
    """0/10 against 3/10: O - E = -1.5; the sum of O - E is Peto's pooled numerator."""
    es = tp.effect_size("PETO", ai=[0, 4], n1i=10, ci=[3, 2], n2i=10)
    assert es.yi[0] / es.vi[0] == pytest.approx(-1.5)
    pooled = tp.pool_counts(ai=[0, 4], n1i=[10, 10], ci=[3, 2], n2i=[10, 10], method="Peto")
    weights = 1 / es.vi
    assert pooled.beta == pytest.approx(float(weights @ es.yi / weights.sum()))


def test_smds_from_counts_by_hand() -> None:
    """4/10 against 2/10: log OR ln(8/3) over 1.65, over pi/sqrt(3); probits of .4 and .2."""
    log_or = math.log(8 / 3)
    assert tp.effect_size("OR2DN", **COUNTS).yi == pytest.approx([log_or / 1.65])
    es = tp.effect_size("OR2DL", **COUNTS)
    assert es.yi == pytest.approx([log_or * math.sqrt(3) / math.pi])
    assert es.vi == pytest.approx([(1 / 4 + 1 / 6 + 1 / 2 + 1 / 8) * 3 / math.pi**2])
    z1, z2 = -0.2533471031357997, -0.8416212335729143  # normal quantiles of .4 and .2
    es = tp.effect_size("PBIT", **COUNTS)
    assert es.yi == pytest.approx([z1 - z2])
    density = [math.exp(-(z**2) / 2) / math.sqrt(2 * math.pi) for z in (z1, z2)]
    assert es.vi == pytest.approx([0.24 / 10 / density[0] ** 2 + 0.16 / 10 / density[1] ** 2])


def test_chinns_factor_is_1_81() -> None:
    """A log odds ratio of 1.81 is an SMD of 1 (Chinn 2000)."""
    log_or, d = tp.effect_size("OR", **COUNTS), tp.effect_size("OR2DL", **COUNTS)
    assert round(float(log_or.yi[0] / d.yi[0]), 2) == 1.81


# Three studies: a sound one, one with a zero cell, one without events.
THREE = {"ai": [4, 0, 0], "n1i": [10, 10, 10], "ci": [2, 3, 0], "n2i": [10, 10, 10]}


def _log_or(a: float, b: float, c: float, d: float) -> float:
    return math.log(a * d / (b * c))


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ("only0", [_log_or(4, 6, 2, 8), _log_or(0.5, 10.5, 3.5, 7.5), 0.0]),
        ("all", [_log_or(4.5, 6.5, 2.5, 8.5), _log_or(0.5, 10.5, 3.5, 7.5), 0.0]),
        ("if0all", [_log_or(4.5, 6.5, 2.5, 8.5), _log_or(0.5, 10.5, 3.5, 7.5), 0.0]),
        ("none", [_log_or(4, 6, 2, 8), math.nan, math.nan]),
    ],
)
def test_to_whom_a_half_is_added(to: str, expected: list[float]) -> None:
    """All four policies, with studies without events kept as metafor does."""
    es = tp.effect_size("OR", **THREE, to=to, drop00=False)
    np.testing.assert_allclose(es.yi, expected, atol=1e-15)
    if to == "none":
        assert es.reason[1:] == ("a count is 0 and nothing is added to it",) * 2


def test_a_study_that_is_left_out_does_not_move_the_others() -> None:
    """if0all: a study without events is dropped first, so no zero is left to add to."""
    sound_and_empty = {key: [column[0], column[2]] for key, column in THREE.items()}
    es = tp.effect_size("OR", **sound_and_empty, to="if0all")
    assert es.yi[0] == pytest.approx(_log_or(4, 6, 2, 8))
    assert es.reason == ("", "no events in either arm")


DROPPED = [name for name, spec in MEASURES.items() if spec.options.get("drop00") is True]
KEPT = [name for name, spec in MEASURES.items() if spec.options.get("drop00") is False]


def test_ratios_drop_and_differences_keep() -> None:
    """The default of drop00, measure by measure."""
    assert set(DROPPED) == {
        *("OR", "RR", "PETO", "PBIT", "OR2DN", "OR2DL", "PHI", "YUQ", "YUY", "RTET", "IRR")
    }
    assert set(KEPT) == {"RD", "AS", "IRD", "IRSD"}


@pytest.mark.parametrize("measure", DROPPED + KEPT)
@pytest.mark.parametrize("drop00", [True, False])
def test_studies_without_events(measure: str, drop00: bool) -> None:
    """Dropped with the reason, or computed: 0 by symmetry, with a variance."""
    if "x1i" in MEASURES[measure].needs:
        columns: dict[str, Any] = {"x1i": 0, "t1i": 40, "x2i": 0, "t2i": 40}
    else:
        columns = {"ai": 0, "n1i": 10, "ci": 0, "n2i": 10}
    es = tp.effect_size(measure, **columns, drop00=drop00)
    if drop00:
        assert es.reason == ("no events in either arm",)
        assert np.isnan([es.yi[0], es.vi[0]]).all()
    elif measure == "PETO":  # nothing is added, and no event could be elsewhere
        assert es.reason == ("sampling variance is 0 or undefined",)
    elif measure in ("RTET", "PHI"):
        assert es.reason == ("a whole row or column of the table is empty",)
    else:
        assert es.yi[0] == pytest.approx(0, abs=1e-15)
        assert es.vi[0] > 0


@pytest.mark.parametrize("measure", [name for name in DROPPED if name not in ("IRR", "RR")])
def test_studies_with_nothing_but_events_are_dropped(measure: str) -> None:
    """Everyone has the event in both arms."""
    es = tp.effect_size(measure, ai=8, n1i=8, ci=9, n2i=9)
    assert es.reason == ("events in all participants of both arms",)


def test_a_variance_of_exactly_0_is_no_variance() -> None:
    """Nothing added: RR of 1 and RD of 0 when everyone has the event; metafor returns vi = 0."""
    everyone = {"ai": 8, "n1i": 8, "ci": 9, "n2i": 9}
    for measure in ("RR", "RD"):
        es = tp.effect_size(measure, **everyone, to="none", drop00=False)
        assert es.yi[0] == 0
        assert math.isnan(es.vi[0])
        assert es.reason == ("sampling variance is 0 or undefined",)


def test_the_policy_is_part_of_the_name() -> None:
    """The formula's name says what was added, in words."""
    assert described(0.5, "only0") == "0.5 added to the cells of studies with a zero cell"
    assert described(0.5, "all") == "0.5 added to the cells of all studies"
    assert described(1, "if0all", "counts") == (
        "1 added to the counts of all studies if one has a zero count"
    )
    assert described(0, "all") == described(0.5, "none") == "nothing added to the cells"
    assert tp.effect_size("OR", **COUNTS).formula == (
        "log OR, 0.5 added to the cells of studies with a zero cell"
    )


def test_proportions_by_hand() -> None:
    """3 of 8."""
    p = 3 / 8
    expected = {
        "PR": (p, p * (1 - p) / 8),
        "PLN": (math.log(p), 1 / 3 - 1 / 8),
        "PLO": (math.log(3 / 5), 1 / 3 + 1 / 5),
        "PAS": (math.asin(math.sqrt(p)), 1 / 32),
        "PFT": ((math.asin(math.sqrt(3 / 9)) + math.asin(math.sqrt(4 / 9))) / 2, 1 / 34),
        # Probit: p (1 - p)/n over the squared normal density at its quantile.
        "PRZ": (
            float(ndtri(p)),
            p * (1 - p) / 8 / (math.exp(-(float(ndtri(p)) ** 2)) / (2 * math.pi)),
        ),
    }
    for measure, (yi, vi) in expected.items():
        es = tp.effect_size(measure, xi=3, mi=5)
        assert es.yi == pytest.approx([yi], rel=1e-14)
        assert es.vi == pytest.approx([vi], rel=1e-14)
    assert tp.effect_size("PR", xi=3, ni=8, variance="UB").vi == pytest.approx([p * (1 - p) / 7])


@pytest.mark.parametrize(("xi", "p"), [(0, 0.5 / 9), (8, 8.5 / 9)])
def test_proportions_of_none_and_all(xi: int, p: float) -> None:
    """A half is added to both counts; the arcsines take 0 and 1 as they are."""
    assert tp.effect_size("PR", xi=xi, ni=8).yi == pytest.approx([p])
    assert tp.effect_size("PLO", xi=xi, ni=8).yi == pytest.approx([math.log(p / (1 - p))])
    assert tp.effect_size("PAS", xi=xi, ni=8).yi == pytest.approx([math.asin(math.sqrt(xi / 8))])
    assert tp.effect_size("PFT", xi=xi, ni=8).vi == pytest.approx([1 / 34])
    for measure in ("PLO", "PRZ"):
        es = tp.effect_size(measure, xi=xi, ni=8, to="none")
        assert es.reason == ("a count is 0 and nothing is added to it",)


def test_log_proportion_of_everyone_is_zero_without_variance() -> None:
    """Log of 1 is a number; its variance of 0 is not one to weigh by."""
    es = tp.effect_size("PLN", xi=8, ni=8, to="none")
    assert es.yi[0] == 0
    assert es.reason == ("sampling variance is 0 or undefined",)
    assert tp.effect_size("PLN", xi=0, ni=8, add=0).reason == (
        "a count is 0 and nothing is added to it",
    )


def test_rates_by_hand() -> None:
    """8 events in 40 years against 15 in 50."""
    expected = {
        "IRR": (math.log(0.2 / 0.3), 1 / 8 + 1 / 15),
        "IRD": (0.2 - 0.3, 8 / 1600 + 15 / 2500),
        "IRSD": (math.sqrt(0.2) - math.sqrt(0.3), 1 / 160 + 1 / 200),
    }
    for measure, (yi, vi) in expected.items():
        es = tp.effect_size(measure, **RATES)
        assert es.yi == pytest.approx([yi])
        assert es.vi == pytest.approx([vi])
    one = {
        "IR": (0.2, 8 / 1600),
        "IRLN": (math.log(0.2), 1 / 8),
        "IRS": (math.sqrt(0.2), 1 / 160),
        "IRFT": ((math.sqrt(0.2) + math.sqrt(0.2 + 1 / 40)) / 2, 1 / 160),
    }
    for measure, (yi, vi) in one.items():
        es = tp.effect_size(measure, xi=8, ti=40)
        assert es.yi == pytest.approx([yi])
        assert es.vi == pytest.approx([vi])


def test_rates_of_arms_without_events() -> None:
    """Ratio and difference get a half in both arms; the roots take 0 as it is."""
    columns = {"x1i": 0, "t1i": 40, "x2i": 15, "t2i": 50}
    assert tp.effect_size("IRR", **columns).yi == pytest.approx(
        [math.log(0.5 / 40) - math.log(15.5 / 50)]
    )
    assert tp.effect_size("IRD", **columns).yi == pytest.approx([0.5 / 40 - 15.5 / 50])
    assert tp.effect_size("IRSD", **columns).yi == pytest.approx([-math.sqrt(0.3)])
    assert tp.effect_size("IRLN", xi=0, ti=40).yi == pytest.approx([math.log(0.5 / 40)])
    assert tp.effect_size("IRS", xi=0, ti=40).yi[0] == 0


def test_genotypes_in_equilibrium() -> None:
    """36 : 48 : 16 has no excess of heterozygotes; 20 : 50 : 25 by hand."""
    assert tp.effect_size("REH", ai=36, bi=48, ci=16).yi == pytest.approx([0])
    es = tp.effect_size("REH", ai=20, bi=50, ci=25)
    assert es.yi == pytest.approx([math.log(50 / (2 * math.sqrt(500)))])
    assert es.vi == pytest.approx([1 / 50 + 1 / 80 + 1 / 100])
    zero = tp.effect_size("REH", ai=0, bi=50, ci=25)
    assert zero.yi == pytest.approx([math.log(50.5 / (2 * math.sqrt(0.5 * 25.5)))])


TWO_ARM = [name for name, spec in MEASURES.items() if spec.needs == ("ai", "n1i", "ci", "n2i")]
REASONS = [
    *(
        (name, {**COUNTS, **change}, reason)
        for name in TWO_ARM
        for change, reason in (
            ({"ai": -1}, "ai < 0"),
            ({"ci": -1}, "ci < 0"),
            ({"ai": 11}, "ai > n1i"),
            ({"ci": 11}, "ci > n2i"),
            ({"ai": 0, "n1i": 0}, "n1i is 0"),
            ({"ci": 0, "n2i": 0}, "n2i is 0"),
        )
    ),
    *(
        (name, {**RATES, **change}, reason)
        for name in ("IRR", "IRD", "IRSD")
        for change, reason in (
            ({"x1i": -1}, "x1i < 0"),
            ({"x2i": -1}, "x2i < 0"),
            ({"t1i": 0}, "t1i <= 0"),
            ({"t2i": -4}, "t2i <= 0"),
        )
    ),
    *(
        (name, columns, reason)
        for name in ("PR", "PLN", "PLO", "PRZ", "PAS", "PFT")
        for columns, reason in (
            ({"xi": -1, "ni": 8}, "xi < 0"),
            ({"xi": 9, "ni": 8}, "xi > ni"),
            ({"xi": 0, "ni": 0}, "ni is 0"),
        )
    ),
    *(
        (name, columns, reason)
        for name in ("IR", "IRLN", "IRS", "IRFT")
        for columns, reason in (({"xi": -1, "ti": 8}, "xi < 0"), ({"xi": 1, "ti": 0}, "ti <= 0"))
    ),
    ("REH", {"ai": -1, "bi": 9, "ci": 9}, "ai < 0"),
    ("REH", {"ai": 9, "bi": -1, "ci": 9}, "bi < 0"),
    ("REH", {"ai": 9, "bi": 9, "ci": -1}, "ci < 0"),
    ("REH", {"ai": 0, "bi": 9, "ci": 9, "to": "none"}, "a count is 0 and nothing is added to it"),
    ("IRR", {**RATES, "x1i": 0, "to": "none"}, "a count is 0 and nothing is added to it"),
    ("IRLN", {"xi": 0, "ti": 8, "to": "none"}, "a count is 0 and nothing is added to it"),
    ("RR", {**COUNTS, "ai": 0, "add": 0}, "a count is 0 and nothing is added to it"),
    ("YUQ", {**COUNTS, "ai": 10, "add": 0}, "a count is 0 and nothing is added to it"),
]  # fmt: skip


@pytest.mark.parametrize(("measure", "columns", "reason"), REASONS)
def test_why_there_is_no_effect(measure: str, columns: dict[str, Any], reason: str) -> None:
    """Every rule of every count, by name."""
    es = tp.effect_size(measure, **columns)
    assert es.reason == (reason,)
    assert np.isnan([es.yi[0], es.vi[0]]).all()


def test_a_total_may_be_given_for_some_and_its_parts_for_others() -> None:
    """Where n1i is missing it is ai + bi."""
    es = tp.effect_size("OR", ai=[4, 4], bi=[math.nan, 6], n1i=[10, math.nan], ci=2, n2i=10)
    assert es.yi[0] == es.yi[1]


def test_a_missing_total_names_its_parts() -> None:
    """The error says what could stand in."""
    with pytest.raises(TrialpoolError, match=r"missing n2i \(or ci, di\)"):
        tp.effect_size("OR", ai=4, n1i=10, ci=2)
