"""docs/few_trials.md says what docs/few_trials.csv holds, and the rule follows from it."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from small import ROOT

from benchmarks import few_trials
from trialpool.pooling.policy import FROM_HERE_ON, policy

TABLE = pd.read_csv(ROOT / "docs/few_trials.csv")
TEXT = (ROOT / "docs/few_trials.md").read_text(encoding="utf-8")
PRIOR = "half-normal(0.5)"


def rows_of(heading: str) -> list[list[str]]:
    """The cells of the table of the page with this heading."""
    body = TEXT[TEXT.index(heading) :].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in body]


@pytest.mark.parametrize(
    ("heading", "data", "rules"),
    [
        (
            "| trials | common effect |",
            "SMD",
            ["common effect", "REML, normal", "REML, Hartung-Knapp",
             "REML, Hartung-Knapp with floor", "Bayes"],
        ),
        (
            "| trials | Mantel-Haenszel |",
            "RR",
            ["Mantel-Haenszel", "REML, Hartung-Knapp with floor", "Bayes",
             "Bayes, exact likelihood"],
        ),
    ],
)  # fmt: skip
def test_the_page_says_what_the_table_holds(heading: str, data: str, rules: list[str]) -> None:
    of = TABLE[(TABLE["data"] == data) & (TABLE["tau"] == PRIOR)].set_index(["rule", "k"])
    for trials, *cells in rows_of(heading):
        for rule, cell in zip(rules, cells, strict=True):
            row: Any = of.loc[rule, int(trials)]
            shown = [float(x) for x in cell.split(", ")]
            assert shown == pytest.approx([row["coverage"], row["width"]], abs=0.00501), (
                rule,
                cell,
            )


def test_the_page_says_how_many_conclusions_go() -> None:
    shares: Any = few_trials.removals(TABLE).set_index("rule")
    for rule, (_, overall, worst) in zip(
        few_trials.COMPOSITE, rows_of("| rule | of all")[:3], strict=True
    ):
        share, at = float(re.findall(r"[\d.]+", overall)[0]), re.findall(r"[\d.]+", worst)
        assert 100 * shares.loc[rule, "share"] == pytest.approx(share, abs=0.05)
        assert [100 * shares.loc[rule, "worst"], shares.loc[rule, "at"]] == pytest.approx(
            [float(at[0]), float(at[1])], abs=0.05
        )


def test_the_rule_in_force_removes_under_one_in_a_hundred() -> None:
    shares = few_trials.removals(TABLE).set_index("rule")["share"]
    now = f"now: Bayes, floor from {FROM_HERE_ON}"
    assert shares[now] < 0.01 < shares["before: common effect, floor from 3"]
    bayesian = [policy(k, no_bayes="").bayesian for k in range(1, 7)]
    assert bayesian == [
        few_trials.leads(now, k) == "Bayes" if k > 1 else False for k in range(1, 7)
    ]


def test_a_run_repeats_itself() -> None:
    one, other = (pd.DataFrame(few_trials.of_effects(4)) for _ in range(2))
    pd.testing.assert_frame_equal(one, other)
    assert set(one["k"]) == set(range(2, few_trials.MOST + 1))


def test_a_trial_that_agrees_is_told_from_one_that_removes() -> None:
    """Two trials just beyond no effect under a common effect: with a third, Hartung-Knapp."""
    y, v = np.array([[-0.7, -0.6] + [0.0] * 10]), np.full((1, 12), 0.1)
    now = few_trials.RULES["common effect"](y[:, :2], v[:, :2])
    assert few_trials.excludes(now).all()
    before = few_trials.after("before: common effect, floor from 3", 2, now, y, v)
    same = few_trials.after("common effect", 2, now, y, v)
    assert before == {"concluded": 1, "removed": 1}
    assert same == {"concluded": 1, "removed": 0}
