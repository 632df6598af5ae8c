"""Publish and subscribe: how what happened in one part of the platform reaches every other.

Invariants: publishing never blocks, however slow a reader is; a reader sees each publisher's messages in their order,
and is told how many it lost.
Entry points: `protocol.Bus`, `protocol.Subscription`, `protocol.Delivery`, `memory.MemoryBus`.
"""
