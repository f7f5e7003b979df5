"""Columns of a review's own: declared in the protocol, typed, carried along, asked of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from small import SmallReview, through_csv

from trialpool import typed_json
from trialpool.analysis_result import AnalysisResult
from trialpool.cli import main
from trialpool.review.accounts.rob_me import Written, rob_me
from trialpool.review.analysis import analyse
from trialpool.review.case import Case
from trialpool.review.commands.check import look
from trialpool.review.protocol.problems import ProtocolError
from trialpool.review.protocol.protocol import Review, resolve
from trialpool.review.protocol.settings import Defaults
from trialpool.review.questions.questions import answers
from trialpool.review.schema import files
from trialpool.review.schema.added import columns_of

THERAPIST = {"kind": "choice", "choices": [True, False], "meaning": "a therapist was there"}
SESSIONS = {"kind": "number", "unit": "sessions", "low": 0, "meaning": "sessions planned"}
# Sessions in tenths, so that no other column of the trials is equal to it.
TYPED = {"Ash": ("yes", "1.5"), "Birch": ("no", "4.2"), "Cedar": ("yes", ""), "Elm": ("yes", "3.1"),
         "Fir": ("no", "0.7")}  # fmt: skip


@pytest.fixture
def small(tmp_path: Path) -> SmallReview:
    """The made-up review with two columns of its own in trials.csv, not yet declared."""
    small = SmallReview(tmp_path)
    header, *rows = small.rows("trials")
    small.write(
        "trials",
        [[*header, "therapist", "sessions"], *([*row, *TYPED[row[0]]] for row in rows)],
    )
    return small


def declare(small: SmallReview, mood: dict[str, Any] | None = None, **columns: Any) -> Review:
    """Declare columns of trials.csv, and settings of the analysis blue/mood."""
    path = small.folder / "config/review.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    config["columns"] = {"trials": columns or {"therapist": THERAPIST, "sessions": SESSIONS}}
    config["conditions"]["blue"]["analyses"]["mood"] |= mood or {}
    path.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    return small.review


def test_an_undeclared_column_is_refused_and_says_how_to_declare_it(small: SmallReview) -> None:
    """One error for each such column, and nothing else."""
    assert small.problems() == [
        f"data/raw/blue/trials.csv row 1, {name}: unknown column. Declare it in "
        f"config/review.yaml as columns.trials.{name} (docs/protocol.md), or remove it."
        for name in ("sessions", "therapist")
    ]


def test_an_undeclared_column_of_a_closed_table_is_refused(tmp_path: Path) -> None:
    """Judgements have no columns of a review's own; `trialpool check` says it too."""
    small = SmallReview(tmp_path)
    header, *rows = small.rows("risk_of_bias")
    small.write("risk_of_bias", [[*header, "remark"], *([*row, ""] for row in rows)])
    (problem,) = small.problems()
    assert problem.endswith("remark: unknown column. Remove it (data/raw/README.md lists all).")


@pytest.mark.parametrize(
    ("table", "column"),
    [("trials", "doi"), ("arms", "dose_mg"), ("results", "median"), ("contrasts", "f"),
     ("instruments", "mid"), ("missing_results", "notes")],
)  # fmt: skip
def test_a_table_without_an_optional_column_passes(tmp_path: Path, table: str, column: str) -> None:
    """A column that came later does not break a review that was typed before; it is blank."""
    whole, small = SmallReview(tmp_path / "whole"), SmallReview(tmp_path / "small")
    rows = small.rows(table)
    place = rows[0].index(column)
    assert not any(row[place] for row in rows[1:])
    small.write(table, [row[:place] + row[place + 1 :] for row in rows])
    assert small.problems() == []
    before, after = (each.cleaned_tables() for each in (whole, small))
    for name in before:
        if name != "flags":
            assert through_csv(after[name]).equals(through_csv(before[name])), name


def test_a_table_without_a_required_column_is_refused(tmp_path: Path) -> None:
    """One line, and no word that its cells may be blank."""
    small = SmallReview(tmp_path)
    rows = small.rows("trials")
    place = rows[0].index("design")
    small.write("trials", [row[:place] + row[place + 1 :] for row in rows])
    assert small.problems() == [
        "data/raw/blue/trials.csv row 1, design: the column is missing. Add the column design."
    ]


def test_declared_columns_are_typed_and_carried_to_the_studies(small: SmallReview) -> None:
    """From trials.csv to studies.csv, as numbers and words, at the end; blank where blank."""
    review = declare(small)
    assert small.problems() == []
    trials = through_csv(small.cleaned().tables["trials"], review.added)
    assert list(trials.columns[-2:]) == ["therapist", "sessions"]
    studies = small.result("blue", "mood").studies
    assert list(studies.columns[-2:]) == ["therapist", "sessions"]
    path = small.folder / "studies.csv"
    files.write(path, studies, review.added)
    for row in files.read(path, review.added).to_dict("records"):
        therapist, sessions = TYPED[row["trial_id"]]
        assert row["therapist"] == therapist
        assert row["sessions"] == pytest.approx(float(sessions or "nan"), nan_ok=True)


