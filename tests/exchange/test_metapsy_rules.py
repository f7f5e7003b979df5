"""What the Metapsy importer makes of each kind of row; all files here are made up."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan, log, pi, sqrt
from pathlib import Path

import pytest
from metapsy_files import NO_SCORES, SOUND, imported, loaded, make, reasons

from trialpool.results import TrialpoolError
from trialpool.review.exchange.formats import ImportOptions
from trialpool.review.exchange.ids import Names, slug
from trialpool.review.exchange.metapsy.effects import ArmPair, HedgesG, hedges_g, log_rr, pairs
from trialpool.review.exchange.metapsy.notes import locator, rows_of
from trialpool.review.exchange.metapsy.read import read
from trialpool.review.exchange.metapsy.reproduce import reproduce
from trialpool.review.extraction.read import RawData

OPTIONS = ImportOptions(condition="made")
# 10 of 20 against 2 of 20, the counts and the effect of Bisson 2020 in the Metapsy PTSD database.
EVENTS = {**NO_SCORES, "outcome_type": "dich", "event_arm1": "10", "totaln_arm1": "20",
          "event_arm2": "2", "totaln_arm2": "20", "dich_type": "no diagnosis",
          ".g": "-1.187325981", ".g_se": "0.4792299548"}  # fmt: skip
REPORTED = {**NO_SCORES, "study": "Roe, 2021", "outcome_type": "precalc", "precalc_g": "0.5",
            "precalc_g_se": "0.2", ".g": "0.5", ".g_se": "0.2"}  # fmt: skip
# The sound row's effect with the sign of arm 1 minus arm 2.
NEGATIVE = {".g": "-0.8571"}


def column(rows: object, name: str) -> list[str]:
    assert isinstance(rows, list)
    return [row.get(name, "") for row in rows]


def error(path: Path) -> str:
    with pytest.raises(TrialpoolError) as caught:
        read(path, OPTIONS)
    return str(caught.value)


def test_both_styles_of_file_are_one(tmp_path: Path) -> None:
    """Semicolons and decimal commas, or commas and points: the same tables."""
    point = {"mean_arm1": "10.5", "sd_arm1": "4.25"}
    comma = {name: cell.replace(".", ",") for name, cell in {**SOUND, **point}.items()}
    comma |= {".g": "0,7435", ".g_se": "0,3101", "study": "Doe, 2020"}
    comma = {name.replace(",", "."): cell for name, cell in comma.items()}
    one = read(make(tmp_path / "made.csv", {**point, ".g": "0.7435", ".g_se": "0.3101"}), OPTIONS)
    two = read(make(tmp_path / "made.csv", comma, separator=";"), OPTIONS)
    assert one.tables == two.tables
    assert "made.csv: columns separated by commas, decimal point (in 4 cells)" in one.assumed
    assert "made.csv: columns separated by semicolons, decimal comma (in 4 cells)" in two.assumed


def test_a_decimal_point_among_commas_is_said(tmp_path: Path) -> None:
    """One released file has ages with points in a file of commas."""
    cells = {"mean_arm1": "10,5", "sd_arm1": "4,5", ".g": "0,8571", ".g_se": "0,3138",
             "mean_age": "40.5"}  # fmt: skip
    found = read(make(tmp_path / "made.csv", cells, separator=";"), OPTIONS)
    assert column(found.tables["trials"], "mean_age") == ["40.5"]
    assert "a decimal point in 1 of mean_age is read as a decimal point too" in found.assumed[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file is empty"),
        ("a,b\n1,2\n", "no column study, condition_arm1, condition_arm2; not a file"),
        ("study,study\n1,2\n", "row 1: the column study stands twice"),
        ("study,year\nDoe\n", "row 2: 1 cells where the header has 2"),
        ('study,year\n"Doe,2020\n', "not readable as CSV"),
    ],
)
def test_a_file_that_is_none(text: str, words: str, tmp_path: Path) -> None:
    """One clear sentence with the file's name."""
    path = tmp_path / "made.csv"
    path.write_text(text, encoding="utf-8")
    assert words in error(path)
    assert "made.csv" in error(path)


