"""Models of counts and RevMan's model in the protocol: what each word asks for, and what it gives.

The trials are those of the made-up review, each several times, so that there are enough for every
table of an analysis.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from small import SMALL, SmallReview, through_csv

import trialpool as tp
from trialpool.diagnostics.fragility import by_counts
from trialpool.diagnostics.multiverse import DataSet, Factor, multiverse
from trialpool.review.accounts.verify import raise_disagreements, verify
from trialpool.review.analysis import Analysed, analyse
from trialpool.review.case import Case
from trialpool.review.fitting.fit import fit
from trialpool.review.fitting.posterior import COUNTS
from trialpool.review.protocol.problems import ProtocolError
from trialpool.review.protocol.protocol import Review, resolve
from trialpool.review.protocol.settings import Model

HARM = ("green", "harm_odds")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallReview:
    return SmallReview(tmp_path_factory.mktemp("small"))


def protocol(**keys: Any) -> dict[str, Any]:
    """The small review's, as YAML gives it, with other keys of the analysis of harm."""
    config = yaml.safe_load((SMALL / "config" / "review.yaml").read_text(encoding="utf-8"))
    config["conditions"]["green"]["analyses"]["harm_odds"].update(keys)
    return dict(config)


def made(small: SmallReview, model: Any, times: int) -> Analysed:
    """The analysis of harm under a model, with each trial so many times."""
    case = Case.of(resolve(protocol(model=model)), *HARM, small.tables("green"))
    effects, trials = case.tables.effects, case.tables.trials
    effects = effects[effects["outcome"] == case.spec.outcome]
    parts = []
    for i in range(times):
        mark, again = f" {i}", effects.assign(year=effects["year"] + i)
        for name in ("trial_id", "effect_id", "study"):
            again[name] += mark
        parts.append((again, trials.assign(trial_id=trials["trial_id"] + mark)))
    both = (pd.concat(each, ignore_index=True) for each in zip(*parts, strict=True))
    tables = replace(case.tables, **dict(zip(("effects", "trials"), both, strict=True)))
    return analyse(replace(case, tables=tables))


@pytest.mark.parametrize(
    ("method", "words", "common"),
    [
        ("MH", "Mantel-Haenszel", True),
        ("Peto", "Peto's method", True),
        ("MH-DL", "Random effects about the Mantel-Haenszel mean", False),
    ],
)
def test_a_model_of_counts_leads_from_five_trials_on(
    small: SmallReview, method: str, words: str, common: bool
) -> None:
    """Its number is `pool_counts`', with its row beside Mantel-Haenszel; all tables are made."""
    done = made(small, {"method": method}, 4)
    columns = [done.studies[name].to_numpy(float) for name in COUNTS]
    pooled = tp.pool_counts(*columns, measure="OR", method=method)
    result = done.result
    assert result.pooled is not None
    assert (result.k, result.pooled.beta) == pytest.approx((12, pooled.beta))
    assert result.model.startswith(words[0].lower() + words[1:] if method == "MH-DL" else words)
    assert (result.display.pi_low > 0) is not common
    rows = done.tables()["sensitivity"].set_index("label")
    led = float(rows["estimate"]["as in the protocol"])
    assert float(rows["estimate"][words]) == led
    assert "Mantel-Haenszel" in rows.index
    first = done.tables()["multiverse"].iloc[0]
    assert first["estimate"] == pytest.approx(led)
    assert first["note"].endswith(": normal quantile")
    beside = "common-effect" if common else "random-effects"
    notes = done.tables()["influence"]["note"]
    assert notes.str.contains(f"the other measures from the inverse-variance {beside}").all()
    raise_disagreements(verify(result, through_csv(done.studies)))


def test_revman_s_variance_of_a_difference_of_risks_goes_with_the_model(
    small: SmallReview,
) -> None:
    """To the result, the multiverse and the search for its fragility; named in the words."""
    studies = made(small, {"method": "MH"}, 4).studies
    columns = [studies[name].to_numpy(float) for name in COUNTS]
    model = Model.model_validate({"method": "MH", "variance": "Greenland-Robins"})
    done = fit(studies, "RD", model)
    theirs = tp.pool_counts(*columns, measure="RD", method="MH", variance="Greenland-Robins")
    assert done.pooled is not None
    assert done.pooled.ci_lb == theirs.ci_lb
    assert theirs.ci_lb != tp.pool_counts(*columns, measure="RD", method="MH").ci_lb
    assert done.words == "Mantel-Haenszel, common effect, Greenland-Robins variance"
    a, n1, c, n2 = columns
    refit = by_counts("RD", method="MH", variance="Greenland-Robins")
    limits = refit(np.atleast_2d(a), n1, np.atleast_2d(c), n2)
    assert limits[0] == pytest.approx([theirs.ci_lb, theirs.ci_ub])
    yi, vi = (studies[name].to_numpy(float) for name in ("yi", "vi"))
    found = multiverse(
        [],
        [DataSet(at=(), yi=yi, vi=vi, k=12, counts=np.column_stack(columns))],
        estimator=Factor(name="estimator", kind="E", levels=("MH",)),
        test=Factor(name="test", kind="E", levels=("z",)),
        measure="RD",
        variance="Greenland-Robins",
    )
    assert (found.ci_lb[0], found.ci_ub[0]) == pytest.approx((theirs.ci_lb, theirs.ci_ub))
    assert "variance" not in Model().model_dump()
    assert model.model_dump()["variance"] == "Greenland-Robins"


