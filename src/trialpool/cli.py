"""The command line: `trialpool COMMAND`. Each command is a module of `trialpool.commands`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

# Names as they are typed; the module is the name with an underscore behind a Python keyword.
COMMANDS = {"check": "check", "trace": "trace", "import": "import_", "export": "export"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns
    -------
    The exit code: 0 when all is well, 1 when something is wrong
    """
    parser = argparse.ArgumentParser(prog="trialpool", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    modules = {
        name: import_module(f"trialpool.commands.{module}") for name, module in COMMANDS.items()
    }
    for name, module in modules.items():
        module.arguments(commands.add_parser(name, help=module.HELP, description=module.__doc__))
    options = parser.parse_args(arguments)
    code: int = modules[options.command].run(options)
    return code


if __name__ == "__main__":
    sys.exit(main())
