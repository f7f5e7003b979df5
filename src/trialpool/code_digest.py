"""The code a workflow script depends on, as one short digest: its steps run again if it changes.

Snakemake watches a script but not what the script imports. The import closure is read from the
source without running it. The digest is of syntax trees, so that comments, docstrings and layout
change nothing, and names modules, not places, so that it is the same wherever the package is.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trialpool import notes as between_runs

ROOT = Path(__file__).resolve().parent
PACKAGE = ROOT.name
# Reading all files takes a second; what was read of each stands here between runs.
NOTES = between_runs.FOLDER / "code.json"

_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True)
class CodeFile:
    """What a file does, as a digest, and the modules of this library it imports."""

    digest: str
    imports: tuple[str, ...]


class Code:
    """The code that scripts run, each file read once and again only when it has changed.

    Parameters
    ----------
    script_path : where the script of a name is; Snakemake keeps fetched ones in its cache
    notes : a file for what was read, kept between runs; without it all is read anew
    """

    def __init__(self, script_path: Callable[[str], Path], notes: Path = NOTES) -> None:
        self._script_path = script_path
        self._notes = notes
        self._read: dict[str, CodeFile] = {}
        with suppress(ValueError, TypeError):
            noted = between_runs.recall(notes).items()
            self._read = {key: CodeFile(sha, tuple(names)) for key, (sha, names) in noted}
        self._noted = set(self._read)
        self._used: dict[str, CodeFile] = {}
        self._by_path: dict[Path, CodeFile] = {}
        self._digests: dict[Path, str] = {}

    def digest(self, script: str) -> str:
        """A digest of a script and of all code of this library that it runs.

        Parameters
        ----------
        script : name of its file

        Returns
        -------
        16 hexadecimal digits. A package called `templates` brings all its files along, a
        module the YAML file of its name

        Raises
        ------
        ImportError
            when a name is imported from the package's lazy front door; import it from its module,
            or the dependency could not be seen
        """
        return self._digest(self._script_path(script))

    def of_module(self, name: str) -> str:
        """The same of a module of this library."""
        return self._digest(_place(name))

    def closure(self, script: str) -> dict[str, Path]:
        """The modules of this library that a script needs, directly or through others, by name."""
        return self._closure(self._script_path(script))

    def _digest(self, start: Path) -> str:
        if start not in self._digests:
            self._digests[start] = self._digest_anew(start)
        return self._digests[start]

    def _digest_anew(self, start: Path) -> str:
        parts = [self._file(start).digest]
        for name, path in self._closure(start).items():
            parts.append(f"{name} {self._file(path).digest}")
            if (beside := path.with_suffix(".yaml")).exists():
                parts.append(f"{beside.name} {_sha(beside.read_bytes())}")
            if path.parent.name == "templates":
                files = sorted(path.parent.glob("*.*"))
                parts += [f"{file.name} {_sha(file.read_bytes())}" for file in files]
        self._keep()
        return _sha("\n".join(parts).encode())[:16]

    def _closure(self, start: Path) -> dict[str, Path]:
        reached: dict[str, Path] = {}
        waiting = [start]
        while waiting:
            for name in self._file(waiting.pop()).imports:
                if name not in reached:
                    reached[name] = _place(name)
                    waiting.append(reached[name])
        return dict(sorted(reached.items()))

    def _file(self, path: Path) -> CodeFile:
        if path not in self._by_path:
            stat = path.stat()
            key = f"{path.resolve()} {stat.st_size} {stat.st_mtime_ns}"
            self._by_path[path] = self._used[key] = self._read.get(key) or _code(path)
        return self._by_path[path]

    def _keep(self) -> None:
        """Note what was read, for the next run; what is out of date goes."""
        if not self._used.keys() <= self._noted:
            self._noted = set(self._used)
            noted = {key: (file.digest, file.imports) for key, file in self._used.items()}
            between_runs.note(self._notes, noted)


def _code(path: Path) -> CodeFile:
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    words = "\0".join(_words(tree))
    return CodeFile(_sha(words.encode("utf-8", "surrogatepass")), tuple(_imports(tree, path)))


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _words(node: Any) -> Iterator[str]:
    """A syntax tree in words, without documentation, places in the file and empty fields."""
    if isinstance(node, ast.AST):
        yield f"({type(node).__name__}"
        documented = isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False)
        for name, value in ast.iter_fields(node):
            kept = value[1:] if name == "body" and documented else value
            if kept not in (None, []):
                yield name
                yield from _words(kept)
        yield ")"
    elif isinstance(node, list):
        for each in node:
            yield from _words(each)
    else:
        yield f"{type(node).__name__} {node!r}"


def _imports(tree: ast.AST, path: Path) -> list[str]:
    """Modules of this library that a file imports, with every package above each."""
    names: set[str] = set()
    for node in _running(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names if _ours(alias.name)}
        elif isinstance(node, ast.ImportFrom) and _ours(node.module or ""):
            names |= {_target(str(node.module), alias.name, path) for alias in node.names}
    parts = [name.split(".") for name in names]
    return sorted({".".join(each[:depth]) for each in parts for depth in range(1, len(each) + 1)})


def _running(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those under `if TYPE_CHECKING`, which never run."""
    yield node
    for child in ast.iter_child_nodes(node):
        guard = isinstance(child, ast.If) and isinstance(child.test, ast.Name)
        if not (guard and child.test.id == "TYPE_CHECKING"):  # type: ignore[attr-defined]
            yield from _running(child)


def _ours(module: str) -> bool:
    return module == PACKAGE or module.startswith(PACKAGE + ".")


def _target(module: str, name: str, path: Path) -> str:
    """The module that `from module import name` reaches."""
    inner = f"{module}.{name}"
    if _exists(inner):
        return inner
    if module == PACKAGE:
        raise ImportError(f"{path}: import {name} from its own module, not from {PACKAGE}")
    return module


def _exists(module: str) -> bool:
    base = ROOT.parent / module.replace(".", "/")
    return base.with_name(f"{base.name}.py").exists() or (base / "__init__.py").exists()


def _place(module: str) -> Path:
    """Where a module's source is; by its name alone, since to look it up would import packages."""
    base = ROOT.parent / module.replace(".", "/")
    return base / "__init__.py" if base.is_dir() else base.with_name(f"{base.name}.py")
