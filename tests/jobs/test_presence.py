"""Who is alive: locks that die with their holder, on files and in PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from wattline.jobs.address import records_url
from wattline.jobs.presence import FilePresence, open_presence

HOLD = """
import sys
from pathlib import Path
from wattline.jobs.presence import FilePresence
presence = FilePresence(Path(sys.argv[1]))
presence.claim("other")
print("held", flush=True)
sys.stdin.read()
"""


def test_a_worker_lives_until_it_lets_go(empty_database_url: sa.URL) -> None:
    mine, theirs = (open_presence(records_url(empty_database_url)) for _ in range(2))
    assert mine.is_dead("theirs")
    theirs.claim("theirs")
    assert not mine.is_dead("theirs")
    theirs.claim("theirs")
    assert not mine.is_dead("theirs")
    theirs.release()
    assert mine.is_dead("theirs")
    mine.release()


def test_a_killed_process_is_dead(tmp_path: Path) -> None:
    presence = FilePresence(tmp_path / "workers")
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path / "workers")], stdin=-1, stdout=-1) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        assert not presence.is_dead("other")
        other.kill()
    assert presence.is_dead("other")
    assert not (tmp_path / "workers" / "other").exists()


@pytest.mark.parametrize("empty_database_url", ["postgresql"], indirect=True)
def test_a_lost_session_is_claimed_again(empty_database_url: sa.URL) -> None:
    url = records_url(empty_database_url)
    mine, theirs = open_presence(url), open_presence(url)
    theirs.claim("theirs")
    admin = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with admin.connect() as connection:
        connection.execute(
            sa.text(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
            )
        )
    assert mine.is_dead("theirs")
    theirs.claim("theirs")
    assert not mine.is_dead("theirs")
    theirs.release()
    mine.release()


def test_records_lie_with_the_state() -> None:
    assert records_url("sqlite+aiosqlite:////data/state.db").render_as_string() == "sqlite:////data/jobs.db"
    postgres = records_url("postgresql+psycopg://u:p%40@host:5433/db?sslmode=require")
    assert postgres.render_as_string(hide_password=False) == "postgresql+psycopg://u:p%40@host:5433/db?sslmode=require"
    with pytest.raises(ValueError, match="in a file"):
        records_url("sqlite+aiosqlite://")
