"""What devices get. Every text is cut to what their fixed memory takes: one byte more, and a device reads nothing at all."""

from __future__ import annotations

from wattline.contracts.household.wire.fields import bytes_field, double_field, number_field

LONGEST_MESSAGE = 254
"""Bytes of a status message."""
LARGEST_TOKEN_RESPONSE = 989
"""Bytes of the largest message that a device has room for; what the limits of its fields allow is smaller."""


def cut(message: str) -> str:
    """The beginning of a text that has at most `LONGEST_MESSAGE` bytes, in whole characters."""
    raw = message.encode("utf-8", "replace")
    return message if len(raw) <= LONGEST_MESSAGE else raw[:LONGEST_MESSAGE].decode("utf-8", "ignore")


def outcome(status: int, message: str | None = None) -> bytes:
    """SensorDataResponse and ScriptAcceptedResponse."""
    found = number_field(1, status)
    return found if message is None else found + bytes_field(2, cut(message).encode("utf-8", "replace"))


def token_refused(status: int, message: str) -> bytes:
    """TokenResponse without a token."""
    return number_field(3, status) + bytes_field(4, cut(message).encode("utf-8", "replace"))


def token_granted(
    token: str,
    expires_in: int,
    script: str | None = None,
    rotations_per_kwh: int | None = None,
    gas_rotations_per_kwh: float | None = None,
) -> bytes:
    """TokenResponse with a token that holds `expires_in` seconds."""
    parts = [bytes_field(1, token.encode()), number_field(2, expires_in), number_field(3, 200)]
    if script is not None:
        parts.append(bytes_field(5, script.encode()))
    if rotations_per_kwh is not None:
        parts.append(number_field(6, rotations_per_kwh))
    if gas_rotations_per_kwh is not None:
        parts.append(double_field(7, gas_rotations_per_kwh))
    return b"".join(parts)
