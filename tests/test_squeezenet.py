import socket

import numpy as np
import pytest
import torch
from conftest import IMAGENET_VAL
from torchvision.models import squeezenet1_1

from cs231n import squeezenet
from cs231n.image_utils import preprocess
from cs231n.squeezenet import best_device, load_squeezenet


def top_1_and_5(model, X, y):
    with torch.no_grad():
        guesses = model(X).topk(5).indices == y[:, None]
    return guesses[:, 0].sum().item(), guesses.any(dim=1).sum().item()


def test_accuracy_on_the_photographs_is_11_and_19_of_20(model, photographs):
    assert top_1_and_5(model, *photographs) == (11, 19)


@pytest.mark.skipif(not IMAGENET_VAL.is_file(), reason="the course's imagenet_val_25.npz is kept out of the kit by its licence")
def test_accuracy_on_the_imagenet_val_images_is_13_and_20_of_25(model):
    with np.load(IMAGENET_VAL, allow_pickle=False) as file:
        X, y = torch.cat([preprocess(image) for image in file["X"]]), torch.from_numpy(file["y"])
    assert top_1_and_5(model, X, y) == (13, 20)


def test_the_network_comes_in_evaluation_mode_and_frozen(model):
    assert not model.training
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_the_scores_are_raw(model, photographs):
    scores = model(photographs[0][:2])
    assert scores.shape == (2, 1000)
    assert scores.max() > 1


def test_preprocessing_is_folded_in_exactly(model, photographs):
    """The converted first layer, on normalised RGB, gives what the authors' gives on BGR less Caffe's mean."""
    X, _ = photographs
    kernel, bias = torch.randn(64, 3, 3, 3, dtype=torch.double), torch.randn(64, dtype=torch.double)
    ours_kernel, ours_bias = squeezenet._with_preprocessing(kernel.float(), bias.float())
    rgb = X[:1].double() * squeezenet.SQUEEZENET_STD[:, None, None] + squeezenet.SQUEEZENET_MEAN[:, None, None]
    bgr = (255 * rgb - squeezenet.CAFFE_MEAN[:, None, None]).flip(1)
    theirs = torch.nn.functional.conv2d(bgr, kernel.float().double(), bias.float().double())
    ours = torch.nn.functional.conv2d(X[:1].double(), ours_kernel.double(), ours_bias.double())
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-3)


def test_a_state_dict_of_ones_own_is_loaded_by_its_path(tmp_path, model):
    other = squeezenet1_1()
    torch.save(other.state_dict(), tmp_path / "mine.pth")
    loaded = load_squeezenet(tmp_path / "mine.pth", device="cpu")
    assert torch.equal(loaded.features[0].weight, other.features[0].weight)
    assert not torch.equal(loaded.features[0].weight, model.features[0].weight)


@pytest.mark.parametrize("weights", [None, 3, ["authors"]])
def test_weights_that_are_no_name_are_refused(weights):
    with pytest.raises(ValueError, match='expected "authors", "torchvision" or the path of a file'):
        load_squeezenet(weights)


@pytest.mark.parametrize("weights", ["author", "nowhere.pth"])
def test_weights_that_are_not_there_are_refused_with_what_there_is(weights):
    with pytest.raises(FileNotFoundError, match=f'weights="{weights}"; expected "authors", "torchvision" or an existing file'):
        load_squeezenet(weights)


def test_without_the_authors_weights_the_message_names_the_command(tmp_path):
    (tmp_path / "sources.json").symlink_to(squeezenet.DATASETS / "sources.json")
    with pytest.raises(FileNotFoundError, match=r"Run get_datasets\.sh"):
        load_squeezenet(folder=tmp_path)


def test_a_file_that_is_no_state_dict_of_squeezenet_is_refused(tmp_path):
    (tmp_path / "page.pth").write_bytes(b"<html>")
    torch.save({"weight": torch.zeros(3)}, tmp_path / "other network.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    whole = (squeezenet.DATASETS / "squeezenet1_1.pth").read_bytes()
    (tmp_path / "cut.pth").write_bytes(whole[:1_000_000])
    (tmp_path / "text.pth").write_text("some text\nof two lines\n")
    broken = {name: weight * torch.nan for name, weight in squeezenet1_1().state_dict().items()}
    torch.save(broken, tmp_path / "nan.pth")
    for name in ("page.pth", "other network.pth", "list.pth", "cut.pth", "text.pth", "nan.pth"):
        with pytest.raises(ValueError, match=name):
            load_squeezenet(tmp_path / name)


def test_a_pickle_that_would_run_code_is_refused(tmp_path):
    class Harmful:
        def __reduce__(self):
            return (tmp_path.joinpath("it ran").touch, ())

    torch.save(Harmful(), tmp_path / "harmful.pth")
    with pytest.raises(ValueError, match="not a plain state dict"):
        load_squeezenet(tmp_path / "harmful.pth")
    assert not (tmp_path / "it ran").exists()


def test_torchvisions_weights_without_a_network_point_to_the_authors(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: (_ for _ in ()).throw(OSError("no network")))
    with pytest.raises(ConnectionError, match=r'load_squeezenet\("authors"\) needs no network'):
        load_squeezenet("torchvision")


def test_torchvisions_weights_are_loaded_and_their_hash_is_checked(monkeypatch):
    state, asked = squeezenet1_1().state_dict(), []

    def download(_url, **options):
        asked.append(options)
        return state

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", download)
    loaded = load_squeezenet("torchvision", device="cpu")
    assert torch.equal(loaded.features[0].weight, state["features.0.weight"])
    assert asked[0]["check_hash"] is True


def test_the_best_device_is_one_that_works():
    assert torch.ones(2, device=best_device()).sum().item() == 2
