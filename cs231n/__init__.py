"""Network Visualization: saliency maps, fooling images and class visualization on a pretrained SqueezeNet.

Import it before torch: two of the settings below are read when torch starts.
"""

import ctypes
import os
import sys

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
