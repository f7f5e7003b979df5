"""What RevMan's words for measure, method and model mean, and which way an outcome is better."""

from __future__ import annotations

import re
from typing import Any

from trialpool.effects.registry import reported_as
from trialpool.review.exchange import wording
from trialpool.review.exchange.draft import plain
from trialpool.review.exchange.revman_parts import RevManAnalysis

# By the code of a reported estimate, in RevMan 5's letters and in RevMan Web's words.
MEASURES = {
    "MD": ("md", "mean difference"),
    "G": ("smd", "std mean difference", "standardised mean difference",
          "standardized mean difference"),
    "OR": ("or", "odds ratio", "peto or", "peto odds ratio"),
    "RR": ("rr", "risk ratio", "relative risk"),
    "RD": ("rd", "risk difference"),
    "HR": ("hr", "hazard ratio"),
    "IRR": ("irr", "rate ratio", "incidence rate ratio"),
    "ROM": ("rom", "ratio of means", "mean ratio"),
}  # fmt: skip
_LOG = re.compile(r"^(?:log|ln)e? (?:of )?(?:the )?|^log(?=or$|rr$|hr$)|^ln(?=or$|rr$|hr$)")
_NO_LABELS = "the forest plot has no labels"
_OTHER = {"lower": "higher", "higher": "lower"}


def measure_of(analysis: RevManAnalysis) -> str:
    """The code of the analysis' measure; blank for one that is none of ours.

    Of generic inverse variance the measure is a label that people write: `log hazard ratio`.
    """
    words = _LOG.sub("", plain(analysis.measure))
    code = next((code for code, known in MEASURES.items() if words in known), "")
    return "" if names_log(analysis) and code and not reported_as(code).is_ratio else code


def no_measure(analysis: RevManAnalysis, why: str) -> str:
    """That the file's measure is of no use, `why`; or that the file names none."""
    return f"the measure `{analysis.measure}` {why}" if analysis.measure else "it names no measure"


def names_log(analysis: RevManAnalysis) -> bool:
    """Whether the label says that the numbers are logarithms, whatever the file's setting."""
    return _LOG.match(plain(analysis.measure)) is not None


def standardises_changes(analysis: RevManAnalysis) -> bool:
    """Whether the file divides changes by their own SD, and not by one of scores."""
    return wording.is_change(analysis.outcome) and measure_of(analysis) == "G"


def score_of(analysis: RevManAnalysis) -> dict[str, str]:
    """What the means of an analysis are, as cells of results.csv."""
    if standardises_changes(analysis):
        return {"outcome_type": "msd", "definition": "change, divided by its own SD"}
    return {"outcome_type": "change" if wording.is_change(analysis.outcome) else "msd"}


def pooled_in(analysis: RevManAnalysis) -> str:
    """The measure that the protocol asks for; blank where the file names none of ours."""
    return {"G": "SMD"}.get(measure_of(analysis), measure_of(analysis))


def is_peto(analysis: RevManAnalysis) -> bool:
    """Whether the file pools by Peto's method."""
    return "peto" in plain(f"{analysis.measure} {analysis.method}")


def model_of(analysis: RevManAnalysis, *, counts: bool) -> dict[str, Any]:
    """The file's model as the protocol has it; RevMan's tests go by the normal distribution.

    Parameters
    ----------
    counts : whether the analysis has events and totals, which Mantel-Haenszel and Peto need
    """
    method = plain(analysis.method)
    if counts and is_peto(analysis):
        return {"method": "Peto"}
    if counts and method in ("mh", "mantel haenszel"):
        if analysis.random:
            return {"method": "MH-DL"}
        # RevMan's own variance of a difference of risks; other measures have one alone.
        rd = pooled_in(analysis) == "RD"
        return {"method": "MH"} | ({"variance": "Greenland-Robins"} if rd else {})
    if not analysis.random:
        return {"tau2": "EE", "test": "z"}
    estimator = "REML" if "restricted" in plain(analysis.estimator) else "DL"
    return {"tau2": estimator, "test": "knha" if "hksj" in plain(analysis.interval) else "z"}


def direction(analysis: RevManAnalysis, kind: str) -> tuple[str, str]:
    """Which way the outcome is better, and how that was guessed; blank where the file says it.

    The file says it by what its forest plot favours on which side. Else the outcome's name may,
    where `kind` is one of events.
    """
    said = wording.better_from_favours(*analysis.favours, analysis.labels)
    if said:
        # Where the plot is of those without the event, it is the other way round for events.
        return (_OTHER[said] if analysis.swapped else said), ""
    labels = " | ".join(label for label in analysis.favours if label.strip())
    why = f"the labels of the forest plot ({labels}) do not say" if labels else _NO_LABELS
    better = wording.better_from_name(analysis.outcome) if kind != "continuous" else ""
    if kind == "time_to_event" and better == "higher":
        better = ""  # of events in time the hazard is of what ends the good state
    if better:
        return better, f"{better} is better, going by its name; {why}"
    return "lower", f"lower is better, which nothing says; {why}"
