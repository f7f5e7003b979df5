"""One sound study for every effect measure, shared by the tests of all of them."""

from __future__ import annotations

from trialpool.effects import MEASURES

Columns = dict[str, float]

COUNTS: Columns = {"ai": 4, "n1i": 10, "ci": 2, "n2i": 10}
ARMS: Columns = {"m1i": 10.0, "sd1i": 4.0, "n1i": 12, "m2i": 13.0, "sd2i": 5.0, "n2i": 10}
PAIRS: Columns = {"m1i": 7.0, "sd1i": 2.38, "m2i": 6.5, "sd2i": 2.21, "ni": 10, "ri": 0.68}
RATES: Columns = {"x1i": 8, "t1i": 40.0, "x2i": 15, "t2i": 50.0}
GROUP: Columns = {"mi": 20.0, "sdi": 5.0, "ni": 16}
ALPHA: Columns = {"ai": 0.8, "mi": 10, "ni": 50}
PARTIAL: Columns = {"ri": 0.3, "ni": 50, "mi": 4}
SEMI: Columns = {"ri": 0.3, "ni": 50, "r2i": 0.4}
CORRELATION: Columns = {"ri": 0.3, "ni": 20}
EVENTS: Columns = {"xi": 3, "ni": 8}
TIME: Columns = {"xi": 3, "ti": 8.0}

_OWN: dict[str, Columns] = {
    **dict.fromkeys(("ARAW", "AHW", "ABT"), ALPHA),
    **dict.fromkeys(("PCOR", "ZPCOR"), PARTIAL),
    **dict.fromkeys(("SPCOR", "ZSPCOR"), SEMI),
    **dict.fromkeys(("PR", "PLN", "PLO", "PRZ", "PAS", "PFT"), EVENTS),
    **dict.fromkeys(("IR", "IRLN", "IRS", "IRFT"), TIME),
    **dict.fromkeys(("COR", "ZCOR", "UCOR"), CORRELATION),
    "REH": {"ai": 20, "bi": 50, "ci": 25},
    "GEN": {"yi": 1.0, "sei": 0.5},
    "HR": {"yi": 1.0, "sei": 0.5},
}


def sound(measure: str) -> Columns:
    """The columns a measure needs, for a study in which nothing is wrong."""
    needs = set(MEASURES[measure].needs)
    for columns in (_OWN.get(measure, {}), COUNTS, ARMS, PAIRS, RATES, GROUP):
        if needs <= set(columns):
            return {name: columns[name] for name in MEASURES[measure].needs}
    raise KeyError(f"no sound study for {measure} in tests/sound.py")
