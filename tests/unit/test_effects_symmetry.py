"""How measures relate: swapped arms, one arm against two, one measure and another."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trialpool as tp

quick = settings(max_examples=20, deadline=None, derandomize=True)

_sd, _n = st.floats(0.5, 20), st.integers(4, 300)
ARMS = st.fixed_dictionaries(
    {
        "m1i": st.floats(5, 50),
        "sd1i": _sd,
        "n1i": _n,
        "m2i": st.floats(5, 50),
        "sd2i": _sd,
        "n2i": _n,
    }
)
PAIRS = st.fixed_dictionaries(
    {"m1i": st.floats(5, 50), "sd1i": _sd, "m2i": st.floats(5, 50), "sd2i": _sd, "ni": _n}
    | {"ri": st.floats(-0.9, 0.9)}
)
_cell = st.integers(0, 60)
TABLES = st.fixed_dictionaries({"ai": _cell, "bi": _cell, "ci": _cell, "di": _cell})
RATES = st.fixed_dictionaries(
    {"x1i": _cell, "t1i": st.floats(1, 500), "x2i": _cell, "t2i": st.floats(1, 500)}
)
SWAP = {"a": "c", "b": "d", "c": "a", "d": "b"}


def _swapped(columns: dict[str, Any]) -> dict[str, Any]:
    """Arm 1 becomes arm 2, or condition 1 condition 2."""
    turn = str.maketrans("12", "21")
    return {
        (SWAP[key[0]] + key[1:] if key[0] in SWAP else key.translate(turn)): value
        for key, value in columns.items()
    }


def _flips(measure: str, columns: dict[str, Any], **options: Any) -> None:
    one = tp.effect_size(measure, **columns, **options)
    other = tp.effect_size(measure, **_swapped(columns), **options)
    np.testing.assert_allclose(other.yi, -one.yi, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(other.vi, one.vi, rtol=1e-9)
    assert bool(one.reason[0]) == bool(other.reason[0])


@pytest.mark.parametrize(
    "measure", ["MD", "SMD", "SMDH", "ROM", "CVR", "VR", "RPB", "RBIS", "D2ORN", "D2ORL"]
)
@quick
@given(columns=ARMS)
def test_swapped_arms_flip_the_sign_of_differences_of_means(
    measure: str, columns: dict[str, Any]
) -> None:
    """Same variance, opposite effect."""
    if measure == "VR":
        columns = {key: value for key, value in columns.items() if key[0] != "m"}
    _flips(measure, columns)


@pytest.mark.parametrize("to", ["only0", "all", "none"])
@pytest.mark.parametrize(
    "measure",
    ["OR", "RR", "RD", "AS", "PETO", "PHI", "YUQ", "YUY", "RTET", "PBIT", "OR2DN", "OR2DL"],
)
@quick
@given(columns=TABLES)
def test_swapped_arms_flip_the_sign_of_counts(
    measure: str, to: str, columns: dict[str, Any]
) -> None:
    """Whatever is done about zero cells."""
    _flips(measure, columns, to=to)
    _flips(measure, columns, to=to, drop00=False)


@pytest.mark.parametrize("measure", ["OR", "RD", "AS", "PETO", "PHI", "YUQ", "YUY", "RTET", "PBIT"])
@quick
@given(columns=TABLES)
def test_counting_the_others_flips_the_sign(measure: str, columns: dict[str, Any]) -> None:
    """Non-events in place of events: all but the risk ratio only turn round."""
    turned = {"ai": "bi", "bi": "ai", "ci": "di", "di": "ci"}
    one = tp.effect_size(measure, **columns)
    other = tp.effect_size(measure, **{turned[key]: value for key, value in columns.items()})
    np.testing.assert_allclose(other.yi, -one.yi, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(other.vi, one.vi, rtol=1e-9)


@pytest.mark.parametrize("measure", ["IRR", "IRD", "IRSD"])
@quick
@given(columns=RATES)
def test_swapped_arms_flip_the_sign_of_rates(measure: str, columns: dict[str, Any]) -> None:
    """Same variance, opposite effect."""
    _flips(measure, columns)
    _flips(measure, columns, drop00=False)


@pytest.mark.parametrize("measure", ["MC", "SMCC", "SMCRP", "SMCRPH", "ROMC", "CVRC", "VRC"])
@quick
@given(columns=PAIRS)
def test_swapped_conditions_flip_the_sign(measure: str, columns: dict[str, Any]) -> None:
    """Same variance, opposite effect."""
    if measure == "VRC":
        columns = {key: value for key, value in columns.items() if key[0] != "m"}
    _flips(measure, columns)


@pytest.mark.parametrize(
    ("two", "one"), [("MD", "MN"), ("ROM", "MNLN"), ("VR", "SDLN"), ("CVR", "CVLN")]
)
@quick
@given(columns=ARMS)
def test_two_arms_are_the_difference_of_one_and_one(
    two: str, one: str, columns: dict[str, Any]
) -> None:
    """Effects subtract, variances add."""
    arms = [
        tp.effect_size(one, mi=columns[f"m{i}i"], sdi=columns[f"sd{i}i"], ni=columns[f"n{i}i"])
        for i in (1, 2)
    ]
    both = tp.effect_size(two, **columns)
    np.testing.assert_allclose(both.yi, arms[0].yi - arms[1].yi, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(both.vi, arms[0].vi + arms[1].vi, rtol=1e-9)


@pytest.mark.parametrize(
    ("two", "one"),
    [("OR", "PLO"), ("RR", "PLN"), ("RD", "PR"), ("AS", "PAS"), ("PBIT", "PRZ")],
)
@quick
@given(columns=TABLES)
def test_two_risks_are_the_difference_of_one_and_one(
    two: str, one: str, columns: dict[str, Any]
) -> None:
    """With a half added to all cells, so that no zero is in the way."""
    first, second = (
        tp.effect_size(one, xi=columns[x], mi=columns[m], add=0.5, to="all")
        for x, m in (("ai", "bi"), ("ci", "di"))
    )
    corrects = {"corrects": "both"} if two == "RD" else {}
    both = tp.effect_size(two, **columns, add=0.5, to="all", drop00=False, **corrects)
    if "" in both.reason:
        np.testing.assert_allclose(both.yi, first.yi - second.yi, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(both.vi, first.vi + second.vi, rtol=1e-9)
    else:
        assert columns["ai"] + columns["bi"] == 0 or columns["ci"] + columns["di"] == 0


@pytest.mark.parametrize(("two", "one"), [("IRR", "IRLN"), ("IRD", "IR"), ("IRSD", "IRS")])
@quick
@given(columns=RATES)
def test_two_rates_are_the_difference_of_one_and_one(
    two: str, one: str, columns: dict[str, Any]
) -> None:
    """With a half added to all events."""
    first, second = (
        tp.effect_size(one, xi=columns[f"x{i}i"], ti=columns[f"t{i}i"], add=0.5, to="all")
        for i in (1, 2)
    )
    both = tp.effect_size(two, **columns, add=0.5, to="all", drop00=False)
    np.testing.assert_allclose(both.yi, first.yi - second.yi, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(both.vi, first.vi + second.vi, rtol=1e-9)


@quick
@given(columns=ARMS)
def test_the_ways_between_a_difference_and_an_odds_ratio(columns: dict[str, Any]) -> None:
    """D2ORL over D2ORN is pi/sqrt(3) over 1.65; both are multiples of Cohen's d."""
    d = tp.effect_size("SMD", **columns, correction="none")
    for measure, factor in (("D2ORN", 1.65), ("D2ORL", np.pi / np.sqrt(3))):
        es = tp.effect_size(measure, **columns)
        np.testing.assert_allclose(es.yi, factor * d.yi, rtol=1e-12)
        np.testing.assert_allclose(es.vi, factor**2 * d.vi, rtol=1e-12)


