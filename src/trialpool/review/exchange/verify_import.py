"""Do the results that a file holds come out of the numbers that were imported from it?

Each analysis of the file, and each of its subgroups, is pooled anew from the imported rows under
the file's own measure and model, and held against what the file stores, to the digits stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import exp, isfinite, log

import numpy as np

from trialpool.effects import effect_size
from trialpool.effects.registry import reported_as
from trialpool.pooling.counts.pool import pool_counts
from trialpool.pooling.model import pool
from trialpool.results import Pooled, TrialpoolError
from trialpool.review.exchange.draft import is_number
from trialpool.review.exchange.imported import Cells, Imported
from trialpool.review.exchange.revman_measures import model_of, names_log, no_measure, pooled_in
from trialpool.review.exchange.revman_parts import StoredResult

AGREE, DIFFER, NOT_COMPARABLE = "agree", "differ", "not comparable"
# A number with so many digits was not rounded for readers; what is left is that of the algorithm.
_EXACT = 10
_SLACK, _NOTHING = 1e-6, 1e-9
_NORMAL_975 = 1.959963984540054
_SMD = {"variance": "RevMan", "correction": "approx"}
_NAMES = {"estimate": "effect", "ci_low": "lower limit", "ci_high": "upper limit", "tau2": "tau2",
          "q": "Q", "i2": "I2", "p_value": "p"}  # fmt: skip
_MAY_BE_FILLER = ("tau2", "q", "i2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """One stored result: whether ours is the same, and if not, what differs or why."""

    analysis: str
    title: str
    verdict: str
    words: str

    def __str__(self) -> str:
        words = f": {self.words}" if self.words else ""
        return f"{self.verdict}  {self.analysis} {self.title}{words}"


def verify(imported: Imported) -> list[Verified]:
    """Each result the file stores, held against ours."""
    roles = {(a["trial_id"], a["arm_id"]): a["role"] for a in imported.tables.get("arms", ())}
    return [_verified(each, imported, roles) for each in imported.stored]


def summary(verified: Sequence[Verified]) -> str:
    """How many agree, differ and cannot be compared."""
    counts = [sum(each.verdict == v for each in verified) for v in (AGREE, DIFFER, NOT_COMPARABLE)]
    return (
        f"{len(verified)} stored results: {counts[0]} agree, {counts[1]} differ, "
        f"{counts[2]} not comparable"
    )


def _verified(
    stored: StoredResult, imported: Imported, roles: Mapping[tuple[str, str], str]
) -> Verified:
    analysis = stored.analysis
    title = analysis.outcome + (f", {analysis.subgroup}" if analysis.subgroup else "")
    verdict, words = NOT_COMPARABLE, ""
    try:
        ours = _pooled(stored, imported, roles)
        differing = list(_differences(stored, ours))
        verdict, words = (DIFFER, "; ".join(differing)) if differing else (AGREE, "")
    except TrialpoolError as error:
        words = str(error)
    return Verified(analysis=analysis.where, title=title, verdict=verdict, words=words)


def _pooled(
    stored: StoredResult, imported: Imported, roles: Mapping[tuple[str, str], str]
) -> Pooled:
    analysis, measure = stored.analysis, pooled_in(stored.analysis)
    if not measure:
        raise TrialpoolError(no_measure(analysis, "is none of ours"))
    if len(stored.outcomes) != 1:
        raise TrialpoolError("no line of it, or lines of several kinds, were imported")
    mine = [
        [row for row in imported.tables.get(table, ()) if _is_of(row, stored)]
        for table in ("results", "contrasts")
    ]
    results, contrasts = mine
    if bool(results) == bool(contrasts):
        raise TrialpoolError("no line of it, or lines of several kinds, were imported")
    counts = bool(results) and results[0]["outcome_type"] == "event"
    if not is_number(analysis.ci_total) or not 0 < float(analysis.ci_total) < 100:
        raise TrialpoolError(f"its intervals are of {analysis.ci_total} %")
    level = float(analysis.ci_total) / 100
    model = model_of(analysis, counts=counts)
    if contrasts:
        yi, vi = _reported(contrasts)
    elif counts:
        columns = _sides(results, roles, ("event", "totaln"))
        (ai, n1i), (ci, n2i) = columns
        if analysis.swapped:
            ai, ci = n1i - ai, n2i - ci
        if "method" in model:
            return pool_counts(ai, n1i, ci, n2i, measure=measure, level=level, **model)
        sizes = effect_size(measure, ai=ai, n1i=n1i, ci=ci, n2i=n2i)
        yi, vi = sizes.yi, sizes.vi
    else:
        (m1, sd1, n1), (m2, sd2, n2) = _sides(results, roles, ("mean", "sd", "n"))
        options = _SMD if measure == "SMD" else {}
        sizes = effect_size(measure, m1i=m1, sd1i=sd1, n1i=n1, m2i=m2, sd2i=sd2, n2i=n2, **options)
        yi, vi = sizes.yi, sizes.vi
    known = np.isfinite(yi) & np.isfinite(vi)
    if not known.any():
        raise TrialpoolError("no line of it has an effect")
    k = int(known.sum())
    tau2 = model["tau2"] if k > 1 else "EE"
    return pool(yi[known], vi[known], tau2=tau2, test=model["test"] if k > 1 else "z", level=level)


def _is_of(row: Cells, stored: StoredResult) -> bool:
    """Whether a row is of the analysis or, where the result is a subgroup's, of that."""
    in_place = row["locator"].startswith(f"{stored.analysis.where}, study ")
    return row["outcome"] in stored.outcomes and (in_place or not stored.analysis.subgroup)


