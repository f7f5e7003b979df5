"""The words of the Metapsy data standard and of the files released in it.

The standard: docs.metapsy.org/data-preparation/format. Released files add columns of their own
and spell some differently; ALIASES lists the spellings met in the PTSD, panic and generalised
anxiety databases of 2023, and those of the standard's later columns.
"""

from __future__ import annotations

ARMS = ("1", "2")
_SIDES = {"1": "ig", "2": "cg"}  # intervention group, control group

# Columns that say whether a row is the trial's primary result; all that are there must agree.
PRIMARY = ("primary", "primary_outcome", "primary_instrument", "primary_time", "primary_calc")
YES = ("1", "yes", "y", "true")

# Our word for a column -> how files spell it, the standard's own spelling first.
ALIASES: dict[str, tuple[str, ...]] = {
    "instrument": ("instrument", "outc_measure"),
    "rating": ("rating", "sr_clinician"),
    "analysis_set": ("analysis_set", "completer", "sample"),
    "outcome_domain": ("outcome_domain", "outc_type"),
    "event_kind": ("event_kind", "dich"),
    "time_days": ("time_days", "days"),
    "design": ("design", "study_design"),
    "post_crossover": ("post_crossover",),
    "registration": ("registration", "registration_number", "trial_registration", "reg_number"),
    **{f"primary_{i}": (name,) for i, name in enumerate(PRIMARY)},
    "n_randomised": ("n_randomised", "n_randomized", "total_n_randomized"),
    "percent_women": ("percent_women",),
    "share_women": ("female_percent",),
    "rob": ("rob", "ROB"),
    **{
        f"rob_d{i}": (f"rob_d{i}", f"d{i}", f"rob_domain{i}", f"rob_domain_{i}", f"rob{i}")
        for i in range(1, 6)
    },
}
for _arm, _side in _SIDES.items():
    ALIASES |= {
        f"baseline_mean_arm{_arm}": (
            f"baseline_mean_arm{_arm}", f"baseline_m_arm{_arm}", f"m_baseline_arm{_arm}",
            f"baseline_m_{_side}", f"bl_mean_arm{_arm}", f"bl_m_arm{_arm}"),
        f"baseline_sd_arm{_arm}": (
            f"baseline_sd_arm{_arm}", f"sd_baseline_arm{_arm}", f"baseline_sd_{_side}",
            f"bl_sd_arm{_arm}"),
        f"baseline_n_arm{_arm}": (
            f"baseline_n_arm{_arm}", f"n_baseline_arm{_arm}", f"baseline_n_{_side}",
            f"bl_n_arm{_arm}"),
        f"n_randomised_arm{_arm}": (
            f"n_randomised_arm{_arm}", f"n_randomized_arm{_arm}", f"rand_n_{_side}",
            f"rand_arm{_arm}", f"rand_n_arm{_arm}", f"n_rand_arm{_arm}"),
        f"drug_arm{_arm}": (f"drug_arm{_arm}", f"drug_{_side}"),
        f"dose_arm{_arm}": (f"dose_arm{_arm}", f"dose_{_side}"),
        f"detail_arm{_arm}": (f"detail_arm{_arm}", f"condition_arm{_arm}.detail", f"descr_{_side}"),
    }  # fmt: skip

# The cells of an arm that hold its result, by the kind of result; the right side is ours.
RESULT_CELLS = {
    "msd": {"mean": "mean", "sd": "sd", "n": "n"},
    "change": {"mean_change": "mean", "sd_change": "sd", "n_change": "n"},
    "event": {"event": "event", "totaln": "totaln"},
    "baseline": {"baseline_mean": "mean", "baseline_sd": "sd", "baseline_n": "n"},
}

NO_CELLS = "the standard has no columns for results of this kind"

