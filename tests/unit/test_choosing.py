"""Which effect of a trial counts: the stated rules, one by one, and what is left when they tie."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from small import ROOT, SmallReview

from trialpool.multilevel.aggregate import aggregate
from trialpool.review.accounts.trace import chain, raw_tables
from trialpool.review.accounts.trace_checks import check_analysis
from trialpool.review.analysis import Analysed
from trialpool.review.choosing.people import of_trial
from trialpool.review.choosing.preference import PREFERENCES, Order, UndecidedError, first
from trialpool.review.choosing.selection import select
from trialpool.review.choosing.several import covariance_of
from trialpool.review.commands.check import look
from trialpool.review.commands.undecided import undecided
from trialpool.review.effects import account
from trialpool.review.effects.account import not_asked
from trialpool.review.effects.crossover import FIRST
from trialpool.review.protocol.eligibility import Eligibility
from trialpool.review.protocol.protocol import read_protocol
from trialpool.review.schema.packed import EFFECT_IDS, RAW_ROWS
from trialpool.review.trust.multiverse_data import MultiverseData
from trialpool.words import text

# An effect as the rules look at it; each test changes what its rule is about.
EFFECT: Mapping[str, Any] = {
    "effect_id": "b", "study": "Ash 2001", "instrument": "X", "comparator_class": "placebo",
    "outcome_type": "msd", "time_days": 7.0, "design": "parallel", "basis": "arms",
    "confidence": "primary", "n": 50.0, "control_arm": "control",
    "experimental_arms": "experimental", "definition": "", "part": "",
}  # fmt: skip

CHANGE = {"outcome_type": "change"}


def order(**keys: Any) -> Order:
    question = Eligibility.model_validate({"outcome": "mood", "measure": "MD", **keys})
    return Order(question, ("active_placebo", "placebo"), ("primary", "secondary"))


@pytest.mark.parametrize(
    ("rule", "asked", "ahead", "behind"),
    [
        ("instrument_order", {"instruments": ["Y", "X"]}, {"instrument": "Y"}, {}),
        ("comparator_order", {}, {"comparator_class": "active_placebo"}, {}),
        (
            "outcome_type_order",
            {"outcome_types": ["change", "msd"]},
            {"outcome_type": "change"},
            {},
        ),
        ("prefer_time", {"prefer_time": 10}, {"time_days": 9.0}, {"time_days": 7.0}),
        ("prefer_time", {"prefer_time": 10}, {"time_days": 999.0}, {"time_days": math.nan}),
        ("declared_primary", {}, {"primary": "yes"}, {"primary": None}),
        ("all_people", {}, {"stratum": None}, {"stratum": "women"}),
        ("both_periods", {}, {}, {"design": FIRST}),
        ("arms_first", {}, {}, {"basis": "contrast"}),
        ("confidence_order", {}, {}, {"confidence": "secondary"}),
        ("earlier_time", {"prefer_time": 10}, {"time_days": 9.0}, {"time_days": 11.0}),
    ],
)
def test_each_rule_decides_where_effects_differ_in_what_it_is_about(
    rule: str, asked: dict[str, Any], ahead: dict[str, Any], behind: dict[str, Any]
) -> None:
    """Whichever stands first, and although the other has more people and an earlier name."""
    wanted = {**EFFECT, **ahead, "n": 10.0, "effect_id": "z"}
    other = {**EFFECT, **behind, "n": 90.0, "effect_id": "a"}
    for rows in ([wanted, other], [other, wanted]):
        assert first(rows, order(**asked)) == [wanted]
    deciding = next(
        each.rule
        for each in PREFERENCES
        if each.rank(wanted, order(**asked)) != each.rank(other, order(**asked))
    )
    assert deciding == rule


@pytest.mark.parametrize(
    "differ",
    [
        {"n": 90.0},
        {"effect_id": "a"},
        {"instrument": "Y"},
        {"time_days": 14.0},
        {"definition": "self-rated"},
        {"control_arm": "another"},
    ],
)
def test_nothing_else_decides(differ: dict[str, Any]) -> None:
    rows = [EFFECT, {**EFFECT, **differ}]
    assert first(rows, order()) == rows


def test_every_rule_stands_in_the_protocol_s_page() -> None:
    page = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    table = [line.split("`")[1] for line in page.splitlines() if line.startswith("| `")]
    at = table.index(PREFERENCES[0].rule)
    assert table[at : at + len(PREFERENCES)] == [each.rule for each in PREFERENCES]


# --- in a review ----------------------------------------------------------------------------------


def add(
    small: SmallReview,
    trial: str,
    *,
    more: Mapping[str, tuple[str, str]] | None = None,
    **cells: str,
) -> None:
    """Both arms' rows of mood again with other cells; `more` are cells of (experimental, control).

    Columns that the table does not have yet are appended.
    """
    rows = small.rows("results")
    for name in (*cells, *(more or {})):
        if name not in rows[0]:
            rows = [[*row, name if i == 0 else ""] for i, row in enumerate(rows)]
    for side, arm in enumerate(("experimental", "control")):
        like = next(r for r in rows if r[:4] == [trial, arm, "mood", "SCALE"])
        new = dict(zip(rows[0], like, strict=True)) | cells
        new |= {name: pair[side] for name, pair in (more or {}).items()}
        rows.append([new[name] for name in rows[0]])
    small.write("results", rows)


def asked(small: SmallReview, **keys: Any) -> None:
    """The main analysis with other keys; those that are None are removed."""
    path = small.folder / "config" / "review.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    analysis = config["conditions"]["blue"]["analyses"]["mood"]
    for name, value in keys.items():
        analysis.pop(name, None)
        if value is not None:
            analysis[name] = value
    path.write_text(yaml.safe_dump(config), encoding="utf-8")


@pytest.fixture
def small(tmp_path: Path) -> SmallReview:
    return SmallReview(tmp_path)


def of_birch(result: Analysed) -> Mapping[str, Any]:
    """The one effect of Birch that is left out."""
    rows = result.selection
    (left,) = rows[rows["trial_id"] == "Birch"].to_dict("records")
    return {str(name): value for name, value in left.items()}


def errors(small: SmallReview) -> list[tuple[str, str, str]]:
    report = look(small.folder / "config" / "review.yaml", small.folder / "data" / "raw")
    return [(each.column, each.rule, each.fix) for each in report.of("error")]


def test_a_tie_is_told_with_the_two_ways_out(small: SmallReview) -> None:
    """Two scales of one trial that the protocol does not put in order."""
    add(small, "Birch", instrument="OTHER")
    assert errors(small) == []
    asked(small, instruments=None)
    ((key, rule, fix),) = errors(small)
    assert key == "conditions.blue.analyses.mood"
    assert rule == (
        "Birch 2013 has 2 effects and no rule says which counts (instruments OTHER, SCALE)"
    )
    assert fix == (
        "Put `instruments` in the order in which they count; mark the trial's main result `yes` in "
        "the column `primary` of its rows; or take them all with `effects: combined` (or `che`)"
    )
    with pytest.raises(UndecidedError, match="Birch 2013 has 2 effects"):
        small.case("blue", "mood").chosen()


def test_a_model_of_counts_is_not_told_to_combine_effects(small: SmallReview) -> None:
    """It cannot: the protocol would be refused."""
    rows = small.rows("results")
    definition = rows[0].index("definition")
    again = [list(row) for row in rows[1:] if row[:3:2] == ["Birch", "harm"]]
    for row in again:
        row[definition] = "severe"
    small.write("results", [*rows, *again])
    for model, way in (
        ("{method: MH}", "or pool effects instead of counts (`method: IV`) and take them all"),
        ("{method: IV}", "; or take them all"),
    ):
        path = small.folder / "config" / "review.yaml"
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
        config["conditions"]["blue"]["analyses"]["harm"]["model"] = yaml.safe_load(model)
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        ((_, _, fix),) = errors(small)
        assert way in fix


@pytest.mark.parametrize(
    "way",
    [
        {"instruments": ["SCALE", "OTHER"]},
        {"effects": "combined", "instruments": None},
        {"effects": "che", "instruments": None},
    ],
)
def test_either_way_out_ends_the_tie(small: SmallReview, way: dict[str, Any]) -> None:
    add(small, "Birch", instrument="OTHER")
    asked(small, **way)
    assert errors(small) == []


def test_the_trial_s_declared_primary_result_ends_the_tie(small: SmallReview) -> None:
    """Marked in one arm's row it is that of the effect; the other is told why it is out."""
    asked(small, instruments=None)
    add(small, "Birch", instrument="OTHER", more={"primary": ("yes", "")})
    assert errors(small) == []
    result = small.result("blue", "mood")
    used = result.studies.set_index("trial_id").loc["Birch", "instrument"]
    assert used == "OTHER"
    left = of_birch(result)
    assert (left["rule"], left["trial_id"]) == ("declared_primary", "Birch")
    assert left["reason"].endswith("the trial's declared primary result comes first")


