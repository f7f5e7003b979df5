"""What a workflow step imports before it does anything: a cold run starts a process per step.

What it imports is also what its digest of code must cover.
"""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest
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


@pytest.mark.parametrize("script", sorted(path.stem for path in SCRIPTS.glob("*.py")))
def test_a_step_starts_without_what_it_does_not_use(
    script: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The imports of the script alone, in a process of its own; all of ours are in its closure."""
    tree = ast.parse((SCRIPTS / f"{script}.py").read_text(encoding="utf-8"))
    lines = [ast.unparse(x) for x in tree.body if isinstance(x, ast.Import | ast.ImportFrom)]
    code = "\n".join([*lines, "import sys", "print(*sys.modules)"])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert "trialpool.tables" in loaded
    assert not set(SLOW.get(script, ())) & set(loaded)
    notes = tmp_path_factory.getbasetemp() / "code.json"
    closure = Code(SCRIPTS.joinpath, notes).closure(f"{script}.py")
    assert {name for name in loaded if name.split(".")[0] == "trialpool"} <= set(closure)
