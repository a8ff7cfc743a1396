"""A file is written whole or stays as it was, and nothing else is left in its folder."""

import errno
import os

import pytest

from cs231n.whole_file import NotWritten, replacing, write_whole


@pytest.fixture
def old(tmp_path):
    """A file that is there already, alone in its folder."""
    path = tmp_path / "grades.csv"
    path.write_text("old")
    return path


def content_alone(path):
    """Return the text of a file after asserting that nothing else is in its folder."""
    assert os.listdir(path.parent) == [path.name]
    return path.read_text(encoding="utf-8")


def write_half(path, error):
    """Raise an error after half of the file was written."""
    with replacing(path) as whole:
        whole.write_text("half")
        raise error


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_is_replaced_and_nothing_else_is_left(old, durable):
    write_whole(old, "new", durable)
    assert content_alone(old) == "new"


def test_a_new_file_is_made_with_the_folders_above_it(tmp_path):
    write_whole(tmp_path / "a" / "b" / "c.txt", b"\x00\xff")
    assert (tmp_path / "a" / "b" / "c.txt").read_bytes() == b"\x00\xff"


def test_a_text_keeps_its_line_ends_and_half_characters(old):
    write_whole(old, "a\r\nb\nü\ud800")
    assert old.read_bytes() == "a\r\nb\nü".encode() + b"\xed\xa0\x80"
    assert old.read_bytes().decode("utf-8", "surrogatepass").endswith("\ud800")


def test_the_block_writes_to_a_path_of_the_same_name_while_the_old_file_is_still_there(old):
    with replacing(old) as whole:
        assert whole.name == old.name
        assert whole != old
        whole.write_text("new")
        assert old.read_text() == "old"
    assert content_alone(old) == "new"


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, SystemExit])
def test_an_exception_in_the_block_comes_through_and_leaves_the_file_as_it_was(old, error):
    with pytest.raises(error):
        write_half(old, error)
    assert content_alone(old) == "old"


def test_an_exception_before_there_was_a_file_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        write_half(tmp_path / "new.txt", KeyboardInterrupt)
    assert os.listdir(tmp_path) == []


def test_a_full_disk_is_reported_with_the_files_own_path_and_its_errno(old):
    with pytest.raises(NotWritten) as caught:
        write_half(old, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "a temporary name"))
    assert str(caught.value) == f"{old} could not be written: No space left on device. What was there before is still there."
    assert caught.value.errno == errno.ENOSPC
    assert content_alone(old) == "old"


def test_what_is_found_not_to_be_whole_when_it_is_read_back_does_not_replace_the_file(old):
    with pytest.raises(NotWritten, match="it is too short"):
        write_half(old, OSError("it is too short"))
    assert content_alone(old) == "old"


def test_a_folder_in_the_way_is_reported_and_stays(tmp_path):
    (tmp_path / "out" / "inside").mkdir(parents=True)
    with pytest.raises(NotWritten, match=r"out could not be written"):
        write_whole(tmp_path / "out", "new")
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "inside"]


def test_a_file_that_the_block_forgot_to_write_is_an_error(old):
    with pytest.raises(NotWritten, match=r"grades\.csv could not be written"), replacing(old):
        pass
    assert content_alone(old) == "old"


def test_others_may_read_the_file_as_any_other_that_the_user_makes(old, tmp_path):
    usual = tmp_path / "usual"
    usual.write_text("")
    write_whole(old, "new")
    assert old.stat().st_mode == usual.stat().st_mode
