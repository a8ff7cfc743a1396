import copy
import pickle
import socket

import numpy as np
import pytest
import torch
from helpers.places import IMAGENET_VAL
from torchvision.models import squeezenet1_1
from torchvision.models.feature_extraction import create_feature_extractor

from cs231n import squeezenet
from cs231n.image_utils import preprocess
from cs231n.squeezenet import load_squeezenet


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


# The weights lie in memory as channels_last, for speed; what leaves the network does not


def feature_maps(model, X):
    """Return (feature map, scores) for each way to get the map of the last layer of `features`."""
    found = [(features := model.features(X), model.classifier(features).flatten(1))]
    for module in (model.features, model.features[-1]):
        kept = []
        hook = module.register_forward_hook(lambda *given, kept=kept: kept.append(given[-1]))
        scores = model(X)
        hook.remove()
        found.append((kept[0], scores))
    return found


@pytest.fixture(params=["as loaded", "copied", "pickled"])
def any_model(request, model):
    return {"as loaded": lambda: model, "copied": lambda: copy.deepcopy(model), "pickled": lambda: repickled(model)}[
        request.param
    ]()


def repickled(model):
    return pickle.loads(pickle.dumps(model))


def test_gradients_of_the_images_are_contiguous_and_can_be_viewed(any_model):
    X = torch.randn(2, 3, 64, 70, requires_grad=True)
    for scores in (any_model(X), any_model.forward(X), any_model(x=X), any_model.classifier(any_model.features(X)).flatten(1)):
        (gradient,) = torch.autograd.grad(scores[:, 3].sum(), X)
        assert gradient.view(2, -1).shape == (2, 3 * 64 * 70)


def test_the_feature_map_and_its_gradient_are_contiguous_however_one_gets_it(any_model):
    X = torch.randn(2, 3, 64, 70, requires_grad=True)
    for features, scores in feature_maps(any_model, X):
        (gradient,) = torch.autograd.grad(scores[:, 3].sum(), features)
        assert gradient.view(2, 512, -1).shape == features.view(2, 512, -1).shape


def test_the_scores_and_gradients_are_those_of_torchvisions_network_with_the_same_weights(model):
    plain = squeezenet1_1().eval().requires_grad_(False)
    plain.load_state_dict(model.state_dict())
    X = torch.randn(2, 3, 64, 70, requires_grad=True)
    ours, theirs = model(X), plain(X)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
    gradients = [torch.autograd.grad(scores[:, 3].sum(), X)[0] for scores in (ours, theirs)]
    torch.testing.assert_close(*gradients, rtol=1e-3, atol=1e-5)


def test_an_image_that_is_strided_keeps_a_strided_gradient(model):
    X = torch.randn(2, 3, 64, 70).contiguous(memory_format=torch.channels_last).requires_grad_()
    (gradient,) = torch.autograd.grad(model(X)[:, 3].sum(), X)
    assert gradient.is_contiguous(memory_format=torch.channels_last)
    assert not gradient.is_contiguous()


def test_gradients_by_torch_func_and_feature_extractors_work(model):
    X, y = torch.randn(2, 3, 64, 70), torch.tensor([3, 5])
    by_func = torch.func.vmap(torch.func.grad(lambda x, label: model(x[None])[0].gather(0, label[None])[0]))(X, y)
    by_jacobian = torch.func.jacrev(lambda X: model(X).gather(1, y[:, None]).sum())(X)
    (by_autograd,) = torch.autograd.grad(model(X.requires_grad_()).gather(1, y[:, None]).sum(), X)
    torch.testing.assert_close(by_func, by_autograd, rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(by_jacobian, by_autograd, rtol=1e-3, atol=1e-5)
    extracted = create_feature_extractor(model, ["features.12"])(X)["features.12"]
    torch.testing.assert_close(extracted, model.features(X), rtol=1e-4, atol=1e-4)


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")  # the compiler itself looks at it
def test_the_network_can_be_compiled(model):
    """Without a graph break and with the same scores and gradients; "eager" needs no C++ compiler."""
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    X = torch.rand(2, 3, 64, 64, requires_grad=True)
    scores, expected = compiled(X), model(X)
    torch.testing.assert_close(scores, expected)
    found, due = (torch.autograd.grad(own[:, 7].sum(), X)[0] for own in (scores, expected))
    torch.testing.assert_close(found, due)
    assert found.is_contiguous()


def test_what_is_not_an_image_is_refused_by_the_first_layer(model):
    with pytest.raises(TypeError, match="conv2d"):
        model(5)
