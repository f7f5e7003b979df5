"""All figures of one analysis, drawn from its tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from trialpool.figures import (
    baujat,
    cumulative,
    forest,
    funnel,
    gosh,
    leave_one_out,
    missing_effect,
    next_trial,
    priors,
    specification_curve,
)

Model = Mapping[str, Any]
Tables = Mapping[str, pd.DataFrame]


def draw_all(model: Model, held: Tables) -> Iterator[tuple[str, Figure]]:
    """Each figure by the name of its file; one that k does not allow says so.

    Parameters
    ----------
    model : model.json
    held : tables by file name: studies, missing, risk_of_bias, and those of how far to trust it
    """
    bias = held["risk_of_bias"]
    yield "forest", forest.draw(forest.rows(held["studies"], model, held["missing"], bias))
    for name, draw in _CHARTS.items():
        yield name, draw(model, held)
