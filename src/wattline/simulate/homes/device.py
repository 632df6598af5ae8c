"""One device at a meter: it asks for a token, takes its script, and sends what the register shows."""

from __future__ import annotations

from dataclasses import dataclass

import httpx

from wattline.contracts.household.wire import fields
from wattline.households.meters.model import Kind
from wattline.simulate.homes.definition import ROTATIONS, Home
from wattline.simulate.homes.life import Life

PROTOBUF = {"Content-Type": "application/x-protobuf"}
RESOLUTION = 4
"""Decimals of a kWh that a digital meter shows."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server said: the status of the message, and the texts that a device can use."""

    status: int
    token: str | None = None
    script: str | None = None


def _reply(body: bytes, status_field: int) -> Reply:
    told = {number: value for number, _, value in fields.fields(body)}
    token, script, status = told.get(1), told.get(5), told.get(status_field)
    text = fields.text(token) if status_field == 3 and isinstance(token, bytes) else None
    return Reply(status if isinstance(status, int) else 0, text, fields.text(script) if isinstance(script, bytes) else None)


class Device:
    """Speaks for one home. `client` has the base URL up to and including /api/v1."""

    def __init__(self, client: httpx.AsyncClient, home: Home) -> None:
        self.home = home
        self.sent = 0
        """Readings that the server has stored."""
        self._client = client
        self._life = Life(home)
        self._token: str | None = None
        self._told: int | None = None

    @property
    def _analog(self) -> bool:
        return self.home.kind is Kind.ANALOG_ELECTRICITY

    async def read(self, time: int, *, dated: bool = False) -> bool:
        """Send what the meter shows at `time` (us); whether the server has it. With `dated` the message says when that was.

        A token that is refused is replaced, once. Raises `httpx.RequestError` where there is no answer.
        """
        for _ in range(2):
            if self._token is None and not await self._enter():
                return False
            message, shown = self._message(time, dated=dated)
            answer = await self._post("/sensor_input", message)
            if answer.status == 401:
                self._token = None
                continue
            # An analog device that is refused has nothing to send again: what it counted is in its next increment.
            if answer.status == 200:
                self._told = shown
                self.sent += 1
            return answer.status == 200
        return False

    async def _enter(self) -> bool:
        name = fields.bytes_field(1, self.home.mac.encode())
        answer = await self._post("/token", name + fields.number_field(2, self.home.kind) + fields.number_field(3, 0), 3)
        self._token = answer.token if answer.status == 200 else None
        if self._token is not None and answer.script is not None:
            await self._post("/script_accepted", fields.bytes_field(1, self._token.encode()))
        return self._token is not None

    async def _post(self, path: str, message: bytes, status_field: int = 1) -> Reply:
        answer = await self._client.post(path, content=message, headers=PROTOBUF)
        try:
            return _reply(answer.content, status_field)
        except fields.Malformed:
            return Reply(answer.status_code)

    def _message(self, time: int, *, dated: bool) -> tuple[bytes, int]:
        """A message, and what the register shows then, in turns of the disc."""
        watts, taken, given = self._life.at(time)
        turns = int(taken * ROTATIONS)
        assert self._token is not None
        message = fields.bytes_field(1, self._token.encode()) + fields.number_field(2, self.home.kind)
        if self._analog:
            before = turns if self._told is None else self._told
            message += fields.double_field(3, (turns - before) / ROTATIONS)
        else:
            message += fields.double_field(3, round(self.home.register + taken, RESOLUTION))
            message += fields.double_field(4, round(watts, 1))
            if given:
                message += fields.double_field(5, round(given, RESOLUTION))
        if dated:
            message += fields.number_field(6, time // 1000)
        return message, turns
