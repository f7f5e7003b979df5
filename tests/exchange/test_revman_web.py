"""RevMan Web's data package: what is imported, what is left, and what is refused."""

from __future__ import annotations

import csv
import io
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from exchange_tables import CONDITION, DATA, cleaned, numbers_in, numbers_left, one, rows, whys

from trialpool.results import TrialpoolError
from trialpool.review.exchange import draft, revman_web, revman_zip
from trialpool.review.exchange.draft import is_number
from trialpool.review.exchange.formats import ImportOptions
from trialpool.review.exchange.imported import Imported

PACKAGE = DATA / "package"
ROWS = "CD999998-analysis-data/CD999998-data-rows.csv"
SETTINGS = "CD999998-analysis-data/CD999998-overall-estimates-and-settings.csv"
INFORMATION = "CD999998-study-data/CD999998-study-information.csv"
RISK = "CD999998-study-data/CD999998-risk-of-bias.csv"
# Columns of numbers that name or order something.
NAMES = {"Analysis group", "Analysis number", "Subgroup number", "Study year"}


def files() -> dict[str, str]:
    return {
        path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(PACKAGE.rglob("*"))
        if path.is_file()
    }


def zipped(folder: Path, contents: dict[str, str]) -> Path:
    path = folder / "CD999998-data-package.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for name, text in contents.items():
            package.writestr(name, text)
    return path


@pytest.fixture(scope="module")
def review(tmp_path_factory: pytest.TempPathFactory) -> Imported:
    path = zipped(tmp_path_factory.mktemp("package"), files())
    return revman_web.read(path, ImportOptions(condition=CONDITION))


def test_every_number_of_the_analyses_is_imported_or_left(review: Imported) -> None:
    """Numbers in = numbers in rows + numbers left, each counted as often as it stands there."""
    printed = Counter(
        text
        for name, content in files().items()
        if name.startswith("CD999998-analysis-data")
        for line in csv.DictReader(io.StringIO(content))
        for column, text in line.items()
        if column not in NAMES and is_number(text)
    )
    imported = (
        numbers_in(review, "results", "event", "totaln", "n", "mean", "sd")
        + numbers_in(review, "contrasts", "n_experimental", "n_control")
        + Counter(["0.4993", "0.25", "0.997"])  # the ratio as shown
        + Counter(["-0.5", "0.4"])  # the logged ratio that was turned into one
    )
    assert imported + numbers_left(review) == printed


def test_the_tables_pass_the_checks(review: Imported, tmp_path: Path) -> None:
    account = cleaned(review, tmp_path).rows.set_index("table")
    assert account.loc["results", "rows_in"] == 6
    assert account.loc["results", "rows_used"] == 6
    assert account.loc["contrasts", "rows_used"] == 2
    assert account.loc["risk_of_bias", "rows_used"] == 5


def test_numbers_stand_as_printed(review: Imported) -> None:
    row = one(review, "results", mean="5.50")
    assert (row["sd"], row["n"], row["time_days"]) == ("4.10", "29", "28")
    assert row["locator"] == "1.2, study Aster 2010 2010"
    assert row["source_url"] == "https://doi.org/10.1002/14651858.CD999998"
    assert (row["confidence"], row["source"]) == ("secondary", "CD999998")


def test_the_data_type_says_which_zeros_are_fillers(review: Imported) -> None:
    """A row of counts may hold zeros as means; they are left, and named."""
    row = one(review, "results", trial_id="aster_2010", outcome="response", arm_id="examplamine")
    assert (row["event"], row["totaln"], row["stratum"]) == ("18", "30", "Adults")
    assert whys(review, "GIV Mean=0; GIV SE=0; Experimental mean=0")


def test_arms_directions_and_designs(review: Imported) -> None:
    controls = rows(review, "arms", role="control")
    assert {row["comparator_class"] for row in controls} == {"usual_care"}
    assert one(review, "instruments")["better"] == "lower"
    (guess,) = [sentence for sentence in review.assumed if "is better" in sentence]
    assert guess.startswith("1.3 `Relapse`: lower is better, going by its name; the forest")
    assert one(review, "trials", design="crossover")["trial_id"] == "daisy_2015"
    assert one(review, "contrasts", trial_id="daisy_2015")["period"] == "both"
    assert one(review, "trials", trial_id="aster_2010")["population"] == "60 adults"


