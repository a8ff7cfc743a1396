import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter
from test_net_visualization_pytorch import DeadReLU, small_network

from cs231n.class_visualization import create_class_visualization
from cs231n.image_utils import preprocess
from cs231n.net_visualization_pytorch import class_visualization_update_step

STILL = pytest.mark.filterwarnings("ignore:update_step never changed img")
CLASSES = {"tarantula": 76, "gorilla": 366, "hourglass": 604, "flamingo": 130, "monarch": 323}


def create(target_y, model, update_step=class_visualization_update_step, **options):
    return create_class_visualization(target_y, model, update_step, **{"seed": 0, "progress": False} | options)


def test_five_class_images_get_more_than_090_of_the_networks_probability(model):
    for name, label in CLASSES.items():
        image = create(label, model)
        probability = model(preprocess(image)).softmax(dim=1)[0, label].item()
        assert probability > 0.9, f"{name}: {probability:.2f}"


def test_the_result_is_a_picture_and_the_frames_are_the_way_to_it(model):
    image, frames = create(604, model, num_iterations=6, show_every=2, return_frames=True)
    assert isinstance(image, Image.Image)
    assert image.size == (224, 224)
    assert list(frames) == [0, 2, 4, 5]
    assert np.array_equal(np.asarray(frames[5]), np.asarray(image))
    assert not np.array_equal(np.asarray(frames[0]), np.asarray(image))


def test_a_seed_fixes_noise_and_shifts_and_leaves_the_global_generator_alone(model):
    state = torch.get_rng_state()
    once, again, other = (np.asarray(create(604, model, num_iterations=3, seed=seed)) for seed in (5, 5, 6))
    assert np.array_equal(once, again)
    assert not np.array_equal(once, other)
    assert torch.equal(torch.get_rng_state(), state)


def test_without_a_seed_pytorchs_generator_is_used():
    model = small_network()
    pictures = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        pictures.append(np.asarray(create(0, model, num_iterations=2, seed=None)))
    assert np.array_equal(pictures[0], pictures[1])
    assert not np.array_equal(pictures[0], pictures[2])


@STILL
def test_the_step_gets_what_the_course_promises():
    calls, model = [], small_network()

    def step(img, *rest):
        calls.append(rest)
        assert img.shape == (1, 3, 224, 224)
        assert img.requires_grad

    create(3, model, step, l2_reg=0.5, learning_rate=7, num_iterations=4)
    assert calls == [(model, 3, 0.5, 7)] * 4


@STILL
@pytest.mark.parametrize("style", ["in place", "img.data replaced", "returns img"])
def test_every_right_form_of_an_in_place_step_works(style):
    def step(img, *_):
        with torch.no_grad():
            if style == "img.data replaced":
                img.data = img.data + 1
            else:
                img += 1
        return img if style == "returns img" else None

    still, moved = (create(0, small_network(), s, num_iterations=3, blur_every=0) for s in (lambda *_: None, step))
    assert np.asarray(moved).mean() > np.asarray(still).mean() + 30


def test_a_model_in_double_precision_works_without_further_ado():
    image = create(0, small_network(dtype=torch.float64), num_iterations=2)
    assert image.size == (224, 224)


@STILL
def test_jitter_is_undone_after_each_step():
    untouched, shifted = (
        create(0, small_network(), lambda *_: None, num_iterations=5, blur_every=0, max_jitter=jitter) for jitter in (0, 16)
    )
    assert np.array_equal(np.asarray(untouched), np.asarray(shifted))


@STILL
def test_blur_every_says_how_often_the_image_is_blurred():
    def roughness(blur_every):
        image = create(0, small_network(), lambda *_: None, num_iterations=20, blur_every=blur_every)
        return np.abs(np.diff(np.asarray(image).astype(float), axis=1)).mean()

    assert roughness(5) < roughness(10) < roughness(0)


