import hashlib
import shutil

import pytest
import torch

from cs231n.datasets import DATASETS, State, record_of, sha256_of_tensors, sources, state_of, states, verified


def test_every_source_says_what_whence_and_how_to_verify_it():
    for source in sources().values():
        assert bool(source.package) != bool(source.url)
        assert source.title
        assert len(source.sha256) == 64
        for locked in source.holds.values():
            (sha256,) = (locked[kind] for kind in ("sha256", "sha256_of_tensors") if kind in locked)
            assert len(sha256) == 64


def test_the_data_of_this_checkout_is_whole():
    for source in sources().values():
        if source.required:
            assert set(states(source).values()) == {State.VERIFIED}


def test_sha256_of_weights_sees_the_tensors_and_not_pytorchs_wrapper(tmp_path):
    tensors = {"weight": torch.arange(6.0), "bias": torch.ones(2)}
    torch.save(tensors, tmp_path / "one.pth")
    torch.save(tensors, tmp_path / "the same under another name.pth")
    torch.save(tensors | {"bias": torch.zeros(2)}, tmp_path / "other.pth")
    one, same, other = (sha256_of_tensors(tmp_path / f"{name}.pth") for name in ("one", "the same under another name", "other"))
    assert one == same != other


@pytest.fixture
def weights(tmp_path):
    """A copy of the weights that may be damaged, and what is locked for them."""
    for name in ("squeezenet1_1.pth", "squeezenet1_1.pth.sha256"):
        shutil.copy(DATASETS / name, tmp_path)
    return tmp_path / "squeezenet1_1.pth", sources()["weights"].holds["squeezenet1_1.pth"]


# -236 lies in the zip's directory, in a byte that Python's zipfile passes over and PyTorch does not.
@pytest.mark.parametrize("position", [0, 200, 5000, 2_000_000, -236, -1])
def test_one_changed_byte_of_the_weights_is_noticed(weights, position):
    path, locked = weights
    assert state_of(path, locked) is State.VERIFIED
    whole = bytearray(path.read_bytes())
    whole[position] ^= 1
    path.write_bytes(whole)
    assert state_of(path, locked) is State.DAMAGED


@pytest.mark.parametrize("length", [0, 1000, 4_000_000])
def test_cut_weights_are_noticed(weights, length):
    path, locked = weights
    path.write_bytes(path.read_bytes()[:length])
    assert state_of(path, locked) is State.DAMAGED


def test_other_weights_with_a_record_of_their_own_are_noticed(weights):
    path, locked = weights
    torch.save({"features.0.bias": torch.zeros(64)}, path)
    record_of(path).write_text(hashlib.sha256(path.read_bytes()).hexdigest())
    assert state_of(path, locked) is State.DAMAGED


def test_weights_without_their_record_are_not_trusted(weights):
    path, locked = weights
    record_of(path).unlink()
    assert state_of(path, locked) is State.DAMAGED


def test_a_file_that_is_taken_out_as_it_is_needs_no_record(tmp_path):
    """Its hash is that of all its bytes, and what it is called does not matter."""
    (tmp_path / "judge.pth").write_bytes(b"all of it")
    locked = {"sha256": hashlib.sha256(b"all of it").hexdigest()}
    assert state_of(tmp_path / "judge.pth", locked) is State.VERIFIED
    (tmp_path / "judge.pth").write_bytes(b"all of it.")
    assert state_of(tmp_path / "judge.pth", locked) is State.DAMAGED


def test_a_folder_in_the_place_of_a_file_is_not_taken_for_it(tmp_path):
    assert state_of(tmp_path, {"sha256": "0" * 64}) is State.DAMAGED


def test_verified_names_a_missing_file_and_the_command_to_run(tmp_path):
    (tmp_path / "sources.json").symlink_to(DATASETS / "sources.json")
    with pytest.raises(FileNotFoundError, match=r"squeezenet1_1\.pth is not there .* Run get_datasets\.sh"):
        verified("weights", tmp_path)


def test_verified_refuses_a_file_that_differs_by_its_name(tmp_path):
    (tmp_path / "sources.json").symlink_to(DATASETS / "sources.json")
    (tmp_path / "imagenet_val_25.npz").write_bytes(b"something else")
    with pytest.raises(ValueError, match=r"imagenet_val_25\.npz does not match the hash pinned in datasets/sources\.json"):
        verified("imagenet_val", tmp_path)
