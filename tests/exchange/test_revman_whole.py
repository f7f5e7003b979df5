"""RevMan files from import to result: nothing edited, and the file's own results come out."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log, sqrt
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest
import revman_files as made
import yaml
from exchange_tables import CONDITION, one, rows
from small import cleaned_tables, tables_of

from trialpool import cli
from trialpool.results import TrialpoolError
from trialpool.review.case import Case
from trialpool.review.commands.check import look
from trialpool.review.exchange import revman5, revman_web
from trialpool.review.exchange.formats import ImportOptions
from trialpool.review.exchange.imported import Imported
from trialpool.review.exchange.verify_import import AGREE, DIFFER, NOT_COMPARABLE, verify
from trialpool.review.extraction.checking import load
from trialpool.review.protocol.protocol import Review, resolve
from trialpool.review.trust.main_result import MainResult, main_result

OPTIONS = ImportOptions(condition=CONDITION)
FIXED = {"METHOD": "MH", "RANDOM": "NO", "EFFECT_MEASURE": "OR"}
LOWER, HIGHER = ("drug", "placebo"), ("placebo", "drug")


def read(folder: Path, text: str) -> Imported:
    return revman5.read(made.write(folder, "review.rm5", text), OPTIONS)


def imported_review(folder: Path, file: Path, form: str = "revman5") -> Review:
    """The protocol that the command writes, once it and the tables pass the checks."""
    raw, config = folder / "raw", folder / "review.yaml"
    code = cli.main(["import", form, str(file), "--condition", CONDITION, "--out", str(raw),
                     "--config", str(config), "--verify"])  # fmt: skip
    assert code == 0
    assert look(config, raw).of("error") == []
    return resolve(yaml.safe_load(config.read_text(encoding="utf-8")))


def result(folder: Path, review: Review, analysis: str) -> MainResult:
    raw, warnings = load(
        folder / "raw", CONDITION, review.outcome_rules(), review.confidence_order, {}
    )
    tables = tables_of(review, CONDITION, cleaned_tables(raw, warnings, review.confidence_order))
    return main_result(Case.of(review, CONDITION, analysis, tables))


def outcome(kind: str, number: str, title: str, about: made.Attributes, *inside: str) -> str:
    head = made.name(title)
    return made.element(f"{kind}_OUTCOME", {"ID": number, **about}, head, *inside)


# --- what the file says of its analyses --------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "favours", "better", "said"),
    [
        ("Death", LOWER, "lower", True),
        ("Death", HIGHER, "higher", True),  # the file's own words go before its name
        ("Death", (), "lower", False),
        ("Response", (), "higher", False),
        ("No response", (), "lower", False),
        ("Visits", (), "lower", False),
    ],
)
def test_the_direction_of_counts_is_that_of_the_plot_or_a_stated_guess(
    tmp_path: Path, title: str, favours: tuple[str, ...], better: str, said: bool
) -> None:
    data = made.counts("A", 3, 40, 6, 41)
    text = outcome("DICH", "CMP-001.01", title, FIXED, made.labels(favours=favours), data)
    imported = read(tmp_path, made.rm5("A", made.comparison(1, "Drug v placebo", text)))
    (rule,) = imported.outcomes.values()
    assert (rule["kind"], rule["better"]) == ("binary", better)
    guesses = [sentence for sentence in imported.assumed if "is better" in sentence]
    assert len(guesses) == (0 if said else 1)


def test_swapped_events_turn_the_direction(tmp_path: Path) -> None:
    """The plot is then of those without the event."""
    about = {**FIXED, "SWAP_EVENTS": "YES"}
    inside = (made.labels(favours=LOWER), made.counts("A", 3, 40, 6, 41))
    text = outcome("DICH", "CMP-001.01", "Response", about, *inside)
    imported = read(tmp_path, made.rm5("A", made.comparison(1, "Drug v placebo", text)))
    assert imported.outcomes["response"]["better"] == "higher"


@pytest.mark.parametrize(
    ("about", "measure", "model"),
    [
        ({"EFFECT_MEASURE": "RR", "METHOD": "MH", "RANDOM": "NO"}, "RR", {"method": "MH"}),
        ({"EFFECT_MEASURE": "OR", "METHOD": "MH", "RANDOM": "YES"}, "OR", {"method": "MH-DL"}),
        ({"EFFECT_MEASURE": "RD", "METHOD": "MH", "RANDOM": "NO"}, "RD",
         {"method": "MH", "variance": "Greenland-Robins"}),
        ({"EFFECT_MEASURE": "PETO_OR", "METHOD": "PETO", "RANDOM": "NO"}, "OR", {"method": "Peto"}),
        ({"EFFECT_MEASURE": "RR", "METHOD": "IV", "RANDOM": "NO"}, "RR",
         {"tau2": "EE", "test": "z"}),
        ({"EFFECT_MEASURE": "RR", "METHOD": "IV", "RANDOM": "YES"}, "RR",
         {"tau2": "DL", "test": "z"}),
    ],
)  # fmt: skip
def test_measure_and_model_of_counts_are_those_of_the_file(
    tmp_path: Path, about: dict[str, str], measure: str, model: dict[str, str]
) -> None:
    lines = [made.counts(s, 3, 40, 6, 41) for s in "AB"]
    text = outcome("DICH", "CMP-001.01", "Relapse", about, made.labels(), *lines)
    imported = read(tmp_path, made.rm5("AB", made.comparison(1, "Drug v placebo", text)))
    asked = imported.analyses["relapse"]
    assert (asked["measure"], asked["model"]) == (measure, model)


def test_a_measure_that_is_none_of_ours_is_said(tmp_path: Path) -> None:
    about = {"EFFECT_MEASURE": "NNT", "METHOD": "IV", "RANDOM": "NO"}
    text = outcome("DICH", "CMP-001.01", "Relapse", about, made.counts("A", 3, 40, 6, 41))
    imported = read(tmp_path, made.rm5("A", made.comparison(1, "Drug v placebo", text)))
    assert imported.analyses["relapse"]["measure"] == "OR"
    assert any("OR is asked for; the measure `NNT` is none" in s for s in imported.assumed)


def test_two_comparisons_of_one_name_are_never_pooled_together(tmp_path: Path) -> None:
    def of(number: str, control: str) -> str:
        data = made.counts("A", 3, 40, 6, 41), made.counts("B", 2, 30, 5, 29)
        return outcome("DICH", number, "Relapse", FIXED, made.labels("Drug", control), *data)

    imported = read(tmp_path, made.rm5(
        "AB", made.comparison(1, "Drug v placebo", of("CMP-001.01", "Placebo")),
        made.comparison(2, "Drug v usual care", of("CMP-002.01", "Usual care")),
    ))  # fmt: skip
    assert list(imported.analyses) == ["relapse", "relapse_2"]
    controls = [
        {row["arm_id"] for row in rows(imported, "results", outcome=name)} - {"drug"}
        for name in imported.analyses
    ]
    assert controls == [{"placebo"}, {"usual_care"}]
    titles = [asked["title"] for asked in imported.analyses.values()]
    assert titles[0] == "Relapse; Drug v placebo"
    assert titles[1].startswith("Relapse (Drug v usual care; CMP-002.01)")


# --- from import to result ---------------------------------------------------------------------


def doses() -> str:
    data = (made.counts("A", 18, 34, 12, 20), made.counts("A", 17, 34, 15, 21),
            made.counts("B", 38, 62, 31, 69))  # fmt: skip
    about = {"EFFECT_MEASURE": "RR", "METHOD": "MH", "RANDOM": "NO"}
    return outcome("DICH", "CMP-001.01", "Response", about, made.labels(favours=HIGHER), *data)


def test_dose_arms_with_parts_of_the_control_all_reach_the_analysis(tmp_path: Path) -> None:
    """Two trials, three lines; Mantel-Haenszel of the three tables, 302 people."""
    file = made.write(tmp_path, "d.rm5", made.rm5("AB", made.comparison(1, "Drug", doses())))
    review = imported_review(tmp_path, file)
    main = result(tmp_path, review, "response")
    assert main.studies["trial_id"].tolist() == ["a", "a", "b"]
    assert main.studies["part"].tolist()[:2] == ["line 1", "line 2"]
    assert main.fit.policy.k == 2
    tables = np.array([[18, 34, 12, 20], [17, 34, 15, 21], [38, 62, 31, 69]], dtype=float)
    a, n1, c, n2 = tables.T
    n = n1 + n2
    expected = (a * n2 / n).sum() / (c * n1 / n).sum()
    assert main.fit.pooled is not None
    assert exp(main.fit.pooled.beta) == pytest.approx(expected, rel=1e-10)
    assert int(main.studies["n"].sum()) == 240


def test_subgroups_are_strata_and_times_are_times(tmp_path: Path) -> None:
    def part(number: int, title: str, line: str) -> str:
        inside = (made.name(title), line)
        return made.element("DICH_SUBGROUP", {"ID": f"CMP-001.01.0{number}"}, *inside)

    text = outcome(
        "DICH", "CMP-001.01", "Response", FIXED, made.labels(favours=HIGHER),
        part(1, "Women", made.counts("A", 9, 20, 5, 20)),
        part(2, "Men", made.counts("A", 8, 19, 6, 21)),
    )  # fmt: skip
    file = made.write(tmp_path, "s.rm5", made.rm5("A", made.comparison(1, "Drug", text)))
    imported = revman5.read(file, OPTIONS)
    assert [r["stratum"] for r in rows(imported, "results")] == ["Women", "Women", "Men", "Men"]
    assert not any(row.get("analysis_set") for row in rows(imported, "results"))
    main = result(tmp_path, imported_review(tmp_path, file), "response")
    assert main.studies["part"].tolist() == ["Men", "Women"]


def test_two_times_of_a_trial_are_combined_and_said(tmp_path: Path) -> None:
    def part(number: int, title: str, line: str) -> str:
        inside = (made.name(title), line)
        return made.element("DICH_SUBGROUP", {"ID": f"CMP-001.01.0{number}"}, *inside)

    text = outcome(
        "DICH", "CMP-001.01", "Response", FIXED, made.labels(favours=HIGHER),
        part(1, "Week 2", made.counts("A", 9, 20, 5, 20)),
        part(2, "Week 4", made.counts("A", 8, 20, 6, 20)),
    )  # fmt: skip
    file = made.write(tmp_path, "t.rm5", made.rm5("A", made.comparison(1, "Drug", text)))
    imported = revman5.read(file, OPTIONS)
    assert imported.analyses["response"]["effects"] == "combined"
    assert any("not of different people" in sentence for sentence in imported.assumed)
    main = result(tmp_path, imported_review(tmp_path, file), "response")
    assert main.studies["formula"].tolist() == ["2 effects combined, correlation 0.6"]


def test_subgroups_that_are_times_without_days_are_of_the_same_people(tmp_path: Path) -> None:
    """Two lines of a trial after treatment and later: combined, and its people count once."""

    def part(number: int, title: str, *lines: str) -> str:
        about = {"ID": f"CMP-001.01.0{number}"}
        return made.element("DICH_SUBGROUP", about, made.name(title), *lines)

    text = outcome(
        "DICH", "CMP-001.01", "Response", FIXED, made.labels(favours=HIGHER),
        part(1, "Post-treatment", made.counts("A", 9, 20, 5, 20), made.counts("B", 9, 30, 5, 30)),
        part(2, "6 months", made.counts("A", 8, 20, 6, 20)),
    )  # fmt: skip
    file = made.write(tmp_path, "t.rm5", made.rm5("AB", made.comparison(1, "Drug", text)))
    imported = revman5.read(file, OPTIONS)
    lines = {(r["timepoint"], r.get("stratum", "")) for r in rows(imported, "results")}
    assert lines == {("Post-treatment", ""), ("6 months", "")}
    assert any("`6 months` is a time" in sentence for sentence in imported.assumed)
    main = result(tmp_path, imported_review(tmp_path, file), "response")
    assert main.studies["n"].tolist() == [40, 60]


def test_hazard_ratios_ratios_of_means_and_log_ranks_are_taken(tmp_path: Path) -> None:
    iv = {"METHOD": "IV", "RANDOM": "NO"}
    text = made.rm5(
        "AB",
        made.comparison(
            1, "Drug v placebo",
            outcome("IV", "CMP-001.01", "Death over time", {**iv, "EFFECT_MEASURE": "HR"},
                    made.labels(favours=LOWER), made.generic("A", -0.3, 0.2),
                    made.generic("B", -0.1, 0.25)),
            outcome("IV", "CMP-001.02", "Weight", {**iv, "EFFECT_MEASURE": "Ratio of Means"},
                    made.labels(favours=LOWER), made.generic("A", -0.05, 0.02),
                    made.generic("B", -0.02, 0.03)),
            outcome("IPD", "CMP-001.03", "Relapse", {"EFFECT_MEASURE": "HR", "RANDOM": "NO"},
                    made.labels(favours=LOWER), made.logrank("A", -4.0, 8.0),
                    made.logrank("B", -1.0, 5.0)),
        ),
    )  # fmt: skip
    file = made.write(tmp_path, "h.rm5", text)
    imported = revman5.read(file, OPTIONS)
    assert imported.effects_in == imported.effects_taken == 6
    review = imported_review(tmp_path, file)
    for analysis, y, v in (
        ("death_over_time", [-0.3, -0.1], [0.04, 0.0625]),
        ("weight", [-0.05, -0.02], [0.0004, 0.0009]),
        ("relapse", [-0.5, -0.2], [1 / 8, 1 / 5]),
    ):
        w = 1 / np.array(v)
        pooled = result(tmp_path, review, analysis).fit.pooled
        assert pooled is not None
        assert pooled.beta == pytest.approx(float(w @ y / w.sum()), rel=1e-5)
        assert pooled.se == pytest.approx(1 / sqrt(w.sum()), rel=1e-5)


# --- the file's own results --------------------------------------------------------------------


def fleiss(stored: made.Attributes, stay: made.Attributes) -> str:
    counted = [made.counts(*line) for line in made.ASPIRIN]
    measured = [made.means(*line) for line in made.STAY]
    about = {**FIXED, **stored}
    other = {"METHOD": "IV", "RANDOM": "NO", "EFFECT_MEASURE": "MD", **stay}
    sides = made.labels(favours=("experimental", "control"))
    return made.rm5(
        [line[0] for line in (*made.ASPIRIN, *made.STAY)],
        made.comparison(
            1, "Fleiss",
            outcome("DICH", "CMP-001.01", "Death", about, sides, *counted),
            outcome("CONT", "CMP-001.02", "Length of stay", other, sides, *measured),
        ),
    )  # fmt: skip


def test_what_revman_stored_comes_out(tmp_path: Path) -> None:
    imported = read(tmp_path, fleiss(made.ASPIRIN_STORED, made.STAY_STORED))
    found = verify(imported)
    assert [(each.analysis, each.verdict) for each in found] == [
        ("CMP-001.01", AGREE),
        ("CMP-001.02", AGREE),
    ]


@pytest.mark.parametrize("which", sorted({*made.ASPIRIN_STORED} - {"TAU2"}))
def test_a_stored_number_that_is_another_one_differs(tmp_path: Path, which: str) -> None:
    """By 1e-4 of itself; by 1e-8 it is the same."""
    for factor, verdict in ((1 + 1e-4, DIFFER), (1 + 1e-8, AGREE)):
        wrong = f"{float(made.ASPIRIN_STORED[which]) * factor:.16g}"
        text = fleiss({**made.ASPIRIN_STORED, which: wrong}, {})
        (found,) = verify(read(tmp_path, text))
        assert found.verdict == verdict


def test_stored_numbers_count_to_their_digits(tmp_path: Path) -> None:
    """0.897 is 0.8969 rounded; 0.898 is not."""
    for text, verdict in (("0.897", AGREE), ("0.898", DIFFER)):
        (found,) = verify(read(tmp_path, fleiss({"EFFECT_SIZE": text}, {})))
        assert found.verdict == verdict
    assert found.words == "effect 0.898 there, 0.896866 here"


def test_a_measure_without_ours_is_not_comparable(tmp_path: Path) -> None:
    text = fleiss({"EFFECT_SIZE": "0.9", "EFFECT_MEASURE": "NNT"}, {})
    (found,) = verify(read(tmp_path, text))
    assert (found.verdict, found.words) == (NOT_COMPARABLE, "the measure `NNT` is none of ours")


@pytest.mark.parametrize(
    ("name", "text", "verdict"),
    [("TAU2", "0.0", AGREE), ("TAU2", "0.1", DIFFER), ("I2", "12.0", DIFFER), ("I2", "0", AGREE)],
)
def test_a_stored_number_that_ours_lacks_is_no_agreement(
    tmp_path: Path, name: str, text: str, verdict: str
) -> None:
    """Of a common effect tau2 and of one trial I2: 0 fills the place, another number does not."""
    a, n1, c, n2 = 9, 20, 5, 20
    ratio = a * (n2 - c) / (c * (n1 - a))
    about = {**FIXED, "METHOD": "IV", "EFFECT_SIZE": f"{ratio:.6f}", name: text}
    line = outcome("DICH", "CMP-001.01", "Response", about, made.labels(),
                   made.counts("A", a, n1, c, n2))  # fmt: skip
    (found,) = verify(read(tmp_path, made.rm5("A", made.comparison(1, "Drug", line))))
    assert found.verdict == verdict


# Two tables and one without events; by hand, as Deeks & Higgins 2010 have it: weights n1 n2 / N,
# variance of Greenland and Robins, 0.5 in the cells of the empty table for its share in Q.
RISKS = (("A", 9, 20, 5, 20), ("B", 4, 30, 6, 30), ("C", 0, 25, 0, 25))


def risk_differences() -> dict[str, float]:
    w = [n1 * n2 / (n1 + n2) for _, _, n1, _, n2 in RISKS]
    d = [a / n1 - c / n2 for _, a, n1, c, n2 in RISKS]
    rd = sum(x * y for x, y in zip(w, d, strict=True)) / sum(w)
    se = sqrt(sum(
        (a * (n1 - a) * n2**3 + c * (n2 - c) * n1**3) / (n1 * n2 * (n1 + n2) ** 2)
        for _, a, n1, c, n2 in RISKS
    )) / sum(w)  # fmt: skip
    v = [a * (n1 - a) / n1**3 + c * (n2 - c) / n2**3 for _, a, n1, c, n2 in RISKS[:2]]
    v.append(2 * 0.5 * 25.5 / 26**3)
    q = sum((each - rd) ** 2 / spread for each, spread in zip(d, v, strict=True))
    return {"EFFECT_SIZE": rd, "CI_START": rd - 1.959963985 * se, "CI_END": rd + 1.959963985 * se,
            "CHI2": q, "I2": max(0.0, 100 * (q - 2) / q)}  # fmt: skip


def test_risk_differences_with_a_trial_without_events_are_those_of_revman(tmp_path: Path) -> None:
    stored = {name: f"{value:.7f}" for name, value in risk_differences().items()}
    about = {**FIXED, "METHOD": "MH", "EFFECT_MEASURE": "RD", **stored}
    lines = [made.counts(*line) for line in RISKS]
    text = outcome("DICH", "CMP-001.01", "Relapse", about, made.labels(favours=LOWER), *lines)
    text = made.rm5("ABC", made.comparison(1, "Drug", text))
    imported = read(tmp_path, text)
    (found,) = verify(imported)
    assert (found.verdict, found.words) == (AGREE, "")
    model = {"method": "MH", "variance": "Greenland-Robins"}
    assert imported.analyses["relapse"]["model"] == model


@pytest.mark.parametrize(("shift", "listed"), [("2.0", False), ("2.009", False), ("2.02", True)])
def test_observed_minus_expected_of_the_counts_are_not_listed(
    tmp_path: Path, shift: str, listed: bool
) -> None:
    """9 of 20 against 5 of 20: 7 were expected. Another number is one of other data."""
    counted = made.counts("A", 9, 20, 5, 20).replace('O_E="0.0"', f'O_E="{shift}"')
    line = outcome("DICH", "CMP-001.01", "Response", FIXED, made.labels(), counted)
    found = read(tmp_path, made.rm5("A", made.comparison(1, "Drug", line)))
    assert any("observed minus expected" in left.why for left in found.left) == listed


@pytest.mark.parametrize(("k", "told"), [(1, False), (2, True), (4, True), (5, False)])
def test_it_is_said_where_the_file_s_model_is_not_the_headline(
    tmp_path: Path, k: int, told: bool
) -> None:
    names = "ABCDE"[:k]
    lines = [made.counts(name, 9, 20, 5, 20) for name in names]
    line = outcome("DICH", "CMP-001.01", "Response", FIXED, made.labels(), *lines)
    found = read(tmp_path, made.rm5(names, made.comparison(1, "Drug", line)))
    said = [sentence for sentence in found.assumed if "Bayesian result leads" in sentence]
    assert bool(said) == told
    assert all(sentence.startswith("CMP-001.01: ") for sentence in said)


def test_subgroups_are_verified_by_their_own_lines(tmp_path: Path) -> None:
    """Of one line each: the odds ratio of its table, with Woolf's limits."""
    a, n1, c, n2 = 9, 20, 5, 20
    ratio = a * (n2 - c) / (c * (n1 - a))
    half = NormalDist().inv_cdf(0.975) * sqrt(1 / a + 1 / (n1 - a) + 1 / c + 1 / (n2 - c))
    stored = {"EFFECT_SIZE": f"{ratio:.6f}", "CI_START": f"{exp(log(ratio) - half):.6f}",
              "CI_END": f"{exp(log(ratio) + half):.6f}"}  # fmt: skip
    parts = [
        made.element("DICH_SUBGROUP", {"ID": f"CMP-001.01.0{i}", **(stored if i == 1 else {})},
                     made.name(title), made.counts("A", *line))
        for i, (title, line) in enumerate(
            (("Women", (a, n1, c, n2)), ("Men", (8, 19, 6, 21))), start=1
        )
    ]  # fmt: skip
    about = {**FIXED, "METHOD": "IV"}
    text = outcome("DICH", "CMP-001.01", "Response", about, made.labels(), *parts)
    (found,) = verify(read(tmp_path, made.rm5("A", made.comparison(1, "Drug", text))))
    assert (found.title, found.verdict) == ("Response, Women", AGREE)


