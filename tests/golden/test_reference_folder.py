"""Ours against metafor's numbers in ../shared/reference, through the comparers of conform.py.

The folder is not part of the repository (its datasets come from a GPL package); without it the
tests are skipped. Its README says how each number was made: R 4.2.2, metafor 5.1-12 with
tightened convergence; `tau2_hp` is an independent root in 80-bit arithmetic.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from conformity import mixed_models
from conformity.ledger import Ledger
from conformity.reference import Node, load
from conformity.run import check
from conformity.univariate import Studies, studies

import trialpool as tp

FOLDER = Path(__file__).parents[2].parent / "shared" / "reference"
FILES = sorted(path.stem for path in FOLDER.glob("*.json"))
HARD = "extra.hard_reml_k20"
pytestmark = pytest.mark.skipif(not FILES, reason=f"no reference numbers at {FOLDER}")


@pytest.fixture(scope="module", params=FILES)
def stem(request: pytest.FixtureRequest) -> str:
    """Each file in turn: all tests of a file follow each other and share its mixed models."""
    return str(request.param)


@cache
def _load(stem: str) -> Node:
    return load(FOLDER / f"{stem}.json")


def test_all_numbers_of_a_file_agree(stem: str) -> None:
    """Closed form to 1e-9, iterative to 1e-6, relative; no effect size is left out."""
    ledger = Ledger()
    check(FOLDER / f"{stem}.json", ledger)
    assert [line for tally in ledger.tallies.values() for line in tally.over] == []
    assert [place for place in ledger.not_yet if place[0] == "escalc"] == []


def test_tau2_is_the_root_in_extended_precision(stem: str) -> None:
    """REML, ML, PM against 80-bit roots at the global optimum: relative 1e-12."""
    for name, analysis in _load(stem).get("analyses").items():
        for code, truth in analysis.get("tau2_hp").items():
            if truth:
                _same_tau2(studies(analysis), code, float(truth.value), f"{name} {code}")


def test_sets_on_which_fisher_scoring_does_not_converge() -> None:
    """44 simulated sets of k = 20 that defeat the usual REML iteration: exact all the same."""
    if HARD not in FILES:
        pytest.skip(f"{HARD} is not there")
    for name, case in _load(HARD).get("cases").items():
        for code, truth in case.get("tau2_hp").items():
            _same_tau2(studies(case), code, float(truth.value), f"{name} {code}")


def _same_tau2(data: Studies, code: str, truth: float, where: str) -> None:
    ours = tp.pool(*data, tau2=code)
    assert ours.converged, where
    tiny = 1e-15 * float(np.mean(data.vi))
    assert ours.tau2 == pytest.approx(truth, rel=1e-12, abs=tiny), where


def test_maxima_of_mixed_models_are_never_lower(stem: str) -> None:
    """Where the log likelihoods are comparable, ours is at least that of lme4 or metafor."""
    for name, node in _load(stem).get("special", "glmm").items():
        call = mixed_models.call(name, node, _load(stem))
        theirs = node.get("fit").criteria().get("logLik")
        if call is None or theirs is None or mixed_models.left_out_a_constant(call[2]):
            continue
        assert -1e-8 < mixed_models.fit(*call).loglik - theirs.value < 1e-3, name
