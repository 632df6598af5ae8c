"""What exists: sites, devices, their streams and sensors, and how an unknown device is registered on first use.

Invariants: ids are given once and never reused; a key means one thing in its tenant; a sensor belongs to exactly one stream.
Entry points: `service.Registry`, `stream.Stream`.
"""
