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
from trialpool.pooling.tau2 import ESTIMATORS
from trialpool.results import Pooled, PooledCounts

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
# metafor keeps studies without events in ratios; we leave them out unless told otherwise.
KEEP = {"drop00": False}
SAME: dict[str, Any] = {}
# Every escalc id of the folder, and what it is called here.
EFFECTS: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("MD", "SMD", "SMDH", "SMD1", "SMD1H", "ROM", "CVR", "VR"), SAME),
    "MD_HO": {"variance": "HO"},
    "SMD_nocorrect": {"correction": "none"},
    "SMD_UB": {"variance": "UB"},
    "SMD_LS2": {"variance": "LS2"},
    "SMD_AV": {"variance": "AV"},
    "ROM_nocorrect": {"correction": "none"},
    "ROM_HO": {"variance": "HO"},
    **dict.fromkeys(("RPB", "RBIS", "D2OR", "D2ORL"), SAME),
    **dict.fromkeys(("OR", "RR", "PETO", "YUQ", "YUY", "PBIT", "OR2DN", "OR2DL", "IRR"), KEEP),
    **dict.fromkeys(("RD", "AS", "PHI", "RTET", "IRD", "IRSD"), SAME),
    "OR_addall": {"to": "all", **KEEP},
    "RR_addall": {"to": "all", **KEEP},
    "OR_if0all": {"to": "if0all", **KEEP},
    "OR_none": {"to": "none", **KEEP},
    "RR_none": {"to": "none", **KEEP},
    "OR_drop00": {},
    "RR_drop00": {},
    "IRR_addall": {"to": "all", **KEEP},
    **dict.fromkeys(
        ("MC", "SMCC", "SMCR", "SMCRH", "SMCRP", "SMCRPH", "ROMC", "CVRC", "VRC"), SAME
    ),
    "SMCC_UB": {"variance": "UB"},
    "ROMC_nocorrect": {"correction": "none"},
    **dict.fromkeys(("ZCOR", "COR", "UCOR", "PCOR", "ZPCOR", "SPCOR", "ZSPCOR"), SAME),
    "COR_AV": {"variance": "AV"},
    "UCOR_UB": {"variance": "UB"},
    **dict.fromkeys(("PLO", "PR", "PLN", "PAS", "PFT", "PRZ"), SAME),
    "PR_UB": {"variance": "UB"},
    "PLO_addall": {"to": "all"},
    **dict.fromkeys(("MN", "SDLN", "SMN", "IR", "IRLN", "IRS", "IRFT"), SAME),
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
    """Every escalc id, closed form; undefined in the same studies.

    One difference on purpose: a variance that is 0 (both SDs 0), infinite, or stands beside an
    undefined effect is NaN with a reason here. `_not_the_truth` lists the others.
    """
    for name, reference in (_load(stem).get("escalc") or {}).items():
        columns = {key: _floats(column) for key, column in _load(stem)["inputs"].items()}
        es = tp.effect_size(reference["measure"], **columns, **EFFECTS[name])
        yi, vi = _floats(reference["yi"]), _floats(reference["vi"])
        vi[(vi == 0) | ~np.isfinite(vi) | ~np.isfinite(yi)] = np.nan
        other = _not_the_truth(name, columns)
        rtol, floor = (CLOSED, 1e-12) if name != "RTET" else (3e-3, 2e-5)
        for ours, theirs in ((es.yi, yi), (es.vi, vi)):
            _same(ours[~other], list(theirs[~other]), rtol, name, floor)
        assert (np.isnan(es.vi) == [bool(text) for text in es.reason]).all()


def _not_the_truth(name: str, columns: dict[str, NDArray[np.float64]]) -> NDArray[np.bool_]:
    """Studies in which the reference is not what the measure is defined to be.

    UCOR: the hypergeometric function behind the reference is off by up to 1.4e-3 for small
    correlations of small even numbers; tests/unit/test_effects_correlations.py holds ours to its
    power series.
    RTET: the reference stops its search when the correlation is within about 1e-5 (so all studies
    have a wide tolerance), and gives a correlation of 1 a variance of up to 1e9 where it has none;
    tests/unit/test_effects_association.py holds ours to its equation.
    SMD_AV: the mean g of the reference takes in an infinite g (both SDs 0), and no study has an
    effect; ours leaves it out.
    """
    k = len(next(iter(columns.values())))
    if name.startswith("UCOR"):
        r, n = columns["ri"], columns["ni"]
        return np.asarray((n % 2 == 0) & (n >= 8) & (n <= 22) & (r != 0) & (r**2 < 0.005))
    if name == "RTET":
        a, c = columns["ai"], columns["ci"]
        b = columns["bi"] if "bi" in columns else columns["n1i"] - a
        d = columns["di"] if "di" in columns else columns["n2i"] - c
        return np.asarray(a * b * c * d == 0)
    if name == "SMD_AV":
        return np.full(k, bool(((columns["sd1i"] == 0) & (columns["sd2i"] == 0)).any()))
    return np.zeros(k, dtype=np.bool_)


