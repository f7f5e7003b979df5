"""What the words of other tools' files say: times, comparators, designs, directions.

Each rule answers only where the words leave no doubt; the callers say what they assume instead.
"""

from __future__ import annotations

import re

from trialpool.review.exchange.draft import plain

_DAYS = {"minute": 1 / 1440, "min": 1 / 1440, "hour": 1 / 24, "hr": 1 / 24, "h": 1 / 24,
         "day": 1.0, "week": 7.0, "wk": 7.0}  # fmt: skip
_AMOUNT = (
    r"(?:(?P<unit>day|week|hour)\s*(?P<number>\d+(?:\.\d+)?)"
    r"|(?P<number2>\d+(?:\.\d+)?)[\s-]*(?P<unit2>minutes?|min|hours?|hrs?|h|days?|weeks?|wks?))"
)
_ALONE = re.compile(
    r"(?:(?:at|on|after)\s+)?(?:the\s+end\s+of\s+)?(?:study\s+)?"
    + _AMOUNT
    + r"(?:[\s-]*(?:post|after|following|since)[\s-]*(?:the\s+)?(?:(?:first|initial|single)\s+)?"
    r"(?:dose|dosing|infusion|injection|administration)|\s+of\s+treatment)?\.?"
)
_FROM_BASELINE = re.compile(r"(?:change\s+)?(?:from\s+)?baseline\s*(?:,|and|to|-|–)\s*(?:to\s+)?")
_IN_A_NAME = re.compile(r"\b(?:at|on)\s+" + _AMOUNT + r"\b(?!\s*(?:to|or|and|-|–|/)\s*\d)")
_ANY_AMOUNT = re.compile(r"\b" + _AMOUNT + r"\b")
_LENGTH = (
    r"(?:\d+(?:\.\d+)?|one|two|three|four|five|six|eight|nine|ten|twelve)[\s-]*"
    r"(?:minute|min|hour|hr|h|day|week|wk|month|year|yr)s?"
)
_FOLLOW_UP = r"follow[\s-]*ups?"
_A_TIME = re.compile(
    r"(?:at|on|after)?\s*(?:the\s+)?(?:"
    rf"(?:{_LENGTH}|(?:day|week|month|year)\s*\d+)(?:\s*(?:of\s+)?{_FOLLOW_UP})?"
    rf"|{_FOLLOW_UP}(?:\s*(?:at|of|after|:|,|-)?\s*{_LENGTH})?"
    r"|(?:end|completion)\s+of\s+(?:the\s+)?(?:treatment|intervention|therapy|study|trial|"
    rf"{_FOLLOW_UP})"
    r"|post[\s-]*(?:treatment|intervention|therapy|test)|end[\s-]*point|last\s+visit"
    rf"|(?:very\s+)?(?:short|medium|intermediate|long|longer)(?:est)?[\s-]*term"
    rf"(?:\s*(?:{_FOLLOW_UP}|outcomes?|effects?|results?))?"
    r")\s*(?:\([^()]*\))?"
)
_CROSSOVER = re.compile(r"\bcross[\s-]?over\b")
_NOT_CROSSOVER = re.compile(r"\b(?:no|not|non|without)\b[^.;]{0,20}\bcross[\s-]?over\b")
_FIRST_PERIOD = re.compile(
    r"\b(?:first|1st)[\s-]+(?:period|phase)\b|\b(?:before|pre|prior to)[\s-]+(?:the\s+)?cross"
)
_CHANGE = re.compile(r"\bchanges?\b")
_PLACEBO = {"placebo", "matching", "matched", "inactive", "inert", "oral", "intravenous", "iv",
            "saline", "capsule", "capsules", "tablet", "tablets", "pill", "pills", "injection",
            "infusion", "control", "group", "arm"}  # fmt: skip
_EXACT_CLASS = {
    "no_treatment": ("no treatment", "no intervention", "untreated"),
    "waiting_list": ("waiting list", "wait list", "waitlist", "waiting list control",
                     "wait list control", "waitlist control"),
    "usual_care": ("usual care", "treatment as usual", "care as usual", "standard care"),
}  # fmt: skip
_CONTROL = re.compile(
    r"\b(?:placebo|sham|control|untreated|no treatment|no intervention|usual care|as usual|"
    r"wait list|waiting list|waitlist)\b"
)
_PSYCHIATRIC = ("ptsd", "stress disorder", "depress", "mdd", "anxi", "panic", "phobi", "obsessive",
                "ocd", "psych", "schizo", "bipolar", "suicid", "mania")  # fmt: skip
_SCORE = r"(?:scores?|values?|numbers?|ratings?|totals?)?"
_GOOD = r"(?:better|improve|milder)"
_BAD = r"(?:worse|poorer|more severe|severe|severity|more symptoms|symptoms?\s+severity)"
# One word may stand between, but none that turns the sense: `less severe` is not `severe`.
_WORD = r"(?:(?!less|lower|fewer|no\b|not\b|reduced|decreased)\w+\s+)?"
_SAYS = rf"\s+{_WORD}(?:indicat|mean|reflect|represent|denot|correspond|signif)\w*\s+{_WORD}"
_HIGHER_GOOD = re.compile(rf"\bhigher\s+{_SCORE}{_SAYS}{_GOOD}|\blower\s+{_SCORE}{_SAYS}{_BAD}")
_HIGHER_BAD = re.compile(rf"\bhigher\s+{_SCORE}{_SAYS}{_BAD}|\blower\s+{_SCORE}{_SAYS}{_GOOD}")


