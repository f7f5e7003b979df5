"""The second route sees a wrong number wherever a reader would."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from small import SmallReview, through_csv

from trialpool import typed_json
from trialpool.analysis_result import AnalysisResult, DisplayedResult
from trialpool.review.accounts.verify import DisagreementError, raise_disagreements, verify
from trialpool.review.fitting.fit import fit
from trialpool.review.protocol.settings import Model

# The model that leads with so few trials, and the protocol's, which would with more.
LEADING = [("blue", "mood"), ("green", "mood")]
EXACT = [("blue", "harm"), ("green", "harm_odds")]
ANALYSES = [
    *((*name, False) for name in LEADING),
    *((*name, True) for name in (LEADING[0], *EXACT)),
]


def stored(
    small: SmallReview, condition: str, name: str, folder: Path, *, by_protocol: bool = False
) -> tuple[AnalysisResult, pd.DataFrame]:
    """An analysis as it stands in its files."""
    made = small.result(condition, name)
    result = as_protocol(made.result, made.studies) if by_protocol else made.result
    typed_json.write(folder / "model.json", result)
    return typed_json.read(folder / "model.json", AnalysisResult), through_csv(made.studies)


def as_protocol(result: AnalysisResult, studies: pd.DataFrame) -> AnalysisResult:
    """The same analysis had the protocol's own model led."""
    model = Model.model_validate(result.specification["model"])
    own = fit(studies, result.measure, model)
    assert own.pooled is not None
    return replace(
        result,
        display=DisplayedResult(**{f.name: getattr(own, f.name) for f in fields(DisplayedResult)}),
        policy=replace(result.policy, bayesian=False),
        reasons=own.pooled.reasons,
    )


def off(result: AnalysisResult, field: str) -> AnalysisResult:
    """A shown number wrong by 1 in 1,000."""
    wrong: Any = 1.001 * getattr(result.display, field)
    return replace(result, display=replace(result.display, **{field: wrong}))


@pytest.mark.parametrize(("condition", "name", "by_protocol"), ANALYSES)
def test_the_second_route_agrees(
    small: SmallReview, tmp_path: Path, condition: str, name: str, by_protocol: bool
) -> None:
    """Posteriors, random effects, Mantel-Haenszel: nothing disagrees, and limits are compared."""
    result, studies = stored(small, condition, name, tmp_path, by_protocol=by_protocol)
    table = verify(result, studies)
    raise_disagreements(table)
    agreed = set(table[table["verdict"] == "agree"]["quantity"])
    of_posterior = {"pi_low", "pi_high"} if result.policy.bayesian else {"p_value"}
    assert {"k", "n", "estimate", "ci_low", "ci_high", "inputs", *of_posterior} <= agreed


@pytest.mark.parametrize(("condition", "name"), EXACT)
def test_a_posterior_of_the_exact_likelihood_is_not_covered(
    small: SmallReview, tmp_path: Path, condition: str, name: str
) -> None:
    """Statsmodels has none; tests integrate it another way."""
    result, studies = stored(small, condition, name, tmp_path)
    table = verify(result, studies).set_index("quantity")
    for quantity in ("estimate", "ci_low", "ci_high", "pi_low"):
        assert table.loc[quantity, "verdict"] == "not covered"
        assert "exact likelihood" in str(table.loc[quantity, "note"])
    assert table.loc["inputs", "verdict"] == "agree"


@pytest.mark.parametrize("field", ["estimate", "ci_low", "ci_high", "p_value", "pi_low", "pi_high"])
@pytest.mark.parametrize(("condition", "name", "by_protocol"), ANALYSES)
def test_any_shown_number_that_is_off_is_found(
    small: SmallReview, tmp_path: Path, condition: str, name: str, by_protocol: bool, field: str
) -> None:
    """A relative error of 1 in 1,000 in any number of summary.csv stops the run."""
    result, studies = stored(small, condition, name, tmp_path, by_protocol=by_protocol)
    if math.isnan(getattr(result.display, field)):
        # A posterior has no p value; Mantel-Haenszel and a single trial predict nothing.
        assert (field == "p_value") if result.policy.bayesian else field.startswith("pi_")
        return
    wrong = off(result, field)
    with pytest.raises(DisagreementError, match=f"{condition}/{name}, {field}: trialpool"):
        raise_disagreements(verify(wrong, studies))