NUMBERS = frozenset(
    f"{cell}_arm{arm}" for cells in RESULT_CELLS.values() for cell in cells for arm in ARMS
) | {
    "time_weeks", "precalc_g", "precalc_g_se", "precalc_log_rr", "precalc_log_rr_se", ".g",
    ".g_se", "year", "mean_age", "percent_women", "share_women", "n_randomised",
    "n_randomised_arm1", "n_randomised_arm2", "time_days",
}  # fmt: skip
# Numbers of people, which are whole.
PEOPLE = frozenset(
    f"{cell}_arm{arm}"
    for cell in ("n", "n_change", "event", "totaln", "baseline_n")
    for arm in ARMS
)

TEXTS = frozenset(
    {
        "study", "condition_arm1", "condition_arm2", "multi_arm1", "multi_arm2", "outcome_type",
        "instrument", "time", "rating", "dich_type", "event_kind", "analysis_set",
        "outcome_domain", "detail_arm1", "detail_arm2", "country", "doi", "full_ref", "diagnosis",
        "rob", "rob_d1", "rob_d2", "rob_d3", "rob_d4", "rob_d5", "design", "post_crossover",
        "registration", "drug_arm1", "drug_arm2", "dose_arm1", "dose_arm2",
        *(f"primary_{i}" for i in range(len(PRIMARY))),
    }
)  # fmt: skip
KNOWN = NUMBERS | TEXTS

# What metapsyTools computes and writes beside the data.
COMPUTED = frozenset(
    {".id", ".log_rr", ".log_rr_se", ".event_arm1", ".event_arm2", ".totaln_arm1", ".totaln_arm2"}
)
ROW_NUMBER = ("", "...1")  # names R gives to a column of row numbers

MISSING = ("", "NA")

RATINGS = {
    "clinician": "clinician",
    "cr": "clinician",
    "self-report": "self-report",
    "sr": "self-report",
}

COMPARATORS = {
    "wl": "waiting_list", "wlc": "waiting_list", "waitlist": "waiting_list",
    "waiting list": "waiting_list", "tau": "usual_care", "cau": "usual_care",
    "tau/nt": "usual_care", "treatment as usual": "usual_care", "usual care": "usual_care",
    "nt": "no_treatment", "no treatment": "no_treatment", "pl": "placebo", "plac": "placebo",
    "placebo": "placebo", "pill placebo": "placebo",
}  # fmt: skip

JUDGEMENTS = {
    "low": "low", "low risk": "low", "some concerns": "some_concerns", "high": "high",
    "high risk": "high",
}  # fmt: skip

# Values of outcome_type that say how a result is given, not what is counted.
NOT_AN_EVENT = frozenset({"", "msd", "change", "dich", "imsd", "other"})

# What an export writes, in this order: the standard's columns, then those of ours it has room for.
EXPORTED = (
    "study", "condition_arm1", "condition_arm2", "multi_arm1", "multi_arm2", "outcome_type",
    "instrument", "time", "time_weeks", "rating",
    *(f"{cell}_arm{arm}" for kind in ("msd", "change") for cell in RESULT_CELLS[kind]
      for arm in ARMS),
    "dich_type", "event_arm1", "event_arm2", "totaln_arm1", "totaln_arm2", "precalc_g",
    "precalc_g_se", "precalc_log_rr", "precalc_log_rr_se",
    *(f"{cell}_arm{arm}" for cell in RESULT_CELLS["baseline"] for arm in ARMS),
    "event_kind", "outcome_domain", "analysis_set", "year", "country", "diagnosis", "mean_age",
    "percent_women", "n_randomised",
    "n_randomised_arm1", "n_randomised_arm2", "detail_arm1", "detail_arm2", "rob", "rob_d1",
    "rob_d2", "rob_d3", "rob_d4", "rob_d5", "doi", "full_ref", ".id", ".g", ".g_se", ".log_rr",
    ".log_rr_se", ".event_arm1", ".event_arm2", ".totaln_arm1", ".totaln_arm2",
)  # fmt: skip
