"""Use that a household would want to hear of, and meters that fell silent: one incident, one mail.

What was measured is looked at once and in order; an incident, its mail and how far was looked are one transaction.
Entry points: `service.Anomalies`, `model.Anomaly`; what is expected of an hour is in `expectation`, what is unusual in
`detection`.
"""
