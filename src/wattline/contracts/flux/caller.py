"""Who asks, as the database would see it: a role, its claims, and what it may do with each relation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Verb = Literal["select", "insert", "update", "delete", "execute"]


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated caller. `expires` is in us, None for never; `anonymous` where the role is the configured anon role."""

    tenant: str
    role: str
    key_id: str
    claims: Mapping[str, Any] = field(default_factory=dict)
    expires: int | None = None
    anonymous: bool = False


class Policy(Protocol):
    """Who may do what. `relation` is the name of a relation or of a function."""

    def check(self, caller: Caller, verb: Verb, relation: str) -> None:
        """Raise `Refusal` 42501 (401 for anon, else 403) where a grant is missing or a row-level policy refuses an insert."""
        ...

    def sees(self, caller: Caller, verb: Verb, relation: str) -> bool:
        """Whether rows of the relation exist for this caller and verb: under row-level security what is denied is not there."""
        ...
