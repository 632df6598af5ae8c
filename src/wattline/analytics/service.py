"""The scoring pass: readings in, scores out, incidents kept, edges told."""

from __future__ import annotations

import asyncio

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.analytics import store
from wattline.analytics.incidents import Incident, IncidentBook
from wattline.analytics.model import (
    ROBUST,
    WINDOW_SECONDS,
    AnomalyEdge,
    AnomalyHook,
    FrequencySource,
    Score,
    ScoreSink,
    ignore_edges,
)
from wattline.analytics.progress import advance
from wattline.analytics.settings import ScoringSettings
from wattline.analytics.verdicts import Verdict, judge
from wattline.model.clock import SECOND, Clock
from wattline.model.errors import Invalid
from wattline.state.database import Database


class ScoringService:
    """Scores every substation that reports, with both models, whenever `run` is called (the contract says every 60 s).

    Silence counts from when the service was made: while nothing listened, nothing could be heard.
    """

    def __init__(
        self,
        database: Database,
        source: FrequencySource,
        sink: ScoreSink,
        clock: Clock,
        settings: ScoringSettings | None = None,
        on_anomaly: AnomalyHook = ignore_edges,
    ) -> None:
        self._database = database
        self._source = source
        self._sink = sink
        self._clock = clock
        self._settings = ScoringSettings() if settings is None else settings
        self._on_anomaly = on_anomaly
        self._listening_us = clock.micros()
        self._turn = asyncio.Lock()

    async def run(self, at_us: int | None = None) -> list[Score]:
        """Score the whole seconds before `at_us` (now, if not given); returns the scores of both models.

        Idempotent: an instant that was scored already, or one before it, is scored again but neither written nor told again.
        The scores are durable before the state that rests on them, so a pass cut short is simply run again. Edges that the hook
        did not take stay due and are offered after the next pass; what it raised is raised here, after everything else is done.
        """
        end_us = (self._clock.micros() if at_us is None else at_us) // SECOND * SECOND
        async with self._turn:
            verdicts, fresh = await self._score(end_us)
            scores = [score for verdict in verdicts for score in verdict.scores]
            if fresh:
                await self._sink.write(scores)
                await self._remember(verdicts, end_us)
            await self._tell()
        return scores

    async def incidents(
        self, tenant: str, *, open_only: bool = False, since_us: int | None = None, limit: int = 100
    ) -> list[Incident]:
        """A tenant's incidents, newest first: the open ones, or those that opened at or after `since_us`."""
        table = store.incidents
        query = sa.select(table).where(table.c.tenant == tenant)
        if open_only:
            query = query.where(table.c.closed_us.is_(None))
        if since_us is not None:
            query = query.where(table.c.opened_us >= since_us)
        async with self._database.read() as connection:
            ordered = query.order_by(table.c.opened_us.desc(), table.c.id).limit(limit)
            return await store.select_incidents(connection, ordered)

    async def _score(self, end_us: int) -> tuple[list[Verdict], bool]:
        window = await self._source.window(end_us, WINDOW_SECONDS)
        if window.start_us + WINDOW_SECONDS * SECOND != end_us:
            raise Invalid("the window does not end at the scored instant", "start_us")
        async with self._database.read() as connection:
            fresh = await store.last_pass(connection) < end_us
            states = await store.load_states(connection)
        flat = {key[:2] for key, state in states.items() if state.flat and key[2] == ROBUST}
        return await asyncio.to_thread(judge, window, self._settings, flat, self._listening_us), fresh

    async def _remember(self, verdicts: list[Verdict], end_us: int) -> None:
        async with self._database.transaction() as connection:
            # Asked again under the lock: another worker may have scored this instant meanwhile.
            if await store.last_pass(connection, lock=True) >= end_us:
                return
            states = await store.load_states(connection)
            for verdict in verdicts:
                book = None
                if verdict.model == self._settings.alerting_model:
                    known = await store.select_incidents(connection, store.open_incidents(verdict.model))
                    book = IncidentBook(verdict.model, known)
                progress = advance(verdict, states, book, self._settings, end_us)
                progress.incidents.update(await self._superseded(connection, verdict.model, end_us))
                await store.save_states(connection, progress.kept, progress.gone)
                await store.save_incidents(connection, progress.incidents.values())
            await store.note_pass(connection, end_us)

    async def _superseded(self, connection: AsyncConnection, model: str, end_us: int) -> dict[str, Incident]:
        """Close what a model has open that no longer raises incidents, since nothing else ever would."""
        if model == self._settings.alerting_model:
            return {}
        stranded = await store.select_incidents(connection, store.open_incidents(model))
        for incident in stranded:
            incident.close(end_us)
        return {incident.id: incident for incident in stranded}

    async def _tell(self) -> None:
        async with self._database.read() as connection:
            due = await store.select_incidents(connection, store.untold_incidents())
        failures: list[Exception] = []
        for incident in due:
            try:
                await self._tell_one(incident)
            except Exception as failure:
                failures.append(failure)
        if failures:
            raise ExceptionGroup("edges that the hook did not take", failures)

    async def _tell_one(self, incident: Incident) -> None:
        """The beginning before the end; each is noted only after the hook has taken it."""
        async with self._database.read() as connection:
            begun = await store.raise_was_told(connection, incident.id)
        for raised in (True, False):
            if (raised and begun) or (not raised and incident.closed_us is None):
                continue
            await self._on_anomaly(_edge(incident, raised=raised))
            async with self._database.transaction() as connection:
                await store.note_told(connection, incident.id, raised=raised)


def _edge(incident: Incident, *, raised: bool) -> AnomalyEdge:
    time = incident.confirmed_us if raised else incident.closed_us
    if time is None:
        raise Invalid("an incident without this edge", "incident")
    substations = incident.substations
    return AnomalyEdge(
        tenant=incident.tenant,
        incident=incident.id,
        kind=incident.kind,
        raised=raised,
        substations=substations,
        scores=tuple(incident.members[site].score for site in substations),
        reasons=incident.reasons,
        time=time,
    )
