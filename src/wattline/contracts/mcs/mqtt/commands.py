"""Commands to the edge computers of a block, and their responses; both are events."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec

from wattline.contracts.mcs.mqtt.payloads import MOST_BYTES, Response
from wattline.contracts.mcs.mqtt.refusal import Refused
from wattline.contracts.mcs.mqtt.times import spell
from wattline.contracts.mcs.mqtt.topics import TAG
from wattline.events.model import Entry
from wattline.gateways.happenings import Happenings
from wattline.model.clock import Clock
from wattline.model.errors import Invalid, Unavailable
from wattline.model.place import Block

COMMANDS = ("mode_override", "alarm_ack_sync", "config_reload", "adapter_restart", "buffer_flush", "diagnostics_request")
COMMAND, FAILED, RESPONSE = "command", "command_failed", "command_response"
LONGEST_SOURCE = 128
_REQUEST = re.compile("[0-9a-fA-F-]{1,64}")


class Sender(Protocol):
    """What is needed of `gateways.service.MqttGateway`."""

    async def publish(self, topic: str, payload: bytes, *, tenant: str, qos: int = 1, retain: bool = False) -> None:
        """Send. Raises `Unavailable`."""
        ...


class Commands:
    """Sends commands with QoS 1 and logs them first: what may have been sent is in the log."""

    def __init__(
        self,
        sender: Sender,
        happenings: Happenings,
        clock: Clock,
        prefix: str,
        new_id: Callable[[], uuid.UUID] = uuid.uuid4,
    ) -> None:
        self._sender = sender
        self._happenings = happenings
        self._clock = clock
        self._prefix = prefix
        self._new_id = new_id

    async def send(self, block: Block, target: str, cmd: str, params: Mapping[str, Any], source: str) -> str:
        """Send a command to a target of a block (an edge, an adapter, the PLC); the request id that its response will bear.

        That it returns means that the broker has the command, not that anybody has done it. Raises `Invalid`, and
        `Unavailable` where the broker did not confirm it: then a second event says so, and it may or may not have been sent.
        """
        if cmd not in COMMANDS:
            raise Invalid(f"cmd is one of {', '.join(COMMANDS)}", "cmd")
        if re.fullmatch(TAG, target, re.ASCII) is None or target == "response":
            raise Invalid("target has 1 to 64 letters, digits, hyphens or underscores", "target")
        if not 0 < len(source) <= LONGEST_SOURCE:
            raise Invalid(f"source has 1 to {LONGEST_SOURCE} characters", "source")
        now = self._clock.micros()
        request_id = str(self._new_id())
        body = {"request_id": request_id, "target": target, "cmd": cmd, "params": dict(params), "source": source}
        told = {"ts": spell(now), "cmd": cmd, "params": body["params"], "source": source, "request_id": request_id}
        try:
            payload = msgspec.json.encode(told)
        except (TypeError, ValueError, RecursionError):
            raise Invalid("params must be a JSON object", "params") from None
        if len(payload) > MOST_BYTES:
            raise Invalid(f"a command has at most {MOST_BYTES} bytes", "params")
        await self._happenings.log([self._entry(block, COMMAND, request_id, now, body)])
        topic = f"{self._prefix}/{block.site.key}/{block.slug}/command/{target}"
        try:
            await self._sender.publish(topic, payload, tenant=block.site.tenant, qos=1)
        except Unavailable as error:
            failed = body | {"reason": str(error)}
            await self._happenings.log([self._entry(block, FAILED, request_id, self._clock.micros(), failed)])
            raise
        return request_id

    async def answered(self, block: Block, told: Response, time: int, received: int) -> None:
        """Log a response, once. Raises `Refused` as a VALUE_ERROR where it answers no command that this tenant sent."""
        if _REQUEST.fullmatch(told.request_id) is None:
            raise Refused("VALUE_ERROR", "request_id is a UUID")
        body = {"request_id": told.request_id, "status": told.status, "reason": told.reason, "result": told.result}
        entry = self._entry(block, RESPONSE, told.request_id, received, body, time)
        if not await self._happenings.log_answer(entry, COMMAND, told.request_id):
            raise Refused("VALUE_ERROR", "request_id is that of no command that was sent")

    def _entry(
        self, block: Block, kind: str, request_id: str, received: int, body: Mapping[str, Any], time: int | None = None
    ) -> Entry:
        return Entry(
            tenant=block.site.tenant,
            kind=kind,
            time=received if time is None else time,
            received=received,
            site=block.site.key,
            subject=block.slug,
            event_type=kind,
            body=body,
            identity=request_id,
        )
