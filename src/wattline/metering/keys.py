"""Keys of devices and gateways: made, listed, rotated, revoked, and known from memory by every request that bears one."""

from __future__ import annotations

import asyncio
import secrets
import uuid
from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.identity.secret import RandomBytes
from wattline.metering import keys_store as store
from wattline.metering.checks import is_id
from wattline.metering.meters import Meters
from wattline.metering.model import DeviceKey, Meter
from wattline.model.clock import DAY, SECOND, Clock
from wattline.model.errors import Conflict, Fault, Faulty, NotFound, Unauthenticated, WattlineError
from wattline.resources.service import Resources, Writer
from wattline.state.database import Database

REFUSED = "missing or invalid device key"
"""What everybody is told whose key does not hold, whether there never was one or it was revoked."""
USUAL_GRACE = DAY
LONGEST_GRACE = 30 * DAY
MOST_OF_A_METER = 20
MOST_GATEWAYS = 1000
MOST_METERS = 10_000
SECRET_BYTES = 32


class NewKey(NamedTuple):
    """A key that was made: its text, which nothing can show again, and what is known of it."""

    key: DeviceKey
    text: str


def digest_of(text: str) -> str:
    """What is kept of the text of a key, a UUID in either case."""
    return sha256(text.lower().encode("utf-8", "surrogatepass")).hexdigest()


