"""Outages: every record that was sent, the life of each outage, and the reliability indices of IEEE 1366.

Invariants: a record is kept for ever and its log event is the same commit; an outage is in the state of its newest record by
time, a restore winning at the same instant, so the order of arrival never matters.
Entry points: `service.Outages`, `model.OutageRecord`, `reliability.indices`.
"""
