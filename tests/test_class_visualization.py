import contextlib

import numpy as np
import pytest
import torch
from helpers.small_networks import DeadReLU, WithoutLookingAtValues, small_network
from PIL import Image
from scipy.ndimage import gaussian_filter

from cs231n.class_visualization import Ascent, BatchedStep, create_class_visualization, in_mixed_precision
from cs231n.image_utils import preprocess
from cs231n.instructor.atlas import batched_class_visualization_update_step
from cs231n.net_visualization_pytorch import class_visualization_update_step
from cs231n.squeezenet import load_squeezenet

STILL = pytest.mark.filterwarnings("ignore:update_step never changed img")
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
CLASSES = {"tarantula": 76, "gorilla": 366, "hourglass": 604, "flamingo": 130, "monarch": 323}


def create(target_y, model, update_step=class_visualization_update_step, **options):
    return create_class_visualization(target_y, model, update_step, **{"seed": 0, "progress": False} | options)


@pytest.mark.long
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
    with pytest.warns(UserWarning, match=r"No image of class 2 could be made: the score of class 2 is 0 .* dead ReLU"):
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
def test_a_progress_bar_names_the_class_unless_it_is_switched_off(terminal, capsys):
    options = {"num_iterations": 2, "progress": True}
    create(3, small_network(), lambda *_: None, **options)
    create(3, small_network(), lambda *_: None, class_names={3: "tarantula, a spider"}, **options)
    create(3, small_network(), lambda *_: None, class_names={4: "gorilla"}, **options)
    create(3, small_network(), lambda *_: None, num_iterations=2)
    nameless, named, unknown = terminal.lines()
    assert nameless.startswith("class 3: 100%")
    assert named.startswith("tarantula: 100%")
    assert unknown.startswith("class 3: 100%")
    assert capsys.readouterr().err == ""


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


# An interrupt


def interrupted_at(call):
    """Return a step that is right, except for an interrupt in the middle of the call with this number."""

    def step(img, *_):
        step.calls += 1
        with torch.no_grad():
            img += 0.1
        if step.calls == call:
            raise KeyboardInterrupt

    step.calls = 0
    return step


def told(capsys):
    """Return what was printed, whatever line it is on."""
    return " ".join(capsys.readouterr().out.split())


OPTIONS = {"show_every": 10, "return_frames": True, "blur_every": 0}


@pytest.mark.parametrize("taken", [0, 1, 4])
def test_an_interrupt_keeps_the_image_of_the_steps_that_were_whole_and_says_how_many(capsys, taken):
    image, frames = create(0, small_network(), interrupted_at(taken + 1), num_iterations=9, progress=True, **OPTIONS)
    assert f"Interrupted after {taken} of 9 iterations of class 0. Interrupt again to stop" in told(capsys)
    last = max(taken - 1, 0)
    assert list(frames) == ([0] if last == 0 else [0, last])
    assert np.array_equal(np.asarray(frames[last]), np.asarray(image))
    if taken:
        whole = create(0, small_network(), interrupted_at(-1), num_iterations=taken, blur_every=0)
        assert np.array_equal(np.asarray(image), np.asarray(whole))


@STILL
def test_an_interrupt_ends_the_classes_that_follow_too_and_theirs_is_the_noise(capsys):
    made = create([0, 1, 2], small_network(), interrupted_at(7), num_iterations=4, progress=True, **OPTIONS)
    assert "Interrupted after 2 of 4 iterations of class 1, 2 of 3. The images that follow it are noise." in told(capsys)
    whole, half, none = (values([image])[0] for image, _ in made)
    assert [list(frames) for _, frames in made] == [[0, 3], [0, 1], [0]]
    noise = create(0, small_network(), lambda *_: None, num_iterations=1, max_jitter=0, blur_every=0)
    assert np.abs(none - values([noise])[0]).max() <= 1
    assert whole.mean() > half.mean() + 1 > none.mean() + 2


def test_an_interrupt_of_images_made_together_keeps_them_all(capsys):
    step = interrupted_at(3)
    images = create([0, 1], small_network(), BatchedStep(step), num_iterations=9, progress=True, blur_every=0)
    assert "Interrupted after 2 of 9 iterations of classes 1 to 2 of 2, together." in told(capsys)
    step.calls = -100
    expected = create([0, 1], small_network(), BatchedStep(step), num_iterations=2, blur_every=0)
    assert np.array_equal(values(images), values(expected))


def test_where_nobody_watches_an_interrupt_goes_through():
    with pytest.raises(KeyboardInterrupt):
        create(0, small_network(), interrupted_at(2), num_iterations=4)


# Many classes


def values(images):
    return np.stack([np.asarray(image).astype(float) for image in images])