def test_the_command_says_what_differs_and_ends_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = made.write(tmp_path, "f.rm5", fleiss({"EFFECT_SIZE": "0.5"}, made.STAY_STORED))
    arguments = ["import", "revman5", str(file), "--condition", CONDITION, "--verify",
                 "--out", str(tmp_path / "raw"), "--config", str(tmp_path / "r.yaml")]  # fmt: skip
    assert cli.main(arguments) == 1
    out = capsys.readouterr().out
    assert "2 stored results: 1 agree, 1 differ, 0 not comparable" in out
    assert out.endswith("12 of 12 effects taken\n")


# --- losses ------------------------------------------------------------------------------------


def test_a_lost_effect_is_told_first_and_ends_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = made.counts("A", 3, 40, 6, 41), made.counts("B", 50, 40, 6, 41)
    text = outcome("DICH", "CMP-001.01", "Relapse", FIXED, made.labels(), *data)
    file = made.write(tmp_path, "l.rm5", made.rm5("AB", made.comparison(1, "Drug", text)))
    arguments = ["import", "revman5", str(file), "--condition", CONDITION,
                 "--out", str(tmp_path / "raw"), "--config", str(tmp_path / "r.yaml")]  # fmt: skip
    assert cli.main(arguments) == 1
    out = capsys.readouterr().out.splitlines()
    assert out[1:3] == [
        "effects lost (1):",
        "  - CMP-001.01, study STD-B: Relapse = EVENTS_1=50; EVENTS_2=6; TOTAL_1=40; TOTAL_2=41: "
        "more people with the event than people",
    ]
    assert out[-1] == "1 of 2 effects taken"
    assert cli.main([*arguments, "--force", "--allow-losses"]) == 0


