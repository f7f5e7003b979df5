"""RevMan 5: what is imported, what is left, and that nothing is lost between the two."""

from __future__ import annotations

from collections import Counter
from math import exp
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from exchange_tables import CONDITION, DATA, cleaned, numbers_in, numbers_left, one, rows, whys

import trialpool as tp
from trialpool.results import TrialpoolError
from trialpool.review.exchange import draft, revman5
from trialpool.review.exchange.formats import ImportOptions
from trialpool.review.exchange.imported import Imported

SOURCE = DATA / "made_up.rm5"
# Every attribute that can hold a result, spelled out here so that the importer cannot forget one.
RESULTS = {
    "EVENTS_1", "EVENTS_2", "TOTAL_1", "TOTAL_2", "MEAN_1", "MEAN_2", "SD_1", "SD_2", "ESTIMATE",
    "SE", "EFFECT_SIZE", "CI_START", "CI_END", "LOG_EFFECT_SIZE", "LOG_CI_START", "LOG_CI_END",
    "O_E", "VAR", "WEIGHT", "CHI2", "DF", "I2", "TAU2", "Z", "P_Z", "P_CHI2",
}  # fmt: skip


@pytest.fixture(scope="module")
def review() -> Imported:
    return revman5.read(SOURCE, ImportOptions(condition=CONDITION))


def test_every_number_of_the_analyses_is_imported_or_left(review: Imported) -> None:
    """Numbers in = numbers in rows + numbers left, each counted as often as it stands there."""
    tree = ET.parse(SOURCE).getroot()
    printed = Counter(
        text
        for element in tree.iterfind("ANALYSES_AND_DATA//*")
        for name, text in element.attrib.items()
        if name in RESULTS
    )
    derived = [row for row in rows(review, "contrasts") if row.get("derived")]
    logs = (-0.5, -0.2, -1.0 / 0.98)  # a logged odds and hazard ratio, and (O - E) / V
    assert [row["estimate"] for row in derived] == [f"{exp(log):.10g}" for log in logs]
    computed = numbers_in(
        Imported(tables={"contrasts": derived}), "contrasts", "estimate", "ci_low", "ci_high"
    )
    imported = (
        numbers_in(review, "results", "event", "totaln", "n", "mean", "sd")
        + numbers_in(review, "contrasts", "estimate", "se", "ci_low", "ci_high")
        + numbers_in(review, "contrasts", "n_experimental", "n_control")
        - computed
        + Counter(["-0.5", "0.4", "-0.2", "0.1", "-1.0", "0.98"])
    )
    assert imported + numbers_left(review, "year") == printed


def test_the_tables_pass_the_checks(review: Imported, tmp_path: Path) -> None:
    """No error on loading, and every row is used or dropped with a reason."""
    account = cleaned(review, tmp_path).rows.set_index("table")
    assert account.loc["results", "rows_in"] == 16
    assert account.loc["contrasts", "rows_used"] == 5
    assert account.loc["trials", "rows_used"] == 4


def test_numbers_stand_as_printed(review: Imported) -> None:
    """`5.50` stays `5.50`, and what goes with it goes with it."""
    row = one(review, "results", mean="5.50")
    assert (row["sd"], row["n"], row["arm_id"]) == ("4.10", "29", "examplamine")
    assert (row["outcome_type"], row["time_days"], row["timepoint"]) == ("change", "14", "2 weeks")
    assert row["locator"] == "CMP-001.02.01, study STD-Aster-2010"


def test_every_row_says_where_it_is_from(review: Imported) -> None:
    """A review's table is a secondary source with the review's DOI."""
    for table in ("trials", "arms", "results", "contrasts"):
        for row in rows(review, table):
            assert row["source_url"] == "https://doi.org/10.1002/14651858.CD999999"
            assert row["confidence"] == "secondary"
    assert {row["source"] for row in rows(review, "results")} == {"CD999999"}


def test_studies_with_one_name_are_two_trials(review: Imported) -> None:
    assert [row["trial_id"] for row in rows(review, "trials", study="Clover 2012")] == [
        "clover_2012",
        "clover_2012_2",
    ]


def test_what_a_study_is_known_by(review: Imported) -> None:
    """References with the primary one first, identifiers, and the words about participants."""
    trial = one(review, "trials", trial_id="aster_2010")
    assert trial["citation"].startswith("Aster A, Birch B. Examplamine, a trial that was never")
    assert "also: Aster A. First report" in trial["citation"]
    assert (trial["doi"], trial["pmid"]) == ("10.0000/example.1", "11111111")
    assert trial["registration"] == "NCT00000000"
    assert trial["population"] == "60 adults with example disorder"
    assert "year" not in one(review, "trials", trial_id="clover_2012_2")
    assert whys(review, "year=1948")


