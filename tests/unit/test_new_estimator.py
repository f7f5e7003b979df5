"""A new estimator of tau2 is one function in one file; everything else finds it by its code.

The example is the two-step estimator of DerSimonian & Kacker 2007, Contemp Clin Trials 28:105,
section 4: the moment estimator on the weights that DerSimonian-Laird's tau2 gives.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import bcg
import numpy as np
import pytest
import yaml
from fields import differing
from filled import given
from formulas import projection
from numpy.typing import NDArray
from small import ROOT, SMALL, SmallReview
from test_dose_response import made_up

import trialpool as tp
from trialpool.doseresponse.model import dose_response
from trialpool.multilevel.model import fit as multilevel
from trialpool.multilevel.terms import Nested
from trialpool.network.model import network
from trialpool.pooling.studies import Numbers, Studies
from trialpool.pooling.tau2 import (
    ESTIMATORS,
    FITS,
    Estimator,
    estimate_tau2,
    estimators_of,
    register,
)
from trialpool.results import TrialpoolError
from trialpool.review.protocol.network_spec import NetworkQuestion
from trialpool.review.protocol.problems import ProtocolError
from trialpool.review.protocol.protocol import Review, resolve

Array = NDArray[np.float64]


@pytest.fixture
def code(monkeypatch: pytest.MonkeyPatch) -> str:
    """The code under which the new estimator is registered, for one test."""
    monkeypatch.setitem(ESTIMATORS, "DL2", ESTIMATORS["DL"])  # taken out again afterwards

    @register("DL2", name="two-step DerSimonian-Laird")
    def two_step(s: Studies) -> Numbers:
        # With weights 1/(v + t), E[Q] = df + (tau2 - t) tr(P).
        t = estimate_tau2("DL", s).tau2
        w = s.weights(t)
        return np.maximum(0.0, t + (s.rss(w) - s.df) / s.trace(w))

    return "DL2"


def by_hand(y: Array, v: Array, x: Array) -> float:
    """Equation 6 of that paper in matrices: E[y'Py] = tr(PV) + tau2 tr(P), weights held fixed."""
    t = 0.0
    for _ in range(2):
        p = projection(1 / (v + t), x)
        t = max(0.0, float((y @ p @ y - np.trace(p * v)) / np.trace(p)))
    return t


def config(**model: str) -> dict[str, Any]:
    """The small review with another model."""
    loaded: dict[str, Any] = yaml.safe_load((SMALL / "config/review.yaml").read_text("utf-8"))
    return {**loaded, "defaults": {"model": model}}


def test_pool_knows_it(code: str) -> None:
    """tau2 by the paper's equation; all that hangs on tau2 follows; no formula for its SE."""
    fit = tp.pool(bcg.Y, bcg.V, tau2=code)
    assert fit.tau2 == pytest.approx(by_hand(bcg.Y, bcg.V, np.ones((13, 1))), rel=1e-10)
    w = 1 / (bcg.V + fit.tau2)
    assert fit.beta == pytest.approx(float((w * bcg.Y).sum() / w.sum()), rel=1e-12)
    assert (fit.method, fit.converged, fit.maxima) == (code, True, 1)
    assert set(fit.reasons) == {"se_tau2"}
    assert fit.reasons["se_tau2"] == "no formula"


def test_pool_many_knows_it(code: str) -> None:
    """Ragged sets, one study and two among them: as `pool`, field by field."""
    mask = np.tril(np.ones((13, 13), dtype=bool))
    many = tp.pool_many(bcg.Y, bcg.V, mask, tau2=code)
    for k in range(1, 14):
        one, two = many.row(k - 1), tp.pool(bcg.Y[:k], bcg.V[:k], tau2=code, test="z")
        assert not differing(one, two, floor=1e-14)
        assert one.reasons == two.reasons


def test_regress_knows_it(code: str) -> None:
    """The same function on a design, where P takes the covariates out; R2 by the same estimator."""
    x = np.column_stack([np.ones(13), bcg.LATITUDE])
    fit = tp.regress(bcg.Y, bcg.V, x, tau2=code)
    assert fit.tau2 == pytest.approx(by_hand(bcg.Y, bcg.V, x), rel=1e-9)
    before = tp.pool(bcg.Y, bcg.V, tau2=code).tau2
    assert fit.r2 == pytest.approx(100 * (1 - fit.tau2 / before), rel=1e-9)
    assert fit.reasons["se_tau2"] == "no formula"


def test_a_network_knows_it(code: str) -> None:
    """Of two treatments it is the pairwise analysis; SJ needs a mean and is not offered."""
    fit = network([*range(13)], ["B"] * 13, ["A"] * 13, bcg.Y, np.sqrt(bcg.V), tau2=code)
    assert fit.tau2 == pytest.approx(tp.pool(bcg.Y, bcg.V, tau2=code).tau2, rel=1e-9)
    with pytest.raises(TrialpoolError, match=f"EE, DL, .*, {code}$"):
        network([1], ["B"], ["A"], [0.0], [1.0], tau2="SJ")


# Which of the first ten estimators each kind of model offers, and which of three made-up ones fit
# it besides: one of effects only, one of a likelihood, one of a covariance of coefficients.
OFFERED = {
    "effects": ("EE DL HE HS SJ ML REML PM EB", "mean like"),
    "network": ("EE DL HE HS ML REML PM EB", "like"),
    "dose-response": ("EE ML REML", "like"),
    "dose-response in two stages": ("EE ML REML MM", "like slopes"),
    "multilevel": ("ML REML", "like"),
    "profile likelihood": ("ML REML", "like"),
    "counts": ("EE ML", ""),
    "selection": ("EE ML", ""),
}


@pytest.fixture
def three(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[str, ...]]:
    """`mean` looks at the studies about their mean, `like` is REML, `slopes` halves that of MM.

    What each kind of model offered before.
    """
    before = {model: tuple(estimators_of(model)) for model in FITS}
    mm = ESTIMATORS["MM"].covariance
    assert mm is not None

    def half(coefficients: Array, sampling: Array) -> Array:
        return mm(coefficients, sampling) / 2

    for name, made in (
        ("mean", replace(ESTIMATORS["SJ"], name="mean")),
        ("like", replace(ESTIMATORS["REML"], name="like")),
        ("slopes", Estimator(name="slopes", covariance=half)),
    ):
        monkeypatch.setitem(ESTIMATORS, name, made)
    return before


@pytest.mark.parametrize("model", FITS)
def test_each_kind_of_model_offers_what_fits(three: dict[str, tuple[str, ...]], model: str) -> None:
    """And no more, whatever is registered."""
    first, besides = OFFERED[model]
    ten = {code for codes, _ in OFFERED.values() for code in codes.split()}
    assert [code for code in three[model] if code in ten] == first.split()
    assert estimators_of(model) == (*three[model], *besides.split())


def test_a_likelihood_serves_wherever_there_is_one(three: dict[str, tuple[str, ...]]) -> None:
    """A second REML under another code gives REML's numbers, restricted terms included."""
    trials = made_up(6, 4)
    options: dict[str, Any] = {"random": [Nested("study")], "data": {"study": [*range(13)]}}

    def fits(code: str) -> list[Any]:
        curves = [dose_response(trials, stages=stages, method=code) for stages in (1, 2)]
        levels = multilevel(bcg.Y, bcg.V, method=code, **options)
        pooled = tp.pool(bcg.Y, bcg.V, tau2=code, tau2_ci="PL")
        return [
            *((curve.loglik, float(curve.psi[0, 0])) for curve in curves),
            (levels.loglik, levels.aic, levels.sigma2),
            (pooled.loglik, pooled.aic, pooled.tau2_ci_ub),
        ]

    assert fits("like") == fits("REML") != fits("ML")


def test_a_covariance_of_coefficients_serves_the_second_stage(
    three: dict[str, tuple[str, ...]],
) -> None:
    """There it is taken as it is, without a likelihood; one stage refuses it and says what fits."""
    trials = made_up(6, 4)
    whole, half = (dose_response(trials, stages=2, method=m) for m in ("MM", "slopes"))
    assert whole.psi[0, 0] > 0
    assert half.psi == pytest.approx(whole.psi / 2, rel=1e-12)
    assert np.isnan(half.loglik)
    with pytest.raises(TrialpoolError, match=r"allowed are EE, ML, REML, .*like$"):
        dose_response(trials, stages=1, method="slopes")


def test_the_protocol_accepts_it(code: str) -> None:
    """`tau2: DL2` in the config is valid while the estimator is registered, a network's too."""
    review = resolve(config(tau2=code))
    assert review.defaults.model.tau2 == code
    assert Review.model_validate(review.model_dump(mode="json")) == review
    asked = {"title": "t", "outcome": "o", "measure": "MD", "reference": "a"}
    nodes = {"a": {"drug": ["a"]}, "b": {"drug": ["b"]}}
    assert NetworkQuestion.model_validate({**asked, "nodes": nodes, "tau2": code}).tau2 == code
    with pytest.raises(ValueError, match=f"'EE', 'DL', .* or '{code}'"):
        NetworkQuestion.model_validate({**asked, "nodes": nodes, "tau2": "SJ"})


@pytest.mark.parametrize("value", ["DL2", "reml", None, 3, ["REML"]])
def test_the_protocol_refuses_what_is_not_registered(value: Any) -> None:
    """The message has the key, the value and every code that there is."""
    with pytest.raises(ProtocolError) as caught:
        resolve(config(tau2=value))
    *others, last = (f"'{name}'" for name in estimators_of("effects"))
    assert str(caught.value).splitlines()[1:] == [
        f"defaults.model.tau2 = {value!r}: input should be {', '.join(others)} or {last}"
    ]


def test_the_refusal_lists_it_too(code: str) -> None:
    """A misspelt code is answered with the new one among those allowed, in both places."""
    with pytest.raises(ProtocolError, match=f"'EE', 'DL', .* or '{code}'"):
        resolve(config(tau2="DL-2"))
    with pytest.raises(TrialpoolError, match=f"allowed are EE, .*, {code}; did you mean DL"):
        tp.pool(bcg.Y, bcg.V, tau2="DL-2")


def test_the_review_runs_with_it(code: str, small: SmallReview) -> None:
    """As the protocol's model, and as a row of the sensitivity table that the protocol asks for."""
    path = small.folder / "config/review.yaml"
    other = {"tau2": code, "test": "t"}
    chosen = {"model": {"tau2": code}, "alternatives": [{"tau2": "EE", "test": "z"}, other]}
    loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump({**loaded, "defaults": chosen}), encoding="utf-8")
    small.set("results", 2, "mean", "30")  # heterogeneity, so that estimators differ
    result = small.result("blue", "mood")
    y, v = (result.studies[name].to_numpy(float) for name in ("yi", "vi"))
    expected = tp.pool(y, v, tau2=code, test="hksj")
    assert expected.tau2 > 0
    assert result.result.beside == f"random effects ({code}), Hartung-Knapp (hksj)"
    assert given(result.result.pooled).tau2 == pytest.approx(expected.tau2, rel=1e-12)
    assert result.result.specification["model"]["tau2"] == code
    rows = result.sensitivity[result.sensitivity["group"] == "model"].set_index("label")
    assert list(rows.index[:2]) == ["common effect", "two-step DerSimonian-Laird, t quantile"]
    row = rows.loc["two-step DerSimonian-Laird, t quantile"]
    plain = tp.pool(y, v, tau2=code, test="t")
    assert row["tau2"] == pytest.approx(plain.tau2, rel=1e-12)
    assert (row["estimate"], row["ci_low"]) == pytest.approx((plain.beta, plain.ci_lb), rel=1e-12)
    assert row["model"] == f"random effects ({code}), t quantile"


