"""Small-study effects of one analysis: do small trials tell another story than large ones?

One table of tests and of estimates that allow for it. p-curve is left out on purpose: with
heterogeneity it does not estimate the mean effect (van Aert, Wicherts, van Assen 2016, Perspect
Psychol Sci 11:713).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isnan
from typing import Any

import numpy as np
import pandas as pd

from trialpool.diagnostics.asymmetry import egger, rank_test
from trialpool.diagnostics.fail_safe import fail_safe_n
from trialpool.diagnostics.limits import limit_meta, pet_peese
from trialpool.diagnostics.selection import selection_model
from trialpool.diagnostics.trim_and_fill import trim_and_fill
from trialpool.pooling.henmi_copas import henmi_copas
from trialpool.results import NAN, Array
from trialpool.review.fitting.fit import shown
from trialpool.review.protocol.settings import Model
from trialpool.review.schema.trust import SMALL_STUDIES
from trialpool.terms import ESTIMATE, TEST

# A test of asymmetry has little power; 0.1 is its custom (Sterne et al. 2011, BMJ 343:d4002).
ASYMMETRY_P = 0.1

Row = dict[str, Any]


def small_studies(studies: pd.DataFrame, measure: str, model: Model, better: str) -> pd.DataFrame:
    """Every test of asymmetry and every estimate that allows for it, on the display scale.

    The caller asks `policy` first: below ten trials none of this can be told.

    Parameters
    ----------
    studies : yi and vi of the chosen effects
    better : "lower" or "higher" effects are the benefit; selection models suppose that trials
        which show a benefit are the ones that are seen

    Returns
    -------
    One row per method: `kind` is "test" (its statistic and p) or "estimate" (an
    effect that allows for small-study effects); what could not be had says so in `note`
    """
    y, v = (studies[name].to_numpy(float) for name in ("yi", "vi"))
    # Mantel-Haenszel has no tau2 of its own; its random-effects sensitivity is REML.
    tau2, test = ("REML", "hksj") if model.method == "MH" else (model.tau2, model.test)
    rows = [
        *_tests(y, v, tau2, test),
        *_estimates(y, v, tau2, test, "less" if better == "lower" else "greater"),
        _fail_safe(y, v),
    ]
    for row in rows:
        if row["kind"] == ESTIMATE:
            row |= {name: shown(row[name], measure) for name in ("estimate", "ci_low", "ci_high")}
    return SMALL_STUDIES.frame(rows)


def _tests(y: Array, v: Array, tau2: str, test: str) -> Iterator[Row]:
    classic = egger(y, v, model="lm")
    yield _row("Egger's regression, classical", TEST, classic.reasons, "Egger 1997, BMJ 315:629",
               statistic=classic.zval, df=classic.dfs, p_value=classic.pval)  # fmt: skip
    mixed = egger(y, v, model="rma", tau2=tau2, test="knha" if test == "hksj" else test)
    yield _row("Egger's regression, random effects", TEST, mixed.reasons,
               "Sterne & Egger 2005, in Rothstein et al.", statistic=mixed.zval, df=mixed.dfs,
               p_value=mixed.pval)  # fmt: skip
    rank = rank_test(y, v)
    yield _row("Begg's rank test (Kendall's tau)", TEST, rank.reasons,
               "Begg & Mazumdar 1994, Biometrics 50:1088", statistic=rank.tau,
               p_value=rank.pval)  # fmt: skip


def _estimates(y: Array, v: Array, tau2: str, test: str, favoured: str) -> Iterator[Row]:
    for estimator in ("L0", "R0"):
        filled = trim_and_fill(y, v, estimator=estimator, tau2=tau2, test=test)
        note = f"{filled.k0:.0f} filled on the {filled.side}" if not isnan(filled.k0) else ""
        yield _row(f"Trim-and-fill, {estimator}", ESTIMATE, filled.reasons,
                   "Duval & Tweedie 2000, Biometrics 56:455", filled.pooled,
                   statistic=filled.k0, note=note)  # fmt: skip
    line = pet_peese(y, v)
    yield _row("PET-PEESE", ESTIMATE, line.reasons,
               "Stanley & Doucouliagos 2014, Res Synth Methods 5:60", line,
               note=f"{line.chosen} by its rule" if line.chosen else "", estimate=line.est,
               p_value=line.pval)  # fmt: skip
    limit = limit_meta(y, v, tau2=tau2)
    yield _row("Limit meta-analysis", ESTIMATE, limit.reasons,
               "Ruecker et al. 2011, Biostatistics 12:122", limit, p_value=limit.pval)  # fmt: skip
    side = "benefit" if favoured == "less" else "higher values"
    for kind, name, source in (
        ("step", "Selection model, one step at p = 0.025",
         "Vevea & Hedges 1995, Psychometrika 60:419"),
        ("beta", "Selection model, beta", "Citkowicz & Vevea 2017, Psychol Methods 22:28"),
    ):  # fmt: skip
        chosen = selection_model(y, v, kind=kind, alternative=favoured)
        weights = ", ".join(f"{d:.3g}" for d in np.atleast_1d(chosen.delta) if not isnan(d))
        note = f"trials with {side} taken as preferred; weights {weights}" if weights else ""
        yield _row(name, ESTIMATE, chosen.reasons, source, chosen,
                   p_value=chosen.selection.pval, statistic=chosen.selection.stat,
                   df=chosen.selection.df,
                   note="; ".join([part for part in (note, *chosen.cautions) if part]))  # fmt: skip
    robust = henmi_copas(y, v)
    yield _row("Henmi-Copas", ESTIMATE, {}, "Henmi & Copas 2010, Stat Med 29:2969", robust,
               note="common-effect weights, interval valid under heterogeneity")  # fmt: skip


def _fail_safe(y: Array, v: Array) -> Row:
    result = fail_safe_n(y, v)
    return _row("Fail-safe N, Rosenthal", TEST, result.reasons,
                "Rosenthal 1979, Psychol Bull 86:638", statistic=result.fsnum,
                note=result.warning)  # fmt: skip


def _row(
    method: str,
    kind: str,
    reasons: Mapping[str, str],
    reference: str,
    result: Any = None,
    **cells: Any,
) -> Row:
    """A line of the table; `result` is any result with beta and limits."""
    numbers = {}
    if result is not None:
        numbers = {"estimate": getattr(result, "beta", NAN), "ci_low": result.ci_lb,
                   "ci_high": result.ci_ub}  # fmt: skip
    row = dict.fromkeys(("estimate", "ci_low", "ci_high", "statistic", "df", "p_value"), NAN)
    row |= numbers | cells
    main = row["statistic" if kind == TEST else "estimate"]
    why = "" if not isnan(main) else "; ".join(dict.fromkeys(reasons.values()))
    note = "; ".join(part for part in (str(cells.get("note", "")), why) if part)
    return {**row, "method": method, "kind": kind, "note": note, "reference": reference}
