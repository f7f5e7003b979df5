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
from trialpool.figures.catalogue import FOREST
from trialpool.figures.chart import Withheld, drawn
from trialpool.review.report import flag_words


def sheets(
    result: AnalysisResult, tables: Mapping[str, pd.DataFrame]
) -> Iterator[tuple[str, Figure | Withheld]]:
    """Each figure by the name of its file, or why the trials do not allow it.

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
    yield FOREST, forest.draw(lines)
    yield "leave_one_out", drawn(leave_one_out.draw, leave_one_out.rows(influence, result))
    yield "baujat", drawn(baujat.draw, baujat.rows(influence, result))
    yield "gosh", drawn(gosh.draw, gosh.rows(studies, result, influence))
    yield "cumulative", drawn(cumulative.draw, cumulative.rows(tables["cumulative"], result))
    yield "funnel", drawn(funnel.draw, funnel.rows(studies, result))
    yield "missing_effect", drawn(missing_effect.draw, gone)
    yield "priors", drawn(priors.draw, priors.rows(tables["priors"], result))
    yield "specification_curve", drawn(specification_curve.draw, curve)
    yield "subgroups", drawn(subgroups.draw, subgroups.rows(tables["subgroups"], result))
    yield "bubble", drawn(bubble.draw, bubble.rows(tables["regressions"], result))
    yield "next_trial", drawn(next_trial.draw, extended)
