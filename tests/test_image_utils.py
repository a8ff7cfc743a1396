import http.server
import io
import re
import socket
import ssl
import struct
import subprocess
import threading
import warnings
import zlib
from pathlib import Path

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


@given(st.floats(0.2, 5), st.integers(21, 40), st.integers(21, 40))  # filters that are narrow, and wide ones
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
    assert "load_image(path)" in str(error.value)


# What people have


def told(capsys):
    """Return what was printed, whatever line it is on."""
    return " ".join(capsys.readouterr().out.split())


def test_load_image_leaves_an_rgb_picture_as_it_is_and_prints_nothing(tmp_path, capsys):
    image = picture()
    image.save(tmp_path / "plain.png")
    assert np.array_equal(load_image(tmp_path / "plain.png"), np.asarray(image))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("mode", "kind", "note"), [("L", "PNG", "grayscale"), ("1", "PNG", "black and white")])
def test_a_picture_without_colours_is_converted_with_a_note(mode, kind, note, tmp_path, capsys):
    grey = picture().convert(mode)
    grey.save(tmp_path / "old.png", kind)
    expected = np.asarray(grey.convert("L"))
    assert np.array_equal(load_image(tmp_path / "old.png"), np.stack([expected] * 3, axis=2))
    assert told(capsys) == f"{tmp_path / 'old.png'}: {note}, converted to RGB."


def test_a_palette_is_converted_with_a_note(tmp_path, capsys):
    image = picture().quantize(16)
    image.save(tmp_path / "few colours.gif")
    assert np.array_equal(load_image(tmp_path / "few colours.gif"), np.asarray(image.convert("RGB")))
    assert "palette, converted to RGB" in told(capsys)


def test_cmyk_is_converted_with_a_note(tmp_path, capsys):
    Image.new("CMYK", (32, 32), (0, 255, 255, 0)).save(tmp_path / "print.tif")  # no cyan: red
    assert load_image(tmp_path / "print.tif")[5, 5].tolist() == [255, 0, 0]
    assert "CMYK, converted to RGB" in told(capsys)


def half_transparent(mode):
    """A picture whose left half is black and whose right half is transparent, with black below."""
    rgba = Image.new("RGBA", (32, 32), (0, 0, 0, 255))
    rgba.paste((0, 0, 0, 0), (16, 0, 32, 32))
    if mode == "P":
        palette = Image.new("P", (32, 32), 0)
        palette.putpalette([0, 0, 0, 0, 0, 0])
        palette.paste(1, (16, 0, 32, 32))
        palette.info["transparency"] = 1
        return palette
    return rgba.convert(mode)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_is_laid_on_white_with_a_note(mode, tmp_path, capsys):
    half_transparent(mode).save(tmp_path / "logo.png")
    pixels = load_image(tmp_path / "logo.png")
    assert pixels[:, :16].max() == 0
    assert pixels[:, 16:].min() == 255
    assert "transparent in places; laid on white" in told(capsys)


def test_half_of_an_alpha_shows_half_of_the_white(tmp_path):
    Image.new("RGBA", (32, 32), (200, 0, 0, 128)).save(tmp_path / "veil.png")
    assert np.abs(load_image(tmp_path / "veil.png")[0, 0].astype(int) - [227, 127, 127]).max() <= 1


def test_an_alpha_without_anything_transparent_changes_nothing_and_needs_no_note(tmp_path, capsys):
    image = picture()
    image.convert("RGBA").save(tmp_path / "screenshot.png")
    assert np.array_equal(load_image(tmp_path / "screenshot.png"), np.asarray(image))
    assert capsys.readouterr().out == ""


def test_16_bits_are_scaled_and_not_cut_off(tmp_path, capsys):
    values = np.linspace(0, 65535, 32 * 32).astype(np.uint16).reshape(32, 32)
    Image.fromarray(values).save(tmp_path / "microscope.png")
    pixels = load_image(tmp_path / "microscope.png")
    assert np.array_equal(pixels[..., 0], (values / 257).round())
    assert "16-bit grayscale" in told(capsys)


