"""trialpool's way of doing each kind of work."""

from __future__ import annotations

import atexit
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import trialpool as tp
from benchmarks.data import Columns, design, leave_one_out_masks, subset_masks
from benchmarks.review import write_review
from benchmarks.worker import Job, Kind, serve
from trialpool.bayes.model import normal_normal
from trialpool.diagnostics.influence import influence as influence_of
from trialpool.diagnostics.selection import selection_model
from trialpool.multilevel.model import fit as fit_levels
from trialpool.multilevel.terms import Nested
from trialpool.pooling.permutation import permutation_test

PROBLEMS = ("errors", "warnings")


def pooled(fit: Any) -> dict[str, Any]:
    """What is compared of a fit, or of many."""
    return {"estimate": fit.beta, "tau2": fit.tau2}


def fit(d: Columns, tau2: str) -> Job:
    return Job(lambda: tp.pool(d["yi"], d["vi"], tau2=tau2), pooled)


def many(d: Columns, tau2: str) -> Job:
    return Job(lambda: tp.pool_many(d["yi"], d["vi"], tau2=tau2), pooled)


def subsets(d: Columns, tau2: str) -> Job:
    k = len(d["yi"])
    return Job(lambda: tp.pool_many(d["yi"], d["vi"], subset_masks(k), tau2=tau2), pooled)


def leave_one_out(d: Columns, tau2: str) -> Job:
    k = len(d["yi"])
    return Job(lambda: tp.pool_many(d["yi"], d["vi"], leave_one_out_masks(k), tau2=tau2), pooled)


def influence(d: Columns, tau2: str) -> Job:
    listed = "rstudent dffits cook_d cov_r tau2_del qe_del hat weight dfbetas"
    return Job(
        lambda: influence_of(d["yi"], d["vi"], tau2=tau2),
        lambda out: {name: getattr(out, name) for name in listed.split()},
    )


def regression(d: Columns, tau2: str) -> Job:
    X = design(d)
    return Job(lambda: tp.regress(d["yi"], d["vi"], X, tau2=tau2, test="knha"), pooled)


def permutation(d: Columns, iterations: str) -> Job:
    X, n = design(d), int(iterations)
    return Job(
        lambda: permutation_test(d["yi"], d["vi"], X, test="knha", iterations=n),
        lambda out: {"p value": out.pval},
    )


def selection(d: Columns, weight: str) -> Job:
    # A vaccine lowers the risk: small effects are the ones that would be favoured.
    return Job(
        lambda: selection_model(d["yi"], d["vi"], kind=weight, alternative="less"),
        lambda out: pooled(out) | {"delta": out.delta},
    )


def multilevel(d: Columns, method: str) -> Job:
    random = [Nested("outer", "inner")]
    return Job(
        lambda: fit_levels(d["yi"], d["vi"], random=random, data=d, method=method),
        lambda out: {"estimate": out.beta, "sigma2": out.sigma2},
    )


def bayes(d: Columns, prior: str) -> Job:
    scales = {"half-normal": 0.5}
    return Job(
        lambda: normal_normal(d["yi"], d["vi"], tau_scale=scales[prior]),
        lambda out: {"estimate": out.mu, "tau": out.tau},
    )


def effects(d: Columns, measure: str) -> Job:
    columns = {name: d[name] for name in ("ai", "n1i", "ci", "n2i")}
    return Job(
        lambda: tp.effect_size(measure, **columns),
        lambda out: {"estimate": out.yi, "variance": out.vi},
    )


def check(d: Columns, option: str) -> Job:
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder)
    write_review(folder, d)
    command = [sys.executable, "-m", "trialpool.cli", "check", option]

    def call() -> Any:
        return subprocess.run(command, cwd=folder, check=True, capture_output=True).stdout

    return Job(call, lambda out: {name: len(json.loads(out)[name]) for name in PROBLEMS})


KINDS: tuple[Kind, ...] = (
    fit,
    many,
    subsets,
    leave_one_out,
    influence,
    regression,
    permutation,
    selection,
    multilevel,
    bayes,
    effects,
    check,
)

if __name__ == "__main__":
    serve("trialpool", *KINDS, batch=True)