@pytest.mark.parametrize("prediction", ["k-1", "k-2"])
def test_a_prediction_interval_is_compared_with_the_protocols_degrees_of_freedom(
    small: SmallReview, tmp_path: Path, prediction: str
) -> None:
    path = small.folder / "config" / "review.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    config.setdefault("defaults", {}).setdefault("model", {})["prediction"] = prediction
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    result, studies = stored(small, "blue", "mood", tmp_path, by_protocol=True)
    assert result.pooled is not None
    assert result.pooled.pi_method == prediction
    table = verify(result, studies).set_index("quantity")
    raise_disagreements(table.reset_index())
    assert table["verdict"][["pi_low", "pi_high"]].tolist() == ["agree", "agree"]
    for field in ("pi_low", "pi_high"):
        with pytest.raises(DisagreementError, match=field):
            raise_disagreements(verify(off(result, field), studies))


def test_of_a_pooled_risk_ratio_the_second_route_has_the_estimate_only(
    small: SmallReview, tmp_path: Path
) -> None:
    """Its limits are not covered, which is said; its estimate is, and a wrong one is seen."""
    path = small.folder / "config" / "review.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("measure: OR", "measure: RR", 1), encoding="utf-8")
    result, studies = stored(small, "green", "harm_odds", tmp_path, by_protocol=True)
    table = verify(result, studies).set_index("quantity")
    raise_disagreements(table.reset_index())
    assert table["verdict"]["estimate"] == "agree"
    why = table["note"]["ci_low"]
    assert why == "statsmodels has no variance of the pooled risk ratio"
    with pytest.raises(DisagreementError, match="estimate"):
        raise_disagreements(verify(off(result, "estimate"), studies))


@pytest.mark.parametrize("field", ["k", "n", "inputs_sha256"])
def test_a_model_of_other_studies_is_found(small: SmallReview, tmp_path: Path, field: str) -> None:
    """The model and the studies table belong together."""
    result, studies = stored(small, "blue", "mood", tmp_path)
    other: Any = "0" if field == "inputs_sha256" else getattr(result, field) + 1
    with pytest.raises(DisagreementError):
        raise_disagreements(verify(replace(result, **{field: other}), studies))


def test_a_single_trial_is_compared_too(small: SmallReview, tmp_path: Path) -> None:
    """With k = 1 the trial's own interval is what readers see."""
    rows = small.rows("results")
    small.write("results", [rows[0], *(row for row in rows[1:] if row[0] == "Ash")])
    result, studies = stored(small, "blue", "mood", tmp_path)
    assert result.k == 1
    raise_disagreements(verify(result, studies))
    with pytest.raises(DisagreementError, match="ci_low"):
        raise_disagreements(verify(off(result, "ci_low"), studies))


def test_no_events_at_all_is_not_a_crash(small: SmallReview, tmp_path: Path) -> None:
    """No control events anywhere: the Mantel-Haenszel odds ratio does not exist."""
    for row in (12, 13, 14, 15, 16):
        rows = small.rows("results", "green")
        if (
            rows[row - 1][rows[0].index("arm_id")] == "control"
            and rows[row - 1][rows[0].index("event")]
        ):
            small.set("results", row, "event", "0", condition="green")
    small.set("results", 11, "event", "0", condition="green")
    result, studies = stored(small, "green", "harm_odds", tmp_path)
    assert math.isnan(result.display.estimate)
    assert math.isnan(result.display.ci_low)
    assert not result.policy.bayesian
    assert result.posterior is None
    assert result.policy.withheld["Bayesian analysis"] == result.reasons["beta"] != ""
    raise_disagreements(verify(result, studies))
