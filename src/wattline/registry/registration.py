"""What a caller asks the registry to make sure of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from wattline.model.place import Layout

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
