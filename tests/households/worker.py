"""A process that does the periodic work of households, to be killed.

`python -m tests.households.worker URL DIRECTORY PORT NOW`: its clock stands still at NOW (us) until it is told otherwise on
standard input. `fill N` lets N homes have lived for days, `at T` lets it be another time, `mail` sends what is due. It prints a
line when it is ready, when it has done what it was told, and when work begins and ends.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.households.anomalies.street import Street, also, living
from tests.notify.conftest import SENDER, smtp
from tests.notify.mailbox import Mailbox
from tests.stores import RETENTION, Counts, Spine
from wattline.households.anomalies.store import Key
from wattline.households.service import Households
from wattline.identity.service import Identity
from wattline.ingest.pipeline import Options, Pipeline
from wattline.jobs.service import Jobs
from wattline.model.clock import DAY, HOUR, MINUTE, ManualClock, from_micros
from wattline.notify.service import Notify
from wattline.registry.service import Registry
from wattline.state.database import Database

DAYS = 4
WORKS = ("peaks", "anomalies", "reports")
NIGHT = DAYS * DAY + 3 * HOUR
"""us after the begin at which 9 kW run for 25 minutes in every home."""
SENT = NIGHT + 50 * MINUTE
"""us after the begin up to which there are readings."""


class Worker:
    """The work, told of as it begins and ends."""

    def __init__(self, households: Households, clock: ManualClock) -> None:
        self.clock = clock
        self._moved = asyncio.Event()
        for name in WORKS:
            self._tell(getattr(households, name), name)

    async def sleep(self, _seconds: float) -> None:
        await self._moved.wait()

    def at(self, time: int) -> None:
        self.clock.set(from_micros(time))
        self._moved.set()
        self._moved = asyncio.Event()

    def _tell(self, service: object, name: str) -> None:
        really = service.process_all  # type: ignore[attr-defined]

        async def told(slot: int) -> None:
            print("begin", name, slot, flush=True)
            await really(slot)
            print("end", name, slot, flush=True)

        service.process_all = told  # type: ignore[attr-defined]


async def fill(households: Households, spine: Spine, start: int, homes: int) -> None:
    """Homes whose every night was quiet but the last one."""
    street = Street(spine, Mailbox(), households.accounts, households.meters)
    for number in range(homes):
        user, mac = f"home-{number}", f"02:00:00:00:00:{number:02X}"
        # A report a day, at any hour.
        key: Key = await street.move_in(user, mac, report_days=1, report_hour=0)
        await street.send(key, also(living, (start + NIGHT, 25, 9000.0)), start + SENT, every=120, since=start)


async def main(url: str, directory: Path, port: int, now: int) -> None:
    clock = ManualClock(from_micros(now))
    spine = Spine(directory, clock, f"chdb://{directory}/telemetry")
    spine.database = Database(url)
    spine.registry = Registry(spine.database)
    await spine.registry.load()
    options = Options(directory / "journal.db", spine.telemetry_url, 1 << 30, RETENTION)
    spine.pipeline = Pipeline(options, spine.registry, clock, Counts(), lambda _rows: None)
    await spine.pipeline.start()
    notify = Notify(spine.database, clock, None, smtp(port), SENDER)
    parts = spine.database, spine.registry, Identity(spine.database, clock), spine.pipeline, notify, clock
    households = Households(*parts, ahead=HOUR, kept=90 * DAY, token_seconds=3600, grace_seconds=300)
    await households.meters.load()
    worker = Worker(households, clock)
    jobs = Jobs(url, clock, rescue_seconds=0.2, sleep=worker.sleep)
    households.schedule(jobs)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await jobs.launch()
    print("ready", flush=True)
    while line := (await reader.readline()).decode().split():
        if line[0] == "fill":
            await fill(households, spine, now, int(line[1]))
        elif line[0] == "mail":
            await notify.tick()
        else:
            worker.at(int(line[1]))
        print("done", flush=True)
    await jobs.stop()
    await spine.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
