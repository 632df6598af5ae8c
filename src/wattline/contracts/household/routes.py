"""Every route of the contract, on a platform."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from starlette.types import ASGIApp

from wattline.around import Around
from wattline.contracts.household import (
    csv_energy,
    csv_experiment,
    device_documents,
    devices,
    errors,
    household_anomalies,
    household_devices,
    household_experiments,
    household_peaks,
    household_reports,
    household_sensors,
    household_users,
    ml,
    work_anomalies,
    work_peaks,
    work_reports,
)
from wattline.contracts.household.around import MANNERS
from wattline.contracts.household.gate import Gate
from wattline.contracts.household.strays import strays
from wattline.platform import Platform

PREFIX = "/api/v1"
PAGE = (
    "/token",
    "/sensor_input",
    "/script_accepted",
    "/ml",
    "/csv_energy",
    "/csv_experiment",
    "/process_peaks",
    "/process_anomaly",
    "/process_reports",
)
"""The published paths, each at the root and under the prefix."""
CRON = ("/mark_peaks", "/anomaly", "/reports")
"""Paths on which a timer of one's own may ask for everyone's work, likewise."""
MANAGEMENT = f"{PREFIX}/household"
PREFIXES = (*PAGE, *CRON, *(f"{PREFIX}{path}" for path in (*PAGE, *CRON)), f"{MANAGEMENT}/")


@dataclass(frozen=True, eq=False)
class HouseholdContract:
    """What the application mounts (`wattline.app.Contract`)."""

    hot: Mapping[str, ASGIApp]
    routers: Sequence[tuple[str, APIRouter]]
    around: Callable[[ASGIApp], ASGIApp] | None = None
    prefixes: Sequence[str] = PREFIXES

    @property
    def for_devices(self) -> Collection[str]:
        """All that is hot here is called by the readers of meters."""
        return self.hot.keys()

    def failed(self, request: Request, error: Exception) -> Response:
        """The answer to a failure at one of this contract's paths."""
        return errors.failed(request, error)


def build(platform: Platform) -> HouseholdContract:
    """The contract on a running platform."""
    settings, households = platform.settings, platform.households
    gate = Gate(platform.identity, settings)
    doors = devices.build(households, platform.metrics)

    page = [
        device_documents.documented(doors),
        ml.build(households, gate),
        csv_energy.build(households, gate, platform.clock),
        csv_experiment.build(households, gate, platform.clock),
        work_peaks.build(households, gate),
        work_anomalies.build(households, gate),
        work_reports.build(households, gate, platform.clock),
    ]
    managed = [
        *household_users.build(households, gate, platform.clock),
        household_sensors.build(households, gate),
        household_experiments.build(households, gate),
        household_peaks.build(households, gate, platform.clock),
        household_anomalies.build(households, gate, platform.clock),
        *household_devices.build(households, gate),
        household_reports.build(households, gate),
    ]

    management = APIRouter()
    for router in (*managed, strays(managed, ("",))):
        management.include_router(router)
    published = [(prefix, router) for prefix in ("", PREFIX) for router in (*page, strays(page, ()))]

    hot = {f"{prefix}{path}": door for path, door in doors.items() for prefix in ("", PREFIX)}
    # A peak has many samples.
    larger = dict.fromkeys(("/ml", f"{PREFIX}/ml"), settings.max_body_bytes)

    def around(app: ASGIApp) -> ASGIApp:
        # Doors look after themselves: devices call them, often, and no browser does.
        return app if app in doors.values() else Around(app, MANNERS, settings.cors_origins, settings.max_record_bytes, larger)

    return HouseholdContract(hot, (*published, (MANAGEMENT, management)), around)