def test_cells_of_declared_columns_are_checked(small: SmallReview) -> None:
    """A choice that is none and a number below its limit are errors at their cells."""
    declare(small)
    small.set("trials", 2, "therapist", "perhaps")
    small.set("trials", 3, "sessions", "-1")
    first, second = small.problems()
    assert first.startswith("data/raw/blue/trials.csv row 2, therapist = perhaps: unknown value.")
    assert second.startswith("data/raw/blue/trials.csv row 3, sessions = -1: ")


def test_a_declared_column_may_be_missing_unless_it_is_required(tmp_path: Path) -> None:
    """Other conditions need not have it."""
    small = SmallReview(tmp_path)
    declare(small)
    assert small.problems() == []
    assert small.result("blue", "mood").studies["therapist"].isna().all()
    declare(small, sessions=SESSIONS | {"required": True})
    assert small.problems() == [
        f"data/raw/{condition}/trials.csv row 1, sessions: the column is missing. Add the column "
        "sessions."
        for condition in ("blue", "green")
    ]


def test_a_declared_column_is_a_filter(small: SmallReview) -> None:
    """The trials with a therapist, and the others; each left out says why."""
    whole = set(small_of(small, {}).studies["trial_id"])
    kept = set(small_of(small, {"include": {"therapist": [True]}}).studies["trial_id"])
    assert kept == {trial for trial in whole if TYPED[trial][0] == "yes"}
    result = small_of(small, {"include": {}, "exclude": {"therapist": ["yes"]}})
    assert set(result.studies["trial_id"]) == whole - kept
    why = result.selection.set_index("trial_id")["reason"]
    assert all("therapist" in str(why[trial]) for trial in kept)


def test_a_filter_says_of_a_blank_cell_that_it_is_not_stated(small: SmallReview) -> None:
    """In selection.csv, and in the account of missing evidence; a filled cell is named."""
    small.set("trials", 2, "therapist", "")
    result = small_of(small, {"include": {"therapist": [True]}})
    why = result.selection.groupby("trial_id")["reason"].agg(set)
    assert why["Ash"] == {"therapist is not stated"}
    assert why["Birch"] == {"therapist is no, not yes"}
    tables = small.tables("blue")
    written = Written(result.result, result.studies, result.selection, result.missing)
    evidence, _ = rob_me([written], tables.trials, tables.missing_results)
    assert evidence.set_index("trial_id")["detail"]["Ash"] == "therapist is not stated"


def small_of(small: SmallReview, mood: dict[str, Any]) -> Any:
    """The result of blue/mood under other settings."""
    declare(small, mood)
    return small.result("blue", "mood")


def test_effects_are_computed_whatever_the_moderators(small: SmallReview) -> None:
    """The step that computes effects is given its own settings, without the declared columns."""
    asked = {"title": "therapist", "kind": "group", "column": "therapist"}
    config = declare(small).model_dump(mode="json")
    config["defaults"]["moderators"] = {"therapist": asked}
    review = resolve(config)
    assert Defaults.model_validate(review.effect_settings()).smd == review.defaults.smd
    config["defaults"]["smd"]["variance"] = "UB"
    assert resolve(config).effect_settings() != review.effect_settings()
    config["defaults"] |= {"smd": review.defaults.smd.model_dump(), "moderators": {}}
    assert resolve(config).effect_settings() == review.effect_settings()


def more_trials(small: SmallReview, count: int) -> None:
    """Copies of Ash 2011 with other results, so that there are trials enough to part."""
    for table in ("trials", "arms", "results"):
        header, *rows = small.rows(table)
        copies = []
        for i in range(count):
            for row in rows:
                if row[0] == "Ash":
                    cells = dict(zip(header, row, strict=True)) | {"trial_id": f"Ash{i}"}
                    if table == "trials":
                        cells |= {"study": f"Ash {i}", "therapist": ["yes", "no"][i % 2],
                                  "sessions": str(i + 0.5)}  # fmt: skip
                    if table == "results" and cells["mean"] and cells["arm_id"] == "experimental":
                        cells["mean"] = f"{float(cells['mean']) + 0.5 * i:g}"
                    copies.append([cells[name] for name in header])
        small.write(table, [header, *rows, *copies])


