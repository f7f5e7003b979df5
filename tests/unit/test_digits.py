"""No number is written with more digits than it is good for, whatever the processor.

What a processor rounds differently is imitated by inputs that are moved by one unit of their last
place, and by other kernels where this one has them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd
import pytest
from bcg import COUNTS, YEAR, V, Y
from kernels import other_kernels
from small import SmallReview

import trialpool as tp
from trialpool import typed_json
from trialpool.columns import Column, Table
from trialpool.diagnostics.limits import limit_meta
from trialpool.diagnostics.missing import tipping
from trialpool.diagnostics.selection import selection_model
from trialpool.digits import JSON_DIGITS, NOTHING, SURE, first_highest, ranks, rounded, sure
from trialpool.doseresponse.model import dose_response
from trialpool.doseresponse.trials import DoseTrial
from trialpool.effects.medians import mean_sd
from trialpool.multilevel.model import fit
from trialpool.multilevel.terms import Structured
from trialpool.network.model import network
from trialpool.results import Array
from trialpool.review.analysis import Analysed, analyse
from trialpool.review.schema import files
from trialpool.tables import cell, plain, write_table

ROOT = Path(__file__).parents[2]
ULP = 2.0**-52


# --- the rule -------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [0.1234565, 2.345675e-5, 87654.35, 1234567.0, -0.1234565, 3.0])
def test_the_last_bit_decides_on_no_digit(number: float) -> None:
    """Not on a number halfway between two that are written, nor on one that is nearly whole."""
    beside = [np.nextafter(number, side) for side in (-np.inf, np.inf)]
    assert len({cell(x) for x in (number, *beside)}) == 1
    assert len({repr(plain(x)) for x in (number, *beside)}) == 1


def test_numbers_that_differ_in_a_sure_digit_differ() -> None:
    """One unit of the twelfth digit tells two numbers apart, a tenth of it does not."""
    assert SURE == 12
    assert sure(1.00000000001) != sure(1.0) == sure(1.0000000000001)
    assert rounded(0.12345650001, 6) == 0.123457
    assert rounded(0.1234564999, 6) == 0.123456
    assert plain(0.1234567891) == 0.12345679
    assert np.isnan(rounded(np.nan, 6))
    assert rounded(-np.inf, 6) == -np.inf


def test_only_a_difference_can_be_nothing(tmp_path: Path) -> None:
    """A p value of 1e-13 is one; an effect of 1e-13 is 0, and one of 1.1e-12 is an effect."""
    table = Table("t", "made up", columns=(
        Column("effect", "number", "may be negative"),
        Column("p", "number", "may not", low=0),
    ))  # fmt: skip
    rows = [(NOTHING, 1e-13), (-NOTHING, 1e-300), (1.1 * NOTHING, 0.0)]
    write_table(tmp_path / "t.csv", table.frame(rows), table)
    lines = (tmp_path / "t.csv").read_text(encoding="utf-8").splitlines()
    assert lines == ["effect,p", "0,1e-13", "0,1e-300", "1.1e-12,0"]


def test_values_that_agree_share_a_rank() -> None:
    third = 0.1 + 0.2  # not 0.3, by the last bit
    assert ranks(np.array([0.3, 5.0, third, -1.0])).tolist() == [1, 2, 1, 0]
    assert ranks(np.array([0.3, 0.3 * (1 + 1e-11)])).tolist() == [0, 1]
    assert ranks(np.array([1e-17, 0.0, 1.0])).tolist() == [0, 0, 1]
    assert ranks(np.empty(0)).tolist() == []


def test_the_first_of_those_that_agree_is_the_highest() -> None:
    assert first_highest(np.array([-1.0, 0.3, 0.1 + 0.2])) == 1
    assert first_highest(np.array([-1.0, 0.3, 0.3 * (1 + 1e-11)])) == 2
    assert first_highest(np.array([-2.0, -1.0 - 1e-16, -1.0])) == 1


# --- inputs moved by their last bit ---------------------------------------------------------------


def moved(values: Any, seed: int) -> Array:
    """Some of the values up or down by one unit of the last place; equal ones stay equal."""
    x = np.asarray(values, dtype=np.float64)
    draws = [crc32(f"{seed} {value!r}".encode()) % 3 for value in x.ravel().tolist()]
    up_or_down = np.choose(np.reshape(draws, x.shape), [-np.inf, x, np.inf])
    return np.where(x == 0, x, np.nextafter(x, up_or_down))


def numbers(value: Any, at: str = "") -> Iterator[tuple[str, float]]:
    """Every number in a result, with its place."""
    if is_dataclass(value):
        for field in fields(value):
            yield from numbers(getattr(value, field.name), f"{at}.{field.name}")
    elif isinstance(value, pd.DataFrame):
        for name in value:
            yield from numbers(value[name].tolist(), f"{at}.{name}")
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from numbers(part, f"{at}.{name}")
    elif isinstance(value, list | tuple | np.ndarray):
        for part in value:
            yield from numbers(part, at)
    elif isinstance(value, float | np.floating):
        yield at, float(value)


def differing(one: Any, other: Any, digits: int, nothing: float = 0.0) -> list[Any]:
    """The numbers of two results that could be written differently."""
    pairs = list(zip(numbers(one), numbers(other), strict=True))
    assert pairs
    return [
        (at, a, b)
        for (at, a), (_, b) in pairs
        if not (np.isnan(a) and np.isnan(b)) and a != b
        if abs(a - b) > max(nothing, 10.0 ** -(digits + 2) * max(abs(a), abs(b)))
    ]


FIVE = {"minimum": 1.0, "q1": 3.0, "median": 4.0, "q3": 8.0, "maximum": 20.0}
THREE = {"q1": 3.1, "median": 4.3, "q3": 8.7}
SHARES = {"minimum": 0.05, "q1": 0.12, "median": 0.2, "q3": 0.35, "maximum": 0.8}


def from_quantiles(method: str, data: dict[str, float]) -> Callable[[int], Any]:
    def compute(seed: int) -> Any:
        five = dict(zip(data, moved(list(data.values()), seed).tolist(), strict=True))
        return mean_sd(25, **five, method=method, test=False)._asdict()

    return compute


def of_trials(compute: Callable[..., Any], **options: Any) -> Callable[[int], Any]:
    return lambda seed: compute(moved(Y, seed), moved(V, seed), **options)


def by_year(y: Array, v: Array) -> Any:
    at = np.array([1950.0, 1964.0, 1980.0]) - YEAR.mean()
    fitted = tp.regress(y, v, np.column_stack([np.ones(13), YEAR - YEAR.mean()]))
    return fitted.predict(np.column_stack([np.ones(3), at]))


def structured(struct: str) -> Callable[[int], Any]:
    def compute(seed: int) -> Any:
        rng = np.random.default_rng(1)
        trial, outcome = np.repeat(np.arange(12), 3), np.tile(["a", "b", "c"], 12)
        v = rng.uniform(0.02, 0.2, 36)
        y = 0.3 + rng.normal(0, 0.4, 12)[trial] + rng.normal(0, 0.4, 36)
        year = rng.normal(2000, 5, 36)
        result = fit(
            moved(y, seed), moved(v, seed), np.column_stack([np.ones(36), year - 2000]),
            random=(Structured("outcome", within="trial", struct=struct),),
            data={"trial": trial, "outcome": outcome},
        )  # fmt: skip
        return {"beta": result.beta, "se": result.se, "tau2": result.tau2, "rho": result.rho}

    return compute


def doses(seed: int) -> Any:
    rng = np.random.default_rng(3)
    dose, v = np.array([0.2, 0.5, 1.0]), np.diag([0.03, 0.04, 0.05]) + 0.02
    trials = [
        DoseTrial(name=f"T{i}", dose=dose, reference=0.0, V=v,
                  yi=moved(-1.5 * dose + 0.8 * dose**2 + rng.normal(0, 0.3, 3), seed))
        for i in range(6)
    ]  # fmt: skip
    result = dose_response(trials, shape_name="quadratic", stages=1)
    return {"beta": result.beta, "se": result.se, "psi": result.psi}


def treatments(seed: int) -> Any:
    rng = np.random.default_rng(4)
    pairs = [("a", "b"), ("a", "c"), ("b", "c"), ("a", "d"), ("b", "d")] * 3
    result = network(
        study=[f"s{i}" for i in range(15)], treat1=[a for a, _ in pairs],
        treat2=[b for _, b in pairs], yi=moved(rng.normal(0, 0.4, 15), seed),
        sei=moved(rng.uniform(0.1, 0.3, 15), seed), tau2="REML",
    )  # fmt: skip
    return {"tau2": result.tau2, "q": result.q}


def in_other_order(model: str) -> Callable[[int], Any]:
    """Counts have no last bit; sums over trials in another order have."""

    def compute(seed: int) -> Any:
        at = np.random.default_rng(seed).permutation(13) if seed else np.arange(13)
        a, b, c, d = (np.array(COUNTS[name])[at] for name in ("ai", "bi", "ci", "di"))
        result = tp.pool_counts(a, a + b, c, c + d, measure="OR", method="GLMM", model=model)
        return {name: getattr(result, name) for name in ("beta", "se", "tau2", "se_tau2", "pval")}

    return compute


COMPUTED = {
    **{f"medians, {method}, {name}": from_quantiles(method, data)
       for method in ("LWS", "QE", "MLN")
       for name, data in (("five", FIVE), ("three", THREE), ("shares", SHARES))},
    **{f"pooling, {tau2}": of_trials(tp.pool, tau2=tau2)
       for tau2 in ("REML", "ML", "PM", "EB", "SJ")},
    **{f"selection, {kind}": of_trials(selection_model, kind=kind)
       for kind in ("step", "negexp", "logistic", "beta")},
    **{f"counts, {model}": in_other_order(model) for model in ("UM.FS", "UM.RS")},
    **{f"multilevel, {struct}": structured(struct) for struct in ("CS", "HCS", "UN")},
    "limit meta-analysis": of_trials(limit_meta),
    "tipping points": of_trials(tipping, v_missing=[0.1, 0.2], threshold=0.5),
    "regression": of_trials(by_year),
    "dose-response": doses,
    "network": treatments,
}  # fmt: skip


@pytest.mark.parametrize("name", COMPUTED)
def test_a_computation_is_good_to_more_than_the_digits_written(name: str) -> None:
    """Two digits more than JSON holds: a search that ends too early leaves fewer."""
    compute = COMPUTED[name]
    plainly = compute(0)
    for seed in (1, 2):
        assert not differing(plainly, compute(seed), JSON_DIGITS, NOTHING)


def written(made: Analysed) -> dict[str, pd.DataFrame]:
    names = ("studies", "selection", "missing", "sensitivity")
    return {name: getattr(made, name) for name in names} | dict(made.trust)


@pytest.mark.parametrize(("condition", "analysis"), [("blue", "mood"), ("blue", "harm")])
def test_an_analysis_is_good_to_more_than_the_digits_written(
    small: SmallReview, condition: str, analysis: str
) -> None:
    """Every number of every table and of model.json, with one more digit than is written."""
    case = small.case(condition, analysis)
    tables = {name: getattr(case.tables, name).copy() for name in ("effects", "universes")}
    for table in tables.values():
        for name in ("yi", "vi"):
            table[name] = moved(table[name], seed=1)
    one, other = analyse(case), analyse(replace(case, tables=replace(case.tables, **tables)))
    to_json = typed_json.to_json
    assert not differing(to_json(one.result), to_json(other.result), JSON_DIGITS, NOTHING)
    others = written(other)
    for name, table in written(one).items():
        for column in files.declared(f"{name}.csv", {}).of_header(list(table.columns)):
            if column.numeric and len(table):
                here, there = (x[column.name].astype(float).tolist() for x in (table, others[name]))
                assert not differing(here, there, column.digits, column.nothing), column.name


# --- other kernels --------------------------------------------------------------------------------


def text_of_an_analysis() -> str:
    """Its model.json and tables, as written."""
    with TemporaryDirectory() as folder:
        place = Path(folder)
        made = SmallReview(place / "review").result("blue", "mood")
        typed_json.write(place / "model.json", made.result)
        for name, table in written(made).items():
            files.write(place / f"{name}.csv", table, {})
        return "".join(path.read_text(encoding="utf-8") for path in sorted(place.glob("*.*")))


def test_other_kernels_write_the_same() -> None:
    """The numbers of an analysis, as a processor of 2008 computes them."""
    if not (kernels := other_kernels()):
        pytest.skip("this processor has no other kernels")
    path = os.pathsep.join([str(ROOT / "tests"), str(ROOT / "tests" / "unit"), *sys.path])
    there = subprocess.run(
        [sys.executable, "-c", "import test_digits as t; print(t.text_of_an_analysis(), end='')"],
        env=os.environ | kernels | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )  # fmt: skip
    here = text_of_an_analysis()
    assert here.count("\n") > 100
    assert there.stdout == here
