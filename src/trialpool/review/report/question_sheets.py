"""The figures of a condition's questions: time, dose, networks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from trialpool.figures import (
    comparison_adjusted_funnel,
    dose_response,
    net_heat,
    network_forest,
    network_graph,
    time_course,
)


def draw_question(
    record: Mapping[str, Any], tables: Mapping[str, pd.DataFrame]
) -> Iterator[tuple[str, Figure]]:
    """The figures of one question by file name, in reading order; one without data says so.

    Parameters
    ----------
    record, tables : of `trialpool.review.questions.questions.Answer`
    """
    yield from _KINDS[record["kind"]](record["question"], record["facts"], tables)


def _time(
    question: Mapping[str, Any], facts: Mapping[str, Any], held: Mapping[str, pd.DataFrame]
) -> Iterator[tuple[str, Figure]]:
    points, curve = held["time_points"], held["time_curve"]
    yield "time_course", time_course.draw(time_course.rows(points, curve, facts, question))


def _dose(
    question: Mapping[str, Any], facts: Mapping[str, Any], held: Mapping[str, pd.DataFrame]
) -> Iterator[tuple[str, Figure]]:
    points, curve = held["dose_points"], held["dose_curve"]
    yield "dose_response", dose_response.draw(dose_response.rows(points, curve, facts, question))


def _network(
    question: Mapping[str, Any], facts: Mapping[str, Any], held: Mapping[str, pd.DataFrame]
) -> Iterator[tuple[str, Figure]]:
    graph = network_graph.rows(held["contrasts"], held["nodes"], facts)
    forest = network_forest.rows(held["effects"], held["p_scores"], facts)
    yield "network_graph", network_graph.draw(graph)
    yield "network_forest", network_forest.draw(forest)
    yield "net_heat", net_heat.draw(net_heat.rows(held["net_heat"], facts))
    funnel = comparison_adjusted_funnel.rows(held["contrasts"], facts)
    yield "comparison_adjusted_funnel", comparison_adjusted_funnel.draw(funnel)


_KINDS = {"time": _time, "dose": _dose, "network": _network}
