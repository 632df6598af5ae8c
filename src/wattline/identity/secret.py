"""The text of an API key: `wl_<prefix>_<random>`, or, for a key that stands for a role, a JSON Web Token or
`sb_publishable_<prefix>_<random>`, `sb_secret_<prefix>_<random>`.

The prefix (40 random bits) names the key in lists and logs and gives nothing away; the rest is 200 random bits. A secret of
that strength cannot be guessed from its digest, so a plain SHA-256 keeps it: a slow password hash would add nothing but
its cost, at thousands of requests a second. All tokens begin alike, so the prefix of a token is taken from its digest.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from typing import Literal

RandomBytes = Callable[[int], bytes]
"""A source of that many unpredictable bytes, as `secrets.token_bytes`."""

PREFIX_BYTES = 5
RANDOM_BYTES = 25
LENGTH = len("wl_") + 8 + len("_") + 40
Form = Literal["wl", "jwt", "sb"]
"""How a key looks: ours, a token, or opaque in the manner of Supabase."""
OPAQUE = {"anon": "sb_publishable_", "service_role": "sb_secret_"}
"""The roles that an opaque key can stand for, and how it begins."""
_FORM = re.compile("wl_([a-z2-7]{8})_[a-z2-7]{40}")
_OPAQUE = re.compile("sb_(?:publishable|secret)_([a-z2-7]{8})_[a-z2-7]{40}")
_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


def _letters(data: bytes) -> str:
    return base64.b32encode(data).decode().lower()


def generate(random_bytes: RandomBytes) -> tuple[str, str]:
    """A new prefix, and the whole secret that it begins."""
    prefix = _letters(random_bytes(PREFIX_BYTES))
    return prefix, f"wl_{prefix}_{_letters(random_bytes(RANDOM_BYTES))}"


def digest(secret: str) -> str:
    """What is stored of a secret: its SHA-256, in hex."""
    return hashlib.sha256(secret.encode()).hexdigest()


def prefix_of(secret: str) -> str | None:
    """The prefix of a text that has the form of a secret; None for any other, which no look at the store can help."""
    match = _FORM.fullmatch(secret)
    return None if match is None else match[1]


def generate_opaque(role: str, random_bytes: RandomBytes) -> tuple[str, str]:
    """A new prefix, and the opaque key of one of the roles of `OPAQUE` that holds it."""
    prefix = _letters(random_bytes(PREFIX_BYTES))
    return prefix, f"{OPAQUE[role]}{prefix}_{_letters(random_bytes(RANDOM_BYTES))}"


def token_prefix(token: str) -> str:
    """The prefix of a token."""
    return _letters(hashlib.sha256(token.encode()).digest()[:PREFIX_BYTES])


def role_prefix_of(secret: str) -> str | None:
    """The prefix of a text that has the form of a key that stands for a role; None for any other."""
    match = _OPAQUE.fullmatch(secret)
    if match is not None:
        return match[1]
    return token_prefix(secret) if _TOKEN.fullmatch(secret) else None
