"""What the checks know of cells that failed: in a real kernel, which alone says what became of a cell."""

import nbformat
import pytest
from helpers.notebooks import notebook_client
from helpers.places import ROOT

IMPORTS = "from cs231n.checks import check_saliency_maps, ready"
RIGHT = "from cs231n.net_visualization_pytorch import compute_saliency_maps as reference\n\n"
RIGHT += "def compute_saliency_maps(X, y, model):\n    return reference(X, y, model)"
SYNTAX_ERROR = "def compute_saliency_maps(X, y, model):\n    return reference(X, y, model"
FAILS_BEFORE = "no_such_name\n\ndef compute_saliency_maps(X, y, model):\n    return 3"
FAILS_BEHIND = "def compute_saliency_maps(X, y, model):\n    return X.abs().amax(dim=1)\n\nno_such_name"
RENAMED = RIGHT.replace("def compute_saliency_maps", "def my_maps")
EXITS = "def compute_saliency_maps(X, y, model):\n    exit()"
ATTEMPTS = RIGHT + "\n\nfrom cs231n.checks import attempted\nwith attempted(compute_saliency_maps):\n    quit()"
OTHER_FAILS = "compute_saliency_maps(None, None, None)"
CHECK = "check_saliency_maps(compute_saliency_maps)"
READY = "print(ready(compute_saliency_maps))"


def executed(*sources):
    """Return what each cell of a notebook prints, of the last two; errors stop nothing."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in (IMPORTS, *sources)])
    client = notebook_client(notebook, ROOT, allow_errors=True)
    client.execute()
    return ["".join(output.get("text", "") for output in cell.outputs) for cell in notebook.cells[-2:]]


@pytest.mark.long
@pytest.mark.parametrize(("cell", "error"), [(SYNTAX_ERROR, "SyntaxError"), (FAILS_BEFORE, "NameError")])
def test_the_check_says_that_it_judges_the_older_function_and_no_cell_uses_that_one(cell, error):
    checked, asked = executed(RIGHT, cell, CHECK, READY)
    said = " ".join(checked.split())
    older = f"The cell that defines compute_saliency_maps ended in a {error}, so Python still has the older function."
    assert said.startswith(f"{older} What follows is about the older one. ✓ compute_saliency_maps is")
    assert f"ended in a {error}. Python still has the older function" in " ".join(asked.split())
    assert asked.endswith("False\n")


@pytest.mark.parametrize("cells", [(RIGHT,), (RIGHT, OTHER_FAILS), (SYNTAX_ERROR, RIGHT), (RIGHT, SYNTAX_ERROR, RIGHT)])
def test_a_function_that_its_own_cell_made_is_not_called_older(cells):
    checked, asked = executed(*cells, CHECK, READY)
    assert checked.startswith("✓ compute_saliency_maps is")
    assert asked == "True\n"


def test_a_function_whose_cell_fails_behind_it_is_the_one_that_is_judged():
    checked, asked = executed(RIGHT, FAILS_BEHIND, CHECK, READY)
    assert checked.startswith("✗ compute_saliency_maps is")
    assert "is not correct yet" in asked


def test_without_an_older_function_the_check_says_that_there_is_none_and_cells_wait():
    checked, asked = executed(SYNTAX_ERROR, SYNTAX_ERROR, CHECK, READY)
    assert "ended in a SyntaxError, so there is no function yet" in " ".join(checked.split())
    assert "is not correct yet" in asked
    assert asked.endswith("False\n")


@pytest.mark.parametrize(
    "cells", [(), (RENAMED,), (RIGHT, CHECK, "del compute_saliency_maps"), (RIGHT, CHECK, "%reset_selective -f ^comp")]
)
def test_a_function_that_no_cell_defines_costs_a_sentence_in_its_check_and_in_the_cells_that_use_it(cells):
    checked, asked = executed(*cells, CHECK, READY)
    assert checked.startswith("… compute_saliency_maps: not defined here.")
    assert "run the cell of its exercise" in " ".join(checked.split())
    assert " ".join(asked.split()).startswith("compute_saliency_maps is not defined yet, so this cell skips")
    assert asked.endswith("False\n")


def test_a_function_that_is_defined_later_takes_the_place_of_its_stand_in():
    checked, asked = executed(CHECK, SYNTAX_ERROR, CHECK, RIGHT, CHECK, READY)
    assert checked.startswith("✓ compute_saliency_maps is")
    assert asked == "True\n"


@pytest.mark.parametrize(("graded", "raised"), [("1", ["WrongAnswer"]), ("", [])])
def test_for_nbgrader_alone_a_check_of_what_is_not_defined_raises(graded, raised):
    environment = f"import os\nos.environ.update(NBGRADER_EXECUTION='autograde') if '{graded}' else None"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in (IMPORTS, environment, CHECK)])
    notebook_client(notebook, ROOT, allow_errors=True).execute()
    assert [output.ename for output in notebook.cells[-1].outputs if output.output_type == "error"] == raised


@pytest.mark.parametrize("call", ["check_saliency_maps('compute_saliency_maps')", "check_saliency_maps(None)", "ready(3)"])
def test_what_is_no_function_of_an_exercise_costs_one_line(call):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in (IMPORTS, call)])
    notebook_client(notebook, ROOT, allow_errors=True).execute()
    (error,) = notebook.cells[-1].outputs
    assert len(error.traceback) == 1
    assert "expected" in error.traceback[0]


def test_exit_in_a_function_costs_a_sentence_and_not_the_kernel():
    """A notebook's own exit() raises nothing: the kernel ends soon after the cell, with all that was computed."""
    later = "import time\ntime.sleep(1)\nprint('alive')"
    for cells, said in (((EXITS, CHECK), "SystemExit"), ((ATTEMPTS,), "here it fails")):
        *_, told, still = executed(*cells, later)
        assert said in told
        assert "to end a function, use return" in " ".join(told.split())
        assert still == "alive\n"


