"""One pass over one model's scores: who became anomalous, who cleared, and which incidents that opens, feeds and closes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from wattline.analytics.hysteresis import QUIET, Hysteresis
from wattline.analytics.incidents import Area, Incident, IncidentBook, Rise
from wattline.analytics.model import ANOMALY, Score
from wattline.analytics.settings import ScoringSettings
from wattline.analytics.store import StateKey, SubstationState
from wattline.analytics.verdicts import WARMING_UP, Verdict

FLATLINE = "flatline"
NEW = SubstationState(QUIET, flat=False, incident=None, scored_us=0)


@dataclass(slots=True)
class Progress:
    """What a pass changed."""

    kept: dict[StateKey, SubstationState] = field(default_factory=dict)
    gone: set[StateKey] = field(default_factory=set)
    incidents: dict[str, Incident] = field(default_factory=dict)


def advance(
    verdict: Verdict, states: dict[StateKey, SubstationState], book: IncidentBook | None, settings: ScoringSettings, at_us: int
) -> Progress:
    """Take every substation from its state before this pass to its state after. Without a book no incident is kept."""
    progress = Progress()
    rises: dict[Area, list[Rise]] = {}
    live: Counter[Area] = Counter()
    moved: dict[StateKey, tuple[Score, Hysteresis]] = {}
    scored: set[StateKey] = set()
    for row, score in enumerate(verdict.scores):
        key = (score.tenant, score.site, verdict.model)
        area = (score.tenant, settings.interconnection((score.tenant, score.site)).name)
        live[area] += 1
        scored.add(key)
        before = states.get(key, NEW).hysteresis
        after = before.after(score.anomaly_score)
        if before == after == QUIET:
            continue
        moved[key] = (score, after)
        if after.active and not before.active:
            onset, common = int(verdict.onset_us[row]), bool(verdict.common[row])
            rises.setdefault(area, []).append(Rise(score.site, onset, score.anomaly_score, common))
    assigned = {
        (area[0], site, verdict.model): incident.id
        for area, risen in sorted(rises.items())
        if book is not None
        for site, incident in book.admit(area, risen, live[area], at_us).items()
    }
    for key, (score, after) in moved.items():
        identity = assigned.get(key, states.get(key, NEW).incident)
        _observe(progress, book, identity, score, after)
        if after == QUIET:
            progress.gone.add(key)
        else:
            progress.kept[key] = SubstationState(after, FLATLINE in score.reasons, identity if after.active else None, at_us)
    _forget(progress, book, {key: state for key, state in states.items() if key not in scored}, verdict.model, settings, at_us)
    return progress


def _observe(progress: Progress, book: IncidentBook | None, identity: str | None, score: Score, after: Hysteresis) -> None:
    incident = None if book is None or identity is None else book.open.get(identity)
    if incident is None:
        return
    reasons = [code for code in score.reasons if code != WARMING_UP] if score.anomaly_score >= ANOMALY else []
    confirmed = after.confirmed_by(score.anomaly_score)
    incident.observe(score.site, score.anomaly_score, reasons, score.time, cleared=not after.active, confirmed=confirmed)
    progress.incidents[incident.id] = incident


def _forget(
    progress: Progress,
    book: IncidentBook | None,
    absent: dict[StateKey, SubstationState],
    model: str,
    settings: ScoringSettings,
    at_us: int,
) -> None:
    """Let go of substations that have not been scored for long: one that was taken down must not keep an incident open."""
    for key, state in absent.items():
        if key[2] != model or at_us - state.scored_us <= settings.forget_after_us:
            continue
        progress.gone.add(key)
        incident = None if book is None or state.incident is None else book.open.get(state.incident)
        if incident is not None:
            member = incident.members[key[1]]
            incident.observe(key[1], member.score, (), at_us, cleared=True, confirmed=False)
            progress.incidents[incident.id] = incident
