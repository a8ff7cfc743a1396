"""Docstrings in numpydoc's form say the same as the signatures: which parameters there are, and whether something comes back."""

import importlib
import inspect
import re

import pytest
from helpers.places import ROOT

SECTIONS = "Parameters", "Returns", "Yields", "Raises", "Attributes", "References"


def names_of_modules():
    """The modules that ruff holds to the form (see pyproject.toml), by their names in the package."""
    return sorted(path.stem for path in (ROOT / "cs231n").glob("[!_]*.py"))


def functions_of(module):
    """The public functions that a module defines."""
    found = inspect.getmembers(importlib.import_module(f"cs231n.{module}"), inspect.isfunction)
    return [function for name, function in found if function.__module__ == f"cs231n.{module}" and not name.startswith("_")]


FUNCTIONS = [function for module in names_of_modules() for function in functions_of(module)]
every_function = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda one: f"{one.__module__}.{one.__name__}")


def sections(docstring):
    """Return {title: [(head of a block, its text)]} of a docstring in numpydoc's form."""
    found = {}
    for title, body in re.findall(r"^(\w+)\n-+\n(.*?)(?=^\w+\n-+\n|\Z)", docstring, re.M | re.S):
        blocks = re.findall(r"^(\S.*)\n((?:[ ]+.*(?:\n|\Z)|\n)*)", body, re.M)
        found[title] = [(head, text.strip()) for head, text in blocks]
    return found


def documented(docstring):
    """Return the names of the parameters that a docstring describes, each with its stars."""
    return [head.split(" : ")[0] for head, _ in sections(docstring).get("Parameters", [])]


def taken(function):
    """Return the names of the parameters that a function takes, each with its stars."""
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    return [stars.get(one.kind, "") + one.name for one in inspect.signature(function).parameters.values()]


@every_function
def test_each_parameter_has_a_block_of_its_own_in_the_signatures_order(function):
    assert documented(inspect.getdoc(function)) == taken(function)


@every_function
def test_what_comes_back_is_described_if_anything_does(function):
    found = sections(inspect.getdoc(function))
    if inspect.isgeneratorfunction(inspect.unwrap(function)):
        assert "Returns" not in found
    else:
        assert ("Returns" in found) == (inspect.signature(function).return_annotation is not None)


@every_function
def test_each_block_has_a_type_and_a_text_and_each_section_is_a_known_one(function):
    found = sections(inspect.getdoc(function))
    assert set(found) <= set(SECTIONS)
    for title in set(found) - {"References"}:
        assert found[title]
        for head, text in found[title]:
            assert text, head
            assert " : " in head or title != "Parameters", head


def test_the_modules_that_students_and_instructors_call_are_among_them():
    assert {"image_utils", "attribution", "validation", "whole_file", "submit"} <= set(names_of_modules())
    assert len(FUNCTIONS) > 80


def test_a_parameter_that_is_missing_renamed_or_moved_is_noticed():
    text = (
        "Do it.\n\nParameters\n----------\nX : int\n    One.\n*more : int\n    Others.\n\nReturns\n-------\nint\n    Their sum.\n"
    )
    assert documented(text) == ["X", "*more"] == taken(lambda X, *more: 0)
    assert documented(text) != taken(lambda Y, *more: 0)
    assert sections(text)["Returns"] == [("int", "Their sum.")]
