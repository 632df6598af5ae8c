"""Plays timelines in processes that kill themselves at a chosen step, and finishes them in a second process.

`python -m tests.notify.driver` reads one job as JSON from standard input. It forks a child for every life, so that a life costs
no interpreter start; it holds no thread itself, so that forking is safe. Every run is a utility of its own, mailed to
`RUN@crash.example`. A step is the moment before or after a commit, or before or after the mail server accepted a mail.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.notify.timelines import START, TIMELINES, Player, SwitchedTransport
from wattline.model.clock import ManualClock
from wattline.notify.service import Notify
from wattline.notify.smtp import Handing, SmtpSettings, SmtpTransport, Transport
from wattline.state.database import Database

SENDER = "alerts@wattline.example"


class Life:
    """Counts steps, and ends the process, as a power cut would, when it comes to the fatal one."""

    def __init__(self, fatal: int | None) -> None:
        self._fatal = fatal
        self.steps = 0

    def step(self) -> None:
        if self.steps == self._fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        self.steps += 1


class MortalDatabase(Database):
    """May die just before and just after any commit."""

    def __init__(self, url: str, life: Life) -> None:
        super().__init__(url)
        self._life = life

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        async with super().transaction() as connection:
            yield connection
            self._life.step()
        self._life.step()


class MortalTransport:
    """May die just before and just after the mail server accepts a mail."""

    def __init__(self, transport: Transport, life: Life) -> None:
        self._transport = transport
        self._life = life

    async def send(self, message: EmailMessage, recipient: str, handing: Handing) -> None:
        self._life.step()
        await self._transport.send(message, recipient, handing)
        self._life.step()

    async def close(self) -> None:
        await self._transport.close()


def smtp(port: int) -> SmtpTransport:
    return SmtpTransport(SmtpSettings(host="127.0.0.1", port=port, sender=SENDER, security="none"))


async def live(job: dict[str, str], run: str, fatal: int | None, acknowledged: Path) -> int:
    """One life of a run; gives the number of steps it had. `acknowledged` grows by a byte with each acknowledged event."""
    timeline = TIMELINES[job["timeline"]]
    life = Life(fatal)
    clock = ManualClock(START)
    database = MortalDatabase(job["url"], life)
    switched = SwitchedTransport(clock, timeline.away, smtp(int(job["port"])), smtp(int(job["refusing"])))
    notify = Notify(database, clock, timeline.settings, MortalTransport(switched, life), SENDER)
    await Notify(Database(job["url"]), clock).add_recipient(run, f"{run}@crash.example")
    with acknowledged.open("ab", buffering=0) as journal:
        played = journal.seek(0, os.SEEK_END)
        await Player(database, clock, notify, run).play(timeline, played, lambda: journal.write(b".") and None)
    await database.close()
    return life.steps


def fork(job: dict[str, str], run: str, fatal: int | None) -> tuple[bool, int]:
    """Whether the life ended by itself, and its number of steps if so."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            steps = asyncio.run(live(job, run, fatal, Path(job["directory"]) / f"{run}.acknowledged"))
            os.write(writing, str(steps).encode())
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading) as answer:
        text = answer.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return False, 0
    if status != 0:
        raise SystemExit(f"{run} failed with status {status}")
    return True, int(text)


def main() -> None:
    """Run the job; print how many lives were cut short."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    job = json.loads(sys.stdin.read())
    _, steps = fork(job, "whole", None)
    killed = 0
    for fatal in range(int(job["first"]), steps, int(job["stride"])):
        ended, _ = fork(job, f"run-{fatal}", fatal)
        killed += not ended
        fork(job, f"run-{fatal}", None)
    print(json.dumps({"steps": steps, "killed": killed}))


if __name__ == "__main__":
    main()
