"""An incident of a household's meter. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

AnomalyKind = Literal["usage", "silent"]


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One incident of a household's meter: from `start` (us) to `end`, None while it lasts.

    `usage`: far more than expected; `silent`: the meter stopped sending. `figures` are those of its mail.
    """

    tenant: str
    id: str
    user: str
    mac: str
    kind: AnomalyKind
    start: int
    end: int | None
    figures: Mapping[str, Any]


def id_of(tenant: str, user: str, mac: str, kind: AnomalyKind, start: int) -> str:
    """The id of the incident that began then: whoever finds it gives it the same, so its mail is one mail."""
    text = "\x1f".join((tenant, user, mac, kind, str(start)))
    return hashlib.sha256(text.encode()).hexdigest()[:30]
