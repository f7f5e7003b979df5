"""The tasks of `make bench` run, and what is timed is right. No time is asserted."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq, minimize
from scipy.special import ndtr
from small import ROOT

import trialpool as tp
from benchmarks import contenders, data, ours, report
from benchmarks.data import Array, Columns
from benchmarks.peers import statsmodels as statsmodels_peer
from benchmarks.tasks import DATA, KINDS, TASKS, Task
from benchmarks.worker import Job, Kind, NotOfferedError, flat, measured
from trialpool.diagnostics.selection import selection_model

DATASETS = data.datasets(tiny=True)


def job(kinds: Iterable[Kind], task: Task) -> Job:
    """A task's job on tiny data; "memory" is the job of "many"."""
    named: dict[str, Callable[[Columns, str], Job]] = {kind.__name__: kind for kind in kinds}
    kind = "many" if task.kind == "memory" else task.kind
    if kind not in named:
        raise NotOfferedError
    return named[kind](DATASETS[task.data], task.option)


def in_a_loop(task: Task) -> dict[str, Any]:
    """The same numbers one by one: from `pool` in a loop, or from the formula."""
    d = DATASETS[task.data]
    if task.kind == "effects":
        return {
            "estimate": np.log(d["ai"] / d["n1i"] / (d["ci"] / d["n2i"])),
            "variance": 1 / d["ai"] - 1 / d["n1i"] + 1 / d["ci"] - 1 / d["n2i"],
        }
    if task.kind == "check":
        # Of every tenth trial one SD is a standard error.
        return {"errors": 0, "warnings": len(range(0, len(d["md"]), 10))}
    y, v = d["yi"], d["vi"]
    if task.kind == "influence":
        return deletions(y, v, task.option)
    if task.kind == "selection":
        fit = selection_model(y, v, kind=task.option, alternative="less")
        return {"estimate": fit.beta, "tau2": fit.tau2, "delta": fit.delta}
    if task.kind == "bayes":
        return posterior_medians(y, v)
    if task.kind == "multilevel":
        return three_levels(d)
    if task.kind == "permutation":
        orders = [list(order) for order in permutations(range(len(y)))]
        z = np.array([regression(d, data.design(d)[order])[2] for order in orders])
        return {"p value": (np.abs(z) >= np.abs(z[0]) * (1 - 1e-9)).mean(axis=0)}
    if task.kind == "regression":
        return dict(zip(("estimate", "tau2"), regression(d, data.design(d)), strict=False))
    k = y.shape[-1]
    sets: dict[str, list[tuple[Array, Array]]] = {
        "fit": [(y, v)],
        "many": list(zip(np.atleast_2d(y), np.atleast_2d(v), strict=True)),
        "subsets": [
            (y[held], v[held])
            for bits in range(1, 2**k)
            for held in [[j for j in range(k) if bits >> j & 1]]
        ],
        "leave_one_out": [(np.delete(y, j), np.delete(v, j)) for j in range(k)],
    }
    sets["memory"] = sets["many"]
    fits = [tp.pool(*pair, tau2=task.option) for pair in sets[task.kind]]
    return {"estimate": [fit.beta for fit in fits], "tau2": [fit.tau2 for fit in fits]}


def deletions(y: Array, v: Array, tau2: str) -> dict[str, Any]:
    """Case-deletion measures by their definitions, from `pool` without each study in turn."""
    whole = tp.pool(y, v, tau2=tau2, test="z")
    rows = []
    for j in range(len(y)):
        left = tp.pool(np.delete(y, j), np.delete(v, j), tau2=tau2, test="z")
        moved, share = whole.beta - left.beta, whole.weights[j]
        rows.append(
            {
                "rstudent": (y[j] - left.beta) / np.sqrt(v[j] + left.tau2 + left.se**2),
                "dffits": moved / np.sqrt(share * (v[j] + left.tau2)),
                "cook_d": (moved / whole.se) ** 2,
                "cov_r": (left.se / whole.se) ** 2,
                "tau2_del": left.tau2,
                "qe_del": left.q,
                "hat": share,
                "weight": 100 * share,
                "dfbetas": moved * np.sqrt((1 / (v + left.tau2)).sum()),
            }
        )
    return {name: [row[name] for row in rows] for name in rows[0]}


def posterior_medians(y: Array, v: Array) -> dict[str, Any]:
    """Medians of the mean and of tau under a half-normal(0.5) prior: sums over an even grid."""
    tau = np.linspace(0, 5, 50_001)
    w = 1 / (v[:, None] + tau**2)
    mean, se = (w * y[:, None]).sum(axis=0) / w.sum(axis=0), w.sum(axis=0) ** -0.5
    misfit = (w * (y[:, None] - mean) ** 2).sum(axis=0)
    height = np.log(w).sum(axis=0) / 2 + np.log(se) - misfit / 2 - tau**2 / (2 * 0.5**2)
    mass = np.exp(height - height.max())
    mass[0] /= 2
    mass /= mass.sum()
    mu = brentq(lambda x: (mass * ndtr((x - mean) / se)).sum() - 0.5, -5, 5)
    below = np.cumsum(mass) - mass / 2
    return {"estimate": mu, "tau": np.interp(0.5, below, tau)}


