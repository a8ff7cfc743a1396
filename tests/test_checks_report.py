"""What a student reads: true sentences, with numbers."""

import json
import re

import numpy as np
import pytest
import torch
from answers import ANSWERS
from helpers.solutions import CROSS_ENTROPY, FOOLING, REFERENCE, SALIENCY, STEP, answer, raw_step_with, told
from helpers.terminal import Terminal
from torch import nn

from cs231n import figures
from cs231n.checks import EXERCISES, check_saliency_maps, examine
from cs231n.checks.explanations import MISTAKES, NOTES, meaning_of
from cs231n.checks.fingerprints import PATH
from cs231n.checks.report import Report, Verdict, WrongAnswer
from cs231n.console import WIDTH

pytestmark = pytest.mark.usefixtures("short_patience")


def test_a_right_answer_gets_one_sentence_that_says_what_was_verified(capsys):
    check_saliency_maps(REFERENCE[SALIENCY])
    printed = capsys.readouterr().out
    assert printed.startswith("✓ compute_saliency_maps is correct. ")
    assert printed.count(". ") == 1
    assert "with scores below 0, and for a dead class" in " ".join(printed.split())


def test_no_line_of_any_message_is_too_long_and_none_breaks_inside_of_a_word(capsys):
    notes, sentence = list(NOTES), "A sentence on what was seen, by cross-entropy and its like. " * 3
    for exercise in EXERCISES:
        for verdict in Verdict:
            report = Report(exercise, verdict, list(MISTAKES) if verdict is Verdict.WRONG else [], notes, [sentence])
            report.show()
            printed = capsys.readouterr().out
            assert all(len(line) <= WIDTH for line in printed.splitlines())
            assert " ".join(printed.split()).count("cross-entropy and its like.") == 3
            assert not re.search(r"\w-\n", printed)


def test_a_wrong_answer_is_told_with_numbers_and_a_thought_and_raises_in_one_line(capsys):
    with pytest.raises(WrongAnswer, match=r"^compute_saliency_maps: cross-entropy\. See the message above\.$") as raised:
        check_saliency_maps(answer("saliency_maps", CROSS_ENTROPY))
    assert raised.value._render_traceback_() == [f"WrongAnswer: {raised.value}"]
    printed = " ".join(capsys.readouterr().out.split())
    found = re.search(
        r"Image (\d), its label (\d), pixel \((\d+), (\d+)\): your map has (\S+), expected (\S+?)\. There, the score of class "
        r"\2 changes by (\S+) per unit of red, (\S+) of green and (\S+) of blue",
        printed,
    )
    expected, *colours = (float(number) for number in found.groups()[5:])
    assert expected == pytest.approx(max(map(abs, colours)), abs=1e-4)
    assert float(found[5]) != pytest.approx(expected, rel=0.01)
    assert re.search(r"Overall, this map is off by \d+%; its correlation with the correct one is 0\.\d\d", printed)
    assert "Think: the loss also falls when" in printed


def test_a_mistake_that_nobody_knows_is_wrong_and_told_with_figures(capsys):
    def compute_saliency_maps(X, y, model):
        return REFERENCE[SALIENCY](X, y, model) ** 1.5 + 0.1

    with pytest.raises(WrongAnswer, match="wrong"):
        check_saliency_maps(compute_saliency_maps)
    printed = capsys.readouterr().out
    assert "is wrong, in a way that this check does not recognise." in printed
    assert "off by" in printed


@pytest.fixture
def drawn(monkeypatch):
    """The figures that a notebook shows, as (figure, description)."""
    shown = []
    monkeypatch.setattr(figures, "show", lambda figure, description, content: shown.append((figure, description)))
    monkeypatch.setattr("IPython.get_ipython", lambda: type("Shell", (), {"kernel": object()})())
    return shown


def maps_of(figure):
    return {axis.get_title(): np.asarray(axis.images[0].get_array()) for axis in figure.axes if axis.get_title()}


def test_a_figure_is_drawn_in_a_notebook_only(drawn, monkeypatch):
    report = examine(SALIENCY, answer("saliency_maps", CROSS_ENTROPY))
    with monkeypatch.context() as terminal:
        terminal.setattr("IPython.get_ipython", lambda: None)
        report.show()
    assert not drawn
    report.show()
    ((figure, description),) = drawn
    np.testing.assert_array_equal(maps_of(figure)["yours"], report.yours)
    np.testing.assert_array_equal(maps_of(figure)["expected"], report.expected)
    assert description.startswith(f"{report.caption}: yours from ")
    assert f"expected from {report.expected.min():.2g} to {report.expected.max():.2g}" in description


