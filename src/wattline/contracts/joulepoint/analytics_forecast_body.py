"""The body of a request for a forecast: the parameters of the query as fields, and weather."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from wattline.contracts.joulepoint.analytics_parameters import SUBJECT, Whom
from wattline.forecasting.model import HORIZON_HOURS, MODELS, QUANTILES, STEPS, WEATHER, Column, Question
from wattline.metering.checks import Document, moment
from wattline.model.errors import Fault

MOST_LEVELS = 20
MOST_KW = 1e6
MOST_VALUES = 40_000
"""Of a column of weather: a quarter hour of more than a year."""
MOST_FAULTS = 50
LARGEST = 1e6
FIELDS = (
    *SUBJECT,
    "tz",
    "horizon_h",
    "step",
    "model",
    "quantiles",
    "target",
    "as_of",
    "lower",
    "upper",
    "weather",
)


def read(body: Mapping[str, Any], now: int) -> tuple[Whom, Question]:
    """Who and what is asked for; `now` is the moment unless the body names one. Raises `Faulty`."""
    given = Document(body, FIELDS)
    meter, group, account = (given.identity(name) for name in SUBJECT)
    if sum(given.given(name) for name in SUBJECT) != 1:
        given.faults.append(Fault("", "exactly_one", "exactly one of meter_id, group_id and account_id must be given"))
    tz = given.zone("tz", "") or None
    weather = _weather(given)
    model = given.choice("model", MODELS, "auto" if weather else "seasonal_naive")
    if weather and model != "auto":
        given.fault("model", "bad_choice", "only the model auto looks at the weather")
    lower, upper = (given.number(name, -MOST_KW, MOST_KW, None) for name in ("lower", "upper"))
    if lower is not None and upper is not None and lower > upper:
        given.fault("lower", "out_of_range", "must not be above upper")
    as_of = given.moment("as_of")
    question = Question(
        as_of=now if as_of is None else as_of,
        horizon_h=given.whole("horizon_h", 1, HORIZON_HOURS, 24) or 24,
        step_s=STEPS[given.choice("step", tuple(STEPS), "1h")],
        model=model,
        target=given.choice("target", ("demand", "generation"), "demand"),
        quantiles=_levels(given),
        lower=lower,
        upper=upper,
        weather=weather,
        live=as_of is None,
    )
    given.done()
    return Whom(meter, group, account, tz), question


def _levels(given: Document) -> tuple[float, ...]:
    found: list[float] = []
    for index, value in enumerate(given.items("quantiles", MOST_LEVELS)):
        if type(value) is not float or not 0 < value < 1 or value in found:
            given.fault(f"quantiles\0{index}", "out_of_range", "a quantile is above 0, below 1 and named once")
        else:
            found.append(value)
    if given.is_empty_list("quantiles"):
        given.fault("quantiles", "required", "there must be one at the least")
    return tuple(sorted(found)) or QUANTILES


def _weather(given: Document) -> dict[str, Column]:
    columns = given.object("weather", WEATHER)
    if columns is None:
        return {}
    return {name: _column(columns, name) for name in WEATHER if columns.given(name)}


def _column(columns: Document, name: str) -> Column:
    """One column; its faults are noted, the first ones if there are many."""
    times: list[int] = []
    values: list[float] = []
    for index, point in enumerate(columns.items(name, MOST_VALUES)):
        if len(columns.faults) >= MOST_FAULTS:
            break
        at = f"{name}\0{index}"
        if not isinstance(point, dict) or point.keys() != {"t", "value"}:
            columns.fault(at, "type", "must be an object with t and value alone")
            continue
        time, value = point["t"], point["value"]
        when = moment(time) if isinstance(time, str) else None
        if when is None:
            columns.fault(f"{at}\0t", "bad_timestamp", "must be an RFC 3339 time with offset")
        elif times and when <= times[-1]:
            columns.fault(f"{at}\0t", "not_ascending", "must be later than the one before it")
        elif type(value) not in (int, float) or not -LARGEST <= value <= LARGEST:
            columns.fault(f"{at}\0value", "out_of_range", f"must be a number from {-LARGEST:.0f} to {LARGEST:.0f}")
        else:
            times.append(when)
            values.append(float(value))
    return Column(np.array(times, np.int64), np.array(values, np.float64))
