"""`similar`: a planted copy comes first, what everybody has counts nothing, and what students wrote stays text."""

import csv
import dataclasses
import math
import os
import random
import re
import subprocess
import sys

import pytest
from helpers.copies import FIRST_THREE, disguised, record, reworded, sources
from helpers.inline_answers import ANSWERS
from helpers.places import ROOT

from cs231n.checks.report import Verdict
from cs231n.instructor.__main__ import main
from cs231n.instructor.reports import records
from cs231n.instructor.reports.records import Member, Result
from cs231n.instructor.reports.safe import file_name
from cs231n.instructor.similarity.code import read
from cs231n.instructor.similarity.given import given
from cs231n.instructor.similarity.page import marked, page, rows, whole_words
from cs231n.instructor.similarity.pairs import unusual
from cs231n.instructor.similarity.rarity import Shared
from cs231n.instructor.similarity.signs import Class, Kind
from cs231n.instructor.similarity.submissions import Submission

SALIENCY, FOOLING, STEP = FIRST_THREE
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def honest_class(size=24, seed=0):
    """Return the records of students with right solutions of their own, each question answered by the first 12 of them."""
    rng = random.Random(seed)
    columns = [rng.sample(sources(function, ("right",)), size) for function in FIRST_THREE]
    return [
        record(
            i,
            dict(zip(FIRST_THREE, row, strict=True)),
            {question: texts[i] if i < len(texts) else "" for question, texts in ANSWERS.items()},
            cell_ids=("title", "exercise-1", f"own-{i}"),
            executed_at=("", f"2026-10-05T20:11:{i:02}.{i:06}1Z", f"2026-10-05T20:12:{i:02}Z"),
        )
        for i, row in enumerate(zip(*columns, strict=True))
    ]


def changed(found, place, **fields):
    """Return the records with other fields in one of them."""
    return [*found[:place], dataclasses.replace(found[place], **fields), *found[place + 1 :]]


def with_copy(found, copied=FIRST_THREE, thief=3, victim=17):
    rng = random.Random(1)
    own = {function: disguised(found[victim].sources[function], function, rng) for function in copied}
    return changed(found, thief, sources={**found[thief].sources, **own})


def compared(found, most=10):
    """Return (the class, its signs, its unusual pairs)."""
    everybody = Class([one if isinstance(one, Submission) else Submission(one) for one in found], given())
    signs = everybody.signs()
    return everybody, signs, unusual(everybody, signs, most)


def places(pairs):
    """Return the pairs in order, each with those that are named below it."""
    return [{(pair.a, pair.b), *pair.others} for pair in pairs]


def kinds(found, a, b):
    """Return the kinds of the signs by which two submissions share something."""
    _, signs, _ = compared(found)
    return {sign.kind for sign in signs if sign.worth[a, b] > 0}


def grades(folder, found):
    (folder / "rows").mkdir(parents=True)
    for one in found:
        records.write(folder / "rows" / f"{file_name(one.student)}.json", one)
    return folder


def shown(text):
    """Return what a reader sees of a page."""
    return re.sub(r"\s+", " ", re.sub(r"<style>.*?</style>|<[^>]*>", "", text, flags=re.S))


# What is found


def test_a_copy_of_three_functions_with_other_names_order_and_comments_comes_first():
    _, _, pairs = compared(with_copy(honest_class()))
    assert (pairs[0].a, pairs[0].b) == (3, 17)


@pytest.mark.parametrize("function", FIRST_THREE)
def test_a_copy_of_one_function_is_among_the_first_ten(function):
    found = honest_class()
    victim = max(range(len(found)), key=lambda i: len(found[i].sources[function]))
    thief = (victim + 5) % len(found)
    _, _, pairs = compared(with_copy(found, [function], thief, victim))
    assert any((min(thief, victim), max(thief, victim)) in place for place in places(pairs))


def test_of_a_copy_is_marked_what_nobody_else_has_in_both_texts(tmp_path):
    assert main(["similar", str(grades(tmp_path, with_copy(honest_class())))]) == 0
    first = (tmp_path / "similar.html").read_text(encoding="utf-8").split("<section>")[1]
    assert "student-003" in first
    assert "student-017" in first
    sides = re.findall(r"<pre>(.*?)</pre>", first, re.S)
    assert len(sides) == 2 * len(FIRST_THREE)
    assert all('<mark class="alone">' in side for side in sides)


