"""Files that come and go: archives of one text, hostile ones, and the bytes of 9101."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insurance.exchange import files


def archive(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return path


def test_an_archive_with_one_text_is_good(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", {"1.txt": b"a\tb\n" * 1000})
    assert files.verify_member(path, max_bytes=10_000) == 4000


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({}, "只含一个文件"),
        ({"a.txt": b"1", "b.txt": b"2"}, "只含一个文件"),
        ({"../a.txt": b"1"}, "路径"),
        ({"/etc/a.txt": b"1"}, "路径"),
        ({"x\\a.txt": b"1"}, "路径"),
        ({"a.txt": b"1" * 20_000}, "超过上限"),
    ],
)
def test_bad_archives_are_refused_by_name(tmp_path: Path, members: dict[str, bytes], words: str) -> None:
    with pytest.raises(files.FileError, match=words):
        files.verify_member(archive(tmp_path / "b.zip", members), max_bytes=10_000)


def test_a_bomb_is_refused_before_it_is_opened(tmp_path: Path) -> None:
    path = archive(tmp_path / "bomb.zip", {"a.txt": b"\0" * 50_000_000})
    with pytest.raises(files.FileError, match="炸弹"):
        files.check_zip(path, max_bytes=10**9)


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "c.zip", {"a.txt": bytes(range(256)) * 40})
    content = bytearray(path.read_bytes())
    content[60] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(files.FileError, match="损坏"):
        files.verify_member(path, max_bytes=10**6)


@pytest.mark.parametrize("packed", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damage_anywhere_is_told_as_damage(tmp_path: Path, packed: int) -> None:
    """In the local header, the packed bytes or the directory: FileError and nothing else."""
    rows = "\n".join(f"XA{number}\t演示药品{number}" for number in range(3000)).encode()
    path = tmp_path / "d.zip"
    with zipfile.ZipFile(path, "w", packed) as made:
        made.writestr("1.txt", rows)
    whole = path.read_bytes()
    places = [*range(45), *range(45, len(whole) - 80, len(whole) // 150), *range(len(whole) - 80, len(whole))]
    refused = 0
    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= 0x5A
        path.write_bytes(damaged)
        try:
            files.verify_member(path, max_bytes=10**7)
        except files.FileError:
            refused += 1
    assert refused > 150


@given(st.binary(max_size=400))
def test_bytes_survive_every_form(content: bytes) -> None:
    for form in ("signed", "unsigned", "base64"):
        assert files.decode_bytes(files.encode_bytes(content, form)) == content


def test_signed_bytes_are_those_of_the_sources() -> None:
    assert files.encode_bytes(b"\x00\x7f\x80\xff", "signed") == [0, 127, -128, -1]
