"""Text to a value: what PostgreSQL's input functions read."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from wattline.contracts.flux.catalog import Type


def parse(kind: Type, text: str, now: int, zone: ZoneInfo | None = None) -> Any:
    """The value of a literal, as a column of the type holds it: float4 rounded to float4, a time in us, jsonb its text.

    `now` (us) is what `now` and `today` go by; `zone` that of times without an offset (None: UTC).
    Raises `Refusal` 22P02, 22003, 22007 or 22008.
    """
    raise NotImplementedError


def array(kind: Type, text: str, now: int, zone: ZoneInfo | None = None) -> tuple[Any, ...]:
    """The elements of an array literal such as `{a,b,"c d",NULL}`; None for an unquoted NULL. Raises `Refusal` as `parse`."""
    raise NotImplementedError
