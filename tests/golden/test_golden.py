"""Ours against metafor's numbers on the committed data sets, through the comparers of conform.py.

The numbers come from Debian's metafor 3.8-1 (`make_golden.R`), each with the R call that made it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conform import main
from conformity import declared, document
from conformity.guard import uncovered
from conformity.ledger import Ledger, relative_errors
from conformity.reference import load
from conformity.run import check_folder
from conformity.univariate import studies

import trialpool as tp
from trialpool.effects import MEASURES
from trialpool.pooling.tau2 import ESTIMATORS

DATA = Path(__file__).parent / "data"
FILES = sorted(path.stem for path in DATA.glob("*.json"))
PAGE = Path(__file__).parents[2] / "docs" / "validation.md"
SECTIONS = {
    "escalc", "uni", "confint", "leave1out", "cumul", "blup", "ranef", "weights", "hc", "metareg",
    "metareg_ill_conditioned", "mh", "peto", "glmm", "influence", "regtest", "ranktest", "trimfill",
    "fsn", "selmodel",
}  # fmt: skip


@cache
def _ledger() -> Ledger:
    return check_folder(DATA)


@pytest.mark.parametrize("stem", FILES)
def test_all_numbers_of_a_file_agree(stem: str) -> None:
    """Closed form to 1e-9, iterative to 1e-6, relative."""
    over = [
        f"{tally.quantity}: {line}"
        for tally in _ledger().tallies.values()
        for line in tally.over
        if line.replace(":", " ").split()[0] == stem
    ]
    assert over == []


def test_nothing_of_the_golden_set_is_left_out() -> None:
    """Every number is compared or declared different, and every section has some."""
    ledger = _ledger()
    assert dict(ledger.not_yet) == {}
    assert ledger.unread == []
    compared = {t.quantity.split(".")[0] for t in ledger.tallies.values() if t.compared}
    assert compared == SECTIONS
    assert ledger.files == FILES


def test_every_estimator_and_every_measure_has_a_golden_case() -> None:
    """Or a reason in `declared.NO_GOLDEN_CASE`, which names nothing else."""
    assert uncovered(DATA) == set()
    assert set(declared.NO_GOLDEN_CASE) <= {*ESTIMATORS, *MEASURES}


def test_an_estimator_without_a_golden_case_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Registering is enough to be asked for numbers."""
    monkeypatch.setitem(ESTIMATORS, "NEW", ESTIMATORS["DL"])
    assert uncovered(DATA) == {"NEW"}


def test_the_page_of_results_is_in_step() -> None:
    """`docs/validation.md` is what --write-docs makes; its last section stays as written."""
    page = PAGE.read_text(encoding="utf-8")
    by_hand = page.partition(document.BY_HAND[0])[2].partition(document.BY_HAND[1])[0]
    assert page == document.page(_ledger(), DATA, by_hand.strip("\n"))


@pytest.mark.parametrize("stem", FILES)
def test_a_file_names_its_paper_its_software_and_its_calls(stem: str) -> None:
    """A number can be traced: who published the data, which R call gave it, which version."""
    root = load(DATA / f"{stem}.json")
    assert root.get("software", "metafor").value == "3.8-1"
    assert any(year in root.get("citation").value for year in map(str, range(1980, 2025)))
    fits = [entry for _, entry in root.get("escalc").items()]
    for _, analysis in root.get("analyses").items():
        fits += [fit for _, tests in analysis.get("uni").items() for _, fit in tests.items()]
    assert all("(" in fit.get("call").value for fit in fits)


def test_the_golden_set_stays_small() -> None:
    """A clone should not pay for it."""
    assert sum(path.stat().st_size for path in DATA.iterdir()) < 1_800_000


# --- the command can fail --------------------------------------------------------------------


def _copy(folder: Path, stem: str, change: Callable[[dict[str, Any]], None]) -> Path:
    data = json.loads((DATA / f"{stem}.json").read_text(encoding="utf-8"))
    change(data)
    (folder / f"{stem}.json").write_text(json.dumps(data), encoding="utf-8")
    return folder


def _times(place: str, factor: float) -> Callable[[dict[str, Any]], None]:
    """A change of the first number at a place."""

    def change(data: dict[str, Any]) -> None:
        *path, last = place.split("/")
        for key in path:
            data = data[key]
        if isinstance(data[last], list):
            data[last][0] *= factor
        else:
            data[last] *= factor

    return change


