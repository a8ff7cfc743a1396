"""The committed notebook as it is, and its setup cell on a stand-in for Colab. nbval executes all of it besides."""

import base64
import contextlib
import importlib.util
import inspect
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from helpers.imagenet_val import put_imagenet_val
from helpers.notebooks import notebook_client
from helpers.places import ROOT
from PIL import Image

from cs231n import (
    attribution,
    attribution_metrics,
    feature_visualization,
    first_cell,
    net_visualization_pytorch,
    shortcut,
    vis_utils,
)
from cs231n.data_utils import load_imagenet_val
from cs231n.notebook_file import picture_of

PATH = ROOT / "NetworkVisualization.ipynb"
NOTEBOOK = nbformat.read(PATH, as_version=4)
CODE = [cell for cell in NOTEBOOK.cells if cell.cell_type == "code"]
CELLS = {cell.id: cell for cell in NOTEBOOK.cells}
EXERCISES = {
    "exercise-1": net_visualization_pytorch.compute_saliency_maps,
    "exercise-2": net_visualization_pytorch.make_fooling_image,
    "exercise-3": net_visualization_pytorch.class_visualization_update_step,
    "exercise-4": attribution.compute_smoothgrad_maps,
    "exercise-5": attribution.compute_integrated_gradients,
    "exercise-6": attribution.compute_grad_cam_maps,
    "exercise-7": feature_visualization.transform_images,
}
OPTIONAL = "exercise-4", "exercise-5", "exercise-6", "exercise-7"
CHECKED_AS = {
    "exercise-1": "saliency_maps",
    "exercise-2": "fooling_image",
    "exercise-3": "class_visualization_step",
    "exercise-4": "smoothgrad",
    "exercise-5": "integrated_gradients",
    "exercise-6": "grad_cam",
    "exercise-7": "transformation",
}


def tagged(tag):
    return [cell for cell in NOTEBOOK.cells if tag in cell.metadata.get("tags", [])]


def index(cell):
    return NOTEBOOK.cells.index(cell)


def test_it_is_a_valid_notebook_with_an_id_of_its_own_for_each_cell():
    nbformat.validate(NOTEBOOK)
    assert len(CELLS) == len(NOTEBOOK.cells)


