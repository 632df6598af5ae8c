"""The contract's topics on a platform."""

from __future__ import annotations

from collections.abc import Sequence

from wattline.contracts.mcs.mqtt.commands import Commands
from wattline.contracts.mcs.mqtt.options import McsMqttOptions
from wattline.contracts.mcs.mqtt.service import McsMqtt
from wattline.gateways.service import MqttGateway
from wattline.ingest.service import Ingest
from wattline.metrics import Metrics
from wattline.model.clock import DAY, SECOND
from wattline.model.record import Row
from wattline.platform import Platform


class _Counted:
    """The path of readings, counting for this contract what became durable."""

    def __init__(self, ingest: Ingest, metrics: Metrics) -> None:
        self._ingest = ingest
        self._metrics = metrics

    async def submit(self, rows: Sequence[Row]) -> None:
        await self._ingest.submit(rows)
        self._metrics.ingest_rows.add(len(rows), "mcs")


def attach(platform: Platform, gateway: MqttGateway) -> Commands:
    """Subscribe to the contract's topics, watch the heartbeats; what commands are sent with."""
    settings, clock = platform.settings, platform.clock
    commands = Commands(gateway, platform.happenings, clock, settings.mqtt_prefix)
    options = McsMqttOptions(
        prefix=settings.mqtt_prefix,
        register_unknown=settings.mqtt_register_unknown,
        ahead=int(settings.max_future_seconds * SECOND),
        kept=settings.retention_raw_days * DAY,
    )
    handler = McsMqtt(
        platform.registry,
        _Counted(platform.ingest, platform.metrics),
        platform.alarms,
        platform.happenings,
        commands,
        platform.dead_letters,
        clock,
        options,
    )
    gateway.subscribe(handler.topic_filter, handler.handle)
    platform.each_second.append(handler.check_heartbeats)
    return commands