def test_text_of_another_encoding(tmp_path: Path) -> None:
    """Spreadsheets of western Europe write Windows-1252 by default."""
    path = tmp_path / "made.csv"
    path.write_bytes("study\nMüller\n".encode("cp1252"))
    assert error(path) == "made.csv: not UTF-8 text; save it as CSV UTF-8"


def test_a_shared_control_is_one_row_with_both_rows_named(tmp_path: Path) -> None:
    """The waiting list of a three-armed trial stands in two rows of the file, once in ours."""
    arms = {"multi_arm1": "group", "multi_arm2": "wl"}
    found = imported(tmp_path, arms, {**arms, "multi_arm1": "internet", "mean_arm1": "11"})
    rows = found.tables["results"]
    assert column(rows, "arm_id") == ["group", "wl", "internet"]
    assert column(rows, "locator") == [
        "made.csv row 2", "made.csv rows 2, 3", "made.csv row 3"]  # fmt: skip
    assert column(found.tables["arms"], "role") == ["experimental", "control", "experimental"]
    assert len(pairs(loaded(found, tmp_path / "raw"))) == 2


def test_arms_with_two_sets_of_numbers_are_kept_apart(tmp_path: Path) -> None:
    """The control has 25 people in one row and 24 in the other: two sets, said, none lost."""
    arms = {"multi_arm1": "group", "multi_arm2": "wl"}
    found = imported(tmp_path, arms, {**arms, "multi_arm1": "internet", "n_arm2": "24"})
    assert column(found.tables["results"], "definition") == ["row 2", "row 2", "row 3", "row 3"]
    assert any("definition, and each counts: rows 2, 3" in said for said in found.assumed)
    assert [p.kind for p in pairs(loaded(found, tmp_path / "raw"))] == ["msd", "msd"]


def test_a_baseline_with_other_numbers_is_left(tmp_path: Path) -> None:
    """A baseline is one per arm and scale; the second one is listed."""
    base = {"baseline_mean_arm1": "20", "baseline_sd_arm1": "5", "baseline_n_arm1": "20"}
    later = {**base, "baseline_mean_arm1": "21", "time": "fu", "time_weeks": "26"}
    found = imported(tmp_path, base, later)
    kinds = column(found.tables["results"], "outcome_type")
    assert kinds.count("baseline") == 1
    assert kinds.count("msd") == 4
    assert reasons(found)[0] == (
        "row 3, Doe, 2020: baseline of arm cbt = BDI: row 2 gives the arm other numbers"
    )


def test_times_and_raters_keep_rows_apart(tmp_path: Path) -> None:
    """Days are 7 times weeks; a scale with two kinds of rater is two instruments."""
    found = imported(tmp_path, {}, {"time": "fu", "time_weeks": "26"}, {"rating": "clinician"})
    assert column(found.tables["results"], "time_days") == ["56", "56", "182", "182", "56", "56"]
    assert column(found.tables["instruments"], "instrument") == ["BDI_clinician", "BDI_self-report"]
    assert column(found.tables["instruments"], "name") == ["BDI", "BDI"]
    assert len(pairs(loaded(found, tmp_path / "raw"))) == 3


def test_a_week_that_a_division_cut_off_gives_whole_days(tmp_path: Path) -> None:
    """30 days are 4.285714... weeks in a file."""
    found = imported(tmp_path, {"time_weeks": "4.28571428571"}, {"time_weeks": "4.5", "time": "x"})
    assert column(found.tables["results"], "time_days")[::2] == ["30", "31.5"]


