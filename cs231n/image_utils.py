"""Pixels: from pictures to the network's input and back, jitter, blur, and loading pictures safely."""

import http.client
import io
import numbers
import os
import ssl
import struct
import time
import urllib.error
import urllib.parse
import urllib.request
import warnings
from pathlib import Path
from typing import IO

import numpy as np
import torch
import torchvision.transforms.functional as F
from PIL import Image, ImageOps, UnidentifiedImageError

from .console import tell
from .networks import SIZE
from .one_line import OneLine

# Mean and standard deviation of ImageNet's pixels in [0, 1], by channel (R, G, B).
SQUEEZENET_MEAN = torch.tensor([0.485, 0.456, 0.406])
SQUEEZENET_STD = torch.tensor([0.229, 0.224, 0.225])

MODES = {
    "1": "black and white",
    "L": "grayscale",
    "P": "palette",
    "LA": "grayscale with transparency",
    "RGBA": "RGB with transparency",
    "CMYK": "CMYK",
}
HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
WIDE_RADIUS = 10  # pixels of a Gaussian filter on each side
MIN_SIDE = 16  # pixels; below this a picture has nothing left to show once it is enlarged to 224
URL_TIMEOUT = 10  # seconds to connect, and between two pieces of an answer
URL_MAX_BYTES = 20 * 2**20


def require_rgb(image: Image.Image | np.ndarray) -> Image.Image:
    """Return a picture if the network can see it.

    Parameters
    ----------
    image : PIL.Image.Image or uint8 array of shape (H, W, 3)
        The picture.

    Returns
    -------
    PIL.Image.Image
        Of mode RGB, at least MIN_SIDE pixels a side.

    Raises
    ------
    ValueError
        For anything else; the message says why, and what to do.
    """
    if isinstance(image, np.ndarray):
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ValueError(
                f"This picture is an array of shape {image.shape} and dtype {image.dtype}; expected uint8 of shape (H, W, 3)."
            )
        image = Image.fromarray(image)
    if not isinstance(image, Image.Image):
        raise ValueError(
            f"This picture is a {type(image).__name__}; expected a PIL image or a uint8 array (H, W, 3). "
            "load_image opens a file or an address."
        )
    if image.mode != "RGB":
        raise ValueError(
            f"This picture has mode {image.mode} ({MODES.get(image.mode, 'not three colours of 8 bits')}); expected RGB. "
            'load_image(path) converts it, or Image.open(path).convert("RGB"): look at the result.'
        )
    if min(image.size) < MIN_SIDE:
        raise ValueError(f"This picture is {image.width} x {image.height} pixels; expected at least {MIN_SIDE} on each side.")
    return image


def preprocess(img: Image.Image | np.ndarray, size: int | None = SIZE) -> torch.Tensor:
    """Turn a picture into the network's input.

    Parameters
    ----------
    img : PIL.Image.Image of mode RGB or uint8 array of shape (H, W, 3)
        The picture.
    size : int or None
        The length in pixels that the shorter side is resized to; None leaves it.

    Returns
    -------
    float tensor of shape (1, 3, H', W')
        Scaled to [0, 1], then normalised channel by channel to ImageNet's mean and standard deviation.

    Raises
    ------
    ValueError
        For any other picture or size.
    """
    img, size = require_rgb(img), _checked_size(size)
    resized = img if size is None else F.resize(img, size)
    return F.normalize(F.to_tensor(resized), SQUEEZENET_MEAN, SQUEEZENET_STD)[None]