@pytest.mark.parametrize(
    ("stem", "place", "quantity"),
    [
        ("cohen1981", "escalc/ZCOR/vi", "escalc.ZCOR.vi"),
        ("cohen1981", "escalc/UCOR/yi", "escalc.UCOR.yi"),
        ("raudenbush1985", "analyses/GEN/uni/DL/z/beta", "uni.DL.z.beta"),
        ("raudenbush1985", "analyses/GEN/uni/REML/z/tau2", "uni.REML.z.tau2"),
        ("raudenbush1985", "analyses/GEN/uni/PM/adhoc/ci_ub", "uni.PM.adhoc.ci_ub"),
        ("raudenbush1985", "analyses/GEN/uni/ML/z/fit/ML", "uni.ML.z.fit.logLik"),
        ("raudenbush1985", "analyses/GEN/uni/EB/knha/pi_lb_riley", "uni.EB.knha.pi.riley"),
        ("raudenbush1985", "analyses/GEN/metareg/weeks/fits/REML/z/QM", "metareg.REML.z.QM"),
        ("raudenbush1985", "analyses/GEN/metareg/weeks/fitted/pi_ub", "metareg.fitted.pi_ub"),
        ("raudenbush1985", "analyses/GEN/diag/confint/PL_ML/I2", "confint.PL_ML.I2"),
        ("bonett2010", "analyses/ABT/diag/leave1out/REML/se", "leave1out.REML.se"),
        ("raudenbush1985", "analyses/GEN/diag/blup/REML/pred", "blup.REML.pred"),
        ("hine1989", "special/mh/RD/stat", "mh.RD.stat"),
        ("hine1989", "special/peto/QE", "peto.QE"),
    ],
)
def test_one_number_off_by_a_hundred_thousandth_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], stem: str, place: str, quantity: str
) -> None:
    """Exit code 1, the quantity and the case by name."""
    assert main([str(_copy(tmp_path, stem, _times(place, 1 + 1e-5)))]) == 1
    printed = capsys.readouterr().out
    over = [line for line in printed.splitlines() if line.startswith("OVER")]
    assert [line.split()[1] for line in over] == [quantity]
    assert printed.split(over[0])[1].split()[0].strip(":") == stem


def test_what_the_library_lacks_is_listed_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A new leaf, a new estimator, a new measure, a new option, a new section: none is silent."""

    def add(data: dict[str, Any]) -> None:
        analysis = data["analyses"]["ZCOR"]
        analysis["uni"]["REML"]["z"]["novel"] = 1.0
        analysis["uni"]["XYZ"] = analysis["uni"]["DL"]
        data["escalc"]["COR_ZZ"] = {**data["escalc"]["COR"], "options": {"vtype": "ZZ"}}
        data["escalc"]["ODD"] = {**data["escalc"]["COR"], "measure": "ODD"}
        data["special"] = {"somewhere": {"else": [1, 2]}}

    assert main([str(_copy(tmp_path, "cohen1981", add))]) == 0
    printed = capsys.readouterr().out
    for line in (
        "analyses.*.uni.REML.z: novel (1)",
        "analyses.*.uni.XYZ.knha: call ci_lb",
        "escalc.COR_ZZ: vi yi (2)",
        "escalc.ODD: vi yi (2)",
        "special.somewhere: else (1)",
    ):
        assert f"  {line}".replace("call ", "") in printed.replace("call ", ""), line


def test_a_crash_is_reported_as_over_tolerance(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the text of the error."""

    def spoil(data: dict[str, Any]) -> None:
        data["analyses"]["GEN"]["vi"][3] = -1.0

    assert main([str(_copy(tmp_path, "baskerville2012", spoil))]) == 1
    assert "TrialpoolError: vi[3] = -1" in capsys.readouterr().out


def _without(*path: str) -> Callable[[dict[str, Any]], None]:
    return lambda data: _at(data, path[:-1]).pop(path[-1])


def _instead(value: Any, *path: str) -> Callable[[dict[str, Any]], None]:
    return lambda data: _at(data, path[:-1]).__setitem__(path[-1], value)


def _at(data: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        data = data[key]
    return data


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_without("inputs", "n2i"), "escalc OR: OR: the inputs have no n2i"),
        (_instead("many", "escalc", "RD", "yi"), "escalc RD: ValueError: could not convert"),
        (_instead(["RR"], "escalc", "RR", "measure"), "escalc RR: TypeError: "),
        (_instead("n.r.", "special", "mh", "OR", "se"), "special mh OR se: mh.OR.se: could not"),
        (_instead([1, 2], "analyses"), ""),
        (_instead(7, "special", "mh", "RR"), ""),
    ],
)
def test_a_file_of_another_shape_is_read_as_far_as_it_can_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Any, told: str
) -> None:
    """What a comparer cannot read is named and counted, and the others go on: exit code 3."""
    code = main([str(_copy(tmp_path, "hine1989", change))])
    printed = capsys.readouterr().out
    assert "numbers compared, 0 over tolerance" in printed
    assert code == (3 if told else 0)
    assert f"  hine1989 {told}" in printed if told else "0 not readable" in printed