HELPER = "def largest(gradient):\n    return gradient.abs().amax(dim=1)"
USES_HELPER = """import torch

def compute_saliency_maps(X, y, model):
    X = X.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(model(X).gather(1, y[:, None]).sum(), X)
    return largest(gradient)
"""
OTHER_HELPER = HELPER.replace(".abs()", "")


def test_a_helper_that_changed_after_the_check_is_named_until_the_check_has_run_again():
    checked, asked = executed(HELPER, USES_HELPER, CHECK, OTHER_HELPER, READY)
    assert asked.startswith("compute_saliency_maps uses largest, changed since its check. Run the check again;")
    assert asked.endswith("False\n")
    checked, asked = executed(HELPER, USES_HELPER, CHECK, OTHER_HELPER, CHECK, READY)
    assert checked.startswith("✗ compute_saliency_maps is wrong: no absolute value")
    assert "is not correct yet" in asked
    checked, asked = executed(OTHER_HELPER, USES_HELPER, CHECK, HELPER, CHECK, READY)
    assert asked == "True\n"


@pytest.mark.parametrize("again", [HELPER, f"\n# as it was\n{HELPER}", USES_HELPER, "import torch", "largest_of_all = 3"])
def test_cells_that_are_run_again_as_they_were_and_other_cells_change_no_helper(again):
    _, asked = executed(HELPER, USES_HELPER, CHECK, again, READY)
    assert asked == "True\n"


INTERRUPTS = """import os, signal, time

def compute_saliency_maps(X, y, model):
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(10)
"""
IN_A_CELL = RIGHT + "\n\nfrom cs231n.checks import attempted"
INTERRUPTED = (
    "import os, signal\nwith attempted(compute_saliency_maps):\n    os.kill(os.getpid(), signal.SIGINT)\n    print('on')"
)


@pytest.mark.parametrize("asks", [CHECK, READY])
def test_an_interrupted_check_costs_one_line_and_can_be_run_again(asks):
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in (IMPORTS, INTERRUPTS, asks, RIGHT, asks)]
    )
    notebook_client(notebook, ROOT, allow_errors=True).execute()
    (error,) = notebook.cells[2].outputs
    assert error.traceback == ["Interrupted: The check of compute_saliency_maps did not finish. Run it again."]
    (answer,) = notebook.cells[4].outputs
    assert answer.text.startswith("✓ compute_saliency_maps is" if asks == CHECK else "True")


def test_an_interrupted_attempt_costs_one_line():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in (IMPORTS, IN_A_CELL, INTERRUPTED)])
    notebook_client(notebook, ROOT, allow_errors=True).execute()
    (error,) = notebook.cells[2].outputs
    assert error.traceback == ["Interrupted: The part of this cell that uses compute_saliency_maps was interrupted."]


@pytest.mark.parametrize(
    ("lines", "said"), [(59, ""), (60, "... (1 line is left out)"), (100_000, "... (99,941 lines are left out)")]
)
def test_of_many_lines_that_a_function_prints_the_first_and_the_last_are_shown(lines, said):
    prints = f"with attempted(compute_saliency_maps):\n    for number in range({lines}): print('line', number)\n    print('own')"
    _, shown = executed(IN_A_CELL, prints)
    numbers = [int(line.split()[1]) for line in shown.splitlines() if line.startswith("line")]
    assert shown.endswith("own\n")
    assert numbers[0] == 0
    assert numbers[-1] == lines - 1
    assert len(numbers) == 59
    assert said in shown
    assert ("left out" in shown) == bool(said)


def test_of_one_very_long_line_the_beginning_is_shown_and_what_is_printed_in_pieces_stays_a_line():
    prints = "with attempted(compute_saliency_maps):\n    print('x' * 10**6)\n    print('a', end='')\n    print('b', end='')"
    _, shown = executed(IN_A_CELL, prints)
    first, second = shown.splitlines()
    assert set(first[:100]) == {"x"}
    assert len(first) < 2000
    assert second == "ab"
