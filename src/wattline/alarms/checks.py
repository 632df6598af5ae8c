"""What a person may say with a command: names, reasons and durations within bounds."""

from __future__ import annotations

import re

from wattline.alarms.model import LONGEST_SHELF, SHORTEST_SHELF
from wattline.model.clock import HOUR
from wattline.model.errors import Invalid

LONGEST_OPERATOR = 128
SHORTEST_REASON = 3
LONGEST_REASON = 500
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def _check_text(value: str, field: str, least: int, most: int) -> str:
    text = value.strip()
    if not least <= len(text) <= most:
        raise Invalid(f"{field} must have {least} to {most} characters", field)
    if _UNPRINTABLE.search(text):
        raise Invalid(f"{field} must not hold control characters", field)
    return text


def check_operator(operator: str) -> str:
    """The name of who acts, without spaces around it: 1 to 128 characters."""
    return _check_text(operator, "operator", 1, LONGEST_OPERATOR)


def check_reason(reason: str) -> str:
    """Why an alarm is put aside, without spaces around it: 3 to 500 characters."""
    return _check_text(reason, "reason", SHORTEST_REASON, LONGEST_REASON)


def check_shelf(duration: int) -> int:
    """How long an alarm is put aside, in us: half an hour to 24 hours."""
    if not SHORTEST_SHELF <= duration <= LONGEST_SHELF:
        least, most = SHORTEST_SHELF / HOUR, LONGEST_SHELF / HOUR
        raise Invalid(f"an alarm is shelved for {least:g} to {most:g} hours", "duration")
    return duration
