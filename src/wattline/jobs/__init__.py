"""Durable and periodic work: what must happen once although processes die, and what must happen every so often.

Invariants: a workflow runs once per key, a completed step is never repeated, a periodic job never overlaps itself;
the durable-execution library (DBOS) is known to `engine` alone, and runs on a thread and an event loop of its own.
Entry points: `service.Jobs`, `periodic.Periodic`, `model.JobFailed`.
"""
