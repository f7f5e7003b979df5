"""The data of all tasks: made once, written to a folder, read by everybody.

`python -m benchmarks.data FOLDER` writes; each array is a CSV file that R reads as well, the
large ones are .npy files.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Columns = dict[str, Array]

# As many schools in as many districts as in Konstantopoulos 2011, Res Synth Methods 2:61.
SCHOOLS = (4, 4, 3, 4, 4, 11, 3, 8, 6, 5, 4)
SEED = 20260801
LARGE = 2_000_000  # numbers; more than this is not written as text

# Colditz et al. 1994, JAMA 271:698: tuberculosis with and without BCG vaccine; absolute latitude
# and year of publication.
BCG = {
    "ai": [4, 6, 3, 62, 33, 180, 8, 505, 29, 17, 186, 5, 27],
    "n1i": [123, 306, 231, 13598, 5069, 1541, 2545, 88391, 7499, 1716, 50634, 2498, 16913],
    "ci": [11, 29, 11, 248, 47, 372, 10, 499, 45, 65, 141, 3, 29],
    "n2i": [139, 303, 220, 12867, 5808, 1451, 629, 88391, 7277, 1665, 27338, 2341, 17854],
    "ablat": [44, 55, 42, 52, 13, 44, 19, 13, 27, 42, 18, 33, 33],
    "year": [1948, 1949, 1960, 1977, 1973, 1953, 1973, 1980, 1968, 1961, 1974, 1969, 1976],
}


def datasets(*, tiny: bool = False) -> dict[str, Columns]:
    """The data sets named in tasks.py; `tiny` ones have their form but are quick to work on."""
    trials = 5 if tiny else 13
    bcg = {name: np.array(column[:trials], dtype=np.float64) for name, column in BCG.items()}
    # The log risk ratio and its large-sample variance.
    bcg["yi"] = np.log(bcg["ai"] / bcg["n1i"]) - np.log(bcg["ci"] / bcg["n2i"])
    bcg["vi"] = 1 / bcg["ai"] - 1 / bcg["n1i"] + 1 / bcg["ci"] - 1 / bcg["n2i"]
    rng = np.random.default_rng(SEED)
    return {
        "bcg": bcg,
        "bcg3": {name: column[:3] for name, column in bcg.items()},
        "k100": studies(rng, (8,) if tiny else (100,)),
        "k1000": studies(rng, (12,) if tiny else (1000,)),
        "sets": studies(rng, (7, 5) if tiny else (10_000, 20)),
        "schools": nested(rng, (2, 3) if tiny else SCHOOLS),
        "clusters": nested(rng, (3,) * 4 if tiny else (5,) * 1000),
        "counts": counts(rng, 9 if tiny else 100_000),
        "tables": tables(rng, 3 if tiny else 500),
        "big": studies(rng, (11, 5) if tiny else (100_000, 50)),
    }


def studies(rng: np.random.Generator, shape: tuple[int, ...]) -> Columns:
    """Effects around 0.3 with tau2 = 0.1; variances as in Brockwell & Gordon 2001, Stat Med 20:825.

    Their variances are a quarter of a chi-squared variable, kept between 0.009 and 0.6.
    """
    vi = np.clip(rng.chisquare(1, shape) / 4, 0.009, 0.6)
    return {"yi": rng.normal(0.3, np.sqrt(vi + 0.1)), "vi": vi}


def nested(rng: np.random.Generator, sizes: tuple[int, ...]) -> Columns:
    """Effects in clusters of these sizes, with variance between clusters and within."""
    outer = np.repeat(np.arange(len(sizes)), sizes)
    k = len(outer)
    vi = rng.uniform(0.01, 0.1, k)
    yi = 0.2 + rng.normal(0, 0.25, len(sizes))[outer] + rng.normal(0, np.sqrt(vi + 0.03))
    return {"outer": outer.astype(float), "inner": np.arange(k, dtype=float), "yi": yi, "vi": vi}


def counts(rng: np.random.Generator, k: int) -> Columns:
    """Events and patients of k trials; no empty cell, so that no correction is needed."""
    n1i, n2i = rng.integers(50, 500, k), rng.integers(50, 500, k)
    ai, ci = (1 + rng.binomial(n - 2, rate) for n, rate in ((n1i, 0.15), (n2i, 0.2)))
    columns = {"ai": ai, "n1i": n1i, "ci": ci, "n2i": n2i}
    return {name: column.astype(np.float64) for name, column in columns.items()}


def tables(rng: np.random.Generator, trials: int) -> Columns:
    """Ten results of two arms of each trial; every tenth trial has a standard error as an SD."""
    shape = (trials, 2, 10)
    n = np.broadcast_to(rng.integers(25, 100, (trials, 2, 1)), shape)
    mean = rng.uniform(22, 28, (trials, 2, 1)) + rng.normal(0, 0.5, shape)
    sd = rng.uniform(8, 9, shape)
    sd[::10, 0, 0] /= 5
    md = mean[:, 0, 0] - mean[:, 1, 0]
    half = 1.96 * np.sqrt((sd**2 / n)[:, :, 0].sum(axis=1))
    scores = {"n": n, "mean": mean, "sd": sd}
    flat = {name: x.reshape(trials, -1).astype(np.float64) for name, x in scores.items()}
    return flat | {"md": md, "low": md - half, "high": md + half}


def write(folder: Path, *, tiny: bool = False) -> None:
    """Write all data sets: FOLDER/SET/COLUMN.csv, or .npy where large."""
    for name, columns in datasets(tiny=tiny).items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for column, x in columns.items():
            if x.size > LARGE or name == "big":
                np.save(folder / name / f"{column}.npy", x)
            else:
                np.savetxt(folder / name / f"{column}.csv", x, fmt="%.17g", delimiter=",")


def read(folder: Path, name: str) -> Columns:
    """The columns of one data set, (k,) or (sets, k)."""
    columns: Columns = {}
    for file in sorted((folder / name).iterdir()):
        npy = file.suffix == ".npy"
        columns[file.stem] = np.load(file) if npy else np.loadtxt(file, delimiter=",")
    return columns


def leave_one_out_masks(k: int) -> NDArray[np.bool_]:
    """(k, k), True where set i holds study j."""
    return ~np.eye(k, dtype=np.bool_)


def subset_masks(k: int) -> NDArray[np.bool_]:
    """(2**k - 1, k); set i holds study j if bit j of i + 1 is set."""
    return (np.arange(1, 2**k)[:, np.newaxis] >> np.arange(k) & 1).astype(np.bool_)


def design(d: Columns) -> Array:
    """Intercept, absolute latitude and year of the BCG trials."""
    return np.column_stack([np.ones_like(d["yi"]), d["ablat"], d["year"]])


if __name__ == "__main__":
    write(Path(sys.argv[1]), tiny="tiny" in sys.argv[2:])
