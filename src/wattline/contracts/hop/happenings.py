"""Events, outages and alerts of the domain, as the rows that queries and the live stream show."""

from __future__ import annotations

from wattline.contracts.hop.rows import AlertRow, EventRow, OutageRow
from wattline.contracts.hop.times import spell
from wattline.events.model import Event
from wattline.notify.model import Alert
from wattline.outages.model import ActiveOutage


def event_row(event: Event) -> EventRow:
    """A logged grid event."""
    body = event.body
    return EventRow(
        spell(event.time),
        body.get("device_id"),
        body.get("feeder_id"),
        body.get("severity"),
        body.get("event_type"),
        body.get("old_state"),
        body.get("new_state"),
        body.get("message"),
        body.get("latitude"),
        body.get("longitude"),
        event.id,
        event.site,
    )


def outage_row(outage: ActiveOutage) -> OutageRow:
    """An outage that stands."""
    record = outage.record
    return OutageRow(
        record.outage_id,
        record.feeder_id,
        record.region,
        record.customers_out,
        record.mw_interrupted,
        record.cause,
        record.etr_time,
        spell(record.happened),
        spell(outage.started),
        outage.stale,
        outage.etr_overdue,
        record.latitude,
        record.longitude,
        record.site,
    )


def alert_row(alert: Alert) -> AlertRow:
    """A line of the alert ledger."""
    return AlertRow(
        alert.id,
        spell(alert.created),
        alert.kind.value,
        alert.site,
        alert.subject,
        alert.recipient,
        alert.state.value,
        alert.reason,
        alert.attempts,
        spell(alert.updated),
        alert.error,
    )
