"""Late days: what a course says of them, who is late by how many, and what that costs."""

import dataclasses
import time
from datetime import datetime, timedelta, timezone

import pytest

from cs231n.checks.report import Verdict
from cs231n.instructor.course import course, without_late
from cs231n.instructor.grading import rubric as rubrics
from cs231n.instructor.grading.late_days import Counts, counts, notices_on_days_used, read_days_used, require_known
from cs231n.instructor.grading.whom import Called
from cs231n.instructor.late_policy import Of, told
from cs231n.instructor.reports.deductions import Deduction
from cs231n.instructor.reports.grades import grades_table
from cs231n.instructor.reports.records import Member, Record, Result, State

DUE = '[late]\ndue = 2026-10-05T23:59:00\ntimezone = "Europe/Berlin"\n'
POINTS = "[points]\nsaliency_maps = 5\nfooling_image = 5\nclass_visualization_step = 11\n"
TEN_PERCENT = DUE + 'deduction = "10 %"\nof = "earned"\n'


def policy(folder, text):
    path = folder / "course.toml"
    path.write_text(text, encoding="utf-8")
    return course(path).late


def rubric(folder, text, **days_used):
    path = folder / "course.toml"
    path.write_text(POINTS + text, encoding="utf-8")
    return dataclasses.replace(rubrics.load(None, path), days_used=days_used)


def record(handed_in="", student="jane", right=("compute_saliency_maps", "make_fooling_image"), **more):
    """A submission with these exercises right, of 40 points in all."""
    kit = rubrics.load()
    exercises = {name: Result(Verdict.RIGHT if name in right else Verdict.MISSING) for name in kit.exercises}
    return Record(
        student,
        more.pop("name", student),
        f"{student}.ipynb",
        "",
        verdict=State.GRADED,
        exercises=exercises,
        answers=dict.fromkeys(kit.questions, ""),
        handed_in=handed_in,
        **more,
    )


def lost(folder, text, handed_in, **days_used):
    """What is deducted: (points, points before, points after)."""
    own, one = rubric(folder, text, **days_used), record(handed_in)
    columns = own.score(one, {})
    found = own.deduction(one, columns)
    return (-found.points if found else None, own.total(columns), own.final_total(one, columns))


# What a course's file says


def test_without_the_table_nothing_is_late_and_nothing_is_deducted(tmp_path):
    assert policy(tmp_path, "") is None
    assert lost(tmp_path, "", "2030-01-01T00:00:00") == (None, 10, 10)
    assert rubric(tmp_path, "").days_late(record("2030-01-01T00:00:00")) is None