def test_change_scores_and_counts_have_their_own_kind(tmp_path: Path) -> None:
    """A change is a score of its own kind; what is counted is an outcome of its own."""
    change = {**NO_SCORES, "outcome_type": "change", "mean_change_arm1": "-5",
              "sd_change_arm1": "3", "n_change_arm1": "20", "mean_change_arm2": "-1",
              "sd_change_arm2": "3", "n_change_arm2": "20"}  # fmt: skip
    found = imported(tmp_path, NEGATIVE, change, {**EVENTS, ".g": "-1.187325981"})
    rows = found.tables["results"]
    assert column(rows, "outcome_type") == ["msd"] * 2 + ["change"] * 2 + ["event"] * 2
    assert column(rows, "outcome") == ["symptoms"] * 4 + ["response"] * 2
    assert column(rows, "definition")[-1] == "no diagnosis"
    assert found.outcomes["response"] == {"kind": "binary", "better": "higher"}
    loaded(found, tmp_path / "raw")


def test_an_event_that_is_a_harm(tmp_path: Path) -> None:
    """More events in arm 1 and the sign of a harm: fewer are better."""
    worse = {**EVENTS, "outcome_type": "deterioration", ".g": "1.187325981"}
    found = imported(tmp_path, NEGATIVE, worse)
    assert found.outcomes["deterioration"] == {"kind": "binary", "better": "lower"}
    assert "deterioration: lower is better (by the sign of `.g` in 1 of 1 rows)" in found.assumed


def test_an_event_without_an_effect_goes_by_its_name(tmp_path: Path) -> None:
    """Said as such, since nothing in the file shows it."""
    found = imported(tmp_path, {}, {**EVENTS, ".g": "NA", ".g_se": "NA"})
    assert "response: higher is better (by its name; no `.g` to tell)" in found.assumed


def test_a_scale_on_which_higher_is_better(tmp_path: Path) -> None:
    """Where the file's benefit has the other sign, the scale is filed under its own outcome."""
    well = {"instrument": "WHO-5", "mean_arm1": "14", "mean_arm2": "10", ".g": "0.85"}
    found = imported(tmp_path, {}, {**SOUND, "time": "fu"}, well)
    assert column(found.tables["instruments"], "better") == ["lower", "higher"]
    assert column(found.tables["results"], "outcome")[-1] == "symptoms_higher_better"
    assert any("higher is better on WHO-5" in said for said in found.assumed)
    loaded(found, tmp_path / "raw")


def test_a_row_against_its_own_scale_is_said(tmp_path: Path) -> None:
    """Two of three rows decide; the third is named, not hidden."""
    rows = [{"time": "a"}, {"time": "b"}, {"time": "c", ".g": "-0.8571"}]
    found = imported(tmp_path, *rows)
    assert "BDI: in 1 of 3 rows `.g` has the other sign" in found.assumed
    assert "`.g` is arm 2 minus arm 1 in 2 of 3 rows with means" in found.assumed


@pytest.mark.parametrize(
    ("sound", "contrast"),
    [({}, "control-experimental"), (NEGATIVE, "experimental-control")],
)
def test_a_reported_effect_takes_the_files_direction(
    sound: Mapping[str, str], contrast: str, tmp_path: Path
) -> None:
    """The estimate stays as printed; the way it subtracts is what the other rows show."""
    found = imported(tmp_path, sound, REPORTED)
    (row,) = found.tables["contrasts"]
    assert (row["estimate"], row["se"], row["contrast"]) == ("0.5", "0.2", contrast)
    effects = {p.about["trial_id"]: e.g for p, e in _effects(loaded(found, tmp_path / "raw"))}
    assert effects["Roe_2021"] == (0.5 if contrast == "experimental-control" else -0.5)


def test_a_reported_effect_without_direction_is_left_until_it_is_told(tmp_path: Path) -> None:
    """No row shows the sign: the importer asks rather than guesses."""
    found = imported(tmp_path, REPORTED)
    assert found.tables["contrasts"] == []
    assert any("which way the file subtracts is not known; say it" in r for r in reasons(found))
    told = imported(tmp_path, REPORTED, g_is="arm2-arm1")
    assert column(told.tables["contrasts"], "contrast") == ["control-experimental"]
    assert "`.g` is arm 2 minus arm 1, as told; no row has means to check it with" in told.assumed


