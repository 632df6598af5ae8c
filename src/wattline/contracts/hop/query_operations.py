"""GET /query/events, /query/outages/active, /query/alerts and /query/reliability."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response

from wattline.contracts.hop import documents
from wattline.contracts.hop.answers import whole
from wattline.contracts.hop.gate import Gate
from wattline.contracts.hop.happenings import alert_row, event_row, outage_row
from wattline.contracts.hop.query_telemetry import Minutes
from wattline.contracts.hop.rows import AlertRow, EventRow, OutageRow, ReliabilityRow
from wattline.contracts.hop.seen import SKEW
from wattline.contracts.hop.times import spell
from wattline.feeders.service import KIND
from wattline.model.clock import MINUTE, SECOND
from wattline.model.principal import Principal
from wattline.notify.ledger import AlertQuery
from wattline.notify.model import Kind, State
from wattline.platform import Platform

MOST_EVENTS = 100
LONGEST_LEDGER = 129_600
"""Minutes of the alert ledger that can be asked for: 90 days."""

Name = Annotated[str | None, Query(min_length=1, max_length=128)]
Cursor = Annotated[str | None, Query(max_length=128, description="Continue after this place; from `Link: rel=next`.")]

AlertKind = Literal["trip", "restore", "event", "anomaly", "cleared", "storm", "digest"]
"""What a utility is mailed about."""


def _next_page(request: Request, before: str | None) -> dict[str, str]:
    """RFC 8288: where the list goes on, relative to this request."""
    if before is None:
        return {}
    parameters = {**request.query_params, "before": before}
    return {"Link": f'<{request.url.path}?{urlencode(parameters)}>; rel="next"'}


def build(platform: Platform, gate: Gate) -> APIRouter:
    """The routes, on this platform."""
    router = APIRouter(tags=["HOP queries"], responses=documents.REFUSALS)
    caller = Depends(gate.reader)
    clock = platform.clock
    ahead = round(platform.settings.max_future_seconds * SECOND)

    @router.get("/query/events", summary="Grid events, newest first", response_model=documents.many(EventRow))
    async def events(
        request: Request,
        minutes: Minutes = 30,
        severity: Annotated[Literal["ALARM", "INFO"] | None, Query()] = None,
        feeder_id: Name = None,
        before: Cursor = None,
        principal: Principal = caller,
    ) -> Response:
        """Recent grid events, most recent first, at most 100. `Link: rel="next"` leads to the older ones of the window."""
        now = clock.micros()
        page = await platform.events.query(
            principal.tenant,
            kinds=[KIND],
            start=now - minutes * MINUTE,
            end=now + ahead + 1,
            sites=principal.sites,
            subject=feeder_id,
            severity=severity,
            limit=MOST_EVENTS,
            before=before,
        )
        return whole([event_row(event) for event in page.events], _next_page(request, page.next))

    @router.get("/query/outages/active", summary="Outages that stand", response_model=documents.many(OutageRow))
    async def outages_active(
        include_stale: Annotated[bool, Query(description="Also outages without a record within the window.")] = False,
        window_minutes: Annotated[int, Query(ge=1, le=10_080, description="How old the ACTIVE record may be.")] = 120,
        compat: Annotated[Literal["literal"] | None, Query(description="The published sentence, word for word.")] = None,
        principal: Principal = caller,
    ) -> Response:
        """Outages that stand, one row each, from the newest ACTIVE record of the last 2 hours; restored ones are left out.

        `include_stale` adds those that nobody confirmed within the window. `compat=literal` answers ACTIVE records within the
        window by outage id, restored or not, as the page's sentence can be read.
        """
        found = await platform.outages.active(
            principal.tenant, clock.micros(), window_minutes, include_stale, compat is not None, principal.sites
        )
        return whole([outage_row(outage) for outage in found])

    @router.get("/query/alerts", summary="Ledger of alert mails", response_model=documents.many(AlertRow))
    async def alerts(
        request: Request,
        minutes: Annotated[int, Query(ge=1, le=LONGEST_LEDGER, description="Lookback window in minutes.")] = 1440,
        kind: Annotated[AlertKind | None, Query()] = None,
        state: Annotated[State | None, Query()] = None,
        feeder_id: Name = None,
        before: Annotated[int | None, Query(ge=1)] = None,
        principal: Principal = caller,
    ) -> Response:
        """The alert ledger: which mail went to whom, or why none did; newest first, at most 100, with `Link: rel="next"`."""
        now = clock.micros()
        query = AlertQuery(
            principal.tenant,
            start=now - minutes * MINUTE,
            end=now + SKEW + 1,
            kinds=None if kind is None else [Kind(kind)],
            states=None if state is None else [state],
            subject=feeder_id,
            sites=principal.sites,
            before=before,
        )
        page = await platform.notify.alerts(query)
        following = None if page.next is None else str(page.next)
        return whole([alert_row(alert) for alert in page.alerts], _next_page(request, following))

    @router.get("/query/reliability", summary="Reliability indices (IEEE 1366)", response_model=documents.model(ReliabilityRow))
    async def reliability(
        minutes: Annotated[int, Query(ge=1, le=5_270_400, description="Lookback window in minutes.")] = 525_600,
        customers_served: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
        principal: Principal = caller,
    ) -> Response:
        """SAIDI, SAIFI, CAIDI and MAIFI of IEEE Std 1366 from the outage records of the last `minutes`."""
        end = clock.micros()
        start = max(0, end - minutes * MINUTE)
        found = await platform.outages.reliability(principal.tenant, start, end, customers_served, principal.sites)
        return whole(
            ReliabilityRow(
                spell(start),
                spell(end),
                customers_served,
                found.interruptions,
                found.momentary,
                found.cmi,
                found.ci,
                found.cmo,
                found.saidi,
                found.saifi,
                found.caidi,
                found.maifi,
            )
        )

    return router