def test_fractions_are_stretched_from_the_darkest_to_the_brightest_with_a_note(tmp_path, capsys):
    values = np.linspace(-1, 3, 32 * 32, dtype=np.float32).reshape(32, 32)
    Image.fromarray(values).save(tmp_path / "measured.tif")
    pixels = load_image(tmp_path / "measured.tif")
    assert (pixels[0, 0, 0], pixels[-1, -1, 2]) == (0, 255)
    assert "stretched" in told(capsys)
    values[0, 0] = np.nan
    Image.fromarray(values).save(tmp_path / "measured.tif")
    with pytest.raises(ValueError, match="NaN"):
        load_image(tmp_path / "measured.tif")


def test_of_an_animation_the_first_image_is_taken_with_a_note(tmp_path, capsys):
    first, second = (Image.new("RGB", (32, 32), colour) for colour in ("red", "blue"))
    first.save(tmp_path / "film.gif", save_all=True, append_images=[second])
    assert load_image(tmp_path / "film.gif")[0, 0].tolist() == pytest.approx([255, 0, 0], abs=2)
    assert "the first of its 2 images" in told(capsys)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_upright_whatever_the_camera_noted(orientation, tmp_path):
    upright = Image.new("RGB", (48, 32), "black")
    upright.paste("white", (0, 0, 24, 16))  # the upper left corner
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Transpose: the inverse of what a viewer does for this orientation
    stored = upright if orientation == 1 else upright.transpose(Image.Transpose(back[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "phone.png", exif=exif)
    assert np.array_equal(load_image(tmp_path / "phone.png"), np.asarray(upright))


def test_square_crops_the_middle_so_that_pictures_of_different_shape_stack(tmp_path):
    wide, tall = picture(90, 40), picture(40, 70)
    for name, image in (("wide", wide), ("tall", tall)):
        image.save(tmp_path / f"{name}.png")
    assert np.array_equal(load_image(tmp_path / "wide.png", square=True), np.asarray(wide)[:, 25:65])
    both = np.stack([load_image(tmp_path / f"{name}.png", size=24, square=True) for name in ("wide", "tall")])
    assert both.shape == (2, 24, 24, 3)


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    picture().save(tmp_path / "dog.png")
    assert load_image("~/dog.png").shape == (48, 64, 3)
    with pytest.raises(FileNotFoundError, match="There is no file ~nobody-of-this-name/dog"):
        load_image("~nobody-of-this-name/dog.png")


def test_a_picture_of_absurd_size_is_named_as_such_before_it_is_decoded(tmp_path):
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))))
    with pytest.raises(ValueError, match=r"bomb\.png is too large: more than [\d,]+ pixels .*Save a smaller copy"):
        load_image(tmp_path / "bomb.png")


def test_a_picture_a_little_too_large_is_refused_and_one_just_below_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 32 * 32)
    Image.new("RGB", (32, 33)).save(tmp_path / "large.png")
    Image.new("RGB", (32, 32)).save(tmp_path / "fits.png")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as a student's Python has it, at most once for each place
        with pytest.raises(ValueError, match="more than 1,024 pixels"):
            load_image(tmp_path / "large.png")
    assert load_image(tmp_path / "fits.png").shape == (32, 32, 3)


WHAT_IT_IS = {
    "a HEIC picture": b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(100),
    "a web page, not a picture": b"<!DOCTYPE html><html>not found</html>",
    "a drawing (SVG)": b'<?xml version="1.0"?><svg/>',
    "a PDF, not a picture": b"%PDF-1.7 ",
    "not a picture that Pillow can read; it begins with": b"\x00" * 100,
}


@pytest.mark.parametrize("what", WHAT_IT_IS)
def test_a_file_that_is_something_else_is_named_as_what_it_is(what, tmp_path):
    (tmp_path / "IMG_0001.jpg").write_bytes(WHAT_IT_IS[what])
    with pytest.raises(ValueError, match=rf"IMG_0001\.jpg is {re.escape(what)}"):
        load_image(tmp_path / "IMG_0001.jpg")


