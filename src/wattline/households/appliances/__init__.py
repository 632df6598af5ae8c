"""The appliances of a household, which peaks they cause, and how much power each of them draws.

A power that the household gave stays; every other follows from the peaks, with its standard error, in the same transaction as
the change that it follows from. Nobody sees or names another household's appliance or peak.
Entry points: `service.Appliances`; the categories are in `categories`, the estimate in `estimate`.
"""