def test_it_was_executed_from_top_to_bottom_without_errors_and_warnings():
    assert [cell.execution_count for cell in CODE] == list(range(1, len(CODE) + 1))
    outputs = [output for cell in CODE for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    assert not [output for output in outputs if output.get("name") == "stderr"]
    assert "Warning" not in "".join(output.get("text", "") for output in outputs)


def test_every_figure_is_there():
    drawing = [cell for cell in CODE if "vis_utils.plot_" in cell.source and cell.id != "imagenet-val"]
    assert len(drawing) >= 14
    for cell in drawing:
        assert any(picture_of(output) for output in cell.outputs), cell.id


def images_of(cell):
    """The <img> elements of a cell's outputs, as {attribute: value}."""
    html = "".join(output.get("data", {}).get("text/html", "") for output in cell.outputs)
    return [dict(re.findall(r'(\w+)="([^"]*)"', element)) for element in re.findall(r"<img ([^>]*)>", html)]


def pixels_wide(image):
    with Image.open(io.BytesIO(base64.b64decode(image["src"].partition(",")[2]))) as picture:
        return picture.width


NAMED = {  # what an alternative text has to say
    "data": ["bull mastiff", "thatch", "yurt", "goose", "leafhopper"],
    "saliency-figure": ["bull mastiff", "thatch", "yurt", "goose", "leafhopper"],
    "fooling-figure": ["yurt", "violin"],
    "fooling-scores": ["yurt", "violin"],
    "class-figure": ["tarantula", "gorilla", "hourglass", "flamingo"],
    "own-class": ["monarch"],
    "attribution-figure": ["strawberry", "cannon", "bald eagle", "Grad-CAM"],
    "sanity-check-figure": ["Grad-CAM", "guided backprop"],
    "deletion-figure": ["Grad-CAM", "centre blob"],
    "cheat-figure": ["animal with mark", "thing without", "Grad-CAM"],
    "class-images-figure": ["tarantula", "gorilla", "flamingo"],
    "made-and-found-figure": ["tarantula", "gorilla", "flamingo", "photograph"],
    "animation": ["tarantula"],
    "film": ["tarantula"],
}


def test_every_picture_is_sharp_at_two_pixels_a_point_and_says_what_is_seen():
    drawing = [cell for cell in CODE if "vis_utils.plot_" in cell.source or "show_animation" in cell.source]
    drawing.remove(CELLS["imagenet-val"])  # ImageNet's images are not stored
    for cell in drawing:
        shown = images_of(cell)
        assert shown, cell.id
        for image in shown:
            assert pixels_wide(image) >= 1.9 * int(image["width"]), cell.id
            assert len(image["alt"]) > 15, cell.id
            assert not [name for name in NAMED.get(cell.id, []) if name not in image["alt"]], cell.id


def test_the_animations_and_the_sources_of_the_exercises_are_shown():
    def html(cell):
        return "".join(output.get("data", {}).get("text/html", "") for output in cell.outputs)

    for name in ("animation", "film"):
        assert re.search(r'<img [^>]*src="data:image/\w+;base64,[^"]+" width="\d+" alt="[^"]+"', html(CELLS[name]))
    for name, function in EXERCISES.items():
        assert function.__name__ in re.sub("<[^>]*>", "", html(CELLS[name]))
        assert "color:" in html(CELLS[name])


def test_it_is_smaller_than_5_mb_and_names_no_path_of_a_machine():
    raw = PATH.read_text(encoding="utf-8")
    assert len(raw) < 5_000_000
    assert not re.search(r"/(tmp|root|home|Users|work)/", raw)


def test_its_pictures_are_the_photographs_and_not_imagenets():
    """ImageNet's terms keep its images out of the repository: of the cell that shows them the text is stored at most."""
    assert "20 photographs" in printed(CELLS["data"])
    assert not any(picture_of(output) for output in CELLS["imagenet-val"].outputs)


def test_an_exercise_imports_and_shows_the_reference():
    assert [cell.id for cell in tagged("exercise")] == list(EXERCISES)
    for cell in tagged("exercise"):
        function = EXERCISES[cell.id]
        assert f"from {function.__module__} import {function.__name__}" in cell.source


def test_nothing_but_the_exercise_cells_imports_the_solutions():
    for cell in CODE:
        assert ("net_visualization_pytorch" in cell.source) == (cell.id in EXERCISES and cell.id not in OPTIONAL)
        for name, function in EXERCISES.items():
            imported = re.search(rf"\bimport\b[^\n]*\b{function.__name__}\b", cell.source)
            assert bool(imported) == (cell.id == name)


def test_every_exercise_states_difficulty_importance_minutes_and_points_has_hints_and_a_check():
    for cell in tagged("exercise"):
        text = NOTEBOOK.cells[index(cell) - 1].source
        points = "Bonus points" if cell.id in OPTIONAL else "Points"
        assert re.search(
            rf"\*\*Difficulty\*\* [●○]{{3}} · \*\*Importance\*\* [●○]{{3}} · \*\*Minutes\*\* \d+ · \*\*{points}\*\* \d+", text
        )
        assert text.count("<details><summary>Hint") >= 2
        following = NOTEBOOK.cells[index(cell) + 1 : index(cell) + 3]
        (check,) = [later for later in following if "check" in later.metadata.get("tags", [])]
        name = EXERCISES[cell.id].__name__
        assert check.source == f"check_{CHECKED_AS[cell.id]}({name})"
        assert f"✓ {name} is correct." in check.outputs[0].text


def test_every_inline_answer_follows_its_question_and_brings_a_rubric_that_adds_up():
    answers = tagged("inline-answer")
    assert [cell.id for cell in answers] == [f"answer-{number}" for number in range(1, 10)]
    for cell in answers:
        question = NOTEBOOK.cells[index(cell) - 1]
        assert question.id == cell.id.replace("answer", "question") + "-text"
        points = int(re.search(r"\*\*(?:Points|Bonus points)\*\* (\d+)", question.source)[1])
        assert "**Model answer.**" in cell.source
        assert f"**Rubric ({points} points).**" in cell.source
        parts = [int(part) for part in re.findall(r"^\* (\d+):", cell.source, re.M)]
        assert max(parts) == points or sum(parts) == points


def test_the_points_add_up_to_the_total_that_the_introduction_names():
    def total(kind):
        return sum(int(points) for cell in NOTEBOOK.cells for points in re.findall(rf"\*\*{kind}\*\* (\d+)", cell.source))

    assert f"**{total('Points')} points**" in CELLS["title"].source
    assert f"{total('Bonus points')} bonus points" in CELLS["title"].source


def test_every_paper_in_the_text_stands_among_the_references():
    text, references = PATH.read_text(encoding="utf-8").split("## References")
    for link in set(re.findall(r"\]\((https://[^)]+)\)", text)):
        assert link in references, link


def test_every_link_inside_of_the_notebook_has_its_target():
    text = "".join(cell.source for cell in NOTEBOOK.cells)
    for target in re.findall(r"\]\(#([^)]+)\)", text):
        assert f'<a id="{target}">' in text


def test_the_text_that_is_the_same_everywhere_is_compared_by_nbval():
    compared = tagged("nbval-check-output")
    assert len(compared) >= 2
    assert all(cell.outputs for cell in compared)


def test_the_readmes_picture_is_made_of_the_notebooks_figures():
    specification = importlib.util.spec_from_file_location("make_overview", ROOT / ".github" / "make_overview.py")
    make_overview = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(make_overview)
    expected = np.asarray(make_overview.overview(NOTEBOOK), dtype=float)
    with Image.open(ROOT / ".github" / "overview.jpg") as committed:
        difference = np.abs(np.asarray(committed, dtype=float) - expected)
    assert difference.mean() < 6  # JPEG loses a little


def to_a_violin(original, model, keep):
    """Climb from the yurt to a violin, adding gradients up (keep=1) or not; return steps, distance, the violin's probability."""
    target, X, direction, steps = 889, original.clone().requires_grad_(), 0, 0
    while (scores := model(X)).argmax() != target:
        direction = keep * direction + torch.autograd.grad(scores[0, target], X)[0]
        X.data += direction / direction.norm()
        steps += 1
    return steps, (X - original).norm().item(), scores.softmax(dim=1)[0, target].item()


def test_the_numbers_that_questions_4_and_6_quote_are_true(model, photographs):
    """Rounding differs between machines, and the path with it, a little."""
    quoted_steps = re.search(r"\((\d+), not (\d+)\)", CELLS["question-4-text"].source).groups()
    quoted_distances = re.search(r"(\d+\.\d+) instead of (\d+\.\d+)", CELLS["question-4-text"].source).groups()
    for keep, quoted_step, quoted_distance in zip((1, 0), quoted_steps, quoted_distances, strict=True):
        steps, distance, probability = to_a_violin(photographs[0][8:9], model, keep)
        assert abs(steps - int(quoted_step)) <= 2
        assert distance == pytest.approx(float(quoted_distance), rel=0.1)
    quoted_probability = re.search(r"it can be (0\.\d+) for an image", CELLS["answer-6"].source)[1]
    assert probability == pytest.approx(float(quoted_probability), abs=0.1)


@pytest.mark.long
def test_the_cells_that_the_text_describes_show_the_same_whatever_pictures_are_there(kit):
    """Sections 1 to 5, twice in one kernel: with the photographs alone, and with the course's file beside them."""
    for path in (ROOT / "datasets").iterdir():
        if path.suffix == ".pth" or path.name in ("squeezenet1_1.pth.sha256", "photographs"):
            (kit / "datasets" / path.name).symlink_to(path)
    notebook = nbformat.read(PATH, as_version=4)
    until = next(number for number, cell in enumerate(notebook.cells) if cell.id == "class-text")
    cells = [(number, cell) for number, cell in enumerate(notebook.cells[:until]) if cell.cell_type == "code"]
    client = notebook_client(notebook, kit)
    with client.setup_kernel():
        alone = shown(client, cells)
        put_imagenet_val(kit / "datasets")
        beside = shown(client, cells)
    for by_design in ("setup", "imagenet-val"):
        assert alone.pop(by_design) != beside.pop(by_design)
    assert alone == beside
    assert "Loaded 20 photographs" in str(beside["data"])
    assert "steps; the image has moved by" in str(beside["fooling-image"])


def shown(client, cells):
    """Execute cells, without those that only check an exercise; return what each printed and drew, {id: [...]}."""
    outputs = {}
    for number, cell in cells:
        if "check" not in cell.metadata.get("tags", []):
            client.execute_cell(cell, number)
            outputs[cell.id] = [output["data"] for output in cell.outputs if "data" in output]
            outputs[cell.id].append("".join(output["text"] for output in cell.outputs if "text" in output))  # in any pieces
    return outputs


def test_the_numbers_that_question_4_quotes_are_those_that_its_cell_prints():
    printed = "".join(output.get("text", "") for output in CELLS["accumulated"].outputs)
    (steps, distance), (added_steps, added_distance) = re.findall(r"(\d+) steps, distance (\d+\.\d)", printed)
    text = CELLS["question-4-text"].source
    assert f"({added_steps}, not {steps})" in text
    assert f"{added_distance} instead of {distance}" in text
    assert f"{steps} steps of length 1 moved the image by only {distance}," in CELLS["fooling-seen"].source


def test_the_probability_that_answer_6_quotes_is_the_one_that_the_fooling_image_got():
    printed = "".join(output.get("text", "") for output in CELLS["fooling-image"].outputs)
    probability = re.search(r"violin: (\d\.\d+)", printed)[1]
    assert f"can be {probability} for" in CELLS["answer-6"].source


def test_the_photographs_of_section_7_1_are_as_many_as_the_network_gets_right():
    (right,) = re.findall(r"top prediction for (\d+) of", printed(CELLS["data"]))
    assert f"all {right} of them" in CELLS["attribution-text"].source
    assert f"the {right} photographs" in CELLS["deletion-text"].source


def test_what_the_text_says_of_the_network_that_cheats_is_what_its_cells_print(model, capsys):
    pictures = load_imagenet_val()[0]
    methods = {"saliency": EXERCISES["exercise-1"], "Grad-CAM": EXERCISES["exercise-6"]}
    given = {"torch": torch, "X": pictures, "model": model, "device": "cpu", "vis_utils": vis_utils, "maps": methods}
    given |= {"limited": lambda function: function, "attempted": lambda *_, **__: contextlib.nullcontext(), **vars(shortcut)}
    given |= {"maps_of": attribution_metrics.maps_of, "methods": {name: (method, method) for name, method in methods.items()}}
    for cell in ("cheat-training", "cheat-figure"):
        exec(CELLS[cell].source, given)
    lines = capsys.readouterr().out.splitlines()
    found = {line[:15]: [int(number) for number in re.findall(r"(\d+)%", line)] for line in lines}
    on_animals, nowhere, on_things = found["trained with th"]
    assert on_animals == 100 > found["trained without"][0]  # "looks better than the second"
    assert 40 <= nowhere <= 60  # "half of its answers are wrong"
    assert on_things <= 15  # "nearly all of its answers are wrong"
    assert max(found["trained without"]) - min(found["trained without"]) <= 10  # "hardly cares about the mark"
    (saliency, honest_saliency), (grad_cam, honest_grad_cam) = found["saliency  puts "], found["Grad-CAM  puts "]
    covered = int(re.search(r"on (\d)% of the picture", CELLS["cheat-text"].source)[1])
    assert abs(saliency - covered) <= 2  # "about as much of it as any spot of this size would get"
    assert saliency >= 2 * honest_saliency  # "though more than in the honest network"
    assert grad_cam > 50 > 4 * honest_grad_cam  # "more than half of its map is on the mark, but little in the honest network"


# A student's notebook


def student_notebook(folder, answers):
    """Execute the notebook with `answers` {cell id: source} in place of the reference; return its cells by their ids."""
    notebook = nbformat.read(PATH, as_version=4)
    for cell in notebook.cells:
        if cell.id in answers:
            cell.source = answers[cell.id]
    for name in ("cs231n", "datasets"):
        (folder / name).symlink_to(ROOT / name)
    notebook_client(notebook, folder).execute()
    return {cell.id: cell for cell in notebook.cells}


def printed(cell):
    return "".join(output.get("text", "") for output in cell.outputs)


def stub(function):
    return inspect.getsource(function).split("    # BEGIN SOLUTION")[0] + "    raise NotImplementedError\n"


GIVEN = (
    "import torch\nimport torch.nn.functional as F\nfrom cs231n.validation import check_step, checked_baseline, checked_batch, "
    "checked_image, checked_noise, require_feature_map, require_transformation\n\n"
)
STUBS = {cell: GIVEN + stub(function) for cell, function in EXERCISES.items()}


def test_run_all_goes_through_with_unfinished_exercises_and_each_cell_says_what_it_waits_for(tmp_path):
    cells = student_notebook(tmp_path, STUBS)
    for cell in tagged("check"):
        exercise = cell.source.split("(")[1].rstrip(")")
        assert printed(cells[cell.id]) == f"… {exercise}: not implemented yet.\n"
    gated = {cell.id: re.findall(r"^if ready\((\w+)\b.*\):", cell.source, re.M) for cell in CODE}
    waiting = {cell: exercises for cell, exercises in gated.items() if exercises}
    assert len(waiting) == 21
    for cell, exercises in waiting.items():
        assert printed(cells[cell]) == "".join(
            f"This cell is waiting for {name}, which is not implemented yet.\n" for name in exercises
        )
    assert len(waiting["attribution-figure"]) == 4  # it goes on with the method that is given
    for cell in ("attribution-figure", "sanity-check-figure", "deletion-figure"):
        assert any(picture_of(output) for output in cells[cell].outputs)


WRONG = """def compute_saliency_maps(X, y, model):
    X = X.clone().requires_grad_()
    model(X).gather(1, y[:, None]).sum().backward()
    return X.grad.amax(dim=1)
"""


@pytest.mark.long
def test_run_all_goes_on_behind_wrong_and_unreadable_exercises_and_cells_that_need_them_say_so(tmp_path):
    cells = student_notebook(tmp_path, STUBS | {"exercise-1": WRONG, "exercise-4": "def compute_smoothgrad_maps(X:\n"})
    message, error = cells["check-1"].outputs[0], cells["check-1"].outputs[-1]
    assert message.text.startswith("✗ compute_saliency_maps is wrong: no absolute value")
    assert error.traceback == ["WrongAnswer: compute_saliency_maps: no-absolute-value. See the message above."]
    assert "so there is no function yet" in " ".join(cells["check-4"].outputs[0].text.split())
    left_out = "compute_saliency_maps is not correct yet (its check says why), so this cell skips what depends on it.\n"
    for cell in ("saliency-numbers", "saliency-figure"):
        assert [" ".join(output.text.split()) for output in cells[cell].outputs] == [left_out.strip()]
    drawn = cells["attribution-figure"]
    assert "compute_saliency_maps is not correct yet" in printed(drawn)
    assert "compute_smoothgrad_maps is not correct yet" in printed(drawn)
    assert any(picture_of(output) for output in drawn.outputs)  # by the method that is given
    assert all(cell.execution_count for cell in cells.values() if cell.cell_type == "code")


@pytest.mark.long
def test_nbval_sees_a_wrong_exercise_though_its_check_may_raise(tmp_path):
    """The reference and its check, and then a wrong answer and the same check: the last cell alone fails."""
    cells = [CELLS[name].copy() for name in ("imports", "exercise-1", "check-1", "exercise-1", "check-1")]
    cells[0].source, cells[3].source = "from cs231n import vis_utils\nfrom cs231n.checks import check_saliency_maps", WRONG
    for cell in cells[3:]:
        cell.id += "-again"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "short.ipynb")
    (tmp_path / "cs231n").symlink_to(ROOT / "cs231n")
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "--nbval-lax", "--nbval-current-env", "short.ipynb"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 1, result.stdout
    passed, failed = (re.findall(rf"^{word} short\.ipynb::(Cell \d)", result.stdout, re.M) for word in ("PASSED", "FAILED"))
    assert passed == ["Cell 0", "Cell 1", "Cell 2", "Cell 3"]
    assert failed == ["Cell 4"]