def test_a_line_of_zeros_is_no_lost_effect(tmp_path: Path) -> None:
    data = made.counts("A", 3, 40, 6, 41), made.counts("B", 0, 0, 0, 0)
    text = outcome("DICH", "CMP-001.01", "Relapse", FIXED, made.labels(), *data)
    imported = read(tmp_path, made.rm5("AB", made.comparison(1, "Drug", text)))
    assert (imported.effects_in, imported.effects_taken) == (1, 1)


def test_a_file_without_a_line_of_data_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TrialpoolError, match="no line of a study in any analysis"):
        read(tmp_path, made.rm5("A"))


# --- RevMan Web's download, and RevMan 5's CSV -------------------------------------------------

ROWS = ("Analysis group", "Analysis number", "Analysis name", "Subgroup", "Study", "Study year",
        "Experimental cases", "Experimental N", "Control cases", "Control N", "O-E",
        "Variance")  # fmt: skip
SETTINGS = ("Analysis group", "Analysis number", "Analysis group name", "Data type",
            "Statistical method", "Effect measure", "Analysis model", "Experimental group label",
            "Control group label", "Graph label (left)", "Graph label (right)", "Mean",
            "CI start", "CI end", "Heterogeneity Chi²", "Heterogeneity I²")  # fmt: skip