def deprocess(img: torch.Tensor, should_rescale: bool = True) -> Image.Image:
    """Turn a network's input back into a picture: the inverse of `preprocess`.

    Parameters
    ----------
    img : float tensor of shape (1, 3, H, W)
        One image, on any device.
    should_rescale : bool
        Whether to stretch the values so that the darkest becomes 0 and the brightest 1; else they are clipped to [0, 1].

    Returns
    -------
    PIL.Image.Image
        Of mode RGB.

    Raises
    ------
    ValueError
        For another shape or dtype, NaN or infinite values.
    """
    is_tensor = isinstance(img, torch.Tensor)
    if not is_tensor or not img.is_floating_point() or img.ndim != 4 or img.shape[:2] != (1, 3) or not img.numel():
        came = f"{img.dtype} of shape {tuple(img.shape)}" if is_tensor else type(img).__name__
        raise ValueError(f"deprocess got {came}; expected one image, a float tensor of shape (1, 3, H, W).")
    pixels = unnormalised(img.detach().cpu())[0]
    if not pixels.isfinite().all():
        raise ValueError("deprocess got an image with NaN or infinite values; there is no picture to show.")
    if should_rescale:
        pixels = rescale(pixels)
    return F.to_pil_image(eight_bits(pixels))


def unnormalised(X: torch.Tensor) -> torch.Tensor:
    """Undo the normalisation of `preprocess`.

    Parameters
    ----------
    X : float tensor of shape (N, 3, H, W)
        Images as the network gets them.

    Returns
    -------
    float tensor of shape (N, 3, H, W)
        Pixels, on X's device: [0, 1] is what a picture can hold.
    """
    std, mean = (v[:, None, None].to(X.device) for v in (SQUEEZENET_STD, SQUEEZENET_MEAN))
    return X.float() * std + mean


def eight_bits(pixels: torch.Tensor) -> torch.Tensor:
    """Round pixels to eight bits.

    Parameters
    ----------
    pixels : float tensor
        Of any shape, in [0, 1]; values outside are clipped.

    Returns
    -------
    uint8 tensor
        Of the same shape and on the same device, in 0..255.
    """
    return (255 * pixels.clamp(0, 1)).round().to(torch.uint8)


def rescale(x: torch.Tensor) -> torch.Tensor:
    """Stretch the values of a tensor to [0, 1].

    Parameters
    ----------
    x : float tensor
        Of any shape.

    Returns
    -------
    float tensor
        Of the same shape; all 0 if `x` is constant up to rounding.
    """
    low, high = x.aminmax()
    return (x - low) / (high - low).clamp_min(1e-4)


def stretched(image: Image.Image) -> Image.Image:
    """Stretch the contrast of an image.

    Parameters
    ----------
    image : PIL.Image.Image
        Of mode RGB or L.

    Returns
    -------
    PIL.Image.Image
        A new one; the darkest and the brightest 0.5 % of its pixels are cut off.
    """
    return ImageOps.autocontrast(image, cutoff=0.5)


def jitter(X: torch.Tensor, ox: int, oy: int) -> torch.Tensor:
    """Shift images by whole pixels; what leaves on one side comes back on the other.

    `jitter(jitter(X, ox, oy), -ox, -oy)` equals X.

    Parameters
    ----------
    X : tensor of shape (N, 3, H, W)
        Images.
    ox : int
        Pixels to the right.
    oy : int
        Pixels down.

    Returns
    -------
    tensor of shape (N, 3, H, W)
        A new one.
    """
    return X.roll((oy, ox), dims=(2, 3))


def blur_image(X: torch.Tensor, sigma: float = 1.0) -> torch.Tensor:
    """Blur images in place with a Gaussian filter, on the device they are on.

    Equal to `scipy.ndimage.gaussian_filter(X, (0, 0, sigma, sigma))` with its defaults: cut off at 4 sigma, the image mirrored at
    its edges.

    Parameters
    ----------
    X : float tensor of shape (N, 3, H, W)
        Images, at least 4 sigma a side.
    sigma : float
        The standard deviation in pixels, in [0, inf).

    Returns
    -------
    float tensor of shape (N, 3, H, W)
        X itself.

    Raises
    ------
    ValueError
        For a sigma outside [0, inf), images smaller than 4 sigma, and integers.
    """
    if not 0 <= sigma < float("inf"):
        raise ValueError(f"blur_image got sigma = {sigma}; expected 0 or more pixels.")
    if not X.is_floating_point():
        raise ValueError(f"blur_image got images of dtype {X.dtype}; expected float.")
    radius = int(4 * sigma + 0.5)
    if radius == 0:
        return X
    if radius > min(X.shape[-2:]):
        raise ValueError(f"blur_image got sigma = {sigma} for images of {X.shape[-2]} x {X.shape[-1]} pixels: too wide.")
    if radius < WIDE_RADIUS:
        mirrored = X.detach()
        for side in (2, 3):  # by hand: torchvision's symmetric padding makes a GPU wait for the CPU
            first, last = mirrored.narrow(side, 0, radius), mirrored.narrow(side, -radius, radius)
            mirrored = torch.cat([first.flip(side), mirrored, last.flip(side)], dim=side)
        blurred = F.gaussian_blur(mirrored, [2 * radius + 1] * 2, sigma)[..., radius:-radius, radius:-radius]
    else:  # the same, and for a wide filter a tenth of the work: all rows, and all columns, in one product of matrices
        weights = (_gaussian_weights(side, radius, sigma).to(X.dtype) for side in X.shape[-2:])
        down, across = (one.to(X.device, non_blocking=True) for one in weights)
        blurred = down @ X.detach() @ across.T
    X.data.copy_(blurred)
    return X