def test_values_stay_inside_of_what_a_picture_can_hold():
    seen = []

    def step(img, *_):
        seen.append(img.detach().clone())
        with torch.no_grad():
            img += 100

    create(0, small_network(), step, num_iterations=2, max_jitter=0, blur_every=0)
    brightest = preprocess(Image.new("RGB", (224, 224), "white"))
    torch.testing.assert_close(seen[1], brightest)

    def dive(img, *_):
        seen.append(img.detach().clone())
        img.data -= 100

    create(0, small_network(), dive, num_iterations=2, max_jitter=0, blur_every=0)
    torch.testing.assert_close(seen[3], preprocess(Image.new("RGB", (224, 224), "black")))


def test_a_step_that_makes_nan_ends_in_a_warning_and_the_last_good_image():
    def step(img, *_):
        with torch.no_grad():
            img += 0.1 if step.calls < 2 else torch.nan
        step.calls += 1

    step.calls = 0
    with pytest.warns(UserWarning, match="Stopped at iteration 2, where update_step made NaN"):
        image = create(0, small_network(), step, num_iterations=10)
    assert step.calls == 3
    assert np.asarray(image).std() > 0


def test_a_dead_class_is_said_in_words_whether_the_step_divides_by_0_or_not():
    model = DeadReLU()
    with pytest.warns(UserWarning, match=r"No image of class 2 came about: the score of class 2 is 0 .* dead ReLU"):
        create(2, model, num_iterations=2)

    def divides_by_zero(img, model, target_y, *_):
        (gradient,) = torch.autograd.grad(model(img)[0, target_y], img)
        img.data += gradient / gradient.norm()

    with pytest.warns(UserWarning, match=r"Stopped at iteration 0.* dead ReLU"):
        image = create(2, model, divides_by_zero, num_iterations=2)
    assert np.asarray(image).std() > 0


def test_a_step_that_is_not_taken_in_place_is_noticed():
    def step(img, *_):
        img = img + 1
        return img

    with pytest.warns(UserWarning, match="never changed img: does it take its step in place"):
        create(0, small_network(), step, num_iterations=3)


@STILL
def test_the_image_is_blurred_from_the_first_iteration_on_by_half_a_pixel():
    image = create(0, small_network(), lambda *_: None, num_iterations=1, max_jitter=0)
    noise = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    darkest, brightest = (preprocess(Image.new("RGB", (224, 224), colour)) for colour in ("black", "white"))
    expected = gaussian_filter(noise.clamp(darkest, brightest).numpy(), (0, 0, 0.5, 0.5))
    assert (preprocess(image) - torch.from_numpy(expected)).abs().max() < 0.02


def test_the_courses_defaults_reach_the_step():
    calls = []

    def step(img, *rest):
        calls.append(rest[2:])
        img.data += 0.01

    create(3, small_network(), step)
    assert calls == [(1e-3, 25)] * 100


@STILL
def test_a_progress_bar_is_shown_on_standard_output_unless_switched_off(capsys):
    create(3, small_network(), lambda *_: None, num_iterations=2, progress=True)
    shown = capsys.readouterr()
    assert "class 3: 100%" in shown.out
    assert shown.err == ""
    create(3, small_network(), lambda *_: None, num_iterations=2)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target_y": 7}, "target_y is 7; the model has 7 classes"),
        ({"num_iterations": 0}, "num_iterations is 0; expected a whole number of at least 1"),
        ({"num_iterations": 2.5}, r"num_iterations is 2\.5"),
        ({"show_every": 0}, "show_every is 0"),
        ({"blur_every": -1}, "blur_every is -1"),
        ({"max_jitter": -1}, "max_jitter is -1"),
        ({"seed": 1.5}, r"seed is 1\.5"),
        ({"seed": "a"}, "seed is 'a'"),
        ({"num_iterations": True}, "num_iterations is True"),
        ({"update_step": None}, "update_step is a NoneType; expected a function"),
    ],
)
def test_numbers_out_of_range_are_refused_before_any_work(options, message):
    arguments = {"target_y": 0, "model": small_network(), "update_step": lambda *_: pytest.fail("work began")} | options
    with pytest.raises(ValueError, match=message):
        create(**arguments)