def three_levels(d: Columns) -> dict[str, Any]:
    """Mean and variances at the highest restricted likelihood, written out with whole matrices."""
    y, one = d["yi"], np.ones_like(d["yi"])
    same = (d["outer"][:, None] == d["outer"]).astype(float)

    def parts(log_sd: Array) -> tuple[float, float]:
        outer, inner = np.exp(2 * log_sd)
        m = np.diag(d["vi"] + inner) + outer * same
        w = np.linalg.inv(m)
        info = float(one @ w @ one)
        mean = float(one @ w @ y) / info
        rest = y - mean
        likelihood = np.linalg.slogdet(m)[1] + np.log(info) + rest @ w @ rest
        return float(likelihood), mean

    options: Any = {"xatol": 1e-10, "fatol": 1e-14, "maxiter": 4000}
    start = np.log([0.2, 0.2])
    search: Any = minimize  # whose stubs know no function of an array
    best = search(lambda x: parts(x)[0], start, method="Nelder-Mead", options=options).x
    return {"estimate": parts(best)[1], "sigma2": np.exp(2 * best)}


def regression(d: Columns, X: Array) -> tuple[Array, float, Array]:
    """Coefficients by least squares at the tau2 that `regress` finds; tau2; z values."""
    fit = tp.regress(d["yi"], d["vi"], X, test="knha")
    root = 1 / np.sqrt(d["vi"] + fit.tau2)
    beta = np.linalg.lstsq(X * root[:, None], d["yi"] * root, rcond=None)[0]
    return beta.astype(np.float64), fit.tau2, fit.zval


@pytest.mark.parametrize("task", TASKS, ids=str)
def test_what_is_timed_is_what_a_loop_gives(task: Task) -> None:
    """Every task, on small data, against fits one by one."""
    answer = measured(job(ours.KINDS, task), task.kind, 0)
    expected = in_a_loop(task)
    assert answer["ms"] > 0
    assert answer["numbers"].keys() == expected.keys()
    for name, values in answer["numbers"].items():
        # Least squares by another route keep fewer digits of an intercept at the year 0.
        rtol = {"regression": 1e-6, "bayes": 1e-6, "multilevel": 1e-4}.get(task.kind, 1e-10)
        np.testing.assert_allclose(
            values,
            flat(expected[name]),
            rtol=rtol,
            atol=1e-8 if task.kind == "multilevel" else 1e-12,
        )


@pytest.mark.parametrize("task", TASKS, ids=str)
def test_statsmodels_agrees(task: Task) -> None:
    """The one peer that is installed with the library finds the same, or says it offers no such."""
    try:
        theirs = job(statsmodels_peer.KINDS, task)
    except NotOfferedError:
        return
    rows = [
        report.Row(task, who, numbers=measured(found, "", 0)["numbers"])
        for who, found in ((contenders.OURS, job(ours.KINDS, task)), ("statsmodels", theirs))
    ]
    assert report.alone(rows) == []


def test_one_table_says_what_is_measured() -> None:
    """Kinds and data of all tasks are described; ours offers every kind; peers are pinned."""
    assert {task.kind for task in TASKS} == set(KINDS)
    assert {task.data for task in TASKS} == set(DATA) == set(DATASETS)
    assert {kind.__name__ for kind in ours.KINDS} == set(KINDS) - {"memory"}
    assert contenders.pins().keys() == contenders.PYTHON_PEERS.keys()


def test_written_data_are_read_back_exactly(tmp_path: Path) -> None:
    """CSV and npy keep every bit, so all contenders work on the same numbers."""
    data.write(tmp_path, tiny=True)
    for name, columns in DATASETS.items():
        back = data.read(tmp_path, name)
        assert back.keys() == columns.keys()
        assert all(np.array_equal(back[x], columns[x]) for x in columns)


def test_a_wrong_number_is_seen() -> None:
    """Differences are the largest of all sets; what cannot be compared is counted."""
    task = Task("many", "sets", "DL")
    mine = report.Row(task, contenders.OURS, numbers={"estimate": [1, 2, 3], "tau2": [0, 1, 1]})
    numbers = {"estimate": [9, 2, 3.5], "tau2": [-1, np.nan, 1]}
    theirs = report.Row(task, "other", [2.0], numbers=numbers)
    text = report.agreement(mine, theirs)
    assert text == "estimate 5e-01 (1 over 1e-05), tau2 0; tau2 < 0 in 1 of 3; no result in 1 of 3"
    assert report.alone([mine, theirs]) == [str(task)]


def test_a_whole_run(tmp_path: Path) -> None:
    """Data, processes, measurement and page, with one call of a few tasks."""
    page = tmp_path / "page.md"
    options = ["--tiny", "--seconds", "0", "--who", "trialpool", "--kinds", "fit", "memory"]
    run = [sys.executable, "-m", "benchmarks.run", *options, "--out", str(page)]
    subprocess.run(run, cwd=ROOT, check=True, capture_output=True)
    text = page.read_text(encoding="utf-8")
    assert "| one fit, REML: 13 BCG trials | trialpool |" in text
    assert "| peak memory of many fits, REML: 100,000 sets of k = 50 | trialpool |" in text
    assert "failed" not in text
    assert "tiny data" in text
    assert str(tmp_path) not in text