def test_an_honest_class_has_no_pair_that_stands_out_like_a_copy():
    _, signs, pairs = compared(with_copy(honest_class()))
    worth = sum(sign.worth for sign in signs)
    assert worth[3, 17] > 2 * max(worth[pair.a, pair.b] for pair in pairs[1:])


def test_the_same_standard_solution_of_many_students_is_not_unusual():
    found, rng = honest_class(), random.Random(2)
    standard = min(sources(SALIENCY, ("right",)), key=len)
    for place in range(4, 9):
        own = {**found[place].sources, SALIENCY: disguised(standard, SALIENCY, rng)}
        found = changed(found, place, sources=own)
    _, signs, pairs = compared(with_copy(found))
    assert (pairs[0].a, pairs[0].b) == (3, 17)
    saliency = next(sign for sign in signs if sign.task == SALIENCY and sign.kind is Kind.CODE)
    assert not saliency.worth[4:9, 4:9].any()


def test_stubs_and_reference_solutions_count_nothing_even_for_two_students_alone():
    found = honest_class()
    for place, kit in ((5, given().solved), (6, given().solved), (7, given().stubs), (8, given().stubs)):
        found = changed(found, place, sources={name: kit[name] for name in FIRST_THREE})
    assert kinds(found, 5, 6) == kinds(found, 7, 8) == set()


def test_renamed_parameters_are_those_of_the_signature():
    fixed = given().code(SALIENCY, f"def {SALIENCY}(X, y, model):\n    return model(X)[0, y]\n")
    renamed = given().code(SALIENCY, f"def {SALIENCY}(images, labels, net):\n    return net(images)[0, labels]\n")
    assert [one.text for one in fixed.tokens] == [one.text for one in renamed.tokens]
    other = given().code(SALIENCY, f"def {SALIENCY}(X, y, model):\n    return model(X)[y, 0]\n")
    assert [one.text for one in fixed.tokens] != [one.text for one in other.tokens]


def test_only_names_of_the_students_own_choice_are_blanked():
    code = read(
        "def f(X):\n    '''Doc.'''\n    mine = torch.sum(X.grad, dim=1)  # why\n    return len(mine)\n", "f", ("X",), {"torch"}
    )
    assert [one.text for one in code.tokens if one.chosen] == ["mine", "mine"]
    assert "'''Doc.'''" not in [one.text for one in code.tokens]
    assert [(one.text, code.source[one.start : one.end]) for one in code.words] == [("why", "# why")]


def test_code_that_does_not_parse_is_compared_as_far_as_it_can_be_read():
    found = with_copy(honest_class())
    for place in (3, 17):
        broken = {name: f"{source}    if (:\n  'x\n" for name, source in found[place].sources.items()}
        found = changed(found, place, sources=broken)
    _, _, pairs = compared(found)
    assert (pairs[0].a, pairs[0].b) == (3, 17)


def test_an_answer_with_one_word_in_eight_changed_is_found_and_independent_answers_are_not():
    found = honest_class()
    texts = ANSWERS["question-3"]
    found = changed(found, 20, answers={"question-3": reworded(texts[7], random.Random(3))})
    _, signs, pairs = compared(found)
    alike = next(sign for sign in signs if sign.task == "question-3").worth
    assert {(i, j) for i, j in zip(*alike.nonzero(), strict=True) if i < j} == {(7, 20)}
    assert (pairs[0].a, pairs[0].b) == (7, 20)


def test_what_is_quoted_from_the_notebook_or_the_question_is_not_a_students_own():
    asked = "The random changes were as long as the fooling change. Explain why they do so much less. All you need is the "
    asked += "linear approximation of section 4, for a small step, and one number."
    own = "Because " + ANSWERS["question-3"][3]
    found = [dataclasses.replace(one, sources={}) for one in honest_class()]
    found = changed(found, 20, answers={"question-3": asked})
    found = changed(found, 21, answers={"question-3": asked})
    assert kinds(found, 20, 21) == set()
    found = changed(changed(found, 20, answers={"question-3": own}), 21, answers={"question-3": own})
    assert kinds(found, 20, 21) == {Kind.ANSWER}


