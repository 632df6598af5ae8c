"""From settings to the MQTT gateway: which broker, and where the embedded one listens."""

from __future__ import annotations

from wattline.gateways.address import session_name
from wattline.gateways.dead_letters import DeadLetters
from wattline.gateways.model import MqttOptions
from wattline.gateways.service import MqttGateway
from wattline.identity.service import Identity
from wattline.model.clock import Clock
from wattline.settings import Settings


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
        port=settings.mqtt_port,
        tls_cert=settings.tls_cert,
        tls_key=settings.tls_key,
        open=settings.open,
        tenant=settings.mqtt_tenant or settings.default_tenant,
        prefix=settings.mqtt_prefix,
    )
    return MqttGateway(options, identity, dead_letters, clock)