def test_a_crossover_is_one_where_the_methods_say_so(review: Imported) -> None:
    """Its rows are of both periods, or of the first where a footnote says so."""
    assert [row["trial_id"] for row in rows(review, "trials", design="crossover")] == ["daisy_2015"]
    assert {row["period"] for row in rows(review, "results", trial_id="daisy_2015")} == {"first"}
    assert one(review, "contrasts", trial_id="daisy_2015")["period"] == "both"
    assert any("daisy_2015 is a crossover" in sentence for sentence in review.assumed)


def test_each_analysis_of_the_file_has_an_outcome_of_its_own(review: Imported) -> None:
    """Two comparisons with one outcome's name are not pooled together."""
    first = rows(review, "results", trial_id="aster_2010", outcome="response_on_day_7")
    assert [row["arm_id"] for row in first] == ["examplamine", "placebo"]
    second = rows(review, "results", trial_id="aster_2010", outcome="response_on_day_7_2")
    assert [row["arm_id"] for row in second] == ["otherine", "placebo"]
    titles = [
        review.outcomes[name]["title"] for name in ("response_on_day_7", "response_on_day_7_2")
    ]
    assert titles == [
        "Response on day 7",
        "Response on day 7 (Otherine versus placebo; CMP-002.01)",
    ]


def test_directions_come_from_the_plot_or_are_stated(review: Imported) -> None:
    """`Favours examplamine` on the left: lower is better; `Favours control` there: higher."""
    better = {row["instrument"]: row["better"] for row in rows(review, "instruments")}
    assert better["example_scale_change"] == "lower"
    assert better["quality_of_life-aster_2010"] == "higher"
    none = "the forest plot has no labels"
    assert [s for s in review.assumed if "is better" in s] == [
        f"CMP-001.04 `Relapse`: lower is better, going by its name; {none}",
        f"CMP-001.05 `Example scale, adjusted`: lower is better, which nothing says; {none}",
        f"CMP-001.06 `Time to relapse`: lower is better, going by its name; {none}",
        f"CMP-001.07 `Death`: lower is better, going by its name; {none}",
        f"CMP-002.01 `Response on day 7`: higher is better, going by its name; {none}",
    ]


def test_standardised_differences_do_not_share_a_scale(review: Imported) -> None:
    """A mean difference needs one scale; a standardised one tells nothing about scales."""
    scales = [row["instrument"] for row in rows(review, "instruments", outcome="quality_of_life")]
    assert scales == ["quality_of_life-aster_2010", "quality_of_life-daisy_2015"]


def test_a_ratio_is_taken_as_shown(review: Imported) -> None:
    """The file holds the logarithm; contrasts take the ratio, as printed or computed, and say."""
    shown = one(review, "contrasts", trial_id="aster_2010", outcome="relapse")
    assert (shown["estimate"], shown["ci_low"], shown["ci_high"]) == ("0.4993", "0.25", "0.997")
    assert (shown["effect_measure"], shown.get("derived", "")) == ("OR", "")
    computed = one(review, "contrasts", trial_id="clover_2012")
    assert float(computed["ci_low"]) == pytest.approx(exp(-0.5 - 1.959964 * 0.4), rel=1e-6)
    assert computed["derived"].startswith("exponential of the logged estimate")
    difference = one(review, "contrasts", effect_measure="MD")
    assert (difference["estimate"], difference["se"]) == ("-2.10", "0.80")


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("CMP-001.01 |", "the raw tables hold data of trials"),
        ("study STD-Clover-2012b | Response on day 7", "nobody in one of the arms"),
        ("SD_1=0.0", "RevMan holds 0 where an SD is not known"),
        ("TOTAL_2=24.5", "not a whole number"),
        ("ESTIMATE=0.0; SE=0.0", "no estimate with a standard error above 0"),
        ("median 12 days", "a table of text"),
        ("SOF-01", "a table of text"),
        ("Drawn from a hat", "RoB 2"),
        ("Elder 2001", "the kind of reason"),
        ("Fern 2020", "asks for the outcome"),
    ],
)
def test_what_is_left_has_its_reason(review: Imported, what: str, why: str) -> None:
    assert [reason for reason in whys(review, what) if why in reason]


