"""A protocol to start from: enough for `trialpool check` and a run.

It is worded so that nobody takes it for the protocol of a review.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from trialpool.effects.registry import reported_as
from trialpool.review.exchange.imported import Imported
from trialpool.review.extraction.read import Outcomes
from trialpool.review.schema.raw import ARMS

_CLASSES = ARMS["comparator_class"].choices
_WITH_NUMBERS = ("results", "contrasts")


def outcomes_of(imported: Imported) -> Outcomes:
    """Kind and better direction of each outcome of the tables.

    Where no importer says: what is scored is better low unless its instrument says so, what is
    counted is better high.
    """
    out: dict[str, Mapping[str, str]] = {}
    better = {row["outcome"]: row["better"] for row in imported.tables.get("instruments", ())}
    for table in (*_WITH_NUMBERS, "missing_results", "instruments"):
        for row in imported.tables.get(table, ()):
            counted = (
                row.get("outcome_type") == "event"
                or reported_as(row.get("effect_measure")).outcome == "binary"
            )
            kind = "binary" if counted else "continuous"
            side = "higher" if counted else better.get(row["outcome"], "lower")
            out.setdefault(row["outcome"], {"kind": kind, "better": side})
    return {**out, **imported.outcomes}


def starter(imported: Imported, condition: str, origin: str, smd: Mapping[str, str]) -> str:
    """The text of a review.yaml: every outcome, one analysis each, one condition.

    Parameters
    ----------
    origin : what the data came from, e.g. "CSV in the Metapsy data standard"
    smd : options of SMDs under which the source's own effects are reproduced
    """
    outcomes = outcomes_of(imported)
    classes = {row.get("comparator_class", "") for row in imported.tables.get("arms", ())}
    comparators = [name for name in _CLASSES if name in classes] or list(_CLASSES)
    analyses: dict[str, Any] = {}
    for name, rule in outcomes.items():
        if name in imported.analyses:
            stated = {"outcome": name, "comparators": list(comparators), **imported.analyses[name]}
            analyses[name] = {"title": rule.get("title", _title(name)), **stated}
            continue
        scored = rule["kind"] == "continuous"
        types = _types(imported, name) if scored else [""]
        for kind in types:
            apart = kind == "change" and len(types) > 1
            analyses[f"{name}_change" if apart else name] = {
                "title": _title(name) + (", change from baseline" if kind == "change" else ""),
                "outcome": name,
                "measure": "SMD" if scored else "OR",
                "comparators": list(comparators),
                # Nobody has said yet which of a trial's effects counts.
                "effects": "combined",
                **({"outcome_types": ["change"]} if kind == "change" else {}),
            }
    config: dict[str, Any] = {
        "title": f"Imported data: {_title(condition)}",
        "question": "Not stated yet.",
        "version": "0.0.0",
        "data_until": "not stated",
        "experimental": "experimental",
        "notice": "Imported data under a starting protocol that nobody has decided on.",
        "built_from": [origin],
        "outcomes": {n: {"title": _title(n), **rule} for n, rule in outcomes.items()},
        **({"defaults": {"smd": dict(smd)}} if smd else {}),
        "conditions": {
            condition: {
                "title": _title(condition),
                "question": "Not stated yet.",
                "analyses": analyses,
            }
        },
    }
    text: str = yaml.safe_dump(config, sort_keys=False, allow_unicode=True, width=100)
    return f"# Made by `trialpool import`; docs/protocol.md says what each key means.\n{text}"


def _types(imported: Imported, outcome: str) -> list[str]:
    """Kinds of score the results of an outcome hold; they cannot share an SMD."""
    results = imported.tables.get("results", ())
    types = {row["outcome_type"] for row in results if row["outcome"] == outcome}
    return [kind for kind in ("msd", "change") if kind in types] or ["msd"]


def _title(name: str) -> str:
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]
