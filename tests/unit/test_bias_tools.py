"""The tools that judge the risk of bias, as declared, and what follows from one being chosen."""

from __future__ import annotations

import pytest

from trialpool.bias_tools import BIAS_DOMAINS, CODES, SHOWN_AS, TOOLS, tool_of
from trialpool.figures.style import JUDGEMENTS
from trialpool.risk_of_bias import RiskOfBias


def test_a_code_is_of_one_domain_and_every_judgement_is_shown() -> None:
    """Titles are looked up by code alone, so no two tools may give a code two titles."""
    for tool in TOOLS.values():
        assert {code: BIAS_DOMAINS[code] for code in tool.domains} == tool.domains
        assert {own: SHOWN_AS[own] for own in tool.judgements} == tool.judgements
        assert set(tool.judgements.values()) <= set(JUDGEMENTS)
        assert tool.reference
    assert CODES[-1] == "overall"
    assert len(set(CODES)) == len(CODES)


@pytest.mark.parametrize(("name", "design", "codes"), [
    ("", "parallel", {"D1", "D2", "D3", "D4", "D5"}),
    ("", "crossover", {"D1", "D2", "D3", "D4", "D5", "DS"}),
    ("rob2_cluster", "parallel", {"D1", "D1b", "D2", "D3", "D4", "D5"}),
    ("robins_i", "parallel", {f"R{n}" for n in range(1, 8)}),
])  # fmt: skip
def test_the_tool_is_the_one_named_or_that_of_the_design(
    name: str, design: str, codes: set[str]
) -> None:
    assert set(tool_of(name, design).domains) == codes


def test_no_design_has_two_tools() -> None:
    designs = [design for tool in TOOLS.values() for design in tool.designs]
    assert sorted(designs) == ["crossover", "parallel"]


@pytest.mark.parametrize(("own", "shown"), [
    ("low", "low"), ("moderate", "some_concerns"), ("serious", "high"), ("critical", "high"),
])  # fmt: skip
def test_judgements_of_robins_i_count_as_declared(own: str, shown: str) -> None:
    """What asks for high risk of bias finds a trial of serious risk."""
    judged = RiskOfBias([{"trial_id": "Ash", "domain": "overall", "judgement": own}])
    assert judged.of("Ash", "overall", "mood") == shown
