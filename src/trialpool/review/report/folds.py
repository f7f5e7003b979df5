"""What stands in which fold under a result: each paragraph, table and figure by its question."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import TypeVar

from trialpool import phrases as say
from trialpool import tables
from trialpool import words as w
from trialpool.figures.catalogue import BY_KIND
from trialpool.review.choosing.people import size
from trialpool.review.report.caveats import AnalysisTables, Caveat
from trialpool.review.report.charts import Chart
from trialpool.review.report.grid import Grid

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """A question under a result: a hint beside it, and what answers it; tables with their files."""

    name: str
    question: str
    hint: str = ""
    texts: tuple[Caveat, ...] = ()
    grids: tuple[tuple[Grid, str], ...] = ()
    charts: tuple[Chart, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which paragraphs, tables and figures answer a question, each in reading order.

    `grids` are captions with the file that holds all of the table, beside the analysis' page.
    `rest` marks the question that takes in what no question names.
    """

    question: str
    texts: tuple[str, ...]
    grids: Mapping[str, str]
    charts: tuple[str, ...] = ()
    rest: bool = False


QUESTIONS = {
    "sure": Asked(
        question="How sure is this?",
        texts=(
            "How likely is a benefit?",
            "How likely is a harm?",
            "What does it rest on?",
            "Few trials",
            "Differences between trials",
            "Risk of bias",
            "Model",
            "Does the interval keep its promise?",
            "How few people could turn it?",
            "What would a next trial change?",
        ),
        grids={
            "Certainty of the evidence": "../certainty.csv",
            "What the weight rests on": "weights.csv",
            "The Bayesian result under each prior": "priors.csv",
            "Real coverage of the intervals": "coverage.csv",
            "The next trial": "next_trial.csv",
        },
        charts=("priors", "baujat", "next_trial"),
        rest=True,
    ),
    "missing": Asked(
        question="What is missing?",
        texts=(
            "Missing trials",
            "What could missing trials change?",
            "Do small trials tell another story?",
        ),
        grids={
            "Eligible trials without usable numbers": "missing.csv",
            "Small-study effects": "small_studies.csv",
        },
        charts=("missing_effect", "funnel"),
    ),
    "same": Asked(
        question="Would another analysis say the same?",
        texts=(
            "Other choices",
            "Would another analysis say the same?",
            "Does it hang on one trial?",
            "Flagged data",
        ),
        grids={
            "The same question under other choices": "sensitivity.csv",
            "What each choice moves": "model.json",
            "Each trial left out in turn": "influence.csv",
        },
        charts=("specification_curve", "leave_one_out", "gosh", "cumulative"),
    ),
    "who": Asked(
        question="Who was studied, and how?",
        texts=("Comparators", "Scales", "Crossover trials"),
        grids={
            "The trials and their data": "studies.csv",
            "The result by kind of trial": "subgroups.csv",
            "Effects against covariates": "regressions.csv",
            "Kinds of trials that could not be compared": "subgroups.csv",
        },
        charts=BY_KIND,
    ),
    "source": Asked(
        question="Where do the numbers come from?",
        texts=("Sources", "Imputed values"),
        grids={
            "Where the numbers come from": "studies.csv",
            "Effects of the same outcome not used here": "selection.csv",
        },
    ),
}


def folds(
    texts: Sequence[Caveat],
    by_kind: Sequence[Caveat],
    grids: Mapping[str, Grid],
    charts: Sequence[Chart],
    hints: Mapping[str, str],
) -> tuple[Fold, ...]:
    """Everything about a result under the question it answers; questions with nothing are left out.

    Parameters
    ----------
    texts : what threatens it and how far to trust it
    by_kind : paragraphs on kinds of trials, which follow those on who was studied
    grids : by caption
    hints : what stands beside a question, by its name
    """
    said = {text.name: text for text in texts}
    drawn = {chart.name: chart for chart in charts}
    placed = {name for each in QUESTIONS.values() for name in each.texts}
    if lost := grids.keys() - {name for each in QUESTIONS.values() for name in each.grids}:
        raise KeyError(f"no question takes in {sorted(lost)}")
    out = []
    for name, asked in QUESTIONS.items():
        words = [*_named(said, asked.texts)]
        made = [(grids[name], file) for name, file in asked.grids.items() if name in grids]
        if asked.rest:
            words += [text for key, text in said.items() if key not in placed]
        if name == "who":
            words += by_kind
        # A table in a fold needs no line that says that it is empty.
        made = [(grid, file) for grid, file in made if grid.rows]
        figures = [*_named(drawn, asked.charts)]
        if words or made or figures:
            out.append(
                Fold(
                    name=name,
                    question=asked.question,
                    hint=hints.get(name, ""),
                    texts=tuple(words),
                    grids=tuple(made),
                    charts=tuple(figures),
                )
            )
    return tuple(out)


def hints(analysis: AnalysisTables, level: str) -> dict[str, str]:
    """What stands beside each question: a few words, so that nobody opens a fold in vain.

    Parameters
    ----------
    level : how certain the evidence is; blank where it is not rated
    """
    result, missing = analysis.result, analysis.missing
    out = {"sure": f"{level} certainty" if level else ""}
    if len(missing):
        people = sum(n for n in map(size, tables.records(missing)) if not isnan(n))
        trials = w.count(len(missing), "eligible trial")
        out["missing"] = f"{trials} without usable numbers, {w.whole(people)} people known"
    else:
        out["missing"] = "no eligible trial is known to be missing"
    others = result.trust.other_choices
    if others.tried:
        n = len(others.turned)
        out["same"] = f"{n} of {say.other_choices(result)} {'concludes' if n == 1 else 'conclude'}"
        out["same"] += " otherwise"
    if result.n is not None:
        out["who"] = f"{result.n} people in {w.count(result.k, 'trial')}"
    return out


def _named(given: Mapping[str, T], names: Iterable[str]) -> Iterable[T]:
    return (given[name] for name in names if name in given)
