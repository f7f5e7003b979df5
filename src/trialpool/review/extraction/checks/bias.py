"""Risk of bias: judgements that belong to a result, and agree with each other."""

from __future__ import annotations

from collections.abc import Iterator

from trialpool.bias_tools import CODES, SHOWN_AS, TOOLS, tool_of
from trialpool.review.extraction.checks.index import WITH_RESULTS, Index
from trialpool.review.extraction.checks.registry import Finding, error, warning
from trialpool.review.extraction.read import Row, Sheet
from trialpool.risk_of_bias import NARROWED, RiskOfBias
from trialpool.terms import OVERALL
from trialpool.words import text

_WORSE = {"low": 0, "some_concerns": 1, "high": 2}

_DESIGNS = [design for tool in TOOLS.values() for design in tool.designs]

Result = tuple[str, str]  # outcome and instrument; blank where there is none


@error("Correct it, name its tool, or remove the row", excluded_too=True)
def of_another_tool(index: Index) -> Iterator[Finding]:
    """Domain and judgement are the tool's: that of the row, or RoB 2 by the trial's design."""
    sheet = index["risk_of_bias"]
    for row in sheet.rows:
        design = text(index.trials.get(row["trial_id"], {}).get("design"))
        name = text(row.get("tool"))
        if not name and design not in _DESIGNS:
            continue
        tool = tool_of(name, design)
        words = f"which tool {name} names" if name else f"the tool of {design} trials"
        for column, known in (("domain", (*tool.domains, OVERALL)), ("judgement", tool.judgements)):
            if row[column] is not None and row[column] not in known:
                yield Finding(sheet, row, column, f"no {column} of {tool.title}, {words}")


@error("Judge it, or leave the row out: the result then counts as not assessed", excluded_too=True)
def overall_without_judgement(index: Index) -> Iterator[Finding]:
    """The overall risk of bias is low, some concerns or high; only a domain has no information."""
    sheet = index["risk_of_bias"]
    for row in sheet.rows:
        if row["domain"] == OVERALL and row["judgement"] == "no_information":
            yield Finding(sheet, row, "judgement", "no overall judgement")


@error("Judge that result in a row of its own, which names both", excluded_too=True)
def judgement_undecided(index: Index) -> Iterator[Finding]:
    """Of the judgements that are of a result, one names more of it than the others."""
    sheet = index["risk_of_bias"]
    for trial, results in _results(index).items():
        judged = _of_trial(sheet, trial)
        for domain in CODES:
            for outcome, instrument in results:
                first, *others = judged.nearest(trial, domain, outcome, instrument) or [{}]
                for other in others:
                    if other["outcome"] == first["outcome"]:
                        continue  # one row twice, which another check tells
                    rule = (
                        f"whether this or row {first['row']} is of {outcome} on {instrument} "
                        "cannot be said: one names the outcome, one the instrument"
                    )
                    yield Finding(sheet, other, "judgement", rule)


@warning(
    "Correct outcome or instrument, or remove the row",
    flag="a risk-of-bias judgement of a result that is not there",
)
def judgement_without_result(index: Index) -> Iterator[Finding]:
    """A judgement that names an outcome or an instrument is of a result of its trial."""
    sheet, results = index["risk_of_bias"], _results(index)
    for row in sheet.rows:
        named = {name: text(row[name]) for name in NARROWED if row[name] is not None}
        of_trial = results.get(str(row["trial_id"]), {})
        if named and not any(
            named.items() <= dict(zip(NARROWED, result, strict=True)).items() for result in of_trial
        ):
            rule = f"the trial has no result of {' on '.join(named.values())}"
            yield Finding(sheet, row, next(iter(named)), rule)


@warning(
    "Check the judgements; RoB 2 makes the overall judgement at least as bad as the worst domain",
    flag="overall risk of bias is better than a domain's",
)
def overall_better_than_domain(index: Index) -> Iterator[Finding]:
    """The overall risk of bias of a result is at least as bad as that of its worst domain."""
    sheet, results = index["risk_of_bias"], _results(index)
    for trial in dict.fromkeys(str(row["trial_id"]) for row in sheet.rows):
        judged = _of_trial(sheet, trial)
        for result in results.get(trial) or [("", "")]:
            rows = {
                domain: row
                for domain in CODES
                for row in judged.nearest(trial, domain, *result)
                if SHOWN_AS.get(str(row["judgement"])) in _WORSE
            }
            overall = rows.pop(OVERALL, None)
            worst = max(rows.values(), key=_badness, default=None)
            if overall and worst and _badness(overall) < _badness(worst):
                rule = f"better than {worst['domain']} ({worst['judgement']}, row {worst['row']})"
                yield Finding(sheet, overall, "judgement", rule)


def _badness(row: Row) -> int:
    return _WORSE[SHOWN_AS[str(row["judgement"])]]


def _of_trial(sheet: Sheet, trial: str) -> RiskOfBias[Row]:
    return RiskOfBias(row for row in sheet.rows if row["trial_id"] == trial)


def _results(index: Index) -> dict[str, dict[Result, None]]:
    """What each trial has results of, in the order of the tables."""
    out: dict[str, dict[Result, None]] = {}
    for name in WITH_RESULTS:
        for row in index.used(name):
            result = text(row["outcome"]), text(row["instrument"])
            out.setdefault(str(row["trial_id"]), {})[result] = None
    return out
