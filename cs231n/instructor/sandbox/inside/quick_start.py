"""Import torchvision without PyTorch's compiler: that takes a second of each start, and grading compiles nothing.

torchvision asks the compiler's package for one function, which only a layer for the detection of objects calls.
"""

import importlib
import sys
from types import ModuleType
from typing import Any

COMPILER, FUNCTION = "torch._dynamo", "is_compile_supported"
UTILITIES = f"{COMPILER}.utils"


class _Placeholder(ModuleType):
    """What is there instead of the compiler until anything but that function is asked of it; then the real one is imported."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # the import system looks for these
            raise AttributeError(name)
        if (self.__name__, name) == (UTILITIES, FUNCTION):
            return _is_compile_supported
        _take_placeholders_away()
        return getattr(importlib.import_module(self.__name__), name)


def import_torchvision() -> None:
    """Import torchvision, and the compiler only if that asks more of it. What imports the compiler later gets the real one."""
    if COMPILER not in sys.modules:
        package = _Placeholder(COMPILER)
        package.__path__ = []
        sys.modules.update({COMPILER: package, UTILITIES: _Placeholder(UTILITIES)})
    try:
        importlib.import_module("torchvision")
    finally:
        _take_placeholders_away()


def _is_compile_supported(device_type: str) -> bool:
    return bool(getattr(importlib.import_module(UTILITIES), FUNCTION)(device_type))


def _take_placeholders_away() -> None:
    for name in (COMPILER, UTILITIES):
        if isinstance(sys.modules.get(name), _Placeholder):
            del sys.modules[name]
