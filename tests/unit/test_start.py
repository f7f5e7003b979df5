"""What a workflow step imports before it does anything: a cold run starts a process per step.

What it imports is also what its digest of code must cover.
"""

from __future__ import annotations

import ast
from functools import cache

import pytest
from forks import Forks
from small import ROOT

from trialpool.code_digest import Code

SCRIPTS = ROOT / "workflow/scripts"
# Slow to import, and no business of the step.
SLOW = {
    "agreement": ("scipy", "matplotlib"),
    "clean": ("scipy", "matplotlib", "pydantic"),
    "data_package": ("pandas", "scipy", "pydantic"),
    "effects": ("scipy.optimize", "scipy.stats", "matplotlib"),
    "figures": ("scipy.optimize", "scipy.stats", "pydantic"),
    "flags": ("pandas", "scipy", "pydantic"),
    "page": ("matplotlib", "scipy", "pydantic"),
    "page_condition": ("matplotlib", "scipy", "pydantic"),
    "pool": ("scipy.optimize", "scipy.stats", "matplotlib", "statsmodels"),
    "questions": ("matplotlib", "statsmodels"),
    "summary": ("scipy", "matplotlib", "pydantic"),
    "verify": ("statsmodels.api", "matplotlib"),
}


@cache
def process(libraries: str) -> Forks:
    """A process with libraries that steps may import, to fork theirs from."""
    return Forks(f"import {libraries}, sys\nassert 'trialpool' not in sys.modules")


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Code:
    """The code of all steps; each file is read once."""
    return Code(SCRIPTS.joinpath, tmp_path_factory.mktemp("notes") / "code.json")


@pytest.mark.parametrize("script", sorted(path.stem for path in SCRIPTS.glob("*.py")))
def test_a_step_starts_without_what_it_does_not_use(script: str, sources: Code) -> None:
    """The imports of the script alone, in a process of its own; all of ours are in its closure."""
    tree = ast.parse((SCRIPTS / f"{script}.py").read_text(encoding="utf-8"))
    lines = [ast.unparse(x) for x in tree.body if isinstance(x, ast.Import | ast.ImportFrom)]
    code = "\n".join([*lines, "import sys", "print(*sys.modules)"])
    slow = SLOW.get(script, ())
    loaded = process("numpy" if "pandas" in slow else "pandas").run(code, ROOT).split()
    assert "trialpool.tables" in loaded
    assert not set(slow) & set(loaded)
    closure = sources.closure(f"{script}.py")
    assert {name for name in loaded if name.split(".")[0] == "trialpool"} <= set(closure)