def test_two_times_without_a_day_to_prefer_tie(small: SmallReview) -> None:
    add(small, "Birch", time_days="9")
    assert errors(small) == []
    asked(small, prefer_time=None)
    ((_, rule, fix),) = errors(small)
    assert rule == "Birch 2013 has 2 effects and no rule says which counts (times 7, 9)"
    assert fix.startswith("Name the day in `prefer_time`; mark")


def test_many_ties_are_one_sentence(small: SmallReview) -> None:
    for trial in ("Ash", "Birch", "Cedar", "Elm"):
        add(small, trial, instrument="OTHER")
    asked(small, instruments=None)
    ((_, rule, _fix),) = errors(small)
    assert rule.count("has 2 effects") == 3
    assert rule.endswith("; and 1 more trial alike")


def test_the_rule_of_each_effect_that_is_out_is_named(small: SmallReview) -> None:
    add(small, "Birch", instrument="OTHER")
    add(small, "Birch", time_days="12")
    left = small.result("blue", "mood").selection
    of_trial = left[left["trial_id"] == "Birch"].set_index("effect_id")["rule"]
    rules = {(str(n).split("|")[3], str(n).split("|")[5]): rule for n, rule in of_trial.items()}
    assert rules == {("OTHER", "day 7"): "instrument_order", ("SCALE", "day 12"): "time_days"}


