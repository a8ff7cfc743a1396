import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from helpers.places import ROOT
from helpers.small_networks import DeadReLU, small_network
from PIL import Image

from cs231n.data_utils import imagenet_class_names
from cs231n.feature_visualization import create_class_images, transform_images
from cs231n.image_utils import load_image, preprocess
from cs231n.instructor.atlas import Atlas, Settings, batched_class_visualization_update_step, contact_sheet, seconds_for
from cs231n.instructor.atlas.__main__ import class_range, duration, main
from cs231n.instructor.release.edition import edition
from cs231n.net_visualization_pytorch import class_visualization_update_step

NAMES = {label: f"class <{label}>" for label in range(7)}


def small_atlas(folder, **settings):
    return Atlas(folder / "atlas.jpg", Settings(**{"num_iterations": 2, "mixed_precision": False} | settings))


def command(*arguments):
    return [sys.executable, "-m", "cs231n.instructor.atlas", *map(str, arguments)]


def test_the_batched_step_takes_for_each_image_the_step_of_exercise_3():
    model = small_network(dtype=torch.float64)
    start = torch.randn(4, 3, 16, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    labels = [2, 0, 6, 2]
    together = start.clone().requires_grad_()
    alone = [image[None].clone().requires_grad_() for image in start]
    for _ in range(3):
        batched_class_visualization_update_step(together, model, torch.tensor(labels), 0.1, 2.0)
        for image, label in zip(alone, labels, strict=True):
            class_visualization_update_step(image, model, label, 0.1, 2.0)
    torch.testing.assert_close(together, torch.cat(alone))
    assert not torch.equal(together[0], together[3])
    assert ((together - start).abs().flatten(1).max(dim=1).values > 0.01).all()


def test_the_batched_step_makes_no_nan_of_a_dead_class():
    img = torch.randn(2, 3, 16, 16).requires_grad_()
    before = img.detach().clone()
    batched_class_visualization_update_step(img, DeadReLU(), torch.tensor([2, 1]), 0.0, 25)
    assert torch.equal(img[0], before[0])
    assert img.isfinite().all()


@pytest.mark.long
@pytest.mark.parametrize("recipe", ["class-images", "exercise-3"])
def test_the_command_makes_sheet_page_and_images_that_the_network_takes_for_their_classes(model, tmp_path, recipe):
    out = tmp_path / "an atlas.jpg"
    run = subprocess.run(
        command("--out", out, "--classes", "76-77", "--recipe", recipe, "--iterations", 60),
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert "2 images to make on the cpu, 60 iterations each, " in run.stdout
    assert re.search(r"It will take about \d+ seconds", run.stdout)
    assert "100%" in run.stdout
    images = [preprocess(load_image(tmp_path / "an atlas" / f"0{label}.jpg")) for label in (76, 77)]
    probabilities = model(torch.cat(images)).softmax(dim=1)[[0, 1], [76, 77]]
    assert (probabilities > 0.5).all()
    page = (tmp_path / "an atlas.html").read_text(encoding="utf-8")
    for label, probability in zip((76, 77), probabilities, strict=True):
        assert f'src="an%20atlas/0{label}.jpg"' in page
        assert imagenet_class_names()[label] in page
        assert f"<small>{label}, {probability:.2f}</small>" in page
    assert load_image(out).shape == (126, 2 * 112, 3)
    assert ("section 7.2" in page) == (recipe == "class-images")
    assert ("loop of exercise 3" in page) == (recipe == "exercise-3")


def test_the_recipe_decides_whose_images_they_are(model, tmp_path):
    given = {"num_iterations": 4, "seed": 3}
    made = create_class_images([76], model, transform_images, **given, progress=False)[0].permute(1, 2, 0).numpy()

    def distance(recipe):
        atlas = Atlas(tmp_path / f"{recipe}.jpg", Settings(**given, mixed_precision=False, recipe=recipe))
        atlas.make([76], model, progress=False)
        return np.abs(load_image(atlas.image(76)) / 255 - made).mean()

    assert distance("class-images") < 0.02
    assert distance("exercise-3") > 0.05


def test_class_images_are_not_made_in_mixed_precision(tmp_path, capsys):
    assert main(["--out", str(tmp_path / "a.jpg"), "--classes", "1", "--precision", "mixed"]) == 2
    assert "--precision mixed is for --recipe exercise-3" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.long
def test_a_run_that_was_killed_goes_on_where_it_stopped(tmp_path, capsys):
    arguments = command(
        "--out", tmp_path / "a.jpg", "--classes", "0-39", "--iterations", 3, "--recipe", "exercise-3", "--precision", "full"
    )
    run = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.DEVNULL)
    while len(list((tmp_path / "a").glob("0*.jpg"))) < 8:
        assert run.poll() is None
        time.sleep(0.05)
    run.send_signal(signal.SIGKILL)
    run.wait()
    done = {path: path.stat().st_mtime_ns for path in (tmp_path / "a").glob("0*.jpg")}
    assert len(done) < 40
    assert not (tmp_path / "a.jpg").exists()
    assert main(arguments[3:]) == 0
    printed = capsys.readouterr().out
    assert f"{40 - len(done)} images to make" in printed
    assert f"{len(done)} are there already" in printed
    assert len(list((tmp_path / "a").glob("0*.jpg"))) == 40
    assert {path: path.stat().st_mtime_ns for path in done} == done
    assert not list(tmp_path.rglob(".part-*"))


def test_what_is_complete_is_not_made_again_and_sheet_and_page_are(tmp_path):
    model = small_network()
    small_atlas(tmp_path).make([0, 1], model, progress=False)
    model.forward = lambda X: pytest.fail("a gradient was asked for") if X.requires_grad else small_network()(X)
    atlas = small_atlas(tmp_path)
    assert atlas.lacking([0, 1, 2]) == [2]
    atlas.make([0, 1], model, progress=False)
    atlas.write([0, 1], model, NAMES)
    assert atlas.sheet.exists()
    assert atlas.page.exists()


def test_images_of_other_settings_are_not_mixed(tmp_path):
    small_atlas(tmp_path).make([0], small_network(), progress=False)
    for other in ({"num_iterations": 3}, {"seed": 1}, {"mixed_precision": True}, {"recipe": "class-images"}):
        with pytest.raises(ValueError, match=r"holds images of other settings.*Name another file, or delete that folder"):
            small_atlas(tmp_path, **other)


def test_a_folder_that_is_not_an_atlas_is_left_alone(tmp_path):
    (tmp_path / "atlas").mkdir()
    small_atlas(tmp_path)  # an empty one is taken
    (tmp_path / "atlas" / "001.jpg").write_bytes(b"a photograph of my own")
    with pytest.raises(ValueError, match="is there and is not an atlas's folder"):
        small_atlas(tmp_path)


def test_a_damaged_image_is_made_again(tmp_path):
    small_atlas(tmp_path).make([0, 1], small_network(), progress=False)
    atlas = small_atlas(tmp_path)
    content = atlas.image(1).read_bytes()
    atlas.image(1).write_bytes(content[: len(content) // 2])
    assert atlas.lacking([0, 1]) == [1]
    atlas.make([0, 1], small_network(), progress=False)
    assert atlas.image(1).read_bytes() == content


def test_a_class_whose_image_does_not_come_about_is_told_and_the_others_are_made(tmp_path):
    atlas = small_atlas(tmp_path)
    failed = atlas.make([1, 2], DeadReLU(), progress=False)
    assert list(failed) == [2]
    assert "dead ReLU" in failed[2]
    assert atlas.lacking([1, 2]) == []


def test_names_are_escaped_on_the_page(tmp_path):
    atlas = small_atlas(tmp_path)
    atlas.make([3], small_network(), progress=False)
    atlas.write([3], small_network(), {3: "<script>alert(1)</script>"})
    page = atlas.page.read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_the_contact_sheet_shows_each_picture_in_its_place(tmp_path):
    for i in range(5):
        Image.fromarray(np.linspace(0, 255, 224 * 224 * 3).reshape(224, 224, 3).astype("uint8")).rotate(90 * i).save(
            tmp_path / f"{i}.png"
        )
    sheet = np.asarray(contact_sheet([tmp_path / f"{i}.png" for i in range(5)], ["a very long name " * 9] * 5)).astype(float)
    assert sheet.shape == (2 * 126, 4 * 112, 3)
    assert sheet[:110, :110].mean() < 200
    assert sheet[126 : 126 + 110, 112:].min() == 255  # nothing right of the fifth
    assert np.abs(sheet[:110, :110] - sheet[126 : 126 + 110, :110]).mean() < 2  # the fifth is turned by a whole round


def test_the_estimate_is_about_what_the_images_then_take(model, tmp_path, monkeypatch):
    """In time on the processor, since the machine may be busy at one time and not at the other."""
    monkeypatch.setattr(time, "perf_counter", time.process_time)
    atlas = small_atlas(tmp_path, num_iterations=20)
    estimate = seconds_for(4, model, atlas.settings)
    before = time.perf_counter()
    atlas.make([0, 1, 2, 3], model, progress=False)
    assert 1 / 5 < estimate / (time.perf_counter() - before) < 5


def test_an_estimate_is_no_negative_number_where_the_first_iteration_was_the_slow_one(model, tmp_path, monkeypatch):
    seen = iter([0, 1, 10, 19, 20, 21])  # before and after: what is done once only, one iteration, four of them
    monkeypatch.setattr(time, "perf_counter", lambda: next(seen, 30))
    assert seconds_for(2, model, Settings(num_iterations=20, mixed_precision=False)) == 9


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "atlas.gif"], "atlas.gif is no picture's name; expected one that ends in .jpg or .png"),
        (["--out", "a.jpg", "--classes", "7-1000"], "--classes got '7-1000'; expected FIRST-LAST from 0 to 999"),
        (["--out", "a.jpg", "--classes", "9-3"], "--classes got '9-3'"),
        (["--out", "a.jpg", "--classes", "dogs"], "--classes got 'dogs'"),
        (["--out", "a.jpg", "--iterations", "0"], "num_iterations is 0"),
        (["--out", "a.jpg", "--seed", "-1"], "seed is -1"),
        (["--out", "a.jpg", "--device", "toaster"], "toaster"),
    ],
)
def test_what_cannot_be_done_is_said_before_any_work(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert message in capsys.readouterr().err
    assert os.listdir(tmp_path) == []


def test_class_ranges_and_durations_read_as_people_write_them():
    assert class_range("5", 10) == [5]
    assert class_range("3-5", 10) == [3, 4, 5]
    assert duration(50) == "about 50 seconds"
    assert duration(840) == "about 14 minutes"


def test_a_student_edition_holds_neither_the_atlas_nor_the_batched_step():
    _, files = edition()
    assert not [name for name in files if "atlas" in name]
    assert not [name for name, content in files.items() if b"batched_class_visualization_update_step" in content]
    assert any(b"batched" in content for name, content in files.items() if name == "cs231n/class_visualization.py")
