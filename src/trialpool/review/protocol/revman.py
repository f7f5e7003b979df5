"""`model: revman` in the protocol: RevMan's own random effects, whatever is measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trialpool.effects import MEASURES
from trialpool.review.protocol.problems import ProtocolProblem, SettingsError

WORD = "revman"
# Deeks & Higgins 2010, Statistical algorithms in Review Manager 5.
_EFFECTS = {"method": "IV", "tau2": "DL", "test": "z"}
_COUNTS = {"method": "MH-DL"}
_SMD = {"variance": "RevMan", "correction": "approx"}


def spelled_out(config: Any) -> Any:
    """A protocol in which the word stands no more, but what it means for each analysis.

    Counts are pooled by MH-DL, other effects by inverse variance with the tau2 of DerSimonian and
    Laird and the normal quantile. The variance of an SMD is one for the whole review: the word
    under `defaults` brings RevMan's, unless another is named.

    Raises
    ------
    SettingsError
        an analysis of SMDs has the word, and the review computes them otherwise
    """
    if not isinstance(config, Mapping):
        return config
    defaults, conditions = config.get("defaults"), config.get("conditions")
    everywhere = isinstance(defaults, Mapping) and defaults.get("model") == WORD
    if isinstance(defaults, Mapping) and everywhere:
        given = defaults.get("smd") or {}
        smd = {**_SMD, **given} if isinstance(given, Mapping) else given
        defaults = {**defaults, "model": _EFFECTS, "smd": smd}
        config = {**config, "defaults": defaults}
    if not isinstance(conditions, Mapping):
        return config
    smd = defaults.get("smd") if isinstance(defaults, Mapping) else None
    as_revman = isinstance(smd, Mapping) and smd.get("variance") == _SMD["variance"]
    problems: list[ProtocolProblem] = []
    out: dict[Any, Any] = {}
    for name, condition in conditions.items():
        analyses = condition.get("analyses") if isinstance(condition, Mapping) else None
        if not isinstance(analyses, Mapping):
            out[name] = condition
            continue
        spelled = {}
        for key, each in analyses.items():
            word = isinstance(each, Mapping) and each.get("model") == WORD
            meant = word or (everywhere and isinstance(each, Mapping) and not each.get("model"))
            measure = MEASURES.get(str(each.get("measure"))) if meant else None
            if word and measure is not None and measure.standardises and not as_revman:
                where = f"conditions.{name}.analyses.{key}.model"
                problems.append(
                    ProtocolProblem(
                        key=where,
                        value=WORD,
                        rule="an SMD has one variance in the whole review, and it is not RevMan's",
                        fix="set defaults.smd to {variance: RevMan, correction: approx}, or "
                        "defaults.model to revman",
                    )
                )
            counts = measure is not None and measure.mantel_haenszel
            spelled[key] = {**each, "model": _COUNTS if counts else _EFFECTS} if meant else each
        out[name] = {**condition, "analyses": spelled}
    if problems:
        raise SettingsError(problems)
    return {**config, "conditions": out}
