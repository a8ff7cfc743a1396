import hashlib
import shutil

import numpy as np
import pytest
import torch
from helpers.places import IMAGENET_VAL
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from PIL import Image

from cs231n.data_utils import EVERYDAY_WORDS, find_class, imagenet_class_names, imagenet_val_is_there, load_imagenet_val
from cs231n.datasets import DATASETS, sources


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


def test_the_photographs_come_whatever_else_is_in_the_folder(tmp_path, imagenet_val_folder):
    """The notebook's text describes them."""
    alone, _, _ = load_imagenet_val(folder=photographs_folder(tmp_path))
    beside, y, _ = load_imagenet_val(folder=imagenet_val_folder)
    assert np.array_equal(beside, alone)
    assert len(y) == 20
    (imagenet_val_folder / "imagenet_val_25.npz").unlink()
    (imagenet_val_folder / "imagenet_val_25.npz").write_bytes(b"half a file")
    assert np.array_equal(load_imagenet_val(folder=imagenet_val_folder)[0], alone)


def test_the_imagenet_val_images_come_if_they_are_asked_for(imagenet_val_folder, capsys):
    X, y, class_names = load_imagenet_val(folder=imagenet_val_folder, source="imagenet_val_25")
    with np.load(imagenet_val_folder / "imagenet_val_25.npz", allow_pickle=False) as file:
        assert np.array_equal(X, file["X"])
        assert np.array_equal(y, file["y"])
    assert X.shape == (25, 224, 224, 3)
    assert X.dtype == np.uint8
    assert y.dtype == np.int64
    assert len(class_names) == 1000
    assert "25 images of the ImageNet validation set" in capsys.readouterr().out
    assert np.array_equal(load_imagenet_val(3, imagenet_val_folder, source="imagenet_val_25")[0], X[:3])


def test_the_courses_own_file_is_of_the_form_that_is_tested_here():
    if not IMAGENET_VAL.is_file():
        pytest.skip("the course's imagenet_val_25.npz is kept out of the kit by its licence")
    assert hashlib.sha256(IMAGENET_VAL.read_bytes()).hexdigest() == sources()["imagenet_val"].sha256
    with np.load(IMAGENET_VAL, allow_pickle=False) as file:
        assert (file["X"].shape, file["X"].dtype) == ((25, 224, 224, 3), np.uint8)
        assert (file["y"].shape, file["y"].dtype) == ((25,), np.int64)


def test_whether_the_imagenet_val_images_are_there_is_known_without_loading_them(tmp_path, imagenet_val_folder):
    assert imagenet_val_is_there(imagenet_val_folder)
    assert not imagenet_val_is_there(photographs_folder(tmp_path))


def test_imagenet_val_images_that_are_absent_or_damaged_are_refused_with_what_to_do(tmp_path):
    folder = photographs_folder(tmp_path)
    with pytest.raises(
        FileNotFoundError, match=r"Run get_datasets\.sh --imagenet-val .*download\.main\(\[\"--imagenet-val\"\]\)"
    ):
        load_imagenet_val(folder=folder, source="imagenet_val_25")
    (folder / "imagenet_val_25.npz").write_bytes(b"half a file")
    with pytest.raises(ValueError, match=r"imagenet_val_25\.npz does not match the hash"):
        load_imagenet_val(folder=folder, source="imagenet_val_25")


@pytest.mark.parametrize("source", ["imagenet_val", "Photographs", None, 25])
def test_an_unknown_source_is_refused_with_the_two_that_there_are(source, tmp_path):
    with pytest.raises(ValueError, match=r'expected "photographs" or "imagenet_val_25"'):
        load_imagenet_val(folder=photographs_folder(tmp_path), source=source)


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


def test_nothing_is_ever_unpickled(tmp_path, imagenet_val_folder, monkeypatch):
    """The npz holds a pickled dict beside the images; loading must not be allowed to touch it."""
    load, calls = np.load, []
    monkeypatch.setattr(np, "load", lambda *args, **options: calls.append(options) or load(*args, **options))
    monkeypatch.setattr("pickle.load", lambda *_, **__: pytest.fail("unpickled"))
    assert len(load_imagenet_val(folder=imagenet_val_folder, source="imagenet_val_25")[0]) == 25
    assert calls == [{"allow_pickle": False}]


