"""Whether effects differ by kind of trial: subgroups, and regressions on one covariate at a time.

What the number of trials does not allow is a row with its reason, never an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from trialpool.effects import measure_of
from trialpool.review.case import Case
from trialpool.review.fitting.posterior import COUNTS
from trialpool.review.schema.trust import REGRESSIONS, SUBGROUPS
from trialpool.review.trust.covariates import covariates
from trialpool.review.trust.moderator_values import values_of
from trialpool.review.trust.subgroups import subgroups
from trialpool.trust_facts import CovariateFacts, SubgroupFacts

# What tells comparisons apart: table and column.
_OF_CONTROLS = {("studies", "comparator_class"), ("studies", "n_control")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Moderators:
    """The tables `subgroups` and `regressions`, and what words are made of, one by one."""

    tables: Mapping[str, pd.DataFrame]
    facts: tuple[SubgroupFacts | CovariateFacts, ...]


def moderators(case: Case, studies: pd.DataFrame) -> Moderators:
    """Ask of each declared moderator what the number of trials allows.

    Effects of one group have no control: what is declared of it is left out.

    Parameters
    ----------
    studies
        rows of the analysis as for `fit`, with study, n, `experimental_arms` and the columns that
        moderators name. A trial with several rows counts as one

    Returns
    -------
    Moderators. Each level has the result of its own trials under the policy of its own k. The
    shown test of a difference is the F test of the levels in a meta-regression with one residual
    tau2 and Hartung-Knapp: a tau2 of each level, on which Q between levels rests, cannot be had
    from a few trials. `estimate` to `ci_high` are on the display scale

    Raises
    ------
    TrialpoolError
        as for `fit`

    References
    ----------
    Borenstein & Higgins 2013, Prev Sci 14:134; Knapp & Hartung 2003, Stat Med 22:2693; Higgins &
    Thompson 2004, Stat Med 23:1663
    """
    measure, model = case.measure, case.model
    compared = measure_of(measure).data.groups == 2
    declared = {
        name: each
        for name, each in case.moderators.items()
        if compared or (each.table, each.column) not in _OF_CONTROLS
    }
    by_moderator = {name: values_of(each, studies, case) for name, each in declared.items()}
    # Cutting a table costs by its columns.
    studies = studies[["trial_id", "study", "n", "yi", "vi", *COUNTS]]
    rows: list[dict[str, Any]] = []
    grouped: dict[str, SubgroupFacts] = {}
    parted: dict[str, list[str]] = {}
    for name, each in declared.items():
        if each.kind != "group":
            continue
        about = {"moderator": name, "title": each.title}
        lines, fact = subgroups(each, by_moderator[name], studies, measure, case.leading, name=name)
        rows += [about | row for row in lines]
        grouped[name] = fact
        if fact.levels:
            parts = pd.factorize(by_moderator[name][0])[0]
            parted.setdefault(str(parts.tolist()), []).append(name)
    for same in parted.values():
        for name in same:
            others = tuple(declared[other].title for other in same if other != name)
            grouped[name] = replace(grouped[name], same_as=others)
    numbers = {name: each for name, each in declared.items() if each.kind == "covariate"}
    table, regressed = covariates(numbers, by_moderator, studies, measure, model)
    return Moderators(
        tables={
            "subgroups": SUBGROUPS.frame(rows),
            "regressions": table[list(REGRESSIONS.names)],
        },
        facts=tuple(grouped.get(name) or regressed[name] for name in declared),
    )
