import shutil

import numpy as np
import pytest
import torch
from helpers.places import IMAGENET_VAL, ROOT
from PIL import Image

from cs231n.data_utils import load_imagenet_val
from cs231n.image_utils import SQUEEZENET_MEAN, SQUEEZENET_STD, preprocess
from cs231n.judge import JUDGE, JURY, as_seen_by, judge_is_there, juror_is_there, load_judge, load_juror, verdicts

WEIGHTS = "efficientnet_lite0.pth"
ABSENT = "the judge's weights are optional, and get_datasets.sh could not fetch them"
fetched = pytest.mark.skipif(not judge_is_there(), reason=ABSENT)


@pytest.fixture(scope="module")
def judge():
    if not judge_is_there():
        pytest.skip(ABSENT)
    return load_judge(device="cpu")


@pytest.fixture(scope="module", params=JURY, ids=lambda juror: juror.title)
def juror(request):
    """Each network of the jury in turn, and what is known of it."""
    if not juror_is_there(request.param):
        pytest.skip(f"{request.param.title} is optional, and get_datasets.sh --jury could not fetch it")
    return request.param, load_juror(request.param, device="cpu")


class Countdown(torch.nn.Module):
    """A judge for whom class 0 is the best, class 1 the second, and so on, whatever the image shows."""

    def forward(self, X):
        return -torch.arange(1000.0).expand(len(X), -1)


