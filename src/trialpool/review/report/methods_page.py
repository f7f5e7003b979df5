"""How the review was made, and what is claimed: two pages beside the answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from trialpool import tables
from trialpool import words as w
from trialpool.analysis_result import AnalysisResult
from trialpool.review.report import codes, condition_tables, findings_tables
from trialpool.review.report.grid import (
    Cell,
    Grid,
    Row,
    cell,
    number,
    or_why,
    prose,
    table,
    text,
    to,
)
from trialpool.review.report.pages import explained_measures
from trialpool.review.report.rendering import render


def claims_page(review: Mapping[str, Any], claims: pd.DataFrame, menu: Mapping[str, str]) -> str:
    """What is claimed, and what trials say to it.

    Parameters
    ----------
    review : the whole protocol, `Review.model_dump(mode="json")`
    claims : claims.csv
    menu : `Review.menu()`
    """
    shared = {"review": review, "menu": menu, "here": "claims", "root": ""}
    return render("claims.html", **shared, claims=findings_tables.claims(claims))


def methods_page(
    review: Mapping[str, Any],
    by_name: Mapping[str, pd.DataFrame],
    of_conditions: Mapping[str, Mapping[str, pd.DataFrame]],
    results: Sequence[AnalysisResult],
    menu: Mapping[str, str],
) -> str:
    """How the review was made: sources, selection, models, checks, checklists.

    Parameters
    ----------
    review : the whole protocol, `Review.model_dump(mode="json")`
    by_name : prisma_flow, prisma_checklist and verification, of results/
    of_conditions : the cleaned tables records, search and excluded of each condition
    results : of all analyses, in the protocol's order
    menu : `Review.menu()`
    """
    conditions = [
        {
            "name": name,
            **review["conditions"][name],
            "flow": _flow(by_name["prisma_flow"], name),
            "search": condition_tables.search(named["search"]),
            "excluded": condition_tables.excluded(named["excluded"]),
        }
        for name, named in of_conditions.items()
    ]
    titles = {name: spec["title"] for name, spec in review["conditions"].items()}
    return render(
        "methods.html",
        review=review,
        menu=menu,
        here="methods",
        root="",
        conditions=conditions,
        sources=_sources(of_conditions),
        models=_models(results, titles),
        checklist=_checklist(by_name["prisma_checklist"]),
        verification=verified(by_name["verification"]),
        measures=explained_measures((each.measure for each in results), review["experimental"]),
    )


def _flow(frame: pd.DataFrame, condition: str) -> list[dict[str, str]]:
    """The boxes of a condition's flow: what each says, its number, and what that rests on."""
    rows = tables.records(frame[frame["condition"] == condition])
    return [
        {
            "box": row["box"],
            "says": row["says"],
            "n": "not recorded" if row["basis"] == "not recorded" else w.whole(row["n"]),
            "note": w.text(row["note"]),
        }
        for row in rows
    ]


def _sources(of_conditions: Mapping[str, Mapping[str, pd.DataFrame]]) -> Grid:
    """How many of the extracted rows are from which kind of source."""
    records = pd.concat([named["records"] for named in of_conditions.values()])
    counts = records["confidence"].value_counts()
    rows = [
        {"kind": said, "rows": int(counts.get(code, 0)), "all": len(records)}
        for code, said in codes.CONFIDENCE.items()
    ]
    return table("Where the extracted numbers are from", rows, [
        text("Kind of source", lambda row: w.capital(row["kind"])),
        number("Rows of numbers", "rows"),
        number("Share", lambda row: w.percent(100 * row["rows"] / max(row["all"], 1))),
    ])  # fmt: skip


def _models(results: Sequence[AnalysisResult], titles: Mapping[str, str]) -> Grid:
    """The model of each analysis, as it was fitted."""

    def title(row: AnalysisResult) -> Cell:
        return to(row.title, f"{row.condition}/{row.analysis}/index.html")

    return table("Models", results, [
        text("Result", title),
        number("Trials", lambda result: w.whole(result.k)),
        text("Measure", lambda result: result.measure),
        prose("Model", lambda result: w.sentence(result.model)),
    ], under=lambda result: to(titles[result.condition], f"{result.condition}/index.html"),
    )  # fmt: skip


def _checklist(frame: pd.DataFrame) -> dict[str, Grid]:
    """The checklists by name, and how many of their items pass."""

    def where(row: Row) -> Cell:
        href = w.text(row["where"])
        return to(href.removeprefix("../"), href) if href else or_why("", "text, written by people")

    out = {}
    for name, part in frame.groupby("list", sort=False):
        rows = tables.records(part)
        passed, failed = (sum(row["status"] == each for row in rows) for each in ("pass", "fail"))
        said = f"{passed} pass, {failed} fail, {len(rows) - passed - failed} are text"
        out[f"{name}: {said}"] = table(str(name), rows, [
            text("Item", "item"),
            prose("What it asks for", lambda row: w.capital(w.text(row["topic"]))),
            text("Status", lambda row: w.capital(row["status"])),
            prose("Why", lambda row: cell(w.sentence(why) if (why := w.text(row["why"])) else "")),
            text("Where", where),
        ])  # fmt: skip
    return out


def verified(frame: pd.DataFrame) -> dict[str, Any]:
    """How many numbers a second program agreed with, and what it could not compute."""
    agreed = frame[frame["verdict"] == "agree"]
    compared = frame[frame["verdict"] != "not covered"]
    rest = frame[frame["verdict"] == "not covered"]
    reasons: dict[tuple[str, str], list[str]] = {}
    for row in tables.records(rest):
        key = (w.text(row["quantity"]), w.text(row["note"]))
        reasons.setdefault(key, []).append(f"{row['condition']}/{row['analysis']}")
    return {
        "compared": len(compared),
        "agreed": len(agreed),
        "analyses": len(compared[["condition", "analysis"]].drop_duplicates()),
        "largest": _power(float(compared["difference"].max())) if len(compared) else "",
        "uncovered": [(q, why, where) for (q, why), where in sorted(reasons.items())],
    }


def _power(value: float) -> str:
    """A very small number: `4 × 10⁻⁶`."""
    if value == 0:
        return "0"
    digit, exponent = f"{value:.0e}".split("e")
    raised = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{digit} × 10{raised}"
