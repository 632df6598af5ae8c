"""How much a client may ask of the server, and how much is kept for it."""

from __future__ import annotations

from dataclasses import dataclass

KIBIBYTE, MEBIBYTE = 1 << 10, 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """The first six follow the hosted service's larger plans; who asks for more is told so, and refused or disconnected."""

    sockets: int = 2000
    """Open connections of a tenant: four times the hosted figure, for there is one tenant's fleet on a server of its own."""
    channels: int = 100
    """Topics joined on a connection."""
    bindings: int = 100
    """Bindings of a channel; each is matched against every change, so they are as many as channels."""
    all_bindings: int = 1000
    """Bindings of all channels of a connection."""
    joins: int = 500
    """Joins of a tenant in a second, so that clients that come back all at once are let in over some seconds."""
    messages: int = 500
    """Broadcasts and presences that a connection may send in a second: each goes to every member of a topic."""
    message_bytes: int = MEBIBYTE
    """One message of a client; a longer one ends the connection. Also the longest record that is shown whole."""
    join_bytes: int = 256 * KIBIBYTE
    """The payload of a join, which is kept as long as the channel."""
    topic_bytes: int = KIBIBYTE
    """A topic, which each message repeats."""
    presence_bytes: int = 16 * KIBIBYTE
    """What a client says of its presence, which whoever joins is told of everybody."""
    waiting_frames: int = 32_768
    """Frames that may wait for a connection: the rows of the longest bulk insert that a client in good order keeps up with."""
    waiting_bytes: int = 32 * MEBIBYTE
    """The same in bytes."""
    held_frames: int = 4096
    """Live changes that wait for a channel while it reads what it missed; with more, it reads those again too."""
    backlog: int = 8192
    """Commits that may wait for all subscribers together; with more, they are read again from the relations."""
    idle_seconds: float = 60.0
    """How long a connection lives without a frame of its client: clients send a heartbeat every 25 s."""
    recheck_seconds: float = 5.0
    """How often it is asked whether the tokens of a connection still hold; each ends at its `exp` all the same."""
    farewell_seconds: float = 5.0
    """How long a client that does not read is given to take its closing frame."""
