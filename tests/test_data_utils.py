import shutil

import numpy as np
import pytest
from PIL import Image

from cs231n.data_utils import find_class, imagenet_class_names, load_imagenet_val
from cs231n.datasets import DATASETS


def photographs_folder(tmp_path):
    for name in ("sources.json", "photographs"):
        (tmp_path / name).symlink_to(DATASETS / name)
    return tmp_path


def test_the_photographs_come_as_squares_with_labels_and_all_names(tmp_path, capsys):
    X, y, class_names = load_imagenet_val(folder=photographs_folder(tmp_path))
    assert X.shape == (20, 224, 224, 3)
    assert X.dtype == np.uint8
    assert y.dtype == np.int64
    assert y[:4].tolist() == [243, 559, 438, 990]
    assert class_names[990] == "buckeye"
    assert sorted(class_names) == list(range(1000))
    assert "20 photographs" in capsys.readouterr().out


def test_the_imagenet_val_images_are_taken_where_they_are(imagenet_val_folder, capsys):
    X, y, class_names = load_imagenet_val(folder=imagenet_val_folder)
    with np.load(imagenet_val_folder / "imagenet_val_25.npz", allow_pickle=False) as file:
        assert np.array_equal(X, file["X"])
        assert np.array_equal(y, file["y"])
    assert X.shape == (25, 224, 224, 3)
    assert X.dtype == np.uint8
    assert y.dtype == np.int64
    assert len(class_names) == 1000
    assert "25 images of the ImageNet validation set" in capsys.readouterr().out


def test_a_photograph_is_cropped_and_not_squashed(tmp_path):
    X, _, _ = load_imagenet_val(folder=photographs_folder(tmp_path))
    with Image.open(DATASETS / "photographs" / "imagenet_10_541.jpg") as photograph:
        assert photograph.size == (1024, 683)
        resized = photograph.resize((335, 224), Image.Resampling.BILINEAR)
    expected = resized.crop((56, 0, 56 + 224, 224))  # the middle: (335 - 224) / 2, rounded
    assert np.array_equal(X[10], np.asarray(expected))


def test_num_takes_the_first_images(tmp_path):
    folder = photographs_folder(tmp_path)
    X, y, _ = load_imagenet_val(folder=folder)
    X_5, y_5, _ = load_imagenet_val(5, folder)
    assert np.array_equal(X_5, X[:5])
    assert np.array_equal(y_5, y[:5])
    assert len(load_imagenet_val(20, folder)[0]) == 20


@pytest.mark.parametrize("num", [0, -1, 21, 2.5, "5", True])
def test_a_num_that_cannot_be_had_is_refused_with_the_range(num, tmp_path):
    with pytest.raises(ValueError, match=r"there are 20 images: expected 1 to 20"):
        load_imagenet_val(num, photographs_folder(tmp_path))


def test_a_damaged_npz_is_refused_and_not_passed_over(tmp_path):
    folder = photographs_folder(tmp_path)
    (folder / "imagenet_val_25.npz").write_bytes(b"half a file")
    with pytest.raises(ValueError, match=r"imagenet_val_25\.npz does not match the hash"):
        load_imagenet_val(folder=folder)


def test_nothing_is_ever_unpickled(tmp_path, imagenet_val_folder, monkeypatch):
    """The npz holds a pickled dict beside the images; loading must not be allowed to touch it."""
    load, calls = np.load, []
    monkeypatch.setattr(np, "load", lambda *args, **options: calls.append(options) or load(*args, **options))
    monkeypatch.setattr("pickle.load", lambda *_, **__: pytest.fail("unpickled"))
    assert len(load_imagenet_val(folder=imagenet_val_folder)[0]) == 25
    assert calls == [{"allow_pickle": False}]


def test_without_any_images_the_message_names_the_command(tmp_path):
    shutil.copy(DATASETS / "sources.json", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"Run get_datasets\.sh"):
        load_imagenet_val(folder=tmp_path)


def test_a_class_is_found_by_number_and_by_name_in_any_case():
    names = imagenet_class_names()
    assert find_class(281, names) == find_class("tabby", names) == find_class(" Tabby ", names) == find_class("281", names) == 281
    assert all(find_class(name, names) == label for label, name in names.items())


@pytest.mark.parametrize(
    ("wrong", "offer"),
    [("gorila", "gorilla"), ("bear", "American black bear"), (1000, "0 to 999"), (-1, "0 to 999"), ("", "class_names")],
)
def test_a_class_that_does_not_exist_gets_an_offer(wrong, offer):
    with pytest.raises(ValueError, match=f"(?i)There is no class.*{offer}"):
        find_class(wrong, imagenet_class_names())
