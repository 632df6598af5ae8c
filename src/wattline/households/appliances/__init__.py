"""The appliances of a household, which peaks they cause, and how much power each of them draws.

Entry points: `service.Appliances`; the categories are in `categories`, the estimate in `estimate`.
"""
