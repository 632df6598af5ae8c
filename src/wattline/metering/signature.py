"""The signature of a body: HMAC-SHA256 (RFC 2104) over its bytes as received, in hexadecimal."""

from __future__ import annotations

import hmac
from collections.abc import Iterable

PREFIX = "sha256="
LENGTH = 64


def signature(secret: str, body: bytes) -> str:
    """What `X-Signature` has to be: the key is the text of the secret in UTF-8, the message the raw body."""
    return hmac.digest(secret.encode(), body, "sha256").hex()


def is_signed(given: str, body: bytes, secrets: Iterable[str]) -> bool:
    """Whether a signature was made of this body with one of the secrets, compared in constant time.

    Hexadecimal digits of either case, with or without `sha256=` before them.
    """
    text = given[len(PREFIX) :] if given[: len(PREFIX)].lower() == PREFIX else given
    if len(text) != LENGTH or not text.isascii():
        return False
    shown = text.lower().encode()
    good = False
    for secret in secrets:
        # Every secret is tried, so that the time tells nothing about which one it was.
        good |= hmac.compare_digest(signature(secret, body).encode(), shown)
    return good