def test_every_effect_size_of_the_folder_is_compared() -> None:
    """An escalc id without options of ours fails here, and an option without reference too."""
    seen = {name for stem in FILES for name in _load(stem).get("escalc") or {}}
    assert seen == set(EFFECTS)


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


# Ours -> metafor's name, of models of counts; `k` is ours alone: the studies that contribute.
COUNT_NAMES = {
    "beta": "beta",
    "se": "se",
    "zval": "stat",
    "pval": "pval",
    "ci_lb": "ci_lb",
    "ci_ub": "ci_ub",
    "q": "QE",
    "q_df": "QEdf",
    "q_pval": "QEp",
    "i2_q": "I2",
    "h2": "H2",
}
COUNT_TESTS = {"cmh": "MH", "cochran": "CO", "mh": "MH", "breslow_day": "BD", "tarone": "TA"}
TABLES, RATES = ("ai", "n1i", "ci", "n2i"), ("x1i", "t1i", "x2i", "t2i")


def _known(stem: str, names: tuple[str, ...]) -> dict[str, Any]:
    columns = _columns(stem, names)
    known = np.isfinite(sum(columns.values()))
    return {name: column[known] for name, column in columns.items()}


def _number(reference: dict[str, Any], key: str) -> float:
    return float(_floats(reference.get(key))[0])


@pytest.mark.parametrize("stem", FILES)
def test_counts_are_those_of_rma_mh_and_rma_peto(stem: str) -> None:
    """Mantel-Haenszel OR, RR, RD, IRR, IRD and Peto OR: every number there is, and the tests."""
    special = _load(stem).get("special") or {}
    fits = [("MH", name, fit) for name, fit in (special.get("mh") or {}).items()]
    fits += [("Peto", "OR", special["peto"])] if special.get("peto") else []
    for method, name, reference in fits:
        measure, _, uncorrected = name.partition("_")
        if measure in ("IRR", "IRD"):
            ours = tp.pool_rates(**_known(stem, RATES), measure=measure)
        else:
            ours = tp.pool_counts(**_known(stem, TABLES), measure=measure, method=method)
        for field, key in COUNT_NAMES.items():
            _same(getattr(ours, field), reference[key], CLOSED, f"{method} {name} {field}")
        compared = {"k", "k_pos", "k_yi", *COUNT_NAMES.values()}
        for test, key in COUNT_TESTS.items():
            if test in ours.tests:
                result = ours.tests[
                    f"{test}_uncorrected" if uncorrected and key in "MHCO" else test
                ]
                _same(result.stat, reference[key], CLOSED, f"{method} {name} {test}")
                _same(result.pval, reference[f"{key}p"], CLOSED, f"{method} {name} {test} p")
                compared |= {key, f"{key}p"}
        assert set(reference) <= compared


def _glmm(stem: str, name: str, **options: Any) -> PooledCounts:
    model, _, common = name.partition("_")
    inputs = _load(stem)["inputs"]
    options["tau2"] = "EE" if common == "EE" else "ML"
    if model in ("PLO", "IRLN"):
        size = "ni" if model == "PLO" else "ti"
        columns = _known(stem, ("xi", size))
        return tp.pool_one_arm(columns["xi"], **{size: columns[size]}, **options)
    if "ai" in inputs:
        return tp.pool_counts(**_known(stem, TABLES), method="GLMM", model=model, **options)
    return tp.pool_rates(**_known(stem, RATES), method="GLMM", model=model, **options)