def test_a_declared_column_is_a_moderator(small: SmallReview) -> None:
    """A choice parts the trials, its levels in the order of the choices; a number is a slope."""
    more_trials(small, 12)
    result = small_of(small, {"moderators": {
        "therapist": {"title": "therapist", "kind": "group", "column": "therapist"},
        "sessions": {"title": "sessions", "kind": "covariate", "column": "sessions"},
    }})  # fmt: skip
    studies = result.studies
    rows = result.trust["subgroups"].query("moderator == 'therapist'")
    levels = rows[rows["kind"] == "level"].set_index("level")
    assert list(levels.index) == ["yes", "no"]
    for level, row in levels.iterrows():
        assert row["k"] == (studies["therapist"] == level).sum() > 2
    assert (rows["kind"] == "test").any()
    rows = result.trust["regressions"].query("moderator == 'sessions'")
    typed = dict(zip(studies["study"], studies["sessions"], strict=True))
    shown = rows[(rows["kind"] == "trial")]
    assert len(shown) > 10
    assert all(row["x"] == typed[row["study"]] for _, row in shown.iterrows())
    # Each of the copies is half a point worse than the one before, and has one session more.
    assert rows.loc[rows["kind"] == "slope", "estimate"].iloc[0] > 0


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"trials": {"x": {"kind": "choice", "meaning": "m"}}},
         "columns.trials.x: choices: kind choice needs two or more, each named once"),
        ({"trials": {"x": {"kind": "text", "choices": ["a", "b"], "meaning": "m"}}},
         "columns.trials.x: choices: kind text has none; use kind choice, or remove them"),
        ({"arms": {"x": {"kind": "text", "unit": "kg", "low": 1, "meaning": "m"}}},
         "columns.arms.x: low: kind text has none; use kind number, or remove it"),
        ({"arms": {"x": {"kind": "number", "low": 2, "high": 1, "meaning": "m"}}},
         "columns.arms.x: low = 2 is above high = 1"),
        ({"trials": {"x": {"kind": "number"}}},
         "columns.trials.x.meaning: missing; add it (docs/protocol.md says what it means)"),
        ({"trials": {"x": {"kind": "colour", "meaning": "m"}}}, "columns.trials.x.kind = 'colour'"),
        ({"trials": {"weight": {"kind": "number", "meaning": "m"}}},
         "columns: trials.weight: is a column already; choose another name"),
        ({"results": {"t": {"kind": "number", "meaning": "m"}}},
         "columns: results.t: is a column already; choose another name"),
        ({"results": {"x": {"kind": "number", "meaning": "m"}},
          "contrasts": {"x": {"kind": "text", "meaning": "m"}}},
         "columns: contrasts.x: stands under results too, with another declaration"),
        ({"search": {"x": {"kind": "number", "meaning": "m"}}}, "columns.search: unknown key"),
    ],
)  # fmt: skip
def test_a_wrong_declaration_says_what_is_wrong(
    tmp_path: Path, columns: dict[str, Any], message: str
) -> None:
    """With its dotted key."""
    config = SmallReview(tmp_path).review.model_dump(mode="json") | {"columns": columns}
    with pytest.raises(ProtocolError) as error:
        resolve(config)
    assert message in str(error.value)


def test_all_wrong_names_are_told_at_once(tmp_path: Path) -> None:
    """A filter and a moderator on columns that nobody declared, and a misspelt key elsewhere."""
    config = SmallReview(tmp_path).review.model_dump(mode="json")
    mood, harm = (config["conditions"]["blue"]["analyses"][name] for name in ("mood", "harm"))
    mood["include"] = {"therapist": ["yes"]}
    harm["moderators"] = {"x": {"title": "x", "kind": "covariate", "column": "sessions"}}
    config["colums"] = {}
    with pytest.raises(ProtocolError) as error:
        resolve(config)
    told = str(error.value)
    assert "3 problems" in told, told
    assert "'therapist' is not a column of trials.csv to filter on; use one of trial_id, " in told
    assert "column = sessions: not a column of trials that can tell trials apart" in told
    declared = {"trials": {"therapist": THERAPIST, "sessions": SESSIONS}}
    del config["colums"]
    assert resolve(config | {"columns": declared}).columns.trials["therapist"].choices == (
        "yes",
        "no",
    )
    mood["include"] = {"therapist": ["often"]}
    with pytest.raises(ProtocolError, match="therapist is never 'often'; use one of yes, no"):
        resolve(config | {"columns": declared})