def test_a_direction_the_file_contradicts_is_refused(tmp_path: Path) -> None:
    """A wrong option would turn benefits into harms."""
    with pytest.raises(TrialpoolError, match="is arm 2 minus arm 1 in 1 of 1 rows with means"):
        imported(tmp_path, {}, g_is="arm1-arm2")
    with pytest.raises(TrialpoolError, match="g = left: must be arm1-arm2 or arm2-arm1"):
        imported(tmp_path, {}, g_is="left")


def test_a_precalculated_log_risk_ratio_is_a_ratio_as_printed(tmp_path: Path) -> None:
    """Our table holds ratios unlogged, with the SE of the log."""
    found = imported(tmp_path, {**NO_SCORES, "outcome_type": "remission", ".g": "NA",
                                "precalc_log_rr": "0.6931471805599453",
                                "precalc_log_rr_se": "0.3"})  # fmt: skip
    (row,) = found.tables["contrasts"]
    assert (row["effect_measure"], row["estimate"], row["se"]) == ("RR", "2", "0.3")
    assert row["outcome"] == "remission"
    loaded(found, tmp_path / "raw")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({**EVENTS, "event_arm1": "21"}, "more events than people (20)"),
        ({"sd_arm1": "0"}, "must be above 0"),
        ({"n_arm2": "10.5"}, "not a whole number of people; left blank"),
        ({"sd_arm2": "-3"}, "must be at least 0"),
        ({"year": "1020"}, "must be at least 1950"),
        ({"mean_age": "140"}, "must be at most 120"),
    ],
)
def test_what_breaks_a_rule_is_left_with_the_reason(
    change: Mapping[str, str], reason: str, tmp_path: Path
) -> None:
    """The checks of the house decide; what remains passes them."""
    found = imported(tmp_path, change)
    assert any(entry.why == reason for entry in found.left)
    loaded(found, tmp_path / "raw")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"condition_arm1": "NA"}, "row 2, Doe, 2020: condition_arm1 = BDI: the arm has no name"),
        ({"study": "NA"}, "row 2: study = : the row names no study"),
        ({"condition_arm2": "cbt"}, "condition_arm2 = BDI: the same arm on both sides"),
        ({**NO_SCORES, ".g": "NA"}, "row = BDI: no mean, no count and no precalculated effect"),
        ({"mean_arm1": "NR"}, "row 2, mean_arm1: cell = NR: not a number; left blank"),
        ({"totaln_arm1": "30"}, "1 rows: people at risk of an event, in rows without events"),
        ({"precalc_g": "0.9"}, "1 rows: the row holds the arms' own numbers"),
        ({"rob": "1"}, "rob: column = 1 values: codes without a key"),
        ({"format": "group"}, "format: column = 1 values: no column of the Metapsy data standard"),
        ({"n_again": "20"}, "n_again: column = 1 values: repeats n_arm1"),
        ({"empty": "NA"}, "empty: column = 0 values: holds no value"),
    ],
)
def test_what_has_no_place_is_listed(change: Mapping[str, str], words: str, tmp_path: Path) -> None:
    """Rows, cells and columns, each with the reason."""
    assert any(words in reason for reason in reasons(imported(tmp_path, change)))


def test_a_judgement_nobody_knows_is_listed(tmp_path: Path) -> None:
    """Known words are taken, others are not translated by guessing."""
    found = imported(tmp_path, {"rob": "High", "study": "A, 2001"}, {"rob": "middling"})
    assert column(found.tables["risk_of_bias"], "judgement") == ["high"]
    assert any("judgement = middling: not a judgement of RoB 2" in r for r in reasons(found))