GLMMS = [
    (stem, name)
    for stem in FILES
    for name, fit in ((_load(stem).get("special") or {}).get("glmm") or {}).items()
    if fit.get("beta")
]
# metafor's CM.EL of odds ratios differentiates its integrals numerically. Without heterogeneity
# its SE is 0.017 for Li 2007 (Mantel-Haenszel 0.027, ours 0.027) and missing for Egger 2001; its
# Wald test, made the same way, is 269 for the BCG trials where those of all other models are 163.
BAD_SE = {("dat.li2007", "CM.EL_EE"), ("dat.egger2001", "CM.EL_EE")}


@pytest.mark.parametrize(("stem", "name"), [(s, n) for s, n in GLMMS if "UM.RS" not in n])
def test_glmms_are_those_of_rma_glmm(stem: str, name: str) -> None:
    """One random effect: as near as the optimisers of lme4 and metafor go, with 7 points.

    Their estimates end up to 0.005 SE from the maximum (tightened, lme4 agrees to seven digits:
    see tests/unit/test_counts.py). Log likelihoods with 7 points lack constants in lme4, and are
    compared without heterogeneity only; CM.EL of odds ratios has metafor's own, exact ones.
    """
    reference = _load(stem)["special"]["glmm"][name]
    ours = _glmm(stem, name)
    common = name.endswith("EE")
    exact = name == "CM.EL" and "ai" in _load(stem)["inputs"]
    assert (ours.k, ours.q_df) == (reference["k"], reference["QE_df"])
    assert ours.converged
    for field in ("beta", "ci_lb", "ci_ub"):
        if (stem, name) not in BAD_SE or field == "beta":
            difference = abs(getattr(ours, field) - _number(reference, field))
            assert difference < 5e-3 * ours.se, field
    if (stem, name) not in BAD_SE:
        assert ours.se == pytest.approx(_number(reference, "se"), rel=2e-3)
    scale = 0.01 + ours.tau2
    assert abs(ours.tau2 - _number(reference, "tau2")) < (1e-2 if exact else 4e-3) * scale
    assert ours.i2 == pytest.approx(_number(reference, "I2"), abs=0.1)
    assert ours.h2 == pytest.approx(_number(reference, "H2"), rel=4e-3)
    assert ours.tests["lrt"].stat == pytest.approx(reference["QE_LRT"], abs=1e-8)
    assert ours.tests["lrt"].pval == pytest.approx(reference["QEp_LRT"], abs=1e-9)
    if not (name.startswith("CM.EL") and "ai" in _load(stem)["inputs"]):
        assert ours.tests["wald"].stat == pytest.approx(reference["QE_Wld"], rel=3e-5, abs=1e-6)
    loglik, _, aic, bic, aicc = reference["fit"]
    if common:
        assert ours.loglik == pytest.approx(loglik, abs=1e-8)
        assert ours.beta == pytest.approx(_number(reference, "beta"), abs=1e-5 * ours.se)
    if exact:
        assert -1e-8 < ours.loglik - loglik < 1e-3
    penalties = [aic + 2 * loglik, bic + 2 * loglik, aicc + 2 * loglik]
    assert [x + 2 * ours.loglik for x in (ours.aic, ours.bic, ours.aicc)] == pytest.approx(
        penalties
    )


@pytest.mark.parametrize(("stem", "name"), [(s, n) for s, n in GLMMS if n == "UM.RS"])
def test_random_levels_are_those_of_rma_glmm(stem: str, name: str) -> None:
    """Two random effects: lme4 knows Laplace's approximation only, and so do we when asked.

    Our maxima are never lower. The SE of lme4 differs more, up to 1.5 %: its likelihood is noisy
    at the tolerance it finds the modes with, and is differentiated twice.
    """
    reference = _load(stem)["special"]["glmm"][name]
    ours = _glmm(stem, name, quadrature_points=1)
    assert -1e-8 < ours.loglik - reference["fit"][0] < 1e-3
    assert abs(ours.beta - _number(reference, "beta")) < 3e-3 * ours.se
    assert ours.se == pytest.approx(_number(reference, "se"), rel=2e-2)
    for field in ("tau2", "sigma2"):
        scale = 0.01 + getattr(ours, field)
        assert abs(getattr(ours, field) - _number(reference, field)) < 2e-3 * scale, field
    assert ours.tests["lrt"].stat == pytest.approx(reference["QE_LRT"], abs=2e-3)
    assert ours.aic + 2 * ours.loglik == pytest.approx(8)


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
