"""Reports to a household of what it used and what that cost, in its own days.

A period is reported once. Entry points: `service.Reports`; the arithmetic is in `figures`.
"""
