"""Progress bars: one line in a terminal, one output in a notebook, nothing elsewhere or where it is quick."""

import base64
import io
import re

import nbformat
import pytest
from helpers.notebooks import notebook_client
from helpers.places import ROOT
from helpers.terminal import Terminal
from PIL import Image

from cs231n import progress as module
from cs231n.progress import Bar, progress

RED = Image.new("RGB", (8, 8), "red")


def three_steps(title="spiders", picture=None, shown=True):
    with Bar(3, title, shown) as bar:
        bar.picture = picture
        for _ in range(3):
            bar.update()


def test_a_loop_names_each_step_and_leaves_a_single_line(terminal):
    variants = {"no blur": 1, "no jitter": 2}
    assert list(progress(variants.items(), "hourglass")) == list(variants.items())
    assert list(progress(variants, "the same")) == list(variants)
    assert "hourglass, no blur:   0%" in terminal.written()
    assert "hourglass, no jitter:  50%" in terminal.written()
    first, second = terminal.lines()
    assert first.startswith("hourglass: 100%")
    assert second.startswith("the same: 100%")


def test_what_is_over_soon_is_not_worth_a_bar(terminal, monkeypatch):
    monkeypatch.setattr(module, "DELAY_SECONDS", 600)
    three_steps()
    assert list(progress(["a"], "letters")) == ["a"]
    assert terminal.written() == ""


def test_a_file_gets_no_bar_and_nobody_one_that_is_switched_off(terminal):
    three_steps(shown=False)
    assert terminal.written() == ""
    terminal.isatty = lambda: False
    three_steps()
    assert terminal.written() == ""


def test_a_terminal_that_knows_ascii_only_gets_ascii(terminal, monkeypatch):
    narrow = Terminal("cp1252")
    monkeypatch.setattr(module.sys, "stdout", narrow)
    three_steps("spiders ✓")
    (line,) = narrow.lines()
    assert line.startswith("spiders [ok]: 100%")
    assert line.isascii()
    monkeypatch.setattr(module.sys, "stdout", terminal)
    three_steps("spiders ✓")
    assert terminal.lines()[0].startswith("spiders ✓: 100%")


def test_an_error_inside_of_a_loop_ends_the_bar_where_it_was(terminal):
    def fails():
        with Bar(4, "spiders") as bar:
            bar.update()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert "spiders:  25%" in terminal.lines()[0]
    assert terminal.written().endswith("\n")


def test_a_picture_is_made_for_a_notebook_only(terminal):
    three_steps(picture=lambda: pytest.fail("made"))


@pytest.fixture
def notebook(monkeypatch, terminal):
    """The states of each output that a stand-in for a notebook's kernel shows, {output's number: [data]}."""
    outputs = {}

    class Output:
        def __init__(self, data, raw, display_id):
            assert raw
            assert display_id
            self.states = outputs[len(outputs)] = [data]

        def update(self, data, raw):
            assert raw
            self.states.append(data)

    monkeypatch.setattr("IPython.get_ipython", lambda: type("Shell", (), {"kernel": object()})())
    monkeypatch.setattr("IPython.display.display", Output)
    return outputs


def test_in_a_notebook_a_bar_is_one_output_with_the_picture_that_goes_at_the_end(notebook, terminal):
    three_steps("spiders & <others>", picture=lambda: RED)
    ((*before, last),) = notebook.values()
    assert len(before) == 3
    for data in before:
        assert "<pre>spiders &amp; &lt;others&gt;: " in data["text/html"]
        (encoded,) = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', data["text/html"])
        assert Image.open(io.BytesIO(base64.b64decode(encoded))).getpixel((4, 4))[0] > 200
    assert list(last) == ["text/plain"]
    assert last["text/plain"].startswith("spiders & <others>: 100%")
    assert terminal.written() == ""


def test_in_a_notebook_too_what_is_over_soon_shows_nothing_and_makes_no_picture(notebook, monkeypatch):
    monkeypatch.setattr(module, "DELAY_SECONDS", 600)
    three_steps(picture=lambda: pytest.fail("made"))
    assert not notebook


def test_in_a_notebook_a_loop_names_each_step_without_a_picture(notebook):
    assert list(progress(["a", "b"], "letters")) == ["a", "b"]
    ((*before, last),) = notebook.values()
    assert before[0]["text/plain"].startswith("letters, a:   0%")
    assert {data["text/plain"].partition(":")[0] for data in before} == {"letters, a", "letters, b", "letters"}
    assert all("text/html" not in data for data in (*before, last))
    assert last["text/plain"].startswith("letters: 100%")


CELL = """
from cs231n import progress
from cs231n.class_visualization import create_class_visualization
from cs231n.net_visualization_pytorch import class_visualization_update_step
from cs231n.squeezenet import load_squeezenet

progress.DELAY_SECONDS = progress.INTERVAL_SECONDS = 0
calls = []

def step(*arguments):
    calls.append(arguments)
    if len(calls) == 4:
        raise KeyboardInterrupt
    class_visualization_update_step(*arguments)

create_class_visualization(76, load_squeezenet(), step, num_iterations=9, seed=0, class_names={76: "tarantula"})
"""


def test_in_a_real_kernel_an_interrupt_leaves_bar_sentence_and_image_and_the_next_cell_runs():
    cells = [nbformat.v4.new_code_cell(source) for source in (CELL, "print('next')")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook_client(notebook, ROOT).execute()
    bar, sentence, image = cells[0].outputs
    assert list(bar.data) == ["text/plain"]
    assert bar.data["text/plain"].startswith("tarantula:  33%")
    assert sentence.text.startswith("Interrupted after 3 of 9 iterations of tarantula. Interrupt again")
    assert "image/png" in image.data
    assert cells[1].outputs[0].text == "next\n"
