"""Code in processes of its own, each a fork of one that has loaded slow libraries for all.

As a script it is that one: it runs its argument, then each piece of code of its standard input in
a fork, and answers with the exit code.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import traceback
from pathlib import Path
from subprocess import PIPE
from tempfile import TemporaryDirectory


class Forks:
    """A process to fork from; it ends with this one.

    Parameters
    ----------
    loaded : what it runs once, mostly imports; nothing that the code to come should load itself
    """

    def __init__(self, loaded: str) -> None:
        self._folder = TemporaryDirectory()
        command = [sys.executable, __file__, loaded]
        self._parent = subprocess.Popen(command, stdin=PIPE, stdout=PIPE, text=True)
        atexit.register(self._parent.communicate)  # it ends with its input

    def run(self, code: str, cwd: Path) -> str:
        """Run code in a folder and give what it prints, errors included.

        Raises
        ------
        AssertionError
            with that text, when the code fails
        """
        printed = Path(self._folder.name) / "printed"
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        print(json.dumps([code, str(cwd), str(printed)]), file=self._parent.stdin, flush=True)
        answer = self._parent.stdout.readline()
        text = printed.read_text(encoding="utf-8")
        assert answer == "0\n", text
        return text


def serve(loaded: str) -> None:
    """Answer until nobody asks any more."""
    exec(loaded, {})
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os._exit(_run(*json.loads(line)))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _run(code: str, cwd: str, printed: str) -> int:
    file = os.open(printed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.chdir(cwd)
    try:
        exec(code, {})
        status: object = 0
    except SystemExit as end:
        status = end.code
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return 0 if status in (None, 0) else 1


if __name__ == "__main__":
    serve(sys.argv[1])
