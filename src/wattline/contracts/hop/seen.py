"""What a caller may see: the streams and sites of its tenant, cut to the substations of its key."""

from __future__ import annotations

from collections.abc import Sequence

from wattline.contracts.hop.devices import LAYOUT
from wattline.model.clock import SECOND
from wattline.model.errors import Forbidden
from wattline.model.principal import Principal
from wattline.registry.service import Registry
from wattline.registry.stream import Stream

SKEW = 5 * SECOND
"""How far a device's clock may run ahead of ours and its reading still count as of now."""


def telemetry_streams(registry: Registry, principal: Principal) -> Sequence[Stream]:
    """Every telemetry stream that the caller may see."""
    return _allowed(registry.streams(principal.tenant, LAYOUT.name), principal)


def score_streams(registry: Registry, principal: Principal, model: str) -> Sequence[Stream]:
    """The streams of one model's scores that the caller may see."""
    streams = registry.streams(principal.tenant, "score")
    return _allowed([stream for stream in streams if stream.device.attributes.get("model_version") == model], principal)


def substation_streams(registry: Registry, principal: Principal, substation: str) -> Sequence[Stream]:
    """The telemetry streams of one substation; none for one that is not known, or is another utility's.

    Raises `Forbidden` for a substation of the caller's own utility that its key does not include.
    """
    if not principal.sees(substation):
        if registry.site(principal.tenant, substation) is not None:
            raise Forbidden("this key has no access to this substation")
        return []
    streams = registry.streams(principal.tenant, LAYOUT.name)
    return [stream for stream in streams if stream.device.site.key == substation]


def _allowed(streams: Sequence[Stream], principal: Principal) -> Sequence[Stream]:
    sites = principal.sites
    return streams if sites is None else [stream for stream in streams if stream.device.site.key in sites]