@pytest.mark.parametrize("inner", [True, False])
def test_the_download_of_revman_web_is_read_with_the_package_inside(
    tmp_path: Path, inner: bool
) -> None:
    """Its stored results, rounded to two decimals as it shows them, come out."""
    lines = [(1, 1, "Death", "", study, 1980, *cells, 0, 0.04) for study, *cells in made.ASPIRIN]
    settings = (1, 1, "Aspirin v control", "Dichotomous", "Mantel-Haenszel", "Odds Ratio",
                "Fixed effect", "Aspirin", "Control", "Favours Aspirin", "Favours Control",
                "0.90", "0.84", "0.96", "9.95", "40")  # fmt: skip
    tables: dict[str, Sequence[Sequence[object]]] = {
        "data-rows": [ROWS, *lines],
        "overall-estimates-and-settings": [SETTINGS, settings],
    }
    file = made.write(tmp_path, "review.zip", made.package(tables, inner=inner))
    imported = revman_web.read(file, OPTIONS)
    assert imported.outcomes["death"]["better"] == "lower"
    assert imported.analyses["death"]["model"] == {"method": "MH"}
    assert imported.effects_taken == 7
    assert not rows(imported, "contrasts")
    assert [each.verdict for each in verify(imported)] == [AGREE]
    imported_review(tmp_path, file, "revman-web")