def test_without_any_images_the_message_names_the_command(tmp_path):
    shutil.copy(DATASETS / "sources.json", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"Run get_datasets\.sh"):
        load_imagenet_val(folder=tmp_path)


def test_a_class_is_found_by_number_and_by_name_in_any_case():
    names = imagenet_class_names()
    assert find_class(281, names) == find_class("tabby", names) == find_class(" Tabby ", names) == find_class("281", names) == 281
    assert all(find_class(name, names) == label for label, name in names.items())


def message(wrong):
    with pytest.raises(ValueError, match=r"^There is no class") as error:
        find_class(wrong, imagenet_class_names())
    return str(error.value)


@pytest.mark.parametrize("wrong", [3.5, None, True, ["tabby"], torch.tensor(281), np.zeros((40, 40))])
def test_what_is_neither_a_name_nor_a_whole_number_is_said_to_be_neither(wrong):
    assert "; expected a number from 0 to 999, or a name." in message(wrong)
    assert len(message(wrong)) < 150
    assert "\n" not in message(wrong)
    assert find_class(np.int64(281), imagenet_class_names()) == 281


def test_of_a_name_that_is_far_too_long_the_message_shows_the_ends():
    assert len(message("dog" * 2000)) < 200


@pytest.mark.parametrize(
    ("wrong", "offer"),
    [
        ("cat", "Did you mean tabby, tiger cat, Persian cat, Siamese cat, Egyptian cat,"),
        ("Dogs", "golden retriever, German shepherd,"),
        ("puppies", "golden retriever, German shepherd,"),
        ("gorila", "Did you mean gorilla?"),
        ("golden retreiver", "Did you mean golden retriever?"),
        ("tarantulas", "Did you mean tarantula?"),
        ("Tiger-Cats", "Did you mean tiger cat"),
        ("husky", "Did you mean Siberian husky?"),
        ("guiter", "acoustic guitar, electric guitar?"),
        ("bear", "American black bear"),
        ("terrier", "Irish terrier"),
        (1000, "expected a number from 0 to 999"),
        (-1, "expected a number from 0 to 999"),
        ("", "class_names lists all of them."),
        ("xyzzy", "class_names lists all of them."),
    ],
)
def test_a_class_that_does_not_exist_gets_an_offer(wrong, offer):
    assert offer in message(wrong)


@pytest.mark.parametrize("wrong", ["cat", "terrier", "gorila", "a", "the", 1000, "xyzzy", "x" * 500])
def test_the_offer_is_short_and_all_of_it_exists(wrong):
    _, _, offer = message(wrong).partition("Did you mean ")
    names = set(imagenet_class_names().values())
    offered = offer.rstrip("?").split(", ") if offer else []
    assert len(offered) <= 6
    assert set(offered) <= names
    assert len(set(offered)) == len(offered)


def test_a_word_inside_of_another_is_not_taken_for_it():
    assert "catamaran" not in message("cat")
    assert "ant" not in message("cant").partition("Did you mean")[2].rstrip("?").split(", ")


def test_everyday_words_lead_only_to_names_that_exist():
    names = set(imagenet_class_names().values())
    assert not [name for offered in EVERYDAY_WORDS.values() for name in offered if name not in names]


def test_with_other_classes_than_imagenets_only_theirs_are_offered():
    with pytest.raises(ValueError, match=r"named 'cat'\. Did you mean house cat\?$"):
        find_class("cat", {0: "house cat", 1: "truck"})


def test_a_typo_costs_one_line_in_a_notebook_and_leaves_no_traceback():
    shell = InteractiveShell.instance()
    with capture_output() as shown:
        result = shell.run_cell(
            "from cs231n.data_utils import find_class\nfind_class('cat', {0: 'tiger cat', 1: 'truck'})", store_history=False
        )
    assert isinstance(result.error_in_exec, ValueError)
    assert shown.stdout == "UnknownClass: There is no class named 'cat'. Did you mean tiger cat?\n"
    with capture_output() as shown:
        shell.run_cell("{}['another error']", store_history=False)
    assert shown.stdout.count("\n") > 2
