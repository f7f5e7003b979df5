"""How many digits of a computed number are good, and when two numbers are the same.

Processors round sums, logarithms and matrix products differently, in the last of a float's 16
digits, and a computation carries that further up. So that the same inputs give the same bytes on
any machine

- a number is good to `SURE` digits, and all that computes one works to these: a search ends where
  the slope is 0, since the values of a function place its top to half of their digits only;
- at most `DIGITS` are written in a table and `JSON_DIGITS` in JSON, which leaves the last bits a
  chance of one in thousands of millions to show;
- a number is rounded to `SURE` digits before it is rounded to those written, or the last bit
  would decide on one that lies halfway, as means of decimal numbers do;
- of numbers that may be negative, differences of others, those nearer to 0 than `NOTHING` are 0;
- values that agree to `SURE` digits are one: in ranks, on grids, and where the highest is asked
  for, which is then the first of them.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from trialpool.results import Array

SURE = 12
DIGITS = 6
JSON_DIGITS = 8
NOTHING = 10.0**-SURE


def sure(number: float) -> float:
    """A number without the digits that processors may differ in."""
    return float(f"{number:.{SURE}g}") if isfinite(number) else number


def rounded(number: float, digits: int) -> float:
    """A number to so many significant digits, the same on any processor."""
    return float(f"{sure(number):.{digits}g}") if isfinite(number) else number


def ranks(values: Array) -> NDArray[np.int64]:
    """Places of values (k,) in rising order, from 0; those that agree to `SURE` digits share one.

    What is 0 against the largest of them is as good as 0.
    """
    import numpy as np

    order = np.argsort(values, kind="stable")
    rise = np.diff(values[order]) > NOTHING * np.abs(values).max(initial=0.0)
    out = np.empty(len(values), dtype=np.int64)
    out[order] = np.concatenate([[0], np.cumsum(rise)])[: len(values)]
    return out


def first_highest(values: Array) -> int:
    """The first place of values (k,) at which they are highest, to `SURE` digits."""
    import numpy as np

    top = values.max()
    return int(np.argmax(values >= top - NOTHING * abs(top)))
