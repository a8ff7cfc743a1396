"""What the check of transform_images tells."""

import re

import pytest
import torch
from helpers.solutions import REFERENCE, TRANSFORMATION

from cs231n.checks import (
    examine,
)
from cs231n.checks.exercises import transformation

pytestmark = pytest.mark.usefixtures("short_patience")


def test_a_transformation_is_told_by_where_a_dot_should_have_gone():
    def transform_images(images, angles, scales, shifts):
        return REFERENCE[TRANSFORMATION](images, -angles, scales, shifts)

    report = examine(TRANSFORMATION, transform_images)
    found = re.search(
        r"Image (\d), .* originally in row (\d+), column (\d+), should be in row (\d+), column (\d+); in yours, the brightest "
        r"pixel is in row (\d+), column (\d+)\.",
        " ".join(report.text().split()),
    )
    n, *places = (int(number) for number in found.groups())
    arguments = transformation.CASES.main[0].arguments()
    pictures = arguments[0], REFERENCE[TRANSFORMATION](*arguments), transform_images(*arguments)
    assert places == [place for picture in pictures for place in divmod(picture[n, 0].argmax().item(), picture.shape[3])]


CUT = {
    "detached": lambda images: images.detach(),
    "through NumPy": lambda images: torch.from_numpy(images.numpy()),
    "in other tensors": lambda images: torch.tensor(images.tolist()),
    "half of it": lambda images: (images + images.detach()) / 2,
}


@pytest.mark.parametrize("form", CUT)
def test_pictures_that_lead_no_gradient_or_a_wrong_one_to_the_images_are_told(form):
    def transform_images(images, angles, scales, shifts):
        return REFERENCE[TRANSFORMATION](CUT[form](images), angles, scales, shifts)

    report = examine(TRANSFORMATION, transform_images)
    assert (report.verdict, report.mistakes) == ("wrong", ["gradient-cut"])
    assert "If `images` requires grad" in report.text()
