"""Coverage by simulation: known cases, the same numbers as `pool_many`, honest words."""

from __future__ import annotations

import math
from math import isnan
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cases import case

from trialpool.bayes import normal_normal
from trialpool.diagnostics import sampling
from trialpool.diagnostics.coverage import Coverage, Method, intervals, simulate
from trialpool.pooling.batch import pool_many
from trialpool.results import Array, TrialpoolError
from trialpool.review.protocol.settings import ALTERNATIVES, Defaults, Model
from trialpool.review.schema.trust import COVERAGE
from trialpool.review.trust.coverage import COUNTS_ALONE, coverage, plausible
from trialpool.review.trust.facts import of_coverage
from trialpool.tables import write_table

REML_Z, REML_HKSJ, EE = Method("REML", "z"), Method("REML", "hksj"), Method("EE", "z")
EVERY = [Method(a.tau2, a.test) for a in ALTERNATIVES]


def by_kind(rows: list[Coverage]) -> dict[tuple[Method, str], Coverage]:
    return {(row.method, row.interval): row for row in rows}


def close(row: Coverage, p: float) -> bool:
    """Within four Monte Carlo standard errors of a known coverage."""
    return abs(row.coverage - p) < 4 * math.sqrt(p * (1 - p) / row.intervals)


def test_many_trials_of_one_size_cover_what_they_claim() -> None:
    """40 trials, 10,000 sets: 95 % for mu with Hartung-Knapp, and for a new trial's effect."""
    found = by_kind(
        simulate(sampling.known_variances(np.full(40, 0.1)), 40, 0.3, 0.2, [Method("REML", "knha")])
    )
    assert close(found[Method("REML", "knha"), "confidence"], 0.95)
    prediction = found[Method("REML", "knha"), "prediction"]
    assert prediction.coverage == pytest.approx(0.95, abs=0.015)


def test_the_common_effect_has_a_closed_form() -> None:
    """With equal variances v the mean has variance (v + tau2)/k, the interval assumes v/k."""
    v, tau2, k = 0.1, 0.15, 3
    (row,) = simulate(sampling.known_variances(np.full(k, v)), k, -1.0, tau2, [EE])
    inside = math.erf(1.959963984540054 * math.sqrt(v / (v + tau2)) / math.sqrt(2))
    assert close(row, inside)
    assert row.mean_width == pytest.approx(2 * 1.959963984540054 * math.sqrt(v / k), rel=1e-12)
    (free,) = simulate(sampling.known_variances(np.full(k, v)), k, -1.0, 0.0, [EE])
    assert close(free, 0.95)
    assert free.mc_se == pytest.approx(
        math.sqrt(free.coverage * (1 - free.coverage) / 10_000), rel=1e-12
    )


def test_knapp_hartung_is_exact_for_trials_of_one_size() -> None:
    """Equal variances: t with k - 1 degrees of freedom whatever tau2, down to k = 2."""
    for k in (2, 3):
        found = simulate(
            sampling.known_variances(np.full(k, 0.2)), k, 0.0, 0.3, [Method("DL", "knha")]
        )
        assert close(found[0], 0.95)


def test_hartung_knapp_beats_the_normal_quantile_with_three_trials() -> None:
    """Unequal trials and real heterogeneity (IntHout 2014): z falls short, hksj does not."""
    found = by_kind(
        simulate(
            sampling.known_variances(np.array([0.05, 0.2, 0.4])), 3, 0.0, 0.3, [REML_Z, REML_HKSJ]
        )
    )
    z, hksj = (found[m, "confidence"] for m in (REML_Z, REML_HKSJ))
    assert z.coverage < 0.9
    assert hksj.coverage > 0.93
    assert hksj.mean_width > z.mean_width


def test_one_large_and_one_small_trial() -> None:
    """IntHout 2014: error of DL above 30 %, of Knapp-Hartung at most about doubled."""
    draw = sampling.known_variances(np.array([0.01, 0.1]))
    dl, knha = simulate(draw, 2, 0.0, 0.5, [Method("DL", "z"), Method("DL", "knha")])
    assert dl.coverage < 0.75
    assert knha.coverage > 0.9


