"""Which code of its own notebook or module a function uses, so that it is noticed when that changes."""

import dis
import functools
import inspect
import types
from collections.abc import Callable, Iterator
from typing import Any

Code = tuple[Any, ...]  # equal for the same code, wherever it was written
Named = Iterator[tuple[str, Any]]


def used_by(function: Callable[..., Any]) -> dict[str, Code]:
    """Return the code of the functions and classes that a function uses, directly or through each other.

    Only those count that are defined where the function is: in the same notebook, for example. Values do not.

    Parameters
    ----------
    function : callable
        Any; of one that was not written in Python nothing is known.

    Returns
    -------
    dict of str to tuple
        {name: what is equal as long as the code is}, without the function itself. Comments and line numbers are no code.
    """
    namespace = _namespace(function)
    found: dict[str, Code] = {}
    seen: set[int] = set()
    waiting: list[tuple[str, Any]] = [("", function)]
    while waiting:
        name, one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        code: Code = ()
        if isinstance(one, types.FunctionType) and one.__globals__ is namespace:
            code = _code(one.__code__), repr(_plain(one.__defaults__)), repr(_plain(one.__kwdefaults__))
            waiting += _referred_to(one)
        elif isinstance(one, type) and one.__module__ == namespace.get("__name__"):
            own = {inner: value for inner, value in vars(one).items() if not inner.startswith("__")}
            code = tuple((inner, repr(_plain(own[inner]))) for inner in sorted(own))
            waiting += [(base.__name__, base) for base in one.__bases__]
            waiting += [(f"{name}.{inner}", value) for inner, value in vars(one).items() if inner != "__dict__"]
        else:
            waiting += ((name, inner) for inner in _inside(one, namespace))
        if code and one is not function:
            found[name] = (*found.get(name, ()), code)
    return found


def _namespace(function: Any) -> dict[str, Any]:
    """Return the global names of the code in a callable; {} if they are not known."""
    while not isinstance(function := inspect.unwrap(function), types.FunctionType):
        inside = list(_inside(function, None))
        if not inside:
            return {}
        function = inside[0]
    return function.__globals__


def _inside(value: Any, namespace: dict[str, Any] | None) -> Iterator[Any]:
    """Yield the functions and classes that something holds: a wrapper, a partial, a method, a property, an object."""
    if isinstance(value, functools.partial):
        yield value.func
        yield from value.args
        yield from value.keywords.values()
    elif isinstance(value, (types.MethodType, staticmethod, classmethod)):
        yield value.__func__
    elif isinstance(value, property):
        yield from (one for one in (value.fget, value.fset, value.fdel) if one is not None)
    elif isinstance(value, (types.FunctionType, functools._lru_cache_wrapper)):
        yield from (one for one in [getattr(value, "__wrapped__", None)] if one is not None)
    elif isinstance(value, type):
        return
    elif namespace is None:
        call = inspect.getattr_static(type(value), "__call__", None)
        yield from (one for one in [call] if isinstance(one, types.FunctionType))
    elif type(value).__module__ == namespace.get("__name__"):
        yield type(value)


def _referred_to(function: types.FunctionType) -> Named:
    """Yield what the names in a function stand for, and its default values."""
    names = _global_names(function.__code__)
    yield from ((name, function.__globals__[name]) for name in sorted(names) if name in function.__globals__)
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # nothing is in it yet
            continue
    yield from ((f"{function.__name__}'s default", value) for value in function.__defaults__ or ())
    yield from (function.__kwdefaults__ or {}).items()


def _global_names(code: types.CodeType) -> set[str]:
    names = {one.argval for one in dis.get_instructions(code) if one.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    return names.union(*(_global_names(inner) for inner in code.co_consts if isinstance(inner, types.CodeType)))


def _code(code: types.CodeType) -> Code:
    constants = tuple(_code(one) if isinstance(one, types.CodeType) else _constant(one) for one in code.co_consts)
    return (code.co_code, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars, code.co_flags, constants)


def _constant(value: Any) -> Code:
    return type(value).__name__, repr(sorted(map(repr, value)) if isinstance(value, frozenset) else value)


def _plain(value: Any) -> Any:
    """Return a value that is a number or a text, or holds only such; of anything else the name of its type."""
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes)):
        return value
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return type(value).__name__