def _sides(
    rows: Sequence[Cells], roles: Mapping[tuple[str, str], str], columns: Sequence[str]
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The columns of both arms of every line, experimental and control."""
    lines: dict[tuple[str, ...], dict[str, Cells]] = {}
    for row in rows:
        key = tuple(row.get(n, "") for n in ("trial_id", "locator", "stratum", "time_days"))
        lines.setdefault(key, {})[roles[row["trial_id"], row["arm_id"]]] = row
    both = [line for line in lines.values() if len(line) == 2]

    def side(role: str) -> list[np.ndarray]:
        return [
            np.array([float(line[role].get(name) or "nan") for line in both]) for name in columns
        ]

    return side("experimental"), side("control")


def _reported(rows: Sequence[Cells]) -> tuple[np.ndarray, np.ndarray]:
    yi, sei = [], []
    for row in rows:
        ratio = reported_as(row["effect_measure"]).is_ratio
        scale = log if ratio else float
        yi.append(scale(float(row["estimate"])))
        if row.get("se"):
            sei.append(float(row["se"]))
        else:
            low, high = (scale(float(row[name])) for name in ("ci_low", "ci_high"))
            sei.append((high - low) / (2 * _NORMAL_975))
    return np.array(yi), np.array(sei) ** 2


def _differences(stored: StoredResult, ours: Pooled) -> Iterator[str]:
    """What is not the same to the digits that the file stores."""
    analysis = stored.analysis
    # A label that says `log` without the file's own setting: shown as they are, as logarithms.
    logged = names_log(analysis) and not analysis.logged
    shown = exp if reported_as(pooled_in(analysis)).is_ratio and not logged else float
    values = {
        "estimate": shown(ours.beta),
        "ci_low": shown(ours.ci_lb),
        "ci_high": shown(ours.ci_ub),
        "tau2": ours.tau2,
        "q": ours.q,
        "i2": ours.i2_q,
        "p_value": ours.pval,
    }
    if not isfinite(values["estimate"]):
        raise TrialpoolError(ours.reasons.get("beta", "no estimate"))
    for name, text in stored.numbers.items():
        value = values[name]
        if not isfinite(value):
            # A common effect has no tau2, and a single trial no Q: a 0 there is a filler.
            if name not in _MAY_BE_FILLER or float(text) != 0:
                yield f"{_NAMES[name]} {text} there, none here"
        elif abs(float(text) - value) > _tolerance(text, value):
            yield f"{_NAMES[name]} {text} there, {value:.6g} here"


def _tolerance(text: str, value: float) -> float:
    digits = len(text.lstrip("-").replace(".", "").lstrip("0"))
    decimals = len(text.partition(".")[2]) if "e" not in text.lower() else 0
    if digits >= _EXACT or "e" in text.lower():
        return _SLACK * abs(value) + _NOTHING
    return 0.5 * 10.0**-decimals * 1.001
