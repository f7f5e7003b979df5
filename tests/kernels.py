"""The environment of a program that must compute with other kernels than this processor's own.

    python tests/kernels.py

prints it line by line, or nothing where the processor has no others.
"""

from __future__ import annotations

import os
import platform

import numpy as np


def other_kernels() -> dict[str, str]:
    """Matrix products, array functions and logarithms as a processor of 2008 computes them."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return {}
    wide = np.show_config(mode="dicts")["SIMD Extensions"]["found"]
    return {
        # One that is set already is the owner's: some kernels compute wrong on some processors.
        "OPENBLAS_CORETYPE": os.environ.get("OPENBLAS_CORETYPE") or "Nehalem",
        "NPY_DISABLE_CPU_FEATURES": " ".join(wide),
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4",
    }


if __name__ == "__main__":
    for setting in other_kernels().items():
        print("=".join(setting))
