"""Improbable, not impossible: each of these is used, and flagged."""

from __future__ import annotations

from mutations import Change, another, cells, narrowed, then, widened

_IN_STEPS = cells(2, step="1")

WARNINGS: dict[str, dict[str, Change]] = {
    "results": {
        "se_beside_the_other_arm": cells(3, sd="1.9"),
        "se_beside_the_reference": then(cells(8, sd="1.5"), cells(9, sd="1.4"),
                                        cells(16, sd="1.5"), cells(17, sd="1.4")),
        "se_beside_baseline": cells(8, sd="2.9"),
        "se_beside_the_range": then(cells(2, instrument="OTHER", sd="2.1"),
                                    cells(3, instrument="OTHER", sd="2.2")),
        "se_of_an_se": cells(2, sd="", se="0.4"),
        "sd_typed_as_se": cells(2, sd="", se="5.4"),
        "sd_too_large": cells(2, sd="28.0"),
        "mean_of_items": then(cells(2, mean="1.8", sd="0.8"), cells(3, mean="2.4", sd="0.9")),
        "digit_of_n_lost": cells(2, n="2"),
        "few_in_one_arm": cells(6, n="3"),
        "digit_of_n_doubled": cells(8, n="255"),
        "more_than_randomised_in_all": cells(3, n="50"),
        "total_of_one_count": then(*(
            cells(row, trial_id="Ash", arm_id="experimental", definition=f"kind {row}", event="1",
                  totaln="20") for row in range(10, 15)), cells(12, totaln="26")),
        "decimal_point_moved": cells(2, mean="1.8"),
        "mean_far_off": cells(3, mean="44.0"),
        "change_of_other_means": another(8, outcome_type="change", mean="-17.0", sd="8.0"),
        "repeats_baseline": cells(8, n="25", mean="26.0", sd="9.0"),
        "same_as_another_trial": cells(4, n="20", mean="18.0", sd="8.0"),
        "sd_of_the_change": then(cells(2, sd="8.05"),
                                 another(2, outcome_type="change", mean="-6.0", sd="8.05"),
                                 another(3, outcome_type="change", mean="-2.0", sd="7.0")),
        "sd_against_se": cells(2, se="4.1"),
        "sd_against_interval": cells(2, ci_low="17.2", ci_high="18.8"),
        "correlation_of_three": cells(2, n="3", correlation="0.5"),
        "mean_off_centre": cells(2, sd="", ci_low="14", ci_high="28"),
        "stratum_without_numbers": then(widened("stratum", (4, "high")),
                                        another(4, stratum="low", sd="")),
        "n_grows": another(8, time_days="30", timepoint="day 30", n="29", mean="17.5"),
        "week_typed_as_day": cells(2, timepoint="week 1", time_days="1"),
        "hours_typed_as_days": cells(2, timepoint="24 h", time_days="24"),
        "percent_of_another_total": cells(10, percent="47.4"),
        "percent_of_nobody": cells(10, event="", percent="46.0"),
        "large_effect": cells(2, mean="1.2", sd="3.5"),
        "two_sources": another(2, source="review", confidence="secondary", mean="17.4"),
    },
    "contrasts": {
        "interval_against_p": cells(2, p_value="0.39"),
        "t_against_interval": cells(2, t="4.4"),
        "f_against_interval": cells(2, f="19.4", df="37"),
        "se_against_interval": cells(2, se="4.6"),
        "bound_against_interval": cells(2, p_value="0.001", p_bound="yes"),
        "odds_ratio_too_precise": cells(2, outcome="harm", instrument="", effect_measure="OR",
                                        estimate="1.50", ci_low="1.20", ci_high="1.88"),
        "se_of_a_difference": cells(2, ci_low="", ci_high="", se="8.6"),
        "estimate_off_centre": cells(2, estimate="3.0"),
        "p_against_means": cells(2, time_days="7", estimate="", ci_low="", ci_high="",
                                 p_value="0.39"),
        "other_direction": cells(2, time_days="7", contrast="experimental-control",
                                 ci_low="0.6", ci_high="9.4"),
        "same_at_another_time": another(2, time_days="21", estimate="5.00"),
        "large_effect": cells(2, effect_measure="D", estimate="3.4", ci_low="2.4", ci_high="4.4"),
        "unlike_the_other_trials": cells(2, trial_id="Fir", effect_measure="D", estimate="1.80",
                                         contrast="experimental-control", ci_low="1.05",
                                         ci_high="2.55"),
    },
    "trials": {
        "same_registration": then(cells(2, registration="NCT00000001"),
                                  cells(3, registration="nct00000001; NCT00000002")),
        "same_doi": then(cells(2, doi="10.1000/xyz"), cells(3, doi="https://doi.org/10.1000/XYZ")),
        "same_pmid": then(cells(2, pmid="12345678"), cells(3, pmid="12345678")),
        "another_year_elsewhere": another(2, trial_id="Gum", study="Gum 2012", year="2012"),
        "label_of_another": cells(3, study="ash  2011"),
        "setting_of_one": cells(2, setting="medical"),
        "same_study_and_year": cells(3, study="Ash 2011", year="2011"),
    },
    "arms": {
        "arms_above_trial": then(cells(2, n_randomised="31"), cells(3, n_randomised="30")),
        "fewer_randomised": cells(2, n_randomised="18"),
        "same_ect_without_ect": cells(3, comparator_class="same_ect"),
        "drug_as_control": cells(5, drug="drug"),
        "saline_as_active": cells(3, comparator_class="active_placebo"),
        "mg_for_mg_per_kg": cells(2, dose="35 mg", dose_mg_kg="35"),
        "dose_in_other_words": cells(2, dose="0.5 mg/kg", dose_mg_kg="5"),
        "no_control_arm": cells(5, role="experimental", comparator_class=""),
    },
    "instruments": {
        "reference_without_source": cells(2, reference_sd_source=""),
    },
    "risk_of_bias": {
        "overall_too_good": cells(2, judgement="high"),
        "overall_too_good_of_one": then(narrowed, another(5, instrument="SCALE", judgement="high")),
        "judged_without_result": then(narrowed, another(5, instrument="OTHER")),
    },
}  # fmt: skip

WARNINGS_SEVERAL: dict[str, dict[str, Change]] = {
    "grim": {"instruments": _IN_STEPS, "results": cells(2, mean="18.13")},
    "grimmer": {"instruments": _IN_STEPS, "results": cells(2, n="4", mean="18.25", sd="8.31")},
    "se_beside_other_trials": {
        "instruments": cells(2, low="", high="", reference_sd="", reference_sd_source=""),
        "results": then(cells(2, sd="1.5"), cells(3, sd="1.6")),
    },
    "two_controls": {
        "arms": another(3, arm_id="usual", arm="usual", comparator_class="usual_care"),
        "contrasts": cells(2, experimental_arm="usual"),
    },
    "doses_far_apart": {
        "arms": another(2, arm_id="high", arm="high dose"),
        "results": then(
            cells(10, event="90", totaln="200"),
            another(10, arm_id="high", event="20", totaln="200"),
        ),
    },
    "also_excluded": {
        "trials": cells(2, doi="10.1000/xyz"),
        "excluded": cells(2, doi="doi:10.1000/xyz"),
    },
}
