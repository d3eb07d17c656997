"""The artefact: what is written can be read back, and nothing else is read or run."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from model import SHIPPED
from model.artifact import _MAGIC, FORMAT, ArtifactError, load, save
from model.comment import Comment

HEADER_BYTES = len(_MAGIC) + 32


def sealed(payload: bytes) -> bytes:
    """Give any payload a proper beginning, as somebody who can write files could."""
    return _MAGIC + hashlib.sha256(payload).digest() + payload


def repacked(content: bytes, changes: dict[str, bytes]) -> bytes:
    """Change members of an artefact, or add some, and seal it again."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content[HEADER_BYTES:])) as old,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name, content_of_it in ({name: old.read(name) for name in old.namelist()} | changes).items():
            new.writestr(name, content_of_it)
    return sealed(buffer.getvalue())


def test_the_shipped_model_is_small_and_names_its_own_bytes() -> None:
    content = SHIPPED.read_bytes()
    assert len(content) <= 8 * 1024 * 1024
    assert load(SHIPPED).version == hashlib.sha256(content[HEADER_BYTES:]).hexdigest()[:16]


def test_saving_what_was_loaded_gives_the_same_bytes(tmp_path: Path) -> None:
    model = load(SHIPPED)
    copy = tmp_path / "copy.hamgate"
    assert save(copy, model.scorer, model.thresholds, model.card) == model.version
    assert copy.read_bytes() == SHIPPED.read_bytes()
    assert load(copy).check(Comment(text="Hello")) == model.check(Comment(text="Hello"))


@pytest.mark.parametrize("part", range(40))
def test_a_flipped_byte_anywhere_is_refused(tmp_path: Path, part: int) -> None:
    content = bytearray(SHIPPED.read_bytes())
    position = min(part * len(content) // 39, len(content) - 1)
    content[position] ^= 1
    damaged = tmp_path / "damaged.hamgate"
    damaged.write_bytes(content)
    with pytest.raises(ArtifactError):
        load(damaged)


@pytest.mark.parametrize("position", range(HEADER_BYTES))
def test_a_flipped_byte_of_the_beginning_is_refused(tmp_path: Path, position: int) -> None:
    content = bytearray(SHIPPED.read_bytes())
    content[position] ^= 0x80
    damaged = tmp_path / "damaged.hamgate"
    damaged.write_bytes(content)
    with pytest.raises(ArtifactError):
        load(damaged)


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("beginning", [b"", _MAGIC])
def test_a_pickle_under_the_models_name_is_refused_and_not_run(tmp_path: Path, beginning: bytes) -> None:
    ran = tmp_path / "ran"
    fake = tmp_path / "fake.hamgate"
    bomb = pickle.dumps(Bomb(ran))
    fake.write_bytes(sealed(bomb) if beginning else bomb)
    with pytest.raises(ArtifactError):
        load(fake)
    assert not ran.exists()


@pytest.mark.parametrize("kept", [0, 5, HEADER_BYTES, HEADER_BYTES + 100, -1])
def test_a_truncated_file_is_refused(tmp_path: Path, kept: int) -> None:
    short = tmp_path / "short.hamgate"
    short.write_bytes(SHIPPED.read_bytes()[:kept])
    with pytest.raises(ArtifactError):
        load(short)


@pytest.mark.parametrize(("found", "remedy"), [(99, "update Hamgate"), (FORMAT - 1, "train it anew")])
def test_another_format_is_refused_with_both_numbers_and_what_to_do(tmp_path: Path, found: int, remedy: str) -> None:
    content = SHIPPED.read_bytes()
    with zipfile.ZipFile(io.BytesIO(content[HEADER_BYTES:])) as archive:
        header = json.loads(archive.read("header.json"))
    other = tmp_path / "other.hamgate"
    changes = {"header.json": json.dumps(header | {"format": found}).encode(), "further.bin": b""}
    other.write_bytes(repacked(content, changes))
    with pytest.raises(ArtifactError, match=f"format {found}, expected {FORMAT}; {remedy}"):
        load(other)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_archive_packed_in_another_way_is_refused_unread(tmp_path: Path, method: int) -> None:
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(SHIPPED.read_bytes()[HEADER_BYTES:])) as old,
        zipfile.ZipFile(buffer, "w", method) as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name))
    other = tmp_path / "other.hamgate"
    other.write_bytes(sealed(buffer.getvalue()))
    with pytest.raises(ArtifactError, match="packed in another way"):
        load(other)


