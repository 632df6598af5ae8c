"""The text that configures a reader of meters, or the number of rotations for a kWh in its place. Pure."""

from __future__ import annotations

from wattline.households.meters.model import LONGEST_SCRIPT
from wattline.model.errors import Invalid

MOST_ROTATIONS = 2**32 - 1


def rotations(script: str | None) -> int | None:
    """The rotations for a kWh that a script stands for: one line of digits; None for every other."""
    text = "" if script is None else script.strip()
    return int(text) if text.isascii() and text.isdigit() else None


def checked(script: str | None) -> str | None:
    """A script as it is kept: None where there is none. Raises `Invalid`."""
    if script is None:
        return None
    if not isinstance(script, str):
        raise Invalid("a script is text", "script")
    if not script.strip():
        return None
    try:
        size = len(script.encode())
    except UnicodeEncodeError:
        raise Invalid("a script is text in UTF-8", "script") from None
    if size > LONGEST_SCRIPT:
        raise Invalid(f"a script has at most {LONGEST_SCRIPT} bytes", "script")
    if "\0" in script:
        raise Invalid("a script has no zero bytes", "script")
    turns = rotations(script)
    if turns is not None and not 0 < turns <= MOST_ROTATIONS:
        raise Invalid(f"rotations for a kWh are a number from 1 to {MOST_ROTATIONS}", "script")
    return script