def test_a_level_of_the_multiverse_that_leaves_a_tie_is_left_out_and_named(
    small: SmallReview,
) -> None:
    """In a window without a day to prefer nothing decides between two days."""
    window: dict[str, Any] = {"kind": "U", "levels": [{"time_days": [5, 14]}]}
    asked(small, prefer_time=None, multiverse={"time_window": window})
    assert MultiverseData(small.case("blue", "mood")).undecided == ()
    add(small, "Birch", time_days="12")
    data = MultiverseData(small.case("blue", "mood"))
    assert data.undecided == ("Time window: day 5 to 14",)
    assert not data.choices["time_window"].bites
    assert small.result("blue", "mood").result.multiverse.undecided == data.undecided


# --- strata ---------------------------------------------------------------------------------------


def in_strata(small: SmallReview) -> None:
    """Birch in two dose groups, each with its share of the controls, in place of its rows."""
    rows = small.rows("results")
    whole = [row for row in rows if row[0] == "Birch" and row[2] == "mood" and row[6] == "7"]
    add(small, "Birch", stratum="low", more={"n": ("15", "14"), "mean": ("21", "22")})
    add(small, "Birch", stratum="high", more={"n": ("16", "16"), "mean": ("20", "22")})
    width = len(rows[0])
    small.write("results", [row for row in small.rows("results") if row[:width] not in whole])


def test_strata_are_the_parts_of_one_effect(small: SmallReview, tmp_path: Path) -> None:
    """Each arm is compared within its stratum; both reach the analysis as one trial."""
    in_strata(small)
    assert errors(small) == []
    result = small.result("blue", "mood")
    birch = result.studies[result.studies["trial_id"] == "Birch"]
    assert birch["part"].tolist() == ["high", "low"]
    (effect,) = set(birch["effect_id"])
    assert "|by stratum|" in effect
    assert birch["n"].tolist() == [32, 29]
    assert result.result.k == 4
    assert result.result.n == SmallReview(tmp_path / "whole").result("blue", "mood").result.n
    assert "Birch" not in set(result.selection["trial_id"])


