"""POST /ingest/event, /ingest/outage and /ingest/scores: what is no telemetry."""

from __future__ import annotations

import contextlib

import msgspec

from wattline.analytics.feed import SCORE
from wattline.contracts.hop.bodies import GridEvent, Outage, Score
from wattline.contracts.hop.door import Body
from wattline.contracts.hop.errors import Answer
from wattline.contracts.hop.explain import Explainer, Window
from wattline.contracts.hop.places import Places
from wattline.contracts.hop.refusal import Refused, fault
from wattline.contracts.hop.times import parse
from wattline.feeders import model as feeders
from wattline.feeders.service import Feeders
from wattline.ingest.service import Ingest
from wattline.metrics import Metrics
from wattline.model.clock import SECOND, Clock
from wattline.model.errors import Forbidden, NotFound
from wattline.model.principal import Principal
from wattline.model.record import Row
from wattline.outages import model as outages
from wattline.outages.service import Outages
from wattline.registry.service import Registry
from wattline.settings import Settings


class OperationsWriter:
    """Takes events, outage records and foreign scores; 200 means durable, and sent again changes nothing."""

    def __init__(
        self,
        registry: Registry,
        places: Places,
        feeders: Feeders,
        outages: Outages,
        ingest: Ingest,
        clock: Clock,
        settings: Settings,
        metrics: Metrics,
    ) -> None:
        self._registry = registry
        self._places = places
        self._feeders = feeders
        self._outages = outages
        self._ingest = ingest
        self._clock = clock
        self._metrics = metrics
        self._ahead = round(settings.max_future_seconds * SECOND)
        self._events = Explainer(GridEvent)
        self._records = Explainer(Outage)
        self._scores = Explainer(Score)

    def _window(self) -> Window:
        """Events and outages are kept for good, so they may be as old as time; only the future is closed."""
        return Window(0, self._clock.micros() + self._ahead)

    async def event(self, principal: Principal, body: Body) -> Answer:
        """One grid event: logged, and its feeder and mails follow from it."""
        found = self._events.read(body.content, self._window())
        self._count(self._events.unknown(body.content))
        site = self._places.of_device(principal.tenant, found.device_id, found.feeder_id)
        _check(principal, site)
        event = feeders.GridEvent(
            device_id=found.device_id,
            severity=feeders.Severity(found.severity),
            event_type=found.event_type,
            received=self._clock.micros(),
            time=_micros(found.timestamp),
            feeder_id=found.feeder_id,
            old_state=found.old_state,
            new_state=found.new_state,
            message=found.message,
            latitude=found.latitude,
            longitude=found.longitude,
            site=site,
        )
        await self._feeders.grid_event(principal.tenant, event)
        return _written({"status": "event written", "device_id": found.device_id})

    async def outage(self, principal: Principal, body: Body) -> Answer:
        """One outage record: the begin, an update, or the end of an outage."""
        found = self._records.read(body.content, self._window())
        self._count(self._records.unknown(body.content))
        site = self._places.of_outage(principal.tenant, found.region, found.feeder_id)
        if principal.sites is not None:
            site = await self._allowed(principal, found, site)
        record = outages.OutageRecord(
            outage_id=found.outage_id,
            feeder_id=found.feeder_id,
            customers_out=found.customers_out,
            status=outages.Status(found.status),
            received=self._clock.micros(),
            time=_micros(found.timestamp),
            region=found.region,
            mw_interrupted=found.mw_interrupted,
            cause=found.cause,
            etr_time=found.etr_time,
            etr=_micros(found.etr_time),
            latitude=found.latitude,
            longitude=found.longitude,
            site=site,
        )
        await self._outages.record(principal.tenant, record)
        return _written({"status": "outage written", "outage_id": found.outage_id})

    async def _allowed(self, principal: Principal, found: Outage, site: str | None) -> str | None:
        """The substation of a record by a key with a list: a known outage keeps its own, whatever the record says."""
        with contextlib.suppress(NotFound):
            site = await self._outages.site_of(principal.tenant, found.outage_id)
        _check(principal, site)
        return site

    async def scores(self, principal: Principal, body: Body) -> Answer:
        """One score of a scoring service outside, kept beside those of the platform's own models."""
        found = self._scores.read(body.content, self._window())
        self._count(self._scores.unknown(body.content))
        _check(principal, found.substation_id)
        if self._registry.site(principal.tenant, found.substation_id) is None:
            place: list[str | int] = ["body", "substation_id"]
            raise Refused([fault("unknown_substation", place, "No telemetry of this substation", found.substation_id)])
        stream = await self._registry.register(
            principal.tenant,
            found.substation_id,
            f"score:{found.model_version}",
            SCORE,
            {"model_version": found.model_version},
        )
        now = self._clock.micros()
        time = _micros(found.timestamp)
        values = (
            found.anomaly_score,
            float(found.is_anomaly),
            found.z_score,
            found.baseline_mean,
            found.baseline_std,
            found.latest_value,
        )
        await self._ingest.submit([Row(stream.id, now if time is None else time, now, values)])
        return _written({"status": "score written", "substation_id": found.substation_id})

    def _count(self, unknown: int) -> None:
        if unknown:
            self._metrics.unknown_fields.add(unknown, "hop")


def _check(principal: Principal, site: str | None) -> None:
    if not principal.sees(site):
        raise Forbidden("this key has no access to this substation")


def _micros(text: str | None) -> int | None:
    return None if text is None else parse(text).micros


def _written(body: dict[str, str]) -> Answer:
    return Answer(200, msgspec.json.encode(body))
