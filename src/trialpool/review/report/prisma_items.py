"""The items of PRISMA 2020 and PRISMA-LSR: what each asks for, and what answers it.

References
----------
Page et al. 2021, BMJ 372:n71; Akl et al. 2024, BMJ 387:e079183, table 1
"""

from __future__ import annotations

from dataclasses import dataclass

PRISMA, LIVING = "PRISMA 2020", "PRISMA-LSR"


@dataclass(frozen=True, slots=True)
class Item:
    """An item: its list, number and topic, the fact that decides it, and the place that answers.

    Without a fact it is text that people write.
    """

    of: str
    number: str
    topic: str
    fact: str = ""
    where: str = ""


_METHODS, _CONFIG = "methods.html", "../config/review.yaml"

ITEMS = (
    Item(PRISMA, "1", "the title calls it a systematic review", "named_review", "index.html"),
    Item(PRISMA, "2", "a structured abstract"),
    Item(PRISMA, "3", "why the review is needed"),
    Item(PRISMA, "4", "the question", "question", "index.html"),
    Item(PRISMA, "5", "who and what is eligible, and how trials are grouped", "protocol", _CONFIG),
    Item(PRISMA, "6", "where was searched, and when last", "searched", f"{_METHODS}#search"),
    Item(PRISMA, "7", "the full search strategies"),
    Item(PRISMA, "8", "how trials were selected"),
    Item(PRISMA, "9", "how data were collected, by how many people", "twice",
         f"{_METHODS}#extraction"),
    Item(PRISMA, "10a", "the outcomes sought, and how one of several results is chosen", "protocol",
         _CONFIG),
    Item(PRISMA, "10b", "the other data sought", "protocol", "../data/raw/README.md"),
    Item(PRISMA, "11", "how the risk of bias is judged", "judged", f"{_METHODS}#bias"),
    Item(PRISMA, "12", "the effect measures", "protocol", f"{_METHODS}#reading"),
    Item(PRISMA, "13a", "which trials enter which synthesis", "trials", "characteristics.csv"),
    Item(PRISMA, "13b", "how data are prepared: conversions, missing numbers", "trials",
         "trials/index.html"),
    Item(PRISMA, "13c", "how results are shown", "protocol", f"{_METHODS}#reading"),
    Item(PRISMA, "13d", "how results are pooled, with model and program", "protocol",
         f"{_METHODS}#models"),
    Item(PRISMA, "13e", "how reasons for differences are explored", "grouped", _CONFIG),
    Item(PRISMA, "13f", "how robustness is tested", "varied", _CONFIG),
    Item(PRISMA, "14", "how bias from missing results is judged", "missing",
         f"{_METHODS}#models"),
    Item(PRISMA, "15", "how certainty is judged", "rated", f"{_METHODS}#models"),
    Item(PRISMA, "16a", "the flow from search to inclusion", "screened", f"{_METHODS}#flow"),
    Item(PRISMA, "16b", "reports that seemed eligible and are not, with reasons", "excluded",
         f"{_METHODS}#excluded"),
    Item(PRISMA, "17", "characteristics of each trial", "trials", "trials/index.html"),
    Item(PRISMA, "18", "the risk of bias of each trial", "judged", "trials/index.html"),
    Item(PRISMA, "19", "each trial's numbers and effect for each outcome", "trials",
         "trials/index.html"),
    Item(PRISMA, "20a", "characteristics and bias of what enters each synthesis", "judged",
         "index.html"),
    Item(PRISMA, "20b", "each pooled result, its precision and heterogeneity", "verified",
         "summary.csv"),
    Item(PRISMA, "20c", "what was found on reasons for differences", "grouped", "index.html"),
    Item(PRISMA, "20d", "what was found on robustness", "varied", "index.html"),
    Item(PRISMA, "21", "bias from missing results of each synthesis", "missing", "index.html"),
    Item(PRISMA, "22", "the certainty of each result", "rated", "index.html"),
    Item(PRISMA, "23a", "what the results mean beside other evidence"),
    Item(PRISMA, "23b", "limits of the evidence"),
    Item(PRISMA, "23c", "limits of how the review was made"),
    Item(PRISMA, "23d", "what follows for practice, policy and research"),
    Item(PRISMA, "24a", "where it is registered"),
    Item(PRISMA, "24b", "where the protocol is", "protocol", _CONFIG),
    Item(PRISMA, "24c", "what was changed since"),
    Item(PRISMA, "25", "who paid"),
    Item(PRISMA, "26", "interests of the authors"),
    Item(PRISMA, "27", "where data and code are, under which licence", "licence",
         f"{_METHODS}#files"),
    Item(LIVING, "1", "the title says living", "named_living", "index.html"),
    Item(LIVING, "1 (version)", "the version is named", "version", "index.html"),
    Item(LIVING, "2", "whether this version ends the living mode"),
    Item(LIVING, "3", "why it is living, and the version before"),
    Item(LIVING, "4", "changes of the question since the version before"),
    Item(LIVING, "L1", "schedule of searches and of the other steps, and when it ends"),
    Item(LIVING, "6", "the date of each search of this version", "searched", f"{_METHODS}#search"),
    Item(LIVING, "16a", "the flow over versions"),
    Item(LIVING, "L2", "changes of the methods since the version before"),
    Item(LIVING, "L3", "changes of the results since the version before"),
    Item(LIVING, "L4", "who did what in which version"),
)  # fmt: skip
