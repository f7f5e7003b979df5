"""What holds for every effect measure, whatever its formula."""

from __future__ import annotations

import inspect
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small import ROOT
from sound import sound

import trialpool as tp
from trialpool.effects import MEASURES, MODULES
from trialpool.effects.catalogue import measures_page
from trialpool.results import EffectSizes, TrialpoolError

NAMES = sorted(MEASURES)
quick = settings(max_examples=12, deadline=None, derandomize=True)
# Formulas in which studies share a number.
SHARED = {"AV"}


def _beside(measure: str, **changed: float) -> EffectSizes:
    """A study with a changed column, beside the sound one."""
    columns = sound(measure)
    return tp.effect_size(
        measure, **{key: [changed.get(key, value), value] for key, value in columns.items()}
    )


def test_the_page_of_measures_is_generated_from_their_declarations() -> None:
    """`docs/measures.md` is what `measures_page()` writes; every measure is on it."""
    page = measures_page()
    assert (ROOT / "docs/measures.md").read_text(encoding="utf-8") == page
    assert all(f"\n| `{name}` |" in page for name in NAMES)
    assert {m.formula.__module__ for m in MEASURES.values()} == {m.__name__ for m in MODULES}


@pytest.mark.parametrize("name", NAMES)
def test_a_measure_says_what_it_is_and_where_it_comes_from(name: str) -> None:
    """First line, reference; its declaration is its signature; fixed lists name their values."""
    spec = MEASURES[name]
    text = inspect.getdoc(spec.formula) or ""
    assert text.split("\n")[0].endswith(".")
    assert "References\n----------\n" in text
    assert tuple(inspect.signature(spec.formula).parameters)[: len(spec.needs)] == spec.needs
    assert set(spec.choices) <= set(spec.options)
    assert {"variance", "correction", "to", "drop00", "corrects"} & set(spec.options) == set(
        spec.choices
    )
    for option, values in spec.choices.items():
        assert spec.options[option] in (None, *values)


@pytest.mark.parametrize("name", NAMES)
def test_a_sound_study_has_an_effect(name: str) -> None:
    """A single number is a column of one study; the formula has a name; no reason is given."""
    es = tp.effect_size(name, **sound(name))
    assert es.yi.shape == es.vi.shape == (1,)
    assert math.isfinite(es.yi[0])
    assert es.vi[0] > 0
    assert es.reason == ("",)
    assert es.measure == name
    assert es.formula


@pytest.mark.parametrize("name", NAMES)
def test_a_single_number_stands_for_every_study(name: str) -> None:
    """One column of three studies, numbers for the rest: as if they were written out."""
    columns = sound(name)
    first = next(iter(columns))
    short = tp.effect_size(name, **{**columns, first: [columns[first]] * 3})
    alone = tp.effect_size(name, **columns)
    assert short.yi.tolist() == alone.yi.tolist() * 3
    assert short.vi.tolist() == alone.vi.tolist() * 3


@pytest.mark.parametrize("name", NAMES)
def test_no_studies_are_no_effects(name: str) -> None:
    """Empty columns give empty results, not an error."""
    es = tp.effect_size(name, **{key: [] for key in sound(name)})
    assert es.yi.shape == es.vi.shape == (0,)
    assert es.reason == ()


@pytest.mark.parametrize(
    ("name", "column"), [(name, column) for name in NAMES for column in MEASURES[name].needs]
)
def test_a_missing_number_is_named(name: str, column: str) -> None:
    """NaN in any column: no variance, the column in the reason, the study beside it untouched."""
    es = _beside(name, **{column: math.nan})
    assert es.reason == (f"{column} is missing", "")
    assert math.isnan(es.vi[0])
    alone = tp.effect_size(name, **sound(name))
    assert (es.yi[1], es.vi[1]) == (alone.yi[0], alone.vi[0])


@pytest.mark.parametrize("name", NAMES)
@quick
@given(data=st.data())
def test_whatever_comes_in_nothing_is_made_up(name: str, data: Any) -> None:
    """Impossible, huge, infinite numbers: a number with a variance > 0, or NaN with a reason."""
    values = [-1e300, -3.0, -1.0, 0.0, 1e-300, 0.5, 1.0, 2.0, 3.0, 1e9, 1e300, math.inf, math.nan]
    columns = {column: data.draw(st.sampled_from(values)) for column in MEASURES[name].needs}
    es = tp.effect_size(name, **columns)
    assert bool(es.reason[0]) == math.isnan(es.vi[0])
    assert not np.isinf(es.yi[0])
    assert not es.vi[0] <= 0
    assert math.isfinite(es.yi[0]) or bool(es.reason[0])


def _every_option() -> list[tuple[str, str, Any]]:
    return [
        (name, option, value)
        for name in NAMES
        for option, values in MEASURES[name].choices.items()
        for value in values
    ]


@pytest.mark.parametrize(("name", "option", "value"), _every_option())
def test_every_allowed_value_of_an_option_works(name: str, option: str, value: Any) -> None:
    """A sound study has an effect under each; the formula's name tells formulas apart."""
    es = tp.effect_size(name, **sound(name), **{option: value})
    assert es.reason == ("",)
    if option == "variance":
        assert value in es.formula or name == "MD"
    if option == "correction":
        assert f"{value} correction" in es.formula


@pytest.mark.parametrize(("name", "option"), sorted({(n, o) for n, o, _ in _every_option()}))
def test_a_value_that_is_not_allowed_is_refused_with_the_list(name: str, option: str) -> None:
    """The message names the option, the value and what is allowed."""
    allowed = ", ".join(str(value) for value in MEASURES[name].choices[option])
    with pytest.raises(TrialpoolError, match=f"{option} = 'X': allowed are {allowed}"):
        tp.effect_size(name, **sound(name), **{option: "X"})


@pytest.mark.parametrize("name", [name for name in NAMES if "add" in MEASURES[name].options])
@pytest.mark.parametrize("add", [-0.5, math.nan, math.inf])
def test_what_is_added_must_be_a_number(name: str, add: float) -> None:
    """Negative, missing, infinite: refused."""
    with pytest.raises(TrialpoolError, match=r"add = .*: must be a number >= 0"):
        tp.effect_size(name, **sound(name), add=add)


@pytest.mark.parametrize("name", NAMES)
@quick
@given(data=st.data())
def test_a_study_does_not_depend_on_the_others(name: str, data: Any) -> None:
    """Three studies together are the three alone, under every variance that shares no number."""
    spec = MEASURES[name]
    base = sound(name)
    stretch = st.sampled_from([1, 1, 2, 3])
    rows = [
        {key: value * (data.draw(stretch) if value >= 1 else 1) for key, value in base.items()}
        for _ in range(3)
    ]
    variances = [v for v in spec.choices.get("variance", ()) if v not in SHARED] or [None]
    for variance in variances:
        together = tp.effect_size(
            name, **{key: [row[key] for row in rows] for key in base}, variance=variance
        )
        for i, row in enumerate(rows):
            alone = tp.effect_size(name, **row, variance=variance)
            np.testing.assert_allclose(together.yi[i], alone.yi[0], rtol=1e-13)
            np.testing.assert_allclose(together.vi[i], alone.vi[0], rtol=1e-13)