@pytest.mark.parametrize(
    ("place", "is_in_directory"),
    [(8, True), (10, True), (60, False), (3_000_000, False)],
    ids=["flags", "method", "packed header", "packed table"],
)
def test_a_sealed_archive_that_is_damaged_inside_is_refused(tmp_path: Path, place: int, is_in_directory: bool) -> None:
    payload = bytearray(SHIPPED.read_bytes()[HEADER_BYTES:])
    payload[place + (payload.index(b"PK\x01\x02") if is_in_directory else 0)] ^= 0xFF
    damaged = tmp_path / "damaged.hamgate"
    damaged.write_bytes(sealed(bytes(payload)))
    with pytest.raises(ArtifactError):
        load(damaged)


@pytest.mark.parametrize(
    ("member", "bytes_of_it"),
    [
        ("table.bin", b"\0" * 100),
        ("table.bin", b"\0" * (200 << 20)),
        ("constants.bin", b"\xff" * 40),
        ("family_scales.bin", np.full(8, 1e308).tobytes()),
        ("header.json", b"[" * 200_000),
        ("header.json", b" " * (5 << 20)),
        ("family_scales.bin", b""),
        ("header.json", b"[]"),
        ("header.json", b"{not json"),
        (
            "header.json",
            json.dumps(
                {"format": FORMAT, "card": {}, "thresholds": {"review": 0.9, "block": 0.8, "discard": 1}}
            ).encode(),
        ),
        (
            "header.json",
            b'{"format": %d, "card": {}, "thresholds": {"review": 0.8, "block": 0.9, "discard": 1e999}}' % FORMAT,
        ),
        (
            "header.json",
            b'{"format": %d, "card": {"x": NaN}, "thresholds": {"review": 0.8, "block": 0.9, "discard": 1}}' % FORMAT,
        ),
        ("further.bin", b""),
    ],
    ids=[
        "small table",
        "zip bomb",
        "not finite",
        "no weights",
        "deep",
        "long",
        "empty",
        "no object",
        "no JSON",
        "thresholds out of order",
        "an infinite threshold",
        "no number in the card",
        "a member too many",
    ],
)
def test_sealed_nonsense_is_refused(tmp_path: Path, member: str, bytes_of_it: bytes) -> None:
    nonsense = tmp_path / "nonsense.hamgate"
    nonsense.write_bytes(repacked(SHIPPED.read_bytes(), {member: bytes_of_it}))
    with pytest.raises(ArtifactError):
        load(nonsense)


@pytest.mark.parametrize("name", ["table.bin", "header.json"])
def test_of_a_member_no_more_is_unpacked_than_it_says_that_it_has(tmp_path: Path, name: str) -> None:
    """The directory of an archive says how long a member is; what is packed may be longer."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(SHIPPED.read_bytes()[HEADER_BYTES:])) as old,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for member in old.namelist():
            new.writestr(member, old.read(member) + b" " * (200 << 20 if member == name else 0))
        said = old.getinfo(name)
        new.NameToInfo[name].file_size, new.NameToInfo[name].CRC = said.file_size, said.CRC
    bomb = tmp_path / "bomb.hamgate"
    bomb.write_bytes(sealed(buffer.getvalue()))
    tracemalloc.start()
    load(bomb)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 100 << 20
