"""Of a student's file the exercises are defined as they would be in the notebook, as far as this machine can."""

import sys

import nbformat
import pytest

from cs231n.checks import student_file
from cs231n.checks.report import Report
from cs231n.checks.student_file import functions, needed_parts
from cs231n.student_code import parsed

NAME = "compute_saliency_maps"
DEFINITION = f"def {NAME}(X, y, model):\n    return X + 1\n"


def defined(folder, source, names=(NAME,), **modules):
    """What `functions` finds of one name. modules: {dotted name, "__" for a dot: source} beside the file."""
    for name, text in modules.items():
        path = (folder / name.replace("__", "/")).with_suffix(".py")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    (folder / "work.py").write_text(source)
    return functions(folder / "work.py", names)[names[0]]


def result(found):
    assert not isinstance(found, Report), found.evidence
    return found(1, None, None)


def refused(found, verdict):
    assert isinstance(found, Report)
    assert found.verdict == verdict
    (said,) = found.evidence
    return said


@pytest.mark.parametrize(
    "source",
    [
        f'from jaxtyping import Float\n\ndef {NAME}(X: Float[Tensor, "N 3"], y, model) -> Float[Tensor, "N"]:\n    return X + 1',
        f"def {NAME}(X: not_defined.anywhere, y: 1 / 0, model) -> open('x'):\n    return X + 1",
        f"def one(X: Missing) -> Missing:\n    return X + 1\n\ndef {NAME}(X, y, model):\n    Z: Missing = one(X)\n    return Z",
        f"step: Missing = 1\n\ndef {NAME}(X, y, model):\n    return X + step",
        f"class Steps:\n    size: Missing = 1\n\ndef {NAME}(X, y, model):\n    return X + Steps.size",
    ],
    ids=["a package that is missing", "names that are missing", "in a helper", "of a constant", "in a class"],
)
def test_annotations_are_not_evaluated(tmp_path, source):
    assert result(defined(tmp_path, source)) == 2


def test_dataclasses_work_with_annotations_that_are_not_evaluated(tmp_path):
    source = "from dataclasses import dataclass\n\n@dataclass\nclass Step:\n    size: int\n    rate: Missing = 0\n\n"
    assert result(defined(tmp_path, f"{source}def {NAME}(X, y, model):\n    return X + Step(1).size")) == 2


def test_a_decorator_that_is_missing_here_is_named(tmp_path):
    said = refused(defined(tmp_path, f"from jaxtyping import jaxtyped\n\n@jaxtyped(typechecker=None)\n{DEFINITION}"), "broken")
    assert "with the decorator @jaxtyped(typechecker=None)," in said
    assert "from jaxtyping import jaxtyped fails here: No module named 'jaxtyping'" in said


def test_a_known_decorator_is_applied(tmp_path):
    source = f"def twice(f):\n    return lambda *more: 2 * f(*more)\n\n@twice\n{DEFINITION}"
    assert result(defined(tmp_path, source)) == 4


def test_what_an_import_of_everything_should_have_brought_is_explained_by_its_failure(tmp_path):
    found = defined(tmp_path, f"from my_helpers import *\n\ndef {NAME}(X, y, model):\n    return helper(X)")
    with pytest.raises(
        ImportError, match=r"^helper has no value: from my_helpers import \* fails here: No module named 'my_help"
    ):
        result(found)
    plain = defined(tmp_path, f"from my_helpers import *\n\ndef {NAME}(X, y, model):\n    return abs(X) + one\n\none = 1")
    assert result(plain) == 2


@pytest.mark.parametrize(
    ("source", "modules"),
    [
        (f"from mine import {NAME}", {"mine": DEFINITION}),
        (f"from mine import f as {NAME}", {"mine": "def f(X, y, model):\n    return X + 1"}),
        ("from mine import *", {"mine": DEFINITION}),
        ("import mine\nmine", {"mine": DEFINITION}),
        (f"from cs231n.own_net import {NAME}", {"cs231n__own_net": DEFINITION}),
        (f"from cs231n.attribution import {NAME}", {"cs231n__attribution": DEFINITION}),
        (f"from mine import one\n\ndef {NAME}(X, y, model):\n    return X + one()", {"mine": "def one():\n    return 1"}),
        (f"import pack.inner\n\ndef {NAME}(X, y, model):\n    return X + pack.inner.one", {"pack__inner": "one = 1"}),
        (f"import pack.inner as p\n\ndef {NAME}(X, y, model):\n    return X + p.one", {"pack__inner": "one = 1"}),
        (f"from pack import inner\n\ndef {NAME}(X, y, model):\n    return X + inner.one", {"pack__inner": "one = 1"}),
        (f"def {NAME}(X, y, model):\n    from lazily import one\n    return X + one", {"lazily": "one = 1"}),
        (
            f"from pack.a import {NAME}",
            {"pack__a": f"from .b import one\n{DEFINITION.replace('1', 'one')}", "pack__b": "one = 1"},
        ),
        (f"from mine import {NAME}", {"mine": f"import mine\nrest = open('not there')\n{DEFINITION}"}),
        (f"from mine import {NAME}\n{DEFINITION}", {"mine": f"def {NAME}(X, y, model):\n    return 7"}),
    ],
)
def test_modules_of_the_students_own_are_read(tmp_path, source, modules):
    assert result(defined(tmp_path, source, **modules)) == 2


