"""The figures of a condition's questions: time, dose, networks."""

from __future__ import annotations

from collections.abc import Iterator

from matplotlib.figure import Figure

from trialpool.figures import (
    comparison_adjusted_funnel,
    dose_response,
    net_heat,
    network_forest,
    network_graph,
    time_course,
)
from trialpool.figures.chart import Withheld, drawn
from trialpool.question_answer import DoseAnswer, NetworkAnswer, TimeAnswer
from trialpool.review.questions.answered import AnsweredQuestion


def question_sheets(answered: AnsweredQuestion) -> Iterator[tuple[str, Figure | Withheld]]:
    """The figures of one question by file name, in reading order, or why one is not drawn."""
    answer, tables = answered.answer, answered.tables
    match answer:
        case TimeAnswer():
            course = time_course.rows(tables["time_points"], tables["time_curve"], answer)
            yield "time_course", drawn(time_course.draw, course)
        case DoseAnswer():
            by_dose = dose_response.rows(tables["dose_points"], tables["dose_curve"], answer)
            yield "dose_response", drawn(dose_response.draw, by_dose)
        case NetworkAnswer():
            graph = network_graph.rows(tables["contrasts"], tables["nodes"], answer)
            yield "network_graph", drawn(network_graph.draw, graph)
            forest = network_forest.rows(tables["effects"], tables["p_scores"], answer)
            yield "network_forest", drawn(network_forest.draw, forest)
            heat = net_heat.rows(tables["net_heat"], answer)
            yield "net_heat", drawn(net_heat.draw, heat)
            funnel = comparison_adjusted_funnel.rows(tables["contrasts"], answer)
            yield "comparison_adjusted_funnel", drawn(comparison_adjusted_funnel.draw, funnel)
