"""Three published tables of publication bias, number by number.

The authors' results for their own databases (Harrer and others 2023; ../shared/metapsy), made with
metapsyTools, meta, metasens and metafor under the settings their manuals give as defaults: several
effects of one treatment arm are combined first, with a correlation of 0.6. The page
docs/published_reviews.md shows the same table.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr, ndtri
from small import ROOT

from trialpool.diagnostics.limits import limit_meta
from trialpool.diagnostics.selection import SelectionModel, selection_model
from trialpool.diagnostics.trim_and_fill import trim_and_fill
from trialpool.multilevel.aggregate import aggregate
from trialpool.pooling.inference import half_width
from trialpool.pooling.model import pool
from trialpool.results import Array

SHARED = ROOT.parent / "shared" / "metapsy"
CONDITIONS = ("ptsd", "panic", "generalized_anxiety")
PAGE = ROOT / "docs" / "published_reviews.md"
pytestmark = pytest.mark.skipif(
    not SHARED.exists(), reason="the shared Metapsy databases are not beside this repository"
)
RHO = 0.6
# Not printed; the one value with which every NNT of a database comes out.
CONTROL_EVENT_RATE = {"ptsd": 0.10, "panic": 0.14, "generalized_anxiety": 0.14}
COLUMNS = ("k", "g", "g.ci", "p", "i2", "i2.ci", "prediction.ci", "nnt", "excluded")
NUMBER = re.compile(r"-?\d+\.?\d*(?:e-\d+)?")
SHORT_OF_THE_MAXIMUM = (
    "no study has p < 0.05 in the direction fitted, so the weight of the others rises to its bound"
    " of 100; metafor's default optimiser stops at {}"
)
NO_PROFILE = "profile likelihood of tau2 under selection, which trialpool does not compute"


class Explained(NamedTuple):
    """A printed cell that ours is not, what ours is, and why."""

    ours: tuple[float, ...]
    reason: str


TRIMFILL, LIMIT, SELECTION = "Trim-and-fill method", "Limit meta-analysis", "Selection model"
EXPLAINED: dict[tuple[str, str, str], Explained] = {
    **{(condition, SELECTION, "i2.ci"): Explained((), NO_PROFILE) for condition in CONDITIONS},
    ("ptsd", SELECTION, "i2"): Explained((87.110,), SHORT_OF_THE_MAXIMUM.format("83.2")),
    ("ptsd", SELECTION, "excluded"): Explained(
        (0.1, 6.1859, 0.012877), SHORT_OF_THE_MAXIMUM.format("83.2")
    ),
    ("generalized_anxiety", SELECTION, "i2"): Explained(
        (78.045,), SHORT_OF_THE_MAXIMUM.format("91.6")
    ),
    ("generalized_anxiety", SELECTION, "excluded"): Explained(
        (0.1, 1.1340, 0.28692), SHORT_OF_THE_MAXIMUM.format("91.6")
    ),
}
# Positive is benefit in the files; the published models were fitted as if negative were. This is
# what selection in favour of benefit gives: effect, interval, chi-squared, p.
FAVOURING_BENEFIT = {
    "ptsd": (0.856, 0.570, 1.142, 9.450, 0.0021),
    "panic": (0.883, 0.684, 1.081, 0.015, 0.9030),
    "generalized_anxiety": (0.767, 0.556, 0.978, 0.461, 0.4970),
}


@cache
def combined(condition: str) -> tuple[Array, Array]:
    """One effect per treatment arm: generalised least squares of its correlated effects."""
    data = pd.read_csv(SHARED / condition / "data.csv", low_memory=False)
    data = data[data[".g"].notna() & data[".g_se"].notna()]
    arms = list(zip(data["study"], data["multi_arm1"].fillna(""), strict=True))
    found = aggregate(data[".g"], data[".g_se"] ** 2, arms, rho=RHO)
    return found.yi, found.vi


def published(condition: str, file: str, label: str) -> dict[str, str]:
    """A row of the authors, every cell as printed."""
    table = pd.read_csv(SHARED / condition / f"{file}.csv", dtype=str, keep_default_na=False)
    (row,) = table[table["label"] == label].to_dict("records")
    return {str(column): str(cell) for column, cell in row.items()}


def i2_of_q(q: float, k: int) -> tuple[float, ...]:
    """Interval of I2 from that of H (Higgins & Thompson 2002, Stat Med 21:1539, section 3)."""
    h = math.sqrt(q / (k - 1))
    se = 0.5 * (math.log(q) - math.log(k - 1)) / (math.sqrt(2 * q) - math.sqrt(2 * k - 3))
    ends = (h * math.exp(sign * float(ndtri(0.975)) * se) for sign in (-1, 1))
    return tuple(100 * (1 - 1 / end**2) for end in ends)


def nnt(g: float, condition: str) -> float:
    """Number needed to treat (Furukawa & Leucht 2011, PLoS One 6:e19070)."""
    rate = CONTROL_EVENT_RATE[condition]
    return float(1 / (ndtr(g + ndtri(rate)) - rate))


def around(centre: float, reach: float) -> tuple[float, float]:
    """An interval of that half width."""
    return centre - reach, centre + reach


Cells = dict[str, tuple[float, ...]]


def trimmed(y: Array, v: Array) -> Cells:
    """Trimmed about the common effect; REML and unmodified Knapp-Hartung of the filled set."""
    found = trim_and_fill(y, v, tau2="REML", test="knha", trimming="EE")
    assert found.pooled is not None
    assert found.side == "left"
    fit = found.pooled
    # Higgins, Thompson & Spiegelhalter 2009: the classical standard error, t on k - 2.
    classical = pool(
        np.append(y, found.yi_filled), np.append(v, found.vi_filled), test="z", pi="k-2"
    )
    return {
        "k": (fit.k,), "g": (fit.beta,), "g.ci": (fit.ci_lb, fit.ci_ub), "p": (fit.pval,),
        "i2": (fit.i2_q,), "i2.ci": i2_of_q(fit.q, fit.k),
        "prediction.ci": (classical.pi_lb, classical.pi_ub), "excluded": (found.k0,),
    }  # fmt: skip


def limit(y: Array, v: Array) -> Cells:
    """Expectation of an infinitely large study, tau2 by REML; G2 stands where I2 does."""
    found = limit_meta(y, v, tau2="REML")
    reach = float(half_width(0.95, len(y) - 1)) * math.hypot(math.sqrt(found.tau2), found.se)
    return {
        "k": (found.k,), "g": (found.beta,), "g.ci": (found.ci_lb, found.ci_ub),
        "p": (found.pval,), "i2": (found.g2,), "i2.ci": (),
        "prediction.ci": around(found.beta, reach), "excluded": (),
    }  # fmt: skip


def step(y: Array, v: Array, alternative: str) -> SelectionModel:
    """One step at a one-sided p of 0.05, which they print as 0.1."""
    return selection_model(y, v, steps=(0.05,), alternative=alternative)


def selected(y: Array, v: Array) -> Cells:
    """As published: small p are those of effects below 0."""
    found, k = step(y, v, "less"), len(y)
    w = 1 / v
    typical = (k - 1) * w.sum() / (w.sum() ** 2 - (w**2).sum())
    reach = float(half_width(0.95, math.nan)) * math.hypot(math.sqrt(found.tau2), found.se)
    return {
        "k": (found.k,), "g": (found.beta,), "g.ci": (found.ci_lb, found.ci_ub),
        "p": (found.pval,), "i2": (100 * found.tau2 / (found.tau2 + typical),), "i2.ci": (),
        "prediction.ci": around(found.beta, reach),
        "excluded": (2 * found.steps[0], found.selection.stat, found.selection.pval),
    }  # fmt: skip


METHODS: dict[str, Callable[[Array, Array], Cells]] = {
    TRIMFILL: trimmed,
    LIMIT: limit,
    SELECTION: selected,
}
ROWS = [(condition, label) for condition in CONDITIONS for label in METHODS]


@cache
def ours(condition: str, label: str) -> Mapping[str, tuple[float, ...]]:
    """All cells of a row."""
    cells = METHODS[label](*combined(condition))
    return {**cells, "nnt": (nnt(cells["g"][0], condition),)}


def numbers(cell: str) -> list[str]:
    """The numbers in a printed cell; of the remarks those that are results."""
    remark = cell.replace("G-squared", "").replace("I-squared", "")
    return NUMBER.findall(remark)


def agrees(printed: str, value: float) -> bool:
    """Whether a value, rounded to the printed digits (two at least for 0.1), is what is printed."""
    digits = max(2, len(printed.partition(".")[2])) if "." in printed else 0
    return abs(value - float(printed)) <= 0.5 * 10.0**-digits + 1e-12


@pytest.mark.parametrize(("condition", "label"), ROWS)
def test_a_row_is_reproduced_to_its_printed_digits(condition: str, label: str) -> None:
    """Or a cell is in the table of explained differences, with our number pinned."""
    row, mine = (
        published(condition, "published_publication_bias", label),
        ours(condition, label),
    )
    for column in COLUMNS:
        told = EXPLAINED.get((condition, label, column))
        cell, values = row[column], mine[column]
        if told is not None:
            assert values == pytest.approx(told.ours, rel=1e-4), column
            same = len(numbers(cell)) == len(values) and all(map(agrees, numbers(cell), values))
            assert not same, column
        elif cell.startswith("<"):
            assert values[0] < float(cell[1:])
        else:
            assert len(numbers(cell)) == len(values), column
            for printed, value in zip(numbers(cell), values, strict=True):
                assert agrees(printed, value), f"{column}: printed {cell}, ours {value:.5g}"


@pytest.mark.parametrize("condition", CONDITIONS)
def test_the_effects_that_enter_are_those_of_the_combined_analysis(condition: str) -> None:
    """Their pooled effect of the same effects comes out too: k, g, interval, I2, NNT."""
    row = published(condition, "published_pooled_effects", "Combined")
    fit = pool(*combined(condition), tau2="REML", test="knha")
    mine = {
        "k": (fit.k,), "g": (fit.beta,), "g.ci": (fit.ci_lb, fit.ci_ub), "i2": (fit.i2_q,),
        "i2.ci": i2_of_q(fit.q, fit.k), "prediction.ci": (fit.pi_lb, fit.pi_ub),
        "nnt": (nnt(fit.beta, condition),),
    }  # fmt: skip
    for column, values in mine.items():
        assert all(map(agrees, numbers(row[column]), values)), column


@pytest.mark.parametrize("condition", CONDITIONS)
def test_selection_in_favour_of_benefit(condition: str) -> None:
    """The other direction, pinned: in PTSD it is another result."""
    found = step(*combined(condition), "greater")
    test = found.selection
    mine = (found.beta, found.ci_lb, found.ci_ub, test.stat, test.pval)
    assert mine == pytest.approx(FAVOURING_BENEFIT[condition], abs=6e-4)


@pytest.mark.parametrize(("condition", "label"), ROWS)
def test_the_page_shows_this_row(condition: str, label: str) -> None:
    """docs/published_reviews.md has the same numbers, or is corrected with these tests."""
    page = PAGE.read_text(encoding="utf-8")
    assert line(condition, label) in page


def line(condition: str, label: str) -> str:
    """A row of the page: what is printed, what ours is, and the columns that are explained."""
    row, mine = (
        published(condition, "published_publication_bias", label),
        ours(condition, label),
    )

    def ci(column: str) -> str:
        return "[{:.2f}; {:.2f}]".format(*mine[column])

    cells = [condition.replace("_", " "), label, row["k"], f"{row['g']} {row['g.ci']}"]
    cells += ["{:.3f} [{:.3f}; {:.3f}]".format(*mine["g"], *mine["g.ci"])]
    cells += [row["prediction.ci"], ci("prediction.ci"), row["i2"], f"{mine['i2'][0]:.2f}"]
    different = [c for c in COLUMNS if (condition, label, c) in EXPLAINED]
    named = {"i2": "I²", "i2.ci": "interval of I²", "excluded": "χ²"}
    cells.append(", ".join(named[c] for c in different) or "none")
    return "| " + " | ".join(cells) + " |"
