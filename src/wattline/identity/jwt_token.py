"""JSON Web Tokens (RFC 7519) signed with a project's secret: HMAC-SHA-256 and nothing else.

The algorithm is this module's, never the token's: a token that names another one, or none, is refused before its signature is
looked at. PyJWT compares signatures in constant time.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import msgspec
from jwt.api_jws import PyJWS
from jwt.exceptions import InvalidAlgorithmError, InvalidSignatureError, InvalidTokenError

from wattline.model.clock import SECOND
from wattline.model.errors import Unauthenticated

ALGORITHM = "HS256"
LEEWAY = 30 * SECOND
"""How far the clocks of who signs and who checks may be apart."""
_FARTHEST = 2**43
"""Seconds; what lies beyond counts as this, so that microseconds fit 64 bits."""
_JWS = PyJWS(algorithms=[ALGORITHM])


class Fault(Enum):
    """What is wrong with a token; `TokenRefused.about` tells more where it says so."""

    PARTS = "not three parts"
    """`about` is how many there are."""
    UNREADABLE = "not decodable"
    UNSIGNED = "algorithm none"
    ALGORITHM = "unknown algorithm"
    SIGNATURE = "not signed with this key"
    CLAIMS = "claims are no JSON object"
    NUMBER = "a time is no number"
    """`about` is the claim's name."""
    EXPIRED = "expired"
    EARLY = "not yet valid"
    FUTURE = "issued in the future"
    AUDIENCE = "for another audience"
    ENDED = "a key that holds no more"


class TokenRefused(Unauthenticated):
    """A token that is no good now. Neither the text nor `about` holds anything of it that is secret."""

    def __init__(self, fault: Fault, about: str = "") -> None:
        super().__init__(f"refused token: {fault.value}")
        self.fault = fault
        self.about = about


@dataclass(frozen=True, slots=True)
class Verified:
    """What a token with a good signature says; its times in microseconds since 1970 UTC, None where it has none.

    It may have ended since it was read: `check` it every time that it is used.
    """

    claims: Mapping[str, Any]
    expires: int | None
    not_before: int | None
    issued: int | None

    @classmethod
    def of(cls, claims: Mapping[str, Any]) -> Verified:
        """What these claims say. Raises `TokenRefused` for a time that is no number."""
        return cls(claims, _time(claims, "exp"), _time(claims, "nbf"), _time(claims, "iat"))

    def check(self, now: int, audience: str | None = None) -> None:
        """Raise `TokenRefused` unless the token holds at that time, give or take the leeway, and for that audience if it names
        any."""
        if self.expires is not None and now > self.expires + LEEWAY:
            raise TokenRefused(Fault.EXPIRED)
        if self.not_before is not None and now + LEEWAY < self.not_before:
            raise TokenRefused(Fault.EARLY)
        if self.issued is not None and now + LEEWAY < self.issued:
            raise TokenRefused(Fault.FUTURE)
        named = self.claims.get("aud")
        if audience is not None and named is not None and audience not in (named if isinstance(named, list) else (named,)):
            raise TokenRefused(Fault.AUDIENCE)


def sign(claims: Mapping[str, Any], secret: str) -> str:
    """A token of these claims."""
    return _JWS.encode(msgspec.json.encode(claims), secret.encode(), ALGORITHM)


def read(token: str, secret: str) -> Verified:
    """What the token says, its signature checked and its times not. Raises `TokenRefused`."""
    _check_header(token)
    try:
        content = _JWS.decode(token, secret.encode(), algorithms=[ALGORITHM])
    except InvalidSignatureError as error:
        raise TokenRefused(Fault.SIGNATURE) from error
    except InvalidAlgorithmError as error:
        raise TokenRefused(Fault.ALGORITHM) from error
    except (InvalidTokenError, ValueError, RecursionError) as error:
        raise TokenRefused(Fault.UNREADABLE) from error
    return Verified.of(_object(content, Fault.CLAIMS))


def unverified(token: str) -> Mapping[str, Any]:
    """What a token claims to say, its signature not checked: good for telling its sender what is wrong with it, no more."""
    parts = token.split(".")
    if len(parts) != 3:
        raise TokenRefused(Fault.PARTS, str(len(parts)))
    return _object(_unpack(parts[1]), Fault.CLAIMS)


def _check_header(token: str) -> None:
    parts = token.split(".")
    if len(parts) != 3:
        raise TokenRefused(Fault.PARTS, str(len(parts)))
    algorithm = _object(_unpack(parts[0]), Fault.UNREADABLE).get("alg")
    if algorithm == ALGORITHM:
        return
    if not isinstance(algorithm, str):
        raise TokenRefused(Fault.UNREADABLE)
    if algorithm.lower() == "none":
        raise TokenRefused(Fault.UNSIGNED)
    raise TokenRefused(Fault.SIGNATURE if algorithm in KNOWN else Fault.ALGORITHM)


KNOWN = frozenset(f"{kind}{bits}" for kind in ("HS", "RS", "ES", "PS") for bits in (256, 384, 512)) | {"EdDSA"}
"""Algorithms (RFC 7518, RFC 8037) that exist and that no key of a project is for."""


def _unpack(part: str) -> bytes:
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise TokenRefused(Fault.UNREADABLE) from error


def _object(content: bytes, fault: Fault) -> dict[str, Any]:
    try:
        return msgspec.json.decode(content, type=dict[str, Any])
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise TokenRefused(fault) from error


def _time(claims: Mapping[str, Any], name: str) -> int | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenRefused(Fault.NUMBER, name)
    return int(max(-_FARTHEST, min(value, _FARTHEST)) * SECOND)
