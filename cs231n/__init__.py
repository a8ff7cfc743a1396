"""Network Visualization: saliency maps, fooling images and class visualization on a pretrained SqueezeNet.

Import it before torch: two of the settings below are read when torch starts.
"""

import ctypes
import os
import sys

from .one_line import OneLine

_FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # of the kit, in which the notebook is
# What the kit imports, apart from Python's own modules; and those of Python's own that nothing imports.
_PACKAGES = {"torch", "torchvision", "numpy", "matplotlib", "PIL", "imageio", "h5py", "tqdm", "IPython", "nbformat", "nbconvert"}
_PACKAGES |= {"pygments", "jinja2", "latex2mathml", "tomli", "jupyter", "ipykernel"}
_HARMLESS = {"test", "this", "antigravity", "turtle", "turtledemo", "idlelib", "lib2to3"}


class Shadowed(OneLine, ImportError):
    """A file beside the notebook hides a module of the same name; its message names the file."""


def require_unshadowed(folder: str) -> None:
    """Raise Shadowed if a file in a folder hides a module that the kit needs.

    Python looks beside the notebook first; what then fails is far from the cause.

    Parameters
    ----------
    folder : str
        Where the notebook is.

    Raises
    ------
    Shadowed
        The message names the files.
    """
    hidden = (set(sys.stdlib_module_names) | _PACKAGES) - _HARMLESS
    try:
        entries = sorted(os.listdir(folder))
    except OSError:  # in the sandbox, for one: who may not look there has put nothing there
        return
    files = [name for name in entries if name.endswith(".py") and name[:-3] in hidden]
    files += [f"{name}/" for name in entries if name in hidden and os.path.isfile(os.path.join(folder, name, "__init__.py"))]
    if files:
        raise Shadowed(
            f"{', '.join(files)} in {folder} hides Python's own or an installed module of the same name. Give it another name, "
            "then restart the kernel and run this cell again."
        )


require_unshadowed(_FOLDER)

# PyTorch's threads (GNU OpenMP, on Linux) spin while they wait for each other. Where something else keeps a core busy,
# a second notebook for example, that made everything 16 times slower; with this limit 3 times, and alone it costs nothing.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")

# What PyTorch has not written for Apple's GPUs yet (the gradient of grid_sample, of late) then runs on the CPU.
os.environ.setdefault("PYTORCH_ENABLE_MPS_FALLBACK", "1")

# GNU's malloc gives freed memory back to Linux, and gets it back at the next iteration, page by page: that took a tenth to
# a sixth of the time of a batch of 8 images. With this the process keeps about 512 MiB of what it freed. (Numbers from malloc.h.)
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
is_set = any(name.startswith("MALLOC_") for name in os.environ)  # by the user, who then knows better
if sys.platform == "linux" and not is_set and hasattr(ctypes.CDLL(None), "mallopt"):
    ctypes.CDLL(None).mallopt(M_TRIM_THRESHOLD, 512 * 2**20)
    ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, 32 * 2**20)  # the most that it takes