def test_everything_that_the_table_may_say_is_read(tmp_path):
    found = policy(
        tmp_path,
        TEN_PERCENT.replace("earned", "full")
        + 'grace-minutes = 15\nfree-days = 3\ncap = 5\nlast-day = 7\n[late.extensions]\n4711 = 2026-10-09\n"jane" = 2\n'
        'ada = 2026-10-06T12:00:00Z\nben = "2026-10-09"\n',
    )
    berlin = timezone(timedelta(hours=2))
    assert found.due == datetime(2026, 10, 5, 23, 59, tzinfo=berlin)
    assert (found.zone_name, found.grace, found.free_days, found.last_day) == ("Europe/Berlin", timedelta(minutes=15), 3, 7)
    assert (found.deduction.points(40), found.of, found.cap.points(40)) == (4, Of.FULL, 5)
    assert found.extensions == {
        "4711": datetime(2026, 10, 9, 23, 59, 59, tzinfo=berlin),
        "jane": datetime(2026, 10, 7, 23, 59, tzinfo=berlin),
        "ada": datetime(2026, 10, 6, 12, tzinfo=timezone.utc),
        "ben": datetime(2026, 10, 9, 23, 59, 59, tzinfo=berlin),
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("late = 3", "late = 3; expected a table"),
        ("[late]\nfree-days = 1", "has no due"),
        ('[late]\ndue = "soon"', "due = 'soon'; expected a date"),
        ("[late]\ndue = 7", "due = 7; expected a date"),
        (DUE + "deductoin = 1", "deductoin is not known; expected cap, deduction"),
        (DUE.replace("Berlin", "Atlantis"), "timezone = 'Europe/Atlantis' is not known"),
        (DUE.replace('"Europe/Berlin"', "2"), "timezone = 2 is not known"),
        (DUE.replace("Europe/Berlin", "../../etc/passwd"), "timezone = '../../etc/passwd' is not known"),
        (DUE + "grace-minutes = -1", "grace-minutes = -1; expected a number from 0"),
        (DUE + "grace-minutes = true", "grace-minutes = True"),
        (DUE + "free-days = 1.5", "free-days = 1.5; expected a whole number"),
        (DUE + 'last-day = "never"', "last-day = 'never'; expected a whole number"),
        (DUE + 'deduction = "10 %"', "a percentage and does not say of what"),
        (DUE + 'deduction = "10"', "deduction = '10'; expected points"),
        (DUE + 'deduction = "110 %"\nof = "full"', "deduction = '110 %'"),
        (DUE + "deduction = 0", "deduction = 0; expected points"),
        (DUE + 'deduction = 1\nof = "earned"', "nothing to go with"),
        (DUE + 'deduction = "10 %"\nof = "all"', "of = 'all'; expected"),
        (DUE + "cap = 3", "cap is there without a deduction"),
        (DUE + "extensions = 3", "expected a table, [late.extensions]"),
        (DUE + "[late.extensions]\njane = 0", "jane = 0; expected a date, or a number of days"),
        (DUE + "[late.extensions]\njane = 2026-10-01", "jane = 2026-10-01 is not after due"),
        (DUE + '[late.extensions]\njane = "later"', "extensions: jane = 'later'; expected a date"),
        (DUE + "[late.extensions]\njane = true", "extensions: jane = True"),
    ],
)
def test_what_the_table_may_not_say_is_refused_with_file_and_key(tmp_path, text, said):
    with pytest.raises(ValueError, match=r"course\.toml: ") as refused:
        policy(tmp_path, text)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('title = "x"\n', 'title = "x"\n'),
        ("[late]\ndue = 2026-10-05\n[points]\nsmoothgrad = 3\n", "[points]\nsmoothgrad = 3\n"),
        ("[ late ]\ndue = 2026-10-05\n [late . extensions]\njane = 3\n", ""),
        ('title = "x"\nlate = {due = 2026-10-05}\n', None),
        ("late.due = 2026-10-05\n", None),
        ('[late]\ndue = 2026-10-05\n[question-3]\npoints = 1\ntext = "x"\nrubric = """\n[late]\n"""\n', None),
    ],
)
def test_for_what_leaves_the_machine_the_table_is_taken_out_or_the_file_is_refused(tmp_path, text, kept):
    path = tmp_path / "course.toml"
    path.write_text(text, encoding="utf-8")
    if kept is not None:
        assert without_late(path) == kept
        return
    with pytest.raises(ValueError, match=r"course\.toml: the table \[late\] cannot be separated from the rest"):
        without_late(path)


# Who is late


@pytest.mark.parametrize(
    ("handed_in", "days"),
    [
        ("2026-10-01T08:00:00", 0),
        ("2026-10-05T23:59:00", 0),
        ("2026-10-06T00:14:00", 0),
        ("2026-10-06T00:14:01", 1),
        ("2026-10-07T00:14:00", 1),
        ("2026-10-07T00:14:01", 2),
        ("2026-10-05T21:59:00+00:00", 0),
        ("2026-10-05T22:30:00+00:00", 1),
        ("", None),
    ],
)
def test_a_day_begins_after_the_grace_period_in_the_courses_zone(tmp_path, handed_in, days):
    assert rubric(tmp_path, DUE + "grace-minutes = 15").days_late(record(handed_in)) == days


def test_a_day_lasts_until_the_same_time_of_the_next_day_when_clocks_change(tmp_path):
    own = rubric(tmp_path, DUE.replace("2026-10-05T23:59", "2026-10-24T12:00"))  # the night has 25 hours
    assert own.days_late(record("2026-10-25T12:00:00")) == 1
    assert own.days_late(record("2026-10-25T12:00:01")) == 2


def test_in_the_hour_that_comes_twice_what_is_later_is_late(tmp_path):
    own = rubric(tmp_path, '[late]\ndue = 2026-10-25T02:30:00+02:00\ntimezone = "Europe/Berlin"\n')
    assert own.days_late(record("2026-10-25T02:15:00+01:00")) == 1  # 45 minutes after
    assert own.days_late(record("2026-10-25T02:15:00+02:00")) == 0


