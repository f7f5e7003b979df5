"""Which way a file subtracts, found by computing its effects from the arms and comparing signs.

Released files differ: some have positive = benefit (arm 2 minus arm 1 on a symptom scale), some
negative. A contrast taken over with the wrong sign would turn a benefit into a harm.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trialpool.results import TrialpoolError
from trialpool.review.exchange.metapsy.columns import NOT_AN_EVENT
from trialpool.review.exchange.metapsy.source import SourceLine

ARM1_ARM2, ARM2_ARM1 = "arm1-arm2", "arm2-arm1"
_SIGNS = {ARM1_ARM2: 1, ARM2_ARM1: -1}
_WORDS = {1: "arm 1 minus arm 2", -1: "arm 2 minus arm 1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Direction:
    """`sign` is 1 where `.g` is arm 1 minus arm 2, -1 the other way round, 0 where not known.

    `higher` are the scales on which higher is better, `events` says for each kind of event
    whether "higher" or "lower" is better.
    """

    sign: int
    higher: frozenset[str]
    events: Mapping[str, str]
    assumed: tuple[str, ...]


def event_name(line: SourceLine) -> str:
    """What is counted: the outcome type where it says so, else `response`."""
    kind = line["outcome_type"].lower()
    if kind not in NOT_AN_EVENT and not kind.startswith("precalc"):
        return kind
    return line["event_kind"].lower() or "response"


def has_events(line: SourceLine) -> bool:
    """Whether a row holds counts; the number of people alone is no result."""
    return bool(line["event_arm1"] or line["event_arm2"])


def find_direction(lines: Sequence[SourceLine], stated: str = "") -> Direction:
    """Compare the sign of `.g` with that of the arms' difference, row by row.

    Parameters
    ----------
    stated : "arm1-arm2" or "arm2-arm1" where a person says so; blank = find out

    Raises
    ------
    TrialpoolError
        when `stated` is neither, or is not what most rows show
    """
    if stated and stated not in _SIGNS:
        raise TrialpoolError(f"g = {stated}: must be {ARM1_ARM2} or {ARM2_ARM1}")
    scales: dict[str, Counter[int]] = {}
    events: dict[str, Counter[int]] = {}
    for line in lines:
        if sign := _sign(line[".g"]) * _score_sign(line):
            scales.setdefault(line["instrument"], Counter())[sign] += 1
        if has_events(line):
            sign = _sign(line[".g"]) * _odds_sign(line)
            events.setdefault(event_name(line), Counter())[sign] += 1
    votes = sum(scales.values(), Counter[int]())
    majority = votes.most_common(1)[0][0] if votes else 0
    sign = _SIGNS.get(stated, majority)
    if stated and majority not in (0, sign):
        raise TrialpoolError(
            f"g = {stated}: `.g` is {_WORDS[majority]} in {votes[majority]} of {votes.total()} "
            "rows with means; leave the option out or check the file"
        )
    higher = frozenset(name for name, c in scales.items() if c[-sign] > c[sign])
    better = {name: _better(name, counts, sign) for name, counts in events.items()}
    said = [_sentence(sign, votes, stated), *_about_scales(scales, higher, sign)]
    said += [
        f"{name}: {way} is better ({_reason(events[name], sign)})" for name, way in better.items()
    ]
    return Direction(sign=sign, higher=higher, events=better, assumed=tuple(said))


def _sentence(sign: int, votes: Counter[int], stated: str) -> str:
    if not sign:
        return "no row has both `.g` and different means: which way `.g` subtracts is not known"
    if not votes:
        return f"`.g` is {_WORDS[sign]}, as told; no row has means to check it with"
    said = f"`.g` is {_WORDS[sign]} in {votes[sign]} of {votes.total()} rows with means"
    return said + (", as told" if stated else "")


def _about_scales(
    scales: Mapping[str, Counter[int]], higher: frozenset[str], sign: int
) -> list[str]:
    said = ["lower is better on every scale, as on a symptom scale"]
    if higher:
        said = [
            f"higher is better on {', '.join(sorted(higher))}, where `.g` has the other sign; "
            "lower is better on all other scales"
        ]
    for name, counts in scales.items():
        way = -sign if name in higher else sign
        if odd := counts[-way]:
            said.append(f"{name}: in {odd} of {counts.total()} rows `.g` has the other sign")
    return said


def _better(name: str, counts: Counter[int], sign: int) -> str:
    """Which way an event is better: more of a good event has the sign of fewer symptoms."""
    vote = counts[1] - counts[-1]
    if vote and sign:
        return "higher" if vote * sign < 0 else "lower"
    return "lower" if name == "deterioration" else "higher"


def _reason(counts: Counter[int], sign: int) -> str:
    if counts[1] == counts[-1] or not sign:
        return "by its name; no `.g` to tell"
    return f"by the sign of `.g` in {max(counts[1], counts[-1])} of {counts.total()} rows"


def _sign(text: str) -> int:
    value = float(text) if text else 0.0
    return (value > 0) - (value < 0)


def _score_sign(line: SourceLine) -> int:
    """Sign of arm 1 minus arm 2 of a row that holds complete scores; 0 where it does not."""
    for prefix in ("mean", "mean_change"):
        one, two = line[f"{prefix}_arm1"], line[f"{prefix}_arm2"]
        spread = line[f"{prefix.replace('mean', 'sd')}_arm1"]
        if one and two and spread:
            return (float(one) > float(two)) - (float(one) < float(two))
    return 0


def _odds_sign(line: SourceLine) -> int:
    """Sign of the log odds ratio of arm 1 against arm 2."""
    cells = [line[name] for name in ("event_arm1", "totaln_arm1", "event_arm2", "totaln_arm2")]
    if not all(cells):
        return 0
    a, n1, c, n2 = map(float, cells)
    return (a * (n2 - c) > c * (n1 - a)) - (a * (n2 - c) < c * (n1 - a))
