"""What the MQTT side of MCS may be told."""

from __future__ import annotations

from dataclasses import dataclass

from wattline.model.clock import DAY, MINUTE


@dataclass(frozen=True, slots=True)
class McsMqttOptions:
    """Spans in us. `prefix` begins every topic. A reading may be `ahead` of our clock, and as old as `kept`.

    With `register_unknown` a site, block or sensor that nobody registered is registered when it is first heard of.
    """

    prefix: str = "microlink"
    register_unknown: bool = False
    ahead: int = 5 * MINUTE
    kept: int = 90 * DAY
