"""What is said of a key or a token that is no good: in PostgREST's words to a request, in Realtime's to a socket."""

from __future__ import annotations

import msgspec

from wattline.contracts.flux.errors import Refusal, sql
from wattline.identity.jwt_token import Fault, TokenRefused

REALM = 'Key realm="wattline"'
_EXPECTED = "Expected 3 parts in JWT; got {about}"
_WRONG_ALGORITHM = "Wrong or unsupported encoding algorithm"
_WRONG_KEY = "No suitable key or wrong key type"

# Of each fault PostgREST's code, message and details.
REQUEST_WORDS: dict[Fault, tuple[str, str, str | None]] = {
    Fault.PARTS: ("PGRST301", _EXPECTED, None),
    Fault.UNREADABLE: ("PGRST301", "JWT couldn't be decoded", None),
    Fault.UNSIGNED: ("PGRST301", _WRONG_ALGORITHM, "JWT is unsecured but expected 'alg' was not 'none'"),
    Fault.ALGORITHM: ("PGRST301", _WRONG_ALGORITHM, None),
    Fault.SIGNATURE: ("PGRST301", _WRONG_KEY, "None of the keys was able to decode the JWT"),
    Fault.ENDED: ("PGRST301", _WRONG_KEY, "The JWT is an API key that was revoked or has ended"),
    Fault.CLAIMS: ("PGRST303", "Parsing claims failed", None),
    Fault.NUMBER: ("PGRST303", "The JWT '{about}' claim must be a number", None),
    Fault.EXPIRED: ("PGRST303", "JWT expired", None),
    Fault.EARLY: ("PGRST303", "JWT not yet valid", None),
    Fault.FUTURE: ("PGRST303", "JWT issued at future", None),
    Fault.AUDIENCE: ("PGRST303", "JWT not in audience", None),
}
_MALFORMED = ("MalformedJWT", "The token provided is not a valid JWT")
_UNSIGNED = ("JwtSignatureError", "Failed to validate JWT signature")
# Of each fault the name that Realtime gives it, and its words.
SOCKET_WORDS: dict[Fault, tuple[str, str]] = {
    Fault.PARTS: _MALFORMED,
    Fault.UNREADABLE: _MALFORMED,
    Fault.CLAIMS: _MALFORMED,
    Fault.NUMBER: _MALFORMED,
    Fault.UNSIGNED: _UNSIGNED,
    Fault.ALGORITHM: _UNSIGNED,
    Fault.SIGNATURE: _UNSIGNED,
    Fault.ENDED: _UNSIGNED,
    Fault.EXPIRED: ("InvalidJWTToken", "Token has expired"),
    Fault.EARLY: ("InvalidJWTToken", "Token is not valid yet"),
    Fault.FUTURE: ("InvalidJWTToken", "Token is not valid yet"),
    Fault.AUDIENCE: ("InvalidJWTToken", "Token is for another audience"),
}


class NoSuchRole(Exception):
    """A good token names a role that is not there."""

    def __init__(self, role: str) -> None:
        super().__init__(role)
        self.role = role


class SocketRefused(Exception):
    """No socket for this caller, or no longer. `reason` is what the answer to a join says, `body` that to a handshake."""

    def __init__(self, status: int, kind: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.reason = f"{kind}: {message}"
        self.headers = headers or {}

    @property
    def body(self) -> bytes:
        """The message, as JSON."""
        return msgspec.json.encode({"error": self.message})


def no_key() -> Refusal:
    """There is no key, neither as a header nor in the query."""
    hint = "No `apikey` request header or url param was found."
    return Refusal(401, "401", "No API key found in request", hint=hint, headers={"WWW-Authenticate": REALM})


def bad_key() -> Refusal:
    """There is a key, and it is unknown, at its end, revoked, or of another contract: which one is not told."""
    hint = "Double check the key; `wattline key create --contract flux --role ROLE` makes one."
    return Refusal(401, "401", "Invalid API key", hint=hint, headers={"WWW-Authenticate": REALM})


def too_many(limit: int, burst: int, wait: int) -> Refusal:
    """429: the caller has asked too often, and may ask again after `wait` seconds."""
    return Refusal(
        429,
        "429",
        "Too many requests",
        f"The limit is {limit} requests a minute, and {burst} at once after a pause",
        f"Try again in {wait} s",
        {"Retry-After": str(wait)},
    )


def empty_token() -> Refusal:
    """The word Bearer stands alone."""
    return _unauthorized("PGRST301", "Empty JWT is sent in Authorization header", None)


def for_request(error: TokenRefused | NoSuchRole) -> Refusal:
    """What a request with such a token is told."""
    if isinstance(error, NoSuchRole):
        return sql(401, "22023", f'role "{error.role}" does not exist')
    code, message, details = REQUEST_WORDS[error.fault]
    return _unauthorized(code, message.format(about=error.about), details)


def for_socket(error: TokenRefused | NoSuchRole) -> SocketRefused:
    """What a socket with such a token is told."""
    if isinstance(error, NoSuchRole):
        return SocketRefused(401, "InvalidJWTToken", f'role "{error.role}" does not exist')
    return SocketRefused(401, *SOCKET_WORDS[error.fault])


def _unauthorized(code: str, message: str, details: str | None) -> Refusal:
    challenge = f'Bearer error="invalid_token", error_description="{message}"'
    return Refusal(401, code, message, details, headers={"WWW-Authenticate": challenge})
