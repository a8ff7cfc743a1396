"""The documents: what they link to is there, down to the heading, and so is what they name; what they repeat is up to date."""

import importlib.util
import re

import pytest
from answers.fooling_image import never_cleared
from helpers.places import ROOT

from cs231n.assignment import assignment
from cs231n.checks import check_fooling_image
from cs231n.checks.report import WrongAnswer
from cs231n.instructor.course import course
from cs231n.instructor.grading import rubric

DOCUMENTS = [
    "README.md",
    ".github/CONTRIBUTING.md",
    "cs231n/checks/README.md",
    "cs231n/instructor/README.md",
    "datasets/README.md",
    "tests/README.md",
    "tests/benchmarks/README.md",
]
STUDENTS = "cs231n/instructor/release/student_README.md"
# What is fetched into datasets/, made in build/ and installed in .venv/ is not part of the kit.
FROM_THE_ROOT = re.compile(r"(?<![\w/.-])(?:cs231n|tests|\.github|\.ci)/[\w./-]*[\w/]")
PLACEHOLDERS = {"KEY": [exercise.key for exercise in assignment().exercises], "NAME": ["saliency"]}
LINK = re.compile(r"\]\((?!https?://)([^)#\s]*)(?:#([^)\s]*))?\)")


def anchors(text):
    """Return the anchors of a Markdown text's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(path):
    """Return the links of a Markdown file, within the kit, that lead nowhere."""
    broken = []
    for target, anchor in LINK.findall(path.read_text(encoding="utf-8")):
        file = (path.parent / target).resolve() if target else path
        if not file.exists() or (anchor and anchor not in anchors(file.read_text(encoding="utf-8"))):
            broken.append(f"{target}#{anchor}" if anchor else target)
    return broken


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_within_the_kit_leads_somewhere(name):
    assert broken_links(ROOT / name) == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_of_the_kit_is_there(name):
    for module in re.findall(r"-m (cs231n[\w.]*\w)", (ROOT / name).read_text(encoding="utf-8")):
        assert importlib.util.find_spec(module), module


def missing_files(text):
    """Return the paths in a text that begin at the kit's root and lead nowhere, one for each key of an exercise."""
    paths = set(FROM_THE_ROOT.findall(text))
    for word, values in PLACEHOLDERS.items():
        paths = {re.sub(rf"\b{word}\b", value, path) for path in paths for value in values}
    return sorted(path for path in paths if not (ROOT / path).exists())


@pytest.mark.parametrize("name", [*DOCUMENTS, STUDENTS])
def test_every_file_that_a_document_names_from_the_root_is_there(name):
    assert missing_files((ROOT / name).read_text(encoding="utf-8")) == []


def test_a_file_that_is_not_there_is_found_also_behind_a_placeholder():
    there = "`cs231n/checks/`, tests/answers/KEY.py. `python tests/benchmarks/NAME.py` [a](../../tests/gone) build/cs231n/gone"
    assert missing_files(there) == []
    keys = [exercise.key for exercise in assignment().exercises]
    assert missing_files("`cs231n/gone.py`, or tests/KEY.py.") == ["cs231n/gone.py", *sorted(f"tests/{key}.py" for key in keys)]