CSV_COLUMNS = ("Comparison Number", "Outcome Number", "Subgroup Number", "Name", "Data Type",
               "Statistical Method", "Effect Measure", "Analysis Model", "Group Label 1",
               "Group Label 2", "Left Graph Label", "Right Graph Label", "Events 1", "Mean 1",
               "SD 1", "Total 1", "Events 2", "Mean 2", "SD 2", "Total 2", "Effect Estimate",
               "CI Start", "CI End", "Q", "I²(Q)", "Year of study")  # fmt: skip


def csv_lines() -> list[tuple[object, ...]]:
    heads = ("Drug", "Control", "Favours experimental", "Favours control")
    blank = ("",) * 8
    lines: list[tuple[object, ...]] = [(1, 0, 0, "Fleiss", *("",) * 22)]
    lines.append((1, 1, 0, "Death", "DIC", "MH", "OR", "Fixed", *heads, *blank, 0.89686556,
                  0.8405144, 0.95699471, 9.94605598, 39.67458045, ""))  # fmt: skip
    for study, a, n1, c, n2 in made.ASPIRIN:
        lines.append((1, 1, 0, study, *("",) * 8, a, 0, 0, n1, c, 0, 0, n2, *("",) * 5, 1980))
    lines.append((1, 2, 0, "Length of stay", "CON", "IV", "MD", "Fixed", *heads, *blank,
                  -0.70938839, -1.25848502, -0.16029176, 5.66012379, 29.33016758, ""))  # fmt: skip
    for study, m1, sd1, n1, m2, sd2, n2 in made.STAY:
        cells = (0, m1, sd1, n1, 0, m2, sd2, n2)
        lines.append((1, 2, 0, study, *("",) * 8, *cells, *("",) * 5, 1975))
    return lines


