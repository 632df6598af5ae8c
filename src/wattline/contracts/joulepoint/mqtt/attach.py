"""The contract's topics on a platform."""

from __future__ import annotations

from wattline.contracts.joulepoint.mqtt import topics
from wattline.contracts.joulepoint.mqtt.authority import DeviceAuthority
from wattline.contracts.joulepoint.mqtt.commands import Commands
from wattline.contracts.joulepoint.mqtt.energy import Energy
from wattline.contracts.joulepoint.mqtt.rejections import Rejections
from wattline.contracts.joulepoint.mqtt.senders import Senders
from wattline.contracts.joulepoint.mqtt.service import JoulepointMqtt
from wattline.contracts.joulepoint.mqtt.settled import Settled
from wattline.gateways.service import MqttGateway
from wattline.metering.devices import Devices
from wattline.model.errors import Invalid
from wattline.platform import Platform
from wattline.quality.intake import Intake


def attach(platform: Platform, gateway: MqttGateway) -> Commands:
    """Let devices in with their keys, and subscribe to their topics; what commands are sent with.

    Raises `Invalid` where the topics of MCS have been given the same beginning.
    """
    if platform.settings.mqtt_prefix == topics.PREFIX[0]:
        raise Invalid(f"mqtt_prefix cannot be {topics.PREFIX[0]}: the topics of meters begin so", "mqtt_prefix")
    metering, clock = platform.metering, platform.clock
    devices = Devices(platform.database, platform.events, clock)
    intake = Intake(platform.quality, metering, clock)
    senders = Senders(metering.keys, metering.meters, platform.signature_failures, clock)
    rejections = Rejections(gateway, platform.dead_letters, platform.metrics, clock)
    settled = Settled()
    energy = Energy(platform.readings, senders, rejections, platform.metrics, settled)
    gateway.admit_by(DeviceAuthority(metering.keys, clock))
    taking = JoulepointMqtt(senders, rejections, energy, intake, devices, settled)
    for pattern, handler in taking.handlers().items():
        gateway.subscribe(pattern, handler)
    return Commands(gateway, devices)
