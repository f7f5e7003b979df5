"""Charts of influence and asymmetry: right at any k, withheld where the policy says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from figure_checks import boxes, bytes_of, outside, overlaps, shown
from filled import analysis_result
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon

from trialpool import typed_json
from trialpool.analysis_result import AnalysisResult
from trialpool.diagnostics.influence import gosh as all_subsets
from trialpool.diagnostics.trim_and_fill import trim_and_fill
from trialpool.figures import baujat, chart, cumulative, funnel, gosh, leave_one_out, style
from trialpool.figures.chart import Withheld
from trialpool.figures.interval_rows import IntervalTable
from trialpool.pooling.policy import policy
from trialpool.review.fitting.fit import leading
from trialpool.review.protocol.settings import Model
from trialpool.review.schema import files
from trialpool.review.trust.influence import cumulative_table, influence_table
from trialpool.words import count

KS = (1, 2, 3, 6, 60)
CHARTS = ("funnel", "baujat", "gosh", "leave_one_out", "cumulative")
DRAWN = [(name, k) for name in CHARTS for k in KS if k >= (2 if name == "cumulative" else 5)]
LONG = "Efficacy and Safety of Esketamine in Treatment-Resistant Depression Study Group, site {}"
PROTOCOL = Model()


class Case:
    """One made-up analysis: its studies, its result, and its tables."""

    def __init__(self, k: int, *, measure: str = "SMD", long: bool = False, spread: float = 0.4,
                 model: Model = PROTOCOL) -> None:  # fmt: skip
        rng = np.random.default_rng(k)
        n = rng.integers(15, 120, k).astype(float)
        self.studies = pd.DataFrame(
            {
                "trial_id": [f"t{i}" for i in range(k)],
                "study": [LONG.format(i) if long else f"Author {2000 + i}" for i in range(k)],
                "year": 2000.0 + np.arange(k),
                "yi": rng.normal(-0.3, spread, k),
                "vi": 4 / n,
                "event_experimental": np.floor(0.3 * n) + 1,
                "totaln_experimental": n,
                "event_control": np.floor(0.4 * n) + 1,
                "totaln_control": n,
            }
        )
        led = leading(model, measure, tau_scale=0.5, effects="one", reference_sds={})
        found = led.fit(self.studies, measure)
        self.result = analysis_result(
            title="Symptoms of depression 24 hours after the first infusion",
            measure=measure,
            scale="log" if measure in ("OR", "RR") else "identity",
            favours_left="favours ketamine or esketamine",
            favours_right="favours control",
            k=k,
            model=found.words,
            display={name: getattr(found, name) for name in ("estimate", "ci_low", "ci_high")},
            pooled=found.pooled.as_dict() if found.pooled else None,
            policy=found.policy,
            specification={"model": model.model_dump(mode="json")},
        )
        self.influence = influence_table(self.studies, measure, model)
        self.cumulative = cumulative_table(self.studies, measure, led)

    def table(self, name: str) -> Any:
        """What the chart module prepares."""
        if name == "funnel":
            return funnel.rows(self.studies, self.result)
        if name == "gosh":
            return gosh.rows(self.studies, self.result, self.influence)
        if name == "cumulative":
            return cumulative.rows(self.cumulative, self.result)
        return {"baujat": baujat, "leave_one_out": leave_one_out}[name].rows(
            self.influence, self.result
        )

    def draw(self, name: str) -> Figure:
        """The chart."""
        module = {"funnel": funnel, "gosh": gosh, "cumulative": cumulative, "baujat": baujat,
                  "leave_one_out": leave_one_out}[name]  # fmt: skip
        drawn: Callable[[Any], Figure] = module.draw
        return drawn(shown(self.table(name)))


def labelled(fig: Figure, label: str) -> list[Artist]:
    """The artists of a figure with a label."""
    return fig.findobj(lambda artist: artist.get_label() == label)


def points(fig: Figure, label: str) -> list[tuple[float, float]]:
    """The places of the dots with a label."""
    out: list[tuple[float, float]] = []
    for line in labelled(fig, label):
        assert isinstance(line, Line2D)
        x, y = (np.asarray(values, dtype=float) for values in line.get_data())
        out += list(zip(x.tolist(), y.tolist(), strict=True))
    return out


@pytest.mark.parametrize(("name", "k"), DRAWN)
@pytest.mark.parametrize("measure", ["SMD", "RR"])
def test_nothing_overlaps_and_nothing_is_cut_off(name: str, k: int, measure: str) -> None:
    """At every k, on both scales."""
    fig = Case(k, measure=measure).draw(name)
    assert overlaps(fig) == []
    assert outside(fig) == []


@pytest.mark.parametrize("name", CHARTS)
@pytest.mark.parametrize("k", [6, 12])
def test_long_names_are_broken_not_cut(name: str, k: int) -> None:
    """Every word that is written is on the paper, and none on another."""
    fig = Case(k, long=True).draw(name)
    assert overlaps(fig) == []
    assert outside(fig) == []


@pytest.mark.parametrize("name", CHARTS)
def test_wide_effects_stay_on_the_paper(name: str) -> None:
    """Trials that differ by far more than their standard errors."""
    fig = Case(12, spread=6.0).draw(name)
    assert overlaps(fig) == []
    assert outside(fig) == []


@pytest.mark.parametrize("name", CHARTS)
@pytest.mark.parametrize("k", KS)
def test_the_policy_decides_what_is_drawn(name: str, k: int) -> None:
    """Withheld with the policy's own reason: charts of trials below 5, steps below 2."""
    case = Case(k)
    thing = {"funnel": "funnel plot", "cumulative": "pooling"}.get(name, "leave-one-out")
    reason = policy(k, no_bayes="").withheld.get(thing)
    table = case.table(name)
    assert isinstance(table, Withheld) == (reason is not None)
    if isinstance(table, Withheld):
        assert table.reason == reason


