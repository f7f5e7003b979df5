"""How the effects of a result are shown on an axis, before anything is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trialpool.effects import measure_of
from trialpool.effects.scales import LOG, Scale
from trialpool.results import Array
from trialpool.words import capital

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from trialpool.analysis_result import ResultScale


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectAxis:
    """How effects are shown: what is measured, on which scale, no effect, what each side means.

    `null` is on the display scale, None where nothing is compared; then the sides are blank.
    """

    label: str
    scale: Scale
    null: float | None
    favours_left: str
    favours_right: str

    @property
    def log(self) -> bool:
        """Whether effects are shown as ratios, on an axis of logs."""
        return self.scale is LOG and self.null is not None

    @classmethod
    def of(cls, result: ResultScale) -> EffectAxis:
        """The axis of an analysis or a question."""
        measure = measure_of(result.measure)
        return cls(
            label=capital(measure.title),
            scale=measure.scale,
            null=measure.null,
            favours_left=result.favours_left,
            favours_right=result.favours_right,
        )

    def scaled(self, values: ArrayLike) -> Array:
        """Values as they are shown, on the analysis scale: ratios as their logarithms."""
        return self.scale.analysed(values)