def test_a_due_date_with_an_offset_is_told_in_the_courses_zone(tmp_path):
    found = policy(tmp_path, '[late]\ndue = 2026-10-05T21:59:00Z\ntimezone = "Europe/Berlin"\n')
    assert told(found.due, found.zone_name) == "Monday, 5 October 2026, 23:59 (Europe/Berlin)"


def test_a_date_alone_lasts_until_its_end(tmp_path):
    own = rubric(tmp_path, "[late]\ndue = 2026-10-05")
    assert own.days_late(record("2026-10-05T23:59:59")) == 0
    assert own.days_late(record("2026-10-06T00:00:00")) == 1


def test_without_a_timezone_times_are_in_the_offset_of_due(tmp_path):
    own = rubric(tmp_path, "[late]\ndue = 2026-10-05T23:59:00-07:00")
    assert own.days_late(record("2026-10-05T23:59:00")) == 0
    assert own.days_late(record("2026-10-06T06:59:00+00:00")) == 0
    assert own.days_late(record("2026-10-06T07:00:00+00:00")) == 1


def test_without_any_zone_times_are_in_the_machines(tmp_path, monkeypatch):
    monkeypatch.setenv("TZ", "America/Los_Angeles")
    time.tzset()
    try:
        own = rubric(tmp_path, "[late]\ndue = 2026-10-05T23:59:00")
        assert own.days_late(record("2026-10-05T23:59:00")) == 0
        assert own.days_late(record("2026-10-06T06:59:00+00:00")) == 0
        assert own.days_late(record("2026-10-06T07:00:00+00:00")) == 1
        assert own.course.late.zone_name == ""
    finally:
        monkeypatch.undo()
        time.tzset()


def test_an_extension_is_found_by_key_id_or_name_and_is_nobody_elses(tmp_path):
    for student in ("jane", "4711", "'Jane Doe'", "JANE"):
        own = rubric(tmp_path, f"{DUE}[late.extensions]\n{student} = 2")
        assert own.days_late(record("2026-10-08T12:00:00", ids=("4711",), name="Jane Doe")) == 1
        assert own.days_late(record("2026-10-08T12:00:00", student="bob", ids=("4712",), name="Bob")) == 3


def test_a_group_has_the_latest_deadline_of_its_members_and_the_free_days_of_who_has_fewest_left(tmp_path):
    members = (Member("jane", "Jane Doe", ("1",)), Member("bob", "Bob", ("2",)))
    one = record("2026-10-08T12:00:00", student="Group A", members=members)
    assert rubric(tmp_path, DUE + "[late.extensions]\n2 = 2\n").days_late(one) == 1
    own = rubric(tmp_path, TEN_PERCENT + "free-days = 3", jane=1, bob=2)
    assert own.deduction(one, own.score(one, {})).points == -2  # of 3 days 1 is free


# What it costs


@pytest.mark.parametrize(
    ("rule", "handed_in", "expected"),
    [
        ("", "2026-10-07T12:00:00", (0, 10, 10)),
        ("deduction = 1.5", "2026-10-07T12:00:00", (3, 10, 7)),
        ("deduction = 1.5", "2026-10-05T12:00:00", (None, 10, 10)),
        ("deduction = 1.5", "", (None, 10, 10)),
        ("deduction = 6", "2026-10-07T12:00:00", (10, 10, 0)),
        ("deduction = 6\ncap = 7", "2026-10-07T12:00:00", (7, 10, 3)),
        ('deduction = "10 %"\nof = "earned"', "2026-10-07T12:00:00", (2, 10, 8)),
        ('deduction = "10 %"\nof = "full"', "2026-10-07T12:00:00", (8, 10, 2)),
        ('deduction = "10 %"\nof = "full"\ncap = "15 %"', "2026-10-07T12:00:00", (6, 10, 4)),
        ('deduction = "10 %"\nof = "full"\ncap = 5', "2026-10-07T12:00:00", (5, 10, 5)),
        ("deduction = 1\nfree-days = 1", "2026-10-07T12:00:00", (1, 10, 9)),
        ("deduction = 1\nfree-days = 5", "2026-10-07T12:00:00", (0, 10, 10)),
        ("deduction = 1\nlast-day = 2", "2026-10-07T12:00:00", (2, 10, 8)),
        ("deduction = 1\nlast-day = 1", "2026-10-07T12:00:00", (10, 10, 0)),
        ("last-day = 1\nfree-days = 5", "2026-10-07T12:00:00", (10, 10, 0)),
    ],
)
def test_what_late_days_cost_follows_the_table(tmp_path, rule, handed_in, expected):
    assert lost(tmp_path, DUE + rule, handed_in) == expected