@pytest.mark.parametrize("name", CHARTS)
def test_the_bytes_are_the_same_on_every_run(name: str, tmp_path: Path) -> None:
    """And a vector file of a dozen trials stays small."""
    found = []
    for part in ("one", "other"):
        (tmp_path / part).mkdir()
        found.append(bytes_of(Case(12).draw(name), tmp_path / part))
    assert found[0] == found[1]
    assert len(found[0]["svg"]) < 150_000


def test_the_clouds_of_many_trials_stay_small(tmp_path: Path) -> None:
    """32 768 subsets are hexagons, not 32 768 dots."""
    path = tmp_path / "gosh.svg"
    style.save(Case(60).draw("gosh"), [path])
    assert path.stat().st_size < 150_000


@pytest.mark.parametrize("name", CHARTS)
def test_charts_take_the_tables_as_written(name: str, tmp_path: Path) -> None:
    """From CSV and JSON, with blanks for what is missing, the same words stand on the paper."""
    case = Case(6, measure="OR", model=Model(method="MH"))
    before = [text for text, _ in boxes(case.draw(name))]
    for part in ("studies", "influence", "cumulative"):
        path = tmp_path / f"{part}.csv"
        names = list(files.declared(path, {}).names)
        files.write(path, getattr(case, part).reindex(columns=names), {})
        setattr(case, part, files.read(path, {}))
    typed_json.write(tmp_path / "model.json", case.result)
    case.result = typed_json.read(tmp_path / "model.json", AnalysisResult)
    assert [text for text, _ in boxes(case.draw(name))] == before


