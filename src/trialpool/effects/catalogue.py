"""The list of effect measures as a document, generated from their declarations."""

from __future__ import annotations

import inspect
import re
from types import ModuleType

from trialpool.effects import MEASURES, MODULES
from trialpool.effects.registry import Measure
from trialpool.effects.scales import IDENTITY

_INTRO = """\
# Effect measures

What `trialpool.effect_size(measure, **columns_and_options)` computes. This page is generated from
the declarations and docstrings in `src/trialpool/effects/`, one function per measure; a test holds
the two in step, and `python -m trialpool.effects.catalogue > docs/measures.md` writes it anew.

- Names of measures and columns are those of metafor's `escalc`. A column is an array, or one
  number for all studies. "or" names the columns that may be given in a column's place.
- The first value of an option is its default. `variance` is metafor's `vtype`; `correction` is for
  small samples ("exact" where one word has to mean corrected); `add`, `to` and `drop00` say what
  becomes of counts of 0.
- "Shown as" says what tables, figures and sentences call it and, in brackets, the scale it is
  pooled on where that is another one than it is shown on.
- A study without a defined effect is NaN, with the reason. A variance of exactly 0, which could
  not be weighted, is NaN too. metafor's `escalc` gives some of these studies an infinite or a zero
  variance.
- Studies without events in either arm, or with nothing but events, are left out of ratios by
  default, with the reason; `drop00=False` keeps them, as metafor does by default. Of risk ratios
  those with nothing but events stay: they are 1. `corrects` says what the corrected cells of a risk
  difference give, its variance only (as in RevMan) or both (as metafor by default).
"""


def measures_page() -> str:
    """The text of `docs/measures.md`."""
    return "\n".join([_INTRO, *(_section(module) for module in MODULES)])


def _section(module: ModuleType) -> str:
    ours = [m for m in MEASURES.values() if m.formula.__module__ == module.__name__]
    title = _paragraph(module.__doc__ or "").rstrip(".")
    head = f"## {title}\n\nIn `{module.__name__.replace('.', '/')}.py`.\n"
    lines = ["| measure | what it is | columns | options | reference |", "|---|---|---|---|---|"]
    return "\n".join([head, *lines, *(_row(m) for m in ours), ""])


def _row(measure: Measure) -> str:
    text = inspect.getdoc(measure.formula) or ""
    reference = text.partition("References\n----------\n")[2]
    cells = [
        f"`{measure.name}`",
        f"{_paragraph(text).rstrip('.')}. Shown as {measure.words}{_scale(measure)}",
        _columns(measure),
        _options(measure),
        _paragraph(reference),
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _scale(measure: Measure) -> str:
    return "" if measure.scale is IDENTITY else f" [{measure.scale.name}]"


def _paragraph(text: str) -> str:
    """The first paragraph, in one line."""
    return re.sub(r"\s+", " ", text.strip().split("\n\n")[0])


def _columns(measure: Measure) -> str:
    listed = []
    for name in measure.needs:
        parts = measure.derived[name][0] if name in measure.derived else ()
        instead = [part for part in parts if part not in measure.needs]
        others = ", ".join(f"`{part}`" for part in instead)
        listed.append(f"`{name}`" + (f" (or {others})" if others else ""))
    return ", ".join(listed)


def _options(measure: Measure) -> str:
    return "; ".join(
        f"`{name}`: {', '.join(_values(measure, name, default))}"
        for name, default in measure.options.items()
    )


def _values(measure: Measure, option: str, default: object) -> list[str]:
    """The allowed values, the default first."""
    allowed = measure.choices.get(option, ())
    if default is None:
        return ["by variance", *(str(value) for value in allowed)]
    return [str(default), *(str(value) for value in allowed if value != default)]


if __name__ == "__main__":
    print(measures_page(), end="")
