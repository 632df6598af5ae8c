"""What is sent: a document made once, as the bytes of its JSON and of the WebSocket frame around it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from wattline.model.clock import from_micros
from wattline.sockets import frame

_encode = msgspec.json.Encoder().encode


class Frame:
    """One frame of a channel. `place` is where a client goes on after it: a receipt (us), or an event's cursor.

    `whole` makes what is sent in its stead to a client that did not get the frame before, where this one tells a change alone.
    """

    __slots__ = ("_whole", "_wire", "channel", "payload", "place")

    def __init__(self, channel: str, place: int | str, payload: bytes, whole: Callable[[], Frame] | None = None) -> None:
        self.channel, self.place, self.payload = channel, place, payload
        self._wire: bytes | None = None
        self._whole = whole

    @property
    def wire(self) -> bytes:
        """The WebSocket frame."""
        if self._wire is None:
            self._wire = frame(self.payload)
        return self._wire

    def in_full(self) -> Frame:
        """What needs no frame before it."""
        return self if self._whole is None else self._whole()


def spelled(micros: int) -> str:
    """A moment as frames write it."""
    return from_micros(micros).isoformat().replace("+00:00", "Z")


def data_frame(channel: str, place: int | str, time: int, data: object, whole: Callable[[], Frame] | None = None) -> Frame:
    """`{"ch", "seq", "t", "data"}`."""
    return Frame(channel, place, _encode({"ch": channel, "seq": place, "t": spelled(time), "data": data}), whole)


def dropped_frame(channel: str, count: int) -> Frame:
    """What tells a slow reader how many frames of a channel it did not get, before the next of them."""
    return Frame(channel, 0, _encode({"ch": channel, "dropped": count}))


def said(document: dict[str, Any]) -> Frame:
    """What the server says of the connection itself, with its `op`."""
    return Frame("", 0, _encode(document))
