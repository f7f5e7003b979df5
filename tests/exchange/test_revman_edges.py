"""RevMan files as people fill them in: labels, totals not asked for, places that stand twice."""

from __future__ import annotations

from math import exp, log, sqrt
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest
import revman_files as made
from exchange_tables import CONDITION, rows
from test_revman_whole import FIXED, HIGHER, OPTIONS, imported_review, outcome, read, result

from trialpool import cli
from trialpool.review.exchange import revman5
from trialpool.review.exchange.imported import Imported
from trialpool.review.exchange.verify_import import AGREE, DIFFER, NOT_COMPARABLE, verify

TABLES = (("A", 3, 40, 6, 41), ("B", 2, 30, 5, 29))
LABELLED = {"RANDOM": "NO", "METHOD": "IV"}


def counted(about: made.Attributes, *inside: str) -> str:
    text = outcome("DICH", "CMP-001.01", "Death", {**FIXED, **about}, made.labels(), *inside)
    return made.rm5("AB", made.comparison(1, "Drug", text))


def lines() -> list[str]:
    return [made.counts(*table) for table in TABLES]


def labelled(measure: str, about: made.Attributes) -> str:
    label = f"<EFFECT_MEASURE>{measure}</EFFECT_MEASURE>"
    inside = (made.labels(), label, made.generic("A", -0.2, 0.3), made.generic("B", -0.4, 0.4))
    text = outcome("IV", "CMP-001.01", "Death", {**LABELLED, **about}, *inside)
    return made.rm5("AB", made.comparison(1, "Drug", text))


def mantel_haenszel() -> tuple[float, float]:
    """Odds ratio, logged, with the variance of Robins, Breslow and Greenland."""
    a, n1, c, n2 = np.array([table[1:] for table in TABLES], dtype=float).T
    b, d, n = n1 - a, n2 - c, n1 + n2
    r, s, p, q = a * d / n, b * c / n, (a + d) / n, (b + c) / n
    variance = (p * r).sum() / (2 * r.sum() ** 2) + (q * s).sum() / (2 * s.sum() ** 2)
    variance += (p * s + q * r).sum() / (2 * r.sum() * s.sum())
    return log(r.sum() / s.sum()), sqrt(variance)


def test_a_total_that_was_not_asked_for_is_no_result(tmp_path: Path) -> None:
    """Zeros fill its place; a limit that is not 0 makes it a result, which is then another."""
    zeros = {"TOTALS": "SUB", "EFFECT_SIZE": "0.0", "CI_START": "0.0", "CI_END": "0.0"}
    assert verify(read(tmp_path, counted(zeros, *lines()))) == []
    (verified,) = verify(read(tmp_path, counted({**zeros, "CI_END": "0.9"}, *lines())))
    assert verified.verdict == DIFFER


@pytest.mark.parametrize("level", [90, 95, 99])
def test_limits_are_of_the_level_that_the_file_has(tmp_path: Path, level: int) -> None:
    middle, se = mantel_haenszel()
    half = NormalDist().inv_cdf(0.5 + level / 200) * se
    stored = {"CI_TOTAL": level, "EFFECT_SIZE": exp(middle), "CI_START": exp(middle - half),
              "CI_END": exp(middle + half)}  # fmt: skip
    (verified,) = verify(read(tmp_path, counted(stored, *lines())))
    assert verified.verdict == AGREE
    (other,) = verify(read(tmp_path, counted({**stored, "CI_TOTAL": level - 1}, *lines())))
    assert (other.verdict, other.words.count("limit")) == (DIFFER, 2)


@pytest.mark.parametrize("level", ["", "0", "100", "many"])
def test_a_level_that_is_none_cannot_be_compared(tmp_path: Path, level: str) -> None:
    stored = {"CI_TOTAL": level, "EFFECT_SIZE": "0.4"}
    (verified,) = verify(read(tmp_path, counted(stored, *lines())))
    assert verified.verdict == NOT_COMPARABLE


def test_a_stored_word_where_a_number_belongs_is_no_result(tmp_path: Path) -> None:
    assert verify(read(tmp_path, counted({"EFFECT_SIZE": "not estimable"}, *lines()))) == []


@pytest.mark.parametrize(
    ("label", "measure"),
    [("log hazard ratio", "HR"), ("Log of the Odds Ratio", "OR"), ("ln(RR)", "RR"),
     ("logHR", "HR"), ("Hazard Ratio", "HR")],
)  # fmt: skip
def test_a_label_may_say_that_the_numbers_are_logarithms(
    tmp_path: Path, label: str, measure: str
) -> None:
    imported = read(tmp_path, labelled(label, {"LOG_DATA": "YES"}))
    contrasts = rows(imported, "contrasts")
    assert [row["effect_measure"] for row in contrasts] == [measure] * 2
    assert [log(float(row["estimate"])) for row in contrasts] == pytest.approx([-0.2, -0.4])
    assert imported.effects_taken == 2


