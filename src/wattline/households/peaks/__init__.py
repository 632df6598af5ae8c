"""Peaks: spans in which a household used clearly more than its base load.

A window of time is looked at once, in order, whoever asks and however often; a peak that crosses a window's edge is one peak.
Entry points: `service.Peaks`, `model.Peak`; the rules are in `detection`.
"""
