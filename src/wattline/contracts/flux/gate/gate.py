"""Who asks: the key of a request, the token that may come beside it, the role that they give, and how often it may ask.

The key is a header `apikey` or a parameter of that name, and must be one that `wattline key create --contract flux` has made.
It alone is enough. A token of the same project in `Authorization: Bearer` decides the role instead; one that is itself a key
holds only while that key does. Where the server runs with `open`, a caller without a good key is service_role of the default
tenant, or what a good token of that tenant says.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

import msgspec
from starlette.types import Scope

from wattline.contracts.flux.caller import Caller
from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.gate import words
from wattline.contracts.flux.gate.credentials import SOCKET_HEADERS, offered
from wattline.contracts.flux.gate.rates import Rates
from wattline.contracts.flux.gate.words import NoSuchRole, SocketRefused
from wattline.identity.jwt_token import Fault, TokenRefused, Verified, read, unverified
from wattline.identity.limits import RateLimiter
from wattline.identity.model import RoleKey
from wattline.identity.projects import ISSUER
from wattline.identity.service import Identity
from wattline.model.clock import Clock
from wattline.settings import RESERVED_ROLES, Settings

MOST_TOKENS = 10_000
ANON, SERVICE = "anon", "service_role"


@dataclass(frozen=True, slots=True)
class _Known:
    """A token that was read: whom it makes the caller, whose requests those are, and when it holds."""

    caller: Caller
    who: Hashable
    verified: Verified | None


class Gate:
    """Tells the caller of a request or a socket. Of more than 10,000 tokens the one shown least recently is read again."""

    def __init__(self, identity: Identity, settings: Settings, limiter: RateLimiter, clock: Clock) -> None:
        self._identity = identity
        self._clock = clock
        self._roles = frozenset((*RESERVED_ROLES, *settings.flux_roles))
        self._audience = settings.flux_jwt_audience
        self._rates = Rates(settings, limiter, clock)
        self._tokens: OrderedDict[Hashable, _Known] = OrderedDict()
        anybody = Caller(settings.default_tenant, SERVICE, "open", {"role": SERVICE})
        self._anybody = _Known(anybody, ("open",), None) if settings.open else None

    async def admit(self, scope: Scope) -> Caller:
        """Who sent this request, which is counted. Raises `Refusal` 401 or 429, Unavailable where the state is away."""
        apikey, bearer = offered(scope)
        key = None if apikey is None else await self._identity.role_key(apikey)
        if apikey is None or key is None:
            if self._anybody is not None:
                return self._count(scope, await self._open(bearer, self._anybody))
            self._rates.charge(scope, self._rates.anon, ("refused", _address(scope)))
            raise words.no_key() if apikey is None else words.bad_key()
        try:
            if bearer is None or bearer == apikey:
                known = await self._own(key, apikey)
            elif not bearer:
                raise words.empty_token()
            else:
                known = await self._shown(bearer, key.tenant, key.key_id)
        except (TokenRefused, NoSuchRole, Refusal) as error:
            self._count(scope, _bare(key))
            raise error if isinstance(error, Refusal) else words.for_request(error) from error
        return self._count(scope, known)

    async def admit_socket(self, scope: Scope) -> Caller:
        """Who opens this socket, which is counted as one request. Raises `SocketRefused`."""
        apikey, _ = offered(scope, SOCKET_HEADERS)
        try:
            key = None if apikey is None else await self._identity.role_key(apikey)
            if apikey is not None and key is not None:
                return self._count(scope, await self._own(key, apikey))
            if self._anybody is not None:
                return self._count(scope, self._anybody)
            self._rates.charge(scope, self._rates.anon, ("refused", _address(scope)))
        except (TokenRefused, NoSuchRole) as error:
            raise words.for_socket(error) from error
        except Refusal as error:
            raise SocketRefused(error.status, "ClientJoinRateLimitReached", error.message, error.headers) from error
        raise self._unknown(apikey)

    async def verify(self, token: str, tenant: str, key_id: str = "") -> Caller:
        """Whom a token makes the caller, shown by one who came in with the key `key_id` of this tenant. Counts nothing.

        Cheap enough to ask again every second whether the token still holds: it ends at `Caller.expires`, give or take the
        leeway, and a key's token also when the key is revoked. Raises `SocketRefused`.
        """
        try:
            known = await self._shown(token, tenant, key_id)
        except (TokenRefused, NoSuchRole) as error:
            if self._anybody is not None:
                return self._anybody.caller
            raise words.for_socket(error) from error
        if known.caller.expires is None or "role" not in known.caller.claims:
            raise _incomplete()
        return known.caller

    def _count(self, scope: Scope, known: _Known) -> Caller:
        caller = known.caller
        tier = self._rates.tier(caller.role)
        # Whoever opens a page with the anon key shows the same one: there each address has a limit of its own.
        alone = caller.anonymous or known is self._anybody
        self._rates.charge(scope, tier, (known.who, _address(scope)) if alone else known.who)
        return caller

    async def _open(self, bearer: str | None, anybody: _Known) -> _Known:
        if bearer:
            try:
                return await self._shown(bearer, anybody.caller.tenant, "open")
            except (TokenRefused, NoSuchRole):
                pass
        return anybody

    async def _own(self, key: RoleKey, text: str) -> _Known:
        """The caller whom a key makes, when no token comes with it."""
        if key.form != "jwt":
            return _bare(key)
        return await self._read((key.tenant, key.key_id), text, key.tenant, key.key_id)

    async def _shown(self, token: str, tenant: str, key_id: str) -> _Known:
        """The caller whom a token makes that came beside a key."""
        digest = hashlib.sha256(token.encode()).digest()
        known = await self._read((tenant, key_id, digest), token, tenant, key_id)
        if known.caller.claims.get("iss") == ISSUER:
            key = await self._identity.role_key(token)
            if key is None or key.tenant != tenant:
                raise TokenRefused(Fault.ENDED)
        return known

    async def _read(self, place: Hashable, token: str, tenant: str, key_id: str) -> _Known:
        known = self._tokens.get(place)
        if known is not None and known.verified is not None:
            known.verified.check(self._clock.micros())
            self._tokens.move_to_end(place)
            return known
        secret = await self._identity.projects.secret(tenant)
        if secret is None:
            raise TokenRefused(Fault.SIGNATURE)
        verified = read(token, secret)
        verified.check(self._clock.micros(), self._audience)
        known = self._tokens[place] = self._made(verified, tenant, key_id)
        if len(self._tokens) > MOST_TOKENS:
            self._tokens.popitem(last=False)
        return known

    def _made(self, verified: Verified, tenant: str, key_id: str) -> _Known:
        claims = verified.claims
        role = claims.get("role")
        role = ANON if role is None else role
        if not isinstance(role, str) or role not in self._roles:
            raise NoSuchRole(role if isinstance(role, str) else msgspec.json.encode(role).decode())
        issued, subject = claims.get("jti"), claims.get("sub")
        if claims.get("iss") == ISSUER and isinstance(issued, str):
            key_id = issued
        who = (tenant, "sub", subject) if isinstance(subject, str) and subject else (tenant, "key", key_id)
        return _Known(Caller(tenant, role, key_id, claims, verified.expires, role == ANON), who, verified)

    def _unknown(self, apikey: str | None) -> SocketRefused:
        """Tell the bearer of a key that opens nothing what is wrong with it, as far as it shows by itself."""
        if apikey is None:
            return SocketRefused(401, "MissingAPIKey", "API key is missing")
        try:
            claims = unverified(apikey)
            Verified.of(claims).check(self._clock.micros())
        except TokenRefused as error:
            return words.for_socket(error)
        if "role" not in claims or "exp" not in claims:
            return _incomplete()
        return words.for_socket(TokenRefused(Fault.SIGNATURE))


def _incomplete() -> SocketRefused:
    return SocketRefused(401, "InvalidJWTToken", "Fields `role` and `exp` are required in JWT")


def _bare(key: RoleKey) -> _Known:
    caller = Caller(key.tenant, key.role, key.key_id, {"role": key.role}, anonymous=key.role == ANON)
    return _Known(caller, (key.tenant, "key", key.key_id), None)


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return "" if client is None else str(client[0])
