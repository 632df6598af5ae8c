"""The model file: small, read once, and refused unless all of it is as it was written."""

from __future__ import annotations

import json
import threading
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wattline.households.recognition import model as recogniser
from wattline.households.recognition.classes import ACSF1, PLAID
from wattline.households.recognition.model import Recogniser
from wattline.households.recognition.model_file import SHIPPED, ModelFileError, read, write
from wattline.households.recognition.physics import CATEGORIES

LIMIT = 1_500_000
TIMES = np.arange(20) * 15_000_000
WATTS = np.full(20, 2000.0)


def parts(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays and the description of a file, unchecked."""
    with np.load(path) as held:
        arrays = {name: held[name] for name in held.files}
    return arrays, json.loads(arrays.pop("about").tobytes())["about"]


def test_the_shipped_file_is_small_and_says_where_it_comes_from() -> None:
    assert SHIPPED.stat().st_size < LIMIT
    held, about = read(SHIPPED)
    assert (held["plaid"].classes, held["acsf1"].classes) == (PLAID, ACSF1)
    assert set(held["peak"].classes) < set(CATEGORIES)
    assert {name: len(digest) for name, digest in about["data"].items()} == {"PLAID_TRAIN.ts": 64, "ACSF1_TRAIN.ts": 64}
    assert set(about["tools"]) == {"numpy", "scikit-learn", "sktime"}


def test_the_same_content_makes_the_same_bytes(tmp_path: Path) -> None:
    arrays, about = parts(SHIPPED)
    for name in ("one", "two"):
        write(tmp_path / name, arrays, about)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert read(tmp_path / "one")[1] == read(SHIPPED)[1]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.999])
def test_a_truncated_file_is_refused(tmp_path: Path, share: float) -> None:
    held = SHIPPED.read_bytes()
    path = tmp_path / "cut.npz"
    path.write_bytes(held[: int(len(held) * share)])
    with pytest.raises(ModelFileError, match=r"^the appliance model cut\.npz is damaged"):
        read(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_changed_byte_is_noticed(tmp_path: Path, share: float) -> None:
    held = bytearray(SHIPPED.read_bytes())
    held[int(len(held) * share)] ^= 0x40
    path = tmp_path / "changed.npz"
    path.write_bytes(held)
    with pytest.raises(ModelFileError, match="is damaged"):
        read(path)


def rewritten(path: Path, name: str, to: np.ndarray) -> None:
    """A file in which one array is another, with every check sum of the archive right."""
    with np.load(SHIPPED) as held:
        arrays = {each: held[each] for each in held.files}
    np.savez_compressed(path, **(arrays | {name: to}))


def test_an_array_that_was_exchanged_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "exchanged.npz"
    arrays, _ = parts(SHIPPED)
    rewritten(path, "peak.shares", arrays["peak.shares"][::-1])
    with pytest.raises(ModelFileError, match="check sum does not match"):
        read(path)


def test_a_sealed_file_with_a_broken_tree_is_refused(tmp_path: Path) -> None:
    arrays, about = parts(SHIPPED)
    path = tmp_path / "broken.npz"
    write(path, arrays | {"acsf1.skip": np.zeros_like(arrays["acsf1.skip"])}, about)
    with pytest.raises(ModelFileError, match="a branch leaves its tree"):
        read(path)


def test_pickled_objects_are_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "pickled.npz"
    np.savez(path, about=np.array([{"version": 1}], dtype=object))
    with pytest.raises(ModelFileError, match="is damaged"):
        read(path)


def test_another_version_is_refused_with_both_numbers(tmp_path: Path) -> None:
    arrays, about = parts(SHIPPED)
    write(tmp_path / "new.npz", arrays, about | {"version": 99})
    with pytest.raises(ModelFileError, match="is of version 99; this program reads 1"):
        read(tmp_path / "new.npz")


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    absent = Recogniser(tmp_path / "none.npz")
    with pytest.raises(ModelFileError, match="`wattline models train peaks` makes one"):
        absent.classify(TIMES, WATTS)


def test_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(ModelFileError, match="is damaged"):
        read(path)


def test_the_file_is_read_once_at_the_first_use_by_all_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    read_of: list[Path] = []
    together = threading.Barrier(4)

    def counted(path: Path) -> Any:
        read_of.append(path)
        return read(path)

    monkeypatch.setattr(recogniser, "read", counted)
    shared = Recogniser()
    assert read_of == []
    found: list[list[recogniser.Guess]] = []

    def ask() -> None:
        together.wait()
        found.append(shared.classify(TIMES, WATTS))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read_of == [SHIPPED]
    assert len(found) == 4
    assert found.count(found[0]) == 4