def test_a_folder_a_name_that_is_far_too_long_and_a_file_that_may_not_be_read_are_said_in_words(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="is a folder; expected a picture in it"):
        load_image(tmp_path)
    with pytest.raises((ValueError, FileNotFoundError), match=r"x' cannot be read|There is no file"):  # a Python's own choice
        load_image("x" * 5000)
    with pytest.raises(ValueError, match=r"^Got 'data:image/png.{60,70}; expected an address that begins with http"):
        load_image("data:image/png;base64," + "iVBORw0KGgo" * 100)
    picture().save(tmp_path / "private.png")
    monkeypatch.setattr(Path, "open", lambda *_: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
    with pytest.raises(ValueError, match=r"private\.png cannot be read: Permission denied"):
        load_image(tmp_path / "private.png")


def test_what_a_person_typed_wrongly_costs_one_line_in_a_notebook(tmp_path):
    for wrong, kind in ((tmp_path, ValueError), (tmp_path / "cat.jpg", FileNotFoundError)):
        with pytest.raises(kind) as error:
            load_image(wrong)
        assert error.value._render_traceback_() == [f"{type(error.value).__name__}: {error.value}"]


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


def test_load_image_refuses_an_empty_file(tmp_path):
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(ValueError, match=r"empty\.jpg is an empty file"):
        load_image(tmp_path / "empty.jpg")


def test_load_image_says_where_it_looked_for_a_missing_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"no file cat\.jpg \(looked in"):
        load_image("cat.jpg")
    with pytest.raises(FileNotFoundError, match=r"no file .*cat\.jpg\.$"):
        load_image(tmp_path / "cat.jpg")  # nobody looked anywhere else


def test_load_image_resizes_the_shorter_side(tmp_path):
    picture(40, 30).save(tmp_path / "plain.png")
    assert load_image(tmp_path / "plain.png", size=60).shape == (60, 80, 3)


# From the web


def test_image_from_url_reads_a_picture(serve):
    image = picture()
    address = serve(lambda request: answer(request, encoded(image)))
    assert np.array_equal(image_from_url(address), np.asarray(image))
    assert np.array_equal(load_image(f" {address}/cat.png "), np.asarray(image))
    assert image_from_url(address, size=24, square=True).shape == (24, 24, 3)


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("/für dich.png?größe=2 x", "/f%C3%BCr%20dich.png?gr%C3%B6%C3%9Fe=2%20x"),
        ("/f%C3%BCr%20dich.png?a=b%26c", "/f%C3%BCr%20dich.png?a=b%26c"),
        ("/a.png?x=1&y=2#part", "/a.png?x=1&y=2"),
    ],
)
def test_letters_and_spaces_in_an_address_are_quoted_once(typed, asked, serve):
    paths = []
    address = serve(lambda request: (paths.append(request.path), answer(request, encoded(picture()))))
    image_from_url(address + typed)
    assert paths == [asked]


def test_a_host_with_an_umlaut_is_asked_for_by_its_name_in_ascii(monkeypatch):
    asked = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *_, **__: asked.append(host) or [])
    with pytest.raises(ValueError, match=r"^http://bücher\.example/katze\.jpg could not be read"):
        image_from_url("http://bücher.example/katze.jpg")
    assert asked == ["xn--bcher-kva.example"]


def test_a_certificate_that_cannot_be_verified_is_named(tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None
    threading.Thread(target=server.handle_request, daemon=True).start()
    with pytest.raises(ValueError, match=r"certificate could not be verified .* Save the picture with your browser"):
        image_from_url(f"https://127.0.0.1:{server.server_port}/cat.jpg")
    server.server_close()


@pytest.mark.parametrize(
    "url", ["ftp://example.org/cat.jpg", "file:///etc/hostname", "cat.jpg", "data:image/png;base64,iVBO", "", None]
)
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
    with pytest.raises(ValueError, match="is a web page, not a picture"):
        image_from_url(serve(lambda request: answer(request, b"<html>hello</html>")))
    with pytest.raises(ValueError, match="damaged"):
        image_from_url(serve(lambda request: answer(request, whole[:5000], length=len(whole))))


def test_image_from_url_refuses_what_is_larger_than_the_limit(serve, monkeypatch):
    monkeypatch.setattr(image_utils, "URL_MAX_BYTES", 2**20)
    with pytest.raises(ValueError, match="larger than 1 MiB"):
        image_from_url(serve(lambda request: answer(request, bytes(2**20 + 1))))


@pytest.mark.parametrize("address", ["http://ada:s3cret@localhost/a.png", " https://s3cret@localhost"])
def test_an_address_with_a_password_is_refused_without_repeating_it(address):
    with pytest.raises(ValueError, match="a user name or a password") as refused:
        load_image(address)
    assert "s3cret" not in str(refused.value)


def test_an_at_sign_behind_the_host_is_not_a_password():
    with pytest.raises(ValueError, match=r"^http://localhost:1/a@b\.png could not be read"):
        load_image("http://localhost:1/a@b.png")
