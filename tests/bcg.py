"""The BCG trials: Colditz et al. 1994, JAMA 271:698, table 1; tuberculosis, vaccine or none.

Absolute latitude, year and allocation as in Berkey et al. 1995, Stat Med 14:395.
"""

from __future__ import annotations

import numpy as np

import trialpool as tp

COUNTS = {
    "ai": [4, 6, 3, 62, 33, 180, 8, 505, 29, 17, 186, 5, 27],
    "bi": [119, 300, 228, 13536, 5036, 1361, 2537, 87886, 7470, 1699, 50448, 2493, 16886],
    "ci": [11, 29, 11, 248, 47, 372, 10, 499, 45, 65, 141, 3, 29],
    "di": [128, 274, 209, 12619, 5761, 1079, 619, 87892, 7232, 1600, 27197, 2338, 17825],
}
LATITUDE = np.array([44, 55, 42, 52, 13, 44, 19, 13, 27, 42, 18, 33, 33], dtype=np.float64)
YEAR = np.array(
    [1948, 1949, 1960, 1977, 1973, 1953, 1973, 1980, 1968, 1961, 1974, 1969, 1976],
    dtype=np.float64,
)
ALLOCATION = np.repeat(["random", "alternate", "random", "systematic"], [4, 2, 3, 4])
EFFECTS = tp.effect_size("RR", **COUNTS)
Y, V = EFFECTS.yi, EFFECTS.vi
