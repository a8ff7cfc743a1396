"""Do without PyTorch's compiler: to import it takes a second, and grading compiles nothing.

torchvision asks the compiler's package for one function, which only a layer for the detection of objects calls. Each step of
an optimiser asks it to leave the step alone, so it would be imported in each job with one.
"""

import importlib
import importlib.abc
import sys
from collections.abc import Callable, Mapping
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

COMPILER, FUNCTION = "torch._dynamo", "is_compile_supported"
UTILITIES = f"{COMPILER}.utils"


class _Placeholder(ModuleType):
    """What is there instead of the compiler until anything but what it answers is asked of it; then the real one is imported."""

    def __init__(self, name: str, answers: Mapping[str, Callable[..., Any]]) -> None:
        super().__init__(name)
        self.__path__: list[str] = []
        self.__answers__ = answers

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # the import system looks for these
            raise AttributeError(name)
        if name in self.__answers__:
            return self.__answers__[name]
        return getattr(_real(self.__name__), name)


class _Modules(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports the compiler where one of its modules is asked for while a placeholder is there."""

    def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:
        if not name.startswith(f"{COMPILER}.") or not isinstance(sys.modules.get(COMPILER), _Placeholder):
            return None
        module, found = _real(name), ModuleSpec(name, self)
        found.loader_state = module.__spec__
        ModuleType.__setattr__(module, "__spec__", found)  # or the import system would load it a second time, by its own
        return found

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return sys.modules[spec.name]

    def exec_module(self, module: ModuleType) -> None:
        found = module.__spec__
        ModuleType.__setattr__(module, "__spec__", found and found.loader_state)


def leave_compiler_out() -> None:
    """Answer what optimisers ask of the compiler, without importing it, from now on. What asks for more gets the real one."""
    if COMPILER not in sys.modules:
        sys.modules[COMPILER] = _Placeholder(COMPILER, {"disable": _left_alone, "graph_break": lambda: None})
        sys.modules[UTILITIES] = _Placeholder(UTILITIES, {})
        sys.meta_path.insert(0, _Modules())


def _left_alone(function: Any = None, *more: Any, **options: Any) -> Any:
    """Return a function that is not to be compiled, as it is."""
    return function if callable(function) else _real(COMPILER).disable(function, *more, **options)


def import_torchvision() -> None:
    """Import torchvision, and the compiler only if that asks more of it. What imports the compiler later gets the real one."""
    if COMPILER not in sys.modules:
        sys.modules[COMPILER] = _Placeholder(COMPILER, {})
        sys.modules[UTILITIES] = _Placeholder(UTILITIES, {FUNCTION: _is_compile_supported})
    try:
        importlib.import_module("torchvision")
    finally:
        _take_placeholders_away()


def _is_compile_supported(device_type: str) -> bool:
    return bool(getattr(importlib.import_module(UTILITIES), FUNCTION)(device_type))


def _real(name: str) -> ModuleType:
    """Import the compiler's module of a name."""
    _take_placeholders_away()
    return importlib.import_module(name)


def _take_placeholders_away() -> None:
    for name in (COMPILER, UTILITIES):
        if isinstance(sys.modules.get(name), _Placeholder):
            del sys.modules[name]