# --- rows of intervals ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["leave_one_out", "cumulative"])
@pytest.mark.parametrize("measure", ["SMD", "OR"])
def test_each_row_shows_its_numbers(name: str, measure: str) -> None:
    """Dots stand at the estimates, on the scale of the axis, in the order of the table."""
    case = Case(6, measure=measure)
    fig = case.draw(name)
    source = case.influence if name == "leave_one_out" else case.cumulative.iloc[:-1]
    wanted = source["estimate"].to_numpy(float)
    if measure == "OR":
        wanted = np.log(wanted)
    found = sorted(points(fig, "estimate") + points(fig, "marked"), key=lambda at: at[1])
    assert [x for x, _ in found] == pytest.approx(list(wanted))
    assert len(labelled(fig, "diamond")) == 1


def test_the_main_result_is_a_diamond_over_its_interval() -> None:
    """Its corners are the limits and the estimate."""
    case = Case(6)
    (diamond,) = labelled(case.draw("leave_one_out"), "diamond")
    assert isinstance(diamond, Polygon)
    x = np.asarray(diamond.get_xy())[:4, 0]
    estimate, low, high = case.result.display.triple
    assert list(x) == pytest.approx([low, estimate, high, estimate])


def test_influential_trials_are_marked_and_said() -> None:
    """By shape, colour and words."""
    case = Case(6)
    case.influence["influential"] = ["no", "yes", "no", "no", "no", "no"]
    table = case.table("leave_one_out")
    assert isinstance(table, IntervalTable)
    assert [row.marked for row in table.rows] == [False, False, True, False, False, False, False]
    assert "Orange diamonds" in table.subtitle
    assert len(points(leave_one_out.draw(table), "marked")) == 1
    case.influence["influential"] = "no"
    assert "No trial is influential" in case.table("leave_one_out").subtitle


def test_a_result_that_cannot_be_given_is_said() -> None:
    """No dot, and words in its place."""
    case = Case(6)
    case.influence.loc[2, ["estimate", "ci_low", "ci_high"]] = np.nan
    table = case.table("leave_one_out")
    assert table.rows[3].cells[0] == "not estimable"
    fig = leave_one_out.draw(table)
    assert len(points(fig, "estimate")) + len(points(fig, "marked")) == 5


def test_the_steps_name_their_models() -> None:
    """The policy changes the model with k; the chart says where."""
    subtitle = Case(6).table("cumulative").subtitle
    assert "k = 1: single trial" in subtitle
    assert "k = 2 to 4: Bayesian random effects, half-normal(0.5) prior of τ" in subtitle
    assert "k = 5 to 6: random effects (REML)" in subtitle


def test_a_year_is_added_to_a_name_without_one() -> None:
    """So that the order can be followed; an unknown year is said."""
    case = Case(3)
    case.cumulative["study"] = ["Ash", "Oak 2001", "Elm"]
    case.cumulative.loc[2, "year"] = np.nan
    labels = [row.label for row in case.table("cumulative").rows]
    assert labels == ["Ash (2000)", "+ Oak 2001", "+ Elm (year not known)"]


@pytest.mark.parametrize("k", [2, 3, 6, 60])
def test_the_height_follows_the_rows(k: int) -> None:
    """Sixty rows are legible because the paper is taller, not the letters smaller."""
    fig = Case(k).draw("cumulative")
    rows = 72 * fig.get_figheight() / k
    assert rows >= style.SMALL * style.LINE_HEIGHT


def test_what_the_sides_mean_fits_a_narrow_axis() -> None:
    """Words wider than the axis stand about its middle and on the paper."""
    fig = Case(6, long=True).draw("leave_one_out")
    found = {text: box for text, box in boxes(fig) if text.startswith("←") or text.endswith("→")}
    left, right = found["← favours ketamine or esketamine"], found["favours control →"]
    assert left.x1 + chart.SIDES_GAP / 2 < right.x0
    assert left.x0 >= style.MARGIN - 1
    assert right.x1 <= chart.WIDTH - style.MARGIN + 1


# --- funnel --------------------------------------------------------------------------------------


