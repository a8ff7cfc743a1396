"""The device and dtype in which a network works, and copies of tensors that fit it."""

import pytest
import torch
from torch import nn

from cs231n.networks import best_device, device_of, like_model


def test_the_best_device_is_one_that_works():
    assert torch.ones(2, device=best_device()).sum().item() == 2


def test_the_device_is_that_of_the_parameters_or_the_cpu_without_any():
    assert device_of(nn.Linear(1, 1, device="meta")) == torch.device("meta")
    assert device_of(nn.ReLU()) == torch.device("cpu")


@pytest.mark.parametrize("model", [None, "squeezenet", nn.Linear])
def test_what_is_not_a_network_is_refused_by_its_type(model):
    with pytest.raises(ValueError, match=rf"The model is a {type(model).__name__}; expected a torch\.nn\.Module"):
        device_of(model)


def test_a_copy_gets_the_networks_device_and_dtype_and_the_original_stays():
    X = torch.ones(2, 3, requires_grad=True)
    copy = like_model(X, nn.Linear(1, 1, dtype=torch.double))
    assert (copy.dtype, copy.requires_grad) == (torch.double, False)
    copy.zero_()
    assert X.eq(1).all()
    assert like_model(X, nn.Linear(1, 1, device="meta")).device.type == "meta"


def test_a_network_without_parameters_leaves_the_dtype_and_still_gives_a_copy():
    X = torch.ones(2, dtype=torch.half)
    copy = like_model(X, nn.ReLU())
    assert copy.dtype == torch.half
    assert copy.data_ptr() != X.data_ptr()