def test_the_result_of_all_people_comes_before_strata(small: SmallReview) -> None:
    add(small, "Birch", stratum="low", n="15")
    add(small, "Birch", stratum="high", n="16")
    assert errors(small) == []
    result = small.result("blue", "mood")
    birch = result.studies[result.studies["trial_id"] == "Birch"]
    assert len(birch) == 1
    assert pd.isna(birch["part"].iloc[0]) or birch["part"].iloc[0] == ""
    left = of_birch(result)
    assert left["rule"] == "all_people"


def test_strata_are_combined_without_correlation(small: SmallReview) -> None:
    """Of different people: whatever the correlation within them, across them there is none."""
    in_strata(small)
    parts = small.result("blue", "mood").studies
    parts = parts[parts["trial_id"] == "Birch"]
    asked(small, effects="combined", rho=0.8)
    both = small.result("blue", "mood").studies.set_index("trial_id").loc["Birch"]
    expected = aggregate(parts["yi"], parts["vi"], [1, 1], rho=0.0)
    assert float(str(both["yi"])) == pytest.approx(float(expected.yi[0]), rel=1e-5)
    assert float(str(both["vi"])) == pytest.approx(float(expected.vi[0]), rel=1e-5)
    assert both["n"] == 61


def strata_beside(small: SmallReview, column: str, value: str) -> None:
    """Birch as it is, and in two dose groups with another value of a column."""
    about = {column: (value, value)}
    low = {"n": ("15", "14"), "mean": ("15", "22")}
    high = {"n": ("16", "16"), "mean": ("28", "22")}
    add(small, "Birch", stratum="low", more=about | low)
    add(small, "Birch", stratum="high", more=about | high)


@pytest.mark.parametrize("effects", ["combined", "che", "all"])
def test_all_people_and_their_strata_are_the_same_people(small: SmallReview, effects: str) -> None:
    n = small.result("blue", "mood").result.n
    strata_beside(small, "instrument", "OTHER")
    asked(small, effects=effects, rho=0.8)
    result = small.result("blue", "mood")
    assert result.result.n == n
    birch = result.studies[result.studies["trial_id"] == "Birch"]
    assert birch["n"].max() == 61
    assert len(birch) == (1 if effects == "combined" else 3)


@pytest.mark.parametrize(("n", "known"), [((61, 20, 20), 61), ((40, 29, 32), 61)])
def test_people_of_a_trial(n: tuple[int, ...], known: int) -> None:
    """All people, or all parts where these are more; a number that is not known stays so."""
    effects = pd.DataFrame({"part": [None, "high", "low"], "n": list(map(float, n))})
    assert of_trial(effects) == known
    assert of_trial(effects[1:]) == n[1] + n[2]
    effects.loc[2, "n"] = math.nan
    assert of_trial(effects) == n[0]
    assert math.isnan(of_trial(effects[1:]))


def test_strata_put_together_correlate_with_all_people_as_two_results_of_all_do() -> None:
    """By `rho`, whatever the sizes of the strata; a lone stratum by its share."""
    studies = pd.DataFrame({"vi": [0.1, 0.4, 0.2], "part": ["", "high", "low"]})
    v = covariance_of(studies, [1, 1, 1], studies["vi"], rho=0.8).dense()
    assert v[1, 2] == 0
    weights = np.array([1 / 0.4, 1 / 0.2]) / (1 / 0.4 + 1 / 0.2)
    variance = float(weights @ v[1:, 1:] @ weights)
    assert float(weights @ v[1:, 0]) / math.sqrt(0.1 * variance) == pytest.approx(0.8 * 0.75**0.5)
    whole = studies.assign(vi=[variance, 0.4, 0.2])
    v = covariance_of(whole, [1, 1, 1], whole["vi"], rho=0.8).dense()
    assert float(weights @ v[1:, 0]) / variance == pytest.approx(0.8)
    lone = covariance_of(whole[:2], [1, 1], whole["vi"][:2], rho=0.8).dense()
    assert lone[0, 1] / math.sqrt(variance * 0.4) == pytest.approx(0.8 * (variance / 0.4) ** 0.5)


