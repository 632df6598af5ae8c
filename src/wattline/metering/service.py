"""Metering as one service."""

from __future__ import annotations

from collections.abc import Callable

from wattline.metering.accounts import Accounts
from wattline.metering.checks_references import References
from wattline.metering.formula import weights
from wattline.metering.groups import Groups
from wattline.metering.keys import Keys
from wattline.metering.meters import Meters
from wattline.metering.meters_checks import Usual
from wattline.metering.model import Channel, Meter
from wattline.metering.roles import Roles
from wattline.model.clock import Clock
from wattline.model.errors import Invalid, NotFound
from wattline.registry.service import Registry
from wattline.registry.stream import Stream
from wattline.resources.service import Resources
from wattline.state.database import Database

USUAL_ZONE = "UTC"


class Metering:
    """Meters, groups, accounts and keys. `frequency_of` tells the nominal frequency of a tenant's grid, in Hz.

    Made before the resources are loaded, which it then hears of; call `load` once and `refresh` every second.
    """

    def __init__(
        self,
        resources: Resources,
        registry: Registry,
        database: Database,
        clock: Clock,
        frequency_of: Callable[[str], int],
        zone: str = USUAL_ZONE,
    ) -> None:
        self._clock = clock
        self.references = References(resources)
        self.meters = Meters(resources, self.references, registry, lambda tenant: Usual(frequency_of(tenant), zone))
        self.groups = Groups(resources, self.references, self.meters)
        self.accounts = Accounts(resources, self.references, self.meters)
        self.keys = Keys(database, resources, self.meters, clock)
        self.roles = Roles(resources, self.meters, registry)

    async def load(self) -> None:
        """Read every key."""
        await self.keys.load()

    async def refresh(self) -> None:
        """Take over what other processes changed of keys; resources do so themselves. Let the registry know what meters are."""
        await self.keys.refresh()
        await self.roles.refresh()

    async def stream(self, meter: Meter) -> Stream:
        """The stream of a meter's own readings, registered now if it is not. Raises as `Meters.stream` does."""
        return await self.meters.stream(meter)

    def channel(self, meter: Meter, field: str) -> Channel | None:
        """Where a field of a meter is stored, None where it is nowhere."""
        return self.meters.channel(meter, field)

    def members(
        self,
        tenant: str,
        *,
        meter_id: int | None = None,
        group_id: int | None = None,
        account_id: int | None = None,
        at: int | None = None,
        sites: frozenset[str] | None = None,
    ) -> list[tuple[Meter, int]]:
        """The measured meters whose figures add up to that of a meter, a group or an account, each with its factor, by id.

        Exactly one of the three is given. The factor is 1 or -1; another where formulas or groups without `dedupe` lead to a
        meter in several ways; what adds up to 0 is left out. Virtual meters are resolved to what they are computed from. An
        account has the meters of the moment `at` (us), now where it is not given. `sites` are those that the caller may see:
        a figure that a meter of another site is part of does not exist for it. Raises `NotFound`, `Invalid`.
        """
        if meter_id is not None and group_id is None and account_id is None:
            named = {self.meters.get(tenant, meter_id).id: 1}
        elif group_id is not None and meter_id is None and account_id is None:
            named = dict(self.groups.counts(tenant, group_id))
        elif account_id is not None and meter_id is None and group_id is None:
            moment = self._clock.micros() if at is None else at
            named = dict.fromkeys(self.accounts.meters_at(tenant, account_id, moment), 1)
        else:
            raise Invalid("exactly one of meter_id, group_id and account_id must be given")
        found = self.resolved(tenant, named)
        if sites is not None and not all(meter.site in sites for meter, _ in found):
            raise NotFound(f"no such {'meter' if meter_id is not None else 'group' if group_id is not None else 'account'}")
        return found

    def resolved(self, tenant: str, named: dict[int, int]) -> list[tuple[Meter, int]]:
        """Meters by id and how often each counts, with virtual ones resolved to what they are computed from, by id."""
        formula = self.meters.formula(tenant)
        total: dict[int, int] = {}
        for number, count in named.items():
            for leaf, weight in weights(number, formula).items():
                total[leaf] = total.get(leaf, 0) + count * weight
        return [(self.meters.get(tenant, leaf), total[leaf]) for leaf in sorted(total) if total[leaf]]
