"""Random histories of trips, restores, outages of the mail server and time: what operators believe in the end is true."""

from __future__ import annotations

import asyncio
import shutil
from itertools import pairwise
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from wattline.model.clock import SECOND, ManualClock
from wattline.notify.ledger import AlertQuery
from wattline.notify.model import Kind, State
from wattline.notify.policy import AlertSettings
from wattline.notify.service import Notify
from wattline.notify.smtp import Handing, Unreachable
from wattline.state.database import Database

from .timelines import START, Player, Step, restore, trip

OPERATOR = "operator@utility.example"
QUICK = AlertSettings(rate_limit=4, storm_trips=3, retry_longest=60)


class Post:
    """Takes mail while it is open, without a network: a history has hundreds of mails, and the dialogue is tested elsewhere."""

    def __init__(self) -> None:
        self.open = True
        self.taken: list[tuple[str, str, str]] = []

    async def send(self, message: object, recipient: str, handing: Handing) -> None:
        if not self.open:
            raise Unreachable("closed")
        await handing()
        text = message.get_body(("plain",)).get_content()  # type: ignore[attr-defined]
        self.taken.append((message["Message-ID"], message["X-Wattline-Alert"], text))  # type: ignore[index]

    async def close(self) -> None: ...


FEEDERS = [f"FDR00{number}" for number in range(6)]
WAIT = st.sampled_from([1, 7, 61, 150, 301, 700])
EVENT = st.tuples(st.sampled_from(["trip", "trip", "restore"]), st.sampled_from(FEEDERS), st.integers(0, 20))
MOVE = st.one_of(EVENT, EVENT, st.tuples(st.just("wait"), WAIT), st.tuples(st.just("post"), st.booleans()))


async def play(path: Path, moves: list[tuple[object, ...]]) -> tuple[Player, Post, Database]:
    clock, post, database = ManualClock(START), Post(), Database(f"sqlite+aiosqlite:///{path}")
    player = Player(database, clock, Notify(database, clock, QUICK, post, "alerts@wattline.example"))
    await player.notify.add_recipient("utility", OPERATOR)
    now = 0.0
    for what, *words in moves:
        if what == "post":
            post.open = bool(words[0])
        elif what == "wait":
            now += words[0]  # type: ignore[operator]
            await player.run_until(now)
        else:
            now += 1
            await player.run_until(now)
            make = trip if what == "trip" else restore
            step: Step = make(now, feeder=words[0], time=now - words[1])  # type: ignore[operator]
            await player.feeders.grid_event("utility", step.event())
            await player.notify.tick()
    post.open = True
    await player.run_until(now + 4000)
    return player, post, database


def last_word(post: Post, feeder: str) -> str | None:
    """What the operator last read of a feeder: that it is open, that it is closed, or nothing."""
    word = None
    for _, _, text in post.taken:
        for line in text.splitlines():
            if feeder in line and ("tripped" in line or "still open" in line or (line.count("UTC") and "restored" not in line)):
                word = "open"
            if feeder in line and "restored" in line:
                word = "closed"
    return word


# A restore whose mail waits for the server must not arrive after the mail of the next trip.
OVERTAKING = [("trip", "FDR000", 0), ("post", False), ("restore", "FDR000", 0), ("trip", "FDR000", 0), ("wait", 301)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(moves=OVERTAKING)
@given(moves=st.lists(MOVE, min_size=1, max_size=25))
def test_what_operators_believe_is_true(moves: list[tuple[object, ...]], migrated_sqlite: Path, tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    for left in tmp_path.glob("state.sqlite*"):
        left.unlink()
    shutil.copyfile(migrated_sqlite, path)

    async def check() -> None:
        player, post, database = await play(path, moves)
        tripped = {feeder.feeder for feeder in await player.feeders.tripped("utility")}
        for feeder in FEEDERS:
            assert (last_word(post, feeder) == "open") is (feeder in tripped), feeder
        assert len({taken[0] for taken in post.taken}) == len(post.taken), "no mail twice"
        rows = (await player.notify.alerts(AlertQuery("utility", limit=500))).alerts
        assert await player.notify.next_due() is None
        assert {row.state for row in rows} <= {State.SENT, State.CANCELLED}
        trips = {row.incident for row in rows if row.kind == Kind.TRIP and row.state == State.SENT}
        assert {row.incident for row in rows if row.kind == Kind.RESTORE and row.state == State.SENT} <= trips
        for feeder in FEEDERS:
            own = [row for row in rows if row.kind == Kind.TRIP and row.subject == feeder and row.state == State.SENT]
            times = sorted(row.queued for row in own if row.queued is not None)
            assert all(later - earlier >= QUICK.trip_cooldown * SECOND for earlier, later in pairwise(times)), feeder
        await database.close()

    asyncio.run(check())
