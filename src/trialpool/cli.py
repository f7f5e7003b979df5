"""The command line: `trialpool COMMAND`; each is a module of `trialpool.review.commands`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import version

# What is typed, and what it does. The module has the same name, with an underscore behind a
# Python keyword.
COMMANDS = {
    "workflow": "print where the workflow is, for snakemake -s",
    "check": "check the protocol and the raw data",
    "trace": "trace a pooled number or an effect to the raw cells it was made of",
    "import": "read another tool's file into raw tables",
    "export": "write a condition to another tool's format",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns
    -------
    The exit code: 0 when all is well, 1 when something is wrong
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    parser = argparse.ArgumentParser(prog="trialpool", description=__doc__)
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('trialpool')}")
    commands = parser.add_subparsers(dest="command", required=True)
    # Only the command that is asked for is imported: each needs other, slow parts of the library.
    asked = next((word for word in given if word in COMMANDS), None)
    for name, words in COMMANDS.items():
        command = commands.add_parser(name, help=words, description=f"Command to {words}.")
        if name == asked:
            module = import_module(f"trialpool.review.commands.{name}{'_' * (name == 'import')}")
            module.arguments(command)
    word = next((each for each in given if not each.startswith("-")), "")
    if word and word not in COMMANDS:
        near = get_close_matches(word, COMMANDS, n=1)
        meant = f"; did you mean {near[0]}?" if near else ""
        parser.error(f"{word} is no command{meant} Commands are {', '.join(COMMANDS)}")
    options = parser.parse_args(given)
    try:
        code: int = module.run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever reads has seen enough; what is left unsaid must not fail at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


if __name__ == "__main__":
    sys.exit(main())
