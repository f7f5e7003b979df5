"""The tools that judge the risk of bias, as `bias_tools.yaml` declares them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from trialpool.terms import OVERALL

FILE = Path(__file__).with_suffix(".yaml")


@dataclass(frozen=True, slots=True, kw_only=True)
class BiasTool:
    """A tool: titles of its domains by code, and its judgements.

    `designs` are those of the trials it judges where nobody names a tool; `judgements` are its
    own, each with that of the four which figures and tables show for it.
    """

    name: str
    title: str
    reference: str
    designs: tuple[str, ...]
    domains: dict[str, str]
    judgements: dict[str, str]


def _tools() -> dict[str, BiasTool]:
    declared = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return {
        name: BiasTool(name=name, **{**tool, "designs": tuple(tool["designs"])})
        for name, tool in declared.items()
    }


TOOLS = _tools()
# Over all tools: titles by code, codes in order, judgements with what is shown for them.
BIAS_DOMAINS = {code: title for tool in TOOLS.values() for code, title in tool.domains.items()}
CODES = (*BIAS_DOMAINS, OVERALL)
SHOWN_AS = {said: shown for tool in TOOLS.values() for said, shown in tool.judgements.items()}


def tool_of(name: str, design: str) -> BiasTool:
    """The tool of a trial: the one that its rows name, else the one for its design.

    Raises
    ------
    KeyError
        when there is no tool of that name, or none for the design
    """
    if name:
        return TOOLS[name]
    by_design = {design: tool for tool in TOOLS.values() for design in tool.designs}
    return by_design[design]
