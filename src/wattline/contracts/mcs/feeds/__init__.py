"""The live feeds of the contract: readings, alarms and events over WebSocket.

Invariants: a frame has exactly the published keys unless more were asked for; two blocks of one slug never mix; of readings a
slow client gets the newest per sensor, of alarms and events it gets every one, in order.
Entry point: `routes.build`.
"""
