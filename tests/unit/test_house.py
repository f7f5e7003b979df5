"""The walls of the house: two wings, rooms in order, no import in a circle."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from small import ROOT

LIBRARY = ROOT / "src/trialpool"
# The rooms of the second wing in the order of the data: each imports only from those before it.
ROOMS = ("schema", "protocol", "extraction", "exchange", "effects", "choosing", "fitting", "case",
         "trust", "analysis", "questions", "accounts", "certainty", "findings", "report",
         "commands", "running")  # fmt: skip


def module_of(path: Path) -> str:
    parts = ("trialpool", *path.relative_to(LIBRARY).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in sorted(LIBRARY.rglob("*.py"))}


@cache
def imports(module: str) -> tuple[str, ...]:
    """The modules of the library that a module imports, also inside functions and for types."""
    return tuple(dict.fromkeys(_imports(module)))


def _imports(module: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                if inner in MODULES:
                    yield inner
                elif node.module in MODULES:
                    yield node.module


def test_the_first_wing_knows_nothing_of_a_review() -> None:
    """Numbers and figures never import `trialpool.review`; `cli` is its front door."""
    wrong = [
        f"{module} imports {target}"
        for module in MODULES
        if not module.startswith("trialpool.review") and module != "trialpool.cli"
        for target in imports(module)
        if target.startswith("trialpool.review")
    ]
    assert wrong == []


def test_no_import_runs_in_a_circle() -> None:
    """A depth-first walk of the import graph never comes back to a module it is still in."""
    done: set[str] = set()

    def walk(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " -> ".join((*trail[trail.index(module) :], module))
        if module not in done:
            for target in imports(module):
                walk(target, (*trail, module))
            done.add(module)

    for module in MODULES:
        walk(module, ())


def room(module: str) -> str:
    return module.split(".")[2] if module.count(".") > 1 else ""


def test_rooms_import_only_from_rooms_before_them() -> None:
    """The order of ROOMS is the order of the data."""
    known = [module for module in MODULES if module.startswith("trialpool.review.")]
    assert {room(module) for module in known} <= set(ROOMS)
    wrong = [
        f"{module} imports {target}"
        for module in known
        for target in imports(module)
        if target.startswith("trialpool.review.")
        and ROOMS.index(room(target)) > ROOMS.index(room(module))
    ]
    assert wrong == []


@pytest.mark.parametrize("module", MODULES)
def test_no_module_is_too_long_to_read(module: str) -> None:
    """At most 400 lines a module, 60 lines of code a function."""
    text = MODULES[module].read_text(encoding="utf-8")
    lines = text.splitlines()
    assert len(lines) <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            own = lines[node.lineno - 1 : node.end_lineno]
            code = [line for line in own if line.strip() and not line.lstrip().startswith("#")]
            words = (ast.get_docstring(node, clean=False) or "").splitlines()
            said = [line for line in words if line.strip()]
            assert len(code) - len(said) <= 60, f"{node.name}: {len(code) - len(said)} lines"


def test_no_function_of_a_review_takes_more_than_five_positional_arguments() -> None:
    """What a function needs of an analysis is one `Case`."""
    wrong = []
    for module, path in MODULES.items():
        if not module.startswith("trialpool.review"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                taken = [*node.args.posonlyargs, *node.args.args]
                given = [arg for arg in taken if arg.arg not in ("self", "cls")]
                if len(given) > 5:
                    wrong.append(f"{module}.{node.name}: {len(given)}")
    assert wrong == []


def nodes(*kinds: type[ast.AST]) -> Iterator[tuple[str, ast.AST]]:
    """What the library's modules and the workflow's scripts are made of, of these kinds."""
    scripts = {path.name: path for path in (ROOT / "workflow/scripts").glob("*.py")}
    for module, path in {**MODULES, **scripts}.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, kinds):
                yield module, node


def test_a_class_name_means_one_thing() -> None:
    """No two modules name a class alike."""
    names = Counter(node.name for _, node in nodes(ast.ClassDef) if isinstance(node, ast.ClassDef))
    assert [name for name, times in names.items() if times > 1] == []


def test_names_say_what_things_are() -> None:
    """That a thing was found, held, told, or is a function's own, says nothing of what it is."""
    silent, fields = {"found", "held", "own", "told"}, ("name", "id", "arg", "attr", "asname")
    wrong = {
        f"{module}: {name}"
        for module, node in nodes(ast.AST)
        for name in (getattr(node, field, None) for field in fields)
        if isinstance(name, str) and silent & set(name.lower().split("_"))
    }
    assert sorted(wrong) == []