def test_a_label_that_says_log_goes_before_the_setting(tmp_path: Path) -> None:
    """The file then shows logarithms, which are compared as they are."""
    w = np.array([1 / 0.3**2, 1 / 0.4**2])
    stored = f"{(w * np.array([-0.2, -0.4])).sum() / w.sum():.12f}"
    about = {"LOG_DATA": "NO", "EFFECT_SIZE": stored}
    (verified,) = verify(read(tmp_path, labelled("log odds ratio", about)))
    assert verified.verdict == AGREE
    lost = read(tmp_path, labelled("odds ratio", about))
    assert (lost.effects_in, lost.effects_taken) == (2, 0)


def test_the_logarithm_of_what_is_no_ratio_is_not_taken(tmp_path: Path) -> None:
    assert read(tmp_path, labelled("log mean difference", {})).effects_taken == 0


def test_without_any_result_no_protocol_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = made.write(tmp_path, "x.rm5", labelled("regression slope", {}))
    config = tmp_path / "review.yaml"
    arguments = ["import", "revman5", str(file), "--condition", CONDITION,
                 "--out", str(tmp_path / "raw"), "--config", str(config)]  # fmt: skip
    assert cli.main(arguments) == 1
    assert not config.exists()
    assert "not written, since no result was taken" in capsys.readouterr().out


@pytest.mark.parametrize("names", [("4 weeks", "28 days"), ("Men", "Men"), ("Men", "Women")])
def test_a_line_that_repeats_another_counts_as_often_as_in_the_file(
    tmp_path: Path, names: tuple[str, str]
) -> None:
    """Mantel-Haenszel of four lines, the same numbers twice."""
    parts = [
        made.element("DICH_SUBGROUP", {"ID": f"CMP-001.01.0{i}"}, made.name(title), *lines())
        for i, title in enumerate(names, start=1)
    ]
    middle, se = mantel_haenszel()
    half = NormalDist().inv_cdf(0.975) * se / sqrt(2)
    stored = {"EFFECT_SIZE": exp(middle), "CI_START": exp(middle - half),
              "CI_END": exp(middle + half)}  # fmt: skip
    imported = read(tmp_path, counted(stored, *parts))
    results = rows(imported, "results")
    assert len(results) == 8
    assert len({(row["trial_id"], row["arm_id"], row.get("stratum")) for row in results}) == 8
    (verified,) = verify(imported)
    assert verified.verdict == AGREE


def swapped(tmp_path: Path, setting: str) -> Imported:
    return read(tmp_path, counted({"SWAP_EVENTS": setting}, *lines()))


def test_results_of_those_without_the_event_are_said_to_be(tmp_path: Path) -> None:
    sentence = ("CMP-001.01 `Death`: the file's results are of the people without the event, ours "
                "of those with it")  # fmt: skip
    assert sentence in swapped(tmp_path, "YES").assumed
    assert sentence not in swapped(tmp_path, "NO").assumed


def test_changes_that_the_file_standardises_by_their_own_sd_reach_the_analysis(
    tmp_path: Path,
) -> None:
    """Hedges' g of each trial as RevMan has it, by inverse variance."""
    data = (("A", -9.0, 6.0, 20, -6.0, 7.0, 21), ("B", -8.0, 5.0, 25, -7.0, 6.0, 24))
    about = {"EFFECT_MEASURE": "SMD", "METHOD": "IV", "RANDOM": "NO"}
    text = outcome("CONT", "CMP-001.01", "Change in HAM-D", about, made.labels(favours=HIGHER),
                   *(made.means(*line) for line in data))  # fmt: skip
    file = made.write(tmp_path, "c.rm5", made.rm5("AB", made.comparison(1, "Drug", text)))
    main = result(tmp_path, imported_review(tmp_path, file), "change_in_ham_d")
    m1, s1, n1, m2, s2, n2 = np.array([line[1:] for line in data]).T
    n = n1 + n2
    spread = np.sqrt(((n1 - 1) * s1**2 + (n2 - 1) * s2**2) / (n - 2))
    g = (m1 - m2) / spread * (1 - 3 / (4 * n - 9))
    w = 1 / (n / (n1 * n2) + g**2 / (2 * (n - 3.94)))
    assert main.fit.pooled is not None
    assert abs(main.fit.pooled.beta) == pytest.approx(abs((w * g).sum() / w.sum()), rel=1e-5)
    imported = revman5.read(file, OPTIONS)
    assert {row["definition"] for row in rows(imported, "results")} == {
        "change, divided by its own SD"
    }
    assert any("changes stand as scores" in sentence for sentence in imported.assumed)
