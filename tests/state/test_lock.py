"""One process per data directory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from wattline.model.errors import StoreLocked
from wattline.state.lock import DirectoryLock

HOLD = """
import sys
from pathlib import Path
from wattline.state.lock import DirectoryLock

with DirectoryLock(Path(sys.argv[1]), "wattline serve"):
    print("held", flush=True)
    sys.stdin.readline()
"""


def hold(directory: Path) -> subprocess.Popen[str]:
    """A process that holds the lock until its input ends."""
    command = [sys.executable, "-c", HOLD, str(directory)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.communicate(timeout=30)


def test_a_second_process_is_told_who_has_the_directory(tmp_path: Path) -> None:
    process = hold(tmp_path / "data")
    try:
        with pytest.raises(StoreLocked) as caught:
            DirectoryLock(tmp_path / "data").acquire()
    finally:
        end(process)
    assert str(caught.value) == f"{tmp_path}/data is in use by process {process.pid} (wattline serve)"


def test_the_directory_is_free_after_the_block(tmp_path: Path) -> None:
    end(hold(tmp_path))
    for _ in range(2):
        with DirectoryLock(tmp_path, "wattline serve"):
            assert (tmp_path / "lock").read_text() == f"{os.getpid()}\nwattline serve\n"
        assert (tmp_path / "lock").read_text() == ""


def test_a_killed_process_leaves_no_lock(tmp_path: Path) -> None:
    process = hold(tmp_path)
    process.send_signal(signal.SIGKILL)
    end(process)
    assert (tmp_path / "lock").read_text() == f"{process.pid}\nwattline serve\n"
    with DirectoryLock(tmp_path, "wattline key create"):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\nwattline key create\n"


def test_programs_that_the_holder_starts_do_not_inherit_the_lock(tmp_path: Path) -> None:
    with DirectoryLock(tmp_path):
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, text=True)
    try:
        with DirectoryLock(tmp_path):
            pass
    finally:
        child.communicate("\n", timeout=30)


def test_one_process_cannot_hold_it_twice(tmp_path: Path) -> None:
    lock = DirectoryLock(tmp_path, "wattline serve")
    with lock:
        with pytest.raises(StoreLocked, match=f"process {os.getpid()}"):
            DirectoryLock(tmp_path).acquire()
        with pytest.raises(StoreLocked, match="already"):
            lock.acquire()
    lock.release()
    lock.acquire()
    lock.release()


@pytest.mark.parametrize(
    ("content", "holder"),
    [
        (b"", "another process"),
        (b"\xff\xfe", "another process"),
        (b"12\n", "process 12"),
        (b"12\nsh\x1b[2Jow\nmore", r"process 12 (sh[2Jowmore)"),
    ],
)
def test_whatever_the_file_says_the_message_is_one_clean_line(tmp_path: Path, content: bytes, holder: str) -> None:
    with DirectoryLock(tmp_path):
        (tmp_path / "lock").write_bytes(content)
        with pytest.raises(StoreLocked) as caught:
            DirectoryLock(tmp_path).acquire()
    assert str(caught.value) == f"{tmp_path} is in use by {holder}"


def test_a_refused_attempt_leaves_the_holders_name(tmp_path: Path) -> None:
    with DirectoryLock(tmp_path, "wattline serve"):
        with pytest.raises(StoreLocked):
            DirectoryLock(tmp_path, "wattline demo").acquire()
        assert "wattline serve" in (tmp_path / "lock").read_text()
