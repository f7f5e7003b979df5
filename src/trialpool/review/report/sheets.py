"""All figures of one analysis, drawn from its tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from trialpool.analysis_result import AnalysisResult
from trialpool.diagnostics.trim_and_fill import trim_and_fill
from trialpool.figures import (
    baujat,
    bubble,
    cumulative,
    forest,
    funnel,
    gosh,
    leave_one_out,
    missing_effect,
    next_trial,
    priors,
    specification_curve,
    subgroups,
)
from trialpool.tables import plain
from trialpool.typed_json import to_json

Held = Mapping[str, pd.DataFrame]


def draw_all(result: AnalysisResult, held: Held) -> Iterator[tuple[str, Figure]]:
    """Each figure by the name of its file; one that k does not allow says so.

    Parameters
    ----------
    result : of the analysis
    held : tables by file name: studies, missing, risk_of_bias, and those of how far to trust it
    """
    model = plain(to_json(result))
    trust, studies = model["trust"], held["studies"]
    by_prior = priors.rows(held["priors"], model)
    gone = missing_effect.rows(held["missing_effect"], trust["missing_effect"], model)
    extended = next_trial.rows(studies, trust["next_trial"], model)
    curve = specification_curve.rows(held["multiverse"], model)
    without = held["influence"]
    # A reader of the forest is told what a flag means, not what its check is called.
    flagged = studies.assign(flags=studies["flag_words"])
    lines = forest.rows(flagged, model, held["missing"], held["risk_of_bias"])
    yield "forest", forest.draw(lines)
    yield "leave_one_out", leave_one_out.draw(leave_one_out.rows(without, model))
    yield "baujat", baujat.draw(baujat.rows(without, model))
    yield "gosh", gosh.draw(gosh.rows(studies, model, without))
    yield "cumulative", cumulative.draw(cumulative.rows(held["cumulative"], model))
    yield "funnel", funnel.draw(funnel.rows(studies, model, _filled(studies, model)))
    yield "missing_effect", missing_effect.draw(gone)
    yield "priors", priors.draw(by_prior)
    yield "specification_curve", specification_curve.draw(curve)
    yield "subgroups", subgroups.draw(subgroups.rows(held["subgroups"], model))
    yield "bubble", bubble.draw(bubble.rows(held["regressions"], model))
    yield "next_trial", next_trial.draw(extended)


def _filled(studies: pd.DataFrame, model: Mapping[str, Any]) -> pd.DataFrame | None:
    """What trim-and-fill adds, where the number of trials allows to ask."""
    if "asymmetry tests" in model["policy"]["withheld"]:
        return None
    yi, vi = (studies[name].to_numpy(float) for name in ("yi", "vi"))
    found = trim_and_fill(yi, vi)
    return pd.DataFrame({"yi": found.yi_filled, "vi": found.vi_filled})