def test_check_knows_declared_columns(
    small: SmallReview, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`trialpool check` passes, and reads by the declaration also where the protocol is wrong."""
    declare(small, {"include": {"therapist": ["yes"]}})
    monkeypatch.chdir(small.folder)
    assert main(["check"]) == 0, capsys.readouterr().out
    config = yaml.safe_load(Path("config/review.yaml").read_text(encoding="utf-8"))
    Path("config/review.yaml").write_text(yaml.safe_dump(config | {"titel": "x"}))
    found = look(Path("config/review.yaml"), Path("data/raw"))
    assert [problem.column for problem in found.of("error")] == ["titel"]


def test_columns_of_arms_and_results_are_carried(tmp_path: Path) -> None:
    """Those of arms to arms.csv, those of results and contrasts to records.csv."""
    small = SmallReview(tmp_path)
    for table in ("arms", "results"):
        header, *rows = small.rows(table)
        small.write(table, [[*header, "page"], *([*row, str(i)] for i, row in enumerate(rows))])
    page = {"page": {"kind": "integer", "meaning": "page of the paper", "low": 0}}
    path = small.folder / "config/review.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    config["columns"] = {"arms": page, "results": page, "contrasts": page}
    path.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    assert small.problems() == []
    tables = small.cleaned_tables()
    for name in ("arms", "records"):
        typed = through_csv(tables[name], small.review.added)
        if name == "records":
            typed = typed[typed["table"] == "results"]
        assert len(typed) > 5
        assert list(typed["page"]) == list(typed["row"] - 2)
    assert small.result("blue", "mood").result.k > 0


ROOM = {"kind": "yes_no", "meaning": "a room of their own"}


@pytest.mark.parametrize(
    "rule",
    [{"include": {"therapist": ["yes"]}}, {"exclude": {"therapist": ["no"]}},
     {"include": {"room": [True]}}],
    ids=["include", "exclude", "yes or no"],
)  # fmt: skip
def test_an_added_column_filters_in_every_step(small: SmallReview, rule: dict[str, Any]) -> None:
    """Each step is handed the protocol or its answers as plain values, and filters alike.

    Of the trials with a result Birch had neither therapist nor room, of those without Fir; the
    subset leaves out Elm.
    """
    header, *rows = small.rows("trials")
    place = header.index("therapist")
    cells = [[*row, row[place], {"Elm": "many"}.get(row[0], "few")] for row in rows]
    small.write("trials", [[*header, "room", "visits"], *cells])
    visits = {"kind": "choice", "choices": ["few", "many"], "meaning": "visits to the clinic"}
    declared = {"therapist": THERAPIST, "sessions": SESSIONS, "room": ROOM, "visits": visits}
    by_room = {"title": "room", "kind": "group", "column": "room"}
    few = {"label": "few visits", "include": {"visits": ["few"]}}
    review = declare(small, {**rule, "subsets": [few], "moderators": {"room": by_room}}, **declared)
    config = review.model_dump(mode="json")
    nodes = {"drug": {"drug": ["drug"]}, "saline": {"drug": ["saline"]}}
    config["conditions"]["blue"] |= {
        "time_courses": {"mood": {"title": "Mood", "analysis": "mood"}},
        "doses": {"mood": {"title": "Mood", "analysis": "mood", "drug": "drug", "route": "IV"}},
        "networks": {"mood": {"title": "Mood", "outcome": "mood", "measure": "SMD", "nodes": nodes,
                              "reference": "saline", **rule}},
    }  # fmt: skip
    review = resolve(config)
    tables = small.tables()
    # What rules/synthesis.smk hands over.
    one = resolve(review.for_analyses("blue", ["mood"]))
    made = analyse(Case.of(one, "blue", "mood", tables))
    assert "Birch" not in set(made.studies["trial_id"]) > {"Ash", "Elm"}
    assert list(made.missing["trial_id"]) == []
    subset = made.sensitivity.set_index("label").loc["few visits"]
    assert subset["k"] == len(made.studies) - 1
    assert "room" in set(made.trust["subgroups"]["moderator"])
    # What rules/synthesis.smk reads.
    typed_json.write(small.folder / "model.json", made.result)
    for name in ("studies", "selection", "missing"):
        files.write(small.folder / f"{name}.csv", getattr(made, name), review.added)
    added = columns_of(review.columns.model_dump())
    written = Written(
        typed_json.read(small.folder / "model.json", AnalysisResult),
        *(
            files.read(small.folder / f"{n}.csv", added)
            for n in ("studies", "selection", "missing")
        ),
    )
    evidence, _ = rob_me([written], tables.trials, tables.missing_results)
    why = evidence.set_index("trial_id")["detail"]
    column = next(iter(next(iter(rule.values()))))
    assert why["Birch"].startswith(f"{column} is no")
    assert why["Fir"].startswith(f"{column} is no")
    # What rules/questions.smk hands over.
    whole = resolve(review.for_condition("blue"))
    course, dose, network = answers(tables, small.records(), whole, "blue")
    for question in (course, dose):
        said = "".join(table.to_csv() for table in question.tables.values())
        assert "Ash" in said
        assert "Birch" not in said
    left = network.tables["left_out"].set_index("trial_id")["reason"]
    assert left["Birch"].startswith(f"{column} is no")
    assert "Ash" in set(network.tables["contrasts"]["trial_id"])
