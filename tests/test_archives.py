"""Archives are looked into within bounds, one in another, and what is in the way is named."""

import bz2
import gzip
import io
import lzma
import stat
import tarfile
import zipfile

import pytest

from cs231n.instructor.sandbox.inside import archives
from cs231n.instructor.sandbox.inside.archives import Unread, advice, is_archive, is_archive_name, listing, unread_kind


def zipped(members):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return made.getvalue()


def tarred(members, mode="w"):
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode) as archive:
        for name, content in members.items():
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.size, info.mtime = len(content), 1_700_000_000
            archive.addfile(info, io.BytesIO(content))
    return made.getvalue()


def held(name, raw):
    return {file.path: file.read() for file in listing(name, raw).files}


FILES = {"a/nb.ipynb": b"{}", "b.py": b"x = 1"}


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("w.zip", zipped(FILES)),
        ("w.tar", tarred(FILES)),
        ("w.tgz", tarred(FILES, "w:gz")),
        ("w.tar.bz2", tarred(FILES, "w:bz2")),
        ("w.tar.xz", tarred(FILES, "w:xz")),
        ("w.zip", tarred(FILES, "w:gz")),
        ("w.tgz", zipped(FILES)),
    ],
    ids=["zip", "tar", "tgz", "bz2", "xz", "a tar called zip", "a zip called tgz"],
)
def test_an_archive_is_opened_by_what_it_is(name, raw):
    assert is_archive(name, raw)
    assert is_archive_name(name)
    assert held(name, raw) == FILES


def test_dates_are_those_in_the_archive():
    (file,) = listing("w.tar", tarred({"nb.ipynb": b""})).files
    assert file.date == (2023, 11, 14, 22, 13, 20)


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_a_single_compressed_file_is_that_file(compress):
    assert held("nb.ipynb.gz", compress(b"{}")) == {"nb.ipynb": b"{}"}


def test_archives_in_archives_are_opened_three_deep():
    inner = zipped({"nb.ipynb": b"{}"})
    assert held("w.zip", zipped({"in/inner.zip": inner})) == {"in/inner.zip/nb.ipynb": b"{}"}
    assert held("w.zip", zipped({"t.tgz": tarred({"inner.zip": inner}, "w:gz")})) == {"t.tgz/inner.zip/nb.ipynb": b"{}"}
    found = listing("w.zip", zipped({"a.zip": zipped({"b.zip": zipped({"c.zip": inner})})}))
    assert found.files == []
    assert found.problems == ["a.zip/b.zip/c.zip is an archive in an archive in an archive; it was not opened."]


def test_a_broken_archive_inside_costs_the_others_nothing():
    found = listing("w.zip", zipped({"inner.zip": b"PK no", "nb.ipynb": b"{}"}))
    assert [file.path for file in found.files] == ["nb.ipynb"]
    assert found.problems == ["inner.zip cannot be unpacked (BadZipFile: File is not a zip file)."]


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("w.zip", b"<html>"),
        ("w.tar", b"no"),
        ("w.tgz", tarred(FILES, "w:gz")[:-30]),
        ("w.xz", b"\xfd7zXZ\x00 no"),
        ("w.zip", b""),
    ],
)
def test_a_broken_archive_says_why(name, raw):
    with pytest.raises(ValueError, match=rf"^{name} cannot be unpacked \(\w+: .*\)\.$"):
        listing(name, raw)


def test_links_folders_and_hidden_files_are_left_out():
    link, fifo = tarfile.TarInfo("nb.ipynb"), tarfile.TarInfo("pipe.ipynb")
    link.type, link.linkname, fifo.type = tarfile.SYMTYPE, "/etc/passwd", tarfile.FIFOTYPE
    assert held("w.tar", tarred({link: b"", fifo: b"", "../out.ipynb": b"", "a/.hidden.py": b"", "./ok.py": b"x"})) == {
        "ok.py": b"x"
    }
    link = zipfile.ZipInfo("nb.ipynb")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    assert held("w.zip", zipped({link: "/etc/passwd", "folder.py/": b"", "__MACOSX/a.py": b"", "b\\ok.py": b"x"})) == {
        "b/ok.py": b"x"
    }


def test_what_is_unpacked_is_bounded_in_all_however_it_is_nested(monkeypatch):
    monkeypatch.setattr(archives.limits, "UNPACKED_BYTES", 1_000_000)
    much = bytes(700_000)
    assert len(held("w.zip", zipped({"nb.ipynb": much}))) == 1
    for name, raw in {
        "two.zip": zipped({"a.ipynb": much, "b.ipynb": much}),
        "nested.zip": zipped({"a.zip": zipped({"a.ipynb": much}), "b.zip": zipped({"a.ipynb": much})}),
        "one.tgz": tarred({"a.ipynb": bytes(1_100_000)}, "w:gz"),
        "one.ipynb.gz": gzip.compress(bytes(1_100_000)),
    }.items():
        with pytest.raises(archives.TooMuch, match=r" unpacks to more than 1 MB\."):
            held(name, raw)


def test_the_number_of_files_is_bounded(monkeypatch):
    monkeypatch.setattr(archives.limits, "ARCHIVE_FILES", 3)
    assert len(listing("w.zip", zipped({str(i): b"" for i in range(3)})).files) == 3
    for raw in (zipped({str(i): b"" for i in range(4)}), tarred({str(i): b"" for i in range(4)})):
        with pytest.raises(archives.TooMuch, match=r"w\.zip holds more than 3 files"):
            listing("w.zip", raw)


def test_what_cannot_be_opened_is_named_by_name_and_by_content():
    assert unread_kind("work.7z") == unread_kind("work.zip", b"7z\xbc\xaf'\x1c") is Unread.SEVEN_ZIP
    assert unread_kind("work.RAR") == unread_kind("x", b"Rar!\x1a\x07") is Unread.RAR
    assert unread_kind("work.pdf") is Unread.PDF
    assert unread_kind("nb.ipynb", b"{}") is None
    assert advice("work.7z", Unread.SEVEN_ZIP).startswith("work.7z is a 7-Zip archive, which cannot be opened here")


def test_of_what_cannot_be_opened_only_archives_may_hold_a_submission():
    assert {kind for kind in Unread if kind.is_archive} == {Unread.SEVEN_ZIP, Unread.RAR, Unread.ZSTANDARD}
