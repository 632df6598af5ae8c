"""Every route of the contract, on a platform."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from starlette.types import ASGIApp

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
MANAGEMENT = f"{PREFIX}/household"
PREFIXES = (*PAGE, *(f"{PREFIX}{path}" for path in PAGE), f"{MANAGEMENT}/")


@dataclass(frozen=True, eq=False)
class HouseholdContract:
    """What the application mounts (`wattline.app.Contract`)."""

    hot: Mapping[str, ASGIApp]
    routers: Sequence[APIRouter]
    around: Callable[[ASGIApp], ASGIApp] | None = None
    prefixes: Sequence[str] = PREFIXES

    def failed(self, request: Request, error: Exception) -> Response:
        """The answer to a failure at one of this contract's paths."""
        raise NotImplementedError


def build(platform: Platform) -> HouseholdContract:
    """The contract on a running platform."""
    raise NotImplementedError
