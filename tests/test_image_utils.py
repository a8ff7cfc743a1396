import io

import numpy as np
import pytest
import torch
from helpers.web import answer, drip, hang
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import gaussian_filter

from cs231n import image_utils
from cs231n.image_utils import (
    SQUEEZENET_MEAN,
    SQUEEZENET_STD,
    blur_image,
    deprocess,
    image_from_url,
    jitter,
    load_image,
    preprocess,
)


def picture(width=64, height=48, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def encoded(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def test_preprocess_normalises_and_resizes_the_shorter_side():
    white = Image.new("RGB", (320, 240), "white")
    result = preprocess(white)
    assert result.shape == (1, 3, 224, 298)
    assert result.dtype == torch.float32
    torch.testing.assert_close(result[0, :, 0, 0], (1 - SQUEEZENET_MEAN) / SQUEEZENET_STD)
    assert preprocess(white, size=32).shape == (1, 3, 32, 42)


def test_preprocess_takes_an_array_and_a_pil_image_alike():
    image = picture()
    assert torch.equal(preprocess(image), preprocess(np.asarray(image)))


@given(st.integers(0, 2**31), st.integers(16, 40), st.integers(16, 40))
@settings(max_examples=20, deadline=None)
def test_deprocess_undoes_preprocess_to_the_last_bit(seed, width, height):
    image = picture(width, height, seed)
    back = deprocess(preprocess(image, size=min(width, height)), should_rescale=False)
    assert np.array_equal(np.asarray(back), np.asarray(image))


def test_deprocess_stretches_contrast_unless_told_not_to():
    dim = Image.fromarray(np.linspace(100, 150, 32 * 32 * 3).reshape(32, 32, 3).astype(np.uint8))
    stretched = np.asarray(deprocess(preprocess(dim, size=32)))
    assert (stretched.min(), stretched.max()) == (0, 255)


def test_deprocess_of_a_constant_image_is_a_picture_and_not_nan():
    assert deprocess(torch.zeros(1, 3, 16, 16) - (SQUEEZENET_MEAN / SQUEEZENET_STD)[:, None, None]).getpixel((0, 0)) == (0, 0, 0)


def test_deprocess_leaves_its_input_alone_and_takes_one_that_requires_grad():
    X = preprocess(picture()).requires_grad_()
    before = X.detach().clone()
    deprocess(X)
    assert torch.equal(X, before)


NO_IMAGES = {
    "rank": torch.zeros(3, 8, 8),
    "two": torch.zeros(2, 3, 8, 8),
    "NaN": torch.full((1, 3, 8, 8), torch.nan),
    "array": np.zeros(3),
    "dtype": torch.zeros(1, 3, 8, 8, dtype=torch.uint8),
    "empty": torch.zeros(1, 3, 0, 8),
}


@pytest.mark.parametrize("bad", NO_IMAGES.values(), ids=NO_IMAGES)
def test_deprocess_refuses_what_is_not_one_image(bad):
    with pytest.raises(ValueError, match="deprocess got"):
        deprocess(bad)


@given(st.integers(-20, 20), st.integers(-20, 20))
@settings(max_examples=30, deadline=None)
def test_jitter_there_and_back_changes_nothing(ox, oy):
    X = torch.arange(2 * 3 * 9 * 7.0).reshape(2, 3, 9, 7)
    assert torch.equal(jitter(jitter(X, ox, oy), -ox, -oy), X)


def test_jitter_moves_right_by_ox_and_down_by_oy():
    X = torch.zeros(1, 3, 5, 5)
    X[:, :, 1, 1] = 1
    moved = jitter(X, 2, 1)
    assert moved[0, 0, 2, 3] == 1
    assert moved.sum() == 3


@given(st.floats(0.2, 2.5), st.integers(11, 30), st.integers(11, 30))
@settings(max_examples=25, deadline=None)
def test_blur_equals_scipys_gaussian_filter(sigma, height, width):
    X = torch.randn(2, 3, height, width, generator=torch.Generator().manual_seed(height))
    expected = gaussian_filter(X.numpy(), (0, 0, sigma, sigma))
    np.testing.assert_allclose(blur_image(X.clone(), sigma).numpy(), expected, atol=1e-5)


def test_blur_works_in_place_also_on_a_tensor_that_requires_grad():
    X = torch.randn(1, 3, 32, 32).requires_grad_()
    before = X.detach().clone()
    assert blur_image(X, sigma=0.5) is X
    assert not torch.equal(X, before)
    assert X.requires_grad


@pytest.mark.parametrize(("sigma", "side"), [(-1, 32), (10, 16), (float("nan"), 32), (float("inf"), 32)])
def test_blur_refuses_a_sigma_that_does_not_fit(sigma, side):
    with pytest.raises(ValueError, match="sigma"):
        blur_image(torch.zeros(1, 3, side, side), sigma)


def test_blur_refuses_integers_which_it_could_not_blur_without_rounding():
    with pytest.raises(ValueError, match="expected float"):
        blur_image(torch.zeros(1, 3, 32, 32, dtype=torch.uint8), 1)


@pytest.mark.parametrize("size", [0, -5, 2.5, "224", True])
def test_a_size_that_is_no_length_is_refused(size, tmp_path):
    picture().save(tmp_path / "picture.png")
    for use in (lambda: preprocess(picture(), size), lambda: load_image(tmp_path / "picture.png", size)):
        with pytest.raises(ValueError, match="expected a whole number of pixels"):
            use()


def test_without_a_size_a_picture_keeps_its_own():
    assert preprocess(picture(64, 48), size=None).shape == (1, 3, 48, 64)
    assert preprocess(picture(64, 48), size=np.int64(24)).shape == (1, 3, 24, 32)


def test_a_picture_of_absurd_size_is_refused(tmp_path, monkeypatch):
    picture().save(tmp_path / "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(ValueError, match=r"bomb\.png is a damaged picture .*exceeds limit"):
        load_image(tmp_path / "bomb.png")


NOT_RGB = {
    "L": "grayscale",
    "RGBA": "transparency",
    "P": "palette",
    "1": "black and white",
    "CMYK": "CMYK",
    "I;16": "not three colours",
}


@pytest.mark.parametrize("mode", NOT_RGB)
def test_preprocess_refuses_a_picture_that_is_not_rgb_and_says_how_to_convert_it(mode):
    with pytest.raises(ValueError, match=NOT_RGB[mode]) as error:
        preprocess(Image.new(mode, (64, 64)))
    assert 'convert("RGB")' in str(error.value)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P"])
def test_load_image_refuses_a_file_that_is_not_rgb_by_its_name(mode, tmp_path):
    path = tmp_path / f"{mode}.png"
    Image.new(mode, (64, 64)).save(path)
    with pytest.raises(ValueError, match=f"{path.name}.*{NOT_RGB[mode]}"):
        load_image(path)


def test_load_image_refuses_a_picture_of_one_pixel(tmp_path):
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    with pytest.raises(ValueError, match="1 x 1 pixels; expected at least 16"):
        load_image(tmp_path / "dot.png")


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_load_image_refuses_a_truncated_file(kind, tmp_path):
    whole = encoded(picture(200, 200), kind)
    (tmp_path / "cut").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="damaged"):
        load_image(tmp_path / "cut")


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"\x00" * 100])
def test_load_image_refuses_a_file_that_is_no_picture(content, tmp_path):
    (tmp_path / "page.jpg").write_bytes(content)
    with pytest.raises(ValueError, match=r"page\.jpg is not a picture"):
        load_image(tmp_path / "page.jpg")