def test_days_that_were_used_before_are_not_free_again(tmp_path):
    text = DUE + "deduction = 1\nfree-days = 3"
    assert lost(tmp_path, text, "2026-10-07T12:00:00", jane=2) == (1, 10, 9)
    assert lost(tmp_path, text, "2026-10-07T12:00:00", jane=7) == (2, 10, 8)
    assert lost(tmp_path, text, "2026-10-07T12:00:00", bob=3) == (0, 10, 10)


def test_a_deduction_says_how_it_comes_about(tmp_path):
    own = rubric(tmp_path, TEN_PERCENT + 'free-days = 1\ncap = "15 %"')
    one = record("2026-10-08T12:30:00")
    assert own.deduction(one, own.score(one, {})) == Deduction(
        "Late by 3 days",
        -1.5,
        "Handed in: Thursday, 8 October 2026, 12:30 (Europe/Berlin). Due: Monday, 5 October 2026, 23:59 (Europe/Berlin). "
        "Free late days used: 1 of 1. 10 % of the points earned for each of 2 days. "
        "At most 15 % of the points earned is taken off.",
    )


def test_who_is_late_by_the_platform_at_an_unknown_time_loses_nothing_and_is_counted(tmp_path):
    own = rubric(tmp_path, TEN_PERCENT)
    records = [
        record(late=True, student="a"),
        record(late=False, student="b"),
        record(student="c"),
        record("2026-10-07T12:00:00", student="d", late=False),
        record("2026-10-05T12:00:00", student="e", late=True),
    ]
    columns = {one.student: own.score(one, {}) for one in records}
    assert [own.days_late(one) for one in records] == [None, 0, None, 2, 0]
    assert [own.final_total(one, columns[one.student]) for one in records] == [10, 10, 10, 8, 10]
    deductions = [own.deduction(one, columns[one.student]) for one in records]
    assert counts(records, own.course.late, deductions) == Counts(late=2, deducted=1, unknown=2, unknown_late=1)
    header, *rows = grades_table(records, own, columns, [])
    shown = [dict(zip(header, row, strict=True)) for row in rows]
    assert [(row["late_days"], row["deduction"], row["total"]) for row in shown] == [
        ("late", "0", "10"),
        ("0", "0", "10"),
        ("", "0", "10"),
        ("2", "2", "8"),
        ("0", "0", "10"),
    ]


def test_grades_of_a_course_without_a_due_date_have_no_columns_of_late_days(tmp_path):
    own, one = rubric(tmp_path, ""), record("2026-10-07T12:00:00")
    header = grades_table([one], own, {"jane": own.score(one, {})}, [])[0]
    assert not {"late_days", "deduction", "group"} & set(header)


def test_each_member_of_a_group_has_a_row_with_the_groups_points(tmp_path):
    own = rubric(tmp_path, DUE + "deduction = 1")
    group = record("2026-10-06T12:00:00", student="Group A", members=(Member("007", "Jane"), Member("bob", "=Bob")))
    alone = record(student="ada", right=())
    header, *rows = grades_table([group, alone], own, {one.student: own.score(one, {}) for one in (group, alone)}, [])
    shown = [dict(zip(header, row, strict=True)) for row in rows]
    assert [(row["student"], row["name"], row["group"], row["deduction"], row["total"]) for row in shown] == [
        ("'007", "Jane", "Group A", "1", "9"),
        ("bob", "'=Bob", "Group A", "1", "9"),
        ("ada", "ada", "", "0", "0"),
    ]


# Extensions and days used, by people


def test_an_extension_of_nobody_is_refused_with_the_nearest_names(tmp_path):
    found = policy(tmp_path, DUE + "[late.extensions]\njnae = 2\n")
    require_known(found, [Called("JNAE", ("JNAE",)), Called("bob", ("bob",))])
    with pytest.raises(ValueError, match=r"names jnae, who has neither a submission .*Closest ids: jane, Jane Doe"):
        require_known(found, [Called("jane", ("jane", "4711", "Jane Doe")), Called("bob", ("bob",))])


