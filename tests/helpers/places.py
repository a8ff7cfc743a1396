"""Where the kit is, and the course's own data."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# The course's 25 ImageNet-val images are never committed; CI has them beside the checkout.
IMAGENET_VAL = Path(os.environ.get("IMAGENET_VAL_25", ROOT.parent / "shared" / "data" / "imagenet_val_25.npz"))