def test_a_module_that_is_not_there_is_named(tmp_path):
    said = refused(defined(tmp_path, f"from cs231n.own_file import {NAME}"), "missing")
    assert said == "work.py imports it from cs231n.own_file, but there is no such file next to it. Both are needed."


def test_of_a_module_that_is_broken_the_line_is_named(tmp_path):
    assert "mine.py, line 1: def " in refused(
        defined(tmp_path, f"from mine import {NAME}", mine=f"def {NAME}(X)\n    pass"), "broken"
    )
    said = refused(defined(tmp_path, f"from mine import {NAME}", mine=f"{NAME} = 1 / 0"), "broken")
    assert said == "mine.py, line 1 raises ZeroDivisionError: division by zero"


def test_a_definition_is_kept_where_a_later_import_fails(tmp_path):
    assert result(defined(tmp_path, f"{DEFINITION}\nfrom not_there import {NAME}")) == 2


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="this Python reads all newer syntax that is known here")
@pytest.mark.parametrize(
    ("source", "modules"),
    [
        (f'def {NAME}(X, y, model):\n    return t"{{X}}"', {}),
        (f"from mine import {NAME}", {"mine": f'def {NAME}(X, y, model):\n    return t"{{X}}"'}),
    ],
)
def test_newer_syntax_is_a_verdict_of_its_own(tmp_path, source, modules):
    assert "This needs Python 3.14 or newer; this grader runs 3." in refused(defined(tmp_path, source, **modules), "newer-python")


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="this Python reads all newer syntax that is known here")
def test_newer_syntax_in_a_helpers_cell_is_that_verdict_and_elsewhere_it_is_nothing(tmp_path):
    import nbformat

    def read(helper, source):
        cells = [nbformat.v4.new_code_cell(text) for text in (helper, source)]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "work.ipynb")
        return functions(tmp_path / "work.ipynb", [NAME])[NAME]

    helper = 'def helper(X):\n    return t"{X}"'
    assert read(helper, f"def {NAME}(X, y, model):\n    return helper(X)").verdict == "newer-python"
    assert result(read(helper, DEFINITION)) == 2
    mistaken = read("def helper(X)\n    return X", f"def {NAME}(X, y, model):\n    return helper(X)")
    with pytest.raises(ImportError, match=r"Python cannot read this"):
        mistaken(1, None, None)


FILLS = {
    "a loop": "ORDER = []\nfor c in range(3):\n    ORDER.append(c)\n",
    "items in a loop": "ORDER = [0, 0, 0]\nfor i in range(3):\n    ORDER[i] = i\n",
    "both branches": "ORDER = [0]\nif len(ORDER) > 5:\n    ORDER.append(1)\nelse:\n    ORDER += [1]\n    ORDER.append(2)\n",
    "try": "ORDER = [0, 1]\ntry:\n    ORDER.append(2)\nexcept ValueError:\n    pass\n",
    "several targets": "ORDER = [0, 0, 0]\nORDER[1], ORDER[2] = 1, 2\n",
    "setattr": "class ORDER:\n    pass\nsetattr(ORDER, '__len__', None)\nORDER = [0, 1, 2]\n",
    "an annotated attribute": "class Cfg:\n    pass\nCfg.order: list = [0, 1, 2]\nORDER = Cfg.order\n",
    "a decorator": "ORDER = []\ndef noted(f):\n    ORDER.append(f)\n    return f\n@noted\ndef a(): pass\n@noted\ndef b(): pass\n"
    "@noted\ndef c(): pass\n",
    "a function with a global": "ORDER = None\ndef setup():\n    global ORDER\n    ORDER = [0, 1, 2]\nsetup()\n",
    "a function that changes": "ORDER = []\ndef setup():\n    ORDER.extend([0, 1, 2])\nsetup()\n",
    "in place": "import torch\nORDER = torch.zeros(2)\ntorch.nn.init.ones_(ORDER)\nORDER = [0, *ORDER.tolist()]\n",
}


@pytest.mark.parametrize("how", FILLS)
def test_what_is_filled_after_it_was_made_is_as_in_the_notebook(tmp_path, how):
    use = f"def {NAME}(X, y, model):\n    return X + len(ORDER) * (1 if 'in place' != {how!r} else ORDER[2])\n"
    assert result(defined(tmp_path, FILLS[how] + use)) == 4