def _commented(found, place, comment):
    own = {**found[place].sources, STEP: f"{found[place].sources[STEP]}    # {comment}\n"}
    return changed(found, place, sources=own)


WRONG = Result(Verdict.WRONG, ("sign-lost",), message="✗ wrong: got 0.1234, expected 0.4321")


@pytest.mark.parametrize(
    ("kind", "both"),
    [
        (Kind.FILE, {"sha256": "f" * 64}),
        (Kind.MISTAKE, {"exercises": {FOOLING: WRONG}}),
        (Kind.PICTURE, {"figures": {"fooling-figure": [PIXEL]}}),
        (Kind.PICTURE, {"answer_pictures": {"question-1": [PIXEL]}}),
        (Kind.CELLS, {"cell_ids": ("title", "9f8e7d6c", "exercise-1")}),
        (Kind.TIMES, {"executed_at": ("", "2026-10-05T20:11:05.123456Z", "")}),
        (Kind.TIMES, {"cell_ids": (), "executed_at": ("2026-10-05T20:11:05Z", "2026-10-05T20:11:06Z", "2026-10-05T20:11:09Z")}),
    ],
)
def test_another_sign_that_two_share_is_told_of_and_one_that_many_share_is_not(kind, both):
    found = [dataclasses.replace(one, sources={}, answers={}) for one in honest_class()]
    assert kinds(found, 3, 17) == set()
    two = changed(changed(found, 3, **both), 17, **both)
    assert kinds(two, 3, 17) == {kind}
    assert kinds([dataclasses.replace(one, **both) for one in found], 3, 17) == set()


@pytest.mark.parametrize(
    "both",
    [
        {"cell_ids": ("title", "exercise-1", "answer-1")},
        {"figures": {"fooling-figure": sorted(given().pictures)[:1]}},
        {"executed_at": ("2026-10-05T20:11:05Z", "2026-10-05T20:11:06Z", "")},
        {"exercises": {FOOLING: Result(Verdict.RIGHT, message="✓ right")}},
        {"exercises": {FOOLING: Result(Verdict.MISSING)}},
        {"sha256": ""},
    ],
)
def test_what_comes_from_the_kit_or_by_chance_is_not_a_sign(both):
    found = [dataclasses.replace(one, sources={}, answers={}) for one in honest_class()]
    assert kinds(changed(changed(found, 3, **both), 17, **both), 3, 17) == set()


def test_the_page_has_what_the_student_s_own_check_said_about_the_same_wrong_result():
    said = "At (2, 6, 2) yours is +0.2632,", f"{'and so on ' * 30}expected <-0.2788>."
    wrong = dataclasses.replace(WRONG, reported=said)
    found = [dataclasses.replace(one, sources={}, answers={}) for one in honest_class()]
    both = {"exercises": {FOOLING: wrong}, "sha256": "f" * 64}
    found = changed(changed(found, 3, **both), 17, **both)
    assert f"<pre>At (2, 6, 2) yours is +0.2632,\n{'and so on ' * 30}expected &lt;-0.2788&gt;.</pre>" in page(*compared(found))
    other = dataclasses.replace(wrong, reported=(said[0], "expected -0.2789."))
    assert Kind.MISTAKE in kinds(found, 3, 17)
    assert Kind.MISTAKE not in kinds(changed(found, 17, exercises={FOOLING: other}), 3, 17)


def test_the_same_wrong_result_counts_only_with_the_same_wording():
    found = [dataclasses.replace(one, sources={}, answers={}) for one in honest_class()]
    other = dataclasses.replace(WRONG, message="✗ wrong: got 0.1235, expected 0.4321")
    found = changed(changed(found, 3, exercises={FOOLING: WRONG}), 17, exercises={FOOLING: other})
    assert kinds(found, 3, 17) == set()


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("Now we walk uphill, a little at a time", {Kind.COMMENT}),
        ("done", set()),
        ("YOUR CODE HERE", set()),
    ],
)
def test_the_same_comment_counts_unless_it_is_one_word_or_the_kits(comment, expected):
    found = honest_class()
    before = kinds(found, 3, 17)
    assert kinds(_commented(_commented(found, 3, comment), 17, comment), 3, 17) - before == expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [("graident", {Kind.SPELLING}), ("gradiet", {Kind.SPELLING}), ("normalises", set()), ("zebra", set()), ("normalize", set())],
)
def test_the_same_misspelling_counts_and_another_ending_or_a_british_spelling_does_not(word, expected):
    found = [
        dataclasses.replace(one, sources={}, answers={"question-2": f"To normalise the gradient, I {i}."})
        for i, one in enumerate(honest_class())
    ]
    for place in (3, 17):
        found = changed(found, place, answers={"question-2": f"{word} {place}"})
    assert kinds(found, 3, 17) == expected