@pytest.mark.parametrize(
    ("made", "by", "used_in"),
    [
        ("saliency", "saliency-numbers", ["saliency-figure"]),
        ("X_fooling", "fooling-image", ["fooling-figure", "fooling-scores", "random-changes"]),
    ],
)
def test_what_a_cell_makes_for_others_is_cleared_first_and_they_ask_whether_it_is_there(made, by, used_in):
    source = CELLS[by].source
    assert re.search(rf"^{made} = None", source, re.M).start() < source.index("if ready(")
    for cell in used_in:
        assert re.match(rf"if ready\(\w+, {made}\):\n", CELLS[cell].source)


# The setup cell on Colab

RUN_SETUP = """
import importlib.util, json, os, subprocess, sys
import google.colab  # as Colab's kernel does
assert not os.listdir("."), "the folder should be empty"
cell, missing = json.loads(sys.argv[1]), sys.argv[2:]
installed, find_spec, run = [], importlib.util.find_spec, subprocess.run
importlib.util.find_spec = lambda name, *rest: None if name in missing else find_spec(name, *rest)

def record(command, **options):
    if "install" in command:
        installed.append(command[command.index("install") + 1 :])
        return None
    return run(command, **options)

subprocess.run = record
first, second = {}, {}
exec(cell, first)
importlib.util.find_spec = find_spec
there = os.getcwd()
exec(cell, second)  # safe to run twice
assert os.getcwd() == there
print("RESULT", json.dumps({"folder": there, "installed": installed, "device": str(second["device"])}))
"""