DIFFERENCE = "yours - expected, in its own scale"


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize(
    ("factor", "third"), [(1.05, True), (0.97, True), (1.3, False), (-1, False), (1, False), (1 + 1e-7, False), (np.nan, False)]
)
def test_two_maps_that_look_alike_are_drawn_with_their_difference(drawn, factor, signed, third):
    expected = np.random.default_rng(0).normal(size=(12, 12))
    expected = expected if signed else np.abs(expected)
    Report(SALIENCY, "wrong", yours=factor * expected, expected=expected, caption="map of image 0").show()
    ((figure, description),) = drawn
    found = maps_of(figure)
    assert list(found) == ["yours", "expected", *([DIFFERENCE] if third else [])]
    assert (DIFFERENCE in description) == third
    if third:
        image = figure.axes[2].images[0]
        np.testing.assert_allclose(found[DIFFERENCE], (factor - 1) * expected)
        largest = abs(factor - 1) * np.abs(expected).max()
        assert image.get_clim() == pytest.approx((-largest, largest))


def test_an_error_is_told_with_the_students_own_line_and_what_it_means(capsys):
    def compute_saliency_maps(X, y, model):
        return model(X).sum().backward()  # X does not require grad

    with pytest.raises(WrongAnswer, match="broken"):
        check_saliency_maps(compute_saliency_maps)
    printed = " ".join(capsys.readouterr().out.split())
    assert "return model(X).sum().backward() # X does not require grad" in printed
    assert "does not depend on a tensor that requires grad" in printed
    assert "Traceback" not in printed


def test_every_id_is_explained_in_the_readme_and_no_other():
    text = (PATH.parent / "README.md").read_text(encoding="utf-8")
    ids, notes = text.split("## Ids of mistakes")[1].split("## Ids of notes")
    table = re.findall(r"^\| `([\w-]+)` \| [1-7, -]+ \| (.*) \|$", ids, re.M)
    assert dict(table) == {name: explanation.title for name, explanation in MISTAKES.items()}
    assert re.findall(r"^\| `([\w-]+)` \|", notes, re.M) == list(NOTES)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (lambda X: X.sum(dim=1).long(), "a tensor of shape (5, 8, 11), dtype int64"),
        (lambda X: X.sum(dim=1).numpy() > 0, "a NumPy array of shape (5, 8, 11), dtype bool"),
        (lambda X: X.sum(dim=1).tolist(), "a list"),
        (lambda X: X.abs(), "a tensor of shape (5, 3, 8, 11), dtype float32; expected a float tensor of shape (5, 8, 11)"),
    ],
)
def test_a_result_of_another_form_is_described(value, said):
    report = examine(SALIENCY, lambda X, y, model: value(X))
    assert set(report.mistakes) <= {"wrong-type", "wrong-shape"}
    assert said in " ".join(report.text().split())


def test_no_angle_is_told_where_there_is_none():
    def make_fooling_image(X, target_y, model):
        return X * torch.nan if model(X).argmax() != target_y else X

    def class_visualization_update_step(img, model, target_y, l2_reg, learning_rate):
        model(img)
        img.data *= torch.nan

    for exercise, function in ((FOOLING, make_fooling_image), (STEP, class_visualization_update_step)):
        text = told(exercise, function)
        assert "yours has length nan" in text or "it has length nan" in text
        assert "degrees" not in text
    assert "degrees" in told(STEP, raw_step_with(lambda g, x, reg: g))


HINTS = {
    "retain_graph": lambda X, y, model: model(X.requires_grad_()).sum().backward(retain_variables=True),
    "a vector of shape (N,)": lambda X, y, model: nn.functional.cross_entropy(model(X), y[:, None]),
    "names a GPU that this machine does not have": lambda X, y, model: X.to("mps"),
    "Whole numbers have no gradient": lambda X, y, model: y.requires_grad_(),
    "A tensor has the wrong dtype": lambda X, y, model: model(X).gather(1, y[:, None].float()),
    "Two shapes do not match": lambda X, y, model: model(X) @ model(X),
    "the tensor holds several": lambda X, y, model: float(model(X)[0]),
    "has no argument of this name": lambda X, y, model: torch.abs(X, dimension=1),
}


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="this machine has the GPU that others lack")
@pytest.mark.parametrize("hint", HINTS)
def test_what_an_error_means_is_told(hint):
    text = told(SALIENCY, HINTS[hint])
    assert "does not run" in text
    assert hint in text


