"""What public functions make of the columns they are given: rows by name, intercepts, options."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import trialpool as tp
from trialpool.multilevel.aggregate import aggregate
from trialpool.multilevel.model import fit as fit_multilevel
from trialpool.multilevel.terms import Nested
from trialpool.pooling.permutation import permutation_test
from trialpool.results import TrialpoolError

# Made up: effects that rise with the year.
Y = pd.Series([0.1, 0.35, 0.3, 0.7, 0.9, 1.2], index=list("abcdef"))
V = pd.Series([0.04, 0.05, 0.03, 0.06, 0.05, 0.04], index=list("abcdef"))
YEAR = pd.Series([0.0, 1.0, 2.0, 4.0, 5.0, 7.0], index=list("abcdef"), name="year")
TURNED = V[::-1]
OTHER = V.set_axis(list("abcdeg"))
COUNTS = pd.DataFrame({"ai": [4, 6, 3], "n1i": [20, 30, 25], "ci": [2, 9, 5], "n2i": [21, 29, 26]})


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: tp.pool(Y, TURNED), "the same labels stand in another order"),
        (lambda: tp.pool(Y, OTHER), "yi has a row 'f' and vi has none"),
        (lambda: tp.pool(yi=Y, vi=OTHER), "yi and vi are of different rows"),
        (lambda: tp.regress(Y, V, YEAR[::-1]), "yi and X are of different rows"),
        (lambda: tp.regress(Y, V.to_numpy(), YEAR.to_frame()[::-1]), "yi and X are of"),
        (lambda: tp.regress(Y, V, {"year": YEAR[::-1]}), r"yi and X\['year'\] are of different"),
        (lambda: tp.effect_size("GEN", yi=Y, sei=TURNED), "yi and sei are of different rows"),
        (
            lambda: tp.pool_counts(COUNTS.ai, COUNTS.n1i, COUNTS.ci, COUNTS.n2i[1:]),
            "must be columns of one length",
        ),
        (
            lambda: tp.pool_counts(COUNTS.ai, COUNTS.n1i, COUNTS.ci, COUNTS.n2i.sort_values()),
            "ai and n2i are of different rows",
        ),
        (lambda: aggregate(Y, V, YEAR.reset_index(drop=True), rho=0.5), "yi and cluster are of"),
        (
            lambda: fit_multilevel(
                Y, V, random=[Nested("trial")], data=pd.DataFrame({"trial": list("aabbcc")})
            ),
            "yi and data are of different rows",
        ),
    ],
)
def test_series_of_other_rows_are_never_pooled_by_position(call: Any, told: str) -> None:
    """Refused with both names and a label; arrays, and Series of equal rows, are taken."""
    with pytest.raises(TrialpoolError, match=told):
        call()


def test_arrays_and_series_of_equal_rows_are_one_thing() -> None:
    """By position where nothing has a name, and where the names are the same."""
    plain = tp.pool(Y.to_numpy(), V.to_numpy()).beta
    assert tp.pool(Y, V).beta == tp.pool(Y, V.to_numpy()).beta == plain
    assert tp.pool(Y, TURNED.to_numpy()).beta != plain


SOURCE = Path(tp.__file__).parent
# Their other columns are of one study, of quantiles, or are checked by the function they call.
ALONE = {
    "as_columns", "as_studies", "as_sets", "as_tables", "as_rates", "as_trials", "unit_variance",
    "side_of", "basis", "predict", "shown", "difference", "analysed", "small_sample_factor",
    "split_arm", "rows_of", "cooks_distance", "robust_of", "weighted_robust", "wald", "as_codes",
    "cumulative",
}  # fmt: skip


def test_every_public_function_of_columns_asks_for_the_same_rows() -> None:
    """A new function of two columns carries the check, or is listed with its reason."""
    without = []
    for path in sorted(SOURCE.rglob("*.py")):
        if {"review", "figures"} & set(path.parts):
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
                continue
            given = [*node.args.args, *node.args.kwonlyargs]
            said = [ast.unparse(a.annotation) for a in given if a.annotation is not None]
            checked = "same_rows" in [ast.unparse(each) for each in node.decorator_list]
            if sum("ArrayLike" in each for each in said) > 1 and not checked:
                without.append(node.name)
    assert sorted(set(without) - ALONE) == []


def test_named_columns_have_an_intercept() -> None:
    """As in metafor's `mods = ~ year`; a table with one, or with dummies of all levels, has it."""
    matrix = np.column_stack([np.ones(6), YEAR])
    meant = tp.regress(Y, V, matrix)
    assert meant.cautions == tp.regress(Y, V, matrix, intercept=False).cautions
    for named in (YEAR, YEAR.to_frame(), {"year": YEAR}, {"year": list(YEAR)}):
        fit = tp.regress(Y, V, named)
        assert fit.names == ("intercept", "year")
        assert fit.beta == pytest.approx(meant.beta)
        assert fit.cautions == meant.cautions
    ready = pd.DataFrame({"const": 1.0, "year": YEAR})
    assert tp.regress(Y, V, ready).names == ("const", "year")
    levels = pd.DataFrame({"a": [1, 1, 0, 0, 1, 0], "b": [0, 0, 1, 1, 0, 1]}, index=Y.index)
    assert tp.regress(Y, V, levels).names == ("a", "b")
    both = fit_multilevel(Y, V, YEAR, random=[Nested("id")], data={"id": list(range(6))})
    assert both.names == ("intercept", "year")
    assert permutation_test(Y, V, YEAR, iterations=10).names == ("intercept", "year")


