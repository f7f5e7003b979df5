"""What the headings of a published sheet mean: each says one thing, or is asked about."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from trialpool.review.exchange.draft import plain

# Places of a mapping that name the sheet's columns, by the headings that mean them.
WORDS: Mapping[str, tuple[str, ...]] = {
    "study": ("study", "studies", "author", "authors", "study id", "trial", "trial id",
              "trial name", "reference", "first author", "study name", "studlab", "slab",
              "author year", "study year", "author and year", "source", "citation"),
    "year": ("year", "publication year", "pub year", "year of publication", "date"),
    "doi": ("doi",),
    "country": ("country",),
    "instrument": ("instrument", "scale", "outcome measure", "questionnaire", "measurement",
                   "rating scale"),
    "outcome": ("outcome", "endpoint", "outcome name"),
    "time": ("time", "time point", "timepoint", "follow up", "followup", "assessment", "duration"),
    "weeks": ("week", "weeks", "time weeks", "follow up weeks", "weeks of follow up"),
    "days": ("day", "days", "time days", "follow up days"),
    "measure": ("effect measure", "measure", "effect type", "type of effect", "metric", "sm"),
    "effect": ("effect", "es", "effect size", "estimate", "yi", "te", "effect estimate"),
    "d": ("d", "cohens d", "cohen s d"),
    "g": ("g", "hedges g", "hedge s g", "smd", "standardised mean difference",
          "standardized mean difference"),
    "md": ("md", "mean difference", "wmd", "difference in means", "raw mean difference"),
    "or": ("or", "odds ratio"),
    "rr": ("rr", "risk ratio", "relative risk"),
    "hr": ("hr", "hazard ratio"),
    "log_or": ("log or", "logor", "lnor", "ln or", "log odds ratio"),
    "log_rr": ("log rr", "logrr", "lnrr", "ln rr", "log risk ratio"),
    "log_hr": ("log hr", "loghr", "lnhr", "ln hr", "log hazard ratio"),
    "se": ("se", "sei", "standard error", "sete", "se te", "se of effect", "se effect", "se d",
           "se g", "se es", "std error"),
    "variance": ("vi", "var", "variance", "v", "sampling variance"),
    "ci_low": ("ci low", "ci lower", "lower ci", "lower", "ll", "lci", "ci lb", "lower limit",
               "ci l", "lower 95 ci", "95 ci lower", "lower 95", "low", "ci min"),
    "ci_high": ("ci high", "ci upper", "upper ci", "upper", "ul", "uci", "ci ub", "upper limit",
                "ci u", "upper 95 ci", "95 ci upper", "upper 95", "high", "ci max"),
    "ci": ("ci", "95 ci", "ci 95", "confidence interval", "95 confidence interval"),
    "p": ("p", "p value", "pvalue", "p val"),
}  # fmt: skip
# Estimates, and the code of contrasts.csv and whether it is logged; `effect` needs a measure.
ESTIMATES: Mapping[str, tuple[str, bool]] = {
    "d": ("D", False), "g": ("G", False), "md": ("MD", False), "or": ("OR", False),
    "rr": ("RR", False), "hr": ("HR", False), "log_or": ("OR", True), "log_rr": ("RR", True),
    "log_hr": ("HR", True),
}  # fmt: skip
_SIDES = {
    "1": {"1", "e", "i", "ie", "exp", "experimental", "intervention", "treatment", "treated", "ig",
          "tx", "treat", "active", "int", "trt", "eg", "tg", "drug"},
    "2": {"2", "c", "ctrl", "con", "control", "controls", "comparator", "comparison", "placebo",
          "cg", "pbo", "pla", "pg"},
}  # fmt: skip
_QUANTITIES = {
    "n": ("n", "sample size", "participants", "number", "n analysed", "n analyzed", "patients",
          "subjects", "size", "people", "no"),
    "mean": ("mean", "m", "average", "mean score"),
    "sd": ("sd", "s d", "std", "stdev", "standard deviation", "std dev"),
    "mean_sd": ("mean sd", "mean s d", "m sd", "mean standard deviation"),
    "events": ("event", "events", "cases", "responders", "r", "x", "number of events"),
    "total": ("total", "n total", "total n", "at risk", "n at risk", "randomised", "randomized"),
    "events_total": ("events total", "n n", "event total", "r n", "events n", "responders total",
                     "responders n"),
    "percent": ("percent", "percentage", "events percent"),
    "label": ("arm", "group", "name", "condition", ""),
}  # fmt: skip
_JOINED = re.compile(r"(n|m|mean|sd|x|r|event|events|total)(?:_?)(1|2|e|c)i?")
_FILLERS = {"group", "arm", "grp", "of", "in", "the", "score", "post", "at", "endpoint"}


def places_of(heading: str) -> list[str]:
    """The places a heading may mean: none, one, or several where it is ambiguous."""
    words = plain(heading.replace("%", " percent "))
    if not words:
        return []
    meanings = [place for place, known in WORDS.items() if plain(heading) in known]
    tokens = words.split()
    if match := _JOINED.fullmatch(words.replace(" ", "")):
        side = {"e": "1", "c": "2"}.get(match[2], match[2])
        quantity = _quantity(match[1])
        return [f"{quantity}{side}"] if quantity else meanings
    for side, names in _SIDES.items():
        hits = [token for token in tokens if token in names]
        if len(hits) != 1:
            continue
        for drop in (set(), _FILLERS):
            rest = " ".join(t for t in tokens if t != hits[0] and t not in drop)
            if (quantity := _quantity(rest)) and f"{quantity}{side}" not in meanings:
                meanings.append(f"{quantity}{side}")
                break
    return meanings


def _quantity(words: str) -> str:
    return next((name for name, known in _QUANTITIES.items() if words in known), "")


def find_header(rows: Sequence[Sequence[str]]) -> int:
    """The row that holds the headings: the first that names the study and two things more.

    -1 where there is none.
    """
    for number, row in enumerate(rows[:30]):
        known = [places for cell in row if (places := places_of(cell))]
        if len(known) >= 3 and any("study" in places for places in known):
            return number
    return -1
