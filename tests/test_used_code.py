"""A function's helpers: which count, and what is a change of them."""

import functools

import pytest

from cs231n.used_code import used_by

USES = "def f(x):\n    return helper(x)"
CHANGES = {  # what the function uses, before and after: {name: (before, after, what is said to have changed)}
    "a helper": (f"def helper(x): return x\n{USES}", "def helper(x): return x + 1", {"helper"}),
    "a constant in it": (f"def helper(x): return x * 2\n{USES}", "def helper(x): return x * 3", {"helper"}),
    "1 and True": (f"def helper(x): return 1\n{USES}", "def helper(x): return True", {"helper"}),
    "its default": (f"def helper(x, y=1): return y\n{USES}", "def helper(x, y=2): return y", {"helper"}),
    "what it uses itself": (f"def deep(x): return x\ndef helper(x): return deep(x)\n{USES}", "def deep(x): return 0", {"deep"}),
    "a lambda": (f"helper = lambda x: x\n{USES}", "helper = lambda x: -x", {"helper"}),
    "a function in it": (
        f"def helper(x):\n def g(): return 1\n return g()\n{USES}",
        "def helper(x):\n def g(): return 2\n return g()",
        {"helper"},
    ),
    "in a comprehension": (
        "def helper(x): return x\ndef f(x): return [helper(y) for y in x]",
        "def helper(x): return -x",
        {"helper"},
    ),
    "a class": ("class C:\n def m(self): return 1\ndef f(x): return C().m()", "class C:\n def m(self): return 2", {"C.m"}),
    "its attribute": ("class C:\n rate = 1\ndef f(x): return C.rate", "class C:\n rate = 2", {"C"}),
    "its base": (
        "class B:\n def m(s): return 1\nclass C(B): pass\ndef f(x): return C()",
        "class B:\n def m(s): return 2\nclass C(B): pass",
        {"B.m"},
    ),
    "an object": (
        "class C:\n def __call__(s, x): return 1\nc = C()\ndef f(x): return c(x)",
        "class C:\n def __call__(s, x): return 2\nc = C()",
        {"c.__call__"},
    ),
    "a partial": (
        f"import functools\ndef g(x): return x\nhelper = functools.partial(g)\n{USES}",
        "def g(x): return 0\nhelper = functools.partial(g)",
        {"helper"},
    ),
    "a cached one": (
        f"import functools\n@functools.cache\ndef helper(x): return x\n{USES}",
        "@functools.cache\ndef helper(x): return 0",
        {"helper"},
    ),
    "a decorated one": (
        f"import contextlib\n@contextlib.contextmanager\ndef helper(x): yield x\n{USES}",
        "@contextlib.contextmanager\ndef helper(x): yield 0",
        {"helper"},
    ),
    "one that is gone": (f"def helper(x): return x\n{USES}", "del helper", {"helper"}),
    "the same again": (f"def helper(x): return x\n{USES}", "\n\n# moved\ndef helper(x): return x  # as before", set()),
    "the same class again": (
        "class C:\n def m(self): return 1\ndef f(x): return C().m()",
        "\n\nclass C:\n def m(self): return 1",
        set(),
    ),
    "a value": ("rate = 1\ndef f(x): return rate * x", "rate = 2", set()),
    "what it does not use": (f"def helper(x): return x\ndef other(): pass\n{USES}", "def other(): return 1", set()),
    "an attribute of the same name": ("def grad(): pass\ndef f(x): return x.grad", "def grad(): return 1", set()),
    "each other": ("def helper(x): return f(x)\ndef f(x): return helper(x)", "def helper(x): return f(x)", set()),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_the_code_that_a_function_uses_is_found_and_nothing_else(name):
    before, after, changed = CHANGES[name]
    notebook = {"__name__": "__main__"}
    exec(before, notebook)
    was = used_by(notebook["f"])
    notebook["f"](1) if name == "a lambda" else None  # that it ran changes nothing
    assert used_by(notebook["f"]) == was
    exec(after, notebook)
    now = used_by(notebook["f"])
    assert {one for one in was.keys() | now.keys() if was.get(one) != now.get(one)} == changed


def test_what_a_closure_or_a_decorated_function_uses_is_found_too():
    notebook = {"__name__": "__main__", "wraps": functools.wraps}
    exec(
        "def helper(x): return x\ndef made():\n    def inner(x): return helper(x)\n    return lambda x: inner(x)\nf = made()",
        notebook,
    )
    assert set(used_by(notebook["f"])) == {"inner", "helper"}
    exec("def g(x): return helper(x)", notebook)
    assert set(used_by(functools.cache(notebook["g"]))) >= {"helper"}


@pytest.mark.parametrize("function", [len, functools.partial(len), print, 3, None])
def test_of_what_is_not_written_in_python_nothing_is_known(function):
    assert used_by(function) == {}