JANES = [Called("jane", ("jane", "4711", "Jane Doe")), Called("jane2", ("jane2", "4712", "Jane Doe"))]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('"Jane Doe" = 2', "names Jane Doe, which could be jane, jane2. Write an id that only one of them has."),
        ("4711 = 2\njane = 3", "names jane twice, as 4711 and as jane. Remove one of the two."),
        ("jane = 2\nJANE = 3", "names jane twice, as jane and as JANE."),
    ],
)
def test_an_extension_of_one_of_several_and_two_of_one_student_are_refused(tmp_path, lines, said):
    require_known(policy(tmp_path, DUE + "[late.extensions]\n4711 = 2\njane2 = 3\n"), JANES)
    with pytest.raises(ValueError, match=r"\[late.extensions\]") as refused:
        require_known(policy(tmp_path, f"{DUE}[late.extensions]\n{lines}\n"), JANES)
    assert said in str(refused.value)


def test_an_id_may_be_copied_from_grades_with_its_apostrophe(tmp_path):
    for student in ('"\'0012"', '"0012"'):
        own = rubric(tmp_path, f"{DUE}[late.extensions]\n{student} = 2")
        require_known(own.course.late, [Called("0012", ("0012",))])
        assert own.days_late(record("2026-10-08T12:00:00", student="0012")) == 1
        assert own.days_late(record("2026-10-08T12:00:00", student="12")) == 3


def test_an_extension_of_a_group_by_its_own_key_counts_for_the_group(tmp_path):
    one = record("2026-10-08T12:00:00", student="Group A", members=(Member("jane", "Jane Doe"), Member("bob", "Bob")))
    assert rubric(tmp_path, f'{DUE}[late.extensions]\n"Group A" = 2\n').days_late(one) == 1
    assert rubric(tmp_path, f'{DUE}[late.extensions]\n"Group B" = 2\n').days_late(one) == 3


def test_an_id_with_a_dot_outside_quotes_is_refused_with_the_way_to_write_it(tmp_path):
    with pytest.raises(ValueError, match=r'jane is a table; put an id with a dot into quotes, such as "jane\.doe"'):
        policy(tmp_path, DUE + "[late.extensions]\njane.doe = 3\n")
    assert "jane.doe" in policy(tmp_path, DUE + '[late.extensions]\n"jane.doe" = 3\n').extensions


def test_lines_of_days_used_that_change_nothing_are_said(tmp_path):
    free = policy(tmp_path, DUE + "free-days = 3")
    assert notices_on_days_used({"4711": 1}, JANES, free) == []
    assert notices_on_days_used({}, JANES, None) == []
    (said,) = notices_on_days_used({"4711": 1, "jnae2": 1, "zoe": 0}, JANES, free)
    assert said == "jnae2 (closest: jane2), zoe: in --days-used, but with neither a submission nor a line in a roster."
    for late in (None, policy(tmp_path, DUE)):
        assert "changes nothing: the course's file gives no free-days" in notices_on_days_used({"4711": 1}, JANES, late)[0]
    with pytest.raises(ValueError, match=r"--days-used names zoe, none of whom has a submission"):
        notices_on_days_used({"zoe": 1}, JANES, free)
    with pytest.raises(ValueError, match=r"--days-used names jane twice, as 4711 and as jane"):
        notices_on_days_used({"4711": 1, "jane": 1}, JANES, free)


@pytest.mark.parametrize("header", ["id,days used", "Student ID;Used", "sid\tlate_days"])
def test_days_used_are_read_by_id(tmp_path, header):
    divider = next(one for one in ",;\t" if one in header)
    path = tmp_path / "used.csv"
    path.write_text("\n".join([header, f"'007{divider}2", f"bob{divider}"]), encoding="utf-8")
    assert read_days_used(path) == {"007": 2, "bob": 0}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("id,name\n7,x", "line 1: the columns are 'id, name'; expected id and days used"),
        ("id,days\n7,1\n7,1", "line 3: the id is '7'"),
        ("id,days\nJo,1\njo,1", "line 3: the id is 'jo'"),
        ("id,days\n,1", "line 2: the id is ''"),
        ("id,days\n7,-1", "line 2: the days used are '-1'"),
    ],
)
def test_what_is_no_list_of_days_used_is_refused_with_its_line(tmp_path, content, said):
    path = tmp_path / "used.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=r"used\.csv") as refused:
        read_days_used(path)
    assert said in str(refused.value)
