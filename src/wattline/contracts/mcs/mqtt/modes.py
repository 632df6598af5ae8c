"""A block's thermal mode: which transitions there are, and how one is told. The safety PLC decides; the platform observes."""

from __future__ import annotations

from wattline.contracts.mcs.mqtt.payloads import Mode, ModeState
from wattline.contracts.mcs.mqtt.refusal import Refused
from wattline.events.model import Entry
from wattline.model.place import Block

EVENT = "mode_change"
TRIGGERS = ("auto:", "operator:", "plc:", "startup:")
LONGEST_TRIGGER = 200
LONGEST_OPERATOR = 128
# Beside these every mode may become REJECT, the fail-safe one, and MAINTENANCE.
_ALLOWED: dict[Mode, tuple[Mode, ...]] = {
    "STARTUP": ("REJECT",),
    "REJECT": ("EXPORT", "MIXED"),
    "EXPORT": ("MIXED",),
    "MIXED": ("EXPORT",),
    "MAINTENANCE": (),
}


def check(told: ModeState) -> None:
    """Raise `Refused` as a VALUE_ERROR for a transition that the state machine does not have."""
    if told.state in ("STARTUP", told.previous):
        raise Refused("VALUE_ERROR", f"{told.previous} to {told.state} is no transition")
    if told.state not in (*_ALLOWED[told.previous], "REJECT", "MAINTENANCE"):
        raise Refused("VALUE_ERROR", f"{told.previous} must not become {told.state}")
    if not told.trigger.startswith(TRIGGERS) or len(told.trigger) > LONGEST_TRIGGER:
        raise Refused("VALUE_ERROR", f"trigger begins with {', '.join(TRIGGERS)}")
    if told.operator is not None and len(told.operator) > LONGEST_OPERATOR:
        raise Refused("VALUE_ERROR", f"operator has at most {LONGEST_OPERATOR} characters")
    if told.state == "MAINTENANCE" and not told.operator:
        raise Refused("VALUE_ERROR", "MAINTENANCE needs its operator")


def entry(block: Block, told: ModeState, time: int, received: int) -> Entry:
    """The event of a transition. The same transition has the same identity, however often it is delivered."""
    body = {
        "from": told.previous,
        "to": told.state,
        "trigger": told.trigger,
        "operator": told.operator,
        "valves": {"v_exp": told.valves.v_exp, "v_rej": told.valves.v_rej},
        "guards": told.guards,
    }
    return Entry(
        tenant=block.site.tenant,
        kind="mode",
        time=time,
        received=received,
        site=block.site.key,
        subject=block.slug,
        event_type=EVENT,
        body=body,
        identity=f"{block.id}:{time}:{told.previous}:{told.state}",
    )
