"""Shrinkage estimates in the forest plot: on request only, each below its own trial."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from figure_checks import bytes_of, outside, overlaps
from forest_cases import case, counts, scores
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from trialpool.figures.forest import ForestTable, draw, rows

THETA = {"theta": [-0.7, -0.4, -0.5], "theta_lb": [-1.2, -0.9, -9.0], "theta_ub": [-0.1, 0.2, 0.1]}
POSTERIOR = THETA | {"prior": "mu flat, tau half-normal(0.5)", "level": 0.95}
ON: dict[str, Any] = {"forest": {"shrinkage": True}, "posterior": POSTERIOR}


def table(k: int = 3, *, ratio: bool = False, **changes: Any) -> ForestTable:
    one = case(counts(k) if ratio else scores(k), **changes)
    return rows(one.studies, one.result, one.missing, one.risk_of_bias)


def by_label(fig: Figure, label: str) -> list[Line2D]:
    return [line for ax in fig.axes for line in ax.lines if line.get_label() == label]


def test_nothing_changes_unless_it_is_asked_for(tmp_path: Path) -> None:
    """A posterior alone, and a switch that is off, leave every byte as it was."""
    plain = bytes_of(draw(table()), tmp_path)
    off = table(forest={"shrinkage": False}, posterior=POSTERIOR)
    assert off.shrunken == ()
    assert bytes_of(draw(off), tmp_path) == plain


def test_each_true_effect_stands_below_its_trial() -> None:
    """A circle and an interval per trial, lower than its square; the end off the axis is cut."""
    found = table(**ON)
    assert found.shrunken == tuple(zip(*(THETA[n] for n in ("theta", "theta_lb", "theta_ub")),
                                       strict=True))  # fmt: skip
    fig = draw(found)
    circles, bars = by_label(fig, "shrunken"), by_label(fig, "shrunken-ci")
    own = [float(np.asarray(line.get_ydata())[0]) for line in by_label(fig, "ci")]
    at = [(float(np.asarray(c.get_xdata())[0]), float(np.asarray(c.get_ydata())[0]))
          for c in circles]  # fmt: skip
    assert [x for x, _ in at] == THETA["theta"]
    assert all(y > mine for (_, y), mine in zip(at, own, strict=True))
    assert all(y < below for (_, y), below in zip(at, own[1:], strict=False))
    assert np.asarray(bars[0].get_xdata()).tolist() == [-1.2, -0.1]
    assert float(np.asarray(bars[2].get_xdata())[0]) > -9
    note = "Circles below the squares: each trial’s true effect given all trials"
    assert any(text.startswith(note) and "τ half-normal(0.5)" in text
               for _, text in found.footnotes)  # fmt: skip
    assert overlaps(fig) == []
    assert outside(fig) == []


def test_ratios_are_back_transformed() -> None:
    """The posterior is of logs, the axis of ratios."""
    found = table(ratio=True, **ON)
    assert found.shrunken[0] == pytest.approx(tuple(map(math.exp, (-0.7, -1.2, -0.1))))


@pytest.mark.parametrize("posterior", [None, POSTERIOR | {"theta": [-0.5]}])
def test_without_a_posterior_the_plot_says_so(posterior: dict[str, Any] | None) -> None:
    """No Bayesian model, or one of other trials: nothing is drawn, and a line says why."""
    found = table(forest={"shrinkage": True}, posterior=posterior)
    assert found.shrunken == ()
    assert ("", "Shrinkage estimates not shown: this analysis has no Bayesian model.") in (
        found.footnotes
    )


def test_one_trial_has_nothing_to_shrink_to() -> None:
    """One trial is shown, not pooled: no mark and no line."""
    one = {name: values[:1] for name, values in THETA.items()}
    found = table(1, forest={"shrinkage": True}, posterior=POSTERIOR | one)
    assert found.shrunken == ()
    assert not any("hrinkage" in text or "Circles" in text for _, text in found.footnotes)
