"""Which library files a workflow script depends on, so that editing one re-runs its steps.

Snakemake watches a script but not what the script imports. The import closure, read from the
source without running it, becomes part of a rule's input.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent
PACKAGE = ROOT.name


def dependencies(script: str | Path) -> list[str]:
    """Files of this library that a script needs, directly or through other modules.

    Parameters
    ----------
    script : path of a Python file

    Returns
    -------
    Sorted paths, relative to the working directory. A package that has a `templates` folder
    brings its templates along.

    Raises
    ------
    ImportError
        when a name is imported from the package's lazy front door; import it from its module,
        or the dependency could not be seen
    """
    seen: set[Path] = set()
    waiting = [Path(script)]
    while waiting:
        for path in _imported(waiting.pop()):
            if path not in seen:
                seen.add(path)
                waiting.append(path)
    folders = {path.parent for path in seen} - {ROOT}
    templates = {p for folder in folders for p in (folder / "templates").glob("*.*")}
    return sorted(os.path.relpath(path) for path in seen | templates)


@cache
def _imported(path: Path) -> tuple[Path, ...]:
    """The library files a file imports; most are shared by many scripts, so each is read once."""
    return tuple(_imports(path))


def _imports(path: Path) -> Iterator[Path]:
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    for node in _running(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names if _ours(alias.name)]
        elif isinstance(node, ast.ImportFrom) and _ours(node.module or ""):
            names = [_target(str(node.module), alias.name, path) for alias in node.names]
        else:
            continue
        for name in names:
            yield from _files(name)


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
    if (ROOT.parent / f"{inner.replace('.', '/')}.py").exists() or (
        ROOT.parent / inner.replace(".", "/") / "__init__.py"
    ).exists():
        return inner
    if module == PACKAGE:
        raise ImportError(f"{path}: import {name} from its own module, not from {PACKAGE}")
    return module


def _files(module: str) -> Iterator[Path]:
    """The module's file and the `__init__` of each package above it."""
    parts = module.split(".")
    for depth in range(1, len(parts) + 1):
        spec = find_spec(".".join(parts[:depth]))
        if spec is not None and spec.origin is not None:
            yield Path(spec.origin)
