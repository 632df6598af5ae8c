"""Exports as one service: files that are sent at once, and files that are made on request."""

from __future__ import annotations

import logging
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wattline.ingest.edge_series import EdgeSeries
from wattline.ingest.series import Series
from wattline.jobs.model import JobFailed
from wattline.metering.export import tables
from wattline.metering.export.files import Files, holds, signature
from wattline.metering.export.model import MOST_ROWS, Asked, Export
from wattline.metering.export.text import Pieces, Text
from wattline.metering.figures.service import Figures
from wattline.metering.figures.subject import Subject
from wattline.model.clock import DAY, HOUR, SECOND, Clock
from wattline.model.errors import Conflict, NotFound
from wattline.model.principal import Principal
from wattline.state.database import Database

WORKFLOW = "joulepoint.export"
LINK = HOUR
KEPT = DAY
"""How long a file is kept from when it was asked for."""
ATTEMPTS = 6
"""The last one begins half a minute after the first has failed."""
MOST_WAITING = 4
"""Exports of one tenant that are made at the same time."""

Start = Callable[[str, str, object], Awaitable[None]]
"""Starts a durable workflow: its name, its key, its payload (`jobs.service.Jobs.start`)."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Link:
    """What a signed link to the file of an export holds; `expires` in s since 1970."""

    id: str
    expires: int
    signature: str


class Exports:
    """`start` begins the durable work that calls `make`. Files lie below `directory`."""

    def __init__(
        self,
        database: Database,
        figures: Figures,
        series: Series,
        edges: EdgeSeries,
        directory: Path,
        clock: Clock,
        start: Start,
        most_rows: int = MOST_ROWS,
    ) -> None:
        self._database = database
        self._figures = figures
        self.edges = edges
        self._text = Text(figures, series)
        self._files = Files(directory)
        self._clock = clock
        self._start = start
        self.most_rows = most_rows
        self._secret: str | None = None

    async def rows(self, subject: Subject, asked: Asked) -> int:
        """How many lines an export has, at most."""
        if asked.interval != "raw":
            return 0
        total = 0
        for member in subject.members:
            start, end = member.within(asked.start, asked.end)
            for stream, named in self._text.places(member, asked.columns):
                sensors = [stream.sensor_id(quantity) for quantity, _ in named.values()]
                total += await self.edges.rows(stream, sensors, start, end)
        return total

    def pieces(self, subject: Subject, asked: Asked) -> Pieces:
        """The file of an export, to be sent at once."""
        return self._text.pieces(subject, asked)

    async def order(self, caller: Principal, asked: Asked) -> Export:
        """Have a file made. When this returns, it will be, also after a crash: by `resume`, if need be.

        Raises `Conflict` where too many of the caller's tenant are being made.
        """
        made = Export(
            secrets.token_hex(16), caller.tenant, caller.sites, asked, self._clock.micros(), "waiting", None, None, None
        )
        async with self._database.transaction() as connection:
            if await tables.waiting(connection, caller.tenant) >= MOST_WAITING:
                raise Conflict(f"{MOST_WAITING} exports are being made already")
            await tables.insert(connection, made)
        await self._start(WORKFLOW, made.id, made.id)
        return made

    async def resume(self) -> None:
        """Start what was ordered by a process that died before it started the work; work that has begun is left alone."""
        async with self._database.read() as connection:
            ordered = await tables.unfinished(connection)
        for number in ordered:
            await self._start(WORKFLOW, number, number)

    async def make(self, number: str) -> None:
        """Make the file of an export; again, after a crash. What it is of may be gone: then it is said to have failed.

        Raises what may be better the next time.
        """
        async with self._database.read() as connection:
            export = await tables.get(connection, number)
        caller = Principal(export.tenant, "export", frozenset(), export.sites)
        try:
            subject = self._figures.subjects.find(caller, **{f"{export.asked.kind}_id": export.asked.id})
        except NotFound:
            await self.fail(number)
            return
        rows, size = await self._files.write(number, self._text.pieces(subject, export.asked))
        async with self._database.transaction() as connection:
            await tables.finish(connection, number, "done", self._clock.micros(), rows, size)

    async def fail(self, number: str) -> None:
        """Say that an export cannot be made."""
        async with self._database.transaction() as connection:
            await tables.finish(connection, number, "failed", self._clock.micros(), None, None)

    async def get(self, caller: Principal, number: str) -> Export:
        """An export of the caller's tenant. Raises `NotFound`, also where it may see more sites than the caller does."""
        async with self._database.read() as connection:
            found = await tables.get(connection, number, caller.tenant)
        hidden = caller.sites is not None and (found.sites is None or not found.sites <= caller.sites)
        if hidden:
            raise NotFound("no such export")
        return found

    async def link(self, export: Export) -> Link:
        """A link to its file that holds for an hour."""
        expires = (self._clock.micros() + LINK) // SECOND
        return Link(export.id, expires, signature(await self._signing(), export.id, expires))

    async def open(self, link: Link) -> tuple[Export, AsyncGenerator[bytes, None]]:
        """The file that a link leads to. Raises `NotFound` where the link is none, has run out, or the file is gone."""
        if not holds(await self._signing(), link.id, link.expires, link.signature, self._clock.micros()):
            raise NotFound("this link is not valid, or no longer")
        async with self._database.read() as connection:
            found = await tables.get(connection, link.id)
        if found.state != "done" or not self._files.path(link.id).exists():
            raise NotFound("the file is gone")
        return found, self._files.read(link.id)

    async def prune(self) -> None:
        """Let go of what was asked for long ago."""
        async with self._database.transaction() as connection:
            gone = await tables.forget(connection, self._clock.micros() - KEPT)
        for number in gone:
            self._files.remove(number)

    async def workflow(self, step: Callable[..., Awaitable[Any]], number: Any) -> None:
        """The durable work: one step, which is repeated from its beginning after a crash, or an error; then it has failed."""
        try:
            await step("make", self.make, str(number), attempts=ATTEMPTS)
        except JobFailed as error:
            log.warning("an export failed", extra={"export": number, "reason": str(error)})
            await step("fail", self.fail, str(number), attempts=ATTEMPTS)

    async def _signing(self) -> str:
        if self._secret is None:
            async with self._database.transaction() as connection:
                self._secret = await tables.signing_secret(connection)
        return self._secret
