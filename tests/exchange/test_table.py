"""Wide sheets as reviews publish them, of five kinds: imported, checked and analysed unedited."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log
from pathlib import Path

import numpy as np
import pytest
import yaml
from exchange_tables import one, rows
from openpyxl import Workbook
from small import cleaned_tables, tables_of

from trialpool import cli
from trialpool.results import TrialpoolError
from trialpool.review.case import Case
from trialpool.review.commands.check import look
from trialpool.review.exchange.formats import ImportOptions
from trialpool.review.exchange.imported import Imported
from trialpool.review.exchange.table import cells
from trialpool.review.exchange.table.headings import places_of
from trialpool.review.exchange.table.read import read
from trialpool.review.extraction.checking import load
from trialpool.review.protocol.protocol import resolve
from trialpool.review.trust.main_result import MainResult, main_result

TWO_ARMS = """\
Study,Year,n1,mean1,sd1,n2,mean2,sd2,Scale,Country
Ash,2001,20,10.1,4.2,21,13.9,4.9,HAMD,Chile
Birch,2004,31,11.0,5.0,30,12.8,5.2,HAMD,Peru
Cedar,2010,15,9.4,3.8,16,13.0,4.4,HAMD,Chile
"""
COUNTS = """\
Author (year);Experimental events/total;Control events/total;Notes
Ash 2001;12/34 (35 %);5/33 (15 %);first
Birch 2004;"20/41 (49 %)";11/40 (28 %);
Cedar 2010;n.r.;4/20 (20 %);
Total;32/75;20/93;
"""
EFFECTS = """\
study,effect,measure,SE,n_e,n_c
Ash 2001,-0.62,d,0.31,20,21
Birch 2004,-0.35,d,0.26,31,30
Cedar 2010,-0.81,d,0.37,15,16
"""
STRANGE = """\
Quelle;Zeitpunkt;Effekt mit KI;Remission OR;Skala
Ash 2001;Woche 4;-0,62 (-1,23 bis -0,01);"2,1 [1,0; 4,4]";X
Ash 2001;Woche 8;-0,50 (-1,10 bis 0,10);"1,9 [0,9; 4,0]";X
Birch 2004;Woche 4;-0,35 (-0,86 bis 0,16);"1,4 [0,7; 2,9]";Y
"""
MAPPING = """\
study: Quelle
arms: {experimental: drug, control: placebo}
results:
- {outcome: mood, better: lower, g: Effekt mit KI, time: Zeitpunkt, instrument: Skala}
- {outcome: remission, better: higher, or: Remission OR, time: Zeitpunkt}
"""


def write(folder: Path, text: str, name: str = "sheet.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def workbook(folder: Path, lines: Sequence[Sequence[object]]) -> Path:
    book = Workbook()
    for line in lines:
        book.worksheets[0].append(list(line))
    path = folder / "sheet.xlsx"
    book.save(path)
    return path


def imported(folder: Path, text: str, **options: object) -> Imported:
    given = ImportOptions(condition="low_mood", **options)  # type: ignore[arg-type]
    return read(write(folder, text), given)


def run(folder: Path, file: Path, analysis: str, *more: str, code: int = 0) -> MainResult:
    """Import with the command, check, and analyse what the protocol it writes asks for."""
    raw, config = folder / "raw", folder / "review.yaml"
    done = cli.main(["import", "table", str(file), "--condition", "low_mood", "--out", str(raw),
                     "--config", str(config), *more])  # fmt: skip
    assert done == code
    assert look(config, raw).of("error") == []
    review = resolve(yaml.safe_load(config.read_text(encoding="utf-8")))
    data, warnings = load(
        raw, "low_mood", review.outcome_rules(), review.confidence_order, review.added
    )
    clean = cleaned_tables(data, warnings, review.confidence_order)
    return main_result(Case.of(review, "low_mood", analysis, tables_of(review, "low_mood", clean)))


# --- five kinds --------------------------------------------------------------------------------


def test_two_arms_with_mean_sd_and_n(tmp_path: Path) -> None:
    file = write(tmp_path, TWO_ARMS)
    main = run(tmp_path, file, "symptoms")
    assert main.studies["trial_id"].tolist() == ["ash", "birch", "cedar"]
    assert main.studies["year"].tolist() == [2001, 2004, 2010]
    assert main.studies["mean_experimental"].tolist() == [10.1, 11.0, 9.4]
    assert main.studies["sd_control"].tolist() == [4.9, 5.2, 4.4]


def test_a_workbook_with_a_title_pairs_and_decimal_commas(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Title, footnote and the line that sums up are told, and no effect is lost."""
    file = workbook(tmp_path, [
        ["Table 2. Trials of the drug"],
        [],
        ["Study", "Intervention", "n intervention", "Control", "n control"],
        ["Ash 2001", "10,1 (4,2)", 20, "13,9 (4,9)", 21],
        ["Birch 2004", "11,0 ± 5,0", 31, "12,8 ± 5,2", 30],
        ["Values are means with standard deviations"],
    ])  # fmt: skip
    main = run(tmp_path, file, "symptoms")
    out = capsys.readouterr().out
    assert main.studies["mean_experimental"].tolist() == [10.1, 11.0]
    assert main.studies["sd_experimental"].tolist() == [4.2, 5.0]
    assert out.splitlines()[-1] == "2 of 2 effects taken"
    assert "sheet.xlsx row 1: row = Table 2. Trials of the drug: a line above the headings" in out
    assert "row 6" in out


