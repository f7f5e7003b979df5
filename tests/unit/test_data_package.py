"""`datapackage.json` of data and of results: it describes every table, and the tables are so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from packages import faults
from small import ROOT, SmallReview

from trialpool import tables
from trialpool.columns import Column, Table
from trialpool.results import TrialpoolError
from trialpool.review.protocol.protocol import read_protocol
from trialpool.review.schema import files
from trialpool.review.schema.added import Added
from trialpool.review.schema.data_package import data_package, table_schema
from trialpool.review.schema.processed import PROCESSED

ABOUT = {"title": "Made up: 2 drugs", "version": "1.2", "licence": "CC-BY-4.0"}


def described(folder: Path, added: Added) -> dict[str, dict[str, Any]]:
    """The description of all CSV files of a folder, as it is when written and read."""
    made = data_package(folder, folder.rglob("*.csv"), ABOUT, added)
    return {place: tables.plain(content) for place, content in made.items()}


def write(folder: Path, added: Added) -> None:
    for place, content in described(folder, added).items():
        tables.write_json(folder / place, content)


@pytest.mark.parametrize("root", ["data", "results"])
def test_the_shipped_tables_are_as_described(root: str) -> None:
    """Each is listed once; header, types, limits, values, required cells and keys agree."""
    assert faults(ROOT / root) == []


@pytest.mark.parametrize("root", ["data", "results"])
def test_the_shipped_descriptions_follow_from_the_declarations(root: str) -> None:
    """No schema is left over; title, version and licence are the protocol's."""
    review = read_protocol(ROOT / "config/review.yaml")
    about = {"title": review.title, "version": review.version, "licence": "CC-BY-4.0"}
    made = data_package(ROOT / root, (ROOT / root).rglob("*.csv"), about, review.added)
    for place, content in made.items():
        assert tables.read_json(ROOT / root / place) == tables.plain(content), place
    schemas = {p.relative_to(ROOT / root).as_posix() for p in (ROOT / root / "schemas").rglob("*")}
    assert {place for place in schemas if place.endswith(".json")} == {*made} - {"datapackage.json"}


@pytest.fixture
def data(tmp_path: Path) -> SmallReview:
    """The made-up review, its raw tables described."""
    small = SmallReview(tmp_path)
    write(small.folder / "data", {})
    assert faults(small.folder / "data") == []
    return small


def again(small: SmallReview, table: str) -> None:
    rows = small.rows(table)
    small.write(table, [*rows, rows[1]])


def renamed(small: SmallReview) -> None:
    header, *rows = small.rows("trials")
    small.write("trials", [["trial", *header[1:]], *rows])


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (renamed, "raw/blue/trials.csv: the header is ['trial', 'study'"),
        (lambda s: s.set("results", 2, "mean", "high"),
         "raw/blue/results.csv row 2, mean = high: not a number"),
        (lambda s: s.set("results", 2, "n", "19.5"),
         "raw/blue/results.csv row 2, n = 19.5: not a integer"),
        (lambda s: s.set("results", 2, "n", "0"),
         "raw/blue/results.csv row 2, n = 0: beyond its limits"),
        (lambda s: s.set("trials", 2, "percent_women", "101"),
         "raw/blue/trials.csv row 2, percent_women = 101: beyond its limits"),
        (lambda s: s.set("arms", 2, "role", "spare"),
         "raw/blue/arms.csv row 2, role = spare: not one of ['experimental', 'control']"),
        (lambda s: s.set("missing_results", 2, "what_if", "perhaps"),
         "raw/blue/missing_results.csv row 2, what_if = perhaps: not a boolean"),
        (lambda s: s.set("trials", 2, "source_url", "here"),
         "raw/blue/trials.csv row 2, source_url = here: not like https?"),
        (lambda s: s.set("trials", 2, "study", ""), "raw/blue/trials.csv row 2, study = : blank"),
        (lambda s: again(s, "trials"), "raw/blue/trials.csv: 2 rows have ['trial_id'] = ('Ash',)"),
        # A key of which some columns may be blank.
        (lambda s: again(s, "results"), "raw/blue/results.csv: 2 rows have ['trial_id', 'arm_id'"),
        (lambda s: s.path("arms").rename(s.folder / "arms.csv"),
         "raw/blue/arms.csv: no such file"),
        (lambda s: s.path("arms").with_name("more.csv").write_text("a\n"),
         "raw/blue/more.csv: not listed"),
    ],
)  # fmt: skip
def test_a_spoiled_table_is_no_longer_as_described(
    data: SmallReview, spoil: Callable[[SmallReview], Any], fault: str
) -> None:
    """One fault each, and it names the place."""
    spoil(data)
    (told,) = faults(data.folder / "data")
    assert told.startswith(fault)