STUDY = '<STUDY ID="S1" NAME="Aster 2010" YEAR="2010"/>'
DICH = '<DICH_DATA STUDY_ID="S1" EVENTS_1="1" TOTAL_1="5" EVENTS_2="2" TOTAL_2="5"/>'


def document(studies: str = STUDY, data: str = DICH, kind: str = "DICH", head: str = "") -> str:
    return (
        f"{head}<COCHRANE_REVIEW><STUDIES_AND_REFERENCES><STUDIES><INCLUDED_STUDIES>{studies}"
        "</INCLUDED_STUDIES></STUDIES></STUDIES_AND_REFERENCES><ANALYSES_AND_DATA>"
        f'<COMPARISON ID="CMP-001"><NAME>A v B</NAME><{kind}_OUTCOME ID="CMP-001.01">'
        f"<NAME>Response</NAME>{data}</{kind}_OUTCOME></COMPARISON></ANALYSES_AND_DATA>"
        "</COCHRANE_REVIEW>"
    )


def read_text(tmp_path: Path, text: str | bytes) -> Imported:
    path = tmp_path / "review.rm5"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return revman5.read(path, ImportOptions(condition=CONDITION))


LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>'
)
BAD = [
    ("", "the file is empty"),
    ("  \n ", "the file is empty"),
    ("not xml at all", "line 1: not readable as XML"),
    (document()[:-20], "not readable as XML"),
    (b"\xff\xfe\x00broken", "not readable as XML"),
    (document().replace("COCHRANE_REVIEW", "REVIEW"), "the root element is REVIEW"),
    (document(head=LAUGHS), "line 1: declares or uses an entity"),
    (document(head='<!DOCTYPE x [<!ENTITY a SYSTEM "file:///x">]>'), "declares or uses an entity"),
    (document(data="&a;", head='<!DOCTYPE x SYSTEM "http://localhost/x.dtd">'), "an entity"),
    (document(data="&a;"), "undefined entity"),
    ("<COCHRANE_REVIEW>" + "<P>" * 300 + "</P>" * 300 + "</COCHRANE_REVIEW>", "nested deeper"),
    (document(STUDY + STUDY), "the study ID `S1` stands twice"),
    (document('<STUDY NAME="Aster"/>'), "a STUDY without an ID"),
    (document(data=DICH.replace('"S1"', '"S2"')), "STUDY_ID = S2: no such study"),
    (document(data=DICH.replace('EVENTS_1="1"', 'EVENTS_1="one"')), "EVENTS_1 = one: must be"),
    (document(data=DICH.replace('EVENTS_1="1" ', "")), "EVENTS_1 = missing: must be a number"),
    (document(data='<CONT_DATA STUDY_ID="S1" MEAN_1="1"/>', kind="CONT"), "MEAN_2 = missing"),
    (document(data='<IV_DATA STUDY_ID="S1" ESTIMATE="1"/>', kind="IV"), "SE = missing"),
]


@pytest.mark.parametrize(("text", "rule"), BAD)
def test_a_malformed_file_gives_one_clear_error(
    tmp_path: Path, text: str | bytes, rule: str
) -> None:
    with pytest.raises(TrialpoolError) as caught:
        read_text(tmp_path, text)
    message = str(caught.value)
    assert "review.rm5" in message
    assert rule in message
    assert "\n" not in message


def test_a_missing_or_huge_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TrialpoolError, match=r"none\.rm5: cannot be read"):
        revman5.read(tmp_path / "none.rm5", ImportOptions(condition=CONDITION))
    monkeypatch.setattr(draft, "MAX_BYTES", 100)
    with pytest.raises(TrialpoolError, match="larger than 100 bytes"):
        revman5.read(SOURCE, ImportOptions(condition=CONDITION))


def test_a_byte_order_mark_and_foreign_letters_are_read(tmp_path: Path) -> None:
    studies = '<STUDY ID="S1" NAME="Åström–Çelik 2010"/><STUDY ID="S2" NAME="王 2011"/>'
    found = read_text(tmp_path, b"\xef\xbb\xbf" + document(studies).encode())
    assert [row["trial_id"] for row in rows(found, "trials")] == ["astrom_celik_2010", "2011"]
    assert one(found, "trials", trial_id="astrom_celik_2010")["study"] == "Åström–Çelik 2010"
    assert {row["source_url"] for row in rows(found, "trials")} == {
        "https://www.cochranelibrary.com"
    }


