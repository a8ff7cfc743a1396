"""What became of the notebook's cells that define exercises.

A cell that ends in an error leaves the older function in its place, or none; a cell that was not run, or whose function has
another name, leaves none. Who runs the check then should learn of it, and no cell should end in a traceback for it.
"""

import contextlib
import re
import weakref
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from .. import front_end

_older: weakref.WeakKeyDictionary[Callable, str] = weakref.WeakKeyDictionary()
_stand_ins: weakref.WeakKeyDictionary[Callable, str] = weakref.WeakKeyDictionary()
_undefined: weakref.WeakSet[Callable] = weakref.WeakSet()


def error_after(function: Any) -> str | None:
    """Return the kind of error that ended the cell which should have replaced a function, such as "SyntaxError", or None."""
    return _noted(_older, function)


def error_instead_of(function: Any) -> str | None:
    """Return the kind of error that ended the cell whose function this one stands in for, or None if it is not a stand-in."""
    return _noted(_stand_ins, function)


def is_undefined(function: Any) -> bool:
    """Return whether a function stands in for one that no cell has defined."""
    with contextlib.suppress(TypeError):  # what cannot be referred to weakly is no stand-in
        return function in _undefined
    return False


def watch(names: Iterable[str]) -> None:
    """Watch from now on, in a notebook, the cells that define functions of these names; elsewhere do nothing.

    Where there is no function of such a name, because its cell failed, was not run or defines another name, one stands in for
    it: then the cells that name it still run.
    """
    shell = front_end.shell()
    if shell is not None:
        watching = _Watch(shell.user_ns, names)
        shell.events.register("pre_run_cell", watching.before)
        shell.events.register("post_run_cell", watching.after)


class _Watch:
    """Compares what the names stand for before and after a cell."""

    def __init__(self, namespace: dict[str, Any], names: Iterable[str]) -> None:
        self._namespace, self._names = namespace, tuple(names)
        self._before: dict[str, Any] = {}

    def before(self, _info: Any) -> None:
        for name in self._names:
            if name not in self._namespace:
                self._namespace[name] = _stand_in_for_undefined(name)
        self._before = {name: self._namespace[name] for name in self._names if name in self._namespace}

    def after(self, result: Any) -> None:
        error = result and (result.error_before_exec or result.error_in_exec)
        if not error:
            return
        for name in self._names:
            if re.search(rf"^[ \t]*(async +)?def +{name}\b", result.info.raw_cell, re.M):
                self._note(name, type(error).__name__)

    def _note(self, name: str, kind: str) -> None:
        function: Any = self._namespace.get(name)
        if function is None or is_undefined(function) or error_instead_of(function):
            self._namespace[name] = _stand_in(name, kind)
        elif self._before.get(name, self) is function:
            with contextlib.suppress(TypeError):  # it cannot be referred to weakly
                _older[function] = kind


def _stand_in(name: str, kind: str) -> Callable[..., NoReturn]:
    function = _raising(name, f"{name} is not defined: the cell that defines it ended in a {kind}.")
    _stand_ins[function] = kind
    return function


def _stand_in_for_undefined(name: str) -> Callable[..., NoReturn]:
    function = _raising(name, f"{name} is not defined: run the cell of its exercise.")
    _undefined.add(function)
    return function


def _raising(name: str, message: str) -> Callable[..., NoReturn]:
    """Return a function of this name that raises NameError, whatever it is given."""

    def function(*_: Any, **__: Any) -> NoReturn:
        raise NameError(message)

    function.__name__ = function.__qualname__ = name
    return function


def _noted(found: weakref.WeakKeyDictionary[Callable, str], function: Any) -> str | None:
    with contextlib.suppress(TypeError):  # what cannot be referred to weakly was never noted
        return found.get(function)
    return None
