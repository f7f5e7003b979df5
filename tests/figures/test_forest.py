"""The forest plot: what stands in it, and that it stands where it should."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from figure_checks import boxes, bytes_of, outside, overlaps
from filled import given
from forest_cases import ABSENT, Case, all_cases, case, judged, scores
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.patches import Polygon

from trialpool.figures import forest_axis, forest_text, style, writing
from trialpool.figures.forest import ForestTable, draw, fitted, rows
from trialpool.figures.lettering import width, wrap

CASES = all_cases()
NAMES = list(CASES)


def table_of(one: Case) -> ForestTable:
    return rows(one.studies, one.result, one.missing, one.risk_of_bias)


@lru_cache(maxsize=64)
def drawn(name: str) -> tuple[ForestTable, Figure]:
    table = table_of(CASES[name])
    return table, draw(table)


def plot_of(fig: Figure) -> Axes:
    return next(ax for ax in fig.axes if ax.get_label() == "plot")


def by_label(fig: Figure, label: str) -> list[object]:
    return [artist for artist in fig.findobj() if artist.get_label() == label]


def squares_of(fig: Figure) -> tuple[list[tuple[float, float]], list[float]]:
    """Centres (in data) and areas of the squares."""
    (squares,) = by_label(fig, "squares")
    assert isinstance(squares, PathCollection)
    centres = np.asarray(squares.get_offsets(), dtype=float)
    return [(float(x), float(y)) for x, y in centres], [float(a) for a in squares.get_sizes()]


def words_of(fig: Figure) -> list[str]:
    return [text for text, _ in boxes(fig)]


# -- the table -------------------------------------------------------------------------------


def worked() -> Case:
    """Two trials and two without numbers, small enough to check by eye."""
    lines = scores(2)
    lines[0] |= {"study": "Feder 2014", "n_experimental": 22, "n_control": 19, "n": 41,
                 "mean_experimental": 24.05, "sd_experimental": 9.84, "mean_control": 33.0,
                 "sd_control": 12.1, "estimate": -0.553, "ci_low": -1.244, "ci_high": 0.138,
                 "weight": 45.67, "imputed": "r = 0.5"}  # fmt: skip
    lines[1] |= {"study": "Feder 2021", "n_experimental": 15, "n_control": 15, "n": 30,
                 "mean_experimental": math.nan, "sd_experimental": math.nan,
                 "mean_control": math.nan, "sd_control": math.nan, "basis": "contrast",
                 "estimate": -1.13, "ci_low": -1.904, "ci_high": -0.356, "weight": 54.33,
                 "flags": "SD checked; r = 0.5", "confidence": "secondary"}  # fmt: skip
    return case(
        lines,
        2,
        [{"trial_id": "T0", "domain": "D1", "judgement": "low"},
         {"trial_id": "T0", "domain": "overall", "judgement": "high"},
         {"trial_id": "elsewhere", "domain": "DS", "judgement": "low"}],
        display={"estimate": -0.82, "ci_low": -1.4, "ci_high": -0.24, "pi_low": None,
                 "pi_high": None},
    )  # fmt: skip


def test_rows_of_a_small_analysis() -> None:
    table = table_of(worked())
    cells = [
        "kind", "label", "marks", "experimental", "experimental_n", "control", "control_n",
        "effect", "weight", "reported", "D1", "overall",
    ]  # fmt: skip
    figure = "IES-R lower in both arms at 24 h; means shown in a figure without axis values"
    expected = [
        ["study", "Feder 2014", "a", "24.1 (9.8)", "22", "33.0 (12.1)", "19",
         "−0.55 (−1.24 to 0.14)", "45.7", "", "low", "high"],
        ["study", "Feder 2021", "b,c,d", "–", "15", "–", "15",
         "−1.13 (−1.90 to −0.36)", "54.3", "", "", ""],
        ["missing", "Abdallah 2022", "", "", "51", "", "54", "", "", "no effect, no numbers",
         "", ""],
        ["missing", "Dadabayev 2020 (n = 41)", "", "", "", "", "", "", "", figure, "", ""],
        ["pooled", "Pooled effect (k = 2, n = 71)", "", "", "37", "", "34",
         "−0.82 (−1.40 to −0.24)", "100.0", "", "", ""],
    ]  # fmt: skip
    assert table.body[cells].to_numpy().tolist() == expected
    drawn_values = table.body[["estimate", "ci_low", "ci_high", "share"]]
    nan = math.nan
    pd.testing.assert_frame_equal(
        drawn_values,
        pd.DataFrame(
            [[-0.553, -1.244, 0.138, 45.67], [-1.13, -1.904, -0.356, 54.33], [nan] * 4, [nan] * 4,
             [-0.82, -1.4, -0.24, nan]],
            columns=drawn_values.columns,
        ),
    )  # fmt: skip
    assert table.domains == ("D1", "overall")
    assert table.footnotes == (
        ("a", "Imputed: r = 0.5."),
        ("b", "Effect as reported, not computed from arm data."),
        ("c", "Flagged: SD checked; r = 0.5."),
        ("d", "Numbers from a secondary source, not the trial’s own report."),
        ("", "Prediction interval not shown: k = 2, fewer than 5 trials."),
    )
    assert [(c.group, c.heading) for c in table.columns] == [
        ("", "Trial"), ("Ketamine", "Mean (SD)"), ("Ketamine", "n"), ("Control", "Mean (SD)"),
        ("Control", "n"), ("", ""), ("", "SMD (95 % CI)"), ("", "Weight\n(%)"),
        ("Risk of bias", "D1"), ("Risk of bias", "Overall"),
    ]  # fmt: skip
    assert table.subtitle == ("Standardised mean difference (Hedges g); negative favours ketamine")
    assert table.heterogeneity == (
        "Heterogeneity: τ² = 0.12 (95 % CI 0 to 3.4); I² = 45 %; Q = 3.6, df = 1, p = 0.16. "
        "Model: common effect."
    )
    assert table.favours == ("← favours ketamine", "favours control →")


def test_headings_fall_back_to_the_role_of_the_arm() -> None:
    table = table_of(case(scores(2), experimental_label="", control_label=""))
    assert {c.group for c in table.columns} == {"", "Experimental", "Control"}


def test_counts_with_no_event_and_reported_ratio() -> None:
    table = table_of(CASES["mixed_counts"])
    body = table.body
    assert body["experimental"][0].startswith("0/")
    assert body["experimental"][0].endswith("(0 %)")
    assert body["experimental"][4].startswith("–/")
    assert body.loc[body["kind"] == "pooled", "experimental"].item() == ""
    assert table.axis is not None
    assert (table.axis.scale, table.axis.null) == ("log", 1.0)


def test_one_trial_is_shown_not_pooled() -> None:
    table = table_of(CASES["k1"])
    assert table.body["kind"].tolist() == ["study", "missing"]
    assert table.heterogeneity == "One trial: shown, not pooled."
    assert "weight" not in [c.key for c in table.columns]


def test_no_trial_lists_the_missing() -> None:
    table, fig = drawn("k0")
    assert table.axis is None
    shown = words_of(fig)
    assert "No trial with usable numbers for this outcome." in shown
    assert "Eligible trials without usable results" in shown
    assert {"Abdallah 2022", "NCT02727998", "terminated"} <= set(shown)
    assert not by_label(fig, "squares")


def test_a_trial_with_two_rows_is_told_apart() -> None:
    lines = scores(2)
    for line, comparison in zip(lines, ("ketamine v saline", "ketamine v midazolam"), strict=True):
        line.update(study="Feder 2014", comparison=comparison)
    labels = table_of(case(lines)).body["label"].tolist()[:2]
    assert labels == ["Feder 2014, ketamine v saline", "Feder 2014, ketamine v midazolam"]


def test_a_note_that_holds_for_all_is_said_once() -> None:
    table = table_of(CASES["contrasts"])
    assert table.body["marks"].unique().tolist() == [""]
    assert table.footnotes[0] == ("", "All trials: effect as reported, not computed from arm data.")


def test_period_domain_only_where_judged() -> None:
    assert "DS" in drawn("k6")[0].domains
    assert "DS" not in drawn("k60")[0].domains
    assert not by_label(drawn("k6_no_rob")[1], "dots")


def test_common_effect_prints_no_tau2() -> None:
    result = case(scores(2)).result
    common = replace(given(result.pooled), method="EE", tau2=0.0)
    assert "τ²" in forest_text.heterogeneity(result, 2)
    assert "τ²" not in forest_text.heterogeneity(replace(result, pooled=common), 2)


def test_inputs_are_left_alone() -> None:
    one = worked()
    before = one.studies.copy(), one.missing.copy(), one.risk_of_bias.copy()
    draw(table_of(one))
    for now, then in zip((one.studies, one.missing, one.risk_of_bias), before, strict=True):
        pd.testing.assert_frame_equal(now, then)


def test_tables_read_from_csv_give_the_same(tmp_path: Path) -> None:
    """Blank cells come back as NaN and whole numbers as floats: nothing may change."""
    one = CASES["k6"]
    read = []
    for name in ("studies", "missing", "risk_of_bias"):
        getattr(one, name).to_csv(tmp_path / name, index=False, float_format="%.15g")
        read.append(pd.read_csv(tmp_path / name))
    again = rows(read[0], one.result, read[1], read[2])
    texts = [c for c in again.body.columns if c not in ("estimate", "ci_low", "ci_high", "share")]
    pd.testing.assert_frame_equal(again.body[texts], table_of(one).body[texts])


# -- the axis --------------------------------------------------------------------------------


def test_one_absurd_interval_does_not_squash_the_rest() -> None:
    usual = [(0.8, 0.5, 1.3), (0.6, 0.3, 1.2), (1.1, 0.7, 1.8), (0.9, 0.6, 1.4)]
    axis = forest_axis.build([*usual, (6.7, 0.05, 900.0)], [0.8, 0.6, 1.1], log=True, null=1.0)
    low, high = axis.limits
    assert high < 900
    assert low < 0.3
    assert high > 6.7
    assert math.log(1.8 / 0.3) / math.log(high / low) > 0.25
    assert set(axis.tick_labels) <= {"0.1", "0.2", "0.5", "1", "2", "5", "10", "20", "50"}


def test_no_effect_is_inside_with_room_on_both_sides() -> None:
    for shift in (-3.0, 0.0, 3.0):
        axis = forest_axis.build([(shift, shift - 1, shift + 1)] * 3, [], log=False, null=0.0)
        low, high = axis.limits
        assert low < 0 < high
        assert min(-low, high) / (high - low) > 0.1
        assert 0.0 in axis.ticks


@pytest.mark.parametrize("wide", [1.02, 1.2, 2, 5, 30, 1e3, 1e6])
def test_log_ticks_are_round_and_few(wide: float) -> None:
    axis = forest_axis.build([(1.0, 1 / wide, wide)] * 3, [], log=True, null=1.0)
    assert 3 <= len(axis.ticks) <= forest_axis.MOST_TICKS
    assert 1.0 in axis.ticks
    assert list(axis.ticks) == sorted(set(axis.ticks))
    assert len(set(axis.tick_labels)) == len(axis.ticks)


@pytest.mark.parametrize("wide", [1e-3, 0.07, 0.4, 1, 7, 60, 4e3])
def test_linear_ticks_are_round_and_few(wide: float) -> None:
    axis = forest_axis.build([(0.0, -wide, wide)] * 3, [], log=False, null=0.0)
    assert 3 <= len(axis.ticks) <= forest_axis.MOST_TICKS
    assert [float(t.replace("−", "-")) for t in axis.tick_labels] == list(axis.ticks)


# -- the picture -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_nothing_overlaps_and_nothing_is_clipped(name: str) -> None:
    _, fig = drawn(name)
    assert overlaps(fig) == []
    assert outside(fig) == []


@pytest.mark.parametrize("name", NAMES)
def test_markers_match_the_table(name: str) -> None:
    table, fig = drawn(name)
    if table.axis is None:
        return
    kinds = table.body["kind"].tolist()
    ax = plot_of(fig)
    assert ax.get_xscale() == table.axis.scale
    assert ax.get_xlim() == pytest.approx(table.axis.limits)
    centres, areas = squares_of(fig)
    studies = table.body[table.body["kind"] == "study"]
    assert [x for x, _ in centres] == pytest.approx(studies["estimate"].tolist())
    if "pooled" in kinds:
        shares = studies["share"].tolist()
        assert areas == pytest.approx([max(areas) * s / max(shares) for s in shares])
        (diamond,) = by_label(fig, "diamond")
        assert isinstance(diamond, Polygon)
        across = np.asarray(diamond.get_xy(), dtype=float)[:, 0].tolist()
        pooled = table.body[table.body["kind"] == "pooled"].iloc[0]
        assert (min(across), max(across)) == pytest.approx((pooled["ci_low"], pooled["ci_high"]))
    else:
        assert not by_label(fig, "diamond")
    low, high = table.axis.limits
    on_axis = table.body[table.body["kind"].isin(["study", "prediction"])]
    leaving = (on_axis["ci_low"] < low).sum() + (on_axis["ci_high"] > high).sum()
    assert len(by_label(fig, "arrow")) == leaving
    assert set(table.favours) <= set(words_of(fig)) or name == "long"


def test_arrow_where_an_interval_leaves_the_axis() -> None:
    table, fig = drawn("absurd")
    assert table.axis is not None
    assert table.axis.limits[1] < 900
    assert len(by_label(fig, "arrow")) == 1


def test_each_marker_stands_on_the_line_of_its_label() -> None:
    table, fig = drawn("long")
    ax = plot_of(fig)
    heights = [ax.transData.transform(at)[1] * 72 / fig.dpi for at in squares_of(fig)[0]]
    effects = table.body.loc[table.body["kind"] == "study", "effect"]
    found = boxes(fig)
    for height, effect in zip(heights, effects, strict=True):
        first = effect.split(" ")[0]
        middles = [(box.y0 + box.y1) / 2 for text, box in found if text == first]
        assert min(abs(middle - height) for middle in middles) < 2.0


def test_missing_trials_have_a_line_and_no_marker() -> None:
    table, fig = drawn("k6")
    assert table.body["kind"].tolist().count("missing") == len(ABSENT)
    assert len(squares_of(fig)[0]) == 6
    assert len(by_label(fig, "ci")) == 6


@pytest.mark.parametrize(("mode", "expected"), [("withheld", 0), ("shown", 1), ("headline", 1)])
def test_prediction_bar_only_where_the_policy_allows(mode: str, expected: int) -> None:
    one = case(scores(6), policy={"prediction_interval": mode})
    table = table_of(one)
    fig = draw(table)
    assert len(by_label(fig, "prediction")) == expected
    assert table.body["kind"].tolist().count("prediction") == expected


def test_no_prediction_bar_without_an_interval() -> None:
    display = {"estimate": -0.5, "ci_low": -1.0, "ci_high": 0.0, "pi_low": None, "pi_high": None}
    assert not by_label(draw(table_of(case(scores(6), display=display))), "prediction")


def test_size_grows_with_the_number_of_lines() -> None:
    heights = [drawn(name)[1].get_size_inches()[1] for name in ("k1", "k2", "k6", "k60")]
    assert heights == sorted(heights)
    more = draw(table_of(case(scores(7)))).get_size_inches()[1]
    less = draw(table_of(case(scores(6)))).get_size_inches()[1]
    assert more - less == pytest.approx(15 / 72)


@pytest.mark.parametrize("name", ["k0", "k6", "absurd"])
def test_same_bytes_on_a_second_run(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "DPI", 72)
    first = bytes_of(draw(table_of(CASES[name])), tmp_path)
    second = bytes_of(draw(table_of(CASES[name])), tmp_path)
    assert first == second
    assert b"<dc:date>" not in first["svg"]
    assert b"CreationDate" not in first["pdf"]
    assert b"tEXt" not in first["png"]


def test_order_of_saving_changes_no_bytes(tmp_path: Path) -> None:
    """A figure written once in another format is still the same figure."""
    fig = draw(table_of(CASES["k3"]))
    style.save(fig, [tmp_path / "a.pdf", tmp_path / "a.svg"])
    style.save(fig, [tmp_path / "b.svg"])
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_global_settings_neither_leak_in_nor_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "DPI", 72)
    table = table_of(CASES["k3"])
    plain = bytes_of(draw(table), tmp_path)
    with mpl.rc_context({"font.size": 23, "axes.facecolor": "red", "xtick.direction": "in"}):
        assert bytes_of(draw(table), tmp_path) == plain
        assert mpl.rcParams["font.size"] == 23


def test_unknown_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="suffix must be"):
        style.save(Figure(), [tmp_path / "a.jpg"])


# -- letters and numbers ---------------------------------------------------------------------


def test_lines_fit_and_no_word_is_lost() -> None:
    sentence = "Aveyard-Featherstonehaugh 2019, k = 3 (95 % CI 0.1 to 0.9) pneumonoultramicroscopic"
    for limit in (60.0, 90.0, 200.0):
        lines = wrap(sentence, limit, 8.0)
        assert max(width(line, 8.0) for line in lines) <= limit
        assert "".join(lines).replace(" ", "") == sentence.replace(" ", "")
    assert not any(line.endswith("=") for line in wrap(sentence, 90.0, 8.0))


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0001, "<0.001"), (0.0049, "0.005"), (0.05, "0.05"), (0.614, "0.61"), (9.996, "10.0"),
     (12.34, "12.3"), (900.0, "900"), (2e5, ">9999"), (math.nan, "–")],
)  # fmt: skip
def test_ratio(value: float, shown: str) -> None:
    assert style.ratio(value) == shown


def test_minus_signs_and_zero() -> None:
    assert style.fixed(-0.554, 2) == "−0.55"
    assert style.fixed(-0.004, 2) == "0.00"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0, "0"), (0.1234, "0.12"), (3.44, "3.4"), (123.4, "123"), (9.99, "10"), (1e-6, "<0.0001")],
)
def test_significant(value: float, shown: str) -> None:
    assert style.significant(value) == shown


def test_p_values() -> None:
    assert [style.p_value(p) for p in (0.162, 0.0412, 0.0004)] == [
        "p = 0.16", "p = 0.041", "p < 0.001",
    ]  # fmt: skip


def test_the_overlap_check_sees_an_overlap() -> None:
    fig = Figure(figsize=(3, 1))
    fig.text(0.5, 0.5, "one")
    fig.text(0.52, 0.5, "two")
    fig.text(0.98, 0.1, "three")
    assert overlaps(fig) == [("one", "two")]
    assert outside(fig) == ["three"]


def test_judgements_of_missing_trials_are_shown() -> None:
    table = table_of(case(scores(3), 1, judged([ABSENT[0]])))
    assert table.body.loc[table.body["kind"] == "missing", "D1"].item() == "low"


def test_an_unknown_judgement_is_refused() -> None:
    wrong = [{"trial_id": "T0", "domain": "D1", "judgement": "unclear"}]
    with pytest.raises(ValueError, match=r"T0 D1, judgement = unclear"):
        table_of(case(scores(2), 0, wrong))


def test_ids_in_the_svg_are_unique(tmp_path: Path) -> None:
    style.save(drawn("k6")[1], [tmp_path / "a.svg"])
    ids = re.findall(r' id="([^"]+)"', (tmp_path / "a.svg").read_text(encoding="utf-8"))
    assert len(ids) == len(set(ids))


def test_a_trial_without_an_effect_or_weight_keeps_its_line() -> None:
    lines = scores(4)
    lines[1] |= dict.fromkeys(("estimate", "ci_low", "ci_high", "weight"), math.nan)
    lines[2]["weight"] = math.nan
    table = table_of(case(lines))
    fig = draw(table)
    assert table.body["effect"][1] == "not estimable"
    assert len(squares_of(fig)[0]) == 3
    assert overlaps(fig) == []
    assert outside(fig) == []


def test_the_scale_stands_beside_the_trial_where_one_is_known() -> None:
    """Different scales pooled in one SMD are said; without a scale there is no column."""
    plain = [line | {"instrument": ""} for line in scores(3)]
    named = [
        line | {"instrument": scale}
        for line, scale in zip(scores(3), ("CAPS-5", "PCL-5", "IES-R"), strict=True)
    ]
    assert "Scale" not in [column.heading for column in table_of(case(plain)).columns]
    table = table_of(case(named))
    assert [column.heading for column in table.columns][:2] == ["Trial", "Scale"]
    assert table.body["scale"].tolist()[:3] == ["CAPS-5", "PCL-5", "IES-R"]
    sheet = draw(table)
    assert {"CAPS-5", "PCL-5", "IES-R"} <= set(words_of(sheet))
    assert overlaps(sheet) == []


@pytest.mark.parametrize("name", NAMES)
def test_in_print_a_forest_is_180_mm_wide_in_letters_of_6_points(name: str) -> None:
    table = fitted(table_of(CASES[name]))
    figure = draw(table)
    assert figure.get_size_inches()[0] * 25.4 <= 180.0
    sizes = [float(t.get_fontsize()) for t in figure.findobj(mpl.text.Text) if t.get_text()]
    assert min(sizes) >= 6.0
    if table.axis:
        assert {"label", "plot", "effect"} <= {column.key for column in table.columns}
    assert not outside(figure)
    assert not overlaps(figure)


def test_columns_go_only_where_there_is_no_room_for_them() -> None:
    table = table_of(CASES["k6"])
    wide = draw(table).get_size_inches()[0] * 72
    assert fitted(table, wide).columns == table.columns
    fewer = fitted(table, wide - 160).columns
    assert "D1" not in {column.key for column in fewer}
    assert {"weight", "overall", "experimental_n"} <= {column.key for column in fewer}
