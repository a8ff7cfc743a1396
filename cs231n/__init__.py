"""Network Visualization: saliency maps, fooling images and class visualization on a pretrained SqueezeNet."""

import os

# PyTorch's threads (GNU OpenMP, on Linux) spin while they wait for each other. Where something else keeps a core busy,
# a second notebook for example, that made everything 16 times slower; with this limit 3 times, and alone it costs nothing.
# It is read when torch is imported, so import this package first.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")

# What PyTorch has not written for Apple's GPUs yet (the gradient of grid_sample, of late) then runs on the CPU.
os.environ.setdefault("PYTORCH_ENABLE_MPS_FALLBACK", "1")