def _gaussian_weights(side: int, radius: int, sigma: float) -> torch.Tensor:
    """Return the matrix (side, side) that blurs the columns of an image, mirrored at its edges, from the left."""
    steps = torch.arange(-radius, radius + 1)
    weights = torch.exp(-0.5 * (steps.double() / sigma).square())
    places = torch.arange(side)[:, None] + steps
    places = torch.where(places < 0, -1 - places, places)
    places = torch.where(places >= side, 2 * side - 1 - places, places)
    blurring = torch.zeros(side, side, dtype=torch.double)
    return blurring.scatter_add_(1, places, (weights / weights.sum()).expand(side, -1))


class BadPicture(OneLine, ValueError):
    """A picture cannot be used; the message says why and what to do."""


class NoSuchPicture(OneLine, FileNotFoundError):
    """There is no such file; the message says where it was looked for."""


def load_image(filename: str | os.PathLike[str], size: int | None = None, *, square: bool = False) -> np.ndarray:
    """Read a picture from a file or from the web, and convert it to RGB of 8 bits; each change of its colours is printed.

    Parameters
    ----------
    filename : str or os.PathLike
        The path of a JPEG, PNG or another file that Pillow reads; a leading `~` is the home folder. Or an address that begins
        with http:// or https://: see `image_from_url`.
    size : int or None
        The length in pixels that the shorter side is resized to; None leaves it.
    square : bool
        Whether to crop the picture to the square in its middle, so that pictures of different shapes can be stacked.

    Returns
    -------
    uint8 array of shape (H, W, 3)
        Turned upright, as the camera noted it. What is transparent is laid on white.

    Raises
    ------
    NoSuchPicture
        If there is no such file; a FileNotFoundError.
    BadPicture
        If it is not an intact picture, has fewer than MIN_SIDE pixels on a side or more than Pillow trusts
        (PIL.Image.MAX_IMAGE_PIXELS); a ValueError.
    ValueError
        For a size that is not a length.
    """
    if _scheme(filename):
        return image_from_url(str(filename), size, square=square)
    _checked_size(size)
    path = _path(filename)
    try:
        with path.open("rb") as file:
            return _pixels(file, str(path), size, square)
    except OSError as error:
        raise BadPicture(f"{path} cannot be read: {error.strerror or error}.") from None


