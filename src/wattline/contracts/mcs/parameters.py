"""What a query of telemetry or of energy may ask."""

from __future__ import annotations

from pydantic import BaseModel, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from wattline.contracts.mcs.blocks import BlockAlias, BlockText
from wattline.contracts.mcs.subsystems import Subsystem
from wattline.contracts.mcs.tiers import BY_AGG
from wattline.contracts.mcs.times import Moment

_AGG = f"^({'|'.join(BY_AGG)})$"
_BLOCK = "Slug of the block, or `site/slug` where several sites have such a block."


class _Window(BaseModel):
    """The range and resolution of a history."""

    start: Moment = Field(description="Begin of the range, included.", examples=["2026-02-21T06:00:00Z"])
    end: Moment | None = Field(None, description="End of the range, not included; now unless given. At most 366 days.")
    agg: str | None = Field(None, pattern=_AGG, description="The resolution; chosen by the length of the range unless given.")


class HistoryQuery(_Window):
    """GET /telemetry."""

    sensor_tag: str | None = Field(None, description="Added: instead of `sensor_id`, with `block_slug` where it is not unique.")
    sensor_id: int | None = Field(None, description="The sensor; required unless `sensor_tag` is given.", examples=[42])
    block_slug: str | None = Field(None, description="Added: the block of `sensor_tag`.")
    block_id: str | None = Field(None, description="Added: the same as `block_slug`.")

    @field_validator("sensor_id")
    @classmethod
    def _one_of_two(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value is None and info.data.get("sensor_tag") is None:
            raise PydanticCustomError("missing", "Field required")
        return value

    # Without this the check above would not see a query that names no sensor at all.
    model_config = {"validate_default": True}


class MultiQuery(_Window):
    """GET /telemetry/multi."""

    sensor_ids: str = Field(description="Ids of at most 50 sensors, separated by commas.", examples=["42,43"])


class LatestQuery(BaseModel):
    """GET /telemetry/latest."""

    block_id: str | None = Field(None, description="Added: the same as `block_slug`.")
    block_slug: str | None = Field(None, description=f"{_BLOCK} Required unless `block_id` is given.", examples=["block-01"])
    subsystem: Subsystem | None = Field(None, description="Only this subsystem.")
    include_stale: bool = Field(False, description="Added: also readings older than an hour, and `stale` on every reading.")

    @field_validator("block_slug")
    @classmethod
    def _one_of_two(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.data.get("block_id") is None:
            raise PydanticCustomError("missing", "Field required")
        return value

    model_config = {"validate_default": True}


class EnergyQuery(BaseModel):
    """GET /billing/kwh, /kwht and /coverage."""

    start: Moment = Field(description="Begin of the range, included.", examples=["2026-02-21T06:00:00Z"])
    block_slug: BlockText = None
    block_id: BlockAlias = None
    end: Moment | None = Field(None, description="End of the range, not included; now unless given.")


class DailyQuery(EnergyQuery):
    """GET /billing/energy-daily."""

    tz: str = Field("UTC", max_length=64, description="Added: IANA name of the time zone whose days are meant.")
