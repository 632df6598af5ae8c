"""POST /ml: what the appliances in a peak are."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import numpy as np
from fastapi import APIRouter, Request
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from wattline.contracts.household.documents import refusals
from wattline.contracts.household.gate import ML, Admitted, Gate
from wattline.households.recognition.model import Guess, Recogniser
from wattline.households.service import Households
from wattline.model.clock import to_micros
from wattline.model.errors import Invalid

MODEL = "wattline-appliances"
MOST_SAMPLES = 100_000
MOST_POWER_W = 1e6
LONGEST_ID = 128
UNITS = ((1e9, 1e6), (1e12, 1e3), (1e15, 1.0), (1e18, 1e-3))
"""Epoch times in s, ms, us and ns: from where each unit's numbers begin, up to ten times that, and how many us its one is."""


class Sample(msgspec.Struct, gc=False):
    """A power at a time."""

    timestamp: datetime | int | float
    power: float


class Asked(msgspec.Struct):
    """The body. What else it holds is left alone."""

    sensor_id: str | None = None
    id: str | None = None
    data: list[Sample] | None = None
    electricity: list[Sample] | None = None


_SAMPLE = {
    "type": "object",
    "required": ["timestamp", "power"],
    "properties": {
        "timestamp": {
            "anyOf": [{"type": "string", "format": "date-time"}, {"type": "number"}],
            "description": "ISO 8601 with its offset (UTC without one), or a number of s, ms, us or ns since 1970.",
            "examples": ["2026-06-11T14:32:00Z", 1781188320000],
        },
        "power": {"type": "number", "description": "In W.", "examples": [1980.5]},
    },
}
_SAMPLES = {"type": "array", "items": _SAMPLE, "minItems": 3, "maxItems": MOST_SAMPLES}
REQUEST_BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "description": "A peak: samples of at most two days in `data` or `electricity`. Other fields are left alone.",
                "properties": {
                    "sensor_id": {"type": "string", "description": "The sensor, by its MAC address; one of the key's tenant."},
                    "id": {"type": "string", "maxLength": LONGEST_ID, "description": "Any word; it comes back in the answer."},
                    "data": _SAMPLES,
                    "electricity": {**_SAMPLES, "description": "The same, instead of `data`."},
                },
            }
        }
    },
}
"""What the OpenAPI document says of the body, which is decoded here: beside the event loop, with its many samples."""


class MlDevice(BaseModel):
    """What it may be."""

    name: str = Field(description="What the model calls it; `unknown` for what looks like nothing that it knows.")
    category: str | None = Field(description="The category of devices that it belongs to; null for `unknown`.")
    confidence: float = Field(description="From 0 to 1, calibrated; all of an answer sum up to 1.")


class MlModel(BaseModel):
    """Which model answered."""

    name: str
    version: str


class MlAnswer(BaseModel):
    """What the appliances in a peak are."""

    sensor_id: str | None = Field(None, description="As it was sent, if it was.")
    id: str | None = Field(None, description="As it was sent, if it was.")
    devices: list[MlDevice] = Field(description="Most likely first.")
    dominant: str = Field(description="The name of the most likely one.")
    used_model: MlModel


def _asked(body: bytes) -> Asked:
    try:
        asked = msgspec.json.decode(body, type=Asked)
    except msgspec.ValidationError as error:
        raise Invalid(_fault(str(error))) from None
    except (msgspec.DecodeError, RecursionError):
        raise Invalid("the body is not JSON") from None
    if asked.id is not None and len(asked.id) > LONGEST_ID:
        raise Invalid(f"id has at most {LONGEST_ID} characters", "id")
    return asked


def _fault(text: str) -> str:
    """A fault in the words of a caller: where, and what is wrong."""
    words, _, place = text.partition(" - at `$")
    said = words.replace("`", "")
    where = place.rstrip("`").lstrip(".")
    return f"{where}: {said[:1].lower()}{said[1:]}" if where else "the body must be a JSON object with the samples in data"


def _samples(asked: Asked) -> Sequence[Sample]:
    if asked.data is not None and asked.electricity is not None:
        raise Invalid("the samples are in data or in electricity, not in both", "data")
    found = asked.electricity if asked.data is None else asked.data
    if not found:
        raise Invalid("data is missing: a list of objects with timestamp and power", "data")
    if len(found) > MOST_SAMPLES:
        raise Invalid(f"a peak has at most {MOST_SAMPLES} samples", "data")
    return found


def _times(samples: Sequence[Sample]) -> NDArray[np.int64]:
    """The times in us. Raises `Invalid`."""
    found = np.zeros(len(samples), np.int64)
    numbers = np.array([not isinstance(sample.timestamp, datetime) for sample in samples])
    spelled = [to_micros(each.timestamp) for each in samples if isinstance(each.timestamp, datetime)]
    found[~numbers] = spelled
    try:
        epochs = np.array([each.timestamp for each in samples if not isinstance(each.timestamp, datetime)], np.float64)
    except OverflowError:
        raise Invalid("a timestamp is out of range", "timestamp") from None
    factors = np.select([(epochs >= low) & (epochs < 10 * low) for low, _ in UNITS], [factor for _, factor in UNITS], np.nan)
    if np.isnan(factors).any():
        raise Invalid("a timestamp is no number of s, ms, us or ns since 1970", "timestamp")
    found[numbers] = np.rint(epochs * factors)
    return found


def _columns(samples: Sequence[Sample]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Times in us and powers in W, in order of time. Raises `Invalid`."""
    times = _times(samples)
    watts = np.array([sample.power for sample in samples], np.float64)
    if not np.isfinite(watts).all() or float(np.abs(watts).max()) > MOST_POWER_W:
        raise Invalid(f"a power is between -{MOST_POWER_W:.0f} and {MOST_POWER_W:.0f} W", "power")
    order = np.argsort(times, kind="stable")
    times = times[order]
    if (np.diff(times) == 0).any():
        raise Invalid("two samples have the same timestamp", "timestamp")
    return times, watts[order]


def _classified(recogniser: Recogniser, asked: Asked) -> tuple[list[Guess], str]:
    times, watts = _columns(_samples(asked))
    return recogniser.classify(times, watts), str(recogniser.about()["version"])


def build(households: Households, gate: Gate) -> APIRouter:
    """The route."""
    router = APIRouter(tags=["Household work"], route_class=gate.keyed(ML))

    @router.post(
        "/ml",
        summary="Classify a peak",
        response_model=MlAnswer,
        response_model_exclude_unset=True,
        responses=refusals(404, 413, 500),
        openapi_extra={"requestBody": REQUEST_BODY},
    )
    async def ml(request: Request, caller: Admitted) -> dict[str, Any]:
        """Which appliances the samples of a peak look like, by a model that works on watts.

        What cannot be used is a 400 that says why; a 500 means that the model failed.
        """
        asked = await asyncio.to_thread(_asked, await request.body())
        if asked.sensor_id is not None:
            households.meters.meter(caller.tenant, asked.sensor_id)
        guesses, version = await asyncio.to_thread(_classified, households.recogniser, asked)
        names = {"sensor_id": asked.sensor_id, "id": asked.id}
        return {name: text for name, text in names.items() if text is not None} | {
            "devices": [{"name": each.name, "category": each.category, "confidence": each.confidence} for each in guesses],
            "dominant": guesses[0].name,
            "used_model": {"name": MODEL, "version": version},
        }

    return router
