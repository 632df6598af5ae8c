"""A small MQTT broker inside the process, so that a device can connect to a fresh install.

It speaks MQTT 3.1.1 and 5 to devices that show an API key. Unlike a broker beside us it can keep the platform's promise: a
QoS 1 or 2 publication is acknowledged when its reading is durable. Everything else it holds (sessions, retained messages,
what waits for an absent client) is in memory, bounded, and gone at the next start. Real fleets use an external broker.
Entry points: `service.Broker`, `access.Access`.
"""
