"""What a caller asks the registry to make sure of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from wattline.model.place import Layout
from wattline.registry.stream import Stream

StreamKey = tuple[str, str, str, str]
"""Tenant, site key, device key, layout name."""


@dataclass(frozen=True, slots=True)
class Registration:
    """A stream that shall exist: its tenant, the keys of its site and device, and its columns.

    `block` is the slug of the device's block; None is the block that bears the site's key.
    """

    tenant: str
    site: str
    device: str
    layout: Layout
    attributes: Mapping[str, str] = field(default_factory=dict)
    block: str | None = None

    @property
    def key(self) -> StreamKey:
        """How the registry finds it."""
        return self.tenant, self.site, self.device, self.layout.name


@dataclass(frozen=True, slots=True)
class Description:
    """What shall be known of a stream that exists: attributes of its device (None takes one away), and the energy roles of its
    sensors by quantity. What is not named stays."""

    stream: Stream
    attributes: Mapping[str, str | None]
    roles: Mapping[str, str | None]

    @property
    def holds(self) -> bool:
        """Whether all of it is known already."""
        known = self.stream.device.attributes
        if any(known.get(name) != text for name, text in self.attributes.items()):
            return False
        return all(self.roles.get(s.quantity.name, s.role) == s.role for s in self.stream.sensors)
