"""What a protocol says of doses and of the course over time."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from trialpool.review.protocol.base import Spec

Share = Annotated[float, Field(ge=0, lt=1)]


class Conversion(Spec):
    """A dose of another drug or route in mg/kg of the reference drug; `source` says who says so.

    `factor` mg/kg of the reference drug are worth 1 of `unit`.
    """

    drug: str
    route: str
    unit: Literal["mg/kg", "mg"]
    factor: Annotated[float, Field(gt=0)]
    source: Annotated[str, Field(min_length=1)]


class Doses(Spec):
    """Which doses are compared: mg/kg of one drug by one route, others only by a conversion."""

    drug: Annotated[str, Field(min_length=1)]
    route: Annotated[str, Field(min_length=1)]
    conversions: tuple[Conversion, ...] = ()


class TimeCourse(Spec):
    """Correlation of a trial's effects one day apart; others are assumed as well and shown."""

    correlation: Share = 0.98
    correlation_grid: tuple[Share, ...] = (0.95, 0.98, 0.99)
