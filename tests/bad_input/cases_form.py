"""Broken in form: what spreadsheets, editors and hurry do to files and cells."""

from __future__ import annotations

from mutations import Change, cells, lines, raw, replaced

ZERO_WIDTH, NBSP, SOFT_HYPHEN = "\u200b", "\u00a0", "\u00ad"

FORM: dict[str, dict[str, Change]] = {
    "results": {
        # files
        "empty_file": raw(lambda _: b""),
        "only_blank_lines": raw(lambda _: b"\n\n\n"),
        "blank_lines_above": raw(lambda c: b"\n\n" + c),
        "header_missing": raw(lambda c: c.split(b"\n", 1)[1]),
        "header_twice": lines(lambda ls: [ls[0], *ls[:4], *ls[4:]]),
        "header_again_below": lines(lambda ls: [*ls[:9], ls[0], *ls[9:]]),
        "title_above_header": raw(lambda c: b"Results of all trials\n" + c),
        "sep_line_above_header": raw(lambda c: b"sep=,\n" + c),
        "semicolons": raw(lambda c: c.replace(b",", b";")),
        "tabs": raw(lambda c: c.replace(b",", b"\t")),
        "bars": raw(lambda c: c.replace(b",", b"|")),
        "utf16_little": raw(lambda c: c.decode().encode("utf-16")),
        "utf16_big": raw(lambda c: b"\xfe\xff" + c.decode().encode("utf-16-be")),
        "utf16_without_mark": raw(lambda c: c.decode().encode("utf-16-le")),
        "latin_1": raw(lambda c: c.replace(b"day 7", "6\u00bd days".encode("latin-1"), 1)),
        "zero_byte": raw(lambda c: c.replace(b"day 7", b"day\x00 7", 1)),
        "workbook": raw(lambda _: b"PK\x03\x04\x14\x00\x06\x00 a workbook"),
        "picture": raw(lambda _: b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"),
        "quote_never_closed": raw(lambda c: c.replace(b"day 7", b'"day 7', 1)),
        "quote_in_the_middle": raw(lambda c: c.replace(b"day 7", b'"day" 7', 1)),
        # header and rows
        "required_column_missing": lines(lambda ls: without(ls, "outcome_type")),
        "column_renamed": replaced(",mean,", ",average,"),
        "column_in_capitals": replaced(",mean,", ",Mean,"),
        "column_twice": lines(lambda ls: [[*line, line[0]] for line in ls]),
        "column_without_name": lines(lambda ls: [[*line, ""] for line in ls]),
        "column_added": lines(
            lambda ls: [[*line, "remark" if i == 0 else ""] for i, line in enumerate(ls)]
        ),
        "comma_not_quoted": replaced("day 7", "day 7, evening"),
        "row_too_short": lines(lambda ls: [*ls[:3], ls[3][:20], *ls[4:]]),
        "columns_shifted": lines(lambda ls: [*ls[:3], ["", *ls[3][:-1]], *ls[4:]]),
        "line_break_in_cell": cells(4, notes="one\ntwo"),
        "carriage_return_in_cell": cells(4, notes="one\rtwo"),
        # separators in numbers
        "decimal_comma": cells(2, mean="18,5"),
        "decimal_comma_or_thousands": cells(2, mean="1,234"),
        "thousands_and_decimals": cells(2, mean="1,234.5"),
        "points_for_thousands": cells(2, mean="1.234,5"),
        "space_for_thousands": cells(2, n="1 234"),
        "no_break_space_for_thousands": cells(2, n=f"1{NBSP}234"),
        "thin_space_for_thousands": cells(2, n="1\u2009234"),
        "apostrophe_for_thousands": cells(2, n="1'234"),
        "space_inside_number": cells(2, mean="18. 5"),
        # other signs
        "unicode_minus": cells(2, mean="\u22125.2"),
        "en_dash_for_minus": cells(2, mean="\u20135.2"),
        "full_width_digits": cells(2, mean="\uff11\uff18"),
        "arabic_digits": cells(2, n="\u0662\u0660"),
        "superscript_digit": cells(2, mean="18\u00b2"),
        "letter_o_for_zero": cells(2, n="2O"),
        "zero_width_in_number": cells(2, mean=f"18{ZERO_WIDTH}"),
        "zero_width_in_id": cells(2, trial_id=f"Ash{ZERO_WIDTH}"),
        "soft_hyphen_in_id": cells(2, arm_id=f"experi{SOFT_HYPHEN}mental"),
        "direction_mark_in_choice": cells(2, outcome_type="\u200emsd"),
        "control_character": cells(2, notes="beep \x07"),
        "cyrillic_letter_in_id": cells(2, trial_id="\u0410sh"),
        "space_inside_id": cells(2, source="the paper"),
        # spreadsheets
        "date_for_number": cells(2, mean="3-Apr"),
        "month_and_year_for_number": cells(2, sd="Mar-04"),
        "iso_date_for_number": cells(2, mean="2024-03-04"),
        "date_and_time_for_number": cells(2, mean="2024-03-04 00:00:00"),
        "slashed_date_for_number": cells(2, sd="3/4/2024"),
        "time_for_number": cells(2, mean="18:30"),
        "date_for_id": cells(2, source="2024-03-04"),
        "month_for_id": cells(2, arm_id="Mar-04"),
        "error_ref": cells(2, mean="#REF!"),
        "error_not_available": cells(2, sd="#N/A"),
        "error_division": cells(2, se="#DIV/0!"),
        "error_value_in_text": cells(2, notes="see #VALUE! above"),
        "error_name_in_id": cells(2, source="#NAME?"),
        "formula": cells(2, mean="=B2/C2"),
        "apostrophe_before_number": cells(2, mean="'18"),
        # words and two numbers
        "na": cells(2, sd="NA"),
        "dash_for_missing": cells(2, sd="-"),
        "not_reported": cells(2, sd="not reported"),
        "question_mark": cells(2, n="?"),
        "about": cells(2, mean="about 18"),
        "mean_with_sd": cells(2, mean="12 (3.4)"),
        "mean_plus_minus_sd": cells(2, mean="12 \u00b1 3.4"),
        "median_with_range": cells(2, median="12 [9-15]"),
        "interval_in_one_cell": cells(2, ci_low="14.2-21.8"),
        "interval_with_to": cells(2, ci_low="14.2 to 21.8"),
        "quartiles_in_one_cell": cells(2, q1="14; 22"),
        "event_with_total": cells(10, event="9/20"),
        "event_with_percent": cells(10, event="9 (45%)"),
        "event_in_percent": cells(10, event="45%"),
        "percent_sign": cells(10, percent="45 %"),
        "percent_sign_elsewhere": cells(2, mean="18%"),
        "unit_beside_number": cells(2, mean="18 points"),
        "star_beside_number": cells(2, mean="18.0*"),
        "below_limit": cells(2, mean="<5"),
        # values of a column
        "negative_sd": cells(2, sd="-8"),
        "negative_se": cells(2, se="-1.5"),
        "nobody": cells(2, n="0"),
        "fraction_of_a_person": cells(2, n="19.5"),
        "fraction_of_an_event": cells(10, event="9.5"),
        "percent_above_100": cells(10, percent="145"),
        "correlation_above_1": cells(2, correlation="1.2"),
        "infinite": cells(2, n="1e400"),
        "infinity_in_letters": cells(2, mean="inf"),
        "too_small": cells(2, sd="1e-200"),
        "blank_id": cells(2, trial_id=""),
        "blank_outcome_type": cells(2, outcome_type=""),
        "unknown_choice": cells(2, outcome_type="final"),
        "choice_in_capitals": cells(2, outcome_type="MSD"),
        "unknown_confidence": cells(2, confidence="certain"),
        "not_an_address": cells(2, source_url="example.org"),
        "address_with_a_space": cells(2, source_url="https://example.org/a b"),
        "not_a_date": cells(2, extracted_on="23/11/2026"),
        "thirteenth_month": cells(2, extracted_on="2026-13"),
    },
    "contrasts": {
        "p_below": cells(2, p_value="<0.05"),
        "p_above": cells(2, p_value=">0.05"),
        "p_equals": cells(2, p_value="p = 0.03"),
        "p_not_significant": cells(2, p_value="n.s."),
        "p_above_1": cells(2, p_value="1.3"),
        "p_bound_true": cells(2, p_value="0.05", p_bound="TRUE"),
        "estimate_with_interval": cells(2, estimate="5.0 (0.5"),
        "contrast_backwards": cells(2, contrast="control - experimental"),
    },
    "trials": {
        "garbled": cells(2, study="Br\u00c3\u00a9 2011"),
        "garbled_dash": cells(2, population="18\u00e2\u20ac\u201c65 years"),
        "replacement_character": cells(2, study="Br\ufffd 2011"),
        "year_too_early": cells(2, year="211"),
        "year_with_letter": cells(2, year="2011a"),
        "hyphen_in_choice": cells(2, design="cross-over"),
        "age_of_a_tree": cells(2, mean_age="380"),
        "women_above_100": cells(2, percent_women="110"),
        "enriched_one": cells(2, enriched="1"),
        "blank_study": cells(2, study=""),
        "blank_setting": cells(2, setting=" "),
    },
    "arms": {
        "role_treatment": cells(2, role="treatment"),
        "dose_with_unit": cells(2, dose_mg_kg="0.5 mg/kg"),
        "randomised_fraction": cells(2, n_randomised="30.5"),
    },
    "instruments": {
        "better_less": cells(2, better="less"),
        "range_in_one_cell": cells(2, low="0-60"),
    },
    "risk_of_bias": {
        "unclear": cells(2, judgement="unclear"),
        "domain_six": cells(2, domain="D6"),
        "no_reason": cells(2, reason=""),
    },
    "missing_results": {
        "what_if_maybe": cells(2, what_if="maybe"),
        "negative_day": cells(2, time_from_days="-3"),
    },
    "excluded": {"reason_class_blank": cells(2, reason_class="")},
    "search": {"records_many": cells(2, n_records="many")},
}  # fmt: skip

# A folder stands where the table should be.
FOLDERS = (("search", "folder"),)


def without(ls: list[list[str]], column: str) -> list[list[str]]:
    """The lines without a column."""
    place = ls[0].index(column)
    return [line[:place] + line[place + 1 :] for line in ls]
