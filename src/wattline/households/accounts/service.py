"""Users, their tariffs, and experiments, on the state database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from wattline.households.accounts.model import Experiment, Participant, Tariff, User
from wattline.identity.service import Identity
from wattline.model.clock import Clock
from wattline.registry.service import Registry
from wattline.state.database import Database


class Accounts:
    """Every method reads the database, so that a command beside the server is seen at once."""

    def __init__(self, database: Database, registry: Registry, identity: Identity, clock: Clock) -> None:
        raise NotImplementedError

    async def user(self, tenant: str, user_id: str) -> User:
        """A household that is not deleted. Raises `NotFound`."""
        raise NotImplementedError

    async def users(self, tenant: str | None = None) -> list[User]:
        """Every household that is not deleted, of a tenant or of all, by tenant and id."""
        raise NotImplementedError

    async def create_user(self, tenant: str, given: Mapping[str, Any]) -> User:
        """A new household and its site. `given` has fields of `User`; `id` is made where it is missing. Raises `Invalid`, `Conflict`."""
        raise NotImplementedError

    async def change_user(self, tenant: str, user_id: str, given: Mapping[str, Any]) -> User:
        """Set the fields that are given. Raises `NotFound`, `Invalid`."""
        raise NotImplementedError

    async def delete_user(self, tenant: str, user_id: str) -> None:
        """Forget who they are, end their tokens, take them out of experiments; their meters are free again.

        Their readings stay, under an id that says nothing. Raises `NotFound`.
        """
        raise NotImplementedError

    async def issue_token(self, tenant: str, user_id: str, expires: int | None = None) -> str:
        """A new token with which the household reads its own data; nothing can show it again. Raises `NotFound`."""
        raise NotImplementedError

    async def set_tariff(self, tenant: str, user_id: str, since: date, base_price: Decimal, working_price: Decimal) -> None:
        """The prices from a local day on. Raises `NotFound`, `Invalid`."""
        raise NotImplementedError

    async def tariffs(self, tenant: str, user_id: str) -> list[Tariff]:
        """The household's tariffs, oldest first; empty where it has none."""
        raise NotImplementedError

    async def tariffs_of(self, tenant: str, user_ids: Sequence[str]) -> dict[str, list[Tariff]]:
        """The same of many households in one question."""
        raise NotImplementedError

    async def create_experiment(self, tenant: str, name: str, experiment_id: str | None = None) -> Experiment:
        """A new experiment. Raises `Invalid`, `Conflict`."""
        raise NotImplementedError

    async def experiment(self, tenant: str, experiment_id: str) -> Experiment:
        """Raises `NotFound`."""
        raise NotImplementedError

    async def experiments(self, tenant: str) -> list[Experiment]:
        """The experiments of a tenant, oldest first."""
        raise NotImplementedError

    async def put_participant(self, tenant: str, experiment_id: str, user_id: str, given: Mapping[str, Any]) -> Participant:
        """Let a household take part, or change how it does; `given` has fields of `Participant`. Raises `NotFound`, `Invalid`."""
        raise NotImplementedError

    async def remove_participant(self, tenant: str, experiment_id: str, user_id: str) -> None:
        """Raises `NotFound`."""
        raise NotImplementedError

    async def participants(self, tenant: str, experiment_id: str) -> list[tuple[Participant, User]]:
        """Who takes part, by user id. Raises `NotFound`."""
        raise NotImplementedError