@pytest.fixture
def colab(tmp_path, kit, mirror):
    """A function that runs the setup cell in an empty folder with a stand-in for google.colab; returns what came of it."""
    package = tmp_path / "stand-in" / "google" / "colab"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "drive.py").write_text(
        "import shutil\ndef mount(path):\n"
        f"    shutil.copytree({str(kit)!r}, path + '/MyDrive/courses/my kit', dirs_exist_ok=True)\n"
    )

    def run(replacements, *missing):
        empty = Path(tempfile.mkdtemp(prefix="content", dir=tmp_path))
        cell = CELLS["setup"].source
        for old, new in replacements.items():
            assert old in cell
            cell = cell.replace(old, new)
        environment = os.environ | {"PYTHONPATH": str(package.parent.parent), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(mirror)}
        command = [sys.executable, "-c", RUN_SETUP, json.dumps(cell), *missing]
        result = subprocess.run(command, cwd=empty, env=environment, capture_output=True, text=True)
        assert result.returncode == 0, result.stdout + result.stderr
        return json.loads(result.stdout.split("RESULT ")[1]) | {"printed": result.stdout}

    return run


KIT_URL = re.search(r'KIT_URL = "(.*)"', CELLS["setup"].source)[1]


@pytest.mark.long
def test_on_colab_the_setup_cell_fetches_kit_and_data_from_a_url(colab, kit, tmp_path):
    archive = shutil.make_archive(tmp_path / "main", "zip", kit.parent, kit.name)
    result = colab({KIT_URL: f"file://{archive}"})
    assert Path(result["folder"]).name == "NetworkVisualization"
    assert result["installed"] == []
    assert result["printed"].count("verified\n") == 4  # two lines in the table, twice
    assert result["printed"].count("verified (optional)\n") == 2
    assert re.search(r"Python 3\.\d+\.\d+, torch \d+\..*, torchvision \d+\..*, device: \w+", result["printed"])


