"""Use that a household would want to hear of, and meters that fell silent: one incident, one mail.

Entry points: `service.Anomalies`; what is expected of an hour is in `expectation`.
"""
