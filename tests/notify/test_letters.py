"""What a mail says, and that nobody outside can say more in it."""

from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes
from email.policy import SMTP as POLICY
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattline.model.clock import MINUTE, SECOND
from wattline.notify.letters import Letters, clean, duration
from wattline.notify.model import PRIVATE, Alert, Kind, State

from .timelines import BEGIN

FEEDER = {"site": "SUB001", "feeder": "FDR002", "device": "SUB001-FDR002"}
TRIP = {**FEEDER, "at": BEGIN, "message": "Overcurrent", "old_state": "CLOSED", "new_state": "OPEN", "still": False}
RESTORE = {**FEEDER, "since": BEGIN, "at": BEGIN + 73 * MINUTE, "message": None, "in_reply_to": "<1@x.example>"}
EVENT = {**TRIP, "event_type": "LOW_VOLTAGE"}
SITE = {"site": "SUB001", "score": 0.93, "z_score": -4.21, "value": 59.8123, "reasons": ["z_robust", "residual"]}
ANOMALY = {
    "at": BEGIN,
    "still": False,
    "sites": [SITE, {**SITE, "site": "SUB002", "z_score": None, "value": None, "reasons": []}],
}
BODIES: dict[Kind, dict[str, Any]] = {
    Kind.TRIP: TRIP,
    Kind.RESTORE: RESTORE,
    Kind.EVENT: EVENT,
    Kind.ANOMALY: ANOMALY,
    Kind.CLEARED: ANOMALY,
    Kind.STORM: {"feeders": [TRIP, {**TRIP, "site": None, "message": None}], "window_seconds": 60},
    Kind.DIGEST: {
        "items": [
            {**body, "kind": kind}
            for kind, body in (("trip", TRIP), ("restore", RESTORE), ("event", EVENT), ("anomaly", ANOMALY))
        ],
        "left": 3,
    },
}


def alert(kind: Kind, body: dict[str, Any]) -> Alert:
    names = dict.fromkeys(Alert.__slots__)
    known = {"kind": kind, "state": State.SENDING, "recipient": "a@b.example", "message_id": "<9@w.example>", "created": BEGIN}
    return Alert(**{**names, **known, "body": body})


def compose(kind: Kind, body: dict[str, Any]) -> tuple[str, str, str]:
    """Subject, text and HTML as a reader's program takes them from the wire."""
    wire = Letters("alerts@wattline.example").compose(alert(kind, body)).as_bytes()
    message = message_from_bytes(wire, policy=POLICY)
    text, html = (message.get_body((part,)) for part in ("plain", "html"))  # type: ignore[attr-defined]
    return str(message["Subject"]), text.get_content(), html.get_content()


@pytest.mark.parametrize(
    ("kind", "subject", "said"),
    [
        (
            Kind.TRIP,
            "Feeder FDR002 at SUB001 tripped",
            ["2026-06-11 14:35:00 UTC", "Overcurrent", "CLOSED to OPEN", "SUB001-FDR002"],
        ),
        (Kind.RESTORE, "Feeder FDR002 at SUB001 restored after 1 h 13 min", ["14:35:00", "15:48:00", "1 h 13 min"]),
        (Kind.EVENT, "LOW_VOLTAGE: FDR002 at SUB001", ["LOW_VOLTAGE", "Overcurrent"]),
        (
            Kind.ANOMALY,
            "Frequency anomaly at 2 substations",
            ["SUB001", "0.93", "59.812", "-4.21", "z_robust, residual", "SUB002"],
        ),
        (Kind.CLEARED, "Frequency back to normal at 2 substations", ["SUB001", "SUB002"]),
        (Kind.STORM, "Storm: 2 feeders tripped", ["FDR002 at SUB001", "Overcurrent", "60 s"]),
        (
            Kind.DIGEST,
            "Digest: 4 alerts",
            ["FDR002 at SUB001 tripped", "restored after 1 h 13 min", "LOW_VOLTAGE", "anomaly at SUB001, SUB002", "3 more"],
        ),
    ],
)
def test_what_every_kind_says(kind: Kind, subject: str, said: list[str]) -> None:
    title, text, html = compose(kind, BODIES[kind])
    assert title == f"[Wattline] {subject}"
    for words in said:
        assert words in text
        assert words in html


def test_every_kind_has_its_letter() -> None:
    assert set(BODIES) | set(PRIVATE) == set(Kind)


def test_a_restore_answers_the_mail_about_its_trip() -> None:
    message = Letters("alerts@wattline.example").compose(alert(Kind.RESTORE, RESTORE))
    assert message["In-Reply-To"] == message["References"] == "<1@x.example>"


def test_the_same_row_is_the_same_message_to_the_byte() -> None:
    row = alert(Kind.TRIP, TRIP)
    assert Letters("a@b.example").compose(row).as_bytes() == Letters("a@b.example").compose(replace(row, attempts=7)).as_bytes()


HOSTILE = st.text(min_size=1, max_size=60) | st.sampled_from(
    [
        "x\r\nBcc: c@d.example",
        "<script>alert(1)</script>",
        "{{ 7 * 7 }}",
        "\ud800",
        "\u202egnp",
        "a\x00b",
        "\u2028",
        "=?utf-8?q?x?=",
    ]
)


@given(HOSTILE, HOSTILE, HOSTILE)
def test_nothing_a_device_sends_breaks_out(feeder: str, site: str, message: str) -> None:
    body = {**TRIP, "feeder": feeder, "site": site, "message": message, "device": feeder}
    composed = Letters("alerts@wattline.example").compose(alert(Kind.TRIP, body))
    wire = composed.as_bytes()
    parsed = message_from_bytes(wire, policy=POLICY)
    assert sorted(parsed.keys()) == sorted(composed.keys())
    assert parsed["To"] == "a@b.example"
    assert parsed["Bcc"] is None
    assert b"\x00" not in wire
    html = parsed.get_body(("html",)).get_content()  # type: ignore[attr-defined]
    assert "<script" not in html
    text = parsed.get_body(("plain",)).get_content()  # type: ignore[attr-defined]
    assert len(text.splitlines()) <= 6


def test_clean_makes_one_line() -> None:
    assert clean(" a\r\n\tb\u2028c\x85d\u202e ") == "a b c d"


@pytest.mark.parametrize(
    ("micros", "said"),
    [
        (0, "0 s"),
        (-5, "0 s"),
        (59 * SECOND + 499_999, "59 s"),
        (59 * SECOND + 500_000, "1 min"),
        (73 * MINUTE, "1 h 13 min"),
        (86_400 * SECOND + 1 * SECOND, "1 d 1 s"),
    ],
)
def test_durations(micros: int, said: str) -> None:
    assert duration(micros) == said