def test_a_package_says_whose_it_is(data: SmallReview) -> None:
    """A name that fits an address, the review's title; no licence where none is declared."""
    package = tables.read_json(data.folder / "data/datapackage.json")
    assert package["name"] == "made-up-2-drugs-data"
    assert package["title"] == "Made up: 2 drugs: data"
    assert package["version"] == "1.2"
    assert package["licenses"] == [{"name": "CC-BY-4.0"}]
    bare = data_package(data.folder / "data", [], ABOUT | {"licence": ""}, {})
    assert "licenses" not in bare["datapackage.json"]


THING = Table(
    "thing",
    "Made up.",
    key=("a", "b"),
    columns=(
        Column("a", "id", "a name", required=True, heading="Name"),
        Column("b", "integer", "a count", unit="people", low=0),
        Column("c", "number", "a share", low=0, high=1),
        Column("d", "choice", "a kind", choices=("x", "y")),
        Column("e", "yes_no", "whether"),
        Column("f", "date", "when"),
        Column("g", "text", "words"),
    ),
)


def test_a_declaration_as_a_table_schema() -> None:
    """Each kind has its type, and a limit of 0 is a limit."""
    schema = table_schema(THING, THING.columns)
    assert schema == {
        "fields": [
            {"name": "a", "type": "string", "title": "Name", "description": "a name",
             "constraints": {"required": True, "pattern": "[A-Za-z0-9][A-Za-z0-9_.-]*"}},
            {"name": "b", "type": "integer", "description": "a count", "unit": "people",
             "constraints": {"minimum": 0}},
            {"name": "c", "type": "number", "description": "a share",
             "constraints": {"minimum": 0, "maximum": 1}},
            {"name": "d", "type": "string", "description": "a kind",
             "constraints": {"enum": ["x", "y"]}},
            {"name": "e", "type": "boolean", "description": "whether", "trueValues": ["yes"],
             "falseValues": ["no"]},
            {"name": "f", "type": "string", "description": "when",
             "constraints": {"pattern": "[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?"}},
            {"name": "g", "type": "string", "description": "words"},
        ],
        "missingValues": [""],
        "uniqueKeys": [["a", "b"]],
    }  # fmt: skip
    without = [column for column in THING.columns if column.name != "b"]
    assert not {"primaryKey", "uniqueKeys"} & {*table_schema(THING, without)}


def test_a_primary_key_is_never_blank() -> None:
    """The trial names a row of trials.csv; a row of effects.csv may have a blank in its key."""
    trials, effects = PROCESSED["trials"], PROCESSED["effects"]
    assert table_schema(trials, trials.columns)["primaryKey"] == ["trial_id"]
    assert "primaryKey" not in table_schema(effects, effects.columns)


def test_columns_of_a_review_are_described(tmp_path: Path) -> None:
    """In the raw table and in studies.csv, with heading, unit and limits."""
    small = SmallReview(tmp_path)
    header, *rows = small.rows("trials")
    small.write("trials", [[*header, "sessions"], *([*row, "1.5"] for row in rows)])
    path = small.folder / "config/review.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    sessions = {"kind": "number", "unit": "sessions", "low": 0, "heading": "Therapy",
                "meaning": "sessions planned"}  # fmt: skip
    config["columns"] = {"trials": {"sessions": sessions}}
    path.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    added, results = small.review.added, small.folder / "results"
    files.write(results / "blue/mood/studies.csv", small.result("blue", "mood").studies, added)
    field = {"name": "sessions", "type": "number", "title": "Therapy", "unit": "sessions",
             "description": "sessions planned", "constraints": {"minimum": 0}}  # fmt: skip
    raw = described(small.folder / "data", added)
    assert raw["schemas/raw/trials.json"]["fields"][-1] == field
    assert described(results, added)["schemas/studies.json"]["fields"][-1] == field
    for folder in (small.folder / "data", results):
        write(folder, added)
        assert faults(folder) == []
    # The trials of green, which lack the column, have a schema of their own.
    (green,) = [each for each in raw["datapackage.json"]["resources"]
                if each["path"] == "raw/green/trials.csv"]  # fmt: skip
    assert [field["name"] for field in green["schema"]["fields"]] == header
    small.write("trials", [[*header, "remark"], *([*row, ""] for row in rows)])
    with pytest.raises(TrialpoolError, match="trials: no column is declared as remark"):
        described(small.folder / "data", added)


def test_columns_named_by_the_data_are_described() -> None:
    """A league table has a column for each treatment."""
    package = tables.read_json(ROOT / "results/datapackage.json")
    leagues = [each for each in package["resources"] if each["path"].endswith("/league.csv")]
    assert leagues
    fitted = [each for each in leagues if isinstance(each["schema"], dict)]
    # One without treatments has the columns that every league has.
    assert {each["schema"] for each in leagues if each not in fitted} == {
        "schemas/network/league.json"
    }
    for league in fitted:
        first, *treatments = league["schema"]["fields"]
        assert first["name"] == "treatment"
        assert len(treatments) > 1
        assert {field["type"] for field in treatments} == {"string"}