MEANINGS = [  # as PyTorch says it, and how the sentence on it begins
    ("Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu!", "Two tensors are on"),
    ("indices should be either on cpu or on the same device as the indexed tensor (cpu)", "Two tensors are on"),
    ("Input type (torch.cuda.FloatTensor) and weight type (torch.FloatTensor) should be the same", "Two tensors are on"),
    ("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host memory", "NumPy reads only"),
    ("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 14.74 GiB", "The GPU's memory is full"),
    ("CUDA error: device-side assert triggered", "An index was out of range on the GPU"),
    ("CUDA error: an illegal memory access was encountered", None),
    ("Torch not compiled with CUDA enabled", "The code names a GPU that this machine does not have"),
    ("Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU", "The code names a GPU"),
    ("mat1 and mat2 must have the same dtype, but got Float and Double", "A tensor has the wrong dtype"),
    ("Input type (double) and bias type (float) should be the same", "A tensor has the wrong dtype"),
    ("mat1 and mat2 shapes cannot be multiplied (2x3 and 2x2)", "Two shapes do not match"),
    ("Dimension out of range (expected to be in range of [-2, 1], but got 5)", "Two shapes do not match"),
    ("expected input[1, 3, 8, 8] to have 4 channels, but got 3 channels instead", "Two shapes do not match"),
]


@pytest.mark.parametrize(("said", "beginning"), MEANINGS)
def test_an_error_of_devices_memory_dtypes_or_shapes_is_explained_as_what_it_is(said, beginning):
    meaning = meaning_of("RuntimeError", said)
    assert meaning is None if beginning is None else meaning.startswith(beginning)


def test_values_and_places_of_torch_max_are_described():
    def compute_saliency_maps(X, y, model):
        X = X.clone().requires_grad_()
        return torch.autograd.grad(model(X).gather(1, y[:, None]).sum(), X)[0].abs().max(dim=1)

    report = examine(SALIENCY, compute_saliency_maps)
    assert report.mistakes == ["wrong-type"]
    assert "a tuple of 2 things" in report.text()


def test_an_error_whose_text_raises_is_told():
    class Nasty(Exception):
        def __str__(self):
            raise RuntimeError

    def compute_saliency_maps(X, y, model):
        raise Nasty

    assert "Nasty" in examine(SALIENCY, compute_saliency_maps).text()


@pytest.mark.parametrize("kind", ["own", "torch"])
def test_only_the_students_own_not_implemented_error_is_a_stub(kind):
    def compute_saliency_maps(X, y, model):
        if kind == "own":
            raise NotImplementedError("write me")
        return X.to("meta").sum(dim=1).to("cpu")  # torch cannot do that

    assert examine(SALIENCY, compute_saliency_maps).verdict == {"own": "unfinished", "torch": "broken"}[kind]


def test_a_limited_answer_is_not_said_to_be_verified_for_all_inputs():
    limited = next(a.function for a in ANSWERS if a.exercise == "saliency_maps" and a.notes == {"fixed-batch-size"})
    text = examine(SALIENCY, limited).text()
    assert "passes, but not with every input" in text
    assert "batches of different sizes" not in text


def test_a_verdict_is_its_word_wherever_it_is_compared_counted_or_written():
    report = Report(SALIENCY, "newer-python")
    assert report.verdict is Verdict.NEWER_PYTHON
    assert report.verdict == "newer-python"
    assert {"newer-python": 1}[report.verdict] == 1
    assert f"{report.verdict}, {report.verdict!s}, {json.dumps(report.as_json()['verdict'])}, {json.dumps(report.verdict)}" == (
        'newer-python, newer-python, "newer-python", "newer-python"'
    )


def test_a_verdict_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match="'fine' is not a valid Verdict"):
        Report(SALIENCY, "fine")


def test_a_message_is_shown_in_the_signs_that_the_output_has(monkeypatch):
    narrow = Terminal("cp1252")
    monkeypatch.setattr("sys.stdout", narrow)
    Report("compute_saliency_maps", Verdict.RIGHT).show()
    assert narrow.written().startswith("[ok] compute_saliency_maps is correct.")
