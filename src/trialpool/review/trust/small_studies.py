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
from trialpool.effects import measure_of
from trialpool.pooling.henmi_copas import henmi_copas
from trialpool.pooling.policy import COMMON_OF_COUNTS, random_effects_tau2
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
        which show a benefit are the ones that are seen, or, where none is a benefit, those with
        effects of either sign

    Returns
    -------
    One row per method: `kind` is "test" (its statistic and p) or "estimate" (an
    effect that allows for small-study effects); what could not be had says so in `note`
    """
    y, v = (studies[name].to_numpy(float) for name in ("yi", "vi"))
    tau2 = random_effects_tau2(model.method, model.tau2)
    test = "hksj" if model.method in COMMON_OF_COUNTS else model.test
    record = measure_of(measure)
    favoured = "less" if better == "lower" else "greater"
    rows = [
        *_tests(y, v, tau2, test),
        *_estimates(y, v, tau2, test, favoured if record.favours else "two.sided"),
        _fail_safe(y, v),
    ]
    if record.null is None:
        rows = [_not_tested(row) for row in rows]
    for row in rows:
        if row["kind"] == ESTIMATE:
            row |= {name: shown(row[name], measure) for name in ("estimate", "ci_low", "ci_high")}
    return SMALL_STUDIES.frame(rows)


def _tests(y: Array, v: Array, tau2: str, test: str) -> Iterator[Row]:
    lines = {"classical": egger(y, v, model="lm")}
    alike = "knha" if test == "hksj" else test
    lines["random effects"] = egger(y, v, model="rma", tau2=tau2, test=alike)
    for kind, line in lines.items():
        method, stat = f"Egger's regression, {kind}", line.zval
        yield _row(method, line.reasons, statistic=stat, df=line.dfs, p_value=line.pval)
    rank, method = rank_test(y, v), "Begg's rank test (Kendall's tau)"
    yield _row(method, rank.reasons, statistic=rank.tau, p_value=rank.pval)


def _estimates(y: Array, v: Array, tau2: str, test: str, favoured: str) -> Iterator[Row]:
    for estimator in ("L0", "R0"):
        filled = trim_and_fill(y, v, estimator=estimator, tau2=tau2, test=test)
        method, k0 = f"Trim-and-fill, {estimator}", filled.k0
        note = "" if isnan(k0) else f"{k0:.0f} filled on the {filled.side}"
        yield _row(method, filled.reasons, filled.pooled, statistic=k0, note=note)
    line = pet_peese(y, v)
    note = f"{line.chosen} by its rule" if line.chosen else ""
    yield _row("PET-PEESE", line.reasons, line, note=note, estimate=line.est, p_value=line.pval)
    limit = limit_meta(y, v, tau2=tau2)
    yield _row("Limit meta-analysis", limit.reasons, limit, p_value=limit.pval)
    side = _SEEN[favoured]
    step = 0.05 if favoured == "two.sided" else 0.025
    for kind, words in (("step", f"one step at p = {step:g}"), ("beta", "beta")):
        chosen = selection_model(y, v, kind=kind, alternative=favoured, steps=(step,))
        weights = ", ".join(f"{d:.3g}" for d in np.atleast_1d(chosen.delta) if not isnan(d))
        note = f"trials with {side} taken as preferred; weights {weights}" if weights else ""
        method, lrt = f"Selection model, {words}", chosen.selection
        tested = {"statistic": lrt.stat, "df": lrt.df, "p_value": lrt.pval}
        note = "; ".join(filter(None, (note, *chosen.cautions)))
        if chosen.doubt:
            # What is no estimate enters neither the table nor, through it, the verdict.
            yield _row(method, {}, note=note)
            continue
        yield _row(method, chosen.reasons, chosen, **tested, note=note)
    note = "common-effect weights, interval valid under heterogeneity"
    yield _row("Henmi-Copas", {}, henmi_copas(y, v), note=note)


def _fail_safe(y: Array, v: Array) -> Row:
    number = fail_safe_n(y, v)
    method = "Fail-safe N, Rosenthal"
    return _row(method, number.reasons, statistic=number.fsnum, note=number.warning)


# What selection prefers, by the side of its test.
_SEEN = {"less": "benefit", "greater": "higher values", "two.sided": "effects of either sign"}
# Methods that ask of each trial, or of all, whether it differs from no effect.
_BY_P = ("Selection model", "Fail-safe N", "PET-PEESE")


def _not_tested(row: Row) -> Row:
    """The row where nothing is compared: no p value of the effect, no method that hangs on one."""
    if row["kind"] == ESTIMATE:
        row = {**row, "p_value": NAN, "df": NAN}
    if not row["method"].startswith(_BY_P):
        return row
    blank = dict.fromkeys(("estimate", "ci_low", "ci_high", "statistic", "df", "p_value"), NAN)
    return {**row, **blank, "note": "nothing is compared, and this hangs on a test of each trial"}


# What kind of row each method gives, and where it comes from.
_METHODS = {
    "Egger's regression, classical": (TEST, "Egger 1997, BMJ 315:629"),
    "Egger's regression, random effects": (TEST, "Sterne & Egger 2005, in Rothstein et al."),
    "Begg's rank test (Kendall's tau)": (TEST, "Begg & Mazumdar 1994, Biometrics 50:1088"),
    "Fail-safe N, Rosenthal": (TEST, "Rosenthal 1979, Psychol Bull 86:638"),
    "Trim-and-fill, L0": (ESTIMATE, "Duval & Tweedie 2000, Biometrics 56:455"),
    "Trim-and-fill, R0": (ESTIMATE, "Duval & Tweedie 2000, Biometrics 56:455"),
    "PET-PEESE": (ESTIMATE, "Stanley & Doucouliagos 2014, Res Synth Methods 5:60"),
    "Limit meta-analysis": (ESTIMATE, "Ruecker et al. 2011, Biostatistics 12:122"),
    "Selection model, one step at p = 0.025": (
        ESTIMATE,
        "Vevea & Hedges 1995, Psychometrika 60:419",
    ),
    "Selection model, one step at p = 0.05": (
        ESTIMATE,
        "Vevea & Hedges 1995, Psychometrika 60:419",
    ),
    "Selection model, beta": (ESTIMATE, "Citkowicz & Vevea 2017, Psychol Methods 22:28"),
    "Henmi-Copas": (ESTIMATE, "Henmi & Copas 2010, Stat Med 29:2969"),
}


def _row(method: str, reasons: Mapping[str, str], result: Any = None, **cells: Any) -> Row:
    """A line of the table; `result` is any result with beta and limits."""
    kind, reference = _METHODS[method]
    row = dict.fromkeys(("estimate", "ci_low", "ci_high", "statistic", "df", "p_value"), NAN)
    if result is not None:
        row["estimate"] = getattr(result, "beta", NAN)
        row |= {"ci_low": result.ci_lb, "ci_high": result.ci_ub}
    row |= cells
    main = row["statistic" if kind == TEST else "estimate"]
    why = "; ".join(dict.fromkeys(reasons.values())) if isnan(main) else ""
    note = "; ".join(filter(None, (str(cells.get("note", "")), why)))
    return {**row, "method": method, "kind": kind, "note": note, "reference": reference}
