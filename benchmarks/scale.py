"""How a whole run grows: write a made-up review of any size, run it, say its time and memory.

python -m benchmarks.scale --conditions 20 --analyses 100 --trials 5
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.contenders import ONE_THREAD
from benchmarks.review import HEAD
from trialpool.review.exchange.imported import Imported

ROOT = Path(__file__).resolve().parents[1]
_URL = "https://example.org/made-up"


def write_review(folder: Path, *, conditions: int, analyses: int, trials: int) -> None:
    """Write a review: every analysis is of one day, on which all trials of its condition report."""
    (folder / "config").mkdir(parents=True)
    names = [f"condition{i}" for i in range(conditions)]
    lines = [HEAD]
    for name in names:
        lines.append(f"  {name}:\n    title: {name}\n    question: Does it help?\n    analyses:\n")
        lines += [
            f"      day{day}: {{title: Day {day}, outcome: mood, measure: SMD, "
            f"time_days: [{day}, {day}]}}\n"
            for day in range(1, analyses + 1)
        ]
    (folder / "config/review.yaml").write_text("".join(lines), encoding="utf-8")
    for seed, name in enumerate(names):
        random = np.random.default_rng(seed)
        tables = _tables(random, trials, analyses)
        Imported(tables=tables).write(folder / "data/raw", name)


def _tables(random: np.random.Generator, trials: int, days: int) -> dict[str, list[dict[str, str]]]:
    names = [f"Trial{i}" for i in range(trials)]
    sides = ("experimental", "control")
    source = {"confidence": "primary", "source_url": _URL}
    effects = random.normal(-3, 2, trials)
    results = [
        {"trial_id": name, "arm_id": side, "outcome": "mood", "instrument": "SCALE",
         "period": "whole", "time_days": f"{day}", "timepoint": f"day {day}",
         "outcome_type": "msd", "source": "paper", "n": f"{20 + i % 30}",
         "mean": f"{25 + (side == 'experimental') * effects[i] + random.normal(0, 1.5):.2f}",
         "sd": f"{random.uniform(6, 9):.2f}", **source}
        for i, name in enumerate(names) for day in range(1, days + 1) for side in sides
    ]  # fmt: skip
    return {
        "instruments": [{"instrument": "SCALE", "name": "a scale", "outcome": "mood",
                         "better": "lower", "low": "0", "high": "60"}],
        "trials": [{"trial_id": name, "study": f"{name} {1990 + i % 35}",
                    "year": f"{1990 + i % 35}", "design": "parallel", "diagnosis": "mdd",
                    "setting": "psychiatric", "concomitant": "none", "enriched": "no", **source}
                   for i, name in enumerate(names)],
        "arms": [{"trial_id": name, "arm_id": side, "arm": side, "role": side, "drug": "drug",
                  "comparator_class": "placebo" if side == "control" else "", **source}
                 for name in names for side in sides],
        "results": results,
    }  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Write it, run it, print wall time, user time and the most memory of one process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conditions", type=int, default=1)
    parser.add_argument("--analyses", type=int, default=1)
    parser.add_argument("--trials", type=int, default=5)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--plan", action="store_true", help="plan the run only")
    o = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_review(folder, conditions=o.conditions, analyses=o.analyses, trials=o.trials)
        command = [sys.executable, "-m", "snakemake", "--snakefile", f"{ROOT}/workflow/Snakefile",
                   "--directory", temporary, "--cores", f"{o.cores}", "--quiet", "all"]  # fmt: skip
        begun = time.monotonic()
        done = subprocess.run(
            [*command, *["--dry-run"] * o.plan], check=False, env=os.environ | ONE_THREAD
        )
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(
        f"{o.conditions * o.analyses} analyses of {o.trials} trials: "
        f"{time.monotonic() - begun:.1f} s, user CPU {used.ru_utime:.1f} s, "
        f"most memory of one process {used.ru_maxrss / 1024:.0f} MB, files {size / 1e6:.1f} MB"
    )
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
