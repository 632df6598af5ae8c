"""A feeder's breaker and the events that move it. Pure: no clock, no store."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

TRIP = "FEEDER_TRIP"
RESTORE = "FEEDER_RESTORE"


class Severity(StrEnum):
    """ALARM may cause mail, INFO is only logged."""

    ALARM = "ALARM"
    INFO = "INFO"


@dataclass(frozen=True, slots=True)
class GridEvent:
    """A state change, alarm or transition that a device reported.

    `time` is when it happened, `received` when it reached us, in microseconds since 1970; `time` None where the sender gave
    none: then it happened when it was received, and it is never taken for a repetition of another. `site` is the key of the
    substation it was resolved to (`resolve_site`), or None.
    """

    device_id: str
    severity: Severity
    event_type: str
    received: int
    time: int | None = None
    feeder_id: str | None = None
    old_state: str | None = None
    new_state: str | None = None
    message: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    site: str | None = None

    @property
    def happened(self) -> int:
        """When it happened, as far as we know."""
        return self.received if self.time is None else self.time

    @property
    def feeder(self) -> str:
        """What the breaker is known by inside its substation."""
        return self.feeder_id or self.device_id

    @property
    def identity(self) -> str | None:
        """The same for a repetition of the same event. None where the sender gave no time.

        The feeder is part of it: one device may serve several feeders that trip in the same second.
        """
        if self.time is None:
            return None
        parts = [self.device_id, self.feeder_id, self.event_type, self.time, self.new_state]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


class Action(StrEnum):
    """What an event asks to be done about mail."""

    ANNOUNCE_TRIP = "announce_trip"
    ANNOUNCE_RESTORE = "announce_restore"
    CANCEL_TRIP = "cancel_trip"
    NOTHING = "nothing"


class Mail(StrEnum):
    """What became of the mail about the trip that stands: none was wanted, it has still to be accepted, it was accepted."""

    NONE = "none"
    PENDING = "pending"
    ACCEPTED = "accepted"


@dataclass(frozen=True, slots=True)
class FeederState:
    """One breaker. Times in microseconds.

    `last_change` is the newest time of any trip or restore, so that what arrives late is recognised; `since` is when the trip
    that stands happened; `trip_seq` counts trips.
    """

    tripped: bool = False
    last_change: int | None = None
    since: int | None = None
    trip_seq: int = 0
    mail: Mail = Mail.NONE

    def trip(self, at: int, severity: Severity) -> tuple[FeederState, Action]:
        """The breaker opened at `at`. Only an ALARM is announced; when and how is for alerting to decide."""
        if self.tripped:
            # A repetition. It still moves last_change on: a restore from before it is late.
            return replace(self, last_change=_newest(self.last_change, at)), Action.NOTHING
        if self.last_change is not None and at <= self.last_change:
            return self, Action.NOTHING
        alarm = severity is Severity.ALARM
        mail = Mail.PENDING if alarm else Mail.NONE
        state = FeederState(tripped=True, last_change=at, since=at, trip_seq=self.trip_seq + 1, mail=mail)
        return state, Action.ANNOUNCE_TRIP if alarm else Action.NOTHING

    def restore(self, at: int) -> tuple[FeederState, Action]:
        """The breaker closed at `at`, whatever the severity says. At the same instant a restore wins over a trip."""
        if self.last_change is not None and at < self.last_change:
            return self, Action.NOTHING
        if not self.tripped:
            return replace(self, last_change=at), Action.NOTHING
        action = {
            Mail.NONE: Action.NOTHING,
            Mail.PENDING: Action.CANCEL_TRIP,
            Mail.ACCEPTED: Action.ANNOUNCE_RESTORE,
        }[self.mail]
        return FeederState(last_change=at, trip_seq=self.trip_seq), action

    def accepted(self) -> FeederState:
        """A mail server accepted the mail about the trip that stands."""
        return replace(self, mail=Mail.ACCEPTED) if self.mail is Mail.PENDING else self


def _newest(last: int | None, at: int) -> int:
    return at if last is None else max(last, at)


def resolve_site(device_id: str, site_of_device: Mapping[str, str], sites: Iterable[str]) -> str | None:
    """The substation of a device, which events do not name.

    Where telemetry showed it; else the longest known substation id that is the device id, or begins it and is followed by `-`;
    else None, which only tenant-wide eyes see.
    """
    known = site_of_device.get(device_id)
    if known is not None:
        return known
    prefixes = [site for site in sites if device_id == site or device_id.startswith(f"{site}-")]
    return max(prefixes, key=len, default=None)