def test_ratios_are_taken_as_shown_or_computed(review: Imported) -> None:
    shown = one(review, "contrasts", trial_id="aster_2010")
    assert (shown["estimate"], shown["ci_low"], shown["ci_high"]) == ("0.4993", "0.25", "0.997")
    computed = one(review, "contrasts", trial_id="daisy_2015")
    assert computed["derived"].startswith("exponential")
    assert float(computed["estimate"]) == pytest.approx(0.60653066, rel=1e-8)


def test_risk_of_bias_is_that_of_rob_2(review: Imported) -> None:
    """One judgement per trial and domain; of outcomes that differ, one each. RoB 1 is left."""
    found = {
        (row["trial_id"], row["domain"], row.get("outcome", "")): (row["judgement"], row["reason"])
        for row in rows(review, "risk_of_bias")
    }
    assert found == {
        ("aster_2010", "D1", ""): ("low", "Computer list"),
        ("aster_2010", "D3", "response"): ("some_concerns", "Two left"),
        ("aster_2010", "D3", "relapse"): ("high", "Twenty left"),
        ("aster_2010", "overall", ""): ("some_concerns", "no reason in the package"),
        ("clover_2012", "D1", ""): ("no_information", "no reason in the package"),
    }
    assert "RoB 2" in whys(review, "Blinding of participants")[0]
    assert whys(review, "Of no study") == ["no study, or several, of that name"]


def test_files_that_are_not_read_are_named(review: Imported) -> None:
    assert whys(review, "included-references.ris")
    assert len(whys(review, "pooled result of the source, for comparison")) == 4


def test_without_settings_the_cells_decide(tmp_path: Path) -> None:
    """The kind of data is then that of the cells that are not 0; arms have no names."""
    contents = {ROWS: files()[ROWS]}
    found = revman_web.read(zipped(tmp_path, contents), ImportOptions(condition=CONDITION))
    assert {row["arm_id"] for row in rows(found, "arms")} == {"experimental", "control"}
    assert {row["comparator_class"] for row in rows(found, "arms", role="control")} == {"other"}
    assert {row["outcome_type"] for row in rows(found, "results")} == {"event", "msd"}
    assert any("no settings" in sentence for sentence in found.assumed)
    assert any("it names no measure" in left.why for left in found.left)
    cleaned(found, tmp_path)


def test_studies_with_one_name_are_told_apart_by_year(tmp_path: Path) -> None:
    contents = files()
    contents[INFORMATION] += "Aster 2010,2011,PUB,Randomised,,\nAster 2010,2011,PUB,Again,,\n"
    found = revman_web.read(zipped(tmp_path, contents), ImportOptions(condition=CONDITION))
    same = rows(found, "trials", study="Aster 2010")
    assert [row["trial_id"] for row in same] == ["aster_2010", "aster_2010_2"]
    assert whys(found, "Char: Methods=Again")
    cleaned(found, tmp_path)


def test_a_judgement_of_an_outcome_that_no_analysis_is_of_is_left(tmp_path: Path) -> None:
    """It differs from that of another outcome, so that it is not of the whole trial either."""
    contents = files()
    contents[RISK] = contents[RISK].replace("data: Relapse", "data: Remission")
    found = revman_web.read(zipped(tmp_path, contents), ImportOptions(condition=CONDITION))
    judged = rows(found, "risk_of_bias", domain="D3")
    assert [(row["outcome"], row["judgement"]) for row in judged] == [("response", "some_concerns")]
    assert "no analysis" in whys(found, "risk of bias: D3")[0]
    cleaned(found, tmp_path)


def test_the_crossover_domain_is_for_crossovers(tmp_path: Path) -> None:
    name = "Bias arising from period and carryover effects"
    contents = files()
    contents[RISK] = (
        f"Study,Domain (judgement): {name}\nAster 2010,Low risk of bias\nDaisy 2015,High risk\n"
    )
    found = revman_web.read(zipped(tmp_path, contents), ImportOptions(condition=CONDITION))
    assert [(r["trial_id"], r["domain"]) for r in rows(found, "risk_of_bias")] == [
        ("daisy_2015", "DS")
    ]
    assert "crossover domain" in whys(found, name)[0]
    cleaned(found, tmp_path)