@pytest.mark.parametrize(("text", "told"), [("{", "not JSON"), ("[1]", "not an object with")])
def test_what_is_no_reference_file_is_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, told: str
) -> None:
    """It stops no other file."""
    (tmp_path / "other.json").write_text(text, encoding="utf-8")
    assert main([str(_copy(tmp_path, "cohen1981", lambda _: None))]) == 3
    printed = capsys.readouterr().out
    assert f"  other: {told}" in printed
    assert "1 not readable" in printed


def test_files_may_lack_any_section(tmp_path: Path) -> None:
    """Other files of the schema need not hold all that ours do."""

    def strip(data: dict[str, Any]) -> None:
        for analysis in data["analyses"].values():
            for key in ("diag", "metareg", "keep", "k"):
                analysis.pop(key, None)
            analysis["uni"] = {"REML": {"z": {"beta": analysis["uni"]["REML"]["z"]["beta"]}}}
        for key in ("escalc", "special", "software", "inputs", "citation"):
            data.pop(key, None)

    assert main([str(_copy(tmp_path, "bcg", strip)), "--brief"]) == 0


def test_a_folder_without_files_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And not an agreement."""
    assert main([str(tmp_path)]) == 2
    assert "no reference files" in capsys.readouterr().err


def test_relative_errors_near_zero_and_of_missing_values() -> None:
    """Worked by hand; 0.01 units is where relative ends."""
    ours = np.array([1.1, 1e-9, np.nan, np.inf, np.nan, 0.0])
    theirs = np.array([1.0, 0.0, np.nan, np.inf, 1.0, np.inf])
    errors = relative_errors(ours, theirs, 1.0)
    assert errors[:4] == pytest.approx([0.1, 1e-7, 0, 0])
    assert np.isinf(errors[4:]).all()


# --- where the reference has fewer digits than ours ------------------------------------------


@pytest.mark.parametrize(
    ("stem", "analysis", "name"),
    [("lee2004", "RR", "year"), ("gibson2002", "SMD", "year"), ("bcg", "RR", "ablat_year")],
)
def test_ill_conditioned_designs_are_solved_to_the_last_digits(
    stem: str, analysis: str, name: str
) -> None:
    """Against the normal equations in rational numbers, which know no rounding.

    metafor loses half of the digits here, which is why its numbers have a wider tolerance.
    """
    node = load(DATA / f"{stem}.json").get("analyses", analysis)
    data = studies(node)
    design = node.get("metareg", name, "X").floats()
    beta, q = _exact(design.tolist(), data.yi.tolist(), data.vi.tolist())
    ours = tp.regress(data.yi, data.vi, design, tau2="EE", test="z")
    assert ours.beta == pytest.approx(beta, rel=1e-11)
    assert ours.qe == pytest.approx(q, rel=1e-11)


def _exact(x: list[list[float]], y: list[float], v: list[float]) -> tuple[list[float], float]:
    """Weighted least squares by elimination: coefficients and the weighted sum of squares."""
    rows = [[Fraction(value) for value in (*row, t)] for row, t in zip(x, y, strict=True)]
    weights = [1 / Fraction(value) for value in v]
    p = len(x[0])
    system = [
        [sum(_products(weights, rows, i, j), Fraction(0)) for j in range(p + 1)] for i in range(p)
    ]
    for i in range(p):
        system[i] = [value / system[i][i] for value in system[i]]
        for j in range(p):
            if j != i:
                factor = system[j][i]
                system[j] = [a - factor * b for a, b in zip(system[j], system[i], strict=True)]
    beta = [row[p] for row in system]
    q = Fraction(0)
    for w, (*row, t) in zip(weights, rows, strict=True):
        q += w * (t - sum((b * c for b, c in zip(beta, row, strict=True)), Fraction(0))) ** 2
    return [float(b) for b in beta], float(q)


def _products(
    weights: list[Fraction], rows: list[list[Fraction]], i: int, j: int
) -> Iterator[Fraction]:
    return (w * row[i] * row[j] for w, row in zip(weights, rows, strict=True))