# Who is compared with whom


def test_a_copy_from_last_year_is_found_and_marked_as_such():
    found = with_copy(honest_class())
    earlier = [Submission(dataclasses.replace(found[17], student="old", name="old"), last_year=True)]
    everybody, signs, pairs = compared([*found[:17], *found[18:], *earlier])
    assert everybody.submissions[pairs[0].b].last_year
    first = page(everybody, signs, pairs).split("<section>")[1]
    assert "last year" in shown(first)


def test_pairs_within_last_year_and_of_one_person_in_both_years_are_not_compared():
    found = with_copy(honest_class())
    old = [Submission(dataclasses.replace(one, student=f"old-{one.student}"), last_year=True) for one in (found[3], found[17])]
    _, _, pairs = compared([*found[4:17], *old])
    assert all((13, 14) not in place for place in places(pairs))
    again = Submission(found[3], last_year=True)
    everybody, signs, pairs = compared([*found[:17], again])
    assert all((3, 17) not in place for place in places(pairs))
    assert "Not compared: 1 pair of submissions" in shown(page(everybody, signs, pairs))


def test_a_group_is_one_and_is_not_compared_with_a_members_own_copy():
    found = with_copy(honest_class())
    members = (Member("student-003", "Ada"), Member("student-900", "Bo"))
    found = changed(found, 17, members=members)
    _, _, pairs = compared(found)
    assert all((3, 17) not in place for place in places(pairs))
    found = changed(found, 17, members=(Member("student-901", "Cy"), Member("student-900", "Bo")))
    everybody, signs, pairs = compared(found)
    assert (pairs[0].a, pairs[0].b) == (3, 17)
    assert "Cy (student-901), Bo (student-900)" in shown(page(everybody, signs, pairs).split("<section>")[1])


@pytest.mark.parametrize("size", [18, 24])
def test_three_who_share_the_same_are_one_entry_that_names_all(size):
    found = with_copy(with_copy(honest_class(size)), thief=9)
    everybody, signs, pairs = compared(found)
    assert places(pairs)[0] >= {(3, 17), (9, 17), (3, 9)}
    first = shown(page(everybody, signs, pairs).split("<section>")[1])
    assert all(name in first for name in ("student-003", "student-009", "student-017"))


# The page


def test_the_page_says_first_whom_it_is_for_and_what_it_cannot_show_and_gives_no_percentage(tmp_path):
    main(["similar", str(grades(tmp_path, with_copy(honest_class())))])
    text = (tmp_path / "similar.html").read_text(encoding="utf-8")
    said = shown(text.split("<section>")[0])
    assert 0 < said.index("For you only") < said.index("What it cannot show") < said.index("talk to the students")
    assert not re.search(r"\d\s*(%|per ?cent)", shown(text).replace("% ", ""))


HOSTILE = "</pre></mark><script>alert(1)</script><img src=https://evil.example/x onerror=alert(1)>\u202e{{ 7 * 7 }}"


