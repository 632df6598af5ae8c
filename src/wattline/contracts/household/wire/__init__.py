"""The protobuf messages of meter readers, read and written without a library.

Invariants: a message is read in one pass, bounded by its length; what is not proto3 raises `Malformed`; unknown fields are
skipped; what is written fits the fixed memory of the devices.
Entry points: `requests` (what devices send), `replies` (what they get), `timestamps`; `device` is the other side.
"""
