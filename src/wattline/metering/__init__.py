"""What a depot's meters measure: meters, their keys and readings, groups and accounts, energy from registers or power, figures.

Invariants: a meter is a device of a site, its fields are sensors of one stream; energy is derived, never stored as sent; a
missing reading is never zero; a group's figure says how much of it was measured.
Entry points: `service.Metering`, `fields.LAYOUT`.
"""
