"""Syntax of a newer Python is told from a mistake, by the version that brought it."""

import sys

import pytest

from cs231n.newer_python import is_read, needed

NEWER = {
    'x = f"{a["n"]}"': (3, 12),
    'x = f"{a["n"]!r:>{w["x"]}} {b != c} {a["x"]=}" "more"': (3, 12),
    "x = f\"{'\\n'.join(a)}\"": (3, 12),
    'x = f"{a["n"]} {{ }} {f"{1}"}"  # f"{': (3, 12),
    "def f[T: (int, list[int])](x: T) -> T:\n    return x": (3, 12),
    "class A[T](list[T]):\n    pass": (3, 12),
    "type X = int": (3, 12),
    "type X[T] = list[T]": (3, 12),
    "try:\n    pass\nexcept A, B:\n    pass": (3, 14),
    'x = t"a{x}"': (3, 14),
    'x = t"a{x["n"]}"\ntype Y = int': (3, 14),
}


@pytest.mark.parametrize("source", NEWER)
def test_the_version_that_brought_a_syntax_is_named(source):
    assert needed(source) == (NEWER[source] if NEWER[source] > sys.version_info[:2] else None)


@pytest.mark.parametrize(
    "source",
    [
        "x = 1 1",
        "def f(x)\n    return x",
        'x = f"{a["n"]}" 1',
        'x = f"{a[1]"',
        'x = f"{a["n"] b}"',
        'x = f"{a["n"]:%Y"',
        'def f(:\n    x = f"{a["n"]}"',
        "def f[T(x):\n    pass",
        'print "x"',
        "x = 'unclosed",
        'f"{' * 3000,
    ],
)
def test_a_plain_mistake_is_no_newer_syntax(source):
    assert not is_read(source)
    assert needed(source) is None


def test_what_this_python_reads_needs_no_newer_one():
    assert needed("x = f'{y}'\ntype = 3\nprint(type)") is None


def test_strings_in_strings_are_looked_through_once_each():
    """In a source of depth n, not 2 to the power of n times: this ends."""
    source = "1"
    for _ in range(60):
        source = f'f"{{{source}}}"'
    assert needed(source) == ((3, 12) if sys.version_info < (3, 12) else None)