def test_the_setup_cell_says_what_is_wrong_with_the_address_or_the_drive_folder(colab):
    with pytest.raises(AssertionError, match=r"from KIT_URL = file:///no/such\.zip \(.*No such file.*\)\. Unfold this cell"):
        colab({KIT_URL: "file:///no/such.zip"})
    with pytest.raises(AssertionError, match=r"DRIVE_FOLDER: there is no folder cs231n in .*courses"):
        colab({'DRIVE_FOLDER = ""': 'DRIVE_FOLDER = "courses"'})


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"<html>Sign in</html>", "File is not a zip file"), (b"", "File is not a zip file"), (None, "there is no kit in it")],
)
def test_the_setup_cell_says_so_where_kit_url_is_no_zip_of_the_kit(colab, tmp_path, content, said):
    address = tmp_path / "kit.zip"
    if content is None:
        with zipfile.ZipFile(address, "w") as archive:
            archive.writestr("readme.txt", "nothing")
    else:
        address.write_bytes(content)
    with pytest.raises(
        AssertionError, match=rf"RuntimeError: Could not get the kit from KIT_URL = .* \({said}\)\. Unfold .* run the cell again"
    ):
        colab({KIT_URL: address.as_uri()})
    with pytest.raises(AssertionError, match="Could not get the kit from KIT_URL = not an address"):
        colab({KIT_URL: "not an address"})


