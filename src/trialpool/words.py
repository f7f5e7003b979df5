"""The words of measures, numbers and cells that figures and pages share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import floor, isnan, log10
from typing import Any

DASH = "–"
_COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
HARDLY = 0.005  # a smaller share would round to nothing


def text(value: object) -> str:
    """A cell as text; blank where it is missing (None, NaN or pandas' NA)."""
    missing = value is None or (isinstance(value, float) and isnan(value)) or str(value) == "<NA>"
    return "" if missing else str(value).strip()


def number(value: Any) -> float:
    """A cell as a number; NaN where it is missing."""
    return float(text(value) or "nan")


def letters(index: int) -> str:
    """Footnote marks: 0 -> a, 25 -> z, 26 -> aa."""
    out = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        out = chr(ord("a") + rest) + out
    return out


def capital(words: str) -> str:
    """The first letter in upper case; a symbol as in `r = 0.5` or `τ² not known` keeps its own."""
    symbol = words[:1] == "τ" or (words[1:2] == " " and words[0] not in "aI")
    return words if symbol else words[:1].upper() + words[1:]


def sentence(words: str) -> str:
    """Words as a sentence: capital first, one full stop last."""
    return capital(words.strip().rstrip(".")) + "."


def inner(label: str) -> str:
    """A label within a sentence; an abbreviation such as MDMA keeps its capitals."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]


def plain(code: object) -> str:
    """A code of the tables as words: `no_information` as `no information`."""
    return text(code).replace("_", " ")


def listed(names: Iterable[str]) -> str:
    """Names in a sentence: `A`, `A and B`, `A, B and C`."""
    *first, last = list(names) or [""]
    return f"{', '.join(first)} and {last}" if first else last


def be(k: int) -> str:
    """`is` or `are`."""
    return "is" if k == 1 else "are"


def count(k: int, noun: str) -> str:
    """A number of things: `one trial`, `three trials`, `12 analyses`."""
    word = _COUNTS[k] if 0 <= k < len(_COUNTS) else str(k)
    several = f"{noun[:-2]}es" if noun.endswith("sis") else f"{noun}{_ending(noun)}"
    return f"{word} {noun if k == 1 else several}"


def _ending(noun: str) -> str:
    return "es" if noun.endswith(("ch", "sh", "x", "ss")) else "s"


def whole(value: object) -> str:
    """A count of people or rows; an en dash where it is not known."""
    k = number(value)
    return DASH if isnan(k) else f"{k:.0f}"


def short(value: object) -> str:
    """A number as it stands in the data, with a true minus sign."""
    x = number(value)
    return DASH if isnan(x) else minus(f"{x:.6g}")


def minus(digits: str) -> str:
    """Hyphens of a formatted number as true minus signs, and no negative zero."""
    if digits.startswith("-") and not any(digit in digits for digit in "123456789"):
        digits = digits[1:]
    return digits.replace("-", "−")


def fixed(value: object, decimals: int) -> str:
    """A number with a fixed number of decimals; an en dash where it is missing."""
    x = number(value)
    return DASH if isnan(x) else minus(f"{x:.{decimals}f}")


def limit(bound: object, null: object, as_usual: str) -> str:
    """A limit of an interval: more decimals where those of `as_usual` would show no difference.

    An interval that ends at -0.004 tells the side it lies on, one that ends at 0.00 does not.
    """
    x = number(bound)
    usual = len(as_usual.partition(".")[2])
    if x == number(null) or as_usual != fixed(null, usual):
        return as_usual
    finer = fixed(x, usual + 1)
    return fixed(x, usual + 2) if finer == fixed(null, usual + 1) else finer


def ratio(value: object) -> str:
    """A ratio with a precision that suits its size: 0.005, 0.55, 3.40, 12.5, 900."""
    x = number(value)
    if isnan(x):
        return DASH
    if x < 0.0005:
        return "<0.001"
    if x >= 9999.5:
        return ">9999"
    decimals = 3 if x < 0.0095 else 2 if x < 9.995 else 1 if x < 99.95 else 0
    return f"{x:.{decimals}f}"


def significant(value: object, digits: int = 2) -> str:
    """A number at a few significant digits without exponent: 0.12, 3.4, 123, 0."""
    x = number(value)
    if isnan(x):
        return DASH
    if abs(x) < 10.0 ** -(digits + 2):
        return "0" if x == 0 else f"<{10.0 ** -(digits + 2):.{digits + 2}f}"
    rounded = float(f"{x:.{digits}g}")
    decimals = max(0, digits - 1 - floor(log10(abs(rounded))))
    return minus(f"{x:.{decimals}f}")


def p_value(value: object) -> str:
    """`p = 0.16`, `p = 0.004` or `p < 0.001`; an en dash where there is none."""
    p = number(value)
    if isnan(p):
        return DASH
    if p < 0.001:
        return "p < 0.001"
    return f"p = {p:.3f}" if p < 0.0995 else f"p = {p:.2f}"


def percent(value: object) -> str:
    """A percentage without decimals; an en dash where there is none."""
    x = number(value)
    return DASH if isnan(x) else f"{x:.0f} %"


def beside(share: float, limit: float) -> str:
    """A share (0 to 1) in percent, with a decimal where a whole one would stand on its limit."""
    if share != limit and round(100 * share) == round(100 * limit):
        return f"{100 * share:.1f} %"
    return part(share)


def part(low: float, high: float | None = None) -> str:
    """A share (0 to 1), or the range of two, in percent: `94 to 96 %`, `95 %`, `over 99 %`.

    What is not all or nothing never reads so; the ends of a range are rounded.
    """
    top = low if high is None else high
    first, last = _in_percent(low), _in_percent(top)
    return f"{first} %" if first == last else f"{100 * low:.0f} to {100 * top:.0f} %"


def _in_percent(share: float) -> str:
    if 0 < share <= HARDLY:
        return "under 1"
    return "over 99" if 1 - HARDLY <= share < 1 else f"{100 * share:.0f}"


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many; it is not told without what it is a share of."""

    count: int
    of: int

    @classmethod
    def nearest(cls, part: float, of: int) -> Share:
        """From the share (0 to 1) of so many."""
        return cls(round(part * of), of)

    @property
    def part(self) -> float:
        """From 0 to 1; NaN of none."""
        return self.count / self.of if self.of else float("nan")

    @property
    def rest(self) -> Share:
        """The others of the same."""
        return Share(self.of - self.count, self.of)

    def __str__(self) -> str:
        return f"{part(self.part)} of {self.of:,}"


def written(model: str) -> str:
    """A model in words, with the letter of the heterogeneity: `prior of τ`, `one τ²`."""
    return model.replace("tau2", "τ²").replace("tau", "τ")


def is_bayesian(model: str) -> bool:
    """Whether a model in words is a Bayesian one, where a table has no more of it than these."""
    return model.startswith("Bayesian")


def intervals(bayesian: Iterable[bool], level: str = "95") -> str:
    """What intervals are called, of which some may be of a posterior: `95 % CI or CrI`."""
    kinds = set(bayesian) or {False}
    names = [name for name, is_here in (("CI", False), ("CrI", True)) if is_here in kinds]
    return f"{level} % {' or '.join(names)}"


def per(step: float, unit: str) -> str:
    """The step of a covariate that a slope is of: `0.1 mg/kg`, `dose`, `10 years`."""
    named = unit or "unit"
    return named if step == 1 else f"{step:g} {named}"