@pytest.mark.parametrize("masked", [False, True])
def test_intervals_are_those_of_pool_many(masked: bool) -> None:
    """Every estimator and test, to rounding; sets with gaps too."""
    rng = np.random.default_rng(5)
    y, v = rng.normal(size=(4, 300)), rng.uniform(0.02, 0.5, (4, 300))
    used = None
    if masked:
        used = rng.random((4, 300)) > 0.25
        used[:2] = True
    methods = [*EVERY, Method("HE", "t"), Method("SJ", "knha"), Method("ML", "z")]
    for found in intervals(sampling.Drawn(y, v, used), methods, level=0.9, pi="k-2"):
        code, test, _ = found.method
        many = pool_many(
            y.T, v.T, None if used is None else used.T, tau2=code, test=test, level=0.9, pi="k-2"
        )
        low, high = (
            (many.ci_lb, many.ci_ub) if found.kind == "confidence" else (many.pi_lb, many.pi_ub)
        )
        assert found.centre - found.half == pytest.approx(low, rel=1e-9, abs=1e-9, nan_ok=True)
        assert found.centre + found.half == pytest.approx(high, rel=1e-9, abs=1e-9, nan_ok=True)


def test_seeds_and_common_random_numbers() -> None:
    """The same seed gives the same numbers, whatever else is asked for; another seed others."""
    draw = sampling.known_variances(np.array([0.1, 0.2, 0.3]))
    alone = simulate(draw, 3, 0.0, 0.1, [REML_HKSJ], replicates=500)
    among = by_kind(simulate(draw, 3, 0.0, 0.1, EVERY, replicates=500))
    assert alone == [among[REML_HKSJ, kind] for kind in ("confidence", "prediction")]
    assert alone != simulate(draw, 3, 0.0, 0.1, [REML_HKSJ], replicates=500, seed=1)


def test_drawn_arms_have_the_effects_and_variances_they_should() -> None:
    """Hedges' g is unbiased, the mean difference too; log odds ratios are close with many people.

    The mean of the variances agrees with the variance of the draws.
    """
    rng, size = np.random.default_rng(3), 40_000
    theta = np.full((2, size), -0.6)
    n = np.array([12.0, 20.0])
    smd = sampling.standardised(n, n, variance="UB", correction="exact")(rng, theta)
    raw = sampling.raw_difference(n, np.array([8.0, 5.0]), n, np.array([6.0, 7.0]))(rng, theta)
    big = np.array([3000.0, 5000.0])
    odds = sampling.counts("OR", big, big, np.array([0.2, 0.4]))(rng, theta)
    risk = sampling.counts("RR", big, big, np.array([0.2, 0.4]))(rng, theta)
    for drawn in (smd, raw, odds, risk):
        spread = drawn.y.std(axis=1)
        assert (np.abs(drawn.y.mean(axis=1) + 0.6) < 5 * spread / math.sqrt(size) + 5e-4).all()
        assert drawn.v.mean(axis=1) == pytest.approx(spread**2, rel=0.05)


def test_trials_without_events_drop_out_of_a_set() -> None:
    """Rare events: some sets keep fewer than two trials; they count as failed, not as wrong."""
    n = np.array([10.0, 12.0, 15.0])
    draw = sampling.counts("OR", n, n, np.array([0.01, 0.02, 0.02]))
    found = by_kind(simulate(draw, 3, 0.0, 0.0, [REML_HKSJ], replicates=2000))
    row, new = (found[REML_HKSJ, kind] for kind in ("confidence", "prediction"))
    assert row.failed > 0
    assert row.intervals + row.failed == 2000
    assert new.failed > row.failed  # two trials give no prediction interval
    assert 0.95 < row.coverage <= 1


def test_a_set_without_any_interval_has_no_coverage() -> None:
    """No events ever: nothing to count, and nothing is called 0 %."""
    n = np.array([5.0, 5.0])
    (row,) = simulate(
        sampling.counts("RR", n, n, np.array([1e-9, 1e-9])), 2, 0.0, 0.0, [EE], replicates=50
    )
    assert row.failed == 50
    assert math.isnan(row.coverage)
    assert math.isnan(row.mc_se)
    assert math.isnan(row.mean_width)


@pytest.mark.parametrize(
    ("k", "options", "message"),
    [
        (1, {}, "k = 1: one trial"),
        (3, {"tau2": -0.1}, "tau2 = -0.1"),
        (3, {"mu": math.nan}, "mu = nan"),
        (3, {"replicates": 0}, "replicates = 0"),
        (3, {"level": 95.0}, "level = 95"),
        (3, {"pi": "k"}, "pi = 'k'"),
        (3, {"methods": [Method("XX", "z")]}, "tau2 = 'XX'"),
        (3, {"methods": [Method("DL", "zz")]}, "test = 'zz'"),
    ],
)
def test_bad_settings(k: int, options: dict[str, object], message: str) -> None:
    """The setting and its value are named."""
    given: dict[str, object] = {"mu": 0.0, "tau2": 0.1, "methods": [EE]} | options
    draw = sampling.known_variances(np.ones(k))
    with pytest.raises(TrialpoolError, match=message):
        simulate(draw, k, **given)  # type: ignore[arg-type]