class Keys:
    """Every key that holds is in memory, by the digest of its text. Call `load` once and `refresh` every second.

    What this process changes holds at once; what another changes, from the next `refresh`.
    """

    def __init__(
        self,
        database: Database,
        resources: Resources,
        meters: Meters,
        clock: Clock,
        random_bytes: RandomBytes = secrets.token_bytes,
    ) -> None:
        self._database = database
        self._resources = resources
        self._meters = meters
        self._clock = clock
        self._random_bytes = random_bytes
        self._turn = asyncio.Lock()
        self._change = 0
        self._by_digest: dict[str, DeviceKey] = {}
        self._digests: dict[int, str] = {}
        self._of_meters: dict[int, dict[int, DeviceKey]] = {}
        meters.on_leaving.append(self._revoke_all)
        meters.on_gone.append(self.refresh)

    async def load(self) -> None:
        """Read every key that holds."""
        await self.refresh()

    async def refresh(self) -> None:
        """Take over what changed, here or in another process."""
        async with self._turn, self._database.read() as connection:
            newest = await store.newest_change(connection)
            if newest > self._change:
                for digest, key in await store.changed_since(connection, self._change):
                    self._take(digest, key)
                self._change = newest

    async def _learn(self) -> None:
        """Take over what was just committed. Where that fails the answer must not: what it shows is shown only once."""
        with suppress(WattlineError):
            await self.refresh()

    def _take(self, digest: str, key: DeviceKey) -> None:
        if key.revoked is None:
            self._by_digest[digest] = key
            self._digests[key.id] = digest
            if key.meter_id is not None:
                self._of_meters.setdefault(key.meter_id, {})[key.id] = key
        else:
            self._by_digest.pop(digest, None)
            self._digests.pop(key.id, None)
            if key.meter_id is not None:
                self._of_meters.get(key.meter_id, {}).pop(key.id, None)

    def known(self, text: str) -> DeviceKey | None:
        """Whose key this is; None for a text that is no key, or one that was revoked. Never asks the store."""
        return self._by_digest.get(digest_of(text))

    def numbered(self, number: int) -> DeviceKey | None:
        """The key with this id, if it holds. Never asks the store."""
        digest = self._digests.get(number)
        return None if digest is None else self._by_digest[digest]

    def of_meter(self, tenant: str, meter_id: int) -> list[DeviceKey]:
        """The keys of a meter's own devices that hold. Never asks the store."""
        return [key for key in self._of_meters.get(meter_id, {}).values() if key.tenant == tenant]

    def authenticate(self, text: str | None) -> DeviceKey:
        """Whose key this is. Raises `Unauthenticated`, always with the same words."""
        found = None if text is None else self.known(text)
        if found is None:
            raise Unauthenticated(REFUSED)
        return found

    async def create(self, tenant: str, meter_id: int, *, name: str | None = None, require_signature: bool = False) -> NewKey:
        """A key for the devices of one meter. Raises `NotFound`, `Conflict` where it takes no readings or has keys enough."""
        async with self._resources.writing() as writer:
            if not self._meters.get(tenant, meter_id).takes_readings:
                raise Conflict("this meter takes no readings: it is computed, or reads another device")
            made = await self._insert(
                writer.connection, self._new(tenant, name, meter_id, frozenset((meter_id,)), require_signature)
            )
        await self._learn()
        return made

    async def create_gateway(
        self, tenant: str, meters: Collection[int] | None, *, name: str | None = None, require_signature: bool = False
    ) -> NewKey:
        """A key for a gateway of these meters, or of all that the tenant has or will have (None).

        Raises `Faulty` for meters that are not there, `Conflict` where there are keys enough.
        """
        async with self._resources.writing() as writer:
            allowed = None if meters is None else self._checked(tenant, meters)
            made = await self._insert(writer.connection, self._new(tenant, name, None, allowed, require_signature))
        await self._learn()
        return made

    def _checked(self, tenant: str, meters: Collection[int]) -> frozenset[int]:
        if not 1 <= len(meters) <= MOST_METERS:
            raise Faulty([Fault("/meter_ids", "out_of_range", f"must name 1 to {MOST_METERS} meters, or be null for all")])
        faults = [
            Fault(f"/meter_ids/{index}", "unknown_reference", f"there is no meter {number}")
            for index, number in enumerate(meters)
            if not is_id(number) or self._meters.find(tenant, number) is None
        ]
        if faults:
            raise Faulty(faults)
        return frozenset(meters)

    def _new(
        self, tenant: str, name: str | None, meter_id: int | None, meters: frozenset[int] | None, signed: bool
    ) -> DeviceKey:
        return DeviceKey(
            id=0,
            tenant=tenant,
            name=name,
            meter_id=meter_id,
            meters=meters,
            secret=self._random_bytes(SECRET_BYTES).hex(),
            former_secret=None,
            former_until=None,
            require_signature=signed,
            created=self._clock.micros(),
            rotated=None,
            revoked=None,
        )

    async def _insert(self, connection: AsyncConnection, new: DeviceKey) -> NewKey:
        change = await store.next_change(connection)
        most = MOST_GATEWAYS if new.meter_id is None else MOST_OF_A_METER
        if await store.live(connection, new.tenant, new.meter_id) >= most:
            raise Conflict(f"there are {most} keys already: revoke one first")
        text = str(uuid.UUID(bytes=self._random_bytes(16), version=4))
        return NewKey(replace(new, id=await store.insert(connection, new, digest_of(text), change)), text)

    async def list(self, tenant: str, meter_id: int | None = None) -> list[DeviceKey]:
        """The keys of a meter's devices, or of the tenant's gateways (None), revoked ones too, oldest first.

        Raises `NotFound` for a meter that is not there.
        """
        if meter_id is not None:
            self._meters.get(tenant, meter_id)
        async with self._database.read() as connection:
            return await store.of(connection, tenant, meter_id)

    async def get(self, tenant: str, number: int, meter_id: int | None = None) -> DeviceKey:
        """One of the keys that `list` gives. Raises `NotFound`."""
        async with self._database.read() as connection:
            return await self._held(connection, tenant, number, meter_id)

    async def rotate(self, tenant: str, number: int, meter_id: int | None = None, *, grace: int = USUAL_GRACE) -> DeviceKey:
        """Give a key a new secret; the former one holds for `grace` (us) longer, the text of the key stays.

        A secret that was rotated out before ends at once. Raises `NotFound`, `Faulty`, and `Conflict` for a revoked key.
        """
        if type(grace) is not int or not 0 <= grace <= LONGEST_GRACE:
            raise Faulty([Fault("/grace_s", "out_of_range", f"must be from 0 to {LONGEST_GRACE // SECOND} seconds")])
        now = self._clock.micros()
        async with self._database.transaction() as connection:
            change = await store.next_change(connection)
            known = await self._held(connection, tenant, number, meter_id)
            if known.revoked is not None:
                raise Conflict("this key is revoked")
            values = {
                "secret": self._random_bytes(SECRET_BYTES).hex(),
                "former_secret": known.secret if grace else None,
                "former_until": now + grace if grace else None,
                "rotated": now,
            }
            await store.update(connection, number, values, change)
            made = await self._held(connection, tenant, number, meter_id)
        await self._learn()
        return made

    async def revoke(self, tenant: str, number: int, meter_id: int | None = None) -> DeviceKey:
        """End a key for good: here at once, in other processes within two seconds. Again is without effect."""
        async with self._database.transaction() as connection:
            change = await store.next_change(connection)
            known = await self._held(connection, tenant, number, meter_id)
            if known.revoked is None:
                ended = {"revoked": self._clock.micros(), "former_secret": None, "former_until": None}
                await store.update(connection, number, ended, change)
                known = await self._held(connection, tenant, number, meter_id)
        await self.refresh()
        return known

    async def _held(self, connection: AsyncConnection, tenant: str, number: int, meter_id: int | None) -> DeviceKey:
        # A number that the column cannot hold is no id, rather than a failure of the store.
        found = await store.one(connection, tenant, number) if is_id(number) else None
        if found is None or found.meter_id != meter_id:
            raise NotFound("no such key")
        return found

    async def _revoke_all(self, writer: Writer, meter: Meter) -> None:
        change = await store.next_change(writer.connection)
        await store.revoke_of_meter(writer.connection, meter.tenant, meter.id, self._clock.micros(), change)
