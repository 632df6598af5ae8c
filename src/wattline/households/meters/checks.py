"""What may be set of a meter, in the form in which it is kept. Pure; everything raises `Invalid`."""

from __future__ import annotations

from hashlib import sha256
from math import isfinite

from wattline.households.meters.rules import LARGEST
from wattline.model.errors import Invalid

LARGEST_LIMIT = 1000.0
"""kWh a minute: no household uses more."""
LONGEST_SECRET = 128


def digest(text: str) -> str:
    """What is kept of a secret."""
    return sha256(text.encode(errors="surrogatepass")).hexdigest()


def secret(given: str | None) -> str | None:
    """The digest of a secret; None for none."""
    if given is None:
        return None
    if not isinstance(given, str) or not given.strip() or len(given) > LONGEST_SECRET:
        raise Invalid(f"a secret has from 1 to {LONGEST_SECRET} characters", "secret")
    return digest(given)


def limit(given: float) -> float:
    """kWh a minute."""
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 < given <= LARGEST_LIMIT:
        raise Invalid(f"a limit is above 0 and at most {LARGEST_LIMIT:g} kWh a minute", "limit")
    return float(given)


def register(given: float) -> float:
    """What a register shows, in kWh."""
    if isinstance(given, bool) or not isinstance(given, int | float) or not (isfinite(given) and 0 <= given < LARGEST):
        raise Invalid("a register shows a number of kWh from 0", "initial")
    return float(given)
