"""What a student's code defines, imports and leaves as a stub is read without running it."""

import ast
import sys

import pytest

from cs231n.student_code import (
    among,
    cells_of,
    ends_before_it_begins,
    imported_modules,
    is_stub,
    last_definition,
    on_disk,
    parsed,
    parts_of,
    with_own_modules,
    words_of_script,
)

NAME = "compute_saliency_maps"
WRITTEN = f"def {NAME}(X, y, model):\n    return X\n"


def own(main, names=(NAME,), **files):
    """The parts of a notebook's code with those of its own modules. files: by dotted name, "__" for a dot."""
    modules = {name.replace("__", "."): source for name, source in files.items()}

    def find(dotted):
        return (f"{dotted}.py", modules[dotted].encode()) if dotted in modules else None

    return with_own_modules([parsed("nb", main)], find, names)


def place(parts, name=NAME):
    """Where a name is defined: (module, name there), or the module from which it should come and does not."""
    found = last_definition(parts, name)
    return found and (found.imported or (found.part.module, found.name))


@pytest.mark.parametrize(
    ("main", "files", "expected"),
    [
        (f"from mine import {NAME}", {"mine": WRITTEN}, ("mine", NAME)),
        (f"from mine import f as {NAME}", {"mine": "def f(X): return X"}, ("mine", "f")),
        ("from mine import *", {"mine": WRITTEN}, ("mine", NAME)),
        (f"import mine\nmine.{NAME}", {"mine": WRITTEN}, ("mine", NAME)),
        (f"from cs231n.net import {NAME}", {"cs231n__net": WRITTEN}, ("cs231n.net", NAME)),
        (f"from mine import {NAME}", {"mine": f"from other import {NAME}", "other": WRITTEN}, ("other", NAME)),
        (f"from pack.a import {NAME}", {"pack__a": f"from .b import {NAME}", "pack__b": WRITTEN}, ("pack.b", NAME)),
        (f"from mine import {NAME}\n{WRITTEN}", {"mine": WRITTEN}, ("", NAME)),
        (f"{WRITTEN}\nfrom mine import {NAME}", {"mine": WRITTEN}, ("mine", NAME)),
        (f"{WRITTEN}\nfrom mine import {NAME}", {}, ("", NAME)),
        (f"from mine import {NAME}", {}, "mine"),
        (f"from mine import {NAME}", {"mine": f"from mine import {NAME}"}, "mine"),
        ("x = 1", {"mine": WRITTEN}, None),
    ],
)
def test_an_exercise_is_followed_into_the_students_own_modules(main, files, expected):
    assert place(own(main, **files)) == expected


def test_a_file_called_like_an_installed_package_is_not_that_package():
    assert [part.module for part in own("import torch, json, mine", torch="x = 1", json="x = 1", mine="x = 1")] == ["", "mine"]


def test_of_files_that_the_kit_has_its_own_counts_unless_an_exercise_is_in_it():
    main = "from cs231n.image_utils import preprocess\nfrom cs231n.attribution import f"
    parts = own(main, cs231n__image_utils="def preprocess(x): return x", cs231n__attribution=f"{WRITTEN}\ndef f(): return 1")
    assert [part.module for part in parts] == ["", "cs231n.attribution"]


def test_modules_that_import_each_other_are_read_once_and_their_number_is_bounded():
    assert [part.module for part in own("import a", a="import b", b="import a")] == ["", "a", "b"]
    many = {f"m{number}": f"import m{number + 1}" for number in range(100)}
    assert len(own("import m0", **many)) == 41


def test_imports_inside_of_functions_count():
    assert imported_modules([parsed("a", "def f():\n    from x.y import z\n    import w")]) == ["x.y", "x.y.z", "w"]


PATHS = ["kit/nb.ipynb", "kit/cs231n/net.py", "kit/pack/__init__.py", "top.py", "doe_12_345_helpers-1.py", "venv/lib/gone.py"]


@pytest.mark.parametrize(
    ("dotted", "expected"),
    [
        ("cs231n.net", "kit/cs231n/net.py"),
        ("pack", "kit/pack/__init__.py"),
        ("top", "top.py"),
        ("helpers", "doe_12_345_helpers-1.py"),
        ("elsewhere.net", "kit/cs231n/net.py"),
        ("elpers", None),
        ("gone", None),
    ],
)
def test_in_an_archive_a_module_is_found_beside_the_notebook_above_it_or_by_its_name(dotted, expected):
    find = among(PATHS, "kit", lambda path: path.encode())
    assert find(dotted) == (expected and (expected, expected.encode()))


def test_on_a_disk_the_first_folder_comes_first(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder / "pack").mkdir(parents=True)
        (tmp_path / folder / "pack" / "__init__.py").write_text(folder)
    (tmp_path / "b" / "only.py").write_text("b")
    find = on_disk(tmp_path / "a", tmp_path / "b")
    assert [find("pack"), find("only"), find("none")] == [("pack/__init__.py", b"a"), ("only.py", b"b"), None]


@pytest.mark.parametrize(
    "source",
    [
        "def f(): pass",
        "def f(): ...",
        'def f():\n    """Words."""',
        "def f(): return",
        "def f(): return None",
        "def f():\n    x = 1\n    raise NotImplementedError('later')",
    ],
)
def test_a_function_that_does_nothing_is_a_stub(source):
    assert is_stub(ast.parse(source).body[0])


@pytest.mark.parametrize(
    "source", ["def f(): return 0", "def f():\n    print(1)", "f = lambda: None", "def f():\n    raise ValueError"]
)
def test_a_function_that_does_something_is_none(source):
    assert not is_stub(ast.parse(source).body[0])


