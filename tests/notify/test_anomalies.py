"""Mails about anomalies: one for each incident, a cooldown for each substation."""

from __future__ import annotations

import pytest

from wattline.model.errors import Invalid
from wattline.notify.ledger import AlertQuery
from wattline.notify.model import AnomalousSite, AnomalyEdge, Kind, State
from wattline.notify.policy import AlertSettings

from .conftest import OPERATOR, Build
from .mailbox import Mailbox
from .timelines import Player, trip


class Scorer:
    """Tells alerting of anomalies at a time, as scoring would."""

    def __init__(self, player: Player) -> None:
        self.player = player

    async def edge(self, at: float, incident: str, *sites: str, raised: bool = True) -> None:
        await self.player.run_until(at)
        named = tuple(AnomalousSite(site, 0.9, 4.5, 59.9, ("z_robust",)) for site in sites)
        edge = AnomalyEdge("utility", incident, self.player.clock.micros(), raised, named)
        await self.player.notify.anomaly(edge)
        await self.player.notify.tick()


@pytest.fixture
def scorer(player: Player) -> Scorer:
    return Scorer(player)


async def test_an_anomaly_is_told_once(scorer: Scorer, mailbox: Mailbox) -> None:
    await scorer.edge(0, "i1", "SUB001")
    await scorer.edge(1, "i1", "SUB001")
    assert mailbox.titles() == ["Frequency anomaly at SUB001"]


async def test_a_system_wide_incident_is_one_mail_that_names_all(scorer: Scorer, mailbox: Mailbox) -> None:
    names = [f"SUB{number:03}" for number in range(50)]
    await scorer.edge(0, "i1", *names)
    (mail,) = mailbox.mails()
    assert mail.title == "Frequency anomaly at 50 substations"
    assert all(name in mail.text for name in names)


@pytest.mark.parametrize(("at", "mails"), [(899.9, 1), (900, 2)])
async def test_the_cooldown_is_per_substation(scorer: Scorer, mailbox: Mailbox, at: float, mails: int) -> None:
    await scorer.edge(0, "i1", "SUB001")
    await scorer.edge(10, "i1", "SUB001", raised=False)
    await scorer.edge(20, "i2", "SUB002")
    await scorer.edge(at, "i3", "SUB001")
    assert mailbox.titles().count("Frequency anomaly at SUB001") == mails
    assert "Frequency anomaly at SUB002" in mailbox.titles()


async def test_an_incident_with_one_fresh_substation_is_told(scorer: Scorer, mailbox: Mailbox) -> None:
    await scorer.edge(0, "i1", "SUB001")
    await scorer.edge(60, "i2", "SUB001", "SUB002")
    assert mailbox.titles() == ["Frequency anomaly at SUB001", "Frequency anomaly at 2 substations"]


async def test_an_anomaly_that_outlasts_the_cooldown_is_told_then(scorer: Scorer, mailbox: Mailbox) -> None:
    await scorer.edge(0, "i1", "SUB001")
    await scorer.edge(60, "i1", "SUB001", raised=False)
    await scorer.edge(120, "i2", "SUB001")
    await scorer.player.run_until(2000)
    assert mailbox.titles() == ["Frequency anomaly at SUB001", "Frequency anomaly at SUB001 goes on"]


async def test_an_anomaly_that_ends_inside_the_cooldown_is_not_told(scorer: Scorer, mailbox: Mailbox) -> None:
    await scorer.edge(0, "i1", "SUB001", "SUB002")
    await scorer.edge(120, "i2", "SUB001", "SUB002")
    await scorer.edge(150, "i2", "SUB001", raised=False)
    (held, _) = (await scorer.player.notify.alerts(AlertQuery("utility"))).alerts
    assert [site["site"] for site in held.body["sites"]] == ["SUB002"]
    await scorer.edge(160, "i2", "SUB002", raised=False)
    await scorer.player.run_until(2000)
    assert len(mailbox.mails()) == 1
    (held, _) = (await scorer.player.notify.alerts(AlertQuery("utility"))).alerts
    assert (held.state, held.reason) == (State.CANCELLED, "cleared")


async def test_the_end_is_only_told_where_that_is_wanted(build: Build, mailbox: Mailbox) -> None:
    player = build(settings=AlertSettings(anomaly_cleared_mail=True))
    await player.notify.add_recipient("utility", OPERATOR)
    scorer = Scorer(player)
    await scorer.edge(0, "i1", "SUB001")
    await scorer.edge(30, "i1", "SUB001", raised=False)
    await scorer.edge(31, "i1", "SUB001", raised=False)
    await scorer.edge(40, "unknown", "SUB009", raised=False)
    assert mailbox.titles() == ["Frequency anomaly at SUB001", "Frequency back to normal at SUB001"]


async def test_anomalies_share_the_limit_of_their_recipient_with_trips(scorer: Scorer, mailbox: Mailbox) -> None:
    for number in range(20):
        await scorer.player.feeders.grid_event("utility", trip(number * 7, feeder=f"F{number}").event())
        await scorer.player.run_until(number * 7 + 1)
    await scorer.edge(200, "i1", "SUB001")
    await scorer.player.run_until(400)
    assert mailbox.mails()[-1].kind == "digest"
    assert "anomaly at SUB001" in mailbox.mails()[-1].text


async def test_rows_name_their_substation_only_if_it_is_one(scorer: Scorer) -> None:
    await scorer.edge(0, "i1", "SUB001")
    await scorer.edge(1, "i2", "SUB002", "SUB003")
    rows = (await scorer.player.notify.alerts(AlertQuery("utility", kinds=[Kind.ANOMALY]))).alerts
    assert [(row.site, row.subject) for row in rows] == [(None, "system"), ("SUB001", "SUB001")]


async def test_an_edge_without_substations_is_refused(scorer: Scorer) -> None:
    with pytest.raises(Invalid):
        await scorer.edge(0, "i1")
    with pytest.raises(Invalid):
        await scorer.edge(0, "x" * 129, "SUB001")