@pytest.mark.long
@pytest.mark.parametrize("device", DEVICES)
def test_images_made_together_are_those_made_one_by_one(device):
    """In double precision: in single precision the rounding, which the batch's size changes, grows from step to step."""
    model, labels = load_squeezenet(device=device).double(), [604, 130, 323]
    options = {"seed": 3, "num_iterations": 11}
    alone = [create(label, model, **options) for label in labels]
    one_by_one = create(labels, model, **options)
    together = create(labels, model, BatchedStep(batched_class_visualization_update_step), **options)
    assert np.array_equal(values(alone), values(one_by_one))
    assert np.abs(values(alone) - values(together)).max() <= 1  # of 255: a rounding
    assert not np.array_equal(values(together[:1]), values(together[1:2]))


def test_ten_classes_come_in_two_batches_on_a_cpu_and_do_not_depend_on_each_other(terminal):
    sizes, model = [], small_network()

    def step(img, model, target_y, *rest):
        sizes.append((len(img), target_y.tolist()))
        batched_class_visualization_update_step(img, model, target_y, *rest)

    labels = torch.tensor([0, 1, 2, 3, 4, 5, 6, 0, 1, 2])
    images = create(labels, model, BatchedStep(step), num_iterations=2, progress=True)
    assert sizes == [(5, [0, 1, 2, 3, 4])] * 2 + [(5, [5, 6, 0, 1, 2])] * 2
    assert np.array_equal(values(images[:3]), values(images[7:]))
    assert "classes 1 to 5 of 10, together" in terminal.written()
    assert "classes 6 to 10 of 10, together" in terminal.written()
    (left,) = terminal.lines()
    assert left.startswith("10 class images: 100%")
    assert "| 20/20 " in left


def test_a_step_for_one_image_is_called_for_each_class_in_turn_and_the_bar_says_so(terminal):
    calls = []

    def step(img, model, target_y, *_):
        calls.append((tuple(img.shape), target_y))
        img.data += 0.1

    images = create([4, 2], small_network(), step, num_iterations=2, progress=True)
    assert calls == [((1, 3, 224, 224), 4)] * 2 + [((1, 3, 224, 224), 2)] * 2
    assert np.array_equal(*values(images))  # the same noise and shifts for all
    assert "class 4, 1 of 2" in terminal.written()
    assert "class 2, 2 of 2" in terminal.written()
    assert len(terminal.lines()) == 1


def test_many_classes_without_a_seed_share_noise_that_pytorchs_generator_draws():
    model, pictures = small_network(), []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        pictures.append(values(create([0, 0], model, num_iterations=2, seed=None)))
    assert np.array_equal(*pictures[0])
    assert np.array_equal(pictures[0], pictures[1])
    assert not np.array_equal(pictures[0], pictures[2])


def test_frames_of_many_classes_are_each_its_own_way():
    options = {"num_iterations": 3, "show_every": 2, "return_frames": True}
    step = BatchedStep(batched_class_visualization_update_step)
    for (image, frames), label in zip(create([0, 5], small_network(), step, **options), (0, 5), strict=True):
        _, expected = create(label, small_network(), **options)
        assert list(frames) == [0, 2]
        assert np.array_equal(np.asarray(frames[2]), np.asarray(image))
        assert np.abs(values(frames.values()) - values(expected.values())).max() <= 1


@pytest.mark.parametrize("mixed_precision", [False, True])
def test_nothing_inside_of_the_loop_makes_a_gpu_wait_and_its_operations_do_not_grow_with_the_batch(mixed_precision):
    def operations(count, num_iterations):
        step = BatchedStep(batched_class_visualization_update_step)
        step = in_mixed_precision(step) if mixed_precision else step
        with WithoutLookingAtValues() as noted:
            create([0] * count, small_network(), step, num_iterations=num_iterations, max_jitter=0)
        return noted

    (few, many), (few_of_four, many_of_four) = ((operations(count, 12), operations(count, 22)) for count in (1, 4))
    assert few.waiting == many.waiting  # before and after the loop; not a single one an iteration
    assert few_of_four.waiting == many_of_four.waiting
    assert len(few_of_four.waiting) > 0  # else it would notice nothing
    assert many.count - few.count == many_of_four.count - few_of_four.count


@pytest.mark.parametrize("device", DEVICES)
def test_a_gpu_itself_finds_no_waiting_between_the_second_step_and_the_last(device):
    """On a CPU it only shows that the steps are taken: CUDA can be told to raise an error where the CPU waits for it."""
    modes = {1: "error", 11: "default"} if device == "cuda" else {}
    taken = []

    def step(*arguments):
        if len(taken) in modes:
            torch.cuda.set_sync_debug_mode(modes[len(taken)])
        taken.append(arguments[2].device.type)
        batched_class_visualization_update_step(*arguments)

    create([1, 2], load_squeezenet(device=device), BatchedStep(step), num_iterations=12)
    assert taken == [device] * 12


