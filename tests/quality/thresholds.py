"""Thresholds for tests."""

from __future__ import annotations

from typing import Any

from wattline.quality.config import Config, checked, config_of


def thresholds(*, volts: float = 230.0, hertz: float = 50.0, **given: Any) -> Config:
    """The published sample's thresholds, changed as given."""
    return config_of(checked(given, volts, hertz), volts, hertz)
