"""Every meter in memory, and whose it is, brought up to what the database holds."""

from __future__ import annotations

from collections.abc import Sequence

from wattline.households.meters import store
from wattline.households.meters.model import Assignment, Meter
from wattline.state.database import Database


class Roll:
    """Meters by address, addresses by household (tenant and user), and since when each meter has its household (us)."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._version = -1
        self._past: dict[str, list[Assignment]] = {}
        self.meters: dict[str, Meter] = {}
        self.of_user: dict[tuple[str, str], set[str]] = {}
        self.since: dict[str, int] = {}

    async def refresh(self) -> set[str]:
        """Take over what was changed since the last time; one row is read where nothing was.

        Gives the addresses whose meters were removed, or registered anew.
        """
        gone: set[str] = set()
        async with self._database.read() as connection:
            version = await store.version(connection)
            if version == self._version:
                return gone
            changed = await store.changed(connection, self._version)
            since = await store.since(connection, None if self._version < 0 else [meter.mac for meter in changed])
            for meter in changed:
                known = self.meters.get(meter.mac)
                if known is not None and (known.tenant, known.created) != (meter.tenant, meter.created):
                    gone.add(meter.mac)
                self.put(meter, since.get(meter.mac))
            if await store.count(connection) != len(self.meters):
                for mac in self.meters.keys() - await store.addresses(connection):
                    # One that this process made meanwhile is newer than what was read.
                    if self.meters[mac].version <= version:
                        self.drop(mac)
                        gone.add(mac)
        self._version = version
        return gone

    def put(self, meter: Meter, since: int | None) -> None:
        """A meter is new or was changed; what is older than what is known is not taken over."""
        known = self.meters.get(meter.mac)
        if known is not None and known.version > meter.version:
            return
        self.drop(meter.mac)
        self.meters[meter.mac] = meter
        if meter.user is not None and since is not None:
            self.of_user.setdefault((meter.tenant, meter.user), set()).add(meter.mac)
            self.since[meter.mac] = since

    def drop(self, mac: str) -> None:
        """A meter is no more."""
        known = self.meters.pop(mac, None)
        self._past.pop(mac, None)
        self.since.pop(mac, None)
        if known is not None and known.user is not None:
            owner = (known.tenant, known.user)
            macs = self.of_user.get(owner, set())
            macs.discard(mac)
            if not macs:
                self.of_user.pop(owner, None)

    async def assignments(self, meter: Meter) -> Sequence[Assignment]:
        """Whose a meter was, oldest first."""
        past = self._past.get(meter.mac)
        if past is None:
            async with self._database.read() as connection:
                past = await store.of_meter(connection, meter.tenant, meter.mac)
            if self.meters.get(meter.mac) is meter:
                self._past[meter.mac] = past
        return past


def holder(past: Sequence[Assignment], time: int, user: str) -> str | None:
    """Whose a reading of a time is, of a meter that is `user`'s now; None where it was nobody's.

    What was read before a meter had any household belongs to its first one.
    """
    for each in past:
        if each.since <= time and (each.until is None or time < each.until):
            return each.user
    others = any(each.user != user and each.since <= time for each in past)
    earliest = past[0].user if past and time < past[0].since else None
    if earliest is not None:
        return earliest
    return None if others else user