def test_the_test_for_waiting_notices_a_step_that_looks_at_a_value():
    def step(img, model, target_y, *rest):
        batched_class_visualization_update_step(img, model, target_y, *rest)
        img.sum().item()

    found = []
    for num_iterations in (12, 22):
        with WithoutLookingAtValues() as noted:
            create([0], small_network(), BatchedStep(step), num_iterations=num_iterations)
        found.append(len(noted.waiting))
    assert found[1] - found[0] >= 10


def test_one_image_of_a_batch_that_becomes_nan_stays_as_it_was_and_the_others_go_on():
    def step(img, *_):
        with torch.no_grad():
            img += 0.1
            img[1] += torch.nan if step.calls >= 2 else 0
        step.calls += 1

    step.calls = 0
    with pytest.warns(UserWarning, match="Stopped at iteration 2 of class 5, where update_step made NaN"):
        images = create([3, 5, 6], small_network(), BatchedStep(step), num_iterations=6)
    assert step.calls == 6
    step.calls = -100
    assert np.array_equal(
        values(images[::2]), values(create([3, 5, 6], small_network(), BatchedStep(step), num_iterations=6)[::2])
    )
    step.calls = -100
    assert np.array_equal(
        values(images[1:2]), values(create([3, 5, 6], small_network(), BatchedStep(step), num_iterations=2)[1:2])
    )


def test_a_dead_class_among_others_is_named():
    step = BatchedStep(batched_class_visualization_update_step)
    with pytest.warns(UserWarning, match=r"No image of class 2 could be made: .* dead ReLU") as caught:
        create([1, 2], DeadReLU(), step, num_iterations=2)
    assert len(caught) == 1


def test_in_mixed_precision_the_step_computes_in_bfloat16_and_the_image_stays_in_float32():
    dtypes = []

    def step(img, model, *_):
        dtypes.append((img.dtype, model(img).dtype))
        img.data += 0.01

    create(3, small_network(), in_mixed_precision(step), num_iterations=1)
    create(3, small_network(), step, num_iterations=1)
    assert dtypes == [(torch.float32, torch.bfloat16), (torch.float32, torch.float32)]


def test_a_batched_step_stays_one_in_mixed_precision_and_is_still_a_step():
    dtypes, img = [], torch.zeros(2, 3, 8, 8).requires_grad_()

    def step(img, model, *_):
        dtypes.append(model(img).dtype)

    step = in_mixed_precision(BatchedStep(step))
    assert isinstance(step, BatchedStep)
    step(img, small_network(), torch.tensor([0, 1]), 1e-3, 25)
    assert dtypes == [torch.bfloat16]


@pytest.mark.parametrize("kind", [BatchedStep, in_mixed_precision])
def test_a_step_that_is_not_a_function_is_refused_where_it_is_wrapped(kind):
    with pytest.raises(ValueError, match="update_step is a dict; expected a function such as class_visualization_update_step"):
        kind({})


def test_an_ascent_steps_on_transformed_images_and_then_regularises_them():
    @contextlib.contextmanager
    def mirrored(img):
        img.data = img.data.flip(3)
        yield
        img.data = img.data.flip(3)

    def step(img):
        img.data[..., 0] += 1  # what is on the right before and after

    ascent = Ascent(torch.zeros(1, 3, 2, 2), mirrored, lambda img, iteration: img * 10 + iteration)
    ascent.take(step, 0)
    ascent.take(step, 1)
    assert torch.equal(ascent.img.detach(), torch.tensor([1.0, 111.0]).expand(1, 3, 2, 2))
    assert ascent.moved.tolist() == [True]


@pytest.mark.long
def test_in_mixed_precision_the_networks_score_is_no_more_than_2_percent_lower(model):
    labels, step = list(CLASSES.values()), BatchedStep(batched_class_visualization_update_step)
    images = create(labels, model, step), create(labels, model, in_mixed_precision(step))
    full, mixed = (model(torch.cat([preprocess(image) for image in made]))[range(len(labels)), labels] for made in images)
    assert mixed.mean() > 0.98 * full.mean()


@pytest.mark.parametrize(
    ("target_y", "message"),
    [
        ([0, 7], "target_y holds 7; the model has 7 classes"),
        ([], "target_y is a tensor of shape .0,."),
        (["tarantula"], "target_y is .'tarantula'.; expected class ids"),
        ([0.5], "target_y is .* expected class ids"),
        ([[1, 2]], "target_y is .* expected class ids"),
    ],
)
def test_class_ids_that_are_none_are_refused_before_any_work(target_y, message):
    with pytest.raises(ValueError, match=message):
        create(target_y, small_network(), lambda *_: pytest.fail("work began"))