def test_zones_are_about_no_effect() -> None:
    """A dot on the edge of a zone has that two-sided p: 1.645, 1.960 and 2.576 standard errors."""
    fig = Case(6).draw("funnel")
    slopes = []
    for zone in labelled(fig, "zone"):
        assert isinstance(zone, Polygon)
        (top_x, top_y), *corners = np.asarray(zone.get_xy())[:3].tolist()
        assert (top_x, top_y) == (0, 0)
        assert corners[0][0] == pytest.approx(-corners[1][0])
        slopes.append(corners[1][0] / corners[1][1])
    assert sorted(slopes) == pytest.approx([1.644854, 1.959964, 2.575829], rel=1e-6)


def test_dots_of_the_funnel_are_the_trials() -> None:
    """Effects across, standard errors down, none at the top."""
    case = Case(12)
    fig = case.draw("funnel")
    x, y = zip(*points(fig, "trials"), strict=True)
    assert list(x) == pytest.approx(list(case.studies["yi"]))
    assert list(y) == pytest.approx(list(np.sqrt(case.studies["vi"])))
    low, high = fig.axes[0].get_ylim()
    assert high == 0 < low


@pytest.mark.parametrize(("k", "named"), [(12, 12), (13, 0)])
def test_names_stand_beside_up_to_twelve_dots(k: int, named: int) -> None:
    """Beyond, they would be a thicket."""
    texts = [text for text, _ in boxes(Case(k).draw("funnel"))]
    assert sum(text.startswith("Author") for text in texts) == named


def test_names_for_which_there_is_no_room_are_counted() -> None:
    """Twelve dots in one place: some names cannot stand anywhere near."""
    case = Case(12, long=True)
    case.studies = case.studies.assign(yi=-0.3, vi=0.05)
    texts = [text for text, _ in boxes(case.draw("funnel"))]
    named = sum(text.startswith("Efficacy") for text in texts)
    assert 0 < named < 11
    assert f"{count(12 - named, 'name')} left out" in texts


def test_a_long_name_keeps_its_end() -> None:
    """Names that begin alike are told apart; the tables have them in full."""
    texts = [text for text, _ in boxes(Case(6, long=True).draw("funnel"))]
    assert {f"… site {i}" for i in range(6)} <= set(texts)


def lopsided(k: int, model: Model = PROTOCOL, measure: str = "SMD") -> Case:
    """Small trials show more: some are missing on the right."""
    case = Case(k, measure=measure, model=model)
    vi = np.linspace(0.02, 0.6, k)
    yi = 0.2 - 1.5 * np.sqrt(vi) + 0.3 * np.sin(3.0 * np.arange(k))
    case.studies = case.studies.assign(yi=yi, vi=vi)
    return case


@pytest.mark.parametrize(("k", "shown"), [(9, False), (10, True)])
def test_filled_studies_are_open_dots_from_ten_trials_on(k: int, shown: bool) -> None:
    """Below, the policy withholds what asks about asymmetry."""
    case = lopsided(k)
    added = trim_and_fill(case.studies["yi"], case.studies["vi"])
    assert len(added.yi_filled) > 1
    fig = case.draw("funnel")
    assert len(points(fig, "filled")) == (len(added.yi_filled) if shown else 0)
    said = any("trim-and-fill" in text for text, _ in boxes(fig))
    assert said == shown
    assert overlaps(fig) == []


@pytest.mark.parametrize(
    ("model", "tau2"),
    [(Model(), "REML"), (Model(tau2="SJ"), "SJ"), (Model(method="MH", tau2="SJ"), "REML")],
)
def test_a_funnel_is_filled_about_the_random_effects_of_the_analysis(
    model: Model, tau2: str
) -> None:
    """With its own estimator, as the table of small studies is; Mantel-Haenszel has none."""
    case = lopsided(12, model, "OR")
    yi, vi = case.studies["yi"], case.studies["vi"]
    added = {name: trim_and_fill(yi, vi, tau2=name) for name in ("REML", "SJ")}
    assert added["REML"].yi_filled[0] != pytest.approx(added["SJ"].yi_filled[0], abs=1e-3)
    table = case.table("funnel")
    assert table.filled_yi == pytest.approx(added[tau2].yi_filled)
    assert table.filled_sei == pytest.approx(np.sqrt(added[tau2].vi_filled))


