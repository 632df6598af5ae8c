"""What is known of an API key, and which keys can be made."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from wattline.identity.secret import OPAQUE, Form
from wattline.model.errors import Invalid
from wattline.model.principal import ALL_SCOPES, Principal

NAME_LENGTH = 128
MOST_SITES = 10_000
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")

State = Literal["active", "expired", "revoked"]


class RoleKey(NamedTuple):
    """Whose a key is that stands for a role, and for which one."""

    tenant: str
    key_id: str
    role: str
    form: Form


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """An API key without its secret; times in microseconds since 1970 UTC.

    `prefix` is the part of the secret that may be shown. `sites` None is every site of the tenant. `replaced_by` is the id of
    the key that a rotation put in its place. `last_used` is exact to the interval at which usage is written down.
    A key that stands for a `role` has no scopes: it opens what knows roles, and nothing else.
    """

    id: str
    tenant: str
    name: str
    prefix: str
    scopes: frozenset[str]
    sites: frozenset[str] | None
    created: int
    expires: int | None
    revoked: int | None
    last_used: int | None
    replaced_by: str | None
    role: str | None = None
    form: Form = "wl"

    def state(self, now: int) -> State:
        """What the key is good for at that time: it expires at `expires`, not after it."""
        if self.revoked is not None:
            return "revoked"
        return "expired" if self.expires is not None and now >= self.expires else "active"

    def principal(self) -> Principal:
        """Who asks when this key is shown."""
        return Principal(self.tenant, self.id, self.scopes, self.sites)

    def role_key(self) -> RoleKey | None:
        """The role that this key stands for, if it does."""
        return None if self.role is None else RoleKey(self.tenant, self.id, self.role, self.form)

    def beginning(self) -> str:
        """What the key begins with, as far as that may be shown."""
        if self.form == "jwt":
            return "a token"
        return f"{OPAQUE[self.role]}{self.prefix}" if self.form == "sb" and self.role is not None else f"wl_{self.prefix}"


@dataclass(frozen=True, slots=True)
class Project:
    """What a tenant's tokens are signed with. `ref` names the project in them and is no secret.

    The secret of an HMAC signs and checks alike, so it cannot be kept as a hash: who reads the state database can make tokens.
    """

    tenant: str
    ref: str
    secret: str = field(repr=False)
    created: int


def check_text(field: str, value: object) -> str:
    """A name or key of 1 to 128 characters, none of them a control character; else `Invalid`."""
    if not isinstance(value, str) or not 1 <= len(value) <= NAME_LENGTH:
        raise Invalid(f"{field} must have 1 to {NAME_LENGTH} characters", field)
    if _UNPRINTABLE.search(value):
        raise Invalid(f"{field} must not hold control characters", field)
    return value


def check_scopes(scopes: Collection[str]) -> frozenset[str]:
    """At least one scope, each one that exists; else `Invalid`."""
    if isinstance(scopes, str):
        raise Invalid("scopes must be a list", "scopes")
    unknown = sorted(repr(scope) for scope in scopes if scope not in ALL_SCOPES)
    if unknown:
        raise Invalid(f"no such scope: {', '.join(unknown)}; there are {', '.join(sorted(ALL_SCOPES))}", "scopes")
    if not scopes:
        raise Invalid("a key needs at least one scope", "scopes")
    return frozenset(scopes)


def check_sites(sites: Collection[str] | None) -> frozenset[str] | None:
    """None for every site, or 1 to 10,000 site keys; an empty list would be a key that sees nothing. Else `Invalid`."""
    if sites is None:
        return None
    if isinstance(sites, str):
        raise Invalid("sites must be a list", "sites")
    if not 1 <= len(sites) <= MOST_SITES:
        raise Invalid(f"give 1 to {MOST_SITES} sites, or none at all for every site", "sites")
    return frozenset(check_text("sites", site) for site in sites)


def check_role(role: str, form: Form) -> str:
    """A role that a key of this form can stand for; else `Invalid`."""
    if form == "sb" and role not in OPAQUE:
        raise Invalid(f"only the roles {' and '.join(OPAQUE)} have opaque keys", "role")
    return check_text("role", role)
