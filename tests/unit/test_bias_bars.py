"""Risk of bias of a result by weight."""

from __future__ import annotations

from math import nan

import pandas as pd
import pytest

from trialpool.review.report.bias_bars import bias_shares


def weights(*rows: tuple[str, int, float]) -> pd.DataFrame:
    judged = [{"by": "risk of bias", "level": r[0], "k": r[1], "weight": r[2]} for r in rows]
    return pd.DataFrame([*judged, {"by": "design", "level": "parallel", "k": 9, "weight": 100.0}])


def test_the_shares_are_those_of_the_weights_from_good_to_bad() -> None:
    shares = bias_shares(weights(("high", 1, 20.0), ("not assessed", 2, 30.0), ("low", 3, 50.0)))
    assert [(s.code, s.share, s.k) for s in shares] == [
        ("low", 50, 3), ("high", 20, 1), ("none", 30, 2)]  # fmt: skip
    assert [s.sign for s in shares] == ["+", "×", ""]


def test_one_judgement_has_all_the_weight() -> None:
    (share,) = bias_shares(weights(("some_concerns", 1, nan)))
    assert (share.share, share.k, share.words) == (100, 1, "some concerns")


@pytest.mark.parametrize("rows", [(), (("low", 1, nan), ("high", 1, nan))])
def test_without_weights_there_are_no_shares(rows: tuple[tuple[str, int, float], ...]) -> None:
    """Two trials without weights are not half and half."""
    assert bias_shares(weights(*rows)) == ()
