"""Appliances as one service."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.households.appliances import store
from wattline.households.appliances.model import MOST_APPLIANCES, Appliance, described, new
from wattline.households.appliances.reckoning import reckon
from wattline.households.appliances.suggestions import suggested
from wattline.households.peaks.model import Profile
from wattline.households.recognition.model import Recogniser
from wattline.model.clock import Clock
from wattline.model.errors import Conflict, Invalid, NotFound
from wattline.state.database import Database

__all__ = ["Appliance", "Appliances"]

log = logging.getLogger(__name__)


class Appliances:
    """What a household has, which peaks it caused, and what follows for powers and weekly use.

    A change and what follows from it are one transaction; two changes of one household happen one after the other.
    """

    def __init__(self, database: Database, recogniser: Recogniser, clock: Clock) -> None:
        self._database = database
        self._recogniser = recogniser
        self._clock = clock

    async def appliances(self, tenant: str, user: str) -> list[Appliance]:
        """The appliances of a household, by id."""
        async with self._database.read() as connection:
            return await store.appliances(connection, tenant, user)

    async def appliance(self, tenant: str, user: str, device: int) -> Appliance:
        """Raises `NotFound`, also for another household's."""
        async with self._database.read() as connection:
            return await store.appliance(connection, tenant, user, device)

    async def create(self, tenant: str, user: str, given: Mapping[str, Any]) -> Appliance:
        """`given` has name and category, and power_w where the household knows it; without it the power is estimated.

        Raises `Invalid`, `NotFound` for the household, and `Conflict` where it has very many.
        """
        made = new(tenant, user, given)
        async with self._household(tenant, user) as connection:
            if len(await store.appliances(connection, tenant, user)) >= MOST_APPLIANCES:
                raise Conflict(f"a household has at most {MOST_APPLIANCES} devices")
            return replace(made, id=await store.add(connection, made, self._clock.micros()))

    async def change(self, tenant: str, user: str, device: int, given: Mapping[str, Any]) -> Appliance:
        """Set what is given. Powers of the household's other appliances follow at once.

        Raises `NotFound`, also for another household's; `Invalid`.
        """
        async with self._household(tenant, user) as connection:
            before = await store.appliance(connection, tenant, user, device)
            await store.save(connection, described(given, before), self._clock.micros())
            await reckon(connection, tenant, user, self._clock.micros())
            return await store.appliance(connection, tenant, user, device)

    async def remove(self, tenant: str, user: str, device: int) -> None:
        """Forget an appliance; its peaks stay, caused by the others. Raises `NotFound`."""
        async with self._household(tenant, user) as connection:
            await store.drop(connection, await store.appliance(connection, tenant, user, device))
            await reckon(connection, tenant, user, self._clock.micros())

    async def assign(self, tenant: str, user: str, peak: str, devices: Sequence[int]) -> None:
        """Say which appliances caused a peak; none is allowed. Powers and weekly hours follow at once.

        Raises `NotFound` for a peak or an appliance that is not the household's; `Invalid`.
        """
        if any(isinstance(each, bool) or not isinstance(each, int) for each in devices):
            raise Invalid("devices are named by their ids, which are whole numbers", "devices")
        async with self._household(tenant, user) as connection:
            if not await store.hold_peaks(connection, tenant, [peak], user):
                raise NotFound("no such peak")
            if set(devices) - {each.id for each in await store.appliances(connection, tenant, user)}:
                raise NotFound("no such device")
            await store.link(connection, tenant, peak, set(devices))
            await reckon(connection, tenant, user, self._clock.micros())

    async def assigned(self, tenant: str, user: str, peaks: Sequence[str]) -> dict[str, list[int]]:
        """The appliances of each of these peaks of the household, by id."""
        async with self._database.read() as connection:
            found = await store.links_of(connection, tenant, user, peaks)
        return {peak: found.get(peak, []) for peak in peaks}

    async def suggestions(self, tenant: str, user: str, peaks: Sequence[str]) -> dict[str, list[tuple[str, float]]]:
        """What each of these peaks of the household looks like: category and confidence, most likely first."""
        async with self._database.read() as connection:
            found = await store.suggested(connection, tenant, user, peaks)
        return {peak: found.get(peak, []) for peak in peaks}

    async def suggest(self, profiles: Sequence[Profile]) -> None:
        """Keep what new or grown peaks look like, in place of what was suggested before.

        A grown peak has another power, so powers follow where it was assigned. To be called outside of a transaction, after the
        peaks are durable. A model that fails is logged and suggests nothing: peaks are found without it.
        """
        likely = await asyncio.to_thread(self._look, profiles)
        tenants: defaultdict[str, dict[str, list[tuple[str, float]]]] = defaultdict(dict)
        for (peak, _, _), found in zip(profiles, likely, strict=True):
            tenants[peak.tenant][peak.id] = found
        for tenant, of_tenant in tenants.items():
            async with self._database.transaction() as connection:
                there = await store.hold_peaks(connection, tenant, of_tenant)
                await store.replace_suggestions(connection, tenant, {peak: of_tenant[peak] for peak in there})
                users = await store.assigners(connection, tenant, there)
            for user in users:
                # A household that was deleted meanwhile has no powers to follow.
                with contextlib.suppress(NotFound):
                    await self.reckon(tenant, user)

    async def reckon(self, tenant: str, user: str) -> None:
        """Let powers and weekly hours follow after a peak was taken away or changed. Raises `NotFound` for the household."""
        async with self._household(tenant, user) as connection:
            await reckon(connection, tenant, user, self._clock.micros())

    @contextlib.asynccontextmanager
    async def following(self, tenant: str, user: str) -> AsyncIterator[AsyncConnection]:
        """A transaction in which peaks of the household are taken away or changed: at its end powers and weekly hours follow.

        Raises `NotFound` for the household.
        """
        async with self._household(tenant, user) as connection:
            yield connection
            await reckon(connection, tenant, user, self._clock.micros())

    def _look(self, profiles: Sequence[Profile]) -> list[list[tuple[str, float]]]:
        found: list[list[tuple[str, float]]] = []
        for _, times, watts in profiles:
            try:
                found.append(suggested(self._recogniser.classify(times, watts, base_w=0.0)))
            except Invalid:  # Too few samples to look like anything.
                found.append([])
            except Exception:
                log.exception("the model that recognises appliances failed")
                found.append([])
        return found

    @contextlib.asynccontextmanager
    async def _household(self, tenant: str, user: str) -> AsyncIterator[AsyncConnection]:
        """A transaction in which nobody else works on the household. Raises `NotFound`."""
        async with self._database.transaction() as connection:
            await store.hold(connection, tenant, user)
            yield connection