@pytest.fixture
def folder(tmp_path):
    """A folder like datasets/ that holds nothing yet."""
    shutil.copy(ROOT / "datasets" / "sources.json", tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def photographs_of_size():
    """A function from a size in pixels to the 20 photographs, as networks of this size take them, and their labels."""
    X, y, _ = load_imagenet_val(20)

    def photographs(size):
        return torch.cat([preprocess(Image.fromarray(image), size) for image in X]), torch.as_tensor(y)

    return photographs


def first_and_in_five(judge, X, y):
    ranks = verdicts(judge, X, y)
    return (ranks == 0).sum().item(), (ranks < 5).sum().item()


# The network


KNOWN = {"EfficientNet-Lite0": (17, 20), "EfficientNet-Lite1": (18, 19), "EfficientNet-Lite2": (17, 19), "MobileNetV2": (18, 20)}


def test_each_of_the_jury_names_17_or_18_of_the_20_photographs_first(juror, photographs_of_size):
    known, network = juror
    assert first_and_in_five(network, *photographs_of_size(known.size)) == KNOWN[known.title]


@pytest.mark.skipif(not IMAGENET_VAL.is_file(), reason="the course's imagenet_val_25.npz is kept out of the kit by its licence")
def test_it_names_17_and_23_of_the_25_imagenet_val_images(judge):
    with np.load(IMAGENET_VAL, allow_pickle=False) as file:
        X, y = torch.cat([preprocess(image) for image in file["X"]]), torch.from_numpy(file["y"])
    assert first_and_in_five(judge, X, y) == (17, 23)


PUBLISHED = {  # what efficientnet-lite-pytorch 0.1.0 gave: the five best classes and their scores
    "EfficientNet-Lite0": ([906, 741, 533, 911, 443], [7.3088, 6.4149, 5.9669, 5.5887, 5.4789]),
    "EfficientNet-Lite1": ([906, 741, 911, 490, 689], [8.1016, 6.8207, 5.2359, 5.0953, 5.0456]),
    "EfficientNet-Lite2": ([906, 741, 885, 446, 750], [9.9582, 8.8161, 5.7577, 5.3692, 5.1856]),
}


@pytest.mark.parametrize("juror", [one for one in JURY if one.title in PUBLISHED], ids=lambda one: one.title, indirect=True)
def test_scores_are_those_of_the_package_that_the_weights_were_made_for(juror):
    """With TensorFlow's padding turned around, or as for sides that are even at every stage, they are off by more than 2."""
    known, network = juror
    place = torch.arange(float(known.size))
    X = torch.stack([torch.sin(place / (5 + c))[:, None] * torch.cos(place / (9 - 2 * c)) for c in range(3)])[None]
    classes, scores = PUBLISHED[known.title]
    best = network(X)[0].topk(5)
    assert best.indices.tolist() == classes
    torch.testing.assert_close(best.values, torch.tensor(scores), rtol=0, atol=1e-3)


def test_they_come_in_evaluation_mode_and_frozen(juror):
    _, network = juror
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_its_scores_can_be_followed_back_to_the_image(judge, photographs):
    X = photographs[0][:1].clone().requires_grad_()
    judge(X)[0, 243].backward()
    assert X.grad.abs().sum() > 0


def test_images_of_another_size_are_refused(juror):
    known, network = juror
    with pytest.raises(ValueError, match=rf"shape \(1, 3, 256, 256\); expected \(N, 3, {known.size}, {known.size}\)"):
        network(torch.zeros(1, 3, 256, 256))


def test_a_picture_is_brought_to_the_size_that_a_juror_takes_and_normalised(juror):
    known, network = juror
    grey = as_seen_by(known, torch.full((2, 3, 96, 96), 0.5))
    assert grey.shape == (2, 3, known.size, known.size)
    mean, std = SQUEEZENET_MEAN[:, None, None], SQUEEZENET_STD[:, None, None]
    torch.testing.assert_close(grey, ((0.5 - mean) / std).expand_as(grey))
    assert verdicts(network, grey, [0, 0]).diff() == 0


def test_the_judge_is_the_first_of_the_jury():
    assert JURY[0] is JUDGE
    assert len({juror.source for juror in JURY}) == len(JURY) == 4


# Its verdicts


def test_a_verdict_counts_the_classes_before_the_images_own():
    ranks = verdicts(Countdown(), torch.zeros(3, 3, 224, 224), torch.tensor([0, 4, 999]))
    assert ranks.tolist() == [0, 4, 999]
    assert ranks.dtype == torch.long


def test_the_labels_may_be_a_list():
    assert verdicts(Countdown(), torch.zeros(2, 3, 224, 224), [7, 0]).tolist() == [7, 0]


def test_many_images_are_judged_as_each_alone():
    """More than go through the network at once: every image keeps its own label."""
    labels = torch.arange(40).flip(0)
    assert torch.equal(verdicts(Countdown(), torch.zeros(40, 3, 8, 8), labels), labels)


def test_nothing_is_judged_first_guess_because_it_is_nan():
    X = torch.zeros(1, 3, 224, 224)
    X[0, 0, 0, 0] = torch.nan
    with pytest.raises(ValueError, match="NaN"):
        verdicts(Countdown(), X, [0])


@pytest.mark.parametrize(
    ("labels", "words"),
    [([0, 1], "1 images and labels of shape"), ([0.0], "a whole number"), ([1000], "the label 1000"), ([-1], "the label -1")],
)
def test_labels_that_are_none_are_refused(labels, words):
    with pytest.raises(ValueError, match=words):
        verdicts(Countdown(), torch.zeros(1, 3, 224, 224), labels)


@pytest.mark.parametrize("images", [np.zeros((1, 3, 224, 224)), torch.zeros(1, 3, 224, 224, dtype=torch.uint8)])
def test_images_that_are_no_float_tensor_are_refused(images):
    with pytest.raises(ValueError, match="expected a float tensor"):
        verdicts(Countdown(), images, [0])


# Its file


def test_without_its_weights_it_is_said_what_to_do(folder):
    assert not judge_is_there(folder)
    with pytest.raises(FileNotFoundError, match=rf"{WEIGHTS} is not there .* Run get_datasets\.sh in"):
        load_judge(folder=folder)
    for juror in JURY[1:]:
        assert not juror_is_there(juror, folder)
        with pytest.raises(FileNotFoundError, match=rf"{juror.source}\.pth is not there .* Run get_datasets\.sh --jury"):
            load_juror(juror, folder=folder)


@fetched
@pytest.mark.parametrize("position", [0, 1000, 5_000_000, -1])
def test_one_changed_byte_is_noticed_and_the_file_named(folder, position):
    whole = bytearray((ROOT / "datasets" / WEIGHTS).read_bytes())
    whole[position] ^= 1
    (folder / WEIGHTS).write_bytes(whole)
    assert judge_is_there(folder)
    with pytest.raises(ValueError, match=rf"{WEIGHTS} does not match the hash pinned in datasets/sources\.json"):
        load_judge(folder=folder)


@fetched
def test_nothing_but_tensors_is_read_from_the_file(monkeypatch):
    load, asked = torch.load, []
    monkeypatch.setattr(torch, "load", lambda *args, **options: asked.append(options) or load(*args, **options))
    load_judge(device="cpu")
    assert [options["weights_only"] for options in asked] == [True]
