"""The words of measures, numbers and cells that figures and pages share."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan
from typing import Any

DOMAINS: dict[str, str] = {
    "D1": "randomisation process",
    "D2": "deviations from intended interventions",
    "D3": "missing outcome data",
    "D4": "measurement of the outcome",
    "D5": "selection of the reported result",
    "DS": "period and carry-over effects (crossover)",
}


def text(value: object) -> str:
    """A cell as text; blank where it is missing (None, NaN or pandas' NA)."""
    missing = value is None or (isinstance(value, float) and isnan(value)) or str(value) == "<NA>"
    return "" if missing else str(value).strip()


def number(value: Any) -> float:
    """A cell as a number; NaN where it is missing."""
    return float(text(value) or "nan")


def level(model: Mapping[str, Any]) -> str:
    """Confidence level in percent, as `95`."""
    value = number((model.get("pooled") or {}).get("level"))
    return "95" if isnan(value) else f"{100 * value:g}"


def letters(index: int) -> str:
    """Footnote marks: 0 -> a, 25 -> z, 26 -> aa."""
    out = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        out = chr(ord("a") + rest) + out
    return out


def capital(words: str) -> str:
    """The first letter in upper case; a symbol as in `r = 0.5` keeps its own."""
    # a lone first letter is a symbol: r = 0.5, n = 12, p < 0.05
    return words if words[1:2] == " " else words[:1].upper() + words[1:]


def per(fact: Mapping[str, Any]) -> str:
    """The step of a covariate that a slope is of: `0.1 mg/kg`, `dose`, `10 years`."""
    unit = str(fact["unit"]) or "unit"
    return unit if fact["per"] == 1 else f"{fact['per']:g} {unit}"
