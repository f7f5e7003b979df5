"""All figures of one analysis, drawn from its tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd
from matplotlib.figure import Figure

from trialpool.analysis_result import AnalysisResult
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
from trialpool.review.report import flag_words


def draw_all(
    result: AnalysisResult, tables: Mapping[str, pd.DataFrame]
) -> Iterator[tuple[str, Figure]]:
    """Each figure by the name of its file; one that k does not allow says so.

    Parameters
    ----------
    result : of the analysis
    tables : by file name: studies, missing, flags, risk_of_bias, and those of how far to trust it
    """
    studies, influence = tables["studies"], tables["influence"]
    trust, summary = result.trust, result.multiverse
    flagged = flag_words.explained(studies, tables["flags"])
    lines = forest.rows(flagged, result, tables["missing"], tables["risk_of_bias"])
    gone = missing_effect.rows(tables["missing_effect"], trust.missing_effect, result)
    curve = specification_curve.rows(tables["multiverse"], summary, result)
    extended = next_trial.rows(studies, trust.next_trial, result.display, result)
    yield "forest", forest.draw(lines)
    yield "leave_one_out", leave_one_out.draw(leave_one_out.rows(influence, result))
    yield "baujat", baujat.draw(baujat.rows(influence, result))
    yield "gosh", gosh.draw(gosh.rows(studies, result, influence))
    yield "cumulative", cumulative.draw(cumulative.rows(tables["cumulative"], result))
    yield "funnel", funnel.draw(funnel.rows(studies, result))
    yield "missing_effect", missing_effect.draw(gone)
    yield "priors", priors.draw(priors.rows(tables["priors"], result))
    yield "specification_curve", specification_curve.draw(curve)
    yield "subgroups", subgroups.draw(subgroups.rows(tables["subgroups"], result))
    yield "bubble", bubble.draw(bubble.rows(tables["regressions"], result))
    yield "next_trial", next_trial.draw(extended)
