"""From a ledger row to a message (RFC 5322): subject, plain text and HTML. The same row always gives the same message."""

from __future__ import annotations

import hashlib
import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from wattline.model.clock import SECOND, from_micros
from wattline.notify.model import PRIVATE, Alert, Kind

# Control characters, and the separators and direction marks of Unicode that could fake a line or hide one.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]+")
_LONGEST_SUBJECT = 150
_LONGEST_TEXT = 2000


def clean(text: object) -> str:
    """One line of printable text, however the sender of an event wrote it."""
    return _UNPRINTABLE.sub(" ", str(text)).strip()[:_LONGEST_TEXT]


def moment(micros: int) -> str:
    """An instant as people read it: 2026-06-11 14:35:00 UTC."""
    return from_micros(micros).strftime("%Y-%m-%d %H:%M:%S UTC")


def duration(micros: int) -> str:
    """A span as people say it, to the second: 73 min, 1 h 13 min, 60 s."""
    total = max(0, (micros + SECOND // 2) // SECOND)
    minutes, seconds = divmod(total, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "0 s"


def place(item: dict[str, Any]) -> str:
    """A feeder with its substation, as far as it is known."""
    name = clean(item.get("feeder") or item.get("device") or "?")
    return f"{name} at {clean(item['site'])}" if item.get("site") else name


class Letters:
    """Composes messages from the templates of this package, in the name of `sender`."""

    def __init__(self, sender: str, product: str = "Wattline") -> None:
        self._sender = sender
        self._product = product
        self._environment = Environment(
            loader=PackageLoader("wattline.notify"),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=lambda value: clean(value) if isinstance(value, str) and not hasattr(value, "__html__") else value,
        )
        self._environment.filters |= {"moment": moment, "duration": duration, "place": place}

    def compose(self, alert: Alert) -> EmailMessage:
        """The message of a row, to be sent to its recipient."""
        title = clean(alert.body["title"]) if alert.kind in PRIVATE else _title(alert)
        template = _template(alert)
        values = {"title": title, "kind": alert.kind.value, "body": dict(alert.body), "product": self._product}
        message = EmailMessage(policy=SMTP_POLICY)
        message["Subject"] = (title if alert.kind in PRIVATE else f"[{self._product}] {title}")[:_LONGEST_SUBJECT]
        message["From"] = Address(self._product, addr_spec=self._sender)
        message["To"] = Address(addr_spec=alert.recipient)
        message["Date"] = format_datetime(from_micros(alert.queued or alert.created).replace(microsecond=0))
        message["Message-ID"] = alert.message_id
        if alert.body.get("in_reply_to"):
            message["In-Reply-To"] = message["References"] = alert.body["in_reply_to"]
        message["Auto-Submitted"] = "auto-generated"
        message["X-Wattline-Alert"] = alert.kind.value
        message.set_content(self._environment.get_template(f"{template}.txt").render(values), charset="utf-8")
        html = self._environment.get_template(f"{template}.html").render(values)
        message.add_alternative(html, subtype="html", charset="utf-8")
        # Chosen by us, so that a resend is the same to the byte.
        message.set_boundary(hashlib.sha256(alert.message_id.encode()).hexdigest()[:40])
        return message


def _template(alert: Alert) -> str:
    """A household is written to in its own language, the staff of a utility in English."""
    return f"{alert.kind.value}.{alert.body['language']}" if alert.kind in PRIVATE else alert.kind.value


def _title(alert: Alert) -> str:
    body = dict(alert.body)
    match alert.kind:
        case Kind.TRIP:
            return _trip_title(body)
        case Kind.RESTORE:
            return f"Feeder {place(body)} restored after {duration(body['at'] - body['since'])}"
        case Kind.EVENT:
            return f"{clean(body['event_type'])}: {place(body)}"
        case Kind.STORM:
            return f"Storm: {len(body['feeders'])} feeders tripped"
        case Kind.DIGEST:
            return f"Digest: {len(body['items'])} {'alert' if len(body['items']) == 1 else 'alerts'}"
        case _:
            return _anomaly_title(alert.kind, [clean(site["site"]) for site in body["sites"]], bool(body.get("still")))


def _trip_title(body: dict[str, Any]) -> str:
    return f"Feeder {place(body)} is still open" if body.get("still") else f"Feeder {place(body)} tripped"


def _anomaly_title(kind: Kind, names: list[str], still: bool) -> str:
    where = names[0] if len(names) == 1 else f"{len(names)} substations"
    if kind is Kind.CLEARED:
        return f"Frequency back to normal at {where}"
    return f"Frequency anomaly at {where} goes on" if still else f"Frequency anomaly at {where}"