# -- of a review's analysis ------------------------------------------------------------------


def studies(yi: list[float], vi: list[float], **columns: object) -> pd.DataFrame:
    k = len(yi)
    base: dict[str, object] = {
        "trial_id": [f"T{i}" for i in range(k)], "yi": yi, "vi": vi, "basis": "arms",
        "design": "parallel", "n_experimental": 20.0, "n_control": 22.0,
        "sd_experimental": 8.0, "sd_control": 9.0, "totaln_experimental": 30.0,
        "event_control": 6.0, "totaln_control": 30.0,
    }  # fmt: skip
    return pd.DataFrame(base | columns, index=range(k))


def table(measure: str = "SMD", k: int = 3, **columns: object) -> pd.DataFrame:
    yi, vi = [-0.55, -1.10, -0.20, 0.1][:k], [0.12, 0.15, 0.15, 0.2][:k]
    beliefs = None if k < 2 or measure in ("MD", "RD") else normal_normal(yi, vi)
    return coverage(case(measure), studies(yi, vi, **columns), beliefs, replicates=400)


def test_the_table_of_an_analysis() -> None:
    """Three values of tau2, each method once, the shown one first; widths and errors rounded."""
    found = table()
    assert tuple(found.columns) == COVERAGE.names
    assert list(found["tau2_is"].drop_duplicates()) == [
        "no heterogeneity", "estimate (REML)",
        "upper end of the 95 % posterior (tau half-normal(0.5))",
    ]  # fmt: skip
    first = found[found["tau2"] == 0]
    # The posterior and six models, five of them with a prediction interval.
    assert len(first) == 12
    shown = first[first["shown"] == "yes"]
    assert set(shown["method"]) == {"Bayesian random effects, half-normal(0.5) prior of tau"}
    assert list(shown["interval"]) == ["confidence"]
    assert list(first.index[first["shown"] == "yes"]) == [0]
    assert (found["coverage"] * 400 == (found["coverage"] * 400).round()).all()
    assert all(float(f"{w:.4g}") == w for w in found["width_mean"])
    assert set(found["sampling"]) == {
        "normal scores in two arms, SMD and variance computed from each draw"
    }


def test_the_model_that_leads_is_shown() -> None:
    """Two trials: the posterior; differences in points have none, and share one effect."""
    for measure, shown in (
        ("SMD", "Bayesian random effects, half-normal(0.5) prior of tau"),
        ("MD", "common effect, normal quantile"),
    ):
        found = table(measure, k=2)
        assert set(found.loc[found["shown"] == "yes", "method"]) == {shown}
        common = found[found["method"] == "common effect, normal quantile"]
        assert common["coverage"].is_monotonic_decreasing


@pytest.mark.parametrize(("events", "shown"), [(9.0, "no"), (None, "yes")])
def test_what_was_simulated_by_another_likelihood_is_not_the_shown_interval(
    events: float | None, shown: str
) -> None:
    """By whole counts the shown interval is by their exact likelihood, which is not simulated."""
    found = table("RR", event_experimental=events)
    led = found[found["method"].str.startswith("Bayesian random effects")]
    assert set(led["shown"]) == {shown}
    facts = of_coverage(found)
    assert facts is not None
    assert (facts.confidence is None) == (shown == "no")


def test_one_trial_and_none_are_withheld_with_the_reason() -> None:
    """One row that says why, and no number."""
    for k in (0, 1):
        (row,) = table(k=k).to_dict("records")
        assert row["note"] == f"k = {k}: needs at least 2 trials"
        assert isnan(row["coverage"])


def test_ratios_have_widths_as_ratios_of_limits() -> None:
    """A common effect with known variances: exp of the width of the log."""
    found = table("OR", basis="contrast")
    row = found[found["method"].str.startswith("common") & (found["tau2"] == 0)].iloc[0]
    w = 1 / np.array([0.12, 0.15, 0.15])
    assert row["width_mean"] == pytest.approx(
        math.exp(2 * 1.959963984540054 / math.sqrt(w.sum())), rel=1e-3
    )
    assert row["width_is"] == "upper limit / lower limit"
    assert row["sampling"] == "normal effects with known variances"


