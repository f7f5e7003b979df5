"""Import of RevMan 5 reviews: the `.rm5` XML file.

The element and attribute names are those RevMan 5 writes: COCHRANE_REVIEW, with
STUDIES_AND_REFERENCES, CHARACTERISTICS_OF_STUDIES, QUALITY_ITEMS and ANALYSES_AND_DATA.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn
from xml.etree import ElementTree as ET  # builds the tree only; expat does the parsing
from xml.parsers import expat

from trialpool.review.exchange import revman_csv
from trialpool.review.exchange.draft import (
    Draft,
    MalformedFileError,
    is_number,
    named,
    one_line,
    read_bytes,
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
    several,
)
from trialpool.review.exchange.revman_ratios import is_logrank

KINDS = ("DICH", "CONT", "IV", "IPD", "OTHER")
# What orders and labels the file, and the settings of plots; none of it is a result.
BOOKKEEPING = {
    "ID", "NO", "ORDER", "SCALE", "MODIFIED", "MODIFIED_BY", "STUDY_ID", "SORT_BY", "STUDIES",
    "SUBGROUPS", "SUBGROUP_TEST", "SWAP_EVENTS", "TOTALS", "ESTIMABLE", "EFFECT_MEASURE", "METHOD",
    "RANDOM", "CI_STUDY", "CI_TOTAL", "UNITS", "LOG_DATA", "CALCULATED_DATA", "GROUP_ID", "NOTES",
}  # fmt: skip
FIELDS = Fields(
    events=("EVENTS_1", "EVENTS_2"),
    totals=("TOTAL_1", "TOTAL_2"),
    means=("MEAN_1", "MEAN_2"),
    sds=("SD_1", "SD_2"),
    estimate="ESTIMATE",
    se="SE",
    shown=("EFFECT_SIZE", "CI_START", "CI_END"),
    logrank=("O_E", "VAR"),
)
_NEEDED = {
    "DICH": (*FIELDS.events, *FIELDS.totals),
    "CONT": (*FIELDS.means, *FIELDS.sds, *FIELDS.totals),
    "IV": (FIELDS.estimate, FIELDS.se),
    "IPD": (),
}
# The pooled numbers that are compared with ours.
_STORED = {"estimate": "EFFECT_SIZE", "ci_low": "CI_START", "ci_high": "CI_END", "tau2": "TAU2",
           "q": "CHI2", "i2": "I2", "p_value": "P_Z"}  # fmt: skip
_OTHER_STUDIES = {
    "EXCLUDED_STUDIES": "the kind of reason, which `excluded` asks for, is not stated",
    "AWAITING_STUDIES": "awaiting assessment: neither included nor excluded",
    "ONGOING_STUDIES": "`missing_results` asks for the outcome, which is not stated",
}
_REGISTRY = re.compile(r"\b(NCT\d{8}|ISRCTN\d{8}|ACTRN\d{14})\b")
_MAX_DEPTH = 200


def read(path: Path, options: ImportOptions) -> Imported:
    """Read a RevMan 5 review.

    Parameters
    ----------
    path : the `.rm5` file, UTF-8 with or without byte order mark; or the CSV file of `revman_csv`
    options : the condition the tables are for, which is also their diagnosis

    Returns
    -------
    Raw tables, what was assumed, and what was left

    Raises
    ------
    MalformedFileError
        if the file is no RevMan 5 review, declares entities, or lacks a needed attribute
    """
    content = read_bytes(path)
    if revman_csv.is_export(content):
        return revman_csv.read(path, options)
    if content.startswith(b"PK"):
        rule = "a zip file, not a review file of RevMan 5"
        fix = "A data package of RevMan Web is read by `trialpool import revman-web`"
        raise MalformedFileError(path, "", rule, fix)
    root = _tree(path)
    if root.tag != "COCHRANE_REVIEW":
        raise MalformedFileError(
            path,
            "",
            f"the root element is {root.tag}, not COCHRANE_REVIEW",
            "Choose a file saved by RevMan 5 (.rm5)",
        )
    doi = root.get("DOI", "").strip()
    url = f"https://doi.org/{doi}" if doi else "https://www.cochranelibrary.com"
    number = re.search(r"CD\d{6}", doi + root.get("CD_NUMBER", ""))
    draft = Draft(number[0] if number else "revman5", url, "secondary")
    review = RevManReview(draft, options.condition, FIELDS)
    _studies(path, root, review)
    _quality(root, draft)
    for part in root.iterfind("ANALYSES_AND_DATA/*"):
        for outcome in part if part.tag == "COMPARISON" else (part,):
            if outcome.tag.removesuffix("_OUTCOME") in KINDS:
                _outcome(path, part, outcome, review)
            elif outcome.tag != "NAME":
                why = "not an outcome of a comparison; the raw tables have no place for it"
                draft.leave(_id(outcome), outcome.tag, " ".join(outcome.itertext()), why)
    for table in (*root.iter("SOF_TABLE"), *root.iter("ADDITIONAL_TABLE")):
        why = "a table of text; its numbers have no fixed meaning"
        draft.leave(_id(table), table.tag, _text(table, "TITLE"), why)
    imported = review.outcomes.done()
    if not imported.effects_in:
        rule = "no line of a study in any analysis"
        raise MalformedFileError(path, "", rule, "Choose a review that has data and analyses")
    return imported


def _tree(path: Path) -> ET.Element:
    """The XML tree; entities are refused, so nothing can be expanded or fetched."""
    builder = ET.TreeBuilder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    depth = 0

    def refuse(*declaration: object) -> NoReturn:
        place = f"line {parser.CurrentLineNumber}"
        rule = "declares or uses an entity, which a RevMan file does not need"
        raise MalformedFileError(path, place, rule, "Remove the declaration")

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _MAX_DEPTH:
            place = f"line {parser.CurrentLineNumber}"
            raise MalformedFileError(path, place, f"elements nested deeper than {_MAX_DEPTH}")
        builder.start(tag, attributes)

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(tag)

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    parser.SkippedEntityHandler = refuse
    try:
        parser.Parse(read_bytes(path), True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        if isinstance(error, MalformedFileError):
            raise
        place = f"line {parser.ErrorLineNumber}"
        raise MalformedFileError(path, place, f"not readable as XML ({error})") from None
    return builder.close()


def _id(element: ET.Element) -> str:
    return element.get("ID", "") or element.tag


def _text(element: ET.Element, tag: str) -> str:
    child = element.find(tag)
    return "" if child is None else one_line(" ".join(child.itertext()))


def _studies(path: Path, root: ET.Element, review: RevManReview) -> None:
    chars = {char.get("STUDY_ID", ""): char for char in root.iter("INCLUDED_CHAR")}
    for study in root.iterfind(".//INCLUDED_STUDIES/STUDY"):
        key = study.get("ID", "")
        if not key or review.knows(key):
            rule = f"the study ID `{key}` stands twice" if key else "a STUDY without an ID"
            raise MalformedFileError(path, f"INCLUDED_STUDIES, {study.get('NAME', '')}", rule)
        review.add_study(_study(study, chars.get(key, ET.Element("INCLUDED_CHAR"))))
    for group, why in _OTHER_STUDIES.items():
        for study in root.iterfind(f".//{group}/STUDY"):
            what = group.replace("_", " ").lower()
            review.draft.leave(_id(study), what, study.get("NAME", ""), why)


def _study(study: ET.Element, char: ET.Element) -> RevManStudy:
    references = sorted(study.iterfind("REFERENCE"), key=lambda r: r.get("PRIMARY") != "YES")
    identifiers = [(i.get("TYPE", ""), i.get("VALUE", "")) for i in study.iter("IDENTIFIER")]
    values = " ".join(value for _, value in identifiers)
    registered = _REGISTRY.search(f"{values} {study.get('NAME', '')}")
    rest = [f"{kind} {value}" for kind, value in identifiers if kind not in ("DOI", "PUBMED")]
    words = {word: f"CHAR_{word.upper()}" for word in ("interventions", "outcomes", "notes")}
    notes = [f"{word}: {_text(char, tag)}" for word, tag in words.items() if _text(char, tag)]
    return RevManStudy(
        key=study.get("ID", ""),
        name=one_line(study.get("NAME", "")),
        where=_id(study),
        year=study.get("YEAR", ""),
        citation="; also: ".join(_citation(reference) for reference in references),
        doi=next((value for kind, value in identifiers if kind == "DOI"), ""),
        pmid=next((value for kind, value in identifiers if kind == "PUBMED"), ""),
        registration=registered[0] if registered else "",
        methods=_text(char, "CHAR_METHODS"),
        participants=_text(char, "CHAR_PARTICIPANTS"),
        notes=sentences(*notes, f"identifiers: {', '.join(rest)}" if rest else ""),
    )


def _citation(reference: ET.Element) -> str:
    parts = [_text(reference, tag) for tag in ("AU", "TI", "SO", "YR")]
    volume, number, pages = (_text(reference, tag) for tag in ("VL", "NO", "PG"))
    place = f"{volume}{f'({number})' if number else ''}{f':{pages}' if pages else ''}"
    return ". ".join(part.rstrip(".") for part in (*parts, place) if part)


def _quality(root: ET.Element, draft: Draft) -> None:
    for item in root.iter("QUALITY_ITEM"):
        name = _text(item, "NAME")
        for entry in item.iter("QUALITY_ITEM_DATA_ENTRY"):
            where = f"{_id(item)}, study {entry.get('STUDY_ID', '')}"
            group = entry.get("GROUP_ID", "")
            value = sentences(entry.get("RESULT", ""), group, _text(entry, "DESCRIPTION"))
            why = "a domain of the first risk-of-bias tool; the tables hold those of RoB 2"
            draft.leave(where, f"risk of bias: {name}", value, why)


def _outcome(path: Path, comparison: ET.Element, outcome: ET.Element, review: RevManReview) -> None:
    kind = outcome.tag.removesuffix("_OUTCOME")
    whole = _analysis(comparison, outcome, None)
    _pooled(outcome, whole, review.draft)
    _rows(path, kind, outcome, whole, review)
    for subgroup in outcome.iterfind(f"{kind}_SUBGROUP"):
        part = _analysis(comparison, outcome, subgroup)
        _pooled(subgroup, part, review.draft)
        _rows(path, kind, subgroup, part, review)


def _analysis(
    comparison: ET.Element, outcome: ET.Element, subgroup: ET.Element | None
) -> RevManAnalysis:
    return RevManAnalysis(
        number=_id(outcome),
        where=_id(outcome if subgroup is None else subgroup),
        outcome=_text(outcome, "NAME"),
        comparison=_text(comparison, "NAME"),
        subgroup="" if subgroup is None else _text(subgroup, "NAME"),
        repeated=several(
            line.get("STUDY_ID", "")
            for line in (outcome if subgroup is None else subgroup)
            if line.tag.endswith("_DATA")
        ),
        labels=(_text(outcome, "GROUP_LABEL_1"), _text(outcome, "GROUP_LABEL_2")),
        favours=(_text(outcome, "GRAPH_LABEL_1"), _text(outcome, "GRAPH_LABEL_2")),
        measure=_text(outcome, "EFFECT_MEASURE") or outcome.get("EFFECT_MEASURE", ""),
        method=outcome.get("METHOD", ""),
        random=outcome.get("RANDOM") == "YES",
        ci_level=outcome.get("CI_STUDY", "95"),
        ci_total=outcome.get("CI_TOTAL", "95"),
        logged=outcome.get("LOG_DATA", "YES") != "NO",
        swapped=outcome.get("SWAP_EVENTS") == "YES",
    )


def _pooled(element: ET.Element, analysis: RevManAnalysis, draft: Draft) -> None:
    settings = {n: element.get(n, "") for n in ("EFFECT_MEASURE", "METHOD", "RANDOM", "ESTIMABLE")}
    numbers = _numbers(element)
    if numbers:
        why = "the raw tables hold data of trials; the pipeline pools them itself"
        draft.leave(_id(element), POOLED, named(settings | numbers), why)
    known = {
        ours: numbers[name] for ours, name in _STORED.items() if is_number(numbers.get(name, ""))
    }
    if element.get("ESTIMABLE") != "NO" and holds_result(known):
        draft.stored.append(StoredResult(analysis=analysis, numbers=known))


def _numbers(element: ET.Element) -> dict[str, str]:
    return {n: text for n, text in element.attrib.items() if n not in BOOKKEEPING and text.strip()}


def _rows(
    path: Path, kind: str, parent: ET.Element, analysis: RevManAnalysis, review: RevManReview
) -> None:
    for data in parent.iterfind(f"{kind}_DATA"):
        key = data.get("STUDY_ID", "")
        where = f"{analysis.where}, study {key}"
        if not review.knows(key):
            rule = f"STUDY_ID = {key}: no such study among the included ones"
            raise MalformedFileError(path, where, rule)
        if kind == "OTHER":
            why = "a table of text; its numbers have no fixed meaning"
            words = sentences(*(one_line("".join(cell.itertext())) for cell in data.iter("TD")))
            review.draft.leave(where, analysis.outcome, words, why)
            continue
        numbers = dict(_checked(path, where, kind, data))
        note = _text(data, "FOOTNOTE")
        if kind == "CONT":
            review.add_means(analysis, key, numbers, note)
        elif kind == "IV":
            review.add_contrast(analysis, key, numbers, note)
        elif kind == "IPD" and is_logrank(numbers, FIELDS):
            review.add_logrank(analysis, key, numbers, note)
        else:
            review.add_counts(analysis, key, numbers, note)


def _checked(path: Path, where: str, kind: str, data: ET.Element) -> Iterator[tuple[str, str]]:
    """The numbers of a study's line; what must be a number and is none ends the import."""
    for name in _NEEDED[kind]:
        if not is_number(data.get(name, "")):
            value = f"{name} = {data.get(name, 'missing')}"
            fix = "Correct it in RevMan"
            raise MalformedFileError(path, where, f"{value}: must be a number", fix)
    yield from _numbers(data).items()
