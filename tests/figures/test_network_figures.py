"""Figures of networks: right from 3 treatments to 30, withheld where there is nothing to show."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from figure_checks import bytes_of, outside, overlaps, shown
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, Polygon, Rectangle
from network_cases import Drawn, made

from trialpool.figures import comparison_adjusted_funnel as funnel
from trialpool.figures import net_heat, network_forest, network_graph
from trialpool.figures.chart import Withheld
from trialpool.question_answer import FittedNetwork

MOST_BYTES = 150_000
SIZES = ((3, 8), (6, 14), (8, 20), (14, 40), (30, 100))


def graph(case: Drawn) -> Figure:
    return network_graph.draw(
        shown(network_graph.rows(case["contrasts"], case["nodes"], case.answer))
    )


def forest(case: Drawn) -> Figure:
    return network_forest.draw(
        shown(network_forest.rows(case["effects"], case["p_scores"], case.answer))
    )


def heat(case: Drawn) -> Figure:
    return net_heat.draw(shown(net_heat.rows(case["net_heat"], case.answer)))


def adjusted(case: Drawn) -> Figure:
    return funnel.draw(shown(funnel.rows(case["contrasts"], case.answer)))


ALL = (graph, forest, heat, adjusted)


# Eight treatments here are compared by too few trials for a funnel.
FEW = (8, 20)


def is_drawn(draw: Callable[[Drawn], Figure], size: tuple[int, int], *, star: bool) -> bool:
    """A star has no loop, and one of its three treatments too few trials."""
    if draw is heat:
        return not star
    return draw is not adjusted or size != (SIZES[0] if star else FEW)


DRAWN = [
    (draw, size, star)
    for draw in ALL
    for size in SIZES
    for star in (False, True)
    if is_drawn(draw, size, star=star)
]


@pytest.mark.parametrize(("draw", "size", "star"), DRAWN)
def test_nothing_overlaps_or_is_cut(
    draw: Callable[[Drawn], Figure], size: tuple[int, int], star: bool
) -> None:
    fig = draw(made(*size, star=star, measure="OR" if star else "SMD"))
    assert overlaps(fig) == []
    assert outside(fig) == []


@pytest.mark.parametrize("draw", ALL)
def test_the_same_small_bytes(draw: Callable[[Drawn], Figure], tmp_path: Path) -> None:
    first, again = (bytes_of(draw(made(6, 14)), tmp_path) for _ in range(2))
    assert first == again
    assert len(first["svg"]) < MOST_BYTES


def test_the_graph_has_every_node_edge_and_shade() -> None:
    case = made(6, 14)
    table = network_graph.rows(case["contrasts"], case["nodes"], case.answer)
    assert isinstance(table, network_graph.NetworkGraph)
    contrasts = case["contrasts"]
    assert sum(k for _, _, k in table.edges) == len(contrasts)
    per_trial = contrasts.groupby("trial_id").size()
    assert (len(table.several) > 0) == bool((per_trial > 1).any())
    fig = network_graph.draw(table)
    circles = [a for a in fig.findobj(Circle) if a.get_label() == "node"]
    assert len(circles) == 6
    areas = np.array([c.get_radius() ** 2 for c in circles])
    assert areas / areas.max() == pytest.approx(np.array(table.people) / max(table.people))
    shades = [a for a in fig.findobj(Polygon) if a.get_label() == "several"]
    assert len(shades) == len(table.several)
    widths = {a.get_linewidth() for a in fig.findobj(Line2D) if a.get_label() == "edge"}
    assert len(widths) == len({k for _, _, k in table.edges})


def test_a_network_in_parts_is_drawn_with_the_reason() -> None:
    case = made(6, 12, linked=False)
    table = network_graph.rows(case["contrasts"], case["nodes"], case.answer)
    assert isinstance(table, network_graph.NetworkGraph)
    assert "Not pooled: the network is in 3 parts" in table.subtitle
    for withheld in (
        network_forest.rows(case["effects"], case["p_scores"], case.answer),
        net_heat.rows(case["net_heat"], case.answer),
        funnel.rows(case["contrasts"], case.answer),
    ):
        assert isinstance(withheld, Withheld)
        assert withheld.reason == case.answer.facts.reason


def test_what_is_withheld_and_why() -> None:
    pair = made(2, 4)
    why = network_graph.rows(pair["contrasts"], pair["nodes"], pair.answer)
    assert isinstance(why, Withheld)
    assert why.reason == "2 treatments with results, and a network needs 3"
    star = made(4, 8, star=True)
    no_loop = net_heat.rows(star["net_heat"], star.answer)
    assert isinstance(no_loop, Withheld)
    assert "no closed loop" in no_loop.reason
    few = funnel.rows(star["contrasts"], star.answer)
    assert isinstance(few, Withheld)
    assert few.reason == "8 trials in comparisons of two trials or more, and 10 are needed"


def test_the_forest_of_few_trials_ranks_nobody() -> None:
    """As in the protocol, without P-scores, with the reason."""
    case = made(5, 6)
    facts = case.answer.facts
    assert isinstance(facts, FittedNetwork)
    table = network_forest.rows(case["effects"], case["p_scores"], case.answer)
    assert not isinstance(table, Withheld)
    assert [row.label for row in table.rows] == [n for n in facts.nodes if n != facts.reference]
    assert table.heads[-1] == "Trials"
    assert all(len(row.cells) == len(table.heads) for row in table.rows)
    assert "Not ranked: a ranking needs 3 trials of each treatment" in table.subtitle


def test_the_forest_has_the_best_first() -> None:
    case = made(6, 40, measure="OR")
    table = network_forest.rows(case["effects"], case["p_scores"], case.answer)
    assert not isinstance(table, Withheld)
    order = [name for name in case["p_scores"]["treatment"] if name != case.answer.facts.reference]
    assert [row.label for row in table.rows] == order
    assert all(row.estimate > 0 for row in table.rows)  # odds ratios, not their logs


def test_heat_shows_the_designs_that_matter_most() -> None:
    case = made(10, 25)
    table = net_heat.rows(case["net_heat"], case.answer)
    assert isinstance(table, net_heat.HeatTable)
    assert len(table.designs) == net_heat.MOST
    diagonal = case["net_heat"].query("design == other_design")["change"]
    assert np.sort(np.diag(table.change)) == pytest.approx(np.sort(diagonal)[-net_heat.MOST :])
    fig = net_heat.draw(table)
    top = np.abs(table.change).max()
    cells = [a for a in fig.findobj(Rectangle) if a.get_label() == "cell"]
    assert len(cells) == int((0.75 * np.abs(table.change) / top > net_heat.PALE).sum())


def test_the_adjusted_funnel_is_centred_in_every_comparison() -> None:
    """The weighted mean about zero, whichever way round the trials were entered."""
    case = made(4, 24, star=True)
    table = funnel.rows(case["contrasts"], case.answer)
    assert isinstance(table, funnel.AdjustedFunnel)
    assert float((table.away / table.sei**2).sum()) == pytest.approx(0.0, abs=1e-9)
    turned = case["contrasts"].rename(
        columns={"treatment_1": "treatment_2", "treatment_2": "treatment_1"}
    )
    turned["yi"] = -turned["yi"]
    other = funnel.rows(turned, case.answer)
    assert isinstance(other, funnel.AdjustedFunnel)
    assert other.away == pytest.approx(table.away)
    assert all(name.endswith(f"v {case.answer.facts.reference}") for name in table.comparisons)
