"""The MQTT side of MCS, schema 1.0.0: `PREFIX/SITE/BLOCK/SUBSYSTEM/TAG` in, commands out. `docs/how-to/mqtt.md` shows it.

Invariants: nothing that comes in raises; what is not taken is a dead letter with one of the five published categories; a
message that comes again (redelivery, retained, replay) has no second effect; a handler returns when its readings are durable.
Entry points: `service.McsMqtt`, `commands.Commands`.
"""
