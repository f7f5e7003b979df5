"""Inputs for the forest plot: one small analysis worked by hand, and one case per difficulty."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from filled import analysis_result

from trialpool.analysis_result import AnalysisResult

STUDY_COLUMNS = [
    *("effect_id", "trial_id", "study", "year", "comparison", "instrument", "timepoint"),
    *("design", "basis", "measure", "n_experimental", "n_control", "n"),
    *("mean_experimental", "sd_experimental", "mean_control", "sd_control"),
    *("event_experimental", "totaln_experimental", "event_control", "totaln_control"),
    *("estimate", "ci_low", "ci_high", "weight", "imputed", "derived", "flags", "confidence"),
]
MISSING_COLUMNS = [
    *("trial_id", "study", "status", "n_experimental", "n_control", "n_total"),
    *("reported", "reason"),
]
ROB_COLUMNS = ["trial_id", "domain", "judgement"]
DOMAINS = ("D1", "D2", "D3", "D4", "D5", "overall")


@dataclass(frozen=True)
class Case:
    """The four inputs of `rows`."""

    studies: pd.DataFrame
    result: AnalysisResult
    missing: pd.DataFrame
    risk_of_bias: pd.DataFrame


def frame(lines: list[dict[str, Any]], columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame(lines, columns=columns)


def result(count: int, *, measure: str = "SMD", n: int = 0, **changes: Any) -> AnalysisResult:
    log = measure in {"OR", "RR"}
    pooled = {
        "beta": -0.5, "level": 0.95, "tau2": 0.12, "tau2_ci_lb": 0.0, "tau2_ci_ub": 3.4,
        "i2": 45.2, "q": 3.64, "q_df": count - 1, "q_pval": 0.162,
    }  # fmt: skip
    display = (
        {"estimate": 0.61, "ci_low": 0.35, "ci_high": 1.06, "pi_low": 0.2, "pi_high": 1.9}
        if log
        else {"estimate": -0.5, "ci_low": -1.2, "ci_high": 0.2, "pi_low": -1.9, "pi_high": 0.9}
    )
    base: dict[str, Any] = {
        "title": "PTSD symptoms 1 to 2 weeks after the last infusion",
        "measure": measure,
        "scale": "log" if log else "identity",
        "favours_left": "favours ketamine",
        "favours_right": "favours control",
        "experimental_label": "ketamine",
        "control_label": "control",
        "k": count,
        "n": n,
        "model": "REML, Hartung-Knapp (hksj)" if count > 2 else "common effect",
        "display": display if count > 1 else dict.fromkeys(display),
        "pooled": pooled if count > 1 else None,
        "policy": {"prediction_interval": "withheld" if count < 5 else "headline"},
        "reasons": {"pi": f"k = {count}, fewer than 5 trials"},
    }  # fmt: skip
    return analysis_result(**(base | changes))


def scores(k: int, *, seed: int = 1) -> list[dict[str, Any]]:
    """`k` trials with means, of plausible size."""
    rng = np.random.default_rng(seed)
    names = [
        "Feder",
        "Abdallah",
        "Dadabayev",
        "Pradhan",
        "Norbury",
        "Harpaz-Rotem",
        "Li",
        "O’Brien",
    ]
    out = []
    shares = rng.uniform(1, 9, k)
    for i in range(k):
        n1, n2 = (int(v) for v in rng.integers(9, 140, 2))
        estimate = float(rng.normal(-0.5, 0.4))
        half = 1.96 * math.sqrt(1 / n1 + 1 / n2)
        out.append(
            {
                "effect_id": f"E{i}", "trial_id": f"T{i}", "measure": "SMD", "year": 2001 + i,
                "study": f"{names[i % len(names)]} {2001 + i}", "design": "parallel",
                "basis": "arms", "n_experimental": n1, "n_control": n2, "n": n1 + n2,
                "mean_experimental": round(float(rng.uniform(5, 60)), 1),
                "sd_experimental": round(float(rng.uniform(4, 22)), 1),
                "mean_control": round(float(rng.uniform(5, 60)), 1),
                "sd_control": round(float(rng.uniform(4, 22)), 1),
                "estimate": estimate, "ci_low": estimate - half, "ci_high": estimate + half,
                "weight": 100 * float(shares[i] / shares.sum()), "confidence": "primary",
            }
        )  # fmt: skip
    return out


def counts(k: int, *, seed: int = 2) -> list[dict[str, Any]]:
    """`k` trials with events; the first has none in one arm."""
    rng = np.random.default_rng(seed)
    out = scores(k, seed=seed)
    for i, line in enumerate(out):
        for name in ("mean_experimental", "sd_experimental", "mean_control", "sd_control"):
            del line[name]
        n1, n2 = line["n_experimental"], line["n_control"]
        a = 0 if i == 0 else int(rng.integers(1, max(2, n1 // 2)))
        c = int(rng.integers(1, max(2, n2 // 2)))
        ai, bi, ci, di = (v + (0.5 if a == 0 else 0) for v in (a, n1 - a, c, n2 - c))
        log_or = math.log(ai * di / (bi * ci))
        half = 1.96 * math.sqrt(1 / ai + 1 / bi + 1 / ci + 1 / di)
        line |= {
            "measure": "OR", "event_experimental": a, "totaln_experimental": n1,
            "event_control": c, "totaln_control": n2, "estimate": math.exp(log_or),
            "ci_low": math.exp(log_or - half), "ci_high": math.exp(log_or + half),
        }  # fmt: skip
    return out


def judged(lines: list[dict[str, Any]], *, ds: bool = False) -> list[dict[str, str]]:
    kinds = ("low", "some_concerns", "high", "no_information")
    out = [
        {"trial_id": line["trial_id"], "domain": d, "judgement": kinds[(i * 7 + j * j) % 4]}
        for i, line in enumerate(lines)
        for j, d in enumerate(DOMAINS)
    ]
    if ds:
        out.append({"trial_id": lines[0]["trial_id"], "domain": "DS", "judgement": "some_concerns"})
    return out


ABSENT: list[dict[str, Any]] = [
    {"trial_id": "M1", "study": "Abdallah 2022", "n_experimental": 51, "n_control": 54,
     "n_total": 158, "reported": "no effect, no numbers", "status": "published"},
    {"trial_id": "M2", "study": "Dadabayev 2020", "n_total": 41, "status": "published",
     "reported": "IES-R lower in both arms at 24 h; means shown in a figure without axis values"},
    {"trial_id": "M3", "study": "NCT02727998", "status": "completed 2019, no results posted"},
    {"trial_id": "M4", "study": "Pradhan 2018", "n_experimental": 10, "n_control": 10,
     "reported": "PCL “significantly better” (p < 0.05)"},
    {"trial_id": "M5", "study": "A trial with a very long name in a very long register 2017",
     "n_total": 8, "status": "terminated"},
    {"trial_id": "M6", "study": "Veraart 2021", "n_total": 30},
]  # fmt: skip


def case(
    lines: list[dict[str, Any]],
    absent: int = 0,
    rob: list[dict[str, str]] | None = None,
    **changes: Any,
) -> Case:
    measure = lines[0]["measure"] if lines else "SMD"
    about = {"measure": measure, "n": sum(line["n"] for line in lines)}
    return Case(
        frame(lines, STUDY_COLUMNS),
        result(len(lines), **(about | changes)),
        frame(ABSENT[:absent], MISSING_COLUMNS),
        frame([dict(r) for r in rob or []], ROB_COLUMNS),
    )


def _annotated() -> list[dict[str, Any]]:
    lines = scores(6)
    lines[0] |= {"design": "crossover, paired", "imputed": "r = 0.5 between periods"}
    lines[1] |= {"derived": "SD from the standard error", "confidence": "abstract"}
    lines[2] |= {"flags": "SD 4 times the other arm’s; change scores", "confidence": "secondary"}
    lines[3] |= {"derived": "SD from the standard error", "basis": "contrast"}
    for name in ("mean_experimental", "sd_experimental", "mean_control", "sd_control"):
        lines[3][name] = math.nan
    return lines


def _absurd() -> list[dict[str, Any]]:
    lines = counts(6)
    lines[2] |= {"estimate": 6.7, "ci_low": 0.05, "ci_high": 900.0, "weight": 0.4}
    return lines


def _long() -> list[dict[str, Any]]:
    lines = scores(6)
    lines[1]["study"] = "Harpaz-Rotem and the Consortium to Alleviate PTSD Trialists 2024"
    lines[4]["study"] = "Aveyard-Featherstonehaugh-Cholmondeley-Marjoribanks-Menzies-99"
    lines[4] |= {"flags": "first period only"}
    return lines


def _contrasts() -> list[dict[str, Any]]:
    blank = ("mean_experimental", "sd_experimental", "mean_control", "sd_control")
    return [line | dict.fromkeys(blank, math.nan) | {"basis": "contrast"} for line in scores(3)]


def _single(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line | {"weight": math.nan} for line in lines]


def all_cases() -> dict[str, Case]:
    """Every difficulty the plot must survive, by name."""
    six = _annotated()
    return {
        "k0": case([], 6, title="Dissociation"),
        "k0_none": case([]),
        "k1": case(_single(scores(1)), 1, judged(scores(1))),
        "k2": case(scores(2), 2, judged(scores(2))),
        "k3": case(scores(3), 1, judged([*scores(3), ABSENT[0]])),
        "k6": case(six, 6, judged(six, ds=True)),
        "k6_no_rob": case(six, 0),
        "k60": case(scores(60), 6, judged(scores(60))),
        "long": case(
            _long(), 6, judged(_long()),
            experimental_label="ketamine 0.5 mg/kg with psychotherapy",
            favours_right="favours midazolam with psychotherapy",
        ),
        "contrasts": case(_contrasts(), 2),
        "counts": case(counts(6), 6, judged(counts(6))),
        "mixed_counts": case([*counts(4), *crossed_contrast()], 1),
        "absurd": case(_absurd(), 1, judged(_absurd(), ds=True)),
        "difference": case(
            [line | {"measure": "MD", "estimate": 20 * line["estimate"],
                     "ci_low": 20 * line["ci_low"], "ci_high": 20 * line["ci_high"]}
             for line in scores(4)],
            display={"estimate": -9.3, "ci_low": -14.0, "ci_high": -4.1},
        ),
        "one_sided": case(
            [line | {"estimate": -2.0 - i / 9, "ci_low": -2.5 - i / 9, "ci_high": -1.5 - i / 9}
             for i, line in enumerate(scores(6))],
            1,
            display={"estimate": -2.2, "ci_low": -2.6, "ci_high": -1.8,
                     "pi_low": -12.0, "pi_high": 8.0},
        ),
        "narrow_ratio": case(
            [line | {"estimate": 0.97, "ci_low": 0.9, "ci_high": 1.045} for line in counts(6)],
            display={"estimate": 0.97, "ci_low": 0.94, "ci_high": 1.01},
        ),
    }  # fmt: skip


def crossed_contrast() -> list[dict[str, Any]]:
    """One odds ratio reported as such, beside trials with counts."""
    line = scores(1, seed=9)[0]
    blank = ("mean_experimental", "sd_experimental", "mean_control", "sd_control")
    effect = {"measure": "OR", "estimate": 0.8, "ci_low": 0.3, "ci_high": 2.1}
    return [
        line | dict.fromkeys(blank, math.nan) | effect | {"basis": "contrast", "study": "Ross 2020"}
    ]
