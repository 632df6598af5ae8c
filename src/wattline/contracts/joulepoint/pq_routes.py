"""Every route of power quality and protection."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter
from starlette.types import ASGIApp

from wattline.contracts.joulepoint import pq_config, pq_doors, pq_events, pq_reports, protection_events
from wattline.contracts.joulepoint.device_door import Senders
from wattline.contracts.joulepoint.gate import Gate
from wattline.platform import Platform
from wattline.quality.intake import Intake


def doors(platform: Platform, senders: Senders) -> dict[str, ASGIApp]:
    """What devices call, by path."""
    return pq_doors.doors(Intake(platform.quality, platform.metering, platform.clock), senders)


def hot(made: Mapping[str, ASGIApp]) -> dict[str, ASGIApp]:
    """The doors that answer a POST alone, with a slash at the end and without: they look after large bodies themselves."""
    return {path + end: made[path] for path in (pq_doors.RMS, pq_doors.WAVEFORM) for end in ("", "/")}


def build(platform: Platform, made: Mapping[str, ASGIApp], gate: Gate) -> list[APIRouter]:
    """The routers, the doors among them."""
    quality, metering, clock = platform.quality, platform.metering, platform.clock
    return [
        pq_config.build(quality, metering, gate),
        pq_doors.build(made),
        pq_events.build(quality, metering, gate),
        pq_reports.build(quality, metering, platform.series, clock, gate),
        protection_events.build(quality.protection, metering, clock, gate),
    ]