def test_the_lowest_effect_is_that_of_all_strata(small: SmallReview) -> None:
    """One stratum is below the result of all on the other scale, both together are above it."""
    strata_beside(small, "instrument", "OTHER")
    asked(small, effects="all")
    every = small.result("blue", "mood").studies
    rows = every[every["trial_id"] == "Birch"]
    birch = dict(zip(rows["part"].map(text), rows["yi"], strict=True))
    assert birch["low"] < birch[""] < birch["high"]
    asked(small, effects="lowest")
    lowest = small.result("blue", "mood").studies
    assert lowest[lowest["trial_id"] == "Birch"]["instrument"].tolist() == ["SCALE"]


@pytest.mark.parametrize("stratum", ["high", "low"])
def test_a_stratum_without_numbers_is_not_passed_over_in_silence(
    small: SmallReview, stratum: str
) -> None:
    """The other one carries a flag to the page, unless it is said that it stands for the trial."""
    in_strata(small)
    assert "stratum_without_numbers" not in flags_of_birch(small)
    rows = small.rows("results")
    head = rows[0]
    gaps = [row for row in rows if row[head.index("stratum")] == stratum]
    for row in gaps:
        row[head.index("sd")] = ""
    small.write("results", rows)
    assert "stratum_without_numbers" in flags_of_birch(small)
    for row in gaps:
        row[head.index("exclude_reason")] = "no SD; made up"
    small.write("results", rows)
    assert "stratum_without_numbers" not in flags_of_birch(small)


def flags_of_birch(small: SmallReview) -> str:
    studies = small.result("blue", "mood").studies
    (flags,) = set(studies[studies["trial_id"] == "Birch"]["flags"].map(text))
    return flags


@pytest.mark.parametrize("stratum", ["high", "low"])
def test_an_effect_with_a_part_that_cannot_be_computed_is_none(
    small: SmallReview, stratum: str
) -> None:
    in_strata(small)
    case = small.case("blue", "mood")
    effects = case.tables.effects.copy()
    effects.loc[effects["part"] == stratum, ["yi", "vi"]] = math.nan
    effects.loc[effects["part"] == stratum, "reason"] = "made up"
    left = select(effects, case.rules).rejected.set_index("trial_id").loc["Birch"]
    assert (left["rule"], left["reason"]) == ("no_number", f"part {stratum}: made up")


def test_a_stratum_without_events_says_nothing_of_a_ratio(small: SmallReview) -> None:
    """It is no gap: the others stand for the trial, whichever comes first."""
    rows = small.rows("results")
    head = [*rows[0], "stratum"]
    cells = head.index("event"), head.index("totaln")
    other = [[*row, ""] for row in rows[1:] if row[:3:2] != ["Birch", "harm"]]
    birch = [[*row, ""] for row in rows[1:] if row[:3:2] == ["Birch", "harm"]]
    for name, numbers in (("a", ("0", "15")), ("b", ("4", "16")), ("c", ("0", "15"))):
        for row in birch:
            new = [*row[:-1], name]
            new[cells[0]], new[cells[1]] = numbers
            other.append(new)
    small.write("results", [head, *other])
    studies = small.result("blue", "harm").studies
    assert studies[studies["trial_id"] == "Birch"]["part"].tolist() == ["b"]


def test_one_stratum_that_is_marked_primary_marks_the_effect(small: SmallReview) -> None:
    """Whichever stratum it is: before the result that is of another definition."""
    strata_beside(small, "definition", "rated by the blind")
    rows = small.rows("results")
    head = [*rows[0], "primary"]
    at = head.index("stratum")
    marked = [[*row, "yes" if row[at] == "low" else ""] for row in rows[1:]]
    small.write("results", [head, *marked])
    studies = small.result("blue", "mood").studies
    assert studies[studies["trial_id"] == "Birch"]["part"].tolist() == ["high", "low"]


def test_an_alternative_set_of_one_stratum_stands_beside_the_other_stratum(
    small: SmallReview,
) -> None:
    """The completers of the low dose replace its people; those of the high dose stay."""
    in_strata(small)
    about = {"time_days": "7", "exclude_reason": "", "stratum": "low", "n": "10"}
    more = {name: (cell, cell) for name, cell in about.items()}
    add(small, "Birch", more=more, analysis_set="completers")
    effects = small.effects()
    birch = effects[effects["effect_id"].str.startswith("Birch|") & (effects["outcome"] == "mood")]
    sets = birch[birch["variant"] == "participants: completers"]
    assert sorted(sets["part"]) == ["high", "low"]
    assert sets.set_index("part")["n"].to_dict() == {"high": 32.0, "low": 20.0}


