"""From a condition's effects and arms to the contrasts of a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import isfinite
from typing import Any, get_args

import pandas as pd

from trialpool import tables
from trialpool.network.arms import COUNTS, contrasts_from_arms
from trialpool.results import TrialpoolError
from trialpool.review.case import Tables
from trialpool.review.choosing.selection import Rules, select
from trialpool.review.effects.arms import MeasuredArm, Summary, together
from trialpool.review.effects.choices import of_protocol
from trialpool.review.effects.records import Records
from trialpool.review.effects.standardised import PLAIN, divisor_of, of_changes
from trialpool.review.protocol.network_spec import NetworkQuestion, Node
from trialpool.review.protocol.protocol import Review
from trialpool.review.protocol.settings import Defaults
from trialpool.review.protocol.vocabulary import Comparator
from trialpool.review.schema.packed import ARM_IDS, RAW_ROWS, RawRow
from trialpool.review.schema.questions import CONTRASTS, LEFT_OUT
from trialpool.review.schema.raw import RESULTS
from trialpool.words import number, text

_MEASURED = (
    "trial_id",
    "outcome",
    "instrument",
    "definition",
    "period",
    "time_days",
    "outcome_type",
    "stratum",
    "analysis_set",
)
_PERIOD_BOTH = "both"
_LIMITS = (("dose_min", "dose_max", "dose_mg_kg"), ("dose_mg_min", "dose_mg_max", "dose_mg"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What a network is made of.

    `contrasts` has one row per pair of nodes of a trial (CONTRASTS; treatment_1 minus
    treatment_2, analysis scale). `left_out` says per trial with results of the outcome why it
    gives none (trial_id, study, reason). `arms` says which node each arm of the condition is
    (trial_id, arm_id, drug, node, reason).
    """

    contrasts: pd.DataFrame
    left_out: pd.DataFrame
    arms: pd.DataFrame


def gather(known: Tables, records: Records, spec: NetworkQuestion, review: Review) -> Gathered:
    """Contrasts between nodes: one set of results per trial, chosen as analyses choose theirs.

    A trial of two nodes enters with its effect of effects.csv, which knows crossovers, medians and
    reported contrasts. A trial of three or more enters with all pairs of its arms, computed with
    one SD, so that they agree with each other; arms of one node are combined.

    Parameters
    ----------
    known, records : the tables of the condition, and its clean records

    Raises
    ------
    TrialpoolError
        when an arm fits several nodes, each arm named
    """
    nodes = _Nodes(records, spec)
    fitting, why = nodes.sort(known.effects)
    rules = Rules.of(
        spec,
        known.trials,
        known.risk_of_bias,
        comparators=get_args(Comparator),
        several=False,
        confidence=review.confidence_order,
        counts="",
    )
    chosen = select(fitting, rules)
    reasons = {**why, **_last_reasons(chosen.rejected)}
    rows: list[dict[str, Any]] = []
    for _, parts in chosen.chosen.groupby("effect_id", sort=False):
        effect = tables.records(parts)[0]
        arms = _measured_with(effect, records)
        by_node = nodes.of_arms(str(effect["trial_id"]), arms) if arms else {}
        pair = nodes.pair(effect) if len(parts) == 1 else None
        if pair and len(by_node) <= 2:
            new, reason = [_one_pair(effect, *pair)], ""
        elif len(by_node) > 1:
            new, reason = _all_pairs(effect, by_node, spec, review.defaults)
        else:
            new, reason = [], "its effect mixes nodes, and its arms are not reported by themselves"
        rows += new
        if reason:
            reasons[str(effect["trial_id"])] = reason
    used = {row["trial_id"] for row in rows}
    studies = dict(zip(records.trials["trial_id"], records.trials["study"], strict=True))
    left = [
        {"trial_id": trial, "study": studies[trial], "reason": reason}
        for trial, reason in sorted(reasons.items())
        if trial not in used
    ]
    return Gathered(
        contrasts=CONTRASTS.frame(rows),
        left_out=LEFT_OUT.frame(left),
        arms=nodes.table,
    )


