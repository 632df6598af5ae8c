"""The one path of every reading: check, commit to the journal, answer, publish, move to the telemetry store.

Invariants: `submit` returns only when its rows are fsynced; a journalled row reaches the store exactly once in effect;
nothing is removed from the journal before the store holds it and its late buckets are marked.
Entry points: `service.Ingest`, `series.Series`, `journal.Journal`.
"""
