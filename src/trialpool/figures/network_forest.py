"""Every treatment of a network against its reference: `rows` says what stands, `draw` draws it."""

from __future__ import annotations

import pandas as pd

from trialpool.figures import style
from trialpool.figures.chart import Withheld
from trialpool.figures.effect_axis import EffectAxis
from trialpool.figures.forest_rows import decimals, effect, triple
from trialpool.figures.interval_rows import IntervalTable, Row, draw
from trialpool.phrases import short_measure
from trialpool.question_answer import FittedNetwork, NetworkAnswer
from trialpool.tables import records

__all__ = ["draw", "rows"]


def rows(
    effects: pd.DataFrame, p_scores: pd.DataFrame, answer: NetworkAnswer
) -> IntervalTable | Withheld:
    """What stands in the chart, or why there is none.

    The treatment with the highest P-score first; where they are not ranked, as in the protocol.

    Parameters
    ----------
    effects, p_scores : the network's effects.csv and p_scores.csv
    """
    facts = answer.facts
    title = f"Against {facts.reference}: {answer.title}"
    if not isinstance(facts, FittedNetwork):
        return Withheld(reason=facts.reason)
    score = dict(zip(p_scores["treatment"], p_scores["p_score"], strict=True))
    lines = records(effects[effects["model"] == "random"])
    ranked = not facts.unranked
    if ranked:
        lines.sort(key=lambda line: (-score[line["treatment"]], str(line["treatment"])))
    else:
        lines.sort(key=lambda line: facts.nodes.index(line["treatment"]))
    ranking = (
        "P-score: mean certainty of being better than another treatment; "
        f"{facts.reference} has {style.fixed(score[facts.reference], 2)}."
        if ranked
        else f"Not ranked: {facts.unranked}."
    )
    axis = EffectAxis.of(facts)
    cautions = "".join(f" {caution}" for caution in facts.cautions)
    places = decimals({"study": [triple(line) for line in lines]})
    return IntervalTable(
        title=title,
        subtitle=(
            f"{facts.k} trials, {facts.n} treatments; random effects"
            f" ({facts.method}), τ² = {style.significant(facts.tau2)}. Trials: those that"
            f" compare the two directly. {ranking}{cautions}"
        ),
        axis=axis,
        rows=tuple(
            Row(
                label=str(line["treatment"]),
                estimate=line["estimate"],
                low=line["ci_low"],
                high=line["ci_high"],
                cells=(
                    effect(triple(line), places, axis),
                    f"{line['k']:.0f}",
                    *([style.fixed(score[line["treatment"]], 2)] if ranked else []),
                ),
            )
            for line in lines
        ),
        label_head="Treatment",
        heads=(f"{short_measure(facts)} (95 % CI)", "Trials", *(["P-score"] if ranked else [])),
    )
