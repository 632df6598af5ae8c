"""Clients and tokens, and how their texts look."""

from __future__ import annotations

import base64
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from wattline.identity.secret import RandomBytes
from wattline.model.clock import HOUR
from wattline.model.errors import Fault, Faulty
from wattline.model.principal import JOULEPOINT, Principal

# They begin as API keys do, by which logs know a secret.
TOKEN, SECRET, CLIENT = "wl_token_", "wl_client_", "jp_"
TOKEN_LIFE = HOUR
LIVE_SECRETS = 2
"""Secrets of a client that are good at the same time: the newest, and the one before while it is replaced everywhere."""
NAME_LENGTH = 128
MOST_SITES = 10_000
_RANDOM_BYTES, _ID_BYTES = 25, 10
_TOKEN = re.compile(f"{TOKEN}[a-z2-7]{{40}}")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class Secret(NamedTuple):
    """A secret without its text: its digest, when it was made and ends (us since 1970 UTC; None: when it is replaced)."""

    digest: str
    created: int
    expires: int | None

    def live(self, now: int) -> bool:
        """Whether it is good at that time."""
        return self.expires is None or now < self.expires


@dataclass(frozen=True, slots=True)
class Client:
    """A credential of the contract; times in us since 1970 UTC.

    `sites` None is every site of the tenant. `secrets` are all that it ever had, oldest first. `last_used` is exact to the
    interval at which usage is written down.
    """

    id: str
    tenant: str
    name: str
    scopes: frozenset[str]
    sites: frozenset[str] | None
    created: int
    revoked: int | None
    last_used: int | None
    secrets: Sequence[Secret]

    def live_secrets(self, now: int) -> list[Secret]:
        """Those that are good at that time."""
        return [] if self.revoked is not None else [secret for secret in self.secrets if secret.live(now)]


class Token(NamedTuple):
    """An access token without its text, and whose it is."""

    client: str
    tenant: str
    scopes: frozenset[str]
    sites: frozenset[str] | None
    issued: int
    expires: int

    def principal(self) -> Principal:
        """Who asks when this token is shown."""
        return Principal(self.tenant, self.client, self.scopes, self.sites)


def new_client_id(random_bytes: RandomBytes) -> str:
    """An id, which is no secret."""
    return CLIENT + _letters(random_bytes(_ID_BYTES))


def new_secret(kind: str, random_bytes: RandomBytes) -> str:
    """The text of a token or of a client's secret, 200 random bits: nobody guesses it from its digest."""
    return kind + _letters(random_bytes(_RANDOM_BYTES))


def is_token(text: str) -> bool:
    """Whether a text has the form of a token; no other can be one."""
    return _TOKEN.fullmatch(text) is not None


def _letters(data: bytes) -> str:
    return base64.b32encode(data).decode().lower()


def check(name: object, scopes: object, sites: object) -> tuple[str, frozenset[str], frozenset[str] | None]:
    """What a client is to be called and may do. Raises `Faulty` with every fault."""
    faults: list[Fault] = []
    if not _is_text(name):
        faults.append(Fault("/name", "invalid", f"a name has 1 to {NAME_LENGTH} characters, none of them a control character"))
    if not isinstance(scopes, list | tuple) or not scopes:
        faults.append(Fault("/scopes", "required", "a list of at least one scope"))
    else:
        known = ", ".join(sorted(JOULEPOINT))
        for at, scope in enumerate(scopes[: len(JOULEPOINT) + 1]):
            if not isinstance(scope, str) or scope not in JOULEPOINT:
                faults.append(Fault(f"/scopes/{at}", "unknown", f"there is no such scope; there are {known}"))
        if len(scopes) > len(JOULEPOINT):
            faults.append(Fault("/scopes", "too_many", f"at most {len(JOULEPOINT)} scopes"))
    if sites is not None:
        if not isinstance(sites, list | tuple) or not 1 <= len(sites) <= MOST_SITES:
            faults.append(Fault("/sites", "invalid", f"1 to {MOST_SITES} sites, or none at all for every site"))
        elif not all(map(_is_text, sites)):
            faults.append(Fault("/sites", "invalid", f"the key of a site has 1 to {NAME_LENGTH} characters"))
    if faults:
        raise Faulty(faults)
    assert isinstance(name, str)
    assert isinstance(scopes, Collection)
    assert sites is None or isinstance(sites, Collection)
    return name, frozenset(scopes), None if sites is None else frozenset(sites)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= NAME_LENGTH and _UNPRINTABLE.search(value) is None
