"""A review of many rows, written from columns of numbers, for `trialpool check` to read."""

from __future__ import annotations

from pathlib import Path

from benchmarks.data import Columns
from trialpool.review.exchange.imported import Imported

_URL = "https://example.org/made-up"
_TIMES = (1, 2, 3, 7, 14)
_SCALES = ("SCALE", "OTHER")
# A protocol as far as its conditions.
HEAD = """\
title: Made up
question: How long does it take?
version: 0.0.0
data_until: never
experimental: drug
notice: Made up.
built_from: [nothing]
outcomes: {mood: {title: mood, kind: continuous, better: lower}}
conditions:
"""
_BLUE = """\
  blue:
    title: Blue
    question: Does the drug help?
    analyses:
      mood: {title: Mood, outcome: mood, measure: SMD, instruments: [SCALES], prefer_time: 1}
"""


def write_review(folder: Path, d: Columns) -> None:
    """Write a protocol and the raw tables of a condition.

    Parameters
    ----------
    d : `n`, `mean` and `sd`, (trials, 20), ten results of one arm and then of the other; `md`,
        `low` and `high`, (trials,), the difference of the first result's means with its limits
    """
    scores = {name: d[name].reshape(-1, 2, 2 * len(_TIMES)) for name in ("n", "mean", "sd")}
    (folder / "config").mkdir(parents=True)
    (folder / "config/review.yaml").write_text(
        HEAD + _BLUE.replace("SCALES", ", ".join(_SCALES)), encoding="utf-8"
    )
    trials = [f"Trial{i}" for i in range(len(d["n"]))]
    tables = {
        "instruments": [
            {"instrument": name, "name": name, "outcome": "mood", "better": "lower", "low": "0",
             "high": "60"} for name in _SCALES
        ],
        "trials": [
            {"trial_id": t, "study": t, "year": "2020", "design": "parallel", "diagnosis": "mdd",
             "setting": "psychiatric", "concomitant": "none", "enriched": "no"} for t in trials
        ],
        "arms": [
            {"trial_id": t, "arm_id": role, "arm": role, "role": role, "drug": "drug",
             "comparator_class": "placebo" if role == "control" else ""}
            for t in trials for role in ("experimental", "control")
        ],
        "results": [
            {"trial_id": t, "arm_id": role, "outcome": "mood", "instrument": _SCALES[r % 2],
             "period": "whole", "time_days": f"{_TIMES[r // 2]}",
             "timepoint": f"day {_TIMES[r // 2]}", "outcome_type": "msd", "source": "paper",
             **{c: f"{x[i, a, r]:g}" for c, x in scores.items()}}
            for i, t in enumerate(trials)
            for a, role in enumerate(("experimental", "control")) for r in range(2 * len(_TIMES))
        ],
        "contrasts": [
            {"trial_id": t, "experimental_arm": "experimental", "control_arm": "control",
             "outcome": "mood", "instrument": _SCALES[0], "period": "whole",
             "time_days": f"{_TIMES[0]}", "effect_measure": "MD",
             "contrast": "experimental-control", "estimate": f"{d['md'][i]:g}",
             "ci_low": f"{d['low'][i]:g}", "ci_high": f"{d['high'][i]:g}", "source": "paper"}
            for i, t in enumerate(trials)
        ],
    }  # fmt: skip
    for name, rows in tables.items():
        if name != "instruments":
            for row in rows:
                row |= {"confidence": "primary", "source_url": _URL}
    Imported(tables=tables).write(folder / "data/raw", "blue")
