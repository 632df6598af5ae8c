"""What the ledger speaks of: kinds and states of an alert, and the causes that other packages hand in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What a mail is about."""

    TRIP = "trip"
    RESTORE = "restore"
    EVENT = "event"
    ANOMALY = "anomaly"
    CLEARED = "cleared"
    STORM = "storm"
    DIGEST = "digest"
    USAGE = "usage"
    SILENT = "silent"
    REPORT = "report"


class State(StrEnum):
    """Where a ledger row stands. `sent`, `failed` and `cancelled` are final."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SUPPRESSED = "suppressed"


class Reason(StrEnum):
    """Why a row was held back, carried by another mail, or given up."""

    COOLDOWN = "cooldown"
    RATE_LIMIT = "rate_limit"
    STORM = "storm"
    DIGEST = "digest"
    NO_TRANSPORT = "no_transport"
    NO_RECIPIENTS = "no_recipients"
    RESTORED = "restored"
    CLEARED = "cleared"
    TRIP_NOT_SENT = "trip_not_sent"
    RECIPIENT_REMOVED = "recipient_removed"
    REFUSED = "refused"
    GAVE_UP = "gave_up"


#: Suppressed rows with one of these reasons are told by the next digest.
DIGESTED = (Reason.RATE_LIMIT, Reason.STORM, Reason.DIGEST)
#: Kinds that go to one household and to nobody else: no utility sees them, nor whom they went to.
PRIVATE = (Kind.USAGE, Kind.SILENT, Kind.REPORT)
#: Kinds that count towards, and are held back by, the rate limit of a recipient.
LIMITED = (Kind.TRIP, Kind.EVENT, Kind.ANOMALY)


@dataclass(frozen=True, slots=True)
class Alert:
    """One row of the ledger: one message to one recipient, or why there was none. Times in microseconds since 1970.

    `incident` ties a restore to its trip; `queued` is when the row got a mail of its own; `next_attempt` is when something has
    to happen to it; `handed` is set while a mail server may have accepted it without our knowing; `carried_by` is the storm or
    digest mail that names it; `awaits` is the row whose outcome decides on it.
    """

    id: int
    tenant: str
    kind: Kind
    site: str | None
    subject: str
    incident: str
    event_id: str
    recipient: str
    state: State
    reason: str | None
    message_id: str
    attempts: int
    next_attempt: int | None
    created: int
    queued: int | None
    handed: int | None
    updated: int
    error: str | None
    carried_by: int | None
    awaits: int | None
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who is told. `roles` is what they want to hear of; for now everybody hears everything ("all")."""

    address: str
    name: str | None = None
    roles: tuple[str, ...] = ("all",)


@dataclass(frozen=True, slots=True)
class FeederTrip:
    """A feeder opened. `incident` is the id of the event that opened it; `at` is when, in microseconds."""

    tenant: str
    site: str | None
    feeder: str
    device: str
    incident: str
    at: int
    message: str | None = None
    old_state: str | None = None
    new_state: str | None = None


@dataclass(frozen=True, slots=True)
class FeederRestore:
    """A feeder closed again. `incident` is that of its trip; it opened at `since` and closed at `at`, in microseconds."""

    tenant: str
    site: str | None
    feeder: str
    device: str
    incident: str
    event_id: str
    since: int
    at: int
    message: str | None = None


@dataclass(frozen=True, slots=True)
class OtherEvent:
    """An alarm event of a type that the utility asked to be mailed about."""

    tenant: str
    site: str | None
    feeder: str | None
    device: str
    event_id: str
    event_type: str
    at: int
    message: str | None = None
    old_state: str | None = None
    new_state: str | None = None


@dataclass(frozen=True, slots=True)
class AnomalousSite:
    """A substation in an anomaly: score 0 to 1, z-score, the frequency in hertz that was scored, and reason codes."""

    site: str
    score: float
    z_score: float | None = None
    value: float | None = None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AnomalyEdge:
    """An anomaly began (`raised`) or ended, at one substation or, in a system-wide incident, at all that are named.

    `incident` is the same for the two edges of one anomaly and differs between anomalies; `at` is in microseconds.
    """

    tenant: str
    incident: str
    at: int
    raised: bool
    sites: tuple[AnomalousSite, ...]


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail to one household, of a `PRIVATE` kind. `site` is its site's key, `title` the subject line, `body` JSON values.

    There is one mail for an `event_id` and a kind. `not_before` (us) holds it back, None sends it at once.
    """

    tenant: str
    kind: Kind
    site: str
    recipient: str
    event_id: str
    language: str
    title: str
    body: Mapping[str, Any]
    not_before: int | None = None