def test_an_arm_on_both_sides_is_a_control_and_its_row_a_contrast(tmp_path: Path) -> None:
    """Drug v placebo in a file of psychotherapies: kept, with the effect from the arms' numbers."""
    drug = {"condition_arm2": "drug"}
    third = {"condition_arm1": "drug", "condition_arm2": "pl", "mean_arm1": "14", "sd_arm1": "5",
             "n_arm1": "25", "mean_arm2": "16", ".g": "0.393651", ".g_se": "0.285571"}  # fmt: skip
    found = imported(tmp_path, drug, third)
    assert column(found.tables["arms"], "role") == ["experimental", "control", "control"]
    (row,) = found.tables["contrasts"]
    assert (row["experimental_arm"], row["control_arm"]) == ("drug", "pl")
    assert any(said.endswith("kept as reported contrasts: 3") for said in found.assumed)
    last = reproduce(tmp_path / "made.csv", OPTIONS)[1]
    assert (last.kind, last.agrees) == ("msd", True)


def test_a_doi_that_counts_up_is_not_taken(tmp_path: Path) -> None:
    """A spreadsheet's fill handle turns ...371 into ...372 in the next row of the trial."""
    rows = [{"full_ref": f"Doe J. A trial. doi:10.1000/x{n}", "time": str(n)} for n in (71, 72)]
    found = imported(tmp_path, *rows)
    (trial,) = found.tables["trials"]
    assert (trial["doi"], trial["citation"]) == ("", "Doe J. A trial.")
    assert trial["source_url"] == "https://www.metapsy.org/"
    assert any("DOI: value = 10.1000/x71 / 10.1000/x72" in reason for reason in reasons(found))
    one = imported(tmp_path, rows[0])
    assert column(one.tables["trials"], "source_url") == ["https://doi.org/10.1000/x71"]


def test_references_that_differ_or_are_shared(tmp_path: Path) -> None:
    """Different references of one trial: none is taken. One of two trials: said."""
    found = imported(tmp_path, {"full_ref": "A"}, {"full_ref": "B", "time": "fu"})
    assert column(found.tables["trials"], "citation") == [""]
    both = imported(tmp_path, {"full_ref": "A"}, {"full_ref": "A", "study": "Roe, 2021"})
    assert any(s.startswith("Doe, 2020 and Roe, 2021 have the same ref") for s in both.assumed)


def test_shares_become_percentages_only_where_they_are_shares(tmp_path: Path) -> None:
    """`female_percent` holds 0.745 in one file; a value above 1 shows that it does not."""
    share = imported(tmp_path, {"female_percent": "0.745"})
    assert column(share.tables["trials"], "percent_women") == ["74.5"]
    percent = imported(tmp_path, {"female_percent": "74.5"})
    assert column(percent.tables["trials"], "percent_women") == ["74.5"]


def _effects(raw: RawData) -> list[tuple[ArmPair, HedgesG]]:
    found = pairs(raw)
    return list(zip(found, hedges_g(found), strict=True))


def events(tmp_path: Path, *counts: tuple[int, int, int, int]) -> list[tuple[ArmPair, HedgesG]]:
    names = ("event_arm1", "totaln_arm1", "event_arm2", "totaln_arm2")
    rows = [
        {**EVENTS, "study": f"Doe, {2000 + i}", ".g": "NA", ".g_se": "NA"}
        | dict(zip(names, map(str, cells), strict=True))
        for i, cells in enumerate(counts)
    ]
    return _effects(loaded(imported(tmp_path, *rows), tmp_path / "raw"))


def test_counts_become_g_as_the_databases_print_it(tmp_path: Path) -> None:
    """10/20 v 2/20: ln 9 x sqrt(3)/pi x (1 - 3/151); printed 1.187325981, SE 0.4792299548."""
    ((_, effect),) = events(tmp_path, (10, 20, 2, 20))
    assert effect.g == pytest.approx(1.187325981, abs=1e-9)
    assert effect.g == pytest.approx(log(9) * sqrt(3) / pi * (1 - 3 / 151), rel=1e-12)
    assert effect.se == pytest.approx(0.4792299548, abs=1e-9)