def test_on_colab_the_setup_cell_takes_the_kit_from_a_drive_folder_and_installs_only_what_is_missing(colab, kit):
    for name in ("squeezenet1_1.pth", "squeezenet1_1.pth.sha256"):
        shutil.copy(ROOT / "datasets" / name, kit / "datasets")
    shutil.copytree(ROOT / "datasets" / "photographs", kit / "datasets" / "photographs")
    result = colab({'DRIVE_FOLDER = ""': 'DRIVE_FOLDER = "courses/my kit"'}, "imageio")
    assert result["folder"].endswith("/drive/MyDrive/courses/my kit")
    assert result["installed"] == [["--quiet", "imageio"]]


def test_what_colab_may_lack_stands_in_the_requirements():
    names = first_cell.ON_COLAB
    required = re.findall(r"^([\w-]+)", (ROOT / "requirements.txt").read_text(), re.M)
    assert set(names) <= set(required)
    assert not {"torch", "torchvision", "numpy"} & set(names)


def test_the_setup_cell_imports_the_kit_before_torch_so_that_threads_give_way():
    source = CELLS["setup"].source
    assert source.index("from cs231n.") < source.index("import torch")
    code = "import cs231n, os; print(os.environ['GOMP_SPINCOUNT'])"
    environment = {name: value for name, value in os.environ.items() if name != "GOMP_SPINCOUNT"}
    printed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True).stdout
    assert printed == "10000\n"


def test_the_setup_cell_says_where_the_notebook_belongs(tmp_path):
    result = subprocess.run([sys.executable, "-c", CELLS["setup"].source], cwd=tmp_path, capture_output=True, text=True)
    assert "Put this notebook into the kit's folder and open it there." in result.stderr


def test_every_line_of_code_fits_into_a_cell_at_the_width_of_a_laptop():
    code = {name: cell.source.splitlines() for name, cell in CELLS.items() if cell.cell_type == "code"}
    assert {name: line for name, lines in code.items() for line in lines if len(line) > 100} == {}


def test_the_setup_cell_is_folded():
    assert CELLS["setup"].metadata["jupyter"] == {"source_hidden": True}  # JupyterLab
    assert CELLS["setup"].metadata["cellView"] == "form"  # Colab
    assert CELLS["setup"].source.startswith("# @title ")


@pytest.mark.parametrize("name", ["random.py", "torch.py", "copy.py", "tqdm/__init__.py"])
def test_a_file_beside_the_notebook_that_hides_a_module_is_named_instead_of_a_far_error(kit, name):
    (kit / name).parent.mkdir(exist_ok=True)
    (kit / name).write_text("")
    (kit.parent / "elsewhere").mkdir()
    kernel = f"import copy, os, random, sys\nos.chdir({str(kit)!r})\n"  # it has these before it looks beside the notebook
    command = [sys.executable, "-c", kernel + CELLS["setup"].source]
    result = subprocess.run(command, **run_in(kit.parent / "elsewhere"))
    assert re.search(rf"Shadowed: {name.partition('__init__')[0]} in .* hides Python's own or an installed module", result.stderr)
    result = subprocess.run([sys.executable, "-m", "cs231n.submit"], **run_in(kit))
    assert f"{name.partition('__init__')[0]} in" in result.stderr


