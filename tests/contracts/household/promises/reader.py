"""A meter reader as the published ones are: protobuf in, protobuf out, its token in the message."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from tests.contracts.household.home import Home
from tests.contracts.household.wire.oracle import message, parsed

BERLIN = ZoneInfo("Europe/Berlin")
MILLISECOND = 1000
DIGITAL = 1
PROTOBUF = "application/x-protobuf"


async def posted(client: httpx.AsyncClient, path: str, name: str, sent: Any, **headers: str) -> Any:
    """The message `name` that a POST is answered with; its status is that of HTTP."""
    answer = await client.post(path, content=sent.SerializeToString(), headers={"Content-Type": PROTOBUF, **headers})
    assert answer.headers["content-type"] == PROTOBUF
    found = parsed(name, answer.content)
    assert found.status == answer.status_code
    return found


@dataclass
class Reader:
    """The reader of a home's meter."""

    home: Home
    kind: int = DIGITAL
    token: str = ""

    async def ask(self, mac: str | None = None, **fields: Any) -> Any:
        """Ask for a token, and keep it if there is one."""
        sent = message("SecretTokenRequest", client_id=mac or self.home.mac, type=self.kind, **fields)
        found = await posted(self.home.client, "/token", "TokenResponse", sent)
        self.token = found.access_token or self.token
        return found

    async def say(self, value: float, time: int | None = None, **fields: Any) -> tuple[int, str]:
        """Send a reading of a time in us; the status and what is said about it."""
        if time is not None:
            fields["timestamp"] = time // MILLISECOND
        sent = message("SensorDataRequestV2", access_token=self.token, type=self.kind, value=value, **fields)
        found = await posted(self.home.client, "/sensor_input", "SensorDataResponse", sent)
        return found.status, found.status_message

    async def tell(self, readings: Iterable[tuple[int, float]]) -> None:
        """Send readings, time (us) and register (kWh), all of which are taken."""
        await self.ask()
        for time, value in readings:
            assert await self.say(value, time) == (200, ""), (time, value)

    async def exported(self, **parameters: str) -> list[dict[str, str]]:
        """The rows that the household downloads."""
        plain = {"Accept-Language": "en"}
        answer = await self.home.call("GET", "/csv_energy", key="own", managed=False, params=parameters, headers=plain)
        assert answer.status_code == 200, answer.text
        return list(csv.DictReader(io.StringIO(answer.text)))


def used(rows: Iterable[dict[str, str]]) -> Decimal:
    """What was used in all these rows, in kWh."""
    return sum((Decimal(row["Consumption in kWh"]) for row in rows), Decimal(0))
