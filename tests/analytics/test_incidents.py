"""The grouping of rises into incidents."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wattline.analytics.incidents import Incident, IncidentBook, Rise, together
from wattline.model.clock import SECOND

AREA = ("utility", "west")
AT = 1_000 * SECOND


def rise(site: str, second: float, *, common: bool = False, score: float = 0.8) -> Rise:
    """A rise at a second of the test."""
    return Rise(site, round(second * SECOND), score, common)


def open_with(*rises: Rise, live: int = 20) -> tuple[IncidentBook, dict[str, Incident]]:
    """A book with the incidents of one pass."""
    book = IncidentBook("robust-2", [])
    return book, book.admit(AREA, rises, live, AT)


@given(st.lists(st.integers(0, 200), max_size=15))
def test_groups_are_the_components_of_being_within_ten_seconds(seconds: list[int]) -> None:
    rises = [rise(f"S{at}", second) for at, second in enumerate(seconds)]
    groups = together(rises)
    label = {member.site: number for number, group in enumerate(groups) for member in group}
    assert len(label) == len(rises)
    reach = {one.site: {two.site for two in rises if abs(one.onset_us - two.onset_us) <= 10 * SECOND} for one in rises}
    for one in rises:
        seen, front = {one.site}, {one.site}
        while front:
            front = {other for site in front for other in reach[site]} - seen
            seen |= front
        assert seen == {site for site, number in label.items() if number == label[one.site]}


def test_ten_seconds_are_together_and_more_are_not() -> None:
    _, assigned = open_with(rise("A", 0), rise("B", 10), rise("C", 20.001))
    assert assigned["A"] is assigned["B"]
    assert assigned["C"] is not assigned["A"]
    assert assigned["A"].substations == ("A", "B")


def test_half_of_the_substations_make_it_a_system_incident() -> None:
    assert open_with(rise("A", 0), live=1)[1]["A"].kind == "local"
    assert open_with(rise("A", 0), rise("B", 1), live=4)[1]["A"].kind == "system"
    assert open_with(rise("A", 0), rise("B", 1), live=5)[1]["A"].kind == "local"


def test_a_disturbance_that_the_neighbours_share_is_the_systems_even_if_few_cross_the_limit() -> None:
    assert open_with(rise("A", 0, common=True), live=50)[1]["A"].kind == "system"
    assert open_with(rise("A", 0, common=True), live=2)[1]["A"].kind == "local"


def test_a_straggler_of_a_system_event_joins_it_and_a_local_fault_does_not() -> None:
    book, first = open_with(rise("A", 0, common=True), rise("B", 2, common=True))
    later = book.admit(AREA, [rise("C", 58, common=True), rise("D", 90)], 20, AT + 60 * SECOND)
    assert later["C"] is first["A"]
    assert later["D"] is not first["A"]
    assert later["D"].kind == "local"


def test_a_later_pass_joins_by_nearness_in_time() -> None:
    book, first = open_with(rise("A", 55))
    later = book.admit(AREA, [rise("B", 64)], 20, AT + 60 * SECOND)
    assert later["B"] is first["A"]
    assert book.admit(AREA, [rise("C", 74.5)], 20, AT + 120 * SECOND)["C"] is not first["A"]


def test_areas_and_tenants_do_not_share_incidents() -> None:
    book, first = open_with(rise("A", 0, common=True))
    assert book.admit(("utility", "east"), [rise("E", 0, common=True)], 20, AT)["E"] is not first["A"]
    assert book.admit(("rival", "west"), [rise("A", 0, common=True)], 20, AT)["A"] is not first["A"]
    assert len(book.open) == 3


def test_an_incident_closes_when_its_last_member_clears() -> None:
    _, assigned = open_with(rise("A", 0), rise("B", 1))
    incident = assigned["A"]
    incident.observe("A", 0.1, (), AT, cleared=True, confirmed=False)
    assert incident.closed_us is None
    incident.observe("B", 0.95, ("residual",), AT, cleared=False, confirmed=True)
    assert (incident.confirmed_us, incident.peak_score, incident.reasons) == (AT, 0.95, ("residual",))
    incident.observe("B", 0.2, (), AT + SECOND, cleared=True, confirmed=False)
    assert incident.closed_us == AT + SECOND
    assert incident.peak_score == 0.95


def test_the_same_pass_gives_its_incidents_the_same_names() -> None:
    rises = (rise("A", 0), rise("B", 40))
    first, second = open_with(*rises)[1], open_with(*rises)[1]
    assert [first[site].id for site in "AB"] == [second[site].id for site in "AB"]
    assert first["A"].id != first["B"].id
