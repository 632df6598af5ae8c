"""Who asks: the tenant, what it may do, and the sites it may see."""

from __future__ import annotations

from dataclasses import dataclass

from wattline.model.errors import Forbidden

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
