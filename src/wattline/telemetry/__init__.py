"""Time series: schema, writer, reader, tiers, retention. The only place that speaks ClickHouse.

Invariants: a (sensor, time) has one current value, the one of the highest revision; a tier bucket is recomputed from
de-duplicated raw data, never accumulated; one client writes, a small pool reads.
Entry points: `engine.Engine`, `schema.prepare`, `writer.TelemetryWriter`, `reader.TelemetryReader`, `tiers.TIERS`.
"""