@pytest.mark.parametrize("mark", [",", ";"])
def test_revman_5_s_csv_is_read_like_its_review_file(tmp_path: Path, mark: str) -> None:
    file = made.write(tmp_path, "f.csv", made.export(mark, csv_lines(), CSV_COLUMNS))
    imported = revman5.read(file, OPTIONS)
    assert imported.effects_in == imported.effects_taken == 12
    row = one(imported, "results", trial_id="florell", arm_id="drug")
    assert (row["mean"], row["sd"], row["n"]) == ("4.9", "1.71", "30")
    assert [each.verdict for each in verify(imported)] == [AGREE, AGREE]
    review = imported_review(tmp_path, file)
    pooled = result(tmp_path, review, "length_of_stay").fit.pooled
    assert pooled is not None
    assert pooled.beta == pytest.approx(-0.70938839, abs=1e-6)


def test_hazard_ratios_of_the_csv_are_as_shown(tmp_path: Path) -> None:
    columns = (*CSV_COLUMNS[:20], "Effect Estimate", "SE", "CI Start", "CI End")
    heads = ("Drug", "Control", "Favours experimental", "Favours control")
    low, high = (f"{exp(log(0.74) + s * 1.959964 * 0.2):.4f}" for s in (-1, 1))
    lines = [
        (1, 0, 0, "Drug v control", *("",) * 20),
        (1, 1, 0, "Death", "IV", "IV", "HR", "Fixed", *heads, *("",) * 12),
        (1, 1, 0, "A", *("",) * 16, 0.74, 0.2, low, high),
    ]
    file = made.write(tmp_path, "h.csv", made.export(",", lines, columns))
    row = one(revman5.read(file, OPTIONS), "contrasts")
    assert (row["effect_measure"], row["estimate"]) == ("HR", "0.74")
    assert (row["ci_low"], row["ci_high"]) == (low, high)


@pytest.mark.parametrize(
    ("form", "content", "says"),
    [
        (revman_web, b"<?xml version='1.0'?><COCHRANE_REVIEW/>", "`trialpool import revman5`"),
        (revman_web, b"Comparison Number,Outcome Number\n", "`trialpool import revman5`"),
        (revman5, b"PK\x03\x04", "`trialpool import revman-web`"),
    ],
)
def test_a_file_of_the_other_format_says_which_one(
    tmp_path: Path, form: object, content: bytes, says: str
) -> None:
    with pytest.raises(TrialpoolError, match=says):
        form.read(made.write(tmp_path, "f", content), OPTIONS)  # type: ignore[attr-defined]
