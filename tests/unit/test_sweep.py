"""The result under each assumed correlation."""

from __future__ import annotations

import numpy as np
import pytest

import trialpool as tp
from trialpool.multilevel.aggregate import aggregate
from trialpool.multilevel.covariance import Covariance
from trialpool.multilevel.sweep import RhoFit, combine_and_pool, sweep_rho
from trialpool.results import Array, TrialpoolError

YI, VI = [0.1, 0.5, 0.3, 0.9, 0.2], [0.1, 0.2, 0.15, 0.3, 0.1]
STUDY = ["a", "a", "b", "c", "c"]


def test_each_row_is_a_fit_with_that_correlation() -> None:
    """Sorted by rho; the numbers of combining and pooling."""
    table = sweep_rho(YI, VI, STUDY, [0.8, 0.0, 0.4], combine_and_pool(STUDY, tau2="DL"))
    assert list(table["rho"]) == [0.0, 0.4, 0.8]
    for row in table.itertuples():
        combined = aggregate(YI, VI, STUDY, rho=float(str(row.rho)))
        fit = tp.pool(combined.yi, combined.vi, tau2="DL")
        mine = (row.estimate, row.se, row.ci_low, row.ci_high, row.tau2)
        assert mine == pytest.approx((fit.beta, fit.se, fit.ci_lb, fit.ci_ub, fit.tau2))
    assert table["omega2"].isna().all()


def test_a_fit_that_fails_is_a_row_with_its_reason() -> None:
    """The others stand; rho = 1 cannot be, and a fit may not converge."""

    def fit(yi: Array, V: Covariance) -> RhoFit:
        if V.blocks[0][0, 1] == 0:
            raise TrialpoolError("not converged")
        return RhoFit(estimate=float(yi.mean()))

    table = sweep_rho(YI, VI, STUDY, [0.0, 0.5, 1.0], fit)
    assert list(table["note"]) == ["not converged", "", table["note"][2]]
    assert "have a correlation of 1" in table["note"][2]
    assert list(np.isnan(table["estimate"])) == [True, False, True]


def test_what_is_wrong_with_every_fit_is_an_error() -> None:
    """Not a table of notes."""
    with pytest.raises(TrialpoolError, match="there is no correlation to assume"):
        sweep_rho(YI, VI, STUDY, [], combine_and_pool(STUDY))
    with pytest.raises(TrialpoolError, match="cluster has 2 rows for 5 effects"):
        sweep_rho(YI, VI, STUDY[:2], [0.5], combine_and_pool(STUDY))
