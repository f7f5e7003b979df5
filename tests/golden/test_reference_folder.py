"""Ours against metafor's numbers in ../shared/reference, file by file.

The folder is not part of the repository (its datasets come from a GPL package); without it the
tests are skipped. Its README says how each number was made: R 4.2.2, metafor 5.1-12 with
tightened convergence; `tau2_hp` is an independent root in 80-bit arithmetic.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import trialpool as tp
from trialpool.effects import MEASURES
from trialpool.pooling.tau2 import ESTIMATORS
from trialpool.results import Pooled

FOLDER = Path(__file__).parents[2].parent / "shared" / "reference"
FILES = sorted(path.stem for path in FOLDER.glob("dat.*.json"))
pytestmark = pytest.mark.skipif(not FILES, reason=f"no reference numbers at {FOLDER}")

CLOSED, ITERATIVE = 1e-9, 1e-6
# For numbers that are 0 on one side; a percentage shows a hundred times more of a tiny tau2.
FLOOR = {"i2": 1e-9}
ITERATED = {"ML", "REML", "PM", "EB"}
TESTS = {"z": "z", "t": "t", "knha": "knha", "adhoc": "hksj"}
# Ours -> metafor's name for it.
NAMES = {
    "beta": "beta",
    "se": "se",
    "zval": "stat",
    "ddf": "ddf",
    "pval": "pval",
    "ci_lb": "ci_lb",
    "ci_ub": "ci_ub",
    "pi_lb": "pi_lb",
    "pi_ub": "pi_ub",
    "tau2": "tau2",
    "se_tau2": "se_tau2",
    "i2": "I2",
    "h2": "H2",
    "q": "QE",
    "q_df": "QEdf",
    "q_pval": "QEp",
}
# escalc ids that have our definition: OR and RR with double-zero studies dropped.
EFFECTS: dict[str, dict[str, Any]] = {
    "MD": {},
    "SMD": {},
    "SMD_nocorrect": {"correction": "none"},
    "SMD_UB": {"variance": "UB"},
    "OR_drop00": {},
    "RR_drop00": {},
    "RD": {},
    "MC": {},
    "SMCRP": {},
}


@cache
def _load(stem: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((FOLDER / f"{stem}.json").read_text())
    return data


def _floats(values: Any) -> NDArray[np.float64]:
    """Numbers of a JSON list, null and "NaN" as NaN; single numbers as a list of one."""
    listed = values if isinstance(values, list) else [values]
    return np.array([np.nan if x is None else float(x) for x in listed], dtype=np.float64)


def _same(ours: Any, theirs: Any, rtol: float, where: str, floor: float = 1e-12) -> None:
    np.testing.assert_allclose(
        np.atleast_1d(ours), _floats(theirs), rtol=rtol, atol=floor, err_msg=where
    )


def _studies(stem: str) -> Iterator[tuple[str, dict[str, Any], NDArray[Any], NDArray[Any]]]:
    for name, analysis in (_load(stem).get("analyses") or {}).items():
        yield name, analysis, _floats(analysis["yi"]), _floats(analysis["vi"])


def _columns(stem: str, names: tuple[str, ...]) -> dict[str, NDArray[np.float64]]:
    inputs = _load(stem)["inputs"]
    parts = {"n1i": ("ai", "bi"), "n2i": ("ci", "di")}
    return {
        name: _floats(inputs[name])
        if name in inputs
        else _floats(inputs[parts[name][0]]) + _floats(inputs[parts[name][1]])
        for name in names
    }


@pytest.mark.parametrize("stem", FILES)
def test_effect_sizes_are_those_of_escalc(stem: str) -> None:
    """MD SMD OR RR RD MC SMCRP, closed form; undefined in the same studies.

    One difference on purpose: a variance of exactly 0 (both SDs 0) is NaN with a reason here.
    """
    for name, reference in (_load(stem).get("escalc") or {}).items():
        if name not in EFFECTS:
            continue
        measure = reference["measure"]
        es = tp.effect_size(measure, **_columns(stem, MEASURES[measure].needs), **EFFECTS[name])
        vi = _floats(reference["vi"])
        vi[vi == 0] = np.nan
        _same(es.yi, list(_floats(reference["yi"])), CLOSED, name)
        _same(es.vi, list(vi), CLOSED, name)


@pytest.mark.parametrize("stem", FILES)
def test_pooled_results_are_those_of_rma(stem: str) -> None:
    """Nine estimators by four tests: every field both report."""
    for name, analysis, yi, vi in _studies(stem):
        for code in ESTIMATORS:
            for theirs, test in TESTS.items():
                fit = analysis["uni"].get(code, {}).get(theirs)
                if fit is None:
                    continue
                ours = tp.pool(yi, vi, tau2=code, test=test)
                rtol = ITERATIVE if code in ITERATED else CLOSED
                for field, key in NAMES.items():
                    if key not in fit or _not_ours(ours, field, test):
                        continue
                    where = f"{name} {code} {test} {field}"
                    _same(getattr(ours, field), fit[key], rtol, where, FLOOR.get(field, 1e-12))
                if "fit" in fit:
                    loglik = fit["fit"]["REML" if code == "REML" else "ML"][0]
                    _same(ours.loglik, loglik, rtol, f"{name} {code} loglik")


def _not_ours(ours: Pooled, field: str, test: str) -> bool:
    """Where we define a field otherwise: no prediction interval for EE and k < 3."""
    if field in ("pi_lb", "pi_ub"):
        return ours.reasons.get("pi_lb") is not None or test == "z"
    return ours.method == "EE" and field == "se_tau2"


@pytest.mark.parametrize("stem", FILES)
def test_prediction_intervals_with_k_minus_2(stem: str) -> None:
    """As pi.type "Riley" of metafor: t with k - 2 df, for every test."""
    for name, analysis, yi, vi in _studies(stem):
        for theirs, test in TESTS.items():
            fit = analysis["uni"].get("REML", {}).get(theirs)
            if fit is None or len(yi) < 3:
                continue
            riley = fit.get("pred", fit)
            ours = tp.pool(yi, vi, test=test, pi="k-2")
            for field in ("pi_lb", "pi_ub"):
                _same(getattr(ours, field), riley[f"{field}_riley"], ITERATIVE, f"{name} {test}")


@pytest.mark.parametrize("stem", FILES)
def test_tau2_is_the_root_in_extended_precision(stem: str) -> None:
    """REML, ML, PM against 80-bit roots at the global optimum: relative 1e-12."""
    for name, analysis, yi, vi in _studies(stem):
        for code, truth in (analysis.get("tau2_hp") or {}).items():
            if truth is not None:
                ours = tp.pool(yi, vi, tau2=code).tau2
                tiny = 1e-15 * float(vi.mean())
                assert ours == pytest.approx(truth, rel=1e-12, abs=tiny), f"{name} {code}"


@pytest.mark.parametrize("stem", FILES)
def test_q_profile_intervals_are_those_of_confint(stem: str) -> None:
    """Q-profile bounds of tau2; metafor searches for them with a tolerance."""
    for name, analysis, yi, vi in _studies(stem):
        reference = ((analysis.get("diag") or {}).get("confint") or {}).get("QP_REML")
        if reference:
            fit = tp.pool(yi, vi)
            _same([fit.tau2_ci_lb, fit.tau2_ci_ub], reference["tau2"][1:], ITERATIVE, name)


@pytest.mark.parametrize("stem", FILES)
def test_counts_are_those_of_rma_mh_and_rma_peto(stem: str) -> None:
    """Mantel-Haenszel OR, RR, RD and Peto OR, with Q on the studies with defined effects."""
    special = _load(stem).get("special") or {}
    references = {("MH", m): (special.get("mh") or {}).get(m) for m in ("OR", "RR", "RD")}
    references["Peto", "OR"] = special.get("peto")
    keys = {k: v for k, v in NAMES.items() if not k.startswith("pi_") and "tau2" not in k}
    keys = {**keys, "i2_q": "I2"}
    del keys["i2"], keys["ddf"]
    for (method, measure), reference in references.items():
        if not reference:
            continue
        columns = _columns(stem, MEASURES["OR"].needs)
        known = np.isfinite(sum(columns.values()))
        used: dict[str, Any] = {name: column[known] for name, column in columns.items()}
        ours = tp.pool_counts(**used, measure=measure, method=method)
        for field, key in keys.items():
            if key in reference:
                _same(getattr(ours, field), reference[key], CLOSED, f"{method} {measure} {field}")


def test_every_estimator_has_reference_numbers() -> None:
    """A registered estimator without a golden case fails here."""
    seen = {
        code
        for stem in FILES
        for _, analysis, _, _ in _studies(stem)
        for code in analysis["uni"]
        if "z" in analysis["uni"][code]
    }
    assert set(ESTIMATORS) <= seen


def test_sets_on_which_fisher_scoring_does_not_converge() -> None:
    """44 simulated sets of k = 20 that defeat the usual REML iteration: exact all the same."""
    path = FOLDER / "extra.hard_reml_k20.json"
    if not path.exists():
        pytest.skip("extra.hard_reml_k20.json is not there")
    for case in json.loads(path.read_text())["cases"]:
        yi, vi = _floats(case["yi"]), _floats(case["vi"])
        for code, truth in case["tau2_hp"].items():
            ours = tp.pool(yi, vi, tau2=code).tau2
            tiny = 1e-15 * float(vi.mean())
            assert ours == pytest.approx(truth, rel=1e-12, abs=tiny), f"{case['id']} {code}"
