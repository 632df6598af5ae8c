"""Mail to the people who run the grid: the alert ledger, its delivery by SMTP, and the texts.

Invariants: what must be mailed is a ledger row, written in the transaction of its cause; a row is `sending` before the SMTP
dialogue and finished after it; a resend carries the same Message-ID; a restore is only announced to whom its trip was
announced.
Entry points: `service.Notify`, `model.AlertSettings`, `smtp.SmtpTransport`, `ledger.AlertQuery`.
"""
