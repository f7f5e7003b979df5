"""Covariances of effects that share patients, and effects combined with them."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
import pytest

import trialpool as tp
from trialpool.multilevel.aggregate import aggregate
from trialpool.multilevel.covariance import covariance, from_correlations, smoothed
from trialpool.results import Array, TrialpoolError


def correlation(**columns: Any) -> Array:
    """Correlations of the effects of one study."""
    k = len(next(value for name, value in columns.items() if name not in ("rho", "phi")))
    return covariance(np.ones(k), ["s"] * k, **columns).dense()


def test_one_correlation_within_studies() -> None:
    """Correlation rho within, 0 between; rows of a study need not be neighbours."""
    vi = [0.04, 0.09, 0.01, 0.25]
    found = covariance(vi, ["b", "a", "b", "c"], rho=0.6)
    expected = np.diag(vi)
    expected[0, 2] = expected[2, 0] = 0.6 * 0.2 * 0.1
    np.testing.assert_allclose(found.dense(), expected, rtol=1e-14)
    assert found.labels == ("b", "a", "c")
    assert [list(rows) for rows, _ in found] == [[0, 2], [1], [3]]
    np.testing.assert_allclose(found.inverse()[0] @ found.blocks[0], np.eye(2), atol=1e-12)


def test_scales_and_constructs() -> None:
    """Within a construct the first rho, between constructs the second."""
    found = correlation(
        obs=["HAM", "BDI", "HAM", "STAI"], type=["dep", "dep", "anx", "anx"], rho=(0.7, 0.5)
    )
    expected = [[1, 0.7, 0.5, 0.5], [0.7, 1, 0.5, 0.5], [0.5, 0.5, 1, 0.7], [0.5, 0.5, 0.7, 1]]
    np.testing.assert_allclose(found, expected)


def test_tables_of_correlations() -> None:
    """Pairs in either order; a number beside a table."""
    table = {("BDI", "HAM"): 0.8, ("STAI", "HAM"): 0.3, ("STAI", "BDI"): 0.4}
    found = correlation(obs=["HAM", "BDI", "STAI"], rho=table)
    np.testing.assert_allclose(found, [[1, 0.8, 0.3], [0.8, 1, 0.4], [0.3, 0.4, 1]])
    mixed = correlation(
        obs=["HAM", "BDI", "STAI"], type=["d", "d", "a"], rho=(table, {("a", "d"): 0.2})
    )
    np.testing.assert_allclose(mixed, [[1, 0.8, 0.2], [0.8, 1, 0.2], [0.2, 0.2, 1]])


def test_times_and_constructs_multiply() -> None:
    """phi^|difference| between times, times rho between scales."""
    found = correlation(obs=["a", "a", "b"], time1=[0, 2, 3.5], rho=0.5, phi=0.9)
    a, b, c = 0.9**2, 0.5 * 0.9**3.5, 0.5 * 0.9**1.5
    np.testing.assert_allclose(found, [[1, a, b], [a, 1, c], [b, c, 1]])


def test_a_shared_control_group() -> None:
    """Half where groups are equal; by their sizes where these are known; minus where reversed."""
    np.testing.assert_allclose(correlation(grp1=["x", "y"], grp2=["c", "c"])[0, 1], 0.5)
    np.testing.assert_allclose(correlation(grp1=["x", "c"], grp2=["c", "y"])[0, 1], -0.5)
    sized = correlation(grp1=["x", "y"], grp2=["c", "c"], w1=[10, 40], w2=[20, 20])[0, 1]
    assert sized == pytest.approx((1 / 20) / sqrt((1 / 10 + 1 / 20) * (1 / 40 + 1 / 20)))
    apart = correlation(grp1=["x", "y"], grp2=["c", "d"])
    np.testing.assert_array_equal(apart, np.eye(2))
    separate = correlation(grp1=["x", "y"], time1=[1, 1], phi=0.8)
    np.testing.assert_array_equal(separate, np.eye(2))


def test_contrasts_within_one_group() -> None:
    """Times 2 and 3 against time 1 in the same patients, from cov(a - b, c - d)."""
    phi = 0.7
    found = correlation(grp1=[1, 1], grp2=[1, 1], time1=[2, 3], time2=[1, 1], phi=phi)[0, 1]
    shared = phi - phi**2 - phi + 1
    assert found == pytest.approx(shared / sqrt((2 - 2 * phi) * (2 - 2 * phi**2)))


def test_subgroups_are_independent() -> None:
    """Men and women of one study, two scales each."""
    found = covariance([1] * 4, ["s"] * 4, rho=0.5, subgroup=["m", "f", "m", "f"])
    assert [list(rows) for rows in found.rows] == [[0, 2], [1, 3]]
    assert found.labels == (("s", "m"), ("s", "f"))


def test_known_correlations() -> None:
    """A matrix per study, or the lower triangle in columns beside the effects."""
    vi, cluster = [1, 4, 9, 1], ["a", "b", "a", "c"]
    by_name = from_correlations(vi, cluster, {"a": [[1, 0.3], [0.3, 1]]})
    wide = from_correlations(vi, cluster, [[1, np.nan], [1, np.nan], [0.3, 1], [1, np.nan]])
    assert by_name.dense()[0, 2] == pytest.approx(0.9)
    np.testing.assert_array_equal(by_name.dense(), wide.dense())


def test_smoothed_variances_weigh_the_effects_of_a_study_alike() -> None:
    """Means within studies; what is combined with them is the plain mean."""
    vi, cluster = [0.01, 0.5, 0.2, 0.3], ["a", "b", "a", "a"]
    smooth = smoothed(vi, cluster)
    np.testing.assert_allclose(smooth, [0.17, 0.5, 0.17, 0.17])
    combined = aggregate([1.0, 7.0, 2.0, 6.0], smooth, cluster, rho=0.8)
    np.testing.assert_allclose(combined.yi, [3.0, 7.0])
    sharp = aggregate([1.0, 7.0, 2.0, 6.0], vi, cluster, rho=0.8)
    assert sharp.yi[0] < 1


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({}, "rho is needed: how much two effects"),
        ({"rho": 1.2}, "rho = 1.2: must lie between -1 and 1"),
        ({"rho": 1.0}, "cluster 's', rows 0, 1, 2: effects 0 and 1 have a correlation of 1"),
        ({"rho": -0.6}, "cannot occur together .* least eigenvalue is -0.2"),
        ({"rho": 0.5, "obs": ["a", "b", "a"]}, "effects 0 and 2 have a correlation of 1"),
        ({"rho": (0.5, 0.4), "obs": list("abc")}, "two values of rho need both obs and type"),
        ({"rho": 0.5, "obs": list("abc"), "type": list("xxy")}, "needs two values of rho"),
        ({"rho": (0.1, 0.2, 0.3), "obs": list("abc"), "type": list("xxy")}, "rho has 3 values"),
        ({"rho": {("a", "b"): 0.5}, "obs": list("abc")}, "no correlation for obs 'a' with 'c'"),
        ({"rho": 0.5, "obs": ["a", "", "c"]}, r"obs\[1\] is blank"),
        ({"obs": list("abc")}, "rho is needed with obs or type"),
        ({"rho": 0.5, "time1": [1, 2, 3], "phi": 0.5}, "rho needs obs or type"),
        ({"time1": [1, 2, 3]}, "phi and time1 are needed together"),
        ({"phi": 0.5, "rho": 0.5}, "phi and time1 are needed together"),
        ({"time1": [1, 2, 3], "phi": -0.5}, "phi = -0.5: must lie between 0 and 1"),
        ({"time1": [1, np.nan, 3], "phi": 0.5}, r"time1\[1\] is not a finite number"),
        ({"rho": 0.5, "time2": [1, 2, 3]}, "time2 needs time1"),
        ({"rho": 0.5, "grp2": list("abc")}, "grp2 needs grp1"),
        ({"grp1": list("aab"), "grp2": list("abc")}, "effect 0 compares a group with itself"),
        ({"grp1": list("abc"), "grp2": list("xxx"), "w1": [1, 0, 2]}, "w1 must be > 0"),
        ({"rho": 0.5, "obs": list("ab")}, "obs has 2 rows for 3 effects"),
        ({"rho": 0.5, "w1": [1, 2]}, "w1 has shape"),
        ({"rho": 0.5, "subgroup": ["m", "", "f"]}, r"subgroup\[1\] is blank"),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_refused(columns: dict[str, Any], message: str) -> None:
    """With the cluster and the rows, never made positive definite in silence."""
    with pytest.raises(TrialpoolError, match=message):
        covariance([1.0, 1.0, 1.0], ["s", "s", "s"], **columns)


def test_variances_and_tables_are_checked() -> None:
    """A variance of 0; a table of another size."""
    with pytest.raises(TrialpoolError, match=r"vi\[1\] = 0.0: a sampling variance must be > 0"):
        covariance([1, 0], ["a", "a"], rho=0.5)
    with pytest.raises(TrialpoolError, match="vi must be one column"):
        covariance([], [], rho=0.5)
    with pytest.raises(TrialpoolError, match="cluster 'a': needs a table of 2 by 2"):
        from_correlations([1, 1], ["a", "a"], {})
    with pytest.raises(TrialpoolError, match="a correlation is missing"):
        from_correlations([1, 1], ["a", "a"], [[1, np.nan], [np.nan, 1]])


YI, VI, STUDY = [0.2, 0.6, 0.5, 0.1], [0.04, 0.16, 0.09, 0.25], ["a", "a", "b", "a"]


def test_combined_by_generalised_least_squares() -> None:
    """Worked by matrix algebra for the first study; the other has one effect."""
    found = aggregate(YI, VI, STUDY, rho=0.6)
    rows = [0, 1, 3]
    root = np.sqrt(np.array(VI)[rows])
    w = np.linalg.inv(np.outer(root, root) * (0.4 * np.eye(3) + 0.6))
    assert found.cluster == ("a", "b")
    assert list(found.ki) == [3, 1]
    np.testing.assert_allclose(found.vi, [1 / w.sum(), 0.09], rtol=1e-12)
    np.testing.assert_allclose(found.yi, [w.sum(0) @ np.array(YI)[rows] / w.sum(), 0.5])


def test_plain_mean_and_independent_effects() -> None:
    """Variance v (1 + (n - 1) rho) / n for equal variances; rho = 0 is the common-effect model."""
    mean = aggregate([1, 2, 6], [0.3] * 3, ["s"] * 3, rho=0.5, weighted=False)
    assert (mean.yi[0], mean.vi[0]) == pytest.approx((3, 0.3 * (1 + 2 * 0.5) / 3))
    ours, pooled = aggregate(YI, VI, ["s"] * 4, rho=0), tp.pool(YI, VI, tau2="EE", test="z")
    assert (ours.yi[0], sqrt(ours.vi[0])) == pytest.approx((pooled.beta, pooled.se), rel=1e-12)


def test_combined_with_a_given_covariance() -> None:
    """The same as with rho; subgroups of a study are combined too; arms as tuples."""
    arms = [("t", "x"), ("t", "x"), ("u", "x"), ("t", "x")]
    by_rho = aggregate(YI, VI, arms, rho=0.6)
    by_v = aggregate(YI, VI, arms, V=covariance(VI, arms, rho=0.6))
    np.testing.assert_array_equal(by_rho.yi, by_v.yi)
    assert by_rho.cluster == (("t", "x"), ("u", "x"))
    parts = covariance(VI, ["s"] * 4, rho=0.6, subgroup=STUDY)
    whole, first = aggregate(YI, VI, ["s"] * 4, V=parts), aggregate(YI, VI, STUDY, rho=0.6)
    assert 1 / whole.vi[0] == pytest.approx((1 / first.vi).sum(), rel=1e-12)


def test_how_effects_correlate_must_be_said() -> None:
    """Neither nor both; a covariance of other effects or across studies."""
    v = covariance(VI, ["s"] * 4, rho=0.5)
    for given in ({}, {"rho": 0.5, "V": v}):
        with pytest.raises(TrialpoolError, match="one of rho and V"):
            aggregate(YI, VI, STUDY, **given)  # type: ignore[arg-type]
    with pytest.raises(TrialpoolError, match="share a block but not a cluster"):
        aggregate(YI, VI, STUDY, V=v)
    with pytest.raises(TrialpoolError, match="V is of 4 effects, yi has 3"):
        aggregate(YI[:3], VI[:3], STUDY[:3], V=v)