def test_a_zero_cell_gets_the_treatment_arm_correction(tmp_path: Path) -> None:
    """0/10 v 5/30: 1/4 is added to both cells of arm 1 and 3/4 to those of arm 2."""
    ((_, effect),) = events(tmp_path, (0, 10, 5, 30))
    a, b, c, d = 0.25, 10.25, 5.75, 25.75
    j = 1 - 3 / (4 * 38 - 1)
    assert effect.g == pytest.approx(j * log(a * d / (b * c)) * sqrt(3) / pi, rel=1e-12)
    assert effect.se == pytest.approx(sqrt(1 / a + 1 / b + 1 / c + 1 / d) * sqrt(3) / pi, rel=1e-12)


def test_counts_that_say_nothing_of_a_ratio_have_no_g(tmp_path: Path) -> None:
    """No events at all, or events in everybody: missing with the reason, not 0."""
    none, everybody = (e for _, e in events(tmp_path, (0, 10, 0, 12), (10, 10, 12, 12)))
    assert isnan(none.g)
    assert none.reason == "no events in either arm"
    assert everybody.reason == "events in all participants of both arms"


def test_effects_that_cannot_be_had_say_why(tmp_path: Path) -> None:
    """A missing SD; a reported ratio; an effect without its SE; no counts."""
    ratio = {**NO_SCORES, "study": "B, 2002", ".g": "NA", "precalc_log_rr": "0.5",
             "precalc_log_rr_se": "0.2"}  # fmt: skip
    rows = [{}, {"study": "A, 2001", "sd_arm1": "NA", ".g": "NA"}, ratio,
            {**REPORTED, ".g_se": "NA", "precalc_g_se": "NA"}]  # fmt: skip
    found = _effects(loaded(imported(tmp_path, *rows), tmp_path / "raw"))
    assert [effect.reason for _, effect in found] == [
        "",
        "a number of an arm is missing, and no effect is reported",
        "reported as RR, which is not Hedges' g",
        "no standard error is reported",
    ]
    first = pairs(loaded(imported(tmp_path, {}), tmp_path / "one"))
    assert log_rr(first)[0].reason == "no counts of both arms"


def test_reproduce_finds_a_wrong_effect(tmp_path: Path) -> None:
    """A file whose `.g` is off in the third decimal does not pass."""
    right = make(tmp_path / "right.csv", {".g": "0.8571", ".g_se": "0.3138"})
    (row,) = reproduce(right, OPTIONS)
    assert row.agrees
    assert row.g == pytest.approx((1 - 3 / (4 * 43 - 1)) * 4 / sqrt((19 * 16 + 24 * 25) / 43))
    wrong = make(tmp_path / "wrong.csv", {".g": "0.8581"})
    assert not reproduce(wrong, OPTIONS)[0].agrees
    absent = make(tmp_path / "absent.csv", {}, {"condition_arm1": "NA"})
    assert reproduce(absent, OPTIONS)[1].reason == (
        "the numbers of both arms are not in the tables"
    )


def test_names_are_valid_and_never_given_twice() -> None:
    """Accents and signs go; two labels with the same rest are told apart, whatever their case."""
    assert [slug(x) for x in ("Öst, 2004", "TAU/NT", "?", "CGI-S")] == [
        "Ost_2004", "TAU_NT", "unnamed", "CGI-S"]  # fmt: skip
    ids = Names()
    assert [ids.of(x, slug(x)) for x in ("GAD 7", "GAD/7", "gad_7", "GAD 7")] == [
        "GAD_7", "GAD_7_2", "gad_7_3", "GAD_7"]  # fmt: skip


def test_locators_can_be_read_back() -> None:
    """And words a person wrote are not taken for them."""
    assert rows_of(locator("data.csv", (2, 13))) == {2, 13}
    assert rows_of("Table 2, STAI-S row") == frozenset()
    assert rows_of("") == frozenset()
