"""The JSON schemas of what a review writes as JSON, generated from the classes.

`python -m trialpool.review.schema.json_schemas` writes the files that stand beside this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trialpool.analysis_result import AnalysisResult
from trialpool.question_answer import QuestionAnswer
from trialpool.typed_json import schema_text

SCHEMAS: Mapping[str, Any] = {
    "analysis_result.schema.json": AnalysisResult,
    "question_answer.schema.json": QuestionAnswer,
}
FOLDER = Path(__file__).parent


def write_schemas() -> None:
    """Write each schema anew."""
    for name, cls in SCHEMAS.items():
        (FOLDER / name).write_text(schema_text(cls), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    write_schemas()