def test_hostile_strings_stay_text(tmp_path):
    found = with_copy(honest_class())
    for place in (3, 17):
        found = _commented(found, place, HOSTILE)
        more = {
            "name": HOSTILE,
            "submission": HOSTILE,
            "answers": {"question-1": f"{HOSTILE} {ANSWERS['question-1'][2]}"},
            "exercises": {FOOLING: dataclasses.replace(WRONG, message=HOSTILE)},
            "figures": {HOSTILE: [PIXEL, "not a picture"]},
            "cell_ids": (HOSTILE,),
            "executed_at": (HOSTILE + ".1",),
        }
        found = changed(found, place, **more)
    assert main(["similar", str(grades(tmp_path, found))]) == 0
    text = (tmp_path / "similar.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    assert "<script" not in text
    assert set(re.findall(r"<img [^>]*src=\"([^\"]{10})", text)) == {"data:image"}
    assert "onerror" not in re.sub(r"&lt;.*?&gt;", "", text)
    assert "\u202e" not in text
    assert "{{ 7 * 7 }}" in text


def test_of_a_reworded_answer_long_runs_are_marked_and_scraps_are_not(tmp_path):
    found = [dataclasses.replace(one, sources={}) for one in honest_class()]
    text = ANSWERS["question-3"][7]
    found = changed(found, 20, answers={"question-3": reworded(text, random.Random(3))})
    main(["similar", str(grades(tmp_path, found))])
    first = (tmp_path / "similar.html").read_text(encoding="utf-8").split("<section>")[1]
    runs = re.findall(r"(?:<mark[^>]*>[^<]*</mark>)+", first.split("side by side")[1])
    assert sum(len(shown(run)) for run in runs) > len(text)  # in two texts
    assert min(len(shown(run)) for run in runs) >= 15


def with_docstring(found, place, docstring):
    """Return the records with one in which a student's saliency function has a docstring."""
    head, _, body = found[place].sources[SALIENCY].partition(":\n")
    return changed(found, place, sources={**found[place].sources, SALIENCY: f"{head}:\n{docstring}\n{body}"})


def test_the_kits_docstring_is_left_out_of_the_code_and_a_students_own_is_shown(tmp_path):
    ours, found = given().docstring(SALIENCY), with_copy(honest_class(), [SALIENCY])
    found = with_docstring(with_docstring(found, 3, "\n".join(ours)), 17, '    """In my own words."""')
    main(["similar", str(grades(tmp_path, found))])
    first = (tmp_path / "similar.html").read_text(encoding="utf-8").split("<section>")[1]
    one, other = re.findall(r"<pre>(.*?)</pre>", first, re.S)[:2]
    assert ours[0].strip('" ') not in shown(one)
    assert "docstring, as given" in one
    numbers = re.findall(r'data-number="([^"]+)"', one)
    assert numbers[:3] == ["1", f"2\N{EN DASH}{1 + len(ours)}", str(2 + len(ours))]
    assert "In my own words." in other
    assert "as given" not in other


def test_of_code_neither_indentation_nor_another_comment_is_marked(tmp_path):
    main(["similar", str(grades(tmp_path, with_copy(honest_class())))])
    first = (tmp_path / "similar.html").read_text(encoding="utf-8").split("<section>")[1]
    runs = [
        run for box in re.findall(r"<pre>(.*?)</pre>", first, re.S) for run in re.findall(r"<mark[^>]*>(.*?)</mark>", box, re.S)
    ]
    assert "# this is needed" in first
    assert runs
    assert not [run for run in runs if "# this is needed" in run]
    lines = re.findall(r'<span class="row"[^>]*>(.*?)</span>', first, re.S)
    assert not [line for line in lines if re.match(r"<mark[^>]*>\s", line)]


def test_lines_keep_their_text_their_numbers_and_what_is_marked_across_them():
    found = rows("def f(x):\n    'Doc.'\n    y = x < 1\n    return y\n", [(25, 40, True)], ["    'Doc.'"])
    assert [(row.number, row.last, str(row.text)) for row in found] == [
        (1, 0, "def f(x):"),
        (2, 2, ""),
        (3, 0, '    <mark class="alone">y = x &lt; 1</mark>'),
        (4, 0, '    <mark class="alone">r</mark>eturn y'),
    ]
    assert [row.last for row in rows("def f(x):\n    'Dog.'\n", [], ["    'Doc.'"])] == [0, 0]


def test_of_an_answer_only_whole_words_are_marked():
    text = "the gradients, all of them"
    assert whole_words(text, [(6, 17, True)]) == []
    assert whole_words(text, [(2, 20, True)]) == [(4, 13, True), (13, 15, True), (15, 18, True)]
    assert marked(text, whole_words(text, [(0, 6, True), (4, 19, False)])) == (
        '<mark class="alone">the</mark><mark> gradients, all</mark> of them'
    )


@pytest.mark.parametrize(
    ("other", "said"),
    [("", "the two answers are identical; nobody else has this answer"), ("And so on.", "much of the shorter answer is also")],
)
def test_two_answers_are_called_identical_only_if_they_are(tmp_path, other, said):
    found = [dataclasses.replace(one, sources={}) for one in honest_class()]
    text = ANSWERS["question-3"][7]
    found = changed(found, 20, answers={"question-3": f"{text}  {other}"})
    main(["similar", str(grades(tmp_path, found))])
    first = shown((tmp_path / "similar.html").read_text(encoding="utf-8").split("<section>")[1])
    assert said in first
    assert ("identical" in first) is ("identical" in said)


def test_marks_keep_the_text_and_escape_it():
    assert marked("a<b & c", [(0, 3, True), (2, 5, False)]) == ('<mark class="alone">a&lt;b</mark><mark> &amp;</mark> c')
    assert marked("", []) == ""
    assert marked("plain", []) == "plain"


@pytest.mark.parametrize("size", [1, 2])
def test_a_class_without_anything_in_common_gets_a_page_that_says_so(tmp_path, size):
    found = [record(0, {SALIENCY: sources(SALIENCY)[0]}), record(1, {FOOLING: sources(FOOLING)[0]})]
    assert main(["similar", str(grades(tmp_path, found[:size]))]) == 0
    text = shown((tmp_path / "similar.html").read_text(encoding="utf-8"))
    assert "Nothing unusual" in text
    assert "nothing can be called rare" in text


def test_what_two_honest_students_alone_share_by_chance_is_not_unusual(tmp_path):
    found = honest_class()
    assert kinds([found[4], found[16]], 0, 1)
    assert main(["similar", str(grades(tmp_path, [found[4], found[16]]))]) == 0
    assert "Nothing unusual" in shown((tmp_path / "similar.html").read_text(encoding="utf-8"))


def test_two_students_alone_with_the_same_code_are_shown(tmp_path):
    found = with_copy(honest_class(), thief=3, victim=17)
    assert main(["similar", str(grades(tmp_path, [found[3], found[17]]))]) == 0
    assert "Nothing unusual" not in shown((tmp_path / "similar.html").read_text(encoding="utf-8"))


def test_no_more_pairs_are_shown_than_asked_for(tmp_path):
    out = tmp_path / "page.html"
    main(["similar", str(grades(tmp_path / "grades", with_copy(honest_class()))), "--pairs", "2", "--out", str(out)])
    assert out.read_text(encoding="utf-8").count("<section>") == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "no results of grading"),
        (["--pairs", "0"], "--pairs is 0"),
        (["--anonymous"], "--export"),
        (["--last-year", "."], "no results of grading"),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_sentence(tmp_path, capsys, arguments, said):
    folder = grades(tmp_path, honest_class(3) if arguments else [])
    assert main(["similar", str(folder), *arguments]) == 2
    assert said in capsys.readouterr().err
    assert not (folder / "similar.html").exists()