def test_a_matrix_without_a_constant_column_gets_a_caution() -> None:
    """It is fitted as it is; who says so is not told."""
    x = YEAR.to_numpy()[:, np.newaxis]
    origin = tp.regress(Y, V, x)
    w = 1 / (V + origin.tau2)
    assert origin.beta == pytest.approx([float((w * Y * YEAR).sum() / (w * YEAR**2).sum())])
    assert any("goes through the origin" in each for each in origin.cautions)
    asked = tp.regress(Y, V, x, intercept=False)
    assert not any("origin" in each for each in asked.cautions)
    assert asked.beta == pytest.approx(origin.beta)
    assert tp.regress(Y, V, YEAR, intercept=False).names == ("year",)
    assert tp.regress(Y, V, x, intercept=True).names == ("intercept", "x0")
    several = fit_multilevel(Y, V, x, random=[Nested("id")], data={"id": list(range(6))})
    assert any("goes through the origin" in each for each in several.cautions)
    with pytest.raises(TrialpoolError, match="X is collinear"):
        tp.regress(Y, V, np.column_stack([np.ones(6), x]), intercept=True)


def test_predictions_take_a_table_by_its_names() -> None:
    """In any order, and without the intercept."""
    two = pd.DataFrame({"year": YEAR, "small": [0, 1, 0, 1, 1, 0]})
    fit = tp.regress(Y, V, two)
    by_place = fit.predict([[1, 3, 1]]).pred
    assert fit.predict(pd.DataFrame({"small": [1], "year": [3]})).pred == pytest.approx(by_place)
    assert fit.predict({"intercept": [1], "small": [1], "year": [3]}).pred == by_place
    with pytest.raises(TrialpoolError, match=r"X must have 3 columns \(intercept, year, small\)"):
        fit.predict(pd.DataFrame({"year": [3]}))
    with pytest.raises(TrialpoolError, match="got year, small, big"):
        fit.predict({"year": [3], "small": [1], "big": [1]})


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"add": "TACC"}, "add = 'TACC': must be a number >= 0, such as 0.5; to which studies"),
        ({"add": [0.5]}, r"add = \[0.5\]: must be a number"),
        ({"add": True}, "add = True: must be a number"),
        ({"add": float("inf")}, "add = inf: must be a number"),
        ({"add": -0.5}, "add = -0.5: must be a number"),
        ({"to": "only"}, "to = 'only': allowed are only0, .*; did you mean only0?"),
        ({"to": np.array(["all"])}, "to = array.*: allowed are only0"),
        ({"drop00": "yes"}, "drop00 = 'yes': allowed are True, False"),
        ({"drop0": True}, "OR does not take drop0: .*; did you mean drop00?"),
    ],
)
def test_an_option_that_is_none_is_named(options: dict[str, Any], told: str) -> None:
    """With what is allowed, and the nearest name."""
    with pytest.raises(TrialpoolError, match=told):
        tp.effect_size("OR", **COUNTS, **options)


def test_values_of_options_that_are_allowed() -> None:
    """Whole numbers and numpy's own count as numbers; a measure is suggested by its letters."""
    for add in (1, np.float64(0.5), np.int64(1), 0):
        assert np.isfinite(tp.effect_size("OR", **COUNTS, add=add, to="all").yi).all()
    with pytest.raises(TrialpoolError, match=r"unknown measure 'peto': .*; did you mean PETO?"):
        tp.effect_size("peto", **COUNTS)
