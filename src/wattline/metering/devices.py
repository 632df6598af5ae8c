"""What devices say of themselves, and what they are told to do: both are events of the tenant's log."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from wattline.events.model import Entry
from wattline.events.service import EventLog
from wattline.events.store import is_logged
from wattline.model.clock import Clock
from wattline.state.database import Database

STATUS, COMMAND, ACKNOWLEDGED = "device.status", "device.command", "device.command_acknowledged"
OFFLINE = "offline"


class Subject(NamedTuple):
    """A device as events name it: `meter:5` or `gateway:7`, with the site and the key of the meter's device."""

    tenant: str
    name: str
    site: str | None = None
    device: str | None = None


class Devices:
    """The status of every device that told one, and commands to devices."""

    def __init__(
        self, database: Database, events: EventLog, clock: Clock, new_id: Callable[[], uuid.UUID] = uuid.uuid4
    ) -> None:
        self._database = database
        self._events = events
        self._clock = clock
        self._new_id = new_id
        self._statuses: dict[tuple[str, str], str] = {}

    async def status(self, subject: Subject, word: str) -> bool:
        """A device says how it is; whether that is news, which is logged."""
        key = (subject.tenant, subject.name)
        known = self._statuses.get(key)
        if known is None:
            page = await self._events.query(subject.tenant, kinds=[STATUS], subject=subject.name, limit=1)
            known = page.events[0].event_type if page.events else None
        if known != word:
            severity = "warning" if word == OFFLINE else "info"
            await self._log(subject, STATUS, {"status": word, "previous": known}, event_type=word, severity=severity)
        self._statuses[key] = word
        return known != word

    async def command(self, subject: Subject, command: str, parameters: Mapping[str, Any]) -> tuple[str, int]:
        """Log a command before it is sent; its id, which the device's acknowledgement bears, and its time (us)."""
        number = str(self._new_id())
        body = {"id": number, "command": command, "params": dict(parameters)}
        time = await self._log(subject, COMMAND, body, event_type=command, identity=f"{subject.name}:{number}")
        return number, time

    async def acknowledged(self, subject: Subject, number: str, status: str, detail: str | None) -> bool:
        """A device answers a command, once; False where that is no command to this device."""
        identity = f"{subject.name}:{number}"
        async with self._database.read() as connection:
            if not await is_logged(connection, subject.tenant, COMMAND, identity):
                return False
        body = {"id": number, "status": status, "detail": detail}
        await self._log(subject, ACKNOWLEDGED, body, event_type=status, identity=identity)
        return True

    async def _log(self, subject: Subject, kind: str, body: Mapping[str, Any], **words: str) -> int:
        now = self._clock.micros()
        entry = Entry(
            tenant=subject.tenant,
            kind=kind,
            time=now,
            received=now,
            site=subject.site,
            device=subject.device,
            subject=subject.name,
            body=body,
            **words,
        )
        async with self._database.transaction() as connection:
            await self._events.append_all(connection, [entry])
        return now