def test_other_files_beside_the_notebook_hide_nothing(kit):
    for name in ("mine.py", "test.py", "random.txt", "my_random.py"):
        (kit / name).write_text("")
    (kit / "random").mkdir()
    result = subprocess.run([sys.executable, "-c", "import cs231n"], **run_in(kit))
    assert (result.returncode, result.stderr) == (0, "")


def run_in(folder):
    return {"cwd": folder, "capture_output": True, "text": True}


def test_the_cell_that_submits_says_which_cell_to_run_where_the_kit_is_gone(tmp_path):
    result = subprocess.run([sys.executable, "-c", CELLS["submit"].source], **run_in(tmp_path))
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "No module named 'cs231n': run the setup cell, in section 1, and then this cell again.\n"


FAILING = {  # what passes its check and fails on the photographs: {function: (arguments, ends of its source, cells that use it)}
    "compute_saliency_maps": (
        "X, y, model",
        {
            "of another shape": "return made.flatten() if X.shape[-1] == 224 else made",
            "raises": "return made if X.shape[-1] != 224 else 1 / 0",
            "NaN": "return made * float('nan') if X.shape[-1] == 224 else made",
        },
        ("saliency-numbers", "saliency-figure", "own-saliency"),
    ),
    "make_fooling_image": (
        "X, target_y, model",
        {
            "an array": "return made.numpy()",
            "NaN": "return made * float('nan') if X.shape[-1] == 224 else made",
            "without an end": "\n    while X.shape[-1] == 224: model(X[..., ::4, ::4])\n    return made",
        },
        ("fooling-image", "fooling-figure", "fooling-scores", "random-changes", "own-fooling", "accumulated"),
    ),
    "class_visualization_update_step": (
        "img, model, target_y, l2_reg, learning_rate",
        {"NaN": "img.data *= float('nan') if img.shape[-1] == 224 else 1"},
        ("climb", "class-figure", "regularisers", "animation", "seeds", "own-class"),
    ),
}


@pytest.mark.long
@pytest.mark.parametrize("name", FAILING)
def test_what_passes_its_check_and_fails_on_the_photographs_costs_a_sentence_and_never_stops_run_all(name, tmp_path):
    arguments, endings, dependents = FAILING[name]
    (tmp_path / "datasets").symlink_to(ROOT / "datasets")
    start = f"import sys, torch\nfrom pathlib import Path\nsys.path.insert(0, {str(ROOT)!r})\ndevice = 'cpu'"
    sources = [start, *(CELLS[cell].source for cell in ("imports", "network", "data"))]
    for ending in endings.values():
        reference = f"from cs231n.net_visualization_pytorch import {name} as reference"
        sources.append(f"{reference}\n\ndef {name}({arguments}):\n    made = reference({arguments})\n    {ending}")
        sources += [CELLS[cell].source for cell in dependents]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    notebook_client(notebook, tmp_path, allow_errors=True).execute()
    assert not [output.evalue for cell in notebook.cells for output in cell.outputs if output.output_type == "error"]
    said = [" ".join(printed(cell).split()) for cell in notebook.cells]
    assert sum(f"✗ {name} passes its check, but here it fails." in text for text in said) >= len(endings)
    of_the_first = notebook.cells[5 : 5 + len(dependents)]  # what came too early to be used leaves nothing to be drawn
    assert name == "class_visualization_update_step" or not [
        output for cell in of_the_first for output in cell.outputs if picture_of(output)
    ]


INTERRUPTS = """import os, signal
from cs231n.net_visualization_pytorch import class_visualization_update_step as reference

calls = 0

def class_visualization_update_step(img, model, target_y, l2_reg, learning_rate):
    global calls
    calls += 1
    if img.shape[-1] == 224 and calls % 14 == 0:
        os.kill(os.getpid(), signal.SIGINT)
    return reference(img, model, target_y, l2_reg, learning_rate)
"""


def test_an_interrupt_leaves_the_images_that_are_finished_and_costs_one_line(tmp_path):
    (tmp_path / "datasets").symlink_to(ROOT / "datasets")
    start = f"import sys, torch\nfrom pathlib import Path\nsys.path.insert(0, {str(ROOT)!r})\ndevice = 'cpu'"
    given = [CELLS[cell].source for cell in ("imports", "network", "data")]
    regularisers = CELLS["regularisers"].source.replace('"num_iterations": 40', '"num_iterations": 8')
    assert regularisers != CELLS["regularisers"].source
    above = 'from PIL import Image\nframes = {find_class("hourglass", class_names): {39: Image.new("RGB", (224, 224))}}'
    sources = [start, *given, INTERRUPTS, CELLS["check-3"].source, above, "LEARNING_RATE, calls = 25, 0", regularisers]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    notebook_client(notebook, tmp_path, allow_errors=True).execute()
    (error,) = [output for output in notebook.cells[-1].outputs if output.output_type == "error"]
    assert error.traceback == ["Interrupted: The part of this cell that uses class_visualization_update_step was interrupted."]
    (image,) = images_of(notebook.cells[-1])
    assert "all of them" in image["alt"]
    assert "no L2 penalty" in image["alt"]
    assert "no blur" not in image["alt"]


