"""The journals: nothing that was confirmed is lost, and which of several marks counts does not depend on clocks."""

import dataclasses
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cs231n.instructor.reports.journal import Entry, Journals, Kind, Standing, Writer, as_line, from_line

QUESTION, ITEM = "question-1", "aa"


def mark(points, by="anna", **more):
    return Entry(Kind.MARK, QUESTION, ITEM, by, ("jane", "ben"), points=points, **more)


def standing_of(*entries):
    standing = Standing()
    for entry in entries:
        standing.add(entry)
    return standing


def points_of(standing, student="jane"):
    entry = standing.counting(QUESTION, ITEM, student)
    return entry and entry.points


def journal(folder, *entries, name="anna"):
    writer = Writer(folder / f"{name}.jsonl")
    writer.append(entries)
    writer.close()
    return folder / f"{name}.jsonl"


def read(folder):
    journals = Journals(folder)
    journals.refresh()
    return journals


@given(
    st.text(),
    st.text(max_size=20),
    st.floats(0, 100) | st.none(),
    st.lists(st.integers(0, 9)),
    st.booleans(),
    st.sampled_from(Kind),
)
def test_an_entry_comes_back_from_its_line_as_it_was(comment, by, points, lines, only, kind):
    entry = Entry(kind, QUESTION, ITEM, by, ("jane", "Zoë\ud800"), comment=comment, points=points, lines=tuple(lines), only=only)
    line = as_line(entry)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert from_line(line) == entry


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b"null",
        b'{"kind": "mark"}',
        b'{"kind": "x", "question": "q", "item": "i", "by": "b", "id": "1"}',
        b"\xff",
    ],
)
def test_what_is_no_entry_is_refused(line):
    with pytest.raises(ValueError, match="not an entry of a journal"):
        from_line(line)


def test_a_field_that_a_newer_kit_adds_is_left_out():
    entry = mark(2.0)
    assert from_line(as_line(entry).replace(b"{", b'{"mood": "good", ', 1)) == entry


def test_journals_are_followed_as_they_grow(tmp_path):
    first, second = mark(1.0), mark(2.0, "ben")
    journals = read(tmp_path)
    assert points_of(journals.standing) is None
    writer = Writer(tmp_path / "anna.jsonl")
    writer.append([first])
    journals.refresh()
    assert points_of(journals.standing) == 1
    writer.append([dataclasses.replace(second, by="anna", replaces=(first.id,))])
    writer.close()
    journal(tmp_path, mark(3.0, "ben", replaces=(second.id,)), name="ben")
    journals.refresh()
    assert points_of(journals.standing) == 3
    assert len(journals.standing.entries) == 3


def test_a_last_line_that_was_cut_off_is_removed_and_said_and_all_before_it_is_kept(tmp_path):
    entries = [mark(1.0), mark(2.0), mark(3.0)]
    path = journal(tmp_path, *entries)
    content = path.read_bytes()
    last = content.rindex(b"\n", 0, -1) + 1
    for end in range(last + 1, len(content) - 2):
        path.write_bytes(content[:end])
        assert [*read(tmp_path).standing.entries] == [entry.id for entry in entries[:2]]  # as another marker's process reads it
        writer = Writer(path)
        assert "the last line was cut off" in writer.torn
        writer.append([entries[2]])
        writer.close()
        assert path.read_bytes() == content


def test_a_last_line_that_lacks_only_its_end_is_kept(tmp_path):
    path = journal(tmp_path, mark(1.0), mark(2.0))
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    writer = Writer(path)
    writer.close()
    assert (writer.torn, path.read_bytes()) == ("", content)


def test_a_damaged_line_is_said_with_its_number_and_the_others_count(tmp_path):
    first, last = mark(1.0), mark(2.0)
    path = journal(tmp_path, first)
    with path.open("ab") as file:
        file.write(b'{"kind": "mark", "que\n' + as_line(last))
    journals = read(tmp_path)
    assert [*journals.standing.entries] == [first.id, last.id]
    assert len(journals.damaged) == 1
    assert "anna.jsonl, line 2: it is not an entry" in journals.damaged[0]


def test_a_full_disk_leaves_the_journal_as_it_was(tmp_path, monkeypatch):
    path = journal(tmp_path, mark(1.0))
    content, fsync = path.read_bytes(), os.fsync
    writer = Writer(path)

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        writer.append([mark(2.0)])
    monkeypatch.setattr(os, "fsync", fsync)
    assert path.read_bytes() == content
    writer.append([mark(3.0)])
    writer.close()
    assert [entry.points for entry in read(tmp_path).standing.entries.values()] == [1, 3]


def test_a_journal_that_was_put_back_from_a_copy_is_read_again(tmp_path):
    path = journal(tmp_path, mark(1.0))
    copy = path.read_bytes()
    journals = read(tmp_path)
    journal(tmp_path, mark(2.0, replaces=tuple(journals.standing.entries)))
    journals.refresh()
    assert points_of(journals.standing) == 2
    path.write_bytes(copy)
    journals.refresh()
    assert points_of(journals.standing) == 1


# Which mark counts


def test_a_mark_replaces_those_that_it_names_whatever_the_clocks_say():
    first = mark(1.0, when="2030-01-01")
    later = mark(2.0, "ben", replaces=(first.id,), when="2020-01-01")
    for entries in ([first, later], [later, first]):
        assert points_of(standing_of(*entries)) == 2


def test_of_marks_by_two_who_had_not_seen_each_other_the_one_of_the_share_counts_of_equals_the_earlier():
    early, late = mark(1.0, when="2026-01-01"), mark(2.0, "ben", when="2026-01-02")
    assert points_of(standing_of(late, early)) == 1
    assert points_of(standing_of(late, dataclasses.replace(early, second=True))) == 2
    settled = mark(1.5, "ben", replaces=(early.id, late.id))
    assert points_of(standing_of(early, late, settled)) == 1.5
    assert len(standing_of(early, late, settled).heads(QUESTION, ITEM, "jane")) == 1


def test_a_mark_that_was_taken_back_or_undone_counts_no_longer():
    first = mark(1.0)
    second = mark(2.0, replaces=(first.id,))
    assert points_of(standing_of(first, mark(None, replaces=(first.id,)))) is None
    undo = Entry(Kind.UNDO, QUESTION, ITEM, "anna", undoes=(second.id,))
    assert points_of(standing_of(first, second, undo)) == 1
    assert points_of(standing_of(undo, second, first)) == 1


def test_one_who_takes_a_mark_back_does_not_take_back_anothers():
    first, other = mark(1.0), mark(2.0, "ben")
    assert points_of(standing_of(first, other, mark(None, replaces=(first.id,)))) == 2


def test_a_mark_for_one_student_alone_leaves_the_others_with_the_same_answer_theirs():
    both = mark(1.0)
    alone = dataclasses.replace(mark(2.0, only=True, replaces=(both.id,)), students=("ben",))
    standing = standing_of(both, alone)
    assert (points_of(standing, "jane"), points_of(standing, "ben"), points_of(standing, "cy")) == (1, 2, 1)


def test_a_mark_of_more_than_the_question_gives_by_now_does_not_count():
    standing = standing_of(mark(4.0))
    assert standing.counting(QUESTION, ITEM, "jane", 4.0)
    assert standing.counting(QUESTION, ITEM, "jane", 3.0) is None
