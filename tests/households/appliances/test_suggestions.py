"""What peaks look like."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.households.appliances.conftest import Homes, profile
from wattline.households.appliances.service import Appliances
from wattline.households.appliances.suggestions import suggested
from wattline.households.recognition.model import Guess, Recogniser
from wattline.households.tables import suggestions

LIKELY = Guess("microwave", "microwave", 0.6)
UNKNOWN = Guess("unknown", None, 0.4)


@pytest.mark.parametrize(
    ("guesses", "expected"),
    [
        ([], []),
        ([LIKELY, UNKNOWN], [("microwave", 0.6)]),
        ([Guess("unknown", None, 0.9), Guess("microwave", "microwave", 0.1)], []),
        ([Guess("iron", "iron", 0.499), Guess("kettle", "kettle", 0.501)], [("kettle", 0.501)]),
        ([Guess("iron", "iron", 0.5), Guess("dryer", "dryer", 0.5)], [("dryer", 0.5), ("iron", 0.5)]),
        ([Guess("time machine", "timeMachine", 1.0)], []),
    ],
)
def test_what_is_likelier_than_not_is_suggested(guesses: list[Guess], expected: list[tuple[str, float]]) -> None:
    assert suggested(guesses) == expected


def test_classes_of_one_category_count_together() -> None:
    found = suggested([Guess("lamp", "lighting", 0.3), Guess("bulb", "lighting", 0.3), Guess("unknown", None, 0.4)])
    assert found == [("lighting", pytest.approx(0.6))]


class Says(Recogniser):
    """A recogniser whose guesses are given, by the peak's power."""

    def __init__(self, guesses: dict[float, list[Guess]]) -> None:
        super().__init__()
        self.guesses = guesses

    def classify(self, times_us, watts, base_w=None):  # type: ignore[no-untyped-def]
        assert base_w == 0.0
        return self.guesses[float(watts[0])]


async def test_suggestions_are_replaced_and_never_double(homes: Homes) -> None:
    await homes.home("ada")
    says = Says({1200.0: [LIKELY, UNKNOWN], 2000.0: [Guess("kettle", "kettle", 0.9)]})
    service = Appliances(homes.database, says, homes.clock)
    one, other = await homes.peak("ada", 1200), await homes.peak("ada", 2000)
    for _ in range(2):
        await service.suggest([profile(one), profile(other)])
    assert await service.suggestions("town", "ada", [one.id, other.id]) == {
        one.id: [("microwave", 0.6)],
        other.id: [("kettle", 0.9)],
    }
    says.guesses[1200.0] = [Guess("toaster", "toaster", 0.7)]
    await service.suggest([profile(one)])
    says.guesses[2000.0] = [Guess("unknown", None, 1.0)]
    await service.suggest([profile(other)])
    assert await service.suggestions("town", "ada", [one.id, other.id]) == {one.id: [("toaster", 0.7)], other.id: []}
    assert await homes.rows(suggestions) == 1


async def test_nobody_sees_what_anothers_peaks_look_like(homes: Homes) -> None:
    for tenant, user in (("town", "ada"), ("town", "bob"), ("city", "ada")):
        await homes.home(user, tenant)
    service = Appliances(homes.database, Says({1200.0: [LIKELY]}), homes.clock)
    peak = await homes.peak("ada", 1200)
    await service.suggest([profile(peak)])
    assert await service.suggestions("town", "bob", [peak.id]) == {peak.id: []}
    assert await service.suggestions("city", "ada", [peak.id]) == {peak.id: []}


async def test_a_peak_that_is_gone_leaves_nothing(homes: Homes) -> None:
    await homes.home("ada")
    service = Appliances(homes.database, Says({1200.0: [LIKELY]}), homes.clock)
    kept, gone = await homes.peak("ada", 1200), await homes.peak("ada", 1200)
    from wattline.households.tables import peaks

    async with homes.database.transaction() as connection:
        await connection.execute(peaks.delete().where(peaks.c.id == gone.id))
    await service.suggest([profile(kept), profile(gone)])
    assert await homes.rows(suggestions) == 1


async def test_the_power_of_a_grown_peak_is_followed(homes: Homes) -> None:
    from wattline.households.tables import peaks

    await homes.home("ada")
    service = Appliances(homes.database, Says({2000.0: []}), homes.clock)
    kettle = await service.create("town", "ada", {"name": "Kettle", "category": "kettle"})
    peak = await homes.peak("ada", 1500)
    await service.assign("town", "ada", peak.id, [kettle.id])
    async with homes.database.transaction() as connection:
        await connection.execute(peaks.update().where(peaks.c.id == peak.id).values(power_w=2000.0))
    grown = await homes.peak("ada", 2000)
    await service.suggest([profile(grown)])
    assert (await service.appliance("town", "ada", kettle.id)).power_w == pytest.approx(1500, rel=0.01)
    await service.suggest([(peak, *profile(grown)[1:])])
    assert (await service.appliance("town", "ada", kettle.id)).power_w == pytest.approx(2000, rel=0.01)


async def test_a_broken_model_is_logged_and_stops_nothing(
    homes: Homes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = tmp_path / "appliances.npz"
    broken.write_bytes(b"no model")
    await homes.home("ada")
    service = Appliances(homes.database, Recogniser(broken), homes.clock)
    peak = await homes.peak("ada", 1200)
    with caplog.at_level(logging.ERROR):
        await service.suggest([profile(peak)])
    assert "the model that recognises appliances failed" in caplog.text
    assert await service.suggestions("town", "ada", [peak.id]) == {peak.id: []}


async def test_too_few_samples_look_like_nothing(homes: Homes, caplog: pytest.LogCaptureFixture) -> None:
    await homes.home("ada")
    peak = await homes.peak("ada", 2000, minutes=0.25)
    await homes.appliances.suggest([profile(peak)])
    assert await homes.appliances.suggestions("town", "ada", [peak.id]) == {peak.id: []}
    assert not caplog.records