def test_what_changes_nothing_that_is_needed_is_not_executed(tmp_path):
    source = (
        "SIZE = 1\nlosses = []\ndef train(n):\n    losses.append(n)\n    raise SystemExit\n"
        f"train(3)\nfor i in range(3):\n    losses.append(1 / 0)\n{DEFINITION}train(SIZE)\n"
    )
    assert result(defined(tmp_path, source)) == 2


CANNOT_BE_COMPILED = {
    "break": "def other(X):\n    break\n",
    "continue": "def other(X):\n    continue\n",
    "an argument twice": "def other(X, X):\n    return X\n",
    "an argument that is global": "def other(X):\n    global X\n    return X\n",
    "await": "def other(X):\n    await X\n",
    "return": "return 3\n",
}


@pytest.mark.parametrize("what", CANNOT_BE_COMPILED)
def test_what_parses_and_cannot_be_compiled_spoils_no_other_function(tmp_path, what):
    (tmp_path / "work.py").write_text(CANNOT_BE_COMPILED[what] + DEFINITION)
    found = functions(tmp_path / "work.py", (NAME, "other"))
    assert result(found[NAME]) == 2
    if "def other" in CANNOT_BE_COMPILED[what]:
        assert isinstance(found["other"], Report)
        assert found["other"].verdict == "broken"
    assert needed_parts(cells(CANNOT_BE_COMPILED[what], DEFINITION), [NAME])[NAME][-1] == 1


# Which parts matter


def cells(*sources, module=""):
    return [parsed(f"cell {number}", source, module) for number, source in enumerate(sources, 1)]


NEEDS = {
    "definitions and what they use": (["A = 1", "B = 2", f"def {NAME}(X, y, model):\n    return X + A", "C = A + B"], [0, 2]),
    "the last definition and those before": ([DEFINITION, "A = 1", DEFINITION, "def other(): pass"], [0, 2]),
    "what changes a thing": (["A = [1]", "B = []", "A.append(0)", "B.append(0)", DEFINITION.replace("1", "A[0]")], [0, 2, 4]),
    "what is imported": (
        ["import math", "import random", "from math import *", DEFINITION.replace("1", "math.floor(1.5)")],
        [0, 2, 3],
    ),
    "a cell that does not parse": (["A = 1", "def broken(:", DEFINITION], [1, 2]),
    "nothing of the name": (["A = 1", "B = A"], []),
}


@pytest.mark.parametrize("what", NEEDS)
def test_the_parts_that_matter_are_found(what):
    sources, expected = NEEDS[what]
    assert needed_parts(cells(*sources), [NAME]) == {NAME: expected}


def test_each_name_has_its_own_parts():
    sources = ["A = 1", "B = 2", DEFINITION.replace("1", "A"), "def other(X):\n    return X + B"]
    assert needed_parts(cells(*sources), [NAME, "other"]) == {NAME: [0, 2], "other": [1, 3]}


def test_with_modules_of_the_students_own_all_parts_matter():
    assert needed_parts([*cells("A = 1", DEFINITION), *cells("B = 2", module="mine")], [NAME]) == {NAME: [0, 1, 2]}


# The last definition of `setup` changes nothing, one before it does; both ways of making A tell whether that is known.
LAST_COUNTS = [
    f"A = []\n{DEFINITION.replace('1', 'len(A)')}\ndef setup():\n    A.append(1)\n",
    "def setup():\n    pass\n",
    "setup()\n",
]


@pytest.mark.parametrize("sources", [*([FILLS[how], DEFINITION.replace("1", "len(ORDER)")] for how in FILLS), LAST_COUNTS])
def test_of_the_parts_that_matter_a_function_is_made_as_of_all(sources):
    parts = cells(*(line for source in sources for line in ("UNUSED = 1", source)))
    numbers = needed_parts(parts, [NAME])[NAME]
    assert 0 < len(numbers) < len(parts)
    found = [result(student_file.defined(some, [NAME])[NAME]) for some in (parts, [parts[number] for number in numbers])]
    assert found[0] == found[1]


def test_all_definitions_of_a_function_matter_if_one_does():
    assert needed_parts(cells(*LAST_COUNTS), [NAME]) == {NAME: [0, 1]}


def test_a_module_that_a_cell_writes_is_read(tmp_path):
    cells = [
        "%%writefile my_utils.py\ndef one(X):\n    return X + 1",
        f"from my_utils import one\n\ndef {NAME}(X, y, model):\n    return one(X)",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    nbformat.write(notebook, tmp_path / "work.ipynb")
    assert result(functions(tmp_path / "work.ipynb", (NAME,))[NAME]) == 2
