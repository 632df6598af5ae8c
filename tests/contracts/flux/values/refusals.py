"""Refusals as the oracle tells them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, settings

from wattline.contracts.flux.errors import Refusal


def told(act: Callable[[], Any]) -> Any:
    """What `act` returns, or SQLSTATE, message, details and hint of its refusal."""
    try:
        return act()
    except Refusal as refusal:
        return refusal.code, refusal.message, refusal.details, refusal.hint


def forms(text: str) -> list[str]:
    """Texts that are written in lines, with bars between them."""
    return text.replace("\n", "|").split("|")


BATCH = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.large_base_example],
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
"""For tests that ask the oracle about many values at once: a failure names its value, so nothing need be shrunk."""