NEVER = "\n    from cs231n.checks import attempts\n    attempts.SECONDS = 5\n    while X.shape[-1] == 224: pass\n    return made"
WAITS = NEVER.replace("pass", "__import__('time').sleep(0.1)")  # it hangs, too, and takes nothing from the other tests
OPTIONAL_FAILING = {  # {function: (module, arguments, ends of its source, cells that use it)}
    "compute_smoothgrad_maps": (
        "attribution",
        "X, y, model, noise",
        {
            "raises": "return made if X.shape[-1] != 224 else 1 / 0",
            "of another shape": "return made.mean(dim=1) if X.shape[-1] == 224 else made",
            "NaN for three images": "return made * float('nan') if X.shape[-1] == 224 and len(X) == 3 else made",
            "never returns": NEVER,
        },
        ("attribution-figure", "sanity-check-figure", "deletion-figure"),
    ),
    "compute_integrated_gradients": (
        "attribution",
        "X, y, model, baseline, num_steps",
        {"never returns": WAITS},
        ("completeness", "attribution-figure"),
    ),
    "transform_images": (
        "feature_visualization",
        "X, angles, scales, shifts",
        {
            "raises": "return made if X.shape[-1] < 100 else 1 / 0",
            "NaN": "return made * float('nan') if X.shape[-1] == 160 else made",
            "never returns": WAITS.replace("== 224", "> 100"),
        },
        ("transformation-figure", "class-images-figure", "made-and-found-figure", "film"),
    ),
}


FEWER = {"load_imagenet_val()": "load_imagenet_val(10)", "[0, 5, 8, 15, 18]": "range(5)", "[2, 7, 9]": "[0, 1, 2]"}


def with_ten_photographs(name):
    """Return a cell's source for the first ten photographs, of which the network gets five right: three in the figures."""
    source = CELLS[name].source
    for all_of_them, ten in FEWER.items():
        source = source.replace(all_of_them, ten)
    return source


def test_each_cell_that_names_photographs_can_do_with_ten():
    sources = "".join(cell.source for cell in CODE)
    assert [text for text in FEWER if sources.count(text) != 1] == []


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "ending"), [(name, ending) for name, (*_, endings, _) in OPTIONAL_FAILING.items() for ending in endings]
)
def test_an_optional_exercise_that_fails_on_the_real_network_is_left_out_and_the_others_are_shown(name, ending, tmp_path):
    module, arguments, endings, dependents = OPTIONAL_FAILING[name]
    (tmp_path / "datasets").symlink_to(ROOT / "datasets")
    start = f"import sys, torch\nfrom pathlib import Path\nsys.path.insert(0, {str(ROOT)!r})\ndevice = 'cpu'"
    given = ("imports", "network", "data", "further-imports")
    names = [name.partition("=")[0] for name in arguments.split(", ")]
    solution = f"from cs231n.{module} import {name} as reference\n\ndef {name}({arguments}):\n"
    solution += f"    made = reference({', '.join(names)})\n    {endings[ending]}"
    sources = [start, *map(with_ten_photographs, given), "frames = {}", solution]
    sources += map(with_ten_photographs, dependents)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    notebook_client(notebook, tmp_path, allow_errors=True).execute()
    assert not [output.evalue for cell in notebook.cells for output in cell.outputs if output.output_type == "error"]
    cells = dict(zip(dependents, notebook.cells[-len(dependents) :], strict=True))
    said = " ".join(" ".join(printed(cell) for cell in cells.values()).split())
    assert f"✗ {name} passes its check, but here it fails." in said
    assert ("It did not return within 5 seconds. It was stopped." in said) == (ending == "never returns")
    for cell in set(dependents) & {"attribution-figure", "sanity-check-figure", "deletion-figure"}:
        (alt,) = [image["alt"] for image in images_of(cells[cell])]
        assert "guided backprop" in alt
        at_first = ending.startswith("NaN") and cell != "sanity-check-figure"  # it failed later
        assert ("SmoothGrad" in alt) == at_first
    if name == "transform_images":
        assert not images_of(cells["class-images-figure"])
        assert "An earlier cell that uses transform_images did not finish" in said