@pytest.mark.parametrize(
    "name", ["README.md", ".github/CONTRIBUTING.md", "cs231n/checks/README.md", "cs231n/instructor/README.md", STUDENTS]
)
def test_every_command_is_one_of_the_environment(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert re.findall(r".*(?<!\.venv/bin/)\bpython -m cs231n.*", text) == []


def test_readmes_example_is_what_the_check_prints(capsys):
    with pytest.raises(WrongAnswer):
        check_fooling_image(never_cleared)
    (example,) = re.findall(r"^```\n(✗.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.M | re.S)
    assert comparable(example) == comparable(capsys.readouterr().out)


def comparable(message):
    """Return a check's message without its line breaks and without what was measured, which differs a little by machine."""
    return re.sub(r"[\d.]+ (degrees|%)", r"\1", " ".join(message.split()))


def test_the_readmes_give_the_same_lines_for_powershell():
    blocks = [
        re.findall(r"^```powershell\n(.*?)^```", (ROOT / name).read_text(encoding="utf-8"), re.M | re.S)
        for name in ("README.md", STUDENTS)
    ]
    assert blocks[0] == blocks[1] != []


def test_readmes_table_of_sections_is_that_of_the_assignment():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| ([\d.]+)[:,] .* \| exercises? ([\d to]+), (.*); (.*) questions? \| ([\d.]+)( bonus)? \|$", readme, re.M
    )
    listed = [
        (
            section,
            [int(number) for number in numbers.split(" to ")],
            re.findall(r"`(\w+)`", functions),
            count,
            float(points),
            bool(bonus),
        )
        for section, numbers, functions, count, points, bonus in rows
    ]
    assert listed == [as_a_row(section) for section in dict.fromkeys(task.section for task in assignment().tasks)]


def as_a_row(section):
    """Return (section, [first and last exercise's number], functions, number of questions, points, is a bonus)."""
    tasks = [task for task in assignment().tasks if task.section == section]
    exercises = [task for task in assignment().exercises if task.section == section]
    numbers = sorted({exercises[0].number, exercises[-1].number})
    (bonus,) = {task.bonus for task in tasks}
    count = ["no", "a", "two"][len(tasks) - len(exercises)]
    return section, numbers, [exercise.function for exercise in exercises], count, sum(task.points for task in tasks), bonus


def test_the_points_that_the_documents_repeat_are_those_of_the_assignment():
    exercises, listed = assignment().exercises, assignment()
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"There are {listed.points():g} points" in readme
    assert f"for {listed.points(bonus=True):g} bonus points" in readme
    counted, extra = (sum(task.points for task in exercises if task.bonus == bonus) for bonus in (False, True))
    gradescope = (ROOT / "cs231n/instructor/README.md").read_text(encoding="utf-8").partition("## Gradescope")[2]
    assert f"the autograder gets {counted:g}; the optional exercises are worth {extra:g} more" in gradescope


def instructors_toml(beginning):
    """Return the example in the instructor's README that begins like this."""
    text = (ROOT / "cs231n" / "instructor" / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(rf"^```toml\n({re.escape(beginning)}.*?)^```", text, re.M | re.S)
    return example


def test_the_documents_list_every_folder_of_the_instructors():
    folder = ROOT / "cs231n" / "instructor"
    section = (folder / "README.md").read_text(encoding="utf-8").partition("## Change the kit")[2].partition("\n## ")[0]
    listed = set(re.findall(r"^\| `(\w+)/` \|", section, re.M))
    assert listed == {path.name for path in folder.iterdir() if path.is_dir() and path.name != "__pycache__"}
    drawing = (ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("cs231n/instructor\n")[2]
    assert listed <= set(drawing.partition("```")[0].split())


def test_the_instructors_example_of_a_courses_file_is_one(tmp_path):
    (tmp_path / "course.toml").write_text(instructors_toml("title"), encoding="utf-8")
    found = course(tmp_path / "course.toml")
    assert found.left_out == {"question-6", "transformation", "question-9"}
    assert {task.section for task in found.assignment.tasks if task.bonus} == {"4", "7.1"}
    assert found.assignment.by_key["question-1"].points == 2.5
    assert found.questions.keys() == {"question-3"}


def test_the_instructors_example_of_a_rubric_is_one(tmp_path):
    (tmp_path / "rubric.toml").write_text(instructors_toml("[kept]"), encoding="utf-8")
    assert rubric.load(tmp_path / "rubric.toml").kept["cross-entropy"] == 0.5 != rubric.load().kept["cross-entropy"]


def test_a_link_to_a_file_or_a_heading_that_is_not_there_is_found(tmp_path):
    (tmp_path / "other.md").write_text("# A mistake's name\n```sh\n# no heading\n```\n")
    text = "[a](other.md) [b](other.md#a-mistakes-name) [c](#here) [d](https://example.org/nowhere)\n## Here\n"
    (tmp_path / "page.md").write_text(text)
    assert broken_links(tmp_path / "page.md") == []
    (tmp_path / "page.md").write_text(text + "[e](gone.md) [f](other.md#no-heading) [g](#there)\n")
    assert broken_links(tmp_path / "page.md") == ["gone.md", "other.md#no-heading", "#there"]


def test_no_document_of_the_kit_is_left_out():
    found = {
        path.relative_to(ROOT).as_posix() for folder in (".github", "cs231n", "tests") for path in (ROOT / folder).rglob("*.md")
    }
    assert found - set(DOCUMENTS) == {path for path in found if path.endswith("student_README.md")}  # test_release looks at it
