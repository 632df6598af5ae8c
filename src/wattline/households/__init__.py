"""Homes: who lives there, the meter that reads them, and what its readings tell.

A household is a site of the registry whose key is the user's id; a meter (known by its MAC address) is a device of the site
that it is assigned to, so that a former household keeps what is its own. Nobody sees another household's rows.
Entry point: `service.Households`, which owns the slices accounts, meters, energy, peaks, appliances, anomalies, reports.
"""