def test_a_result_in_strata_is_traced(small: SmallReview) -> None:
    in_strata(small)
    asked(small, effects="combined")
    result = small.result("blue", "mood")
    raw = raw_tables(small.folder / "data" / "raw" / "blue", {})
    records = small.records()
    assert len(chain(result.result, result.studies, records.rows, raw))
    checks = check_analysis(result.result, result.studies, records, raw)
    assert [each for check in checks for each in check.differences] == []


def test_a_table_without_the_optional_columns_is_as_before(small: SmallReview) -> None:
    assert "stratum" not in small.rows("results")[0]
    effects = small.effects()
    assert {"stratum", "primary"}.isdisjoint(effects)
    assert list(undecided(small.review, {"blue": small.checked()[0]})) == []


# --- the account -----------------------------------------------------------------------------


def test_every_record_makes_an_effect_or_is_listed(small: SmallReview) -> None:
    records = small.records()
    effects = small.effects()
    listed = not_asked(records, effects, small.review.measures("blue"))
    made = {(at.table, at.row) for cell in effects["records"] for at in RAW_ROWS.read(cell)}
    left = set(zip(listed["table"], listed["row"], strict=True))
    assert made.isdisjoint(left)
    rows = records.rows
    assert made | left == set(zip(rows["table"], rows["row"].astype(int), strict=True))
    assert set(listed["reason"]) == {account.BASELINE}
    unasked = not_asked(records, effects.iloc[:0], ["harm"])
    assert set(unasked["reason"]) == {account.OUTCOME, account.MEASURE}


@pytest.mark.parametrize("condition", ["ptsd", "anxiety", "safety", "depression"])
def test_every_shipped_effect_is_in_the_result_or_left_out_by_a_named_rule(condition: str) -> None:
    """In each analysis of its outcome and measure; those of no analysis are of a network."""
    effects = pd.read_csv(ROOT / "data" / "processed" / condition / "effects.csv", dtype=str)
    effects = effects[effects["variant"].isna()]
    review = read_protocol(ROOT / "config" / "review.yaml")
    seen: set[str] = set()
    for name, asked_for in review.conditions[condition].analyses.items():
        folder = ROOT / "results" / condition / name
        studies, left = (
            pd.read_csv(folder / f"{table}.csv", dtype=str) for table in ("studies", "selection")
        )
        used = {one for cell in studies["effect_id"] for one in EFFECT_IDS.read(cell)}
        out = set(left["effect_id"])
        mine = effects[
            (effects["outcome"] == asked_for.outcome) & (effects["measure"] == asked_for.measure)
        ]
        assert used.isdisjoint(out)
        assert used | out == set(mine["effect_id"])
        assert left["rule"].notna().all()
        seen |= used | out
    asked_in = review.conditions[condition].networks.values()
    networks = {(each.outcome, each.measure) for each in asked_in}
    rest = effects[~effects["effect_id"].isin(seen)]
    assert set(zip(rest["outcome"], rest["measure"], strict=True)) <= networks


# --- variants -------------------------------------------------------------------------------------


def test_an_alternative_set_without_an_effect_is_a_row_with_its_reason(small: SmallReview) -> None:
    """Nobody of Elm's completers had harm: the row is that of the other trials."""
    rows = small.rows("results")
    head = rows[0]
    for arm, total in (("experimental", "20"), ("control", "21")):
        like = next(row for row in rows if row[:3] == ["Elm", arm, "harm"])
        new = dict(zip(head, like, strict=True))
        new |= {"analysis_set": "completers", "event": "0", "totaln": total}
        rows.append([new[name] for name in head])
    small.write("results", rows)
    assert errors(small) == []
    result = small.result("blue", "harm")
    table = result.sensitivity.set_index(["group", "label"])
    row = table.loc["participants"].loc["completers"]
    assert (row["k"], table.loc["protocol"].iloc[0]["k"]) == (2, 3)
    assert row["note"] == "changes Elm 2019; Elm 2019 has no effect there: no events in either arm"
