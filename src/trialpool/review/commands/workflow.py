"""`trialpool workflow`: where the Snakefile is that makes a review, for `snakemake -s`."""

from __future__ import annotations

import argparse
from pathlib import Path

from trialpool.code_digest import ROOT


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command: none."""


def run(options: argparse.Namespace) -> int:
    """Print the path of the Snakefile."""
    print(snakefile())
    return 0


def snakefile() -> Path:
    """The Snakefile of this version: in the installed package, or beside `src/` in a clone."""
    installed = ROOT / "workflow/Snakefile"
    return installed if installed.exists() else ROOT.parents[1] / "workflow/Snakefile"
