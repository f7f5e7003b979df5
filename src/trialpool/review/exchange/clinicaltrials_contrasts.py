"""Statistical analyses of a registry record: differences between two arms as posted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import log

from trialpool.review.exchange.clinicaltrials_record import Record, RecordNode
from trialpool.review.exchange.clinicaltrials_sets import split
from trialpool.review.exchange.draft import Row, is_number, named, plain, sentences

POSTED = ("paramValue", "dispersionValue", "pValue", "ciLowerLimit", "ciUpperLimit")
_MEAN_DIFFERENCE = re.compile(
    r"(?:least squares? |ls |adjusted )*mean difference(?: (?:net|final values))?"
    r"|difference (?:in|of|between) (?:adjusted |least squares? |ls )*means?"
)
_RATIOS = {"odds ratio or": "OR", "odds ratio": "OR", "risk ratio rr": "RR", "risk ratio": "RR",
           "relative risk": "RR"}  # fmt: skip
_P = re.compile(r"(?P<sign><|<=|≤|=)?\s*(?P<number>0?\.\d+|0|1(?:\.0+)?)")
_ONE_SIDED = re.compile(r"\b(?:one|1)[\s-]?(?:sided|tailed)\b")
# How much closer an estimate must lie to one direction of the arms' difference than to the other.
_CLOSER = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisBlock:
    """The arms of one class, category and set of participants: value and number of people by arm.

    `common` are cells that the rows share, `analysis_set` among them.
    """

    kind: str
    baseline: bool
    common: Mapping[str, str]
    values: Mapping[str, tuple[str, str]]


def analysis(
    record: Record,
    where: str,
    node: RecordNode,
    groups: Mapping[str, str],
    blocks: list[AnalysisBlock],
) -> None:
    """One posted analysis: a row of contrasts, or an entry of what is left with the reason.

    Parameters
    ----------
    groups : titles of the outcome's groups by their id
    blocks : the outcome's results, one block per class and category
    """
    numbers = {name: node.text(name) for name in POSTED if is_number(_bare(node.text(name)))}
    if not numbers:
        return
    titles = [groups.get(group, "") for group in node.texts("groupIds")]
    arms = [record.known(title) for title in titles]
    sets = {split(title)[1] for title in titles}
    of_sets = [block for block in blocks if block.common["analysis_set"] in sets]
    row, used, why = _contrast(record, where, node, arms, of_sets or blocks)
    if row:
        record.draft.comparison("contrasts", [row], where)
        why = "no column for it: another level than 95 %, one-sided, or not an SE of a difference"
    rest = {name: text for name, text in numbers.items() if name not in used}
    if rest:
        settings = {n: node.text(n) for n in ("paramType", "statisticalMethod", "ciPctValue")}
        compared = " v ".join(groups.get(group, group) for group in node.texts("groupIds"))
        what = sentences(f"analysis: {compared}", node.text("groupDescription"))
        record.draft.leave(f"{record.nct}, {where}", what, named(rest | settings), why)


def _bare(text: str) -> str:
    return text.lstrip("<>=≤≥ ")


def _contrast(
    record: Record, where: str, node: RecordNode, arms: list[str], blocks: list[AnalysisBlock]
) -> tuple[Row, set[str], str]:
    """The row and the fields that are in it; an empty row with the reason if there is none."""
    roles = {record.role(arm): arm for arm in arms if arm}
    if len(arms) != 2 or len(roles) != 2:
        return {}, set(), "not a comparison of one experimental with one control arm"
    groups = [roles["experimental"], roles["control"]]
    results = [block for block in blocks if not block.baseline]
    if len(results) != 1:
        return {}, set(), "the record does not say to which class of the outcome it belongs"
    block = results[0]
    if not set(groups) <= set(block.values):
        return {}, set(), "the arms have no imported result of this outcome"
    kind = plain(node.text("paramType"))
    measure = _RATIOS.get(kind, "") if block.kind != "score" else ""
    if block.kind == "score" and _MEAN_DIFFERENCE.fullmatch(kind):
        measure = "MD"
    estimate = node.text("paramValue")
    if not measure or not is_number(estimate):
        return {}, set(), "the tables have no place for this measure, or it has no estimate"
    if measure != "MD" and float(estimate) <= 0:
        return {}, set(), "a ratio must be above 0"
    direction = _direction(measure, float(estimate), [block.values[arm] for arm in groups], block)
    if not direction:
        return {}, set(), "the record does not say which way it subtracts, nor do the arms' values"
    record.draft.assume(
        f"{record.nct}, {where}: {direction}, because that way fits the arms' posted values"
    )
    sizes = [block.values[arm][1] for arm in groups]
    row = {
        **block.common, "experimental_arm": groups[0], "control_arm": groups[1],
        "effect_measure": measure, "contrast": direction, "estimate": estimate,
        "n_experimental": sizes[0], "n_control": sizes[1], "locator": where,
        "notes": sentences(node.text("statisticalMethod"), node.text("estimateComment"),
                           node.text("groupDescription")),
    }  # fmt: skip
    return row, {"paramValue"} | _uncertainty(measure, node, row), ""


def _direction(
    measure: str, estimate: float, values: list[tuple[str, str]], block: AnalysisBlock
) -> str:
    """Which way the estimate subtracts, where it is far closer to one way than to the other."""
    first, second = (float(value) for value, _ in values)
    if measure == "MD":
        shown, reported = first - second, estimate
    else:
        sizes = [float(n) if block.kind == "event" else 100.0 for _, n in values]
        risks = [first / sizes[0], second / sizes[1]]
        if not all(0 < risk < 1 for risk in risks):
            return ""
        odds = [risk / (1 - risk) if measure == "OR" else risk for risk in risks]
        shown, reported = log(odds[0] / odds[1]), log(estimate)
    if shown == 0 or reported == 0:
        return ""
    if abs(reported - shown) * _CLOSER <= abs(reported + shown):
        return "experimental-control"
    if abs(reported + shown) * _CLOSER <= abs(reported - shown):
        return "control-experimental"
    return ""


def _uncertainty(measure: str, node: RecordNode, row: Row) -> set[str]:
    """Fill in SE, 95 % limits and p; returns the fields that were used."""
    used: set[str] = set()
    se = node.text("dispersionValue")
    is_se = plain(node.text("dispersionType")).startswith("standard error")
    if measure == "MD" and is_se and is_number(se) and float(se) > 0:
        row["se"] = se
        used.add("dispersionValue")
    low, high = node.text("ciLowerLimit"), node.text("ciUpperLimit")
    level, sides = node.text("ciPctValue"), plain(node.text("ciNumSides"))
    if (
        is_number(level)
        and float(level) == 95
        and sides in ("", "two sided")
        and is_number(low)
        and is_number(high)
        and float(low) < float(high)
        and float(low) <= float(row["estimate"]) <= float(high)
        and (measure == "MD" or float(low) > 0)
    ):
        row |= {"ci_low": low, "ci_high": high}
        used |= {"ciLowerLimit", "ciUpperLimit"}
    match = _P.fullmatch(node.text("pValue"))
    if match and sides != "one sided" and not _ONE_SIDED.search(node.text("pValueComment").lower()):
        row["p_value"] = match["number"]
        row["p_bound"] = "yes" if match["sign"] in ("<", "<=", "≤") else ""
        used.add("pValue")
    return used