def test_a_word_of_a_million_letters_costs_nothing(tmp_path):
    long = {"question-1": "gradient" * 125_000, "question-2": "ab " * 300_000}
    found = [dataclasses.replace(one, answers=long) if i in (3, 17) else one for i, one in enumerate(honest_class())]
    assert main(["similar", str(grades(tmp_path, found))]) == 0
    assert (tmp_path / "similar.html").stat().st_size < 1_000_000


@pytest.mark.long
def test_the_page_is_the_same_each_time(tmp_path):
    folder = grades(tmp_path, with_copy(honest_class()))
    written = []
    for seed in ("1", "2"):
        command = [sys.executable, "-m", "cs231n.instructor", "similar", str(folder), "--out", str(tmp_path / "page.html")]
        subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed}, check=True, stdout=subprocess.DEVNULL)
        written.append((tmp_path / "page.html").read_bytes())
    assert written[0] == written[1]


def test_what_is_not_compared_is_told(tmp_path, capsys):
    folder = grades(tmp_path, changed(honest_class(3), 0, sources={}))
    (folder / "rows" / "damaged.json").write_text("{")
    assert main(["similar", str(folder / "rows"), "--out", str(tmp_path / "page.html")]) == 0
    told = capsys.readouterr().err
    assert "damaged.json" in told
    assert "1 of 3 submissions hold no code" in told


# For other tools