def test_more_events_than_people_are_left(tmp_path: Path) -> None:
    found = read_text(tmp_path, document(data=DICH.replace('EVENTS_1="1"', 'EVENTS_1="6"')))
    assert not rows(found, "results")
    assert whys(found, "EVENTS_1=6") == ["more people with the event than people"]


def test_an_arm_can_be_experimental_here_and_control_there(tmp_path: Path) -> None:
    """One label in two roles is two arms, so that each row has its role."""
    text = document().replace("<NAME>Response</NAME>", "<NAME>Response</NAME>{}")
    labels = "<GROUP_LABEL_1>{}</GROUP_LABEL_1><GROUP_LABEL_2>{}</GROUP_LABEL_2>"
    start, end = text.index("<COMPARISON"), text.index("</ANALYSES_AND_DATA>")
    first, second = (
        text[start:end].format(labels.format(*pair)) for pair in (("A", "B"), ("C", "A"))
    )
    found = read_text(tmp_path, text[:start] + first + second + text[end:])
    arms = [(row["arm_id"], row["role"]) for row in rows(found, "arms")]
    assert arms == [("a", "experimental"), ("b", "control"), ("c", "experimental"),
                    ("a_2", "control")]  # fmt: skip
    cleaned(found, tmp_path)


# Spinks, Glasziou & Del Mar 2013, doi 10.1002/14651858.CD000023.pub4, analysis 3.1 (headache on
# day 3): events and totals of its three trials, and the results RevMan stored beside them.
PUBLISHED = (("61", "277", "80", "198"), ("54", "157", "30", "50"), ("7", "118", "37", "111"))
PUBLISHED_RR = (0.5450361010830325, 0.5732484076433121, 0.17796610169491525)
PUBLISHED_SE = (0.14224215011450253, 0.1596321555961063, 0.39038517467236694)
PUBLISHED_CHI2, PUBLISHED_I2, PUBLISHED_TAU2 = 8.706450340067734, 77.02852572654265, 0.12664755397
PUBLISHED_POOLED = (0.4387726872933742, 0.2726347745572424, 0.7061515590859719)


def test_imported_rows_give_the_results_revman_printed(tmp_path: Path) -> None:
    """From file to rows to effects to the pool: RevMan's own numbers come out.

    RevMan's random-effects model takes tau2 from the heterogeneity around the Mantel-Haenszel
    estimate (DerSimonian & Laird 1986), and pools by inverse variance.
    """
    names = ("EVENTS_1", "TOTAL_1", "EVENTS_2", "TOTAL_2")
    data, studies = "", ""
    for k, numbers in enumerate(PUBLISHED):
        cells = " ".join(f'{n}="{t}"' for n, t in zip(names, numbers, strict=True))
        data += f'<DICH_DATA STUDY_ID="S{k}" {cells}/>'
        studies += f'<STUDY ID="S{k}" NAME="Trial {k}"/>'
    records = cleaned(read_text(tmp_path, document(studies, data)), tmp_path).tables["records"]
    arms = {role: records[records["arm_id"] == role] for role in ("experimental", "control")}
    drug, control = (arms[role] for role in ("experimental", "control"))
    ai, n1i = (drug[name].to_numpy(dtype=float) for name in ("event", "totaln"))
    ci, n2i = (control[name].to_numpy(dtype=float) for name in ("event", "totaln"))
    effects = tp.effect_size("RR", ai=ai, n1i=n1i, ci=ci, n2i=n2i)
    assert np.exp(effects.yi) == pytest.approx(PUBLISHED_RR, rel=1e-12)
    assert np.sqrt(effects.vi) == pytest.approx(PUBLISHED_SE, rel=1e-12)
    pooled = tp.pool_counts(ai=ai, n1i=n1i, ci=ci, n2i=n2i, measure="RR", method="MH")
    assert pooled.q == pytest.approx(PUBLISHED_CHI2, rel=1e-12)
    assert pooled.i2_q == pytest.approx(PUBLISHED_I2, rel=1e-12)
    weights = 1 / effects.vi
    tau2 = (pooled.q - 2) / (weights.sum() - (weights**2).sum() / weights.sum())
    assert tau2 == pytest.approx(PUBLISHED_TAU2, rel=1e-10)
    random = tp.pool(effects.yi, effects.vi + tau2, tau2="EE", test="z")
    found = np.exp([random.beta, random.ci_lb, random.ci_ub])
    assert found == pytest.approx(PUBLISHED_POOLED, rel=1e-12)
