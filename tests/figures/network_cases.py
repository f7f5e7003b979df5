"""Made-up networks with the tables that figures take."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from trialpool.question_answer import NetworkAnswer
from trialpool.review.protocol.network_spec import NetworkQuestion
from trialpool.review.questions.network_data import Gathered
from trialpool.review.questions.network_tables import network_tables

NAMES = (
    "saline or placebo", "ketamine 0.5 mg/kg", "midazolam", "esketamine 84 mg", "fentanyl", "ECT",
    "ketorolac", "ketamine above 0.5 mg/kg, repeated infusions over several weeks",
)  # fmt: skip


@dataclass(frozen=True)
class Drawn:
    """A network of `n` treatments: its tables and its answer."""

    tables: dict[str, pd.DataFrame]
    answer: NetworkAnswer

    def __getitem__(self, name: str) -> pd.DataFrame:
        return self.tables[name]


def names(n: int) -> list[str]:
    return [NAMES[i] if i < len(NAMES) else f"treatment {i}" for i in range(n)]


def made(
    n: int, k: int, *, measure: str = "SMD", star: bool = False, linked: bool = True, seed: int = 0
) -> Drawn:
    """`k` trials of two or three arms; as a star all have the first treatment."""
    rng = np.random.default_rng(seed)
    called, rows = names(n), []
    effect = rng.normal(-0.3, 0.3, n)
    for i in range(k):
        first = 0 if star or i < n - 1 else int(rng.integers(n))
        second = 1 + i if i < n - 1 else int(rng.integers(n))
        arms = list(dict.fromkeys([first, second])) if first != second else [first, (first + 1) % n]
        if not star and i % 4 == 3:
            arms = list(dict.fromkeys([*arms, int(rng.integers(n))]))
        if not linked:
            arms = [2 * (i % (n // 2)), 2 * (i % (n // 2)) + 1]
        people = rng.integers(15, 150, len(arms))
        level = effect[arms] + rng.normal(0, np.sqrt(1 / people + 0.02))
        for a, b in combinations(range(len(arms)), 2):
            row = {"trial_id": f"t{i}", "study": f"Trial {i}", "yi": level[a] - level[b]}
            row |= {"treatment_1": called[arms[a]], "treatment_2": called[arms[b]]}
            row |= {"n_1": float(people[a]), "n_2": float(people[b])}
            rows.append({**row, "vi": 1 / people[a] + 1 / people[b]})
    spec = NetworkQuestion.model_validate(
        {
            "title": "Symptoms of depression at 1 to 4 weeks",
            "outcome": "symptoms",
            "measure": measure,
            "nodes": {name: {"drug": [name]} for name in called},
            "reference": called[0],
        }
    )
    blank = pd.DataFrame(columns=["trial_id", "study", "reason"])
    gathered = Gathered(contrasts=pd.DataFrame(rows), left_out=blank, arms=blank)
    tables, facts = network_tables(gathered, spec, better="lower")
    answer = NetworkAnswer(name="symptoms", title=spec.title, question=facts, facts=facts)
    return Drawn(tables, answer)