def test_nothing_is_written_outside(tmp_path: Path) -> None:
    """A member's path is only a name: it is read in memory and nothing is unpacked."""
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    contents = {f"../../{Path(ROWS).name}": files()[ROWS]}
    revman_web.read(zipped(inner, contents), ImportOptions(condition=CONDITION))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [
        inner / "CD999998-data-package.zip"
    ]


def without(column: str) -> str:
    return files()[ROWS].replace(column, "Other", 1)


BAD = [
    ({}, "no file that ends in `data-rows.csv`"),
    ({"other.csv": "a,b\n"}, "no file that ends in `data-rows.csv`"),
    ({ROWS: ""}, "data-rows.csv`"),
    ({ROWS: without("Analysis group")}, "the column `Analysis group` is missing"),
    ({ROWS: without("Study")}, "the column `Study` is missing"),
    ({ROWS: without("GIV Mean").replace("GIV SE", "Other")}, "the column `Other` stands twice"),
    ({ROWS: files()[ROWS] + "1,2\n"}, "row 7: 2 cells where the header has 24"),
    ({ROWS: files()[ROWS] + '"never closed'}, "not readable as CSV"),
    ({ROWS: files()[ROWS].replace("18,30", "18 of 30,30")}, "row 2: Experimental cases = 18 of 30"),
    ({ROWS: files()[ROWS].replace("5.50", "5;50")}, "row 4: Experimental mean = 5;50"),
    ({ROWS: files()[ROWS], f"x/{ROWS}": files()[ROWS]}, "two files end in `data-rows.csv`"),
    (files() | {SETTINGS: "a,b\n1,2\n"}, "the column `Analysis group` is missing"),
    (files() | {RISK: "a,b\n1,2\n"}, "the column `Study` is missing"),
]


@pytest.mark.parametrize(("contents", "rule"), BAD)
def test_a_malformed_package_gives_one_clear_error(
    tmp_path: Path, contents: dict[str, str], rule: str
) -> None:
    with pytest.raises(TrialpoolError) as caught:
        revman_web.read(zipped(tmp_path, contents), ImportOptions(condition=CONDITION))
    message = str(caught.value)
    assert "CD999998-data-package.zip" in message
    assert rule in message
    assert "\n" not in message


def broken(folder: Path, data: bytes) -> Path:
    path = folder / "package.zip"
    path.write_bytes(data)
    return path


def test_what_is_no_zip_file_is_refused(tmp_path: Path) -> None:
    good = zipped(tmp_path, files()).read_bytes()
    start = good.index(ROWS.encode()) + len(ROWS)
    flipped = good[: start + 20] + bytes(255 - b for b in good[start + 20 : start + 60])
    for data in (b"", b"plain text", good[:200], flipped + good[start + 60 :]):
        with pytest.raises(
            TrialpoolError, match=r"package\.zip.*: (not readable|the file is empty)"
        ):
            revman_web.read(broken(tmp_path, data), ImportOptions(condition=CONDITION))


def test_a_table_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "package.zip"
    with zipfile.ZipFile(path, "w") as package:
        package.writestr(ROWS, files()[ROWS].replace("Aster", "Äster").encode("latin-1"))
    with pytest.raises(TrialpoolError, match=r"data-rows\.csv: not UTF-8 text"):
        revman_web.read(path, ImportOptions(condition=CONDITION))


def test_a_package_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit holds for what is inside, before anything of it is read."""
    path = zipped(tmp_path, {ROWS: files()[ROWS] + " " * 1_000_000})
    limit = path.stat().st_size + 1000
    monkeypatch.setattr(draft, "MAX_BYTES", limit)
    monkeypatch.setattr(revman_zip, "MAX_BYTES", limit)
    with pytest.raises(TrialpoolError, match="unpacks to more than"):
        revman_web.read(path, ImportOptions(condition=CONDITION))