@pytest.mark.parametrize(
    "source",
    [
        "def f(X):\n    raise NotImplementedError",
        "def f(X):\n    raise NotImplementedError('later')\n    return X",
        'def f(X, *, k=1):\n    """Words."""\n    X, y = checked_batch(X)\n    require_map(X)\n    raise NotImplementedError()',
        "def f(X): pass",
        "def f(X): ...",
        'def f(X):\n    """Words."""\n    return None',
        "def f(X):\n    learning_rate = 1\n    raise NotImplementedError()",
    ],
)
def test_a_function_that_does_nothing_or_gives_up_after_checking_its_arguments_need_not_be_called(source):
    assert ends_before_it_begins(ast.parse(source).body[0])


@pytest.mark.parametrize(
    "source",
    [
        "def f(X): return X",
        "def f(X): return 0",
        "def f(X):\n    pass\n    yield",
        "def f(X):\n    X = X + 1\n    raise NotImplementedError",  # an error may come before
        "def f(X):\n    if X:\n        raise NotImplementedError\n    return X",
        "def f(X):\n    raise ValueError",
        "def f(X):\n    raise",
        "def f(X):\n    checked_batch(X)\n    X.step()\n    raise NotImplementedError",
        "def f(X):\n    raise NotImplementedError\n    yield X",
        "def f(X=unknown):\n    raise NotImplementedError",
        "def f(*, X=unknown):\n    raise NotImplementedError",
        "@other\ndef f(X):\n    raise NotImplementedError",
        "async def f(X):\n    raise NotImplementedError",
        "f = other",
    ],
)
def test_whatever_else_a_function_does_only_a_call_tells(source):
    assert not ends_before_it_begins(ast.parse(source).body[0])


def test_newer_syntax_is_named_with_its_line_and_both_versions():
    if sys.version_info >= (3, 14):
        pytest.skip("this Python reads all that is known here")
    part = parsed("nb, code cell 1", 'y = 2\nx = t"{y}"')
    assert part.newer == (3, 14)
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert part.reason.startswith("nb, code cell 1, line 2: ")
    assert part.reason.endswith(f"This needs Python 3.14 or newer; this grader runs {here}.")
    assert parsed("nb", "x = 1 1").newer is None


MARIMO = '''import marimo
app = marimo.App()

with app.setup:
    import torch

@app.cell
def _():
    import marimo as mo
    return (mo,)

@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    ### Inline question 1
    Why?
    """)
    return

@app.cell
def _(torch):
    @torch.no_grad()
    def helper(X):
        return X.abs()

    scale = 2
    return (helper, scale)

@app.function
def compute_saliency_maps(X, y, model):
    return X

if __name__ == "__main__":
    app.run()
'''


def test_a_marimo_file_is_read_as_the_notebook_that_it_is():
    cells = cells_of("work.py", MARIMO.encode()).cells
    assert [(cell.cell_type, cell.source) for cell in cells] == [
        ("code", "import torch"),
        ("code", "import marimo as mo"),
        ("markdown", "### Inline question 1\nWhy?"),
        ("code", "@torch.no_grad()\ndef helper(X):\n    return X.abs()\n\nscale = 2"),
        ("code", "def compute_saliency_maps(X, y, model):\n    return X"),
    ]
    assert place(parts_of(cells_of("work.py", MARIMO.encode()), "work.py")) == ("", NAME)
    assert cells_of("work.py", b"# marimo would be nice\nx = 1") is None
    assert cells_of("work.py", b"import marimo\nx = 1") is None


def test_a_script_made_from_a_notebook_keeps_its_words():
    script = (
        '# %% [markdown]\n# ### Inline question 1\n# Why?\n\n# %%\nx = 1\n\n"""### Inline question 2\nHow?"""\n\n"""So."""\ny = 2'
    )
    cells = words_of_script(script).cells
    assert [cell.source for cell in cells if cell.cell_type == "markdown"] == [
        "### Inline question 1\nWhy?",
        "",
        "### Inline question 2\nHow?",
        "So.",
    ]
    assert [cell.source for cell in cells if cell.cell_type == "code"] == ["x = 1", "y = 2"]
    assert words_of_script("# a comment\nx = 1") is None


def test_a_file_of_the_students_does_not_stand_for_an_installed_package_wherever_that_lies(tmp_path, monkeypatch):
    packages, here = tmp_path / "packages", tmp_path / "here"
    for folder, name in ((packages, "an_installed_one"), (here, "beside_the_notebook")):
        folder.mkdir()
        (folder / f"{name}.py").write_text("")
    monkeypatch.setattr(sys, "path", [str(here), *sys.path, str(packages)])
    monkeypatch.chdir(here)
    for name, files in (("an_installed_one", ["nb"]), ("beside_the_notebook", ["nb", "beside_the_notebook.py"])):
        assert [part.name for part in own(f"from {name} import {NAME}", **{name: WRITTEN})] == files


def magic(*arguments):
    """A call as IPython makes it of a cell that begins with %%."""
    return f"get_ipython().run_cell_magic({', '.join(arguments)})\nfrom mine import {NAME}"


def test_a_file_that_a_cell_writes_is_one_of_the_students_modules():
    assert place(own(magic("'writefile'", "'mine.py'", repr(WRITTEN)))) == ("mine", NAME)


@pytest.mark.parametrize("text", ["text", "5", "None", "*more"])
def test_a_file_whose_text_is_not_written_in_the_cell_is_not_known(text):
    """So it is as if the module were missing; reading the code does not fail."""
    assert place(own(magic("'writefile'", "'mine.py'", text))) == "mine"
