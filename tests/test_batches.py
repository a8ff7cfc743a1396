import pytest
import torch

from cs231n.batches import in_batches, maps_in_batches
from cs231n.net_visualization_pytorch import compute_saliency_maps

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def sizes(count, device, most=None, fits=10**6, tried=None):
    """Return the size of each batch, on a device in which `fits` images fit."""

    def function(part):
        size = len(range(count)[part])
        if tried is not None:
            tried.append(size)
        if size > fits:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return size

    return list(in_batches(function, count, device, most))


def test_batches_cover_all_images_in_order_once():
    for count in (1, 7, 8, 9, 25, 64):
        covered = [i for part in in_batches(lambda part: part, count, CPU) for i in range(count)[part]]
        assert covered == list(range(count))


def test_a_cpu_gets_eight_at_most_in_batches_of_about_equal_size_and_a_gpu_gets_all_at_once():
    assert sizes(9, CPU) == [5, 4]
    assert sizes(25, CPU) == [7, 6, 6, 6]
    assert sizes(1000, CUDA) == [1000]
    assert sizes(9, CPU, most=1) == [1] * 9


def test_a_batch_that_does_not_fit_is_halved_and_what_was_done_is_not_done_again():
    tried = []
    assert sum(sizes(100, CUDA, fits=30, tried=tried)) == 100
    assert tried[:3] == [100, 50, 25]
    assert max(tried[2:]) <= 30
    assert sum(size for size in tried if size <= 30) == 100


def test_where_a_single_image_does_not_fit_pytorchs_own_error_comes_through():
    with pytest.raises(torch.OutOfMemoryError, match="CUDA out of memory"):
        sizes(4, CUDA, fits=0)


def test_other_errors_come_through():
    with pytest.raises(ZeroDivisionError):
        list(in_batches(lambda part: 1 / 0, 4, CPU))


def test_maps_in_batches_equal_maps_of_all_images_at_once(model, photographs):
    X, y = photographs
    once = compute_saliency_maps(X, y, model)
    assert (maps_in_batches(compute_saliency_maps, X, y, model) - once).abs().max() <= 1e-6 * once.max()
