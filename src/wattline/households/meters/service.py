"""Meters as one service: management, tokens, and the way of a measurement to a durable row."""

from __future__ import annotations

from wattline.households.meters.model import Assignment, Grant, Kind, Measurement, Meter
from wattline.ingest.pipeline import Pipeline
from wattline.model.clock import Clock
from wattline.registry.service import Registry
from wattline.registry.stream import Stream
from wattline.state.database import Database


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
        raise NotImplementedError

    async def load(self) -> None:
        """Read every meter; called once at start, after the registry."""
        raise NotImplementedError

    async def refresh(self) -> None:
        """Take over what another process changed; called every second."""
        raise NotImplementedError

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
        raise NotImplementedError

    async def set_script(self, tenant: str, mac: str, script: str | None) -> Meter:
        """Give a meter another script, handed out with its next token; None or blank takes it away. Raises `Invalid`, `NotFound`."""
        raise NotImplementedError

    async def set_secret(self, tenant: str, mac: str, secret: str | None) -> Meter:
        """What the meter must show to get a token; None: nothing. Raises `Invalid`, `NotFound`."""
        raise NotImplementedError

    async def set_limit(self, tenant: str, mac: str, limit: float) -> Meter:
        """The most that the household may use, in kWh a minute. Raises `Invalid`, `NotFound`."""
        raise NotImplementedError

    async def assign(self, tenant: str, mac: str, user: str | None, initial: float | None = None) -> Meter:
        """Let a meter read a household, or none. `initial` is what its register shows now, in kWh.

        The former household keeps its readings; one that had this meter before gets its history continued. Raises `NotFound`
        for the meter, `Conflict` where the household has another meter of that kind. The caller has checked the household.
        """
        raise NotImplementedError

    async def swap(self, tenant: str, mac: str, initial: float) -> Meter:
        """The electricity meter behind the device was replaced; its register shows `initial` kWh. What was used so far stays.

        Raises `NotFound`, `Invalid`, and `Conflict` where it is not assigned.
        """
        raise NotImplementedError

    async def remove(self, tenant: str, mac: str) -> None:
        """Forget a meter and its tokens; readings stay with the households. Raises `NotFound`."""
        raise NotImplementedError

    def meter(self, tenant: str, mac: str) -> Meter:
        """A meter by its address, however written. Raises `NotFound`, `Invalid`."""
        raise NotImplementedError

    def meters(self, tenant: str | None = None) -> list[Meter]:
        """Every meter of a tenant, or of all, by address."""
        raise NotImplementedError

    def of_user(self, tenant: str, user: str) -> list[Meter]:
        """The meters that read a household now."""
        raise NotImplementedError

    def stream(self, tenant: str, user: str, mac: str) -> Stream | None:
        """The rows that a meter sent, or sends, for a household; None where there never were any."""
        raise NotImplementedError

    async def assignments(self, tenant: str, user: str) -> list[Assignment]:
        """Which meters read a household, and when, oldest first."""
        raise NotImplementedError

    async def issue(self, client_id: str, *, need_script: bool = False, secret: str | None = None) -> Grant:
        """A new token for a meter. Raises `TooMany`, and `Unauthenticated` for one that is unknown, assigned to nobody or shows a
        wrong secret."""
        raise NotImplementedError

    def known(self, token: str) -> Meter | None:
        """Whose token this is, if that is known without asking the store; None says nothing about the token."""
        raise NotImplementedError

    async def authenticate(self, token: str) -> Meter:
        """Whose token this is now. Raises `Unauthenticated`."""
        raise NotImplementedError

    async def accept_script(self, meter: Meter) -> None:
        """The meter has its script. Raises `NotFound` where it has none."""
        raise NotImplementedError

    async def take(self, meter: Meter, measurement: Measurement) -> None:
        """Make a measurement durable.

        Raises `Refused` with the reason, `NotFound` without a household, `Unavailable` as ingest does.
        """
        raise NotImplementedError
