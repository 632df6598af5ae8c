"""Exports: readings, or energy by the interval, day or month, as CSV (RFC 4180) in pieces of bounded size.

Invariants: memory does not grow with the length of a file; no cell is a formula to a spreadsheet; a file that is made on
request is whole or not there, and is read by whoever has its signed link until that runs out.
Entry points: `service.Exports`, `files.Files`.
"""
