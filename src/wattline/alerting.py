"""Settings and events of alerting, from the platform's words to those of the packages that do the work."""

from __future__ import annotations

from wattline.analytics.model import AnomalyEdge as ScoredEdge
from wattline.notify.model import AnomalousSite, AnomalyEdge
from wattline.notify.policy import AlertSettings
from wattline.notify.service import Notify
from wattline.notify.smtp import SmtpSettings, SmtpTransport
from wattline.settings import Settings


def alert_settings(settings: Settings) -> AlertSettings:
    """The figures of alerting, from the settings of the same names with `alert_` before them."""
    names = AlertSettings.__dataclass_fields__
    return AlertSettings(**{name: getattr(settings, f"alert_{name}") for name in names})


def transport(settings: Settings) -> SmtpTransport | None:
    """The mail server, or None where none is configured."""
    if settings.smtp_host is None:
        return None
    password = settings.smtp_password
    return SmtpTransport(
        SmtpSettings(
            host=settings.smtp_host,
            sender=settings.smtp_sender,
            port=settings.smtp_port,
            security=settings.smtp_security,
            username=settings.smtp_username,
            password=None if password is None else password.get_secret_value(),
        )
    )


class AnomalyMail:
    """Hands the edges of scored incidents to the alert ledger."""

    def __init__(self, notify: Notify) -> None:
        self._notify = notify

    async def __call__(self, edge: ScoredEdge) -> None:
        """Told at least once for each edge; the ledger keeps it once."""
        sites = tuple(
            AnomalousSite(site, score, reasons=edge.reasons) for site, score in zip(edge.substations, edge.scores, strict=True)
        )
        await self._notify.anomaly(AnomalyEdge(edge.tenant, edge.incident, edge.time, edge.raised, sites))