def image_from_url(url: str, size: int | None = None, *, square: bool = False) -> np.ndarray:
    """Read a picture from the web, and convert it to RGB of 8 bits; each change of its colours is printed.

    Parameters
    ----------
    url : str
        An http or https address of at most URL_MAX_BYTES, as a browser shows it: with letters such as `ü`, and with spaces.
    size : int or None
        The length in pixels that the shorter side is resized to; None leaves it.
    square : bool
        Whether to crop the picture to the square in its middle, so that pictures of different shapes can be stacked.

    Returns
    -------
    uint8 array of shape (H, W, 3)
        Turned upright, as the camera noted it. What is transparent is laid on white.

    Raises
    ------
    BadPicture
        For another scheme, an address with a user name or a password, no answer within URL_TIMEOUT seconds (three times that
        for the whole picture), a certificate that
        cannot be verified, and an answer that is too large or not an intact picture; a ValueError.
    ValueError
        For a size that is not a length.
    """
    if _scheme(url) not in ("http", "https"):
        raise BadPicture(f"Got {str(url)[:80]!r}; expected an address that begins with http:// or https://.")
    if "@" in url.strip().partition("//")[2].partition("/")[0]:  # Python could not use it, and a message would hand it in
        raise BadPicture(
            "The address holds a user name or a password; expected one that anybody can open. Or download the picture."
        )
    _checked_size(size)
    try:
        request = urllib.request.Request(_quoted(url), headers={"User-Agent": "cs231n-network-visualization"})
        with urllib.request.urlopen(request, timeout=URL_TIMEOUT) as answer:
            content = _read_at_most(answer, URL_MAX_BYTES + 1, time.monotonic() + 3 * URL_TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        raise BadPicture(f"{url} answered {error.code} {error.reason}; expected a picture.") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise BadPicture(f"{url} could not be read: {_in_words(reason)}") from None
    if len(content) > URL_MAX_BYTES:
        raise BadPicture(f"{url} is larger than {URL_MAX_BYTES / 2**20:g} MiB; expected a smaller picture.")
    return _pixels(io.BytesIO(content), url, size, square)


def _scheme(source: object) -> str:
    """Return the scheme of an address, in lower case: "https", "data". A path has none; the drive of a Windows path is none."""
    scheme, separator, rest = str(source).strip().partition(":")
    return scheme.lower() if separator and (rest.startswith("//") or scheme.lower() == "data") else ""


def _path(filename: str | os.PathLike[str]) -> Path:
    """Return the path of a file that exists. Raises NoSuchPicture and BadPicture."""
    try:
        path = Path(filename).expanduser()
    except RuntimeError:  # ~somebody who has no account here
        path = Path(filename)
    try:
        is_folder, is_file = path.is_dir(), path.is_file()
    except OSError as error:  # a name that is too long, a folder that may not be looked into
        raise BadPicture(f"{str(path)[:80]!r} cannot be read: {error.strerror or error}.") from None
    if is_folder:
        raise BadPicture(f"{path} is a folder; expected a picture in it.")
    if not is_file:
        place = "" if path.is_absolute() else f" (looked in {Path.cwd()})"
        raise NoSuchPicture(f"There is no file {path}{place}.")
    return path


def _quoted(url: str) -> str:
    """Return an address in ASCII: its host by IDNA, the rest by percent signs; what is quoted already stays as it is."""
    parts = urllib.parse.urlsplit(url.strip())
    host = (parts.hostname or "").encode("idna").decode("ascii")
    host = f"[{host}]" if ":" in host else host
    port = f":{parts.port}" if parts.port else ""
    path, query = (urllib.parse.quote(part, safe="/%:@!$&'()*+,;=~?") for part in (parts.path, parts.query))
    return urllib.parse.urlunsplit((parts.scheme, f"{host}{port}", path, query, ""))


def _in_words(reason: object) -> str:
    """Return what to do about an address that could not be read."""
    if isinstance(reason, ssl.SSLCertVerificationError):
        return (
            f"its certificate could not be verified ({reason.verify_message}). Save the picture with your browser and give the "
            'file\'s name. (If this happens with every address on a Mac: run "Install Certificates.command" in the folder of '
            "Python, below Applications.)"
        )
    return f"{reason}. Open it in a browser: does it show a picture?"


def _checked_size(size: int | None) -> int | None:
    """Return `size` as an int if it can be the length of a side in pixels, or None; else raise ValueError."""
    if size is None:
        return None
    if not isinstance(size, numbers.Integral) or isinstance(size, bool) or size < 1:
        raise ValueError(f"size is {size!r}; expected a whole number of pixels, at least 1.")
    return int(size)


def _read_at_most(answer: http.client.HTTPResponse, limit: int, deadline: float) -> bytes:
    content = b""
    while len(content) < limit and (piece := answer.read1(2**16)):
        content += piece
        if time.monotonic() > deadline:
            raise TimeoutError("it answers too slowly")
    return content


def _pixels(file: IO[bytes], source: str, size: int | None, square: bool) -> np.ndarray:
    """Return the pixels of a picture, (H, W, 3) uint8: upright, in RGB, cropped and resized. Raises BadPicture."""
    beginning = file.read(64)
    file.seek(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            opened = Image.open(file)
        frames = 1 if opened.format == "MPO" else getattr(opened, "n_frames", 1)  # MPO: a phone's photograph and its previews
        image = ImageOps.exif_transpose(opened)
    except UnidentifiedImageError:
        raise BadPicture(f"{source} {_what_it_is(beginning)}") from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise BadPicture(
            f"{source} is too large: more than {Image.MAX_IMAGE_PIXELS or 0:,} pixels might fill the memory. "
            "Save a smaller copy, 1000 pixels wide for example; the network sees only 224 x 224."
        ) from None
    except (OSError, SyntaxError, ValueError, TypeError, struct.error, EOFError) as error:
        raise BadPicture(f"{source} is a damaged picture ({error}). Fetch or save it again.") from None
    if frames > 1:
        tell(f"{source}: the first of its {frames} images.")
    if min(image.size) < MIN_SIDE:
        raise BadPicture(f"{source} is {image.width} x {image.height} pixels; expected at least {MIN_SIDE} on each side.")
    image = _in_rgb(image, source)
    if square:
        image = F.center_crop(image, min(image.size))
    return np.asarray(F.resize(image, _checked_size(size)) if size else image).copy()


def _what_it_is(beginning: bytes) -> str:
    """Return what a file is that Pillow cannot read, from its first bytes, and what to do."""
    if beginning[4:8] == b"ftyp" and beginning[8:12] in HEIF_BRANDS:
        return (
            "is a HEIC picture, as iPhones take them, which Pillow cannot read. Save it as JPEG: on a Mac open it and choose "
            'File > Export; on the phone, Settings > Camera > Formats > "Most Compatible" makes the next ones JPEG.'
        )
    if beginning[4:12] == b"ftypavif":
        return "is an AVIF picture, which this version of Pillow cannot read. Save it as JPEG or PNG."
    text = beginning.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return 'is a web page, not a picture. In your browser, right-click the picture itself and choose "Copy image address".'
    if text.startswith((b"<svg", b"<?xml")):
        return "is a drawing (SVG), not pixels. Save it as PNG."
    if text.startswith(b"%pdf"):
        return "is a PDF, not a picture. Take a screenshot of the picture in it."
    if not beginning:
        return "is an empty file. Fetch or save it again."
    return f"is not a picture that Pillow can read; it begins with {beginning[:16]!r}."


def _in_rgb(image: Image.Image, source: str) -> Image.Image:
    """Return a picture in mode RGB, and print what was changed."""
    if image.mode.startswith(("I", "F")):
        image = _eight_bit_grey(image, source)
    elif image.has_transparency_data:
        rgba = image.convert("RGBA")
        if rgba.getchannel("A").getextrema() != (255, 255):
            tell(f"{source}: transparent in places; laid on white.")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    elif image.mode != "RGB":
        tell(f"{source}: {MODES.get(image.mode, f'mode {image.mode}')}, converted to RGB.")
    return image.convert("RGB")


def _eight_bit_grey(image: Image.Image, source: str) -> Image.Image:
    """Return a grayscale picture of more than 8 bits in mode L, and print what was changed.

    16 bits are divided by 257. What has more, or fractions, has no white of its own: its darkest becomes 0, its brightest 255.
    """
    values = np.asarray(image).astype(np.float64)
    if image.mode.startswith("I;16"):
        tell(f"{source}: 16-bit grayscale, converted to RGB of 8 bits.")
        low, high = 0.0, 65535.0
    else:
        tell(f"{source}: grayscale of 32 bits; stretched from darkest to brightest, converted to RGB of 8 bits.")
        low, high = values.min(), values.max()
    if not np.isfinite([low, high]).all():
        raise BadPicture(f"{source} holds NaN or infinite values; there is no picture to show.")
    return Image.fromarray((255 * (values - low) / max(high - low, 1e-12)).round().astype(np.uint8))
