"""Import of RevMan Web's data package: the zip file of tables that comes with a review.

Column names as in Cochrane's data package specification (RevMan knowledge base, `Data package`).
Files are recognised by how their names end; folders and review numbers in front do not matter.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Hashable, Mapping
from pathlib import Path

from trialpool.review.exchange import limits
from trialpool.review.exchange.draft import (
    Draft,
    MalformedFileError,
    is_number,
    named,
    one_line,
    plain,
    sentences,
)
from trialpool.review.exchange.formats import ImportOptions
from trialpool.review.exchange.imported import Imported
from trialpool.review.exchange.revman import RevManReview
from trialpool.review.exchange.revman_parts import (
    POOLED,
    Fields,
    RevManAnalysis,
    RevManStudy,
    StoredResult,
    holds_result,
    in_subgroup,
    several,
)
from trialpool.review.exchange.revman_ratios import is_logrank
from trialpool.review.exchange.revman_zip import members

Line = dict[str, str]

DATA_ROWS = "data-rows.csv"
OVERALL = "overall-estimates-and-settings.csv"
SUBGROUPS = "subgroup-estimates.csv"
STUDIES = "study-information.csv"
RISK_OF_BIAS = "risk-of-bias.csv"
_NEEDED = {
    DATA_ROWS: ("Analysis group", "Analysis number", "Analysis name", "Study"),
    OVERALL: ("Analysis group", "Analysis number"),
    SUBGROUPS: ("Analysis group", "Analysis number", "Subgroup"),
    STUDIES: ("Study",),
    RISK_OF_BIAS: ("Study",),
}
FIELDS = Fields(
    events=("Experimental cases", "Control cases"),
    totals=("Experimental N", "Control N"),
    means=("Experimental mean", "Control mean"),
    sds=("Experimental SD", "Control SD"),
    estimate="GIV Mean",
    se="GIV SE",
    shown=("Mean", "CI start", "CI end"),
    logrank=("O-E", "Variance"),
)
# The pooled numbers that are compared with ours.
_STORED = {"estimate": "Mean", "ci_low": "CI start", "ci_high": "CI end", "p_value": "Effect P",
           "tau2": "Heterogeneity Tau²", "q": "Heterogeneity Chi²",
           "i2": "Heterogeneity I²"}  # fmt: skip
_INPUTS = (*FIELDS.events, *FIELDS.totals, *FIELDS.means, *FIELDS.sds, FIELDS.estimate, FIELDS.se)
# What names and describes a line of the tables; everything else in it is a result.
_WORDS = {"Analysis group", "Analysis number", "Analysis name", "Analysis group name", "Subgroup",
          "Subgroup number", "Applicability", "Study", "Study year", "Footnotes", "ID",
          "Analysis ID"}  # fmt: skip
_NONE = ("", "#N/A", "NA", "N/A")
_JUDGEMENT = re.compile(r"Domain \(judge?ment\): (?P<domain>[^:]+)(?:: ?(?P<outcome>.*))?")
# The beginnings of the domains' names in RoB 2, in one spelling.
_DOMAINS = {
    "D1": "bias arising from the randomization process",
    "D2": "bias due to deviations from intended intervention",
    "D3": "bias due to missing outcome data",
    "D4": "bias in measurement of the outcome",
    "D5": "bias in selection of the reported result",
    "DS": "bias arising from period and carryover effects",
    "overall": "overall",
}
_JUDGEMENTS = {"low": "low", "some concerns": "some_concerns", "high": "high",
               "no information": "no_information"}  # fmt: skip


def read(path: Path, options: ImportOptions) -> Imported:
    """Read a data package of RevMan Web.

    Parameters
    ----------
    path : the zip file; nothing of it is unpacked to disk
    options : the condition the tables are for, which is also their diagnosis

    Returns
    -------
    Raw tables, what was assumed, and what was left

    Raises
    ------
    MalformedFileError
        if the file is no zip file, is too large, or a table lacks a column it needs
    """
    texts = members(path, tuple(_NEEDED))
    tables = {kind: _table(path, name, text, kind) for kind, (name, text) in texts.items() if text}
    if DATA_ROWS not in tables:
        rule = f"no file that ends in `{DATA_ROWS}`"
        raise MalformedFileError(path, "", rule, "Choose the data package as downloaded")
    number = re.search(r"CD\d{6}", f"{path.name} {texts[DATA_ROWS][0]}")
    draft = Draft(number[0] if number else "revman_web", _url(number), "secondary")
    for kind, (name, _) in texts.items():
        if kind not in _NEEDED:
            why = "the analysis data hold what was pooled; this file is not read"
            draft.leave(name, "file of the package", Path(name).suffix, why)
    review = RevManReview(draft, options.condition, FIELDS)
    _studies(tables, review)
    settings = {_number_of(line): line for line in tables.get(OVERALL, [])}
    if OVERALL not in tables:
        draft.assume("the package has no settings: arms are `experimental` and `control`")
    _estimates(tables, settings, draft)
    lines = tables[DATA_ROWS]
    repeated = several((*_place(line), _key(line, "Study year")) for line in lines)
    for count, line in enumerate(lines, start=2):
        analysis = _analysis(line, settings.get(_number_of(line), {}), repeated)
        _data_row(path, count, line, analysis, review)
    _risk_of_bias(tables.get(RISK_OF_BIAS, []), review)
    imported = review.outcomes.done()
    if not imported.effects_in:
        rule = "no line of a study in any analysis"
        raise MalformedFileError(path, "", rule, "Choose a review that has data and analyses")
    return imported


def _url(number: re.Match[str] | None) -> str:
    return (
        f"https://doi.org/10.1002/14651858.{number[0]}"
        if number
        else "https://www.cochranelibrary.com"
    )


def _table(path: Path, name: str, text: str, kind: str) -> list[Line]:
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise MalformedFileError(path, name, f"not readable as CSV ({error})") from None
    limits.of_lines(path, lines)
    header = [cell.strip() for cell in lines[0]] if lines else []
    for column in _NEEDED[kind]:
        if column not in header:
            raise MalformedFileError(path, name, f"the column `{column}` is missing")
    twice = [cell for cell in header if cell and header.count(cell) > 1]
    if twice:
        raise MalformedFileError(path, name, f"the column `{twice[0]}` stands twice")
    table = []
    for number, cells in enumerate(lines[1:], start=2):
        if len(cells) != len(header):
            rule = f"{len(cells)} cells where the header has {len(header)}"
            raise MalformedFileError(path, f"{name} row {number}", rule)
        blanked = ("" if cell.strip() in _NONE else cell.strip() for cell in cells)
        table.append(dict(zip(header, blanked, strict=True)))
    return table


def _number_of(line: Line) -> tuple[str, str]:
    return line["Analysis group"], line["Analysis number"]


def _key(line: Line, year: str) -> tuple[str, str]:
    return line["Study"], line.get(year, "")


def _studies(tables: Mapping[str, list[Line]], review: RevManReview) -> None:
    """The studies of study-information.csv, then those only the analyses know."""
    for line in tables.get(STUDIES, []):
        key = _key(line, "Year")
        if review.knows(key):
            why = "two studies with the same name and year cannot be told apart in the data rows"
            review.draft.leave(STUDIES, "study information", named(line), why)
            continue
        known = {"Study", "Year", "Char: Methods", "Char: Participants"}
        rest = {n.removeprefix("Char: "): text for n, text in line.items() if n not in known}
        notes = (f"{n.lower()}: {text}" for n, text in rest.items() if text)
        review.add_study(
            RevManStudy(
                key=key,
                name=key[0],
                where=f"{STUDIES}, {key[0]}",
                year=key[1],
                methods=_clean(line.get("Char: Methods", "")),
                participants=_clean(line.get("Char: Participants", "")),
                notes=_clean(sentences(*notes)),
            )
        )
    for line in tables[DATA_ROWS]:
        key = _key(line, "Study year")
        if not review.knows(key):
            review.add_study(RevManStudy(key=key, name=key[0], where=DATA_ROWS, year=key[1]))


def _clean(text: str) -> str:
    """Text without the markup RevMan leaves in its tables."""
    return one_line(re.sub(r"</?[A-Za-z][^<>]*>", " ", text))


def _estimates(
    tables: Mapping[str, list[Line]], settings: Mapping[tuple[str, str], Line], draft: Draft
) -> None:
    for kind in (OVERALL, SUBGROUPS):
        for line in tables.get(kind, []):
            where = sentences(".".join(_number_of(line)), line.get("Subgroup", ""))
            words = {n: t for n, t in line.items() if n in ("Effect measure", "Analysis model")}
            numbers = {n: t for n, t in line.items() if n not in _WORDS and is_number(t)}
            if numbers:
                why = "the raw tables hold data of trials; the pipeline pools them itself"
                draft.leave(f"{kind}, analysis {where}", POOLED, named(words | numbers), why)
            stored = {
                ours: line[name] for ours, name in _STORED.items() if is_number(line.get(name, ""))
            }
            about = settings.get(_number_of(line), {})
            if holds_result(stored):
                analysis = _analysis({"Analysis name": "", **about, **line}, about, ())
                draft.stored.append(StoredResult(analysis=analysis, numbers=stored))


def _place(line: Line) -> tuple[str, str, str]:
    return (*_number_of(line), line.get("Subgroup", ""))


def _analysis(line: Line, settings: Line, repeated: Collection[Hashable]) -> RevManAnalysis:
    key = _key(line, "Study year") if "Study" in line else ()
    return RevManAnalysis(
        number=".".join(_number_of(line)),
        where=in_subgroup(".".join(_number_of(line)), line.get("Subgroup", "")),
        outcome=line["Analysis name"],
        comparison=settings.get("Analysis group name", ""),
        subgroup=line.get("Subgroup", ""),
        repeated=frozenset([key] if (*_place(line), key) in repeated else []),
        labels=(
            settings.get("Experimental group label")
            or settings.get("Experimental intervention", ""),
            settings.get("Control group label") or settings.get("Control intervention", ""),
        ),
        favours=(settings.get("Graph label (left)", ""), settings.get("Graph label (right)", "")),
        measure=settings.get("Effect measure", ""),
        method=settings.get("Statistical method", ""),
        random="random" in settings.get("Analysis model", "").lower(),
        estimator=settings.get("Heterogeneity estimator", ""),
        interval=settings.get("CI method", ""),
        data_type=settings.get("Data type", ""),
        ci_level=_level(settings),
        ci_total=_level(settings),
        logged=settings.get("Log-scale data", "TRUE").upper() != "FALSE",
        swapped=settings.get("Swap event and non-event", "").upper() in ("TRUE", "YES"),
    )


def _data_row(
    path: Path, count: int, line: Line, analysis: RevManAnalysis, review: RevManReview
) -> None:
    printed = {name: text for name, text in line.items() if name not in _WORDS and text}
    broken = next((n for n in _INPUTS if n in printed and not is_number(printed[n])), "")
    if broken:
        rule = f"{broken} = {printed[broken]}: must be a number"
        raise MalformedFileError(path, f"{DATA_ROWS} row {count}", rule)
    key, note = _key(line, "Study year"), sentences(line.get("Footnotes", ""))
    kind = _kind(analysis.data_type, printed)
    if kind == "contrast":
        review.add_contrast(analysis, key, printed, note)
    elif kind == "means":
        review.add_means(analysis, key, printed, note)
    elif kind == "logrank" and is_logrank(printed, FIELDS):
        review.add_logrank(analysis, key, printed, note)
    else:
        review.add_counts(analysis, key, printed, note)


def _level(settings: Line) -> str:
    return (settings.get("CI/PI level") or settings.get("Study CI") or "95").rstrip("% ")


def _kind(declared: str, printed: Line) -> str:
    """What the row holds: by the declared data type, else by the cells that are not 0."""
    words = plain(declared)
    for name, kind in (
        ("dichotomous", "counts"),
        ("continuous", "means"),
        ("contrast", "contrast"),
        ("inverse variance", "contrast"),
        ("o e", "logrank"),
        ("expected", "logrank"),
    ):
        if name in words:
            return kind
    filled = {name for name in _INPUTS if name in printed and float(printed[name]) != 0}
    if filled & {*FIELDS.means, *FIELDS.sds}:
        return "means"
    return "counts" if filled & {*FIELDS.events} or FIELDS.se not in filled else "contrast"


def _risk_of_bias(lines: list[Line], review: RevManReview) -> None:
    judged: dict[tuple[Hashable, str], list[tuple[str, str, str]]] = {}
    for line in lines:
        where = f"{RISK_OF_BIAS}, {line['Study']}"
        studies = review.named(line["Study"])
        for column, text in line.items():
            if not text or column == "Study" or column.startswith("Domain (support)"):
                continue
            match = _JUDGEMENT.fullmatch(column)
            name, outcome = (match["domain"], match["outcome"] or "") if match else (column, "")
            domain = _domain(name) if match else ""
            judgement = next((j for n, j in _JUDGEMENTS.items() if plain(text).startswith(n)), "")
            support = _clean(line.get(column.replace("judgement", "support"), ""))
            why = ""
            if len(studies) != 1:
                why = "no study, or several, of that name"
            elif not domain or not judgement:
                why = "not a domain and judgement of RoB 2, which the tables hold"
            elif domain == "DS" and not review.crossover(studies[0]):
                why = "the crossover domain of a study that was not taken for a crossover"
            if why:
                value = sentences(outcome, text, support if match else "")
                review.draft.leave(where, f"risk of bias: {name}", value, why)
            else:
                entry = (judgement, outcome, support)
                judged.setdefault((studies[0], domain), []).append(entry)
    for (study, domain), entries in judged.items():
        _judge(review, study, domain, entries)


def _judge(
    review: RevManReview, key: Hashable, domain: str, entries: list[tuple[str, str, str]]
) -> None:
    """One judgement per trial and domain or, where outcomes differ, one per outcome."""
    trial, unstated = review.trial_id(key), "no reason in the package"
    row = {"trial_id": trial, "domain": domain}
    if len({judgement for judgement, _, _ in entries}) == 1:
        reasons = [f"{outcome}: {why}" if outcome else why for _, outcome, why in entries if why]
        reason = sentences(*dict.fromkeys(reasons)) or unstated
        review.draft.add("risk_of_bias", row | {"judgement": entries[0][0], "reason": reason})
        return
    for judgement, outcome, support in entries:
        row |= {"judgement": judgement, "reason": support or unstated}
        analysed = review.outcomes.named(outcome)
        for name in analysed or [""] * (not outcome):
            review.draft.add("risk_of_bias", row | {"outcome": name})
        if outcome and not analysed:
            why = "differs between outcomes, and no analysis has the name of this one"
            value = sentences(outcome, judgement, support)
            review.draft.leave(f"{RISK_OF_BIAS}, {trial}", f"risk of bias: {domain}", value, why)


def _domain(name: str) -> str:
    words = plain(name).replace("randomisation", "randomization").replace("carry over", "carryover")
    return next((domain for domain, begins in _DOMAINS.items() if words.startswith(begins)), "")