def test_alternatives_without_a_change_are_those_of_before() -> None:
    """The six models every sensitivity table had, in their order and words."""
    review = resolve(config())
    assert [(a.tau2, a.test) for a in review.defaults.alternatives] == [
        ("EE", "z"), ("DL", "z"), ("PM", "hksj"), ("REML", "z"), ("REML", "knha"),
        ("REML", "hksj"),
    ]  # fmt: skip


def test_alternatives_are_checked_like_the_model() -> None:
    """An unknown estimator among them is named with its place."""
    with pytest.raises(ProtocolError) as caught:
        resolve(config() | {"defaults": {"alternatives": [{"tau2": "XX", "test": "z"}]}})
    line = str(caught.value).splitlines()[1]
    assert line.startswith("defaults.alternatives.0.tau2 = 'XX': input should be 'EE', 'DL'")


def test_the_golden_guard_notices_a_missing_case(
    code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PLACEHOLDER until tests/golden/conformity is merged: skipped as long as it is not there.

    The guard lists estimators and measures without golden numbers; the new one must be on it.
    """
    monkeypatch.syspath_prepend(str(ROOT / "tests/golden"))
    guard = pytest.importorskip("conformity.guard")
    missing = guard.uncovered(ROOT / "tests/golden/data")
    assert code in missing
    assert not missing & ({*estimators_of("effects")} - {code})
