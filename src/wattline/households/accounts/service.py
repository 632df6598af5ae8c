"""Users, their tariffs and experiments, on the state database."""

from __future__ import annotations

import logging
import secrets
import string
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.households.accounts import checks, store
from wattline.households.accounts.model import Experiment, Participant, Tariff, User
from wattline.households.tables import experiments, participants, users
from wattline.identity.model import check_text
from wattline.identity.service import Identity
from wattline.model.clock import Clock
from wattline.model.errors import Conflict, NotFound, StorageFull, Unavailable
from wattline.notify.households import forget
from wattline.registry.service import Registry
from wattline.state.database import Database

T = TypeVar("T")
log = logging.getLogger(__name__)

NO_HOUSEHOLD = "no such household"
NO_EXPERIMENT = "no such experiment"
NO_PARTICIPANT = "the household takes no part in this experiment"
READ = "household:read"
ID_LENGTH = 30

NEW_USER: Mapping[str, Any] = {
    "firstname": None,
    "lastname": None,
    "email": None,
    "zone": "Europe/Berlin",
    "language": "de",
    "active": True,
    "anomaly_mails": True,
    "report_mails": True,
    "report_days": 3,
    "report_hour": 6,
    "quiet_from": None,
    "quiet_to": None,
    "goal_kwh": None,
}
"""What holds for a new household where nothing else is given; its name is then its id."""
FORGOTTEN: Mapping[str, Any] = {
    "firstname": None,
    "lastname": None,
    "email": None,
    "active": False,
    "anomaly_mails": False,
    "report_mails": False,
    "goal_kwh": None,
    "r_squared": None,
}
NEW_PARTICIPANT: Mapping[str, Any] = {
    "status": "registered",
    "number": 0,
    "installed": None,
    "deinstalled": None,
    "gets_paid": False,
    "uses_prolific": False,
}


def random_id() -> str:
    """An id that says nothing and cannot be guessed."""
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(ID_LENGTH))


async def nothing_to_release(_tenant: str, _user_id: str) -> None:
    """There are no meters."""


