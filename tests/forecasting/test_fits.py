"""Who waits for whom: fits are shared, bounded and beside everything else."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator

import pytest

from tests.forecasting.test_service import BERLIN, NOW, Stored, question, stored
from wattline.forecasting import candidates, fits, service
from wattline.forecasting.candidates import Fitted, Ready
from wattline.forecasting.history import Past
from wattline.forecasting.model import Forecast, InsufficientHistory, ModelName, Target
from wattline.forecasting.service import Forecasting
from wattline.model.clock import ManualClock
from wattline.model.errors import Unavailable


class Several:
    """The histories of several meters, by their number."""

    def __init__(self) -> None:
        self._kept: dict[int, Stored] = {}

    async def power(self, subject: int, target: Target, start: int, end: int, *, as_of: int, live: bool) -> Past:
        history = self._kept.setdefault(subject, stored(36, seed=subject))
        return await history.power(None, target, start, end, as_of=as_of)


class Gate:
    """Holds every fit up until it is opened, or lets it fail."""

    def __init__(self, fit: Callable[[Ready], Fitted]) -> None:
        self._fit = fit
        self.begun, self.opened = threading.Semaphore(0), threading.Event()
        self.failure: Exception | None = None
        self.fits = 0

    def __call__(self, ready: Ready) -> Fitted:
        self.fits += 1
        self.begun.release()
        self.opened.wait()
        if self.failure is not None:
            raise self.failure
        return self._fit(ready)

    async def busy(self) -> None:
        """Wait until one more fit has begun."""
        assert await asyncio.to_thread(self.begun.acquire, timeout=60)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    made = Gate(candidates.fit)
    monkeypatch.setattr(candidates, "fit", made)
    yield made
    made.opened.set()


@pytest.fixture
def asked() -> Forecasting[int]:
    return Forecasting(Several(), ManualClock(NOW))


def ask(asked: Forecasting[int], meter: int, model: ModelName = "auto") -> asyncio.Task[Forecast]:
    return asyncio.create_task(asked.forecast(meter, BERLIN, question(model=model)))


async def test_who_needs_no_fit_waits_for_none(asked: Forecasting[int], gate: Gate) -> None:
    gate.opened.set()
    known = await ask(asked, 1)
    await gate.busy()
    gate.opened.clear()
    slow = ask(asked, 2)
    await gate.busy()
    again, simple = await asyncio.gather(ask(asked, 1), ask(asked, 3, "seasonal_naive"))
    assert not slow.done()
    assert (again.values == known.values).all()
    assert simple.weights == {"seasonal_naive": 1.0}
    gate.opened.set()
    await slow
    assert gate.fits == 2


async def test_the_same_question_at_once_is_one_fit(asked: Forecasting[int], gate: Gate) -> None:
    several = [ask(asked, 1) for _ in range(5)]
    await gate.busy()
    # Who hangs up takes nothing from the others, also who asked first.
    several[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await several[0]
    gate.opened.set()
    found = await asyncio.gather(*several[1:])
    assert gate.fits == 1
    assert all((each.values == found[0].values).all() for each in found)


async def test_one_fit_at_a_time(asked: Forecasting[int], gate: Gate) -> None:
    several = [ask(asked, meter) for meter in range(3)]
    await gate.busy()
    await ask(asked, 9, "naive")
    assert gate.fits == 1
    gate.opened.set()
    await asyncio.gather(*several)
    assert gate.fits == 3


async def test_too_many_fits_are_refused_with_the_time_that_they_take(
    asked: Forecasting[int], gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fits, "MOST_WAITING", 4)
    several = [ask(asked, meter) for meter in range(5)]
    await gate.busy()
    # Answers are made in the order of the questions: when this one is, those before it wait for their fits.
    await ask(asked, 9, "naive")
    with pytest.raises(Unavailable) as refused:
        await ask(asked, 6)
    assert refused.value.retry_after == 3
    await ask(asked, 6, "seasonal_mean")
    same = ask(asked, 4)
    gate.opened.set()
    await asyncio.gather(*several, same)
    await ask(asked, 6)
    assert gate.fits == 6


async def test_too_many_questions_are_refused_before_anything_is_read(
    asked: Forecasting[int], gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOST_ASKED", 2)
    several = [ask(asked, 1), ask(asked, 1)]
    await gate.busy()
    with pytest.raises(Unavailable):
        await ask(asked, 2, "naive")
    gate.opened.set()
    await asyncio.gather(*several)
    await ask(asked, 2, "naive")


async def test_a_fit_that_failed_is_tried_again(asked: Forecasting[int], gate: Gate) -> None:
    gate.failure = InsufficientHistory("too little")
    gate.opened.set()
    found = await asyncio.gather(ask(asked, 1), ask(asked, 1), return_exceptions=True)
    assert [type(each) for each in found] == [InsufficientHistory] * 2
    gate.failure = None
    assert (await ask(asked, 1)).values.size == 24
