"""Sets of participants that registry records name in the titles of groups: FAS, ITT, PP, ..."""

from __future__ import annotations

import re

from trialpool.review.exchange.draft import plain

# By the name they have in our tables; the set whose result counts comes first.
_SETS = {
    "ITT": ("itt", "intention to treat", "intent to treat", "itt population", "itt set"),
    "FAS": ("fas", "full analysis set", "full analysis population"),
    "mITT": ("mitt", "modified itt", "modified intention to treat", "modified intent to treat"),
    "randomised set": ("randomized set", "randomised set", "rs", "all randomized", "ras"),
    "efficacy set": ("efficacy set", "efficacy population", "efficacy analysis set", "ees"),
    "safety set": ("ss", "saf", "safety", "safety set", "safety population", "sas",
                   "safety analysis set"),
    "per protocol": ("pp", "pps", "per protocol", "per protocol set", "ppas",
                     "per protocol population", "per protocol analysis set"),
    "completers": ("completers", "completer", "completer set", "completers set", "cas"),
}  # fmt: skip
_EVERYBODY = ("ITT", "FAS")
_ENDING = re.compile(r"^(?P<title>.*\S)\s*(?:\((?P<set>[^()]+)\)|\[(?P<set2>[^\[\]]+)\]"
                     r"|\s[-–—,:]\s*(?P<set3>[^-–—,:]+))\s*$")  # fmt: skip


def split(title: str) -> tuple[str, str]:
    """A group's title without the set of participants at its end, and that set; blank if none."""
    match = _ENDING.match(title)
    if match is None:
        return title, ""
    name = named(match["set"] or match["set2"] or match["set3"])
    return (match["title"].rstrip(" -–—,:"), name) if name else (title, "")


def named(words: str) -> str:
    """The set that words name; blank where they name none."""
    spelled = plain(words)
    return next((name for name, known in _SETS.items() if spelled in known), "")


def alike(name: str) -> tuple[str, ...]:
    """The other names of a set: the full analysis set is that by intention to treat (ICH E9)."""
    return tuple(each for each in _EVERYBODY if each != name) if name in _EVERYBODY else ()


def rank(name: str) -> int:
    """The place of a set: that of everybody who was randomised comes first."""
    return list(_SETS).index(name) if name in _SETS else len(_SETS)