class _Nodes:
    """Which node each arm of a condition is."""

    def __init__(self, records: Records, spec: NetworkQuestion) -> None:
        trials = {row["trial_id"]: row for row in tables.records(records.trials)}
        self.outcome = spec.outcome
        self._of: dict[tuple[str, str], str] = {}
        self._why: dict[tuple[str, str], str] = {}
        rows, problems = [], []
        for arm in tables.records(records.arms):
            trial = trials[arm["trial_id"]]
            fits = [name for name, node in spec.nodes.items() if _fits(arm, trial, node)]
            if len(fits) > 1:
                problems.append(
                    f"arms.csv row {int(arm['row'])}, {arm['trial_id']} {arm['arm_id']}: fits"
                    f" {len(fits)} nodes ({', '.join(fits)}). Make the nodes exclude each other"
                )
            name = fits[0] if fits else ""
            reason = "" if name else f"no node takes {_described(arm)}"
            at = str(arm["trial_id"]), str(arm["arm_id"])
            self._of[at], self._why[at] = name, reason
            row = {key: arm[key] for key in ("trial_id", "arm_id", "drug")}
            rows.append({**row, "node": name, "reason": reason})
        if problems:
            raise TrialpoolError("\n".join(problems))
        self.table = pd.DataFrame(rows)

    def of(self, trial: str, arm: str) -> str:
        """Name of an arm's node; blank where it is none."""
        return self._of[trial, arm]

    def pair(self, effect: Mapping[str, Any]) -> tuple[str, str] | None:
        """The two nodes of an effect; None where a side is of several nodes or of none."""
        *experimental, control = self._sides(effect)
        if len(set(experimental)) > 1 or "" in (experimental[0], control):
            return None
        return experimental[0], control

    def sort(self, effects: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
        """Effects between different nodes; and for each trial without one, why."""
        kept, why = [], dict[str, str]()
        pool = effects[effects["outcome"] == self.outcome]
        for effect in tables.records(pool):
            sides, trial = self._sides(effect), str(effect["trial_id"])
            kept.append(len({*sides} - {""}) > 1)
            if kept[-1]:
                continue
            blank = dict.fromkeys(self._why[trial, arm] for arm in _arms_of(effect))
            reason = "; ".join(text for text in blank if text)
            why[trial] = reason or f"both sides are {sides[0]}"
        good = pool[kept]
        return good, {t: reason for t, reason in why.items() if t not in set(good["trial_id"])}

    def _sides(self, effect: Mapping[str, Any]) -> list[str]:
        """The nodes of an effect's experimental arms, and last that of its control."""
        return [self.of(str(effect["trial_id"]), arm) for arm in _arms_of(effect)]

    def of_arms(self, trial: str, arms: Sequence[MeasuredArm]) -> dict[str, list[MeasuredArm]]:
        """The arms of each node, without those of none."""
        out: dict[str, list[MeasuredArm]] = {}
        for arm in arms:
            if name := self.of(trial, str(arm.row["arm_id"])):
                out.setdefault(name, []).append(arm)
        return out


def _arms_of(effect: Mapping[str, Any]) -> list[str]:
    """Names of an effect's arms, its control last."""
    return [*ARM_IDS.read(effect["experimental_arms"]), *ARM_IDS.read(effect["control_arm"])]


def _fits(arm: Mapping[str, Any], trial: Mapping[str, Any], node: Node) -> bool:
    if arm["drug"] not in node.drug:
        return False
    if node.concomitant and trial["concomitant"] not in node.concomitant:
        return False
    for low_name, high_name, column in _LIMITS:
        low, high = getattr(node, low_name), getattr(node, high_name)
        dose = number(arm[column])
        if low is not None and not dose >= low:
            return False
        if high is not None and not dose <= high:
            return False
    return True


def _described(arm: Mapping[str, Any]) -> str:
    per_kg, whole = number(arm["dose_mg_kg"]), number(arm["dose_mg"])
    if isfinite(per_kg):
        return f"{arm['drug']} at {per_kg:g} mg/kg"
    return f"{arm['drug']} at {whole:g} mg" if isfinite(whole) else f"{arm['drug']}, dose not known"


def _last_reasons(rejected: pd.DataFrame) -> dict[str, str]:
    return {str(row["trial_id"]): str(row["reason"]) for row in tables.records(rejected)}


def _measured_with(effect: Mapping[str, Any], records: Records) -> list[MeasuredArm]:
    """All arms measured along with those of an effect; none for reported contrasts and crossovers.

    In a crossover the same people are in all arms, which are then not independent.
    """
    if effect["basis"] != "arms":
        return []
    made_of = {at.row for at in RAW_ROWS.read(effect["records"]) if at.table == RESULTS.name}
    rows, kind = records.scores_and_counts(), effect["outcome_type"]
    used = [row for row in rows if int(row["row"]) in made_of and row["outcome_type"] == kind]
    keys = {_key(row) for row in used}
    same = [row for row in rows if _key(row) in keys and row["period"] != _PERIOD_BOTH]
    return [MeasuredArm(row, records, *records.before_and_after(row)) for row in same]


def _key(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(text(row[column]) for column in _MEASURED)


def _one_pair(effect: Mapping[str, Any], experimental: str, control: str) -> dict[str, Any]:
    """The contrast of a trial of two nodes: its effect as it stands."""
    return {
        **_about(effect),
        "treatment_1": experimental,
        "treatment_2": control,
        "yi": effect["yi"],
        "vi": effect["vi"],
        "n_1": effect["n_experimental"],
        "n_2": effect["n_control"],
        "basis": effect["basis"],
        "formula": effect["formula"],
        "records": effect["records"],
    }


def _all_pairs(
    effect: Mapping[str, Any],
    by_node: Mapping[str, list[MeasuredArm]],
    spec: NetworkQuestion,
    defaults: Defaults,
) -> tuple[list[dict[str, Any]], str]:
    """All contrasts of a trial of three nodes or more, from its arms."""
    how = of_protocol(defaults)
    sides = {name: together([arm.summary(how) for arm in arms]) for name, arms in by_node.items()}
    usable = {name: side for name, side in sides.items() if _complete(side, spec.measure)}
    if len(usable) < 2:
        return [], next((side.reason for side in sides.values() if side.reason), "no numbers")
    names, values = list(usable), list(usable.values())
    columns = ("event", "n") if spec.measure in COUNTS else ("mean", "sd", "n")
    given: dict[str, Any] = {name: [getattr(side, name) for side in values] for name in columns}
    changes = of_changes(spec.measure, effect)
    plain = PLAIN if changes else spec.measure
    made = contrasts_from_arms([effect["trial_id"]] * len(names), names, plain, **given)
    if made.left_out:
        return [], str(*made.left_out.values())
    values_of = [(y, se**2) for y, se in zip(made.yi.tolist(), made.sei.tolist(), strict=True)]
    says, behind = ", one SD over all" if plain == "SMD" else "", list[RawRow]()
    if changes:
        arms = [arm for name in names for arm in by_node[name]]
        divisor = divisor_of(arms[0].row, [arm.start for arm in arms], how)
        if divisor.reason:
            return [], divisor.reason
        divided = [divisor.divided(y, v**0.5, how.smd.correction) for y, v in values_of]
        values_of = [(y, v) for y, v, _ in divided]
        says, behind = f", of changes; {divided[0][2]}", [cell.at for cell in divisor.cells]
    cited = {
        pair: RAW_ROWS.write(
            [*(at for name in pair for arm in by_node[name] for at in arm.rows), *behind]
        )
        for pair in combinations(sorted(names), 2)
    }
    rows = []
    for i, (one, two) in enumerate(zip(made.treat1, made.treat2, strict=True)):
        low, high = sorted((one, two))
        rows.append(
            {
                **_about(effect),
                "treatment_1": one,
                "treatment_2": two,
                "yi": values_of[i][0],
                "vi": values_of[i][1],
                "n_1": usable[one].n,
                "n_2": usable[two].n,
                "basis": f"{len(names)} arms",
                "formula": f"{plain} of {len(names)} arms{says}",
                "records": cited[low, high],
            }
        )
    return rows, ""


def _complete(side: Summary, measure: str) -> bool:
    values = (side.event, side.n) if measure in COUNTS else (side.mean, side.sd, side.n)
    return not side.reason and all(map(isfinite, values))


def _about(effect: Mapping[str, Any]) -> dict[str, Any]:
    return {key: effect[key] for key in ("trial_id", "study", "instrument", "time_days")}
