"""Who asks: the tenant, what it may do, and the sites it may see."""

from __future__ import annotations

from dataclasses import dataclass

from wattline.model.errors import Forbidden

JOULEPOINT = frozenset(
    {
        "energy:read",
        "energy:write",
        "config:write",
        "pq:read",
        "pq:write",
        "automations:read",
        "automations:write",
        "relay:request",
        "relay:approve",
        "ml:read",
        "ml:write",
        "billing:read",
        "billing:write",
        "wallet:read",
        "wallet:write",
        "topology:read",
        "topology:write",
        "export:read",
        "admin",
    }
)
"""The scopes of the Joulepoint contract, in its own words; ml:write is HOP's too."""
ALL_SCOPES = frozenset(
    {
        "telemetry:write",
        "event:write",
        "outage:write",
        "query:read",
        "ml:write",
        "alarm:write",
        "command:write",
        "household:read",
        "household:admin",
        "household:ml",
        "household:cron",
        *JOULEPOINT,
    }
)


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller. `sites` is None for every site of the tenant, or the keys of the allowed ones."""

    tenant: str
    key_id: str
    scopes: frozenset[str]
    sites: frozenset[str] | None = None

    def require(self, scope: str) -> None:
        """Raise `Forbidden` unless the scope was granted."""
        if scope not in self.scopes:
            raise Forbidden(f"this key lacks the scope {scope}")

    def sees(self, site_key: str | None) -> bool:
        """Whether rows of this site are visible; rows of no known site are for tenant-wide keys only."""
        return self.sites is None or (site_key is not None and site_key in self.sites)
