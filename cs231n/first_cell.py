"""What the notebook's first cell does once the kit is there: packages on Colab, data, versions, device."""

import importlib
import importlib.util
import platform
import subprocess
import sys
from typing import TYPE_CHECKING

from . import download
from .front_end import on_colab

if TYPE_CHECKING:
    import torch

# What Colab may lack; never torch, since Colab's own fits its GPU.
ON_COLAB = ("h5py", "imageio", "jinja2", "latex2mathml", "matplotlib", "tqdm")


def prepare() -> "torch.device":
    """Fetch what is missing, and print what there is.

    Returns
    -------
    torch.device
        The one to compute on.

    Raises
    ------
    RuntimeError
        If the data is not complete; the reason has been printed then.
    """
    missing = [name for name in ON_COLAB if importlib.util.find_spec(name) is None] if on_colab() else []
    if missing:
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *missing], check=True)
        importlib.invalidate_caches()
    if download.main([]) != 0:
        raise RuntimeError("The data is not complete: see the message above.")

    import torch  # here and not above: the table of the data is shown before these seconds
    import torchvision

    from .squeezenet import best_device

    device = best_device()
    versions = {"Python": platform.python_version(), "torch": torch.__version__, "torchvision": torchvision.__version__}
    print(*(f"{name} {version}," for name, version in versions.items()), f"device: {device}")
    return device
