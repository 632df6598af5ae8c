"""Supabase Realtime: a WebSocket of Phoenix channels at `/realtime/v1/websocket`, and broadcasts over HTTP.

Invariants: a change is told only after its commit, to nobody who may not select it, in the order of the commits; a subscription
is live when its join is answered; who reads too slowly is closed and never waited for; a foreign tenant's rooms do not exist.
Entry point: `routes.build`. `hub` finds who wants a change, `socket` serves one connection, `channel` is one joined topic.
"""
