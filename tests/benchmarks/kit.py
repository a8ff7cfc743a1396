"""What a benchmark imports first: after it the kit and the helpers of the tests can be imported."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import cs231n  # noqa: E402, F401 (before torch: it sets how threads wait)