@quick
@given(columns=ARMS, factor=st.floats(0.01, 100), shift=st.floats(-100, 100))
def test_the_scale_of_the_outcome(columns: dict[str, Any], factor: float, shift: float) -> None:
    """A standardised difference knows no unit and no zero; a ratio of means no unit."""
    scaled = {k: v * factor if k[0] in "ms" else v for k, v in columns.items()}
    moved = {k: v + shift if k[0] == "m" else v for k, v in columns.items()}
    for measure in ("SMD", "SMDH", "SMD1", "SMD1H", "RPB", "RBIS"):
        base = tp.effect_size(measure, **columns)
        for changed in (scaled, moved):
            es = tp.effect_size(measure, **changed)
            np.testing.assert_allclose(es.yi, base.yi, rtol=1e-9, atol=1e-9)
            np.testing.assert_allclose(es.vi, base.vi, rtol=1e-9)
    ratio, again = tp.effect_size("ROM", **columns), tp.effect_size("ROM", **scaled)
    np.testing.assert_allclose(again.yi, ratio.yi, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(again.vi, ratio.vi, rtol=1e-9)


@quick
@given(columns=PAIRS)
def test_equal_spread_makes_the_two_forms_of_a_change_agree(columns: dict[str, Any]) -> None:
    """SMCR is SMCRP's numerator over one SD; with equal SDs their d is the same number."""
    same = {**columns, "sd2i": columns["sd1i"]}
    d = [
        tp.effect_size(m, **same, correction="none").yi
        for m in ("SMCR", "SMCRH", "SMCRP", "SMCRPH")
    ]
    for other in d[1:]:
        np.testing.assert_allclose(other, d[0], rtol=1e-12)
