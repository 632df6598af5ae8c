"""What a household is told of an incident: the figures, in its own language and local time, and nothing that is secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wattline.billing.days import zone_named
from wattline.households.accounts.model import User
from wattline.households.anomalies import words
from wattline.households.anomalies.model import Anomaly
from wattline.households.anomalies.quiet import not_before
from wattline.model.clock import DAY
from wattline.notify.model import Kind, Letter

OLDEST = 2 * DAY
"""us: what was over so long ago is kept, and no mail is written about it."""


def letter_of(anomaly: Anomaly, user: User, now: int) -> Letter | None:
    """The mail about an incident that was found now; None where the household wants or gets none."""
    if not (user.anomaly_mails and user.active and user.email) or (anomaly.end is not None and anomaly.end < now - OLDEST):
        return None
    compose = _silent if anomaly.kind == "silent" else _base if anomaly.figures["reason"] == "base" else _usage
    title, body = compose(anomaly, user)
    return Letter(
        tenant=anomaly.tenant,
        kind=Kind.SILENT if anomaly.kind == "silent" else Kind.USAGE,
        site=user.id,
        recipient=user.email,
        event_id=anomaly.id,
        language=user.language,
        title=title,
        body={"name": user.name, "mac": anomaly.mac, "zone": user.zone, **body},
        not_before=not_before(user, now),
    )


def _usage(anomaly: Anomaly, user: User) -> tuple[str, Mapping[str, Any]]:
    language, zone, figures = user.language, zone_named(user.zone), anomaly.figures
    power = words.power(figures["power_w"], language)
    at = words.hour(anomaly.start, zone, language)
    title = f"Ungewöhnlich hoher Verbrauch: {power} um {at}" if language == "de" else f"Unusually high use: {power} at {at}"
    return title, {
        "reason": "power",
        "began": words.moment(anomaly.start, zone, language),
        "until": words.moment(figures["until"], zone, language),
        "over": anomaly.end is not None,
        "duration": figures["until"] - anomaly.start,
        "power": power,
        "expected": words.power(figures["expected_w"], language),
        "usual": words.power(figures["usual_w"], language),
        "excess": words.energy(figures["excess_kwh"], language),
        "cost": figures["cost"] and words.money(figures["cost"], language),
    }


def _base(anomaly: Anomaly, user: User) -> tuple[str, Mapping[str, Any]]:
    language, figures = user.language, anomaly.figures
    rise = words.power(figures["power_w"] - figures["expected_w"], language)
    de = language == "de"
    title = f"Ständiger Verbrauch um {rise} gestiegen" if de else f"What is always on rose by {rise}"
    return title, {
        "reason": "base",
        "began": words.moment(anomaly.start, zone_named(user.zone), language),
        "power": words.power(figures["power_w"], language),
        "expected": words.power(figures["expected_w"], language),
        "rise": rise,
        "year": words.energy(figures["year_kwh"], language),
        "cost": figures["cost"] and words.money(figures["cost"], language),
    }


def _silent(anomaly: Anomaly, user: User) -> tuple[str, Mapping[str, Any]]:
    language, figures = user.language, anomaly.figures
    never = figures["reason"] == "never"
    if language == "de":
        title = "Ihr Zähler hat noch keine Werte gesendet" if never else "Ihr Zähler sendet keine Werte mehr"
    else:
        title = "Your meter has not sent anything yet" if never else "Your meter stopped sending"
    began = words.moment(anomaly.start, zone_named(user.zone), language)
    return title, {"never": never, "began": began, "duration": figures["silent_us"]}
