"""Meters and gateways over MQTT: `jp/v1/{tenant}/{device}/...`, the same documents and the same checks as over HTTP.

Invariants: a device uses its own subtree only; a handler returns when what it was given is durable; a message that comes again
has no second effect; what is not taken is told on the device's own `errors`, and kept as a dead letter.
Entry point: `attach.attach`.
"""
