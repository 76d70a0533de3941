"""Files that come out of a pod lead nobody to the host's: each name and kind that foreign code could send."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from pytest_collab.errors import SandboxError
from pytest_collab.sandbox.kubernetes import mirror, script

SECRET = "the-secret-of-the-host"


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.mode = kind, link, mode
    return made


def archive(*entries: tarfile.TarInfo, data: bytes = b"planted") -> io.BytesIO:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for each in entries:
            each.size = len(data) if each.isreg() else 0
            tar.addfile(each, io.BytesIO(data) if each.isreg() else None)
    file.seek(0)
    return file


class Everything(frozenset[str]):
    def __contains__(self, name: object) -> bool:
        return True


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    folder.mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text(SECRET)
    return folder


def unpack(root: Path, *entries: tarfile.TarInfo) -> None:
    mirror.unpack(archive(*entries), {"0": root}, {"0": Everything()})


@pytest.mark.parametrize("name", ["0/../outside/secret", "/0/x", "1/x", "0//x", "0/./x", "../0/x", "", "0/a/../../x"])
def test_a_name_that_leads_out_is_refused(root: Path, name: str) -> None:
    with pytest.raises(SandboxError, match="leads out of its mounts"):
        unpack(root, entry(name))
    assert (root.parent / "outside" / "secret").read_text() == SECRET
    assert not list(root.iterdir())


def test_nothing_is_written_or_removed_through_a_link(root: Path) -> None:
    outside = root.parent / "outside"
    with pytest.raises(SandboxError, match="cannot be written"):
        unpack(root, entry("0/way", tarfile.SYMTYPE, str(outside)), entry("0/way/secret"))
    with pytest.raises(SandboxError, match="cannot be written"):
        unpack(root, entry("0/way", tarfile.DIRTYPE))
    mirror.remove(root, ["way/secret"])
    assert (outside / "secret").read_text() == SECRET
    unpack(root, entry("0/way"))
    assert not (root / "way").is_symlink()
    assert (outside / "secret").read_text() == SECRET


def test_a_hard_link_is_a_copy_of_what_came_with_it_and_of_nothing_else(root: Path) -> None:
    one = entry("0/one")
    unpack(
        root, one, entry("0/two", tarfile.LNKTYPE, "0/one"), entry("0/three", tarfile.LNKTYPE, "../outside/secret")
    )
    assert (root / "two").read_bytes() == b"planted"
    assert (root / "two").stat().st_nlink == 1
    assert not (root / "three").exists()
    link = entry("0/soft", tarfile.SYMTYPE, str(root.parent / "outside" / "secret"))
    with pytest.raises(SandboxError, match="cannot be written"):
        unpack(root, link, entry("0/four", tarfile.LNKTYPE, "0/soft"))


def test_no_device_no_set_id_bit_and_no_foreign_kind_arrives(root: Path) -> None:
    unpack(
        root,
        entry("0/disk", tarfile.BLKTYPE),
        entry("0/null", tarfile.CHRTYPE),
        entry("0/pipe", tarfile.FIFOTYPE),
        entry("0/shell", mode=0o6755),
        entry("0/folder", tarfile.DIRTYPE, mode=0o3777),
    )
    assert sorted(path.name for path in root.iterdir()) == ["folder", "pipe", "shell"]
    assert (root / "shell").stat().st_mode & 0o7777 == 0o755
    assert (root / "folder").stat().st_mode & 0o7777 == 0o777


def test_only_what_was_asked_for_is_taken(root: Path) -> None:
    mirror.unpack(archive(entry("0/asked"), entry("0/other")), {"0": root}, {"0": {"asked"}})
    assert [path.name for path in root.iterdir()] == ["asked"]
    with pytest.raises(SandboxError, match="no archive"):
        mirror.unpack(io.BytesIO(b"x" * 600), {"0": root}, {"0": Everything()})


def test_what_is_sent_follows_no_link_of_the_host(root: Path) -> None:
    (root / "way").symlink_to(root.parent / "outside")
    (root / "file").write_text("fine")
    os.mkfifo(root / "pipe")
    tree = mirror.scan(root)
    assert set(tree) == {"", "way", "file", "pipe"}
    sent = io.BytesIO()
    with tarfile.open(fileobj=sent, mode="w") as tar:
        mirror.pack(root, [*sorted(tree), "way/secret", "vanished"], "mounts/0", tar)
    sent.seek(0)
    with tarfile.open(fileobj=sent) as tar:
        kinds = {member.name: member.type for member in tar}
    assert kinds == {"mounts/0": tarfile.DIRTYPE, "mounts/0/file": tarfile.REGTYPE, "mounts/0/way": tarfile.SYMTYPE}
    assert SECRET.encode() not in sent.getvalue()


def test_a_list_of_files_that_is_none_is_refused() -> None:
    tree, taken = script.listing(b"0/\0d 755 4096 1.0 1.0 7 8\x000/a b\0f 644 5 1.0 1.0 9 16\0", {"0"})
    assert tree == {"0": {"": ("d", "755"), "a b": ("f", "644", "5", "1.0", "1.0", "9")}}
    assert taken == 24 * 512
    for said in (b"7/x\0f 644 5 1.0 1.0 9 16\0", b"0/x\0f 644\0"):
        with pytest.raises(SandboxError, match="cannot be read"):
            script.listing(said, {"0"})
