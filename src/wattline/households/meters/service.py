"""Meters as one service: management, tokens, and the way of a measurement to a durable row."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.households.meters import checks, scripts, store
from wattline.households.meters.intake import OUT_OF_RANGE, Intake, Late
from wattline.households.meters.model import (
    LAYOUT,
    USUAL_LIMIT,
    Assignment,
    Grant,
    Kind,
    Measurement,
    Meter,
    Refusal,
    Refused,
    TooMany,
    mac_of,
)
from wattline.households.meters.roll import Roll, holder
from wattline.households.meters.tokens import REFUSED, Tokens
from wattline.identity.limits import RateLimiter
from wattline.ingest.pipeline import Pipeline
from wattline.model.clock import SECOND, Clock
from wattline.model.errors import Conflict, Invalid, NotFound, Unauthenticated
from wattline.registry.service import Registry
from wattline.registry.stream import Stream
from wattline.state.database import Database

NO_METER = "Sensor not found"
TOKEN_RATE, TOKEN_BURST = 0.2, 12
"""Tokens a second that a meter may ask for: analog ones ask far more often than they need to."""


class Meters:
    """Every meter is in memory, by its MAC address; changes are durable when a method returns.

    `token_seconds` is how long a token holds, `grace_seconds` how long one holds after a newer one was issued;
    `ahead` (us) is how far in the future a reading may be, `kept` (us) how old.
    """

    def __init__(
        self,
        database: Database,
        registry: Registry,
        pipeline: Pipeline,
        clock: Clock,
        *,
        ahead: int,
        kept: int,
        token_seconds: int = 3600,
        grace_seconds: int = 300,
    ) -> None:
        self._database = database
        self._registry = registry
        self._clock = clock
        self._token_seconds = token_seconds
        self._roll = Roll(database)
        self._tokens = Tokens(database, clock, token_seconds * SECOND, grace_seconds * SECOND)
        self._limiter = RateLimiter(clock)
        self._intake = Intake(pipeline, clock, ahead=ahead, kept=kept)

    def tell_late(self, late: Late) -> None:
        """Let `late` be awaited before rows are stored that may be older than others: with the meter, their stream, and the
        time of the oldest one (us). What it raises, `take` raises."""
        self._intake.on_late = late

    async def load(self) -> None:
        """Read every meter; called once at start, after the registry."""
        await self._roll.refresh()

    async def refresh(self) -> None:
        """Take over what another process changed; called every second."""
        for mac in await self._roll.refresh():
            self._tokens.forget(mac)

    async def add(
        self,
        tenant: str,
        mac: str,
        kind: Kind,
        *,
        script: str | None = None,
        secret: str | None = None,
        limit: float | None = None,
    ) -> Meter:
        """Register a meter. Raises `Invalid`, and `Conflict` where the address is registered."""
        text = scripts.checked(script)
        meter = Meter(
            mac=mac_of(mac),
            tenant=tenant,
            kind=Kind(kind),
            user=None,
            script=text,
            needs_script=text is not None,
            limit=USUAL_LIMIT if limit is None else checks.limit(limit),
            secret=checks.secret(secret),
            created=self._clock.micros(),
            version=0,
        )
        async with self._database.transaction() as connection:
            meter = replace(meter, version=await store.next_version(connection))
            if not await store.insert(connection, meter):
                raise Conflict("this sensor is registered")
            # A token may have been issued while the meter's former owner removed it.
            await store.remove_tokens(connection, meter.mac)
        self._tokens.forget(meter.mac)
        self._roll.put(meter, None)
        return meter

    async def set_script(self, tenant: str, mac: str, script: str | None) -> Meter:
        """Give a meter another script, handed out with its next token; None or blank takes it away.

        Raises `Invalid`, `NotFound`.
        """
        return await self.change(tenant, mac, {"script": script})

    async def set_secret(self, tenant: str, mac: str, secret: str | None) -> Meter:
        """What the meter must show to get a token; None: nothing. Raises `Invalid`, `NotFound`."""
        return await self.change(tenant, mac, {"secret": secret})

    async def set_limit(self, tenant: str, mac: str, limit: float) -> Meter:
        """The most that the household may use, in kWh a minute. Raises `Invalid`, `NotFound`."""
        return await self.change(tenant, mac, {"limit": limit})

    async def change(self, tenant: str, mac: str, given: Mapping[str, Any]) -> Meter:
        """Set those of `script`, `secret` and `limit` that are given, all or none. Raises `Invalid`, `NotFound`."""
        values: dict[str, Any] = {}
        if "script" in given:
            text = scripts.checked(given["script"])
            values |= {"script": text, "needs_script": text is not None}
        if "secret" in given:
            values["secret"] = checks.secret(given["secret"])
        if "limit" in given:
            values["limit_kwh_minute"] = checks.limit(given["limit"])
        return await self._change(tenant, mac, values) if values else self.meter(tenant, mac)

    async def assign(self, tenant: str, mac: str, user: str | None, initial: float | None = None) -> Meter:
        """Let a meter read a household, or none. `initial` is what its register shows now, in kWh.

        The former household keeps its readings; one that had this meter before gets its history continued. Raises `NotFound`
        for the meter, and for a household that was deleted, `Conflict` where the household has another meter of that kind. The
        caller has checked that there is such a household.
        """
        known = self.meter(tenant, mac)
        shown = None if initial is None else checks.register(initial)
        if user is None:
            return await self._reassign(tenant, known.mac, None)
        stream = await self._registry.register(tenant, user, known.mac, LAYOUT)
        meter = await self._reassign(tenant, known.mac, user)
        if shown is not None:
            await self._intake.begin(stream, shown, analog=meter.kind is Kind.ANALOG_ELECTRICITY)
        return meter

    async def _reassign(self, tenant: str, mac: str, user: str | None) -> Meter:
        now = self._clock.micros()
        async with self._database.transaction() as connection:
            version = await store.next_version(connection)
            held = await _held(connection, tenant, mac)
            if user == held.user:
                since = (await store.since(connection, [mac])).get(mac)
            else:
                if user is not None and await store.was_deleted(connection, tenant, user):
                    raise NotFound("no such household")
                if user is not None and await store.rival(connection, tenant, user, held.kind, mac):
                    raise Conflict("this household has another sensor of this kind")
                await store.close(connection, mac, now)
                since = None if user is None else await store.begin(connection, tenant, mac, user, now)
                await store.update(connection, mac, {"user": user, "version": version})
                self._intake.refusals.forget(mac)
                held = replace(held, user=user, version=version)
        self._roll.put(held, since)
        return held

    async def release(self, tenant: str, user: str) -> None:
        """Take every meter from a household; its readings stay."""
        for meter in self.of_user(tenant, user):
            await self._reassign(tenant, meter.mac, None)

    async def swap(self, tenant: str, mac: str, initial: float) -> Meter:
        """The electricity meter behind the device was replaced; its register shows `initial` kWh. What was used so far stays.

        Raises `NotFound`, `Invalid`, and `Conflict` where it is not assigned.
        """
        meter = self.meter(tenant, mac)
        shown = checks.register(initial)
        if meter.user is None:
            raise Conflict("this sensor is not assigned to a household")
        stream = await self._registry.register(tenant, meter.user, meter.mac, LAYOUT)
        await self._intake.begin(stream, shown, analog=meter.kind is Kind.ANALOG_ELECTRICITY)
        return meter

    async def remove(self, tenant: str, mac: str) -> None:
        """Forget a meter and its tokens; readings stay with the households. Raises `NotFound`."""
        known = self.meter(tenant, mac)
        async with self._database.transaction() as connection:
            await store.next_version(connection)
            await _held(connection, tenant, known.mac)
            await store.remove(connection, known.mac, self._clock.micros())
        self._tokens.forget(known.mac)
        self._intake.refusals.forget(known.mac)
        self._roll.drop(known.mac)

    async def _change(self, tenant: str, mac: str, values: Mapping[str, Any]) -> Meter:
        known = self.meter(tenant, mac)
        async with self._database.transaction() as connection:
            version = await store.next_version(connection)
            await _held(connection, tenant, known.mac)
            await store.update(connection, known.mac, {**values, "version": version})
            meter = await _held(connection, tenant, known.mac)
            since = (await store.since(connection, [meter.mac])).get(meter.mac)
        self._roll.put(meter, since)
        return meter

    def meter(self, tenant: str, mac: str) -> Meter:
        """A meter by its address, however written. Raises `NotFound`, `Invalid`."""
        meter = self._roll.meters.get(mac_of(mac))
        if meter is None or meter.tenant != tenant:
            raise NotFound(NO_METER)
        return meter

    def meters(self, tenant: str | None = None) -> list[Meter]:
        """Every meter of a tenant, or of all, by address."""
        return sorted((m for m in self._roll.meters.values() if tenant in (None, m.tenant)), key=lambda meter: meter.mac)

    def of_user(self, tenant: str, user: str) -> list[Meter]:
        """The meters that read a household now."""
        return [self._roll.meters[mac] for mac in sorted(self._roll.of_user.get((tenant, user), ()))]

    def stream(self, tenant: str, user: str, mac: str) -> Stream | None:
        """The rows that a meter sent, or sends, for a household; None where there never were any."""
        return self._registry.find(tenant, user, mac, LAYOUT.name)

    async def assignments(self, tenant: str, user: str) -> list[Assignment]:
        """Which meters read a household, and when, oldest first."""
        async with self._database.read() as connection:
            return await store.of_user(connection, tenant, user)

    async def history(self, tenant: str, mac: str) -> list[Assignment]:
        """Which households a meter read, and when, oldest first. Raises `NotFound`, `Invalid`."""
        return list(await self._roll.assignments(self.meter(tenant, mac)))

    def refusals(self, tenant: str, mac: str) -> list[Refusal]:
        """The newest readings of a meter that were not taken, newest first: in this process, since its start.

        Raises `NotFound`, `Invalid`.
        """
        return self._intake.refusals.of(self.meter(tenant, mac).mac)

    async def issue(self, client_id: str, *, need_script: bool = False, secret: str | None = None) -> Grant:
        """A new token for a meter.

        Raises `TooMany`, and `Unauthenticated` for one that is unknown, assigned to nobody or shows a wrong secret.
        """
        try:
            meter = self._roll.meters.get(mac_of(client_id))
        except Invalid:
            meter = None
        if meter is not None:
            taken = self._limiter.take(meter.mac, TOKEN_RATE, TOKEN_BURST)
            if not taken.allowed:
                raise TooMany("Too many tokens", taken.retry_after)
        wanted = None if meter is None else meter.secret
        fits = wanted is None or hmac.compare_digest(checks.digest(secret or ""), wanted)
        if meter is None or meter.user is None or not fits:
            raise Unauthenticated(NO_METER)
        token = await self._tokens.issue(meter.mac)
        script = meter.script if meter.needs_script or need_script else None
        turns = scripts.rotations(script)
        return Grant(token, self._token_seconds, script if turns is None else None, turns)

    def known(self, token: str) -> Meter | None:
        """Whose token this is, if that is known without asking the store; None says nothing about the token."""
        mac = self._tokens.known(token)
        return None if mac is None else self._roll.meters.get(mac)

    async def authenticate(self, token: str) -> Meter:
        """Whose token this is now. Raises `Unauthenticated`."""
        meter = self._roll.meters.get(await self._tokens.owner(token))
        if meter is None:
            raise Unauthenticated(REFUSED)
        return meter

    async def accept_script(self, meter: Meter) -> None:
        """The meter has its script. Raises `NotFound` where it has none."""
        held = self._roll.meters.get(meter.mac)
        if held is None or held.script is None:
            raise NotFound("Script not found")
        # A number of rotations goes with every token: the devices that need it never say that they have it.
        if held.needs_script and scripts.rotations(held.script) is None:
            await self._change(held.tenant, held.mac, {"needs_script": False})

    async def take(self, meter: Meter, measurement: Measurement) -> None:
        """Make a measurement durable.

        Raises `Refused` with the reason, `NotFound` without a household, `Unavailable` as ingest does.
        """
        held = self._roll.meters.get(meter.mac)
        if held is None or held.user is None:
            raise NotFound(NO_METER)
        user = held.user
        if measurement.time is not None and measurement.time < self._roll.since.get(held.mac, 0):
            owner = holder(await self._roll.assignments(held), measurement.time, user)
            if owner is None:
                raise Refused(OUT_OF_RANGE)
            user = owner
        stream = self._registry.find(held.tenant, user, held.mac, LAYOUT.name)
        if stream is None:
            stream = await self._registry.register(held.tenant, user, held.mac, LAYOUT)
        await self._intake.take(held, stream, measurement)


async def _held(connection: AsyncConnection, tenant: str, mac: str) -> Meter:
    found = await store.meter(connection, tenant, mac)
    if found is None:
        raise NotFound(NO_METER)
    return found