def test_the_export_has_a_file_for_each_student_the_template_and_the_commands(tmp_path):
    found = honest_class(3)
    out = tmp_path / "export"
    old = grades(tmp_path / "old", changed(honest_class(2, seed=5), 0, student="old"))
    new = grades(tmp_path / "new", changed(found, 0, name='=Zoë; "Z"', handed_in="2026-10-05T20:00:00"))
    assert main(["similar", str(new), "--last-year", str(old), "--export", str(out)]) == 0
    written = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    own = {f"submissions/student-{i:03}/solutions.py" for i in range(3)}
    earlier = {"last-year/old/solutions.py", "last-year/student-001/solutions.py"}
    assert written == {*own, *earlier, "template/solutions.py", "info.csv", "README.md"}
    text = (out / "submissions/student-002/solutions.py").read_text(encoding="utf-8")
    assert all(source.strip("\n") in text for source in found[2].sources.values())
    template = (out / "template/solutions.py").read_text(encoding="utf-8")
    assert all(f"def {function}(" in template for function in FIRST_THREE)
    assert "autograd.grad(own_scores" not in template
    rows = list(csv.DictReader((out / "info.csv").read_text(encoding="utf-8").splitlines()))
    assert {row["filename"] for row in rows} == own | earlier
    assert rows[0]["created_at"] == "2026-10-05T20:00:00"
    assert [row["label"] for row in rows] == ["", "", "", "last-year", "last-year"]
    readme = (out / "README.md").read_text(encoding="utf-8")
    assert all(command in readme for command in ("dolos run", "java -jar jplag.jar", "compare50 submissions/*"))


def test_an_anonymous_export_holds_no_name_and_no_comment(tmp_path):
    found = _commented(honest_class(4), 1, "by Ada Lovelace")
    found = changed(found, 1, name="Ada Lovelace", student="ada")
    broken = {
        **found[2].sources,
        STEP: 'def f():\n    \'By Ada Lovelace.\'\n    x = (1  # Ada Lovelace\n  y = """by Ada Lovelace\n',
    }
    found = changed(found, 2, sources=broken)
    out = tmp_path / "export"
    main(["similar", str(grades(tmp_path / "grades", found)), "--export", str(out), "--anonymous"])
    for path in (path for path in out.rglob("*") if path.is_file()):
        assert not re.search("ada|lovelace|student-0", f"{path.relative_to(out)} {path.read_text(encoding='utf-8')}", re.I)
    names = list(csv.DictReader((tmp_path / "export-names.csv").read_text(encoding="utf-8").splitlines()))
    assert {row["student"] for row in names} == {"student-000", "ada", "student-002", "student-003"}
    assert sorted(row["number"] for row in names) == sorted(path.name for path in (out / "submissions").iterdir())


def test_an_export_replaces_nothing(tmp_path, capsys):
    folder, out = grades(tmp_path / "grades", honest_class(3)), tmp_path / "export"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    assert main(["similar", str(folder), "--export", str(out)]) == 2
    assert "is there already" in capsys.readouterr().err
    assert [path.name for path in out.iterdir()] == ["mine.txt"]


# How much a thing is worth


def test_a_thing_is_worth_minus_the_logarithm_of_the_share_of_pairs_that_have_it():
    things = [{"few"} if i < 4 else {"two"} if i < 6 else {"many"} for i in range(16)]
    shared = Shared(things)
    assert shared.worth("two") == math.log2(120)  # of 120 pairs, one
    assert shared.worth("few") == math.log2(120 / 6)
    assert "many" not in shared.holders
    assert shared.largest == math.log2(120)
    assert Shared(things[:6]).worth("two") == math.log2(66)  # as in a class of 12


def test_what_two_share_is_summed_or_the_rarest_of_it_counts():
    things = [{"a", "b"}, {"a", "b", "c"}, {"c"}, {"b"}, *({f"own {i}"} for i in range(12))]
    shared = Shared(things)
    assert shared.summed()[0, 1] == pytest.approx(math.log2(120) + math.log2(120 / 3))
    assert shared.summed()[1, 2] == shared.summed()[2, 1] == pytest.approx(math.log2(120))
    assert shared.summed()[0, 2] == shared.rarest()[0, 2] == 0
    assert shared.rarest()[0, 1] == math.log2(120)
    assert shared.between(0, 1) == ["a", "b"]