# --- Baujat and GOSH -----------------------------------------------------------------------------


def test_baujat_marks_and_names_the_far_dots() -> None:
    """The farthest dot has its name; dots close to the origin have none."""
    case = Case(60)
    case.influence["influential"] = "no"
    case.influence.loc[7, "influential"] = "yes"
    case.influence.loc[7, "baujat_x"] = 90.0
    case.influence.loc[7, "baujat_y"] = 9.0
    fig = case.draw("baujat")
    texts = [text for text, _ in boxes(fig)]
    assert "Author 2007" in texts
    assert sum(text.startswith("Author") for text in texts) <= baujat.NAMED
    assert points(fig, "influential") == [(90.0, 9.0)]
    assert len(points(fig, "trials")) == 59


@pytest.mark.parametrize(("k", "n"), [(5, 26), (6, 57), (8, 247)])
def test_few_subsets_are_dots_by_themselves(k: int, n: int) -> None:
    """All 2^k subsets but the empty one and the single trials; half of the rest hold a trial."""
    case = Case(k)
    table = case.table("gosh")
    found = all_subsets(case.studies["yi"], case.studies["vi"])
    several = found.k > 1
    assert len(table.beta) == several.sum() == n
    assert table.beta == pytest.approx(found.beta[several])
    most = int(case.influence["cook_d"].to_numpy(float).argmax())
    assert table.name == f"Author {2000 + most}"
    assert list(table.inside) == list(found.mask[several, most])
    fig = gosh.draw(table)
    assert len(points(fig, "with")) == table.inside.sum() == 2 ** (k - 1) - 1
    assert len(points(fig, "without")) == n - table.inside.sum()


def test_a_sample_of_subsets_is_said() -> None:
    """Past 2^15 subsets they are drawn at random."""
    assert "A random sample" in Case(16).table("gosh").subtitle
    assert "All 32 752 subsets" in Case(15).table("gosh").subtitle


def test_hexagons_hold_every_subset() -> None:
    """Each subset lies within the hexagon it is counted in."""
    rng = np.random.default_rng(1)
    at, inside = rng.uniform(0, 200, (5000, 2)), rng.random(5000) < 0.5
    cells = list(gosh._cells(at, inside))
    centres = np.concatenate([centre for centre, _, _ in cells])
    assert len(np.unique(centres.round(6), axis=0)) == len(centres)
    nearest = np.sqrt(((at[:, None] - centres[None]) ** 2).sum(axis=2)).min(axis=1)
    assert nearest.max() <= gosh.CELL / np.sqrt(3) + 1e-9
    assert {share for _, _, share in cells} <= {0, 0.25, 0.5, 0.75, 1}


def test_mantel_haenszel_subsets_are_by_inverse_variance() -> None:
    """And said to be, as the line of the result is not of their kind."""
    case = Case(6, measure="OR", model=Model(method="MH"))
    table = case.table("gosh")
    assert "common effect by inverse variance" in table.subtitle
    texts = " ".join(text for text, _ in boxes(gosh.draw(table)))
    assert "all trials, by Mantel-Haenszel" in texts


def test_a_trial_of_several_rows_is_in_a_subset_with_any_of_them() -> None:
    """The subsets are of effects then, and the subtitle says so."""
    case = Case(6)
    case.studies = pd.concat([case.studies, case.studies.iloc[[0]]], ignore_index=True)
    case.influence["cook_d"] = [9.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    table = case.table("gosh")
    assert "7 effects of 6 trials" in table.subtitle
    # Without both rows there are 2^5 subsets of the other five: 26 of two or more.
    assert (~table.inside).sum() == 26
