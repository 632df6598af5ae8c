"""Live streams of the contract: WebSocket /ws/energy/live and its twin of Server-Sent Events, /api/energy/live.

Invariants: a frame is encoded once for all who get the same; a slow reader is never waited for and costs bounded memory: it
gets the newest value of each channel, and is told how many it missed, but every event; what a token may not see does not
exist; a connection outlives its token by seconds.
Entry point: `routes.build`. `hub` hears of rows, `sources` make frames of them, `client` is one reader.
"""