def test_few_trials_have_the_bayesian_model_with_the_named_one_beside_it(
    small: SmallReview,
) -> None:
    """Its row stands in the table of other choices, whatever leads."""
    done = made(small, "revman", 1)
    assert done.result.model.startswith("Bayesian")
    assert "with random effects about the Mantel-Haenszel mean beside it" in done.result.policy.rule
    assert "Random effects about the Mantel-Haenszel mean" in set(
        done.tables()["sensitivity"]["label"]
    )


def of(config: dict[str, Any]) -> tuple[Review, Model, Model]:
    """The review, and its models of counts and of scores."""
    review = resolve(config)
    analyses = review.conditions["green"].analyses, review.conditions["blue"].analyses
    scores = next(each for each in analyses[1].values() if each.measure in ("MD", "SMD"))
    return review, review.model_of(analyses[0]["harm_odds"]), review.model_of(scores)


def test_revman_is_one_word_for_counts_and_scores() -> None:
    """MH-DL for counts; DerSimonian-Laird with z for scores, and RevMan's SMD for the review."""
    config = protocol(model=None)
    del config["conditions"]["green"]["analyses"]["harm_odds"]["model"]
    config.setdefault("defaults", {})["model"] = "revman"
    review, counts, scores = of(config)
    assert counts == Model(method="MH-DL", tau2="DL", test="z")
    assert scores == Model(method="IV", tau2="DL", test="z")
    assert (review.defaults.smd.variance, review.defaults.smd.correction) == ("RevMan", "approx")
    assert resolve(review.model_dump(mode="json")) == review
    config["defaults"]["smd"] = {"variance": "LS"}
    review, _, _ = of(config)
    assert (review.defaults.smd.variance, review.defaults.smd.correction) == ("LS", "approx")


def test_revman_of_one_analysis_leaves_the_others() -> None:
    """The word counts for the analysis that has it."""
    review, counts, scores = of(protocol(model="revman"))
    assert counts.method == "MH-DL"
    assert scores == review.defaults.model
    assert review.defaults.smd.variance == "LS"


def with_smd(smd: dict[str, str] | None) -> dict[str, Any]:
    """The word at an analysis of SMDs, in a review that computes them in some way."""
    config = protocol()
    analyses = config["conditions"]["blue"]["analyses"]
    name = next(key for key, each in analyses.items() if each["measure"] in ("MD", "SMD"))
    analyses[name] |= {"measure": "SMD", "model": "revman"}
    config["defaults"] = (config.get("defaults") or {}) | ({"smd": smd} if smd else {})
    return config


def test_revman_of_an_smd_asks_for_revmans_variance() -> None:
    """It is one for the whole review, and never changed behind the back of the others."""
    resolve(with_smd({"variance": "RevMan", "correction": "approx"}))
    with pytest.raises(ProtocolError, match=r"set defaults\.smd to \{variance: RevMan"):
        resolve(with_smd(None))


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"model": "RevMan"}, "'RevMan' is no model; .* or the word revman"),
        ({"model": {"method": "MH-DL", "tau2": "PM"}}, "tau2 = PM: MH-DL has DL; remove it"),
        ({"model": {"method": "MH-DL", "test": "hksj"}}, "test = hksj: MH-DL has z; remove it"),
        ({"model": {"method": "Peto"}, "measure": "RR"}, "method = Peto: .*; it pools OR"),
        ({"effects": "combined"}, "effects = combined: Mantel-Haenszel pools tables of counts"),
        ({"model": "revman", "effects": "che"}, "effects = che: Random effects about the Mantel"),
    ],
)
def test_what_does_not_go_together_is_named(keys: dict[str, Any], told: str) -> None:
    """With the key, and what to do."""
    with pytest.raises(ProtocolError, match=told):
        resolve(protocol(**keys))


@pytest.mark.parametrize("effects", ["one", "all", "lowest", "highest"])
def test_counts_of_one_effect_of_a_trial_are_pooled(effects: str) -> None:
    """Each of these handlings leaves tables of different people."""
    asked = resolve(protocol(effects=effects)).conditions["green"].analyses["harm_odds"]
    assert asked.effects == effects


def test_the_small_protocol_is_where_the_tests_think(tmp_path: Path) -> None:
    """A word in the YAML file itself, as people write it."""
    review = SmallReview(tmp_path)
    review.rewrite("model: {method: MH}", "model: revman")
    assert review.case(*HARM).model.method == "MH-DL"
