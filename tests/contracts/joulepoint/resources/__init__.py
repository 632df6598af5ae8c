"""Meters, groups, accounts and keys over HTTP."""
