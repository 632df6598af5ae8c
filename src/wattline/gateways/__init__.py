"""MQTT: the connection to a broker, a small broker of our own for a fresh install, and what could not be taken in.

Invariants: a QoS 1 message is acknowledged only after its handler returned, that is after the durable commit; a message that
nobody can handle ends as a dead letter, is counted, and holds up nothing; no tenant hears another.
Entry points: `service.MqttGateway`, `model.MqttOptions`, `dead_letters.DeadLetters`, `happenings.Happenings`.
"""