_LOWER = re.compile(
    r"death|dead|mortal|died|fatal|relaps|recur|drop\w*[ -]?out|withdr|discontinu|attrition|leaving"
    r"|left early|lost|adverse|side effect|harm|toxic|fail|complicat|bleed|haemorr|hemorr|infarct"
    r"|stroke|hospital|admission|suicid|self[ -]harm|infection|pain|nausea|vomit|headache|event"
    r"|worse|deteriorat|non[ -]?respon|no respon|not respon|no improv|not improv|no remission"
)
_HIGHER = re.compile(
    r"respon|remission|remit|recover|improv|success|abstin|cessation|cure|healed|healing|surviv"
    r"|satisf|pregnan|birth|adheren|complian|resolution|resolved|quit"
)


def _in_days(match: re.Match[str]) -> str:
    unit = (match["unit"] or match["unit2"]).lower()
    unit = unit if unit in _DAYS else unit.rstrip("s")
    number = float(match["number"] or match["number2"])
    return f"{number * _DAYS[unit]:.6g}"


def days(text: str, *, change: bool = False) -> str:
    """Days of a time frame that is nothing but one number with its unit; blank otherwise.

    Months and years have no fixed length, and `up to`, `through` or two times leave it open
    which one is meant.

    Parameters
    ----------
    change : whether the outcome is a change from baseline, so that `baseline to day 7` is day 7
    """
    words = " ".join(text.lower().split())
    if change:
        words = _FROM_BASELINE.sub("", words, count=1)
    match = _ALONE.fullmatch(words)
    return _in_days(match) if match else ""


def is_time(name: str) -> bool:
    """Whether a name is a time, also one that is no number of days: `3 months`, `end of treatment`.

    A range (`6 to 23 months`) may be of ages, and is none.
    """
    return _A_TIME.fullmatch(" ".join(name.lower().split())) is not None


def time_in_name(name: str) -> tuple[str, str]:
    """`time_days` and the words that say so in an outcome's or a subgroup's name, or blanks.

    Only a name that is a time, or has a single one after `at` or `on`: `headache on day 3`.
    """
    if days(name):
        return days(name), name
    words = name.lower()
    match = _IN_A_NAME.search(words)
    if match is None or len(_ANY_AMOUNT.findall(words)) != 1:
        return "", ""
    return _in_days(match), name[match.start() : match.end()]


def is_change(title: str) -> bool:
    """Whether a title speaks of a change."""
    return _CHANGE.search(title.lower()) is not None


def is_crossover(text: str) -> bool:
    """Whether a description of methods says that the trial is a crossover and nothing else."""
    words = text.lower()
    return bool(
        _CROSSOVER.search(words) and not _NOT_CROSSOVER.search(words) and "parallel" not in words
    )


def is_first_period(text: str) -> bool:
    """Whether a text says that a result is of the first period of a crossover."""
    return _FIRST_PERIOD.search(text.lower()) is not None


def comparator_class(label: str) -> str:
    """The kind of comparator a control arm's label names; `other` when it is not certain."""
    words = plain(label)
    if words.startswith("active placebo"):
        return "active_placebo"
    if "placebo" in words and set(words.split()) <= _PLACEBO:
        return "placebo"
    return next((kind for kind, names in _EXACT_CLASS.items() if words in names), "other")


def sounds_like_control(label: str) -> bool:
    """Whether a group's title names a comparator."""
    return _CONTROL.search(plain(label)) is not None


def setting(*texts: str) -> str:
    """`psychiatric` if a condition has a psychiatric name, else `medical`."""
    words = " ".join(texts).lower().replace("_", " ")
    return "psychiatric" if any(name in words for name in _PSYCHIATRIC) else "medical"


def better_from_description(text: str) -> str:
    """`higher` or `lower` where a scale's description says which is better; blank otherwise."""
    words = " ".join(text.lower().split())
    good, bad = _HIGHER_GOOD.search(words), _HIGHER_BAD.search(words)
    if bool(good) == bool(bad):
        return ""
    return "higher" if good else "lower"


def better_from_name(name: str) -> str:
    """Which way a count of events is better, going by its name; blank if that does not say.

    Names of harm go before names of benefit: `no response`, `treatment failure`.
    """
    words = plain(name)
    if _LOWER.search(words):
        return "lower"
    return "higher" if _HIGHER.search(words) else ""


def better_from_favours(left: str, right: str, labels: tuple[str, str]) -> str:
    """The better direction, from what stands under a forest plot; blank if it does not say.

    Parameters
    ----------
    left, right : words under the plot's left and right side, e.g. `Favours drug`
    labels : names of the experimental and the control group
    """
    names = [plain(labels[0]), plain(labels[1])]
    generic = [{"experimental", "treatment", "intervention"}, {"control", "placebo"}]

    def side(words: str) -> int | None:
        rest = re.sub(r"^favou?rs?\s+", "", plain(words))
        if rest == plain(words):
            return None
        hits = [k for k in (0, 1) if rest and rest == names[k]]
        hits = hits or [k for k in (0, 1) if rest in generic[k]]
        return hits[0] if len(hits) == 1 else None

    better_sides = (side(left), side(right))
    if better_sides[0] is not None and better_sides[0] == better_sides[1]:
        return ""
    if better_sides[0] == 0 or better_sides[1] == 1:
        return "lower"
    return "higher" if better_sides[0] == 1 or better_sides[1] == 0 else ""