class Accounts:
    """Every method reads the database, so that a command beside the server is seen at once.

    What is changed of a household is changed with its row held, so that changes follow one another.
    """

    def __init__(
        self,
        database: Database,
        registry: Registry,
        identity: Identity,
        clock: Clock,
        new_id: Callable[[], str] = random_id,
    ) -> None:
        self._database = database
        self._registry = registry
        self._identity = identity
        self._clock = clock
        self._new_id = new_id
        self.released: Callable[[str, str], Awaitable[None]] = nothing_to_release
        """Takes the meters from a household (tenant and user id) that is about to be deleted."""

    async def user(self, tenant: str, user_id: str) -> User:
        """A household that is not deleted. Raises `NotFound`."""
        _possible(NO_HOUSEHOLD, user_id)
        async with self._database.read() as connection:
            return _there(await store.user(connection, tenant, user_id), NO_HOUSEHOLD)

    async def users(self, tenant: str | None = None) -> list[User]:
        """Every household that is not deleted, of a tenant or of all, by tenant and id."""
        async with self._database.read() as connection:
            return await store.user_rows(connection, tenant)

    async def page(self, tenant: str, limit: int, offset: int) -> tuple[list[User], int]:
        """Some of the tenant's households, by id, and how many there are."""
        async with self._database.read() as connection:
            return await store.user_rows(connection, tenant, limit, offset), await store.count(connection, tenant)

    async def create_user(self, tenant: str, given: Mapping[str, Any]) -> User:
        """A new household and its site. `given` has fields of `User`; `id` is made where it is missing.

        Raises `Invalid`, and `Conflict` for an id that a household has or had, or another site has.
        """
        fields = dict(given)
        user_id = checks.identifier("id", fields.pop("id")) if "id" in fields else self._new_id()
        kept = {**NEW_USER, "name": user_id, **checks.checked(fields, checks.USER)}
        checks.check_quiet(kept["quiet_from"], kept["quiet_to"])
        if self._registry.site(tenant, user_id) is not None:
            raise Conflict("this id is taken")
        user = User(tenant=tenant, id=user_id, r_squared=None, created=self._clock.micros(), deleted=None, **kept)
        async with self._database.transaction() as connection:
            if not await store.insert(connection, users, {name: getattr(user, name) for name in User.__slots__}):
                raise Conflict("this id is taken")
        await self._describe_site(user)
        return user

    async def change_user(self, tenant: str, user_id: str, given: Mapping[str, Any]) -> User:
        """Set the fields that are given. Raises `NotFound`, `Invalid`."""
        kept = checks.checked(given, checks.USER)
        async with self._database.transaction() as connection:
            user = await _held(connection, tenant, user_id)
            checks.check_quiet(kept.get("quiet_from", user.quiet_from), kept.get("quiet_to", user.quiet_to))
            await store.update_user(connection, tenant, user_id, kept)
            user = await _held(connection, tenant, user_id)
        await self._describe_site(user)
        return user

    async def _describe_site(self, user: User) -> None:
        """Let the household's site have its name and zone, and none if the household was deleted meanwhile.

        What was written of the household stands without it: its next change describes a site that cannot be described now.
        """
        site = self._registry.site(user.tenant, user.id)
        if site is not None and (site.name, site.zone) == (user.name, user.zone):
            return
        try:
            await self._registry.put_site(user.tenant, user.id, name=user.name, zone=user.zone)
            async with self._database.read() as connection:
                now = await store.user(connection, user.tenant, user.id)
            if now is None or now.name != user.name:
                await self._registry.put_site(user.tenant, user.id, name=None if now is None else now.name)
        except (Unavailable, StorageFull) as error:
            log.warning("the site of a household was not described: %s", error)

    async def delete_user(self, tenant: str, user_id: str) -> None:
        """Forget who they are, end their tokens, take them out of experiments; their meters are free again.

        Their readings stay, under an id that says nothing. Raises `NotFound`.
        """
        await self.user(tenant, user_id)
        await self.released(tenant, user_id)
        await self._end_tokens(tenant, user_id)
        # Before the household itself: whatever fails, another try goes on from there.
        await self._registry.put_site(tenant, user_id, name=None)
        now = self._clock.micros()
        async with self._database.transaction() as connection:
            await _held(connection, tenant, user_id)
            await store.update_user(connection, tenant, user_id, {**FORGOTTEN, "name": user_id, "deleted": now})
            await store.forget(connection, tenant, user_id)
            await forget(connection, tenant, user_id, now)
        # What was written, assigned and issued meanwhile.
        await self._registry.put_site(tenant, user_id, name=None)
        await self.released(tenant, user_id)
        await self._end_tokens(tenant, user_id)

    async def issue_token(self, tenant: str, user_id: str, expires: int | None = None) -> str:
        """A new token with which the household reads its own data; nothing can show it again. Raises `NotFound`, and `Invalid`
        for an end (`expires`, us) that has passed."""
        await self.user(tenant, user_id)
        record, token = await self._identity.create(tenant, f"household {user_id}", [READ], [user_id], expires)
        try:
            await self.user(tenant, user_id)
        except NotFound:
            await self._identity.revoke(record.id, tenant)
            raise
        return token

    async def _end_tokens(self, tenant: str, user_id: str) -> None:
        for record in await self._identity.list(tenant):
            if record.sites == frozenset({user_id}) and record.revoked is None:
                await self._identity.revoke(record.id, tenant)

    async def set_tariff(self, tenant: str, user_id: str, since: date, base_price: Decimal, working_price: Decimal) -> None:
        """The prices from a local day on, in place of those that began on it. Raises `NotFound`, `Invalid`."""
        tariff = Tariff(
            checks.local_day("since", since),
            checks.amount("base_price", base_price, checks.MOST_BASE_PRICE),
            checks.amount("working_price", working_price, checks.MOST_WORKING_PRICE),
        )
        async with self._database.transaction() as connection:
            await _held(connection, tenant, user_id)
            await store.put_tariff(connection, tenant, user_id, tariff)

    async def remove_tariff(self, tenant: str, user_id: str, since: date) -> None:
        """Let the prices before go on. Raises `NotFound`, also where none begin on that day."""
        async with self._database.transaction() as connection:
            await _held(connection, tenant, user_id)
            if not await store.remove_tariff(connection, tenant, user_id, since):
                raise NotFound("no prices begin on that day")

    async def tariffs(self, tenant: str, user_id: str) -> list[Tariff]:
        """The household's tariffs, oldest first; empty where it has none."""
        return (await self.tariffs_of(tenant, [user_id]))[user_id]

    async def tariffs_of(self, tenant: str, user_ids: Sequence[str]) -> dict[str, list[Tariff]]:
        """The same of many households in one question; every one of them is in the answer."""
        async with self._database.read() as connection:
            found = await store.tariff_rows(connection, tenant, user_ids)
        return {user_id: found.get(user_id, []) for user_id in user_ids}

    async def create_experiment(self, tenant: str, name: str, experiment_id: str | None = None) -> Experiment:
        """A new experiment. Raises `Invalid`, `Conflict`."""
        known = self._new_id() if experiment_id is None else checks.identifier("id", experiment_id)
        made = Experiment(tenant, known, check_text("name", name), self._clock.micros())
        async with self._database.transaction() as connection:
            if not await store.insert(connection, experiments, {name: getattr(made, name) for name in Experiment.__slots__}):
                raise Conflict("this id is taken")
        return made

    async def experiment(self, tenant: str, experiment_id: str) -> Experiment:
        """Raises `NotFound`."""
        _possible(NO_EXPERIMENT, experiment_id)
        async with self._database.read() as connection:
            return _there(await store.experiment(connection, tenant, experiment_id), NO_EXPERIMENT)

    async def experiments(self, tenant: str) -> list[Experiment]:
        """The experiments of a tenant, oldest first."""
        async with self._database.read() as connection:
            return await store.experiment_rows(connection, tenant)

    async def put_participant(self, tenant: str, experiment_id: str, user_id: str, given: Mapping[str, Any]) -> Participant:
        """Let a household take part, or change how it does; `given` has fields of `Participant`.

        Raises `NotFound`, `Invalid`.
        """
        _possible(NO_EXPERIMENT, experiment_id)
        kept = checks.checked(given, checks.PARTICIPANT)
        async with self._database.transaction() as connection:
            await _held(connection, tenant, user_id)
            _there(await store.experiment(connection, tenant, experiment_id), NO_EXPERIMENT)
            held = await store.participant(connection, tenant, experiment_id, user_id)
            now = NEW_PARTICIPANT if held is None else {name: getattr(held, name) for name in NEW_PARTICIPANT}
            part = Participant(experiment=experiment_id, user=user_id, **{**now, **kept})
            checks.check_stay(part.installed, part.deinstalled)
            if held is None:
                row = {name: getattr(part, name) for name in Participant.__slots__}
                await store.insert(connection, participants, {"tenant": tenant, **row})
            else:
                await store.update_participant(connection, tenant, experiment_id, user_id, kept)
        return part

    async def remove_participant(self, tenant: str, experiment_id: str, user_id: str) -> None:
        """Raises `NotFound`."""
        _possible(NO_PARTICIPANT, experiment_id, user_id)
        async with self._database.transaction() as connection:
            if not await store.remove_participant(connection, tenant, experiment_id, user_id):
                raise NotFound(NO_PARTICIPANT)

    async def participants(self, tenant: str, experiment_id: str) -> list[tuple[Participant, User]]:
        """Who takes part, by user id. Raises `NotFound`."""
        _possible(NO_EXPERIMENT, experiment_id)
        async with self._database.read() as connection:
            _there(await store.experiment(connection, tenant, experiment_id), NO_EXPERIMENT)
            return await store.participant_rows(connection, tenant, experiment_id)


def _possible(words: str, *ids: str) -> None:
    """What cannot be an id is no one's; PostgreSQL would not even look for some texts. Raises `NotFound`."""
    if not all(checks.ID.fullmatch(each) for each in ids):
        raise NotFound(words)


async def _held(connection: AsyncConnection, tenant: str, user_id: str) -> User:
    _possible(NO_HOUSEHOLD, user_id)
    return _there(await store.user(connection, tenant, user_id, hold=True), NO_HOUSEHOLD)


def _there(found: T | None, words: str) -> T:
    if found is None:
        raise NotFound(words)
    return found
