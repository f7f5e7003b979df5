"""The trials of a review, and the guidance it follows, as BibTeX and CSL JSON.

What is blank stays out: a citation as it was typed is one field, never taken apart by guess.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from trialpool import tables
from trialpool import words as w

# Letters that LaTeX takes for commands.
_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
}  # fmt: skip

# Guidance that every build of a review follows: key, and fields of CSL.
GUIDANCE: dict[str, dict[str, Any]] = {
    "prisma2020": {"title": "The PRISMA 2020 statement: an updated guideline for reporting "
                   "systematic reviews", "container-title": "BMJ", "volume": "372", "page": "n71",
                   "year": 2021, "DOI": "10.1136/bmj.n71"},
    "prisma_lsr": {"title": "Extension of the PRISMA 2020 statement for living systematic reviews "
                   "(PRISMA-LSR): checklist and explanation", "container-title": "BMJ",
                   "volume": "387", "page": "e079183", "year": 2024,
                   "DOI": "10.1136/bmj-2024-079183"},
    "rob2": {"title": "RoB 2: a revised tool for assessing risk of bias in randomised trials",
             "container-title": "BMJ", "volume": "366", "page": "l4898", "year": 2019,
             "DOI": "10.1136/bmj.l4898"},
    "rob_me": {"title": "ROB-ME: a tool for assessing risk of bias due to missing evidence in "
               "systematic reviews with meta-analysis", "container-title": "BMJ", "volume": "383",
               "page": "e076754", "year": 2023, "DOI": "10.1136/bmj-2023-076754"},
}  # fmt: skip


def csl(characteristics: pd.DataFrame) -> list[dict[str, Any]]:
    """The references as items of CSL JSON, trials first.

    Parameters
    ----------
    characteristics : characteristics.csv
    """
    made = [_trial(row) for row in tables.records(characteristics)]
    for key, fields in GUIDANCE.items():
        rest = {name: value for name, value in fields.items() if name != "year"}
        made.append({"id": key, "type": "article-journal", **rest, **_issued(fields["year"])})
    return made


def csl_json(items: Iterable[Mapping[str, Any]]) -> str:
    """The items as a file."""
    return json.dumps(list(items), ensure_ascii=False, indent=1) + "\n"


def bibtex(items: Iterable[Mapping[str, Any]]) -> str:
    """The items as BibTeX."""
    return "\n".join(_entry(item) for item in items)


def _trial(row: Mapping[str, Any]) -> dict[str, Any]:
    citation, study = w.text(row["citation"]), w.text(row["study"])
    addresses = w.text(row["source_url"]).split("; ")[0]
    doi = w.text(row["doi"]).split("; ")[0]
    registration = w.text(row["registration"])
    fields = {
        "title": citation or study,
        "DOI": doi,
        "PMID": w.text(row["pmid"]).removesuffix(".0").split("; ")[0],
        "URL": "" if doi else addresses,
        "note": f"{study}; {registration}"
        if (registration := w.text(row["registration"]))
        else study,
    }
    known = {name: value for name, value in fields.items() if value}
    kind = "article-journal" if citation or fields["DOI"] or fields["PMID"] else "document"
    return {"id": w.text(row["trial_id"]), "type": kind, **known, **_issued(row["year"])}


def _issued(year: object) -> dict[str, Any]:
    shown = w.whole(year)
    return {} if shown == w.DASH else {"issued": {"date-parts": [[int(shown)]]}}


def _entry(item: Mapping[str, Any]) -> str:
    kind = "article" if item["type"] == "article-journal" else "misc"
    names = {
        "title": "title", "container-title": "journal", "volume": "volume", "page": "pages",
        "DOI": "doi", "PMID": "pmid", "URL": "url", "note": "note",
    }  # fmt: skip
    lines = [f"  {ours} = {{{_latex(item[name])}}}" for name, ours in names.items() if name in item]
    lines += [f"  year = {{{year}}}" for year in _years(item)]
    return f"@{kind}{{{_key(item['id'])},\n" + ",\n".join(lines) + "\n}\n"


def _years(item: Mapping[str, Any]) -> Iterator[int]:
    for (year,) in item.get("issued", {}).get("date-parts", ()):
        yield year


def _key(name: str) -> str:
    """A key without letters that end it."""
    return re.sub(r"[^\w:.+-]", "_", name)


def _latex(value: object) -> str:
    return "".join(_LATEX.get(letter, letter) for letter in " ".join(str(value).split()))