def test_load_image_says_where_it_looked_for_a_missing_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"no file cat\.jpg \(looked in"):
        load_image("cat.jpg")


def test_load_image_gives_the_pixels_upright_and_resized(tmp_path):
    image = picture(40, 30)
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned by 90 degrees
    image.save(tmp_path / "turned.png", exif=exif)
    assert load_image(tmp_path / "turned.png").shape == (40, 30, 3)
    image.save(tmp_path / "plain.png")
    assert np.array_equal(load_image(tmp_path / "plain.png"), np.asarray(image))
    assert load_image(tmp_path / "plain.png", size=60).shape == (60, 80, 3)


def test_image_from_url_reads_a_picture(serve):
    image = picture()
    address = serve(lambda request: answer(request, encoded(image)))
    assert np.array_equal(image_from_url(address), np.asarray(image))


@pytest.mark.parametrize("url", ["ftp://example.org/cat.jpg", "file:///etc/hostname", "cat.jpg", "", None])
def test_image_from_url_refuses_what_is_not_http(url):
    with pytest.raises(ValueError, match="begins with http"):
        image_from_url(url)


def test_image_from_url_says_when_nobody_answers():
    with pytest.raises(ValueError, match="could not be read"):
        image_from_url("http://127.0.0.1:9/cat.jpg")


def test_image_from_url_gives_up_on_a_server_that_hangs(serve, monkeypatch):
    monkeypatch.setattr(image_utils, "URL_TIMEOUT", 0.2)

    with pytest.raises(ValueError, match="timed out"):
        image_from_url(serve(hang))


def test_image_from_url_gives_up_on_a_server_that_drips(serve, monkeypatch):
    monkeypatch.setattr(image_utils, "URL_TIMEOUT", 0.2)
    with pytest.raises(ValueError, match="too slowly"):
        image_from_url(serve(drip))


def test_image_from_url_refuses_an_error_page_a_page_and_a_cut_picture(serve):
    whole = encoded(picture(200, 200))
    with pytest.raises(ValueError, match="404"):
        image_from_url(serve(lambda request: answer(request, b"gone", status=404)))
    with pytest.raises(ValueError, match="is not a picture"):
        image_from_url(serve(lambda request: answer(request, b"<html>hello</html>")))
    with pytest.raises(ValueError, match="damaged"):
        image_from_url(serve(lambda request: answer(request, whole[:5000], length=len(whole))))


def test_image_from_url_refuses_what_is_larger_than_the_limit(serve, monkeypatch):
    monkeypatch.setattr(image_utils, "URL_MAX_BYTES", 2**20)
    with pytest.raises(ValueError, match="larger than 1 MiB"):
        image_from_url(serve(lambda request: answer(request, bytes(2**20 + 1))))
