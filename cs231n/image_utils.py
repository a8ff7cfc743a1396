"""Pixels: from pictures to the network's input and back, jitter, blur, and loading pictures safely."""

import http.client
import io
import numbers
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import numpy as np
import torch
import torchvision.transforms.functional as F
from PIL import Image, ImageOps, UnidentifiedImageError

from .networks import SIZE

# Mean and standard deviation of ImageNet's pixels in [0, 1], by channel (R, G, B).
SQUEEZENET_MEAN = torch.tensor([0.485, 0.456, 0.406])
SQUEEZENET_STD = torch.tensor([0.229, 0.224, 0.225])

MIN_SIDE = 16  # pixels; below this a picture has nothing left to show once it is enlarged to 224
URL_TIMEOUT = 10  # seconds to connect, and between two pieces of an answer
URL_MAX_BYTES = 20 * 2**20


def require_rgb(image: Image.Image | np.ndarray, source: str = "this picture") -> Image.Image:
    """Return a picture if the network can see it.

    Parameters
    ----------
    image : PIL.Image.Image or uint8 array of shape (H, W, 3)
        The picture.
    source : str
        What a message calls it.

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
                f"{source} is an array of shape {image.shape} and dtype {image.dtype}; expected uint8 of shape (H, W, 3)."
            )
        image = Image.fromarray(image)
    if not isinstance(image, Image.Image):
        raise ValueError(
            f"{source} is a {type(image).__name__}; expected a PIL image or a uint8 array (H, W, 3). "
            "A file is opened by load_image(path), an address by image_from_url(url)."
        )
    if image.mode != "RGB":
        kind = {"1": "black and white", "L": "grayscale", "P": "palette", "LA": "grayscale with transparency"}
        kind |= {"RGBA": "RGB with transparency", "CMYK": "CMYK"}
        raise ValueError(
            f"{source} has mode {image.mode} ({kind.get(image.mode, 'not three colours of 8 bits')}); expected RGB. "
            'Convert it first, and look at the result: Image.open(path).convert("RGB").'
        )
    if min(image.size) < MIN_SIDE:
        raise ValueError(f"{source} is {image.width} x {image.height} pixels; expected at least {MIN_SIDE} on each side.")
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
    mirrored = X.detach()
    for side in (2, 3):  # by hand: torchvision's symmetric padding makes a GPU wait for the CPU
        first, last = mirrored.narrow(side, 0, radius), mirrored.narrow(side, -radius, radius)
        mirrored = torch.cat([first.flip(side), mirrored, last.flip(side)], dim=side)
    blurred = F.gaussian_blur(mirrored, 2 * radius + 1, sigma)
    X.data.copy_(blurred[..., radius:-radius, radius:-radius])
    return X


def load_image(filename: str | os.PathLike[str], size: int | None = None) -> np.ndarray:
    """Read a picture from a file.

    Parameters
    ----------
    filename : str or os.PathLike
        A JPEG, PNG or another picture that Pillow reads.
    size : int or None
        The length in pixels that the shorter side is resized to; None leaves it.

    Returns
    -------
    uint8 array of shape (H, W, 3)
        Turned upright, as the camera noted it.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        For a file that is not a whole RGB picture.
    """
    path = Path(filename)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path} (looked in {Path.cwd()}).")
    _checked_size(size)
    return _pixels(path.read_bytes(), str(path), size)


def image_from_url(url: str, size: int | None = None) -> np.ndarray:
    """Read a picture from the web.

    Parameters
    ----------
    url : str
        An http or https address of at most URL_MAX_BYTES.
    size : int or None
        The length in pixels that the shorter side is resized to; None leaves it.

    Returns
    -------
    uint8 array of shape (H, W, 3)
        Turned upright, as the camera noted it.

    Raises
    ------
    ValueError
        For another scheme, no answer within URL_TIMEOUT seconds (three times that for the whole picture), and an answer that is
        too large or is not a whole RGB picture.
    """
    if urllib.parse.urlsplit(str(url)).scheme not in ("http", "https"):
        raise ValueError(f"image_from_url got {url!r}; expected an address that begins with http:// or https://.")
    _checked_size(size)
    request = urllib.request.Request(url, headers={"User-Agent": "cs231n-network-visualization"})
    try:
        with urllib.request.urlopen(request, timeout=URL_TIMEOUT) as answer:
            content = _read_at_most(answer, URL_MAX_BYTES + 1, time.monotonic() + 3 * URL_TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        raise ValueError(f"{url} answered {error.code} {error.reason}; expected a picture.") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise ValueError(f"{url} could not be read: {reason}. Open it in a browser: does it show a picture?") from None
    if len(content) > URL_MAX_BYTES:
        raise ValueError(f"{url} is larger than {URL_MAX_BYTES / 2**20:g} MiB; expected a smaller picture.")
    return _pixels(content, url, size)


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


def _pixels(content: bytes, source: str, size: int | None) -> np.ndarray:
    try:
        image: Image.Image = Image.open(io.BytesIO(content))
        image.load()
    except UnidentifiedImageError:
        raise ValueError(f"{source} is not a picture; it begins with {content[:16]!r}.") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f"{source} is a damaged picture ({error}). Fetch or save it again.") from None
    image = ImageOps.exif_transpose(require_rgb(image, source))
    return np.asarray(F.resize(image, _checked_size(size)) if size else image).copy()
