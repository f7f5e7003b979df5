"""What every specification of the protocol is, and what may be a name or a word in it."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

NAME_LETTERS = "lower-case letters, digits and `_` only, the first no `_`"


def is_name(text: str) -> bool:
    """Whether a text can name something of the protocol: a column, an analysis, a folder."""
    return re.fullmatch("[a-z0-9][a-z0-9_]*", text) is not None


def folded(label: str) -> str:
    """A label without what a reader overlooks: capital letters and the width of spaces."""
    return " ".join(label.casefold().split())


def _name(text: str) -> str:
    if not is_name(text):
        raise ValueError(f"'{text}' cannot be a name here; use {NAME_LETTERS}")
    return text


Identifier = Annotated[str, AfterValidator(_name)]


def _spoken(value: Any) -> Any:
    """YAML reads yes and no as true and false."""
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value


Word = Annotated[str, BeforeValidator(_spoken)]


def _in_order(days: tuple[float, float]) -> tuple[float, float]:
    if days[0] > days[1]:
        raise ValueError("the window's start is after its end; write the earlier day first")
    return days


TimeWindow = Annotated[tuple[float, float], AfterValidator(_in_order)]


class Spec(BaseModel):
    """Base of all specifications: frozen; a misspelt key is an error, and so is .nan or .inf."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
