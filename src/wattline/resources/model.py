"""What a resource is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["meter", "group", "account", "tariff", "schedule", "constraint", "node", "edge", "pq_config"]

NAME_LENGTH = 200
METADATA_BYTES = 8192


@dataclass(frozen=True, slots=True)
class Resource:
    """One document as it stands; times in us since 1970 UTC.

    `version` counts its changes from 1. `body` is its JSON, `name` and `external_id` included where it has them; it belongs to
    nobody and is not to be written to. `removed` is when it was removed, None while it is there.
    """

    id: int
    tenant: str
    kind: Kind
    version: int
    created: int
    updated: int
    removed: int | None
    body: Mapping[str, Any]

    @property
    def external_id(self) -> str | None:
        """The caller's own name for it, unique within its tenant and kind while it is there."""
        found: str | None = self.body.get("external_id")
        return found
