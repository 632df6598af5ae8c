"""Events that readings tell of: found by the definitions, told in the log and on the bus, and no finer than the data."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.contracts.joulepoint.depot import Depot
from tests.contracts.joulepoint.quality.conftest import CONFIG, EVENTS, READING, Meter, judged, meter_in
from wattline.events.chain import verify
from wattline.quality.ledger import Told


async def test_a_dip_in_readings_says_how_little_is_known(meter: Meter) -> None:
    await meter.config()
    await meter.volts(1.0, 0.85, 1.0)
    (event,) = await meter.events()
    assert (event["type"], event["method"], event["resolution_s"]) == ("sag", "interval_rms", 60.0)
    assert event["category"] is None
    assert event["duration_range_s"] == [0.0, 120.0]
    assert (event["residual_pu"], event["depth_pu"], event["reference_v"]) == (0.85, 0.15, 230.0)
    assert (event["threshold"], event["hysteresis_pct"]) == (0.9, 2.0)
    assert event["phases"] == ["a", "b", "c"]
    assert event["per_phase"]["b"] == {"min_pu": 0.85, "max_pu": 0.85}
    assert event["contains"] == []


async def test_readings_a_second_apart_tell_the_category_where_both_bounds_have_it(meter: Meter) -> None:
    await meter.config()
    await meter.volts(1.0, *[0.5] * 9, 1.0, every=1.0)
    (event,) = await meter.events()
    assert (event["category"], event["duration_range_s"]) == ("temporary", [7.0, 10.0])


async def test_a_long_dip_is_an_undervoltage_while_it_lasts(meter: Meter) -> None:
    await meter.config()
    await meter.volts(1.0, 0.85, 0.85)
    (event,) = await meter.events(open="true")
    assert (event["type"], event["end"]) == ("sag", None)
    await meter.volts(0.85, 0.85)
    (event,) = await meter.events(open="true")
    assert (event["type"], event["category"], event["contains"]) == ("undervoltage", "undervoltage", ["sag"])
    await meter.volts(1.0)
    (event,) = await meter.events(type="undervoltage", min_duration_s="200")
    assert (event["duration_s"], event["end"] is None) == (240.0, False)
    assert await meter.events(open="true") == []


async def test_an_event_is_told_twice_in_the_log_and_on_the_bus(depot: Depot, meter: Meter, told: Sequence[Told]) -> None:
    await meter.config()
    await meter.volts(1.0, 0.85, 0.85, 0.915, 1.0)
    (event,) = await meter.events()
    logged = await meter.logged("pq.event")
    assert [(body["phase"], body["id"]) for body in logged] == [("start", event["id"]), ("end", event["id"])]
    assert {name: logged[1][name] for name in event} == event
    assert (logged[0]["end"], logged[0]["duration_s"], logged[0]["residual_pu"]) == (None, None, 0.85)
    assert [(each.phase, each.event.id, each.data["type"]) for each in told] == [
        ("start", event["id"], "sag"),
        ("end", event["id"], "sag"),
    ]
    assert (await verify(depot.platform.database, depot.tenant)).sound


async def test_only_meters_with_a_config_are_followed(meter: Meter) -> None:
    await meter.volts(1.0, 0.5, 1.0)
    assert await meter.events() == []


async def test_a_late_reading_does_not_touch_what_is_open(meter: Meter) -> None:
    await meter.config()
    await meter.volts(1.0, 0.85, 0.85)
    late = meter.depot.platform.quality.late
    row = {"voltage_a": 230, "voltage_b": 230, "voltage_c": 230, "timestamp": meter.at(-30)}
    await meter.told(READING, row, 201)
    await judged(meter.depot.platform)
    (event,) = await meter.events()
    assert event["end"] is None
    assert meter.depot.platform.quality.late == late + 1


async def test_an_event_keeps_its_thresholds_and_the_next_sample_has_the_new_ones(meter: Meter) -> None:
    await meter.config(sag_v_threshold=0.9)
    await meter.volts(1.0, 0.85)
    await meter.config(sag_v_threshold=0.8)
    (event,) = await meter.events(open="true")
    await meter.volts(0.91)
    assert (await meter.events())[0]["end"] is None
    await meter.volts(0.92, 0.85, 0.79)
    first, second = await meter.events()
    assert (first["id"], first["threshold"], second["threshold"]) == (event["id"], 0.9, 0.8)
    assert first["end"] is not None


async def test_an_interruption_swallows_the_dip(meter: Meter) -> None:
    await meter.config()
    await meter.volts(1.0, 0.6, every=1.0)
    await meter.volts(0.02, 0.02, 1.0, every=1.0)
    (event,) = await meter.events()
    assert (event["type"], event["contains"], event["residual_pu"]) == ("interruption", ["sag"], 0.02)
    assert event["duration_s"] == 3.0
    logged = await meter.logged("pq.event")
    assert [(body["phase"], body["type"]) for body in logged] == [("start", "sag"), ("end", "interruption")]


async def test_thd_is_judged_by_the_mean_of_its_window(meter: Meter) -> None:
    await meter.config(thd_window_s=600)
    await meter.readings(*[{"thd_v_a": 2.0, "thd_v_b": 2.0, "thd_v_c": 2.0}] * 5)
    await meter.readings({"thd_v_a": 9.0, "thd_v_b": 2.0, "thd_v_c": 2.0})
    assert await meter.events() == []
    await meter.readings(*[{"thd_v_a": 9.0}] * 6)
    (event,) = await meter.events(type="thd", open="true")
    assert (event["phases"], event["threshold"], event["window_s"]) == (["a"], 5.0, 600.0)
    assert 5 < event["value_pct"] <= 9
    await meter.readings(*[{"thd_v_a": 1.0}] * 12)
    (event,) = await meter.events(type="thd")
    assert event["end"] is not None


@pytest.mark.parametrize(("method", "value"), [("vuf", None), ("lvur", None), ("pvur", 2.1881)], ids=["vuf", "lvur", "pvur"])
async def test_the_published_voltages_are_an_event_by_one_method_only(meter: Meter, method: str, value: float | None) -> None:
    await meter.config(imbalance_method=method)
    await meter.readings({"voltage_a": 230.1, "voltage_b": 225, "voltage_c": 235})
    events = await meter.events(type="imbalance")
    assert [(round(each["value_pct"], 4), each["imbalance_method"]) for each in events] == (
        [] if value is None else [(value, method)]
    )


async def test_imbalance_says_whether_angles_were_assumed(depot: Depot) -> None:
    for row, assumed in (
        ({"voltage_a": 230, "voltage_b": 215, "voltage_c": 236}, True),
        ({"voltage_ab": 415, "voltage_bc": 400, "voltage_ca": 385}, False),
    ):
        meter = await meter_in(depot)
        await meter.config()
        await meter.readings(row)
        (event,) = await meter.events(type="imbalance")
        assert event["assumed_angles"] is assumed


async def test_while_a_voltage_is_out_of_range_nothing_else_is_judged(meter: Meter) -> None:
    await meter.config()
    row = {"voltage_a": 100, "voltage_b": 230, "voltage_c": 230, "thd_v_a": 40.0, "frequency": 45.0}
    await meter.readings({"voltage_a": 230, "voltage_b": 230, "voltage_c": 230}, row)
    assert [event["type"] for event in await meter.events()] == ["sag"]


async def test_frequency_has_a_band_and_a_way_back(meter: Meter) -> None:
    await meter.config()
    await meter.readings(*({"frequency": hertz} for hertz in (50.0, 49.4, 49.52, 49.56, 50.0)))
    (event,) = await meter.events(type="frequency")
    assert (event["frequency_hz"], event["value_pct"], event["threshold"]) == (49.4, -1.2, 49.5)
    assert (event["duration_s"], event["category"]) == (120.0, None)


async def test_a_meter_without_neutral_is_judged_by_its_lines(depot: Depot) -> None:
    meter = await meter_in(depot, wiring="3p3w", nominal_voltage=400)
    await meter.config()
    await meter.readings({"voltage_ab": 400, "voltage_bc": 400, "voltage_ca": 400}, {"voltage_ab": 340, "voltage_bc": 400})
    (event,) = await meter.events()
    assert (event["type"], event["phases"], event["residual_pu"], event["reference_v"]) == ("sag", ["ab"], 0.85, 400.0)


async def test_line_voltages_of_a_star_are_held_against_the_nominal_between_phases(depot: Depot) -> None:
    meter = await meter_in(depot)
    await meter.config()
    await meter.readings({"voltage_ab": 398, "voltage_bc": 398, "voltage_ca": 398}, {"voltage_ab": 340, "voltage_bc": 398})
    (event,) = await meter.events()
    assert event["residual_pu"] == pytest.approx(340 / (230 * 3**0.5), abs=1e-6)


async def test_bad_values_are_not_judged(meter: Meter) -> None:
    await meter.config()
    await meter.readings({"voltage_a": 10, "voltage_b": 10, "voltage_c": 10, "quality": "bad"})
    assert await meter.events() == []


async def test_lists_are_filtered_and_paged_and_belong_to_the_tenant(depot: Depot, stranger: Depot, meter: Meter) -> None:
    await meter.config()
    for _ in range(3):
        await meter.volts(1.0, 0.85, 1.0)
    await meter.volts(1.2, 1.0)
    every = await meter.events()
    assert [event["type"] for event in every] == ["sag", "sag", "sag", "swell"]
    page = (await depot.call("GET", EVENTS, params={"limit": 3})).json()
    assert (page["count"], len(page["results"])) == (4, 3)
    rest = (await depot.call("GET", page["next"])).json()
    assert [event["id"] for event in rest["results"]] == [every[0]["id"]]
    assert rest["next"] is None
    assert [event["id"] for event in await meter.events(type="swell")] == [every[3]["id"]]
    inside = await meter.events(**{"from": every[1]["start"], "to": every[2]["start"]})
    assert [event["id"] for event in inside] == [every[1]["id"]]
    assert (await depot.call("GET", f"{EVENTS}/{every[0]['id']}")).json() == every[0]
    for path in (f"{EVENTS}/{every[0]['id']}", f"{EVENTS}?meter_id={meter.id}"):
        assert (await stranger.call("GET", path)).status_code == 404
    assert (await stranger.call("GET", EVENTS)).json()["count"] == 0
    elsewhere = await depot.key("pq:read", sites=["elsewhere"])
    assert (await depot.call("GET", EVENTS, key=elsewhere)).json()["count"] == 0
    assert (await depot.call("GET", f"{EVENTS}/{every[0]['id']}", key=elsewhere)).status_code == 404


@pytest.mark.parametrize(
    "query", ["type=dip", "open=maybe", "min_duration_s=-1", "from=yesterday", "limit=0", "cursor=x", "what=1", "meter_id=0"]
)
async def test_a_query_that_makes_no_sense_is_400(depot: Depot, query: str) -> None:
    assert (await depot.call("GET", f"{EVENTS}?{query}")).status_code == 400
    assert (await depot.call("GET", EVENTS, key=await depot.key("energy:read"))).status_code == 403
    assert (await depot.call("DELETE", CONFIG)).status_code == 405
