"""What could not be taken in: counted one by one, kept as far as that is of use to a person."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, OrderedDict

from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.gateways import store
from wattline.gateways.model import Category
from wattline.gateways.store import DeadLetter
from wattline.model.clock import DAY, HOUR, MINUTE, Clock
from wattline.model.errors import StorageFull, Unavailable
from wattline.state.database import Database

log = logging.getLogger(__name__)

LONGEST_PAYLOAD = 4000
LONGEST_MESSAGE = 1000
LONGEST_TOPIC = 1024
ALIKE = 10
"""Letters of one topic and category that are kept per hour: a sensor that errs every second says nothing new."""
MOST_WAITING = 2000
"""Letters that wait to be written; what comes beyond is counted only."""
MOST_TOPICS = 50_000
FLUSH_SECONDS = 1.0


def printable(text: str, longest: int) -> str:
    """At most so many characters of a text; what is not for a screen or a store is an escape."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text[:longest])
    return text[:longest]


def shown(payload: bytes) -> str:
    """A payload as text of at most 4,000 characters; what is not UTF-8 as `\\x..` escapes."""
    return printable(payload[: 4 * LONGEST_PAYLOAD].decode("utf-8", "backslashreplace"), LONGEST_PAYLOAD)


class DeadLetters:
    """Adding is a matter of memory; `run` writes what was added about every second, all in one transaction.

    Every letter is counted, by minute. Of those alike (tenant, topic, category) ten an hour are kept, and of one tenant
    `most_per_day`; counts and letters are dropped after `keep` (us). A crash loses the letters and counts of the last second.
    `totals` counts by category since the start.
    """

    def __init__(self, database: Database, clock: Clock, *, most_per_day: int = 10_000, keep: int = 30 * DAY) -> None:
        self.totals: Counter[str] = Counter()
        self._database = database
        self._clock = clock
        self._most_per_day = most_per_day
        self._keep = keep
        self._waiting: list[DeadLetter] = []
        self._counts: Counter[tuple[str, int, Category]] = Counter()
        self._alike: OrderedDict[tuple[str, str, str], tuple[int, int]] = OrderedDict()
        self._today: dict[tuple[str, int], int] = {}
        self._writing = asyncio.Lock()

    def add(self, tenant: str, topic: str, payload: bytes, category: Category, message: str) -> None:
        """Take note of a message that could not be taken in, and why."""
        now = self._clock.micros()
        minute = now - now % MINUTE
        self.totals[category] += 1
        self._counts[tenant, minute, category] += 1
        topic = topic[:LONGEST_TOPIC]
        if self._is_news(tenant, topic, category, now) and len(self._waiting) < MOST_WAITING:
            name, text = printable(topic, LONGEST_TOPIC), printable(message, LONGEST_MESSAGE)
            self._waiting.append(DeadLetter(None, tenant, name, shown(payload), category, text, now))

    def _is_news(self, tenant: str, topic: str, category: str, now: int) -> bool:
        hour = now - now % HOUR
        key = (tenant, topic, category)
        began, seen = self._alike.get(key, (hour, 0))
        if began != hour:
            began, seen = hour, 0
        self._alike[key] = (began, seen + 1)
        if len(self._alike) > MOST_TOPICS:
            self._alike.popitem(last=False)
        return seen < ALIKE

    async def flush(self) -> None:
        """Write what waits. Raises `Unavailable` or `StorageFull`, and then it waits on."""
        async with self._writing:
            if not self._counts:
                return
            letters, self._waiting = self._waiting, []
            counts, self._counts = self._counts, Counter()
            try:
                async with self._database.transaction() as connection:
                    chosen = await self._chosen(connection, letters)
                    kept = Counter((c.tenant, c.received - c.received % MINUTE, c.category) for c in chosen)
                    await store.count(connection, counts, kept)
                    await store.insert(connection, chosen)
            except BaseException:
                self._waiting = letters + self._waiting[: MOST_WAITING - len(letters)]
                self._counts.update(counts)
                self._today.clear()
                raise

    async def _chosen(self, connection: AsyncConnection, letters: list[DeadLetter]) -> list[DeadLetter]:
        """The letters for which their tenant's day has room."""
        chosen = []
        for letter in letters:
            day = letter.received - letter.received % DAY
            key = (letter.tenant, day)
            if key not in self._today:
                self._today = {k: v for k, v in self._today.items() if k[1] >= day - DAY}
                self._today[key] = await store.kept_since(connection, letter.tenant, day)
            if self._today[key] < self._most_per_day:
                self._today[key] += 1
                chosen.append(letter)
        return chosen

    async def run(self) -> None:
        """Write what was added, for ever; to be cancelled, and followed by a last `flush`."""
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            try:
                await self.flush()
            except (Unavailable, StorageFull) as error:
                log.warning("dead letters wait: %s", error)

    async def prune(self) -> None:
        """Drop what is older than is kept; to be called every hour or so."""
        before = self._clock.micros() - self._keep
        async with self._database.transaction() as connection:
            await store.prune(connection, before)

    async def count_since(self, tenant: str, since: int) -> int:
        """How many there were since a time (us), exact to the minute, those not kept included."""
        since -= since % MINUTE
        async with self._database.read() as connection:
            written = await store.count_since(connection, tenant, since)
        waiting = sum(n for (owner, minute, _), n in self._counts.items() if owner == tenant and minute >= since)
        return written + waiting

    async def newest(self, tenant: str, limit: int = 100) -> list[DeadLetter]:
        """Those kept, newest first."""
        async with self._database.read() as connection:
            return await store.newest(connection, tenant, limit)

    async def not_kept_since(self, tenant: str, since: int) -> int:
        """How many of those counted since a time were not kept: repetitions, and what was beyond the day's room."""
        async with self._database.read() as connection:
            return await store.not_kept_since(connection, tenant, since - since % MINUTE)
