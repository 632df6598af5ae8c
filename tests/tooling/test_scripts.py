"""The scripts behind make: what they do when nothing is to be done, and what they say when they cannot."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
LIMIT = 120


def run(command: list[str], directory: Path, **extra: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **extra}
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False)


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    """The scripts and what they read, with a pip that only writes down what it is asked."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    for name in ("pyproject.toml", "requirements.lock", "requirements-test.lock"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    binaries = tmp_path / ".venv" / "bin"
    binaries.mkdir(parents=True)
    python = binaries / "python"
    python.write_text(
        '#!/bin/sh\ncase "$1" in\n'
        '  -VV) echo "Python 3.11.7" ;;\n'
        f'  -m) [ "$3" = --version ] || echo "$*" >> "{tmp_path}/asked" ;;\n'
        "esac\n"
    )
    python.chmod(0o755)
    return tmp_path


def asked(stage: Path) -> list[str]:
    """What pip was asked since the last time."""
    path = stage / "asked"
    lines = path.read_text().splitlines() if path.exists() else []
    path.unlink(missing_ok=True)
    return lines


def setup(stage: Path, *arguments: str) -> list[str]:
    done = run(["scripts/setup", *arguments], stage, PYTHON=sys.executable)
    assert done.returncode == 0, done.stderr
    return asked(stage)


def test_setup_installs_by_hash_and_only_what_is_locked(stage: Path) -> None:
    locked, itself = setup(stage)
    assert "--require-hashes" in locked
    assert "--no-deps" in locked
    assert "-r requirements.lock" in locked
    assert "--no-deps" in itself
    assert "--no-build-isolation" in itself


def test_setup_is_not_repeated(stage: Path) -> None:
    assert setup(stage)
    assert setup(stage) == []


@pytest.mark.parametrize("name", ["requirements.lock", "pyproject.toml"])
def test_a_changed_lock_is_installed(stage: Path, name: str) -> None:
    setup(stage)
    with (stage / name).open("a") as file:
        file.write("# another\n")
    assert setup(stage)


def test_the_environment_of_the_tests_serves_for_running_too(stage: Path) -> None:
    assert "-r requirements-test.lock" in setup(stage, "test")[0]
    assert setup(stage) == []
    with (stage / "requirements-test.lock").open("a") as file:
        file.write("# another\n")
    assert setup(stage, "test")


def test_an_interrupted_installation_is_done_again(stage: Path) -> None:
    python = stage / ".venv" / "bin" / "python"
    works = python.read_text()
    python.write_text(works.replace("esac\n", 'esac\ncase "$*" in *--require-hashes*) exit 1 ;; esac\n'))
    assert run(["scripts/setup"], stage, PYTHON=sys.executable).returncode != 0
    python.write_text(works)
    asked(stage)
    assert setup(stage)


def test_a_program_that_is_there_is_not_installed(tmp_path: Path) -> None:
    done = run([str(ROOT / "scripts" / "need"), "bash", "bash"], tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def bare_path(directory: Path, *programs: str) -> str:
    """A directory of programs that has these and no other."""
    directory.mkdir()
    for program in ("bash", "env", "id", *programs):
        found = shutil.which(program)
        assert found, program
        (directory / program).symlink_to(found)
    return str(directory)


def test_what_cannot_be_installed_is_named_in_one_line(tmp_path: Path) -> None:
    done = run([str(ROOT / "scripts" / "need"), "wrk", "wrk"], tmp_path, PATH=bare_path(tmp_path / "bin"))
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("please install: wrk ")
    assert done.stderr.count("\n") == 1


def test_a_system_without_python_is_told_what_to_install(stage: Path) -> None:
    path = bare_path(stage / "bin", "dirname")
    done = run(["scripts/setup"], stage, PATH=path)
    assert done.returncode == 1
    assert done.stderr.startswith("please install: python3 python3-venv ")
    assert done.stderr.count("\n") == 1


def test_a_python_without_venv_is_told_what_to_install(stage: Path) -> None:
    path = bare_path(stage / "bin", "dirname")
    fake = stage / "bin" / "python3.12"
    fake.write_text('#!/bin/sh\ncase "$2" in\n  *ensurepip*) exit 1 ;;\n  *"%d.%d"*) echo 3.12 ;;\nesac\n')
    fake.chmod(0o755)
    (stage / "bin" / "sh").symlink_to("/bin/sh")
    done = run(["scripts/setup"], stage, PATH=path)
    assert done.returncode == 1
    assert done.stderr.startswith("please install: python3.12-venv ")
    assert done.stderr.count("\n") == 1


def test_continuous_integration_runs_what_a_person_runs() -> None:
    listed = run(["make", "--dry-run", "test"], ROOT)
    assert "scripts/setup test" in listed.stdout
    assert "scripts/clients" in listed.stdout
    assert "scripts/check" in listed.stdout
    assert "exec make test" in (ROOT / ".ci" / "run").read_text()
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
