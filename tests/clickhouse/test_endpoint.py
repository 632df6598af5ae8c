"""The endpoint against the real client: what a ClickHouse server answers, it answers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import clickhouse_connect
import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError, StreamFailureError

from .endpoint import ClickHouseEndpoint

START = datetime(2026, 6, 11, 14, 32, 0, 123456, tzinfo=UTC)


@pytest.fixture
def client(clickhouse: ClickHouseEndpoint) -> Iterator[Client]:
    client = clickhouse.client()
    client.command(
        "CREATE TABLE r (sensor UInt32, time DateTime64(6, 'UTC'), value Float64, note String) "
        "ENGINE = MergeTree ORDER BY sensor"
    )
    yield client
    client.close()


def rows(count: int) -> pa.Table:
    return pa.table(
        {
            "sensor": pa.array(range(count), pa.uint32()),
            "time": pa.array([START + timedelta(seconds=n) for n in range(count)], pa.timestamp("us", "UTC")),
            "value": pa.array([n / 8 for n in range(count)], pa.float64()),
            "note": [f"it's \\ {n}\t\"" for n in range(count)],
        }
    )


def test_command_gives_one_value(client: Client) -> None:
    assert client.command("SELECT 40 + {n:UInt8}", parameters={"n": 2}) == 42
    assert client.command("EXISTS TABLE r") == 1


def test_the_session_starts_in_the_database_of_the_address(clickhouse: ClickHouseEndpoint, client: Client) -> None:
    assert client.command("SELECT currentDatabase()") == clickhouse.database
    assert client.server_version.split(".")[0].isdigit()


@pytest.mark.parametrize("compress", [False, "lz4", "zstd", "gzip", True])
def test_arrow_comes_back_as_it_went_in(clickhouse: ClickHouseEndpoint, client: Client, compress: str | bool) -> None:
    other = clickhouse.client(compress=compress)
    other.insert_arrow("r", rows(1000))
    table = other.query_arrow("SELECT * FROM r ORDER BY sensor", use_strings=True)
    other.close()
    assert table.column("value").to_pylist() == [n / 8 for n in range(1000)]
    assert table.column("note").to_pylist() == rows(1000).column("note").to_pylist()
    assert table.column("time").to_pylist() == rows(1000).column("time").to_pylist()


@pytest.mark.parametrize("compress", [False, "lz4", "zstd", "gzip"])
def test_native_rows_come_back_as_they_went_in(clickhouse: ClickHouseEndpoint, client: Client, compress: str | bool) -> None:
    other = clickhouse.client(compress=compress, tz_mode="aware")
    given = [[1, START, 1.5, "a'b"], [2, START + timedelta(days=1), -2.5, "\\"]]
    summary = other.insert("r", given, column_names=["sensor", "time", "value", "note"])
    assert summary.written_rows == 2
    assert [list(row) for row in other.query("SELECT * FROM r ORDER BY sensor").result_rows] == given
    other.close()


def test_parameters_are_bound_not_pasted(client: Client) -> None:
    client.insert_arrow("r", rows(100))
    hostile = "it's \\ 7\t\""
    table = client.query_arrow(
        "SELECT sensor FROM r WHERE note = {note:String} "
        "AND has({ids:Array(UInt32)}, sensor) AND time >= {start:DateTime64(6, 'UTC')}",
        parameters={"note": hostile, "ids": [3, 7, 9], "start": START + timedelta(seconds=7)},
    )
    assert table.column("sensor").to_pylist() == [7]


def test_parameters_too_long_for_an_address_travel_in_a_form(client: Client) -> None:
    client.insert_arrow("r", rows(30_000))
    ids = list(range(0, 30_000, 2))
    parameters = {"ids": ids}
    assert (
        client.query_arrow("SELECT count() AS n FROM r WHERE sensor IN {ids:Array(UInt32)}", parameters=parameters)["n"][
            0
        ].as_py()
        == 15_000
    )
    assert client.query("SELECT count() FROM r WHERE sensor IN {ids:Array(UInt32)}", parameters=parameters).result_rows == [
        (15_000,)
    ]


def test_settings_hold_for_their_request_only(client: Client) -> None:
    query = "SELECT getSetting('max_block_size')"
    before = client.query(query).result_rows
    assert client.query(query, settings={"max_block_size": 77}).result_rows == [(77,)]
    assert client.query(query).result_rows == before


def test_settings_reach_inserts(client: Client) -> None:
    with pytest.raises(DatabaseError) as caught:
        client.insert_arrow("r", rows(10), settings={"readonly": 1})
    assert caught.value.code == 164


def test_a_session_keeps_its_temporary_tables(clickhouse: ClickHouseEndpoint) -> None:
    client = clickhouse.client(session_id="one")
    client.command("CREATE TEMPORARY TABLE held (n UInt8)")
    client.command("INSERT INTO held VALUES (5)")
    assert client.command("SELECT n FROM held") == 5
    client.close()


def test_without_a_session_nothing_is_kept(clickhouse: ClickHouseEndpoint) -> None:
    client = clickhouse.client(autogenerate_session_id=False)
    client.command("CREATE TEMPORARY TABLE gone (n UInt8)")
    with pytest.raises(DatabaseError) as caught:
        client.command("SELECT n FROM gone")
    client.close()
    assert caught.value.code == 60


def test_large_results_stream(client: Client) -> None:
    total = 0
    with client.query_row_block_stream("SELECT number FROM numbers(3000000)") as stream:
        for block in stream:
            total += sum(row[0] for row in block)
    assert total == 3_000_000 * 2_999_999 // 2
    with client.query_arrow_stream("SELECT number FROM numbers(1000000)") as stream:
        assert sum(batch.num_rows for batch in stream) == 1_000_000


def test_an_error_in_mid_stream_is_an_error(client: Client) -> None:
    query = "SELECT throwIf(number = 500000) FROM numbers(1000000) SETTINGS max_block_size = 1000"
    with client.query_row_block_stream(query) as stream:
        assert len(next(stream)) == 1000
        with pytest.raises(StreamFailureError, match="non-zero"):
            list(stream)


def test_an_empty_result_has_its_columns(client: Client) -> None:
    assert client.query_arrow("SELECT sensor, note FROM r").column_names == ["sensor", "note"]
    assert client.query("SELECT sensor FROM r LIMIT 0").column_names == ("sensor",)


@pytest.mark.parametrize(("query", "code"), [("SELECT * FROM nowhere", 60), ("SELEC 1", 62), ("SELECT x", 47)])
def test_errors_carry_the_code_of_the_engine(client: Client, query: str, code: int) -> None:
    with pytest.raises(DatabaseError) as caught:
        client.command(query)
    assert caught.value.code == code


def test_bad_rows_are_refused_whole(client: Client) -> None:
    with pytest.raises(DatabaseError):
        client.raw_insert("r", ["sensor"], b"no arrow at all", fmt="Arrow")
    assert client.command("SELECT count() FROM r") == 0


@pytest.mark.parametrize("credentials", ["wattline:wrong@", "other:p%3Aw%2F%40%20%26@", ""])
def test_a_wrong_password_is_refused(clickhouse: ClickHouseEndpoint, credentials: str) -> None:
    with pytest.raises(DatabaseError) as caught:
        clickhouse_connect.get_client(
            dsn=f"http://{credentials}127.0.0.1:{clickhouse.port}/{clickhouse.database}", dedicated_pool=True
        )
    assert caught.value.code == 516
