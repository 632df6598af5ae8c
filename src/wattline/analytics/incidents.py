"""One disturbance, one incident: substations that go past a limit together are grouped, and stay so until all have cleared."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field

from wattline.analytics.model import IncidentKind
from wattline.model.clock import SECOND

TOGETHER_US = 10 * SECOND
LEAST_FOR_SYSTEM = 2
LEAST_TO_TELL_APART = 3
"""With three substations a disturbance of one is visible as such, so one that is not must be everybody's."""
NAMESPACE = uuid.UUID("6f0f2ae0-3c0e-5b5e-9f0a-6a1d1f4c7f21")

Area = tuple[str, str]
"""Tenant and interconnection."""


@dataclass(frozen=True, slots=True)
class Rise:
    """A substation that became anomalous: since when, by how much, why, and whether by the shared frequency alone."""

    site: str
    onset_us: int
    score: float
    common: bool


@dataclass(slots=True)
class Member:
    """A substation's part in an incident: its latest and highest score, and when it cleared."""

    site: str
    onset_us: int
    score: float
    peak_score: float
    cleared_us: int | None = None


@dataclass(slots=True)
class Incident:
    """A disturbance of one interconnection of one tenant.

    `system` if the frequency as a whole was disturbed or at least half of the substations took part, otherwise `local`.
    Times are microseconds since 1970; `confirmed_us` is when it became worth telling, `closed_us` when the last member cleared.
    """

    id: str
    tenant: str
    interconnection: str
    model: str
    kind: IncidentKind
    opened_us: int
    last_onset_us: int
    peak_score: float
    reasons: tuple[str, ...] = ()
    confirmed_us: int | None = None
    closed_us: int | None = None
    members: dict[str, Member] = field(default_factory=dict)

    @property
    def substations(self) -> tuple[str, ...]:
        """Every substation that took part, in order of key."""
        return tuple(sorted(self.members))

    def observe(self, site: str, score: float, reasons: Iterable[str], at_us: int, *, cleared: bool, confirmed: bool) -> None:
        """Take in a member's next score."""
        member = self.members[site]
        member.score = score
        member.peak_score = max(member.peak_score, score)
        member.cleared_us = at_us if cleared else None
        self.peak_score = max(self.peak_score, score)
        self.reasons = tuple(dict.fromkeys((*self.reasons, *reasons)))
        if confirmed and self.confirmed_us is None:
            self.confirmed_us = at_us
        if all(other.cleared_us is not None for other in self.members.values()):
            self.closed_us = at_us

    def close(self, at_us: int) -> None:
        """End the incident whatever its members' scores are."""
        for member in self.members.values():
            member.cleared_us = at_us if member.cleared_us is None else member.cleared_us
        self.closed_us = at_us


def together(rises: Iterable[Rise]) -> list[list[Rise]]:
    """Split rises into groups: each follows another of its group within 10 s."""
    groups: list[list[Rise]] = []
    for rise in sorted(rises, key=lambda rise: (rise.onset_us, rise.site)):
        if groups and rise.onset_us - groups[-1][-1].onset_us <= TOGETHER_US:
            groups[-1].append(rise)
        else:
            groups.append([rise])
    return groups


class IncidentBook:
    """The open incidents of one model; grows by rises. An incident is never split, merged or taken to another tenant."""

    def __init__(self, model: str, incidents: Iterable[Incident]) -> None:
        self.model = model
        self.open = {incident.id: incident for incident in incidents}

    def admit(self, area: Area, rises: Iterable[Rise], live: int, at_us: int) -> dict[str, Incident]:
        """Give every rise of an area its incident, by site; `live` is how many substations of the area are scored at all."""
        assigned: dict[str, Incident] = {}
        for ordinal, group in enumerate(together(rises)):
            incident = self._joined(area, group) or self._opened(area, group, ordinal, at_us)
            for rise in group:
                earlier = incident.members.get(rise.site)
                peak = rise.score if earlier is None else max(earlier.peak_score, rise.score)
                incident.members[rise.site] = Member(rise.site, rise.onset_us, rise.score, peak)
                incident.opened_us = min(incident.opened_us, rise.onset_us)
                incident.last_onset_us = max(incident.last_onset_us, rise.onset_us)
                assigned[rise.site] = incident
            if _is_system(incident, group, live):
                incident.kind = "system"
        return assigned

    def _joined(self, area: Area, group: list[Rise]) -> Incident | None:
        """The open incident that a group belongs to: near in time, or one of the shared frequency if the group is one too."""
        for incident in sorted(self.open.values(), key=lambda incident: (-incident.last_onset_us, incident.id)):
            if (incident.tenant, incident.interconnection) != area:
                continue
            gap = max(group[0].onset_us - incident.last_onset_us, incident.opened_us - group[-1].onset_us)
            shared = incident.kind == "system" and any(rise.common for rise in group)
            if gap <= TOGETHER_US or shared:
                return incident
        return None

    def _opened(self, area: Area, group: list[Rise], ordinal: int, at_us: int) -> Incident:
        tenant, interconnection = area
        # The same pass run again after a crash gives its incidents the same names.
        identity = str(uuid.uuid5(NAMESPACE, f"{self.model}\n{tenant}\n{interconnection}\n{at_us}\n{ordinal}"))
        onset = group[0].onset_us
        incident = Incident(identity, tenant, interconnection, self.model, "local", onset, onset, 0.0)
        self.open[identity] = incident
        return incident


def _is_system(incident: Incident, group: list[Rise], live: int) -> bool:
    half = len(incident.members) >= max(LEAST_FOR_SYSTEM, live / 2)
    return half or (live >= LEAST_TO_TELL_APART and any(rise.common for rise in group))
