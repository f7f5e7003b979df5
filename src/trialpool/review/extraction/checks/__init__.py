"""Checks on raw tables: importing this package registers them all.

A check sees the tables of one condition and yields what it finds. An error stops the run before
anything is written; a warning travels with the row to the page. docs/checks.md lists them.
"""

from __future__ import annotations

# The order here is the order in docs/checks.md.
from trialpool.review.extraction.checks import (  # noqa: F401  # isort: skip
    identity,
    design,
    bias,
    scales,
    times,
    people,
    arm_sizes,
    counts,
    spread,
    sds,
    changes,
    agreement,
    granularity,
    sizes,
    contrasts,
    precision,
    means,
    levels,
    effects,
    trials,
    descriptions,
)
from trialpool.review.extraction.checks.registry import CHECKS, Check, Finding, flags, run_checks

__all__ = ["CHECKS", "Check", "Finding", "flags", "run_checks"]
