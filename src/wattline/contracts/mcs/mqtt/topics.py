"""What a topic says."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from wattline.contracts.mcs.mqtt.refusal import Refused

SUBSYSTEMS = (
    "electrical",
    "thermal-l1",
    "thermal-l2",
    "thermal-l3",
    "thermal-hx",
    "thermal-reject",
    "thermal-safety",
    "environmental",
    "network",
    "security",
    "mode",
    "edge",
    "host-bms",
)
PRIORITIES = ("P0", "P1", "P2", "P3")
PLACE = "[a-z0-9_-]{1,64}"
TAG = "[A-Za-z0-9_-]{1,64}"
_BELOW = re.compile(f"({PLACE})/({PLACE})/({PLACE})/({TAG})", re.ASCII)

Kind = Literal["telemetry", "mode", "alarm", "heartbeat", "command", "response"]


class Topic(NamedTuple):
    """A topic of the contract; `tag` is the last level."""

    kind: Kind
    site: str
    block: str
    subsystem: str
    tag: str


def parse(topic: str, prefix: str) -> Topic:
    """What a topic says. Raises `Refused` as a TOPIC_ERROR."""
    found = _BELOW.fullmatch(topic, len(prefix) + 1) if topic.startswith(f"{prefix}/") else None
    if found is None:
        raise Refused("TOPIC_ERROR", f"a topic is {prefix}/site/block/subsystem/tag")
    site, block, subsystem, tag = found.groups()
    return Topic(_kind(subsystem, tag), site, block, subsystem, tag)


def _kind(subsystem: str, tag: str) -> Kind:
    if subsystem == "alarms":
        if tag not in PRIORITIES:
            raise Refused("TOPIC_ERROR", "an alarm's topic ends with its priority, P0 to P3")
        return "alarm"
    if subsystem == "command":
        return "response" if tag == "response" else "command"
    if subsystem not in SUBSYSTEMS:
        raise Refused("TOPIC_ERROR", f"there is no subsystem {subsystem}")
    if (subsystem, tag) == ("mode", "state"):
        return "mode"
    return "heartbeat" if (subsystem, tag) == ("edge", "heartbeat") else "telemetry"
