"""The acceptance timelines of alerting, and a player that drives the real feeders and alerts through them.

Seconds count from the begin of a timeline. Between two steps the player does what is due, at the moment when it is due.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.message import EmailMessage

from wattline.events.service import EventLog
from wattline.feeders.model import RESTORE, TRIP, GridEvent, Severity
from wattline.feeders.service import Feeders
from wattline.model.clock import SECOND, ManualClock, to_micros
from wattline.notify.policy import AlertSettings
from wattline.notify.service import Notify
from wattline.notify.smtp import Handing, Transport
from wattline.state.database import Database

START = datetime(2026, 6, 11, 14, 35, tzinfo=UTC)
BEGIN = to_micros(START)


@dataclass(frozen=True)
class Step:
    """An event that arrives at `at`; it happened at `time`, which is `at` where none is given."""

    at: float
    event_type: str
    feeder: str = "FDR002"
    site: str = "SUB001"
    severity: Severity = Severity.ALARM
    time: float | None = None

    def event(self) -> GridEvent:
        received = BEGIN + round(self.at * SECOND)
        return GridEvent(
            device_id=f"{self.site}-{self.feeder}",
            feeder_id=self.feeder,
            severity=self.severity,
            event_type=self.event_type,
            new_state="OPEN" if self.event_type == TRIP else "CLOSED",
            received=received,
            time=received if self.time is None else BEGIN + round(self.time * SECOND),
            site=self.site,
        )


def trip(at: float, **words: object) -> Step:
    return replace(Step(at, TRIP), **words)  # type: ignore[arg-type]


def restore(at: float, **words: object) -> Step:
    return replace(Step(at, RESTORE, severity=Severity.INFO), **words)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Timeline:
    """What arrives, when the mail server is away, and the titles of the mails that have to be there at the end."""

    steps: tuple[Step, ...]
    mails: tuple[str, ...]
    away: tuple[float, float] = (0, 0)
    until: float = 1200
    settings: AlertSettings = field(default_factory=AlertSettings)


TRIPPED = "Feeder FDR002 at SUB001 tripped"
STILL_OPEN = "Feeder FDR002 at SUB001 is still open"


def restored(after: str) -> str:
    return f"Feeder FDR002 at SUB001 restored after {after}"


def _names(count: int) -> list[str]:
    return [f"FDR{number:03}" for number in range(1, count + 1)]


STORM = tuple(trip(index * 0.4, feeder=name) for index, name in enumerate(_names(25)))
STORM_OVER = tuple(restore(300 + index, feeder=name) for index, name in enumerate(_names(25)))

TIMELINES = {
    "1 trip, restore": Timeline((trip(0), restore(60)), (TRIPPED, restored("1 min"))),
    "2 restore alone": Timeline((restore(0),), ()),
    "3 repeated trip": Timeline((trip(0), trip(5), restore(9)), (TRIPPED, restored("9 s"))),
    "4 flapping, closed at last": Timeline((trip(0), restore(10), trip(20), restore(30)), (TRIPPED, restored("10 s"))),
    "5 flapping, open at last": Timeline((trip(0), restore(10), trip(20)), (TRIPPED, restored("10 s"), STILL_OPEN)),
    "6 trip for information": Timeline((trip(0, severity=Severity.INFO), restore(5)), ()),
    "7 mail server away": Timeline((trip(0), restore(50)), (), away=(0, 100)),
    "8 two substations": Timeline((trip(0), restore(5, site="SUB002")), (TRIPPED,)),
    "9 restart in between": Timeline((trip(0), restore(60)), (TRIPPED, restored("1 min"))),
    "10 sent three times": Timeline((trip(0), trip(1, time=0), trip(2, time=0)), (TRIPPED,)),
    "11 restore overtakes trip": Timeline((restore(10), trip(12, time=0)), ()),
    "12 storm": Timeline(
        (*STORM, *STORM_OVER),
        (
            *(f"Feeder {name} at SUB001 tripped" for name in _names(10)),
            "Storm: 11 feeders tripped",
            "Digest: 14 alerts",
            "Digest: 25 alerts",
        ),
        until=3000,
    ),
}


class SwitchedTransport:
    """Speaks to the real server, or, while the timeline has it away, to a port that refuses."""

    def __init__(self, clock: ManualClock, away: tuple[float, float], server: Transport, nobody: Transport) -> None:
        self._clock = clock
        self._away = away
        self._server = server
        self._nobody = nobody

    async def send(self, message: EmailMessage, recipient: str, handing: Handing) -> None:
        begin, end = self._away
        now = (self._clock.micros() - BEGIN) / SECOND
        await (self._nobody if begin <= now < end else self._server).send(message, recipient, handing)

    async def close(self) -> None:
        await self._server.close()
        await self._nobody.close()


class Player:
    """Plays a timeline for one utility. `played` steps are skipped; `on_played` is told of each that was acknowledged."""

    def __init__(self, database: Database, clock: ManualClock, notify: Notify, tenant: str = "utility") -> None:
        self.clock = clock
        self.notify = notify
        self.feeders = Feeders(database, EventLog(database), notify, clock)
        self.tenant = tenant

    async def play(self, timeline: Timeline, played: int = 0, on_played: Callable[[], None] = lambda: None) -> None:
        if played:
            self._move(timeline.steps[played - 1].at)
        await self.notify.tick()
        for step in timeline.steps[played:]:
            await self.run_until(step.at)
            await self.feeders.grid_event(self.tenant, step.event())
            on_played()
            await self.notify.tick()
        await self.run_until(timeline.until)

    async def run_until(self, seconds: float) -> None:
        """Do whatever falls due on the way there."""
        end = BEGIN + round(seconds * SECOND)
        while (due := await self.notify.next_due()) is not None and due <= end:
            self.clock.advance(max(0, due - self.clock.micros()) / SECOND)
            assert await self.notify.tick() > 0
        self._move(seconds)

    def _move(self, seconds: float) -> None:
        self.clock.advance(max(0, BEGIN + round(seconds * SECOND) - self.clock.micros()) / SECOND)
