"""From settings to the MQTT gateway: which broker, and where the embedded one listens."""

from __future__ import annotations

import logging
import socket

from wattline.gateways.address import session_name
from wattline.gateways.dead_letters import DeadLetters
from wattline.gateways.model import MqttOptions
from wattline.gateways.service import MqttGateway
from wattline.identity.service import Identity
from wattline.model.clock import Clock
from wattline.settings import Settings

USUAL_PORT = 1883

log = logging.getLogger(__name__)


def _port(settings: Settings) -> int:
    """The port that was asked for; where none was, the usual one unless somebody has it."""
    if settings.mqtt_port is not None:
        return settings.mqtt_port
    family = socket.AF_INET6 if ":" in settings.mqtt_host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.mqtt_host, USUAL_PORT))
        except OSError:
            log.warning("port %d is taken: the MQTT broker listens on a free one", USUAL_PORT)
            return 0
    return USUAL_PORT


def mqtt_gateway(settings: Settings, identity: Identity, dead_letters: DeadLetters, clock: Clock) -> MqttGateway | None:
    """The gateway as it is configured, not started; None where MQTT is off."""
    if not settings.mqtt:
        return None
    options = MqttOptions(
        url=settings.mqtt_url,
        ca_file=settings.mqtt_ca_file,
        client_cert=settings.mqtt_client_cert,
        client_key=settings.mqtt_client_key,
        client_id=session_name(settings.data) if settings.mqtt_url is not None else "wattline",
        host=settings.mqtt_host,
        port=_port(settings) if settings.mqtt_url is None else 0,
        tls_cert=settings.tls_cert,
        tls_key=settings.tls_key,
        open=settings.open,
        tenant=settings.mqtt_tenant or settings.default_tenant,
        prefix=settings.mqtt_prefix,
    )
    return MqttGateway(options, identity, dead_letters, clock)