@pytest.mark.parametrize(
    ("code", "ratio", "said"),
    [
        ("PLO", False, "upper - lower limit, scale of logit"),
        ("ZCOR", False, "upper - lower limit, scale of Fisher's z"),
        ("IRLN", True, "upper limit / lower limit"),
        ("SMD", False, "upper - lower limit"),
    ],
)
def test_a_width_says_of_which_scale_it_is(code: str, ratio: bool, said: str) -> None:
    """A width in logits is no difference of proportions; one of logs is a ratio of any measure."""
    rows = studies([0.1, 0.2, 0.3], [0.12, 0.15, 0.15], basis="contrast")
    found = coverage(case(code), rows, None, replicates=50)
    first = found[found["method"].str.startswith("common") & (found["tau2"] == 0)].iloc[0]
    width = 2 * 1.959963984540054 / math.sqrt(1 / 0.12 + 2 / 0.15)
    assert first["width_is"] == said
    assert first["width_mean"] == pytest.approx(math.exp(width) if ratio else width, rel=1e-3)


def test_how_results_are_drawn_is_said_per_trial() -> None:
    """Paired crossover trials and reported contrasts keep their known variance."""
    found = table(design=["parallel", "crossover, paired", "crossover, first period"])
    assert set(found["sampling"]) == {
        "normal scores in two arms, SMD and variance computed from each draw (2 of 3 trials); "
        "normal effects with known variances (the others)"
    }
    assert "difference" in set(table("MD")["sampling"]).pop()
    assert set(table("RD")["sampling"]) == {"normal effects with known variances"}


def test_a_risk_ratio_never_draws_risks_above_one() -> None:
    """Where true ratios would put risks above 1, the normal model stands in, and that is said."""
    found = table("RR", event_control=18.0)
    low, high = (found.loc[found["tau2"] == t, "sampling"].iloc[0]
                 for t in (0, found["tau2"].max()))  # fmt: skip
    assert low.startswith("binomial counts")
    assert high.endswith("risk ratios would put risks above 1")
    assert sampling.beyond_one(np.array([0.5]), 0.0, 0.0) == 0
    assert sampling.beyond_one(np.array([0.5]), math.log(2), 0.3) == pytest.approx(0.5)


def test_mantel_haenszel_is_named_as_not_simulated() -> None:
    """The alternatives stand, none is called the shown one, and every row says why."""
    yi, vi = [0.3, 0.1, -0.2, 0.4, 0.2], [0.2, 0.3, 0.4, 0.3, 0.2]
    counts = Model(method="MH")
    found = coverage(case("OR", counts), studies(yi, vi), normal_normal(yi, vi), replicates=200)
    assert set(found["shown"]) == {"no"}
    assert found["note"].str.startswith("Mantel-Haenszel is not simulated").all()
    (alone,) = coverage(
        case("OR", counts, defaults=Defaults(alternatives=())), studies(yi, vi), None
    ).to_dict("records")
    assert alone["note"] == COUNTS_ALONE.format(by="Mantel-Haenszel")


def test_rows_that_share_a_control_are_said_to_be_drawn_apart() -> None:
    """Three rows of two trials: the posterior leads, as the policy counts trials."""
    found = table(trial_id=["T0", "T0", "T1"])
    assert found["method"].iloc[0].startswith("Bayesian random effects")
    assert found["note"].str.contains("share a control").all()


def test_plausible_values_of_tau2() -> None:
    """Estimate or posterior median; the Q-profile end, cut where it is absurd."""
    y, v = np.array([-0.5, -0.52, -0.48]), np.array([0.12, 0.15, 0.15])
    alike = plausible(y, v, "REML", normal_normal(y, v))
    assert alike[1].words == "posterior median of tau (tau half-normal(0.5))"
    assert [t.tau2 for t in alike] == sorted(t.tau2 for t in alike)
    far = np.array([-3.0, 0.0, 3.0])
    wide = plausible(far, v, "DL", normal_normal(far, v))
    assert wide[1].words == "estimate (DL)"
    assert wide[2].words == "upper end of the 95 % interval (Q-profile)"
    bare = plausible(np.array([-0.5, -0.9, -0.2]), v, "EE", None)
    assert bare[-1].words == "I2 of 75 %"
    w: Array = 1 / v
    typical = 2 / (w.sum() - (w**2).sum() / w.sum())
    assert bare[-1].tau2 / (bare[-1].tau2 + typical) == pytest.approx(0.75)


def test_the_same_bytes_every_time(tmp_path: Path) -> None:
    """Two runs, one file."""
    paths = [tmp_path / name for name in ("a.csv", "b.csv")]
    for path in paths:
        write_table(path, table(), COVERAGE)
    assert paths[0].read_bytes() == paths[1].read_bytes()