def test_counts_with_totals_and_percentages(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A blank arm loses its study, which is told and ends with 1; the sum is no study."""
    main = run(tmp_path, write(tmp_path, COUNTS), "events", code=1)
    out = capsys.readouterr().out
    assert main.studies["trial_id"].tolist() == ["ash_2001", "birch_2004"]
    assert main.studies["event_experimental"].tolist() == [12, 20]
    assert main.studies["totaln_control"].tolist() == [33, 40]
    assert "effects lost (1):\n  - sheet.csv row 4" in out
    assert "a row that sums the others up" in out
    assert out.splitlines()[-1] == "2 of 3 effects taken"


def test_effects_with_standard_errors_and_a_column_of_measures(tmp_path: Path) -> None:
    main = run(tmp_path, write(tmp_path, EFFECTS), "symptoms")
    assert main.studies["basis"].tolist() == ["contrast"] * 3
    assert main.studies["n_experimental"].tolist() == [20, 31, 15]
    assert main.fit.policy.k == 3


def test_strange_headings_by_a_mapping(tmp_path: Path) -> None:
    """Two outcomes and two times a study; both times are combined."""
    mapping = write(tmp_path, MAPPING, "mapping.yaml")
    text = STRANGE
    main = run(tmp_path, write(tmp_path, text), "mood", "--mapping", str(mapping))
    assert main.studies["trial_id"].tolist() == ["ash_2001", "birch_2004"]
    assert main.studies["formula"].tolist()[0] == "2 effects combined, correlation 0.6"
    raw = imported(tmp_path, text, mapping=mapping)
    assert (raw.effects_in, raw.effects_taken) == (6, 6)
    ratio = rows(raw, "contrasts", trial_id="birch_2004", effect_measure="OR")
    assert (ratio[0]["estimate"], ratio[0]["ci_low"], ratio[0]["ci_high"]) == ("1.4", "0.7", "2.9")
    assert raw.outcomes["remission"]["better"] == "higher"


# --- cells -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "pair"),
    [
        ("12,1 (5,2)", ("12.1", "5.2")),
        ("12.1 ± 5.2", ("12.1", "5.2")),
        ("12.1 +/- 5", ("12.1", "5")),
        ("-3.4 (SD 2.0)", ("-3.4", "2.0")),
        ("\u22123.4 [2]", ("-3.4", "2")),
        ("12.1", ()),
        ("12.1 (n = 3)", ()),
    ],
)
def test_means_with_their_sd(cell: str, pair: tuple[str, ...]) -> None:
    assert cells.mean_sd(cell) == pair


@pytest.mark.parametrize(
    ("cell", "pair"),
    [
        ("12/34", ("12", "34")),
        ("12 / 34 (35 %)", ("12", "34")),
        ("12 of 34", ("12", "34")),
        ("12", ()),
        ("1/2/3", ()),
    ],
)
def test_events_of_a_total(cell: str, pair: tuple[str, ...]) -> None:
    assert cells.events_total(cell) == pair


@pytest.mark.parametrize(
    ("cell", "limits"),
    [
        ("0.1 to 0.9", ("0.1", "0.9")),
        ("[0,1; 0,9]", ("0.1", "0.9")),
        ("(-1.2, -0.3)", ("-1.2", "-0.3")),
        ("-1.2 – -0.3", ("-1.2", "-0.3")),
        ("0.5", ()),
    ],
)
def test_limits(cell: str, limits: tuple[str, ...]) -> None:
    assert cells.interval(cell) == limits


@pytest.mark.parametrize("cell", ["", "n.r.", "NR", "-", "NA", "n/a", "–", "not reported"])
def test_words_for_nothing(cell: str) -> None:
    assert cells.is_blank(cell)
    assert not cells.is_blank("0")


@pytest.mark.parametrize(
    ("heading", "place"),
    [
        ("Study", "study"), ("Author (year)", "study"), ("n.e", "n1"), ("mean_c", "mean2"),
        ("SD experimental", "sd1"), ("Events control", "events2"), ("n1i", "n1"),
        ("Hedges' g", "g"), ("95% CI", "ci"), ("lnOR", "log_or"), ("Treatment mean", "mean1"),
    ],
)  # fmt: skip
def test_headings_that_say_one_thing(heading: str, place: str) -> None:
    assert places_of(heading) == [place]


# --- what is open is asked, what is lost is told -----------------------------------------------


def test_two_columns_of_one_meaning_are_an_error(tmp_path: Path) -> None:
    text = TWO_ARMS.replace("Scale,Country", "n intervention,Country")
    with pytest.raises(TrialpoolError, match="`n1` and `n intervention` both are n1"):
        imported(tmp_path, text.replace("HAMD", "5"))


def test_a_sheet_without_headings_says_so(tmp_path: Path) -> None:
    with pytest.raises(TrialpoolError, match="no row of headings"):
        imported(tmp_path, "a,b\n1,2\n")


def test_a_mapping_is_checked_against_the_sheet(tmp_path: Path) -> None:
    """All of its faults at once."""
    wrong = MAPPING.replace("Remission OR", "Remission RR").replace("Quelle", "Study")
    mapping = write(tmp_path, wrong + "colour: red\n", "mapping.yaml")
    with pytest.raises(TrialpoolError) as caught:
        imported(tmp_path, STRANGE, mapping=mapping)
    said = str(caught.value).splitlines()
    assert len(said) == 3
    assert "colour: no key of a mapping" in said[0]
    assert "results 2, or = Remission RR: sheet.csv has no such column" in said[1]
    assert "study = Study: sheet.csv has no such column" in said[2]


def test_what_was_inferred_is_a_mapping_that_gives_the_same(tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.yaml"
    first = imported(tmp_path, TWO_ARMS, write_mapping=mapping)
    again = imported(tmp_path, TWO_ARMS, mapping=mapping)
    assert first.tables == again.tables


def test_a_row_without_a_study_is_lost_or_carried_down_as_said(tmp_path: Path) -> None:
    text = TWO_ARMS.replace("Birch,2004", ",2004")
    lost = imported(tmp_path, text)
    assert (lost.effects_in, lost.effects_taken) == (3, 2)
    (entry,) = [entry for entry in lost.left if entry.effect]
    assert "carry_down: [study]" in entry.why
    mapping = tmp_path / "mapping.yaml"
    imported(tmp_path, text, write_mapping=mapping)
    mapping.write_text(mapping.read_text("utf-8") + "carry_down: [study]\n", "utf-8")
    carried = imported(tmp_path, text, mapping=mapping)
    assert carried.effects_taken == 3
    assert len(rows(carried, "results", trial_id="ash")) == 4


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (",20,10.1", ",20.5,10.1", "not a whole number above 0"),
        (",10.1,4.2,", ",10.1,0,", "an SD is not above 0"),
    ],
)
def test_numbers_that_cannot_stand_lose_their_row(
    tmp_path: Path, old: str, new: str, why: str
) -> None:
    found = imported(tmp_path, TWO_ARMS.replace(old, new))
    assert (found.effects_in, found.effects_taken) == (3, 2)
    (entry,) = [entry for entry in found.left if entry.effect]
    assert why in entry.why


@pytest.mark.parametrize(
    ("text", "estimate", "low"),
    [
        ("study,OR,SE\nA 2001,2.0,0.3\n", 2.0, exp(log(2.0) - 1.959964 * 0.3)),
        ("study,log OR,SE\nA 2001,0.5,0.3\n", exp(0.5), exp(0.5 - 1.959964 * 0.3)),
        ("study,lnOR,vi\nA 2001,0.5,0.09\n", exp(0.5), exp(0.5 - 1.959964 * 0.3)),
        ("study,OR,CI low,CI high\nA 2001,2.0,1.1,3.6\n", 2.0, 1.1),
    ],
)
def test_ratios_come_with_limits_whatever_the_sheet_holds(
    tmp_path: Path, text: str, estimate: float, low: float
) -> None:
    row = one(imported(tmp_path, text), "contrasts")
    assert float(row["estimate"]) == pytest.approx(estimate, rel=1e-6)
    assert float(row["ci_low"]) == pytest.approx(low, rel=1e-5)


def test_a_logged_ratio_under_a_plain_heading_is_asked_about(tmp_path: Path) -> None:
    found = imported(tmp_path, "study,OR,SE\nA 2001,-0.5,0.3\nB 2002,1.5,0.2\n")
    (entry,) = [entry for entry in found.left if entry.effect]
    assert "of a logged one say the measure" in entry.why


def test_further_columns_are_carried_along(tmp_path: Path) -> None:
    text = TWO_ARMS.replace("Country", "Funding").replace("Chile", "Fund A")
    found = imported(tmp_path, text)
    assert one(found, "trials", trial_id="ash")["notes"] == "Funding: Fund A"


def test_effects_come_out_as_computed_from_the_numbers(tmp_path: Path) -> None:
    """Ash: (10.1 - 13.9) over the pooled SD, times the exact correction."""
    main = run(tmp_path, write(tmp_path, TWO_ARMS), "symptoms")
    pooled = np.sqrt((19 * 4.2**2 + 20 * 4.9**2) / 39)
    d = (10.1 - 13.9) / pooled
    assert float(main.studies["yi"].iloc[0]) == pytest.approx(d * (1 - 3 / (4 * 39 - 1)), rel=1e-4)


def test_text_of_another_encoding_and_other_separators(tmp_path: Path) -> None:
    text = TWO_ARMS.replace("Ash", "Ågård").replace(",", ";").replace("10.1", "10,1")
    path = write(tmp_path, text, encoding="cp1252")
    found = read(path, ImportOptions(condition="low_mood"))
    assert one(found, "trials", trial_id="agard")["study"] == "Ågård"
    assert rows(found, "results", trial_id="agard")[0]["mean"] == "10.1"


# --- limits ------------------------------------------------------------------------------------


def test_a_stray_cell_at_the_far_end_is_refused_at_once(tmp_path: Path) -> None:
    book = Workbook()
    book.worksheets[0].append(["Study", "n1", "mean1"])
    book.worksheets[0]["XFD1048576"] = 1
    path = tmp_path / "far.xlsx"
    book.save(path)
    with pytest.raises(TrialpoolError, match=r"sheet Sheet: 1,048,576 rows, more than 100,000"):
        read(path, ImportOptions(condition="low_mood"))


def test_a_workbook_that_is_cut_off_encrypted_or_declares_entities(tmp_path: Path) -> None:
    import zipfile

    whole = workbook(tmp_path, [["Study", "n1"]]).read_bytes()
    bomb = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(bomb, "w") as package:
        package.writestr("xl/workbook.xml", '<!DOCTYPE x [<!ENTITY a "ha">]><x>&a;</x>')
    cases = {
        "cut.xlsx": (whole[:400], "not a workbook that can be read"),
        "old.xlsx": (b"\xd0\xcf\x11\xe0" + bytes(600), "an older or encrypted workbook"),
        "bomb.xlsx": (bomb.read_bytes(), "declares an entity"),
    }
    for name, (content, why) in cases.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(TrialpoolError, match=why):
            read(path, ImportOptions(condition="low_mood"))


def test_a_csv_of_too_many_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrialpoolError, match=r"1,001 columns, more than 1,000"):
        imported(tmp_path, ",".join(["Study"] * 1001) + "\n")
