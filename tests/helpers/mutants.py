"""Small changes to a function's syntax tree, one at a time: a test that passes for one of them tests too little."""

import ast
import copy
import itertools

OPERATORS = {
    ast.Add: [ast.Sub, ast.Mult],
    ast.Sub: [ast.Add],
    ast.Mult: [ast.Div, ast.Add],
    ast.Div: [ast.Mult],
    ast.Pow: [ast.Mult],
    ast.Mod: [ast.Add],
    ast.And: [ast.Or],
    ast.Or: [ast.And],
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
    ast.Lt: [ast.LtE, ast.Gt],
    ast.LtE: [ast.Lt],
    ast.Gt: [ast.GtE, ast.Lt],
    ast.GtE: [ast.Gt],
    ast.Is: [ast.IsNot],
    ast.IsNot: [ast.Is],
    ast.In: [ast.NotIn],
    ast.NotIn: [ast.In],
}
METHODS = {
    "abs": ["square", "neg"],
    "amax": ["amin", "mean", "sum"],
    "max": ["min", "mean"],
    "min": ["max"],
    "argmax": ["argmin"],
    "argmin": ["argmax"],
    "square": ["abs"],
    "sum": ["mean"],
    "norm": ["sum", "amax"],
    "any": ["all"],
    "all": ["any"],
    "mean": ["sum", "amax"],
    "relu": ["abs"],
    "cos": ["sin"],
    "sin": ["cos"],
}
WORDS = {"bilinear": ["nearest", "bicubic"], "reflection": ["zeros", "border"]}


def mutants(function):
    """Yield (description, syntax tree) of the mutants of a function definition (ast.FunctionDef); its docstring stays."""
    nodes = [node for statement in _body(function) for node in ast.walk(statement)]
    places = {id(node): index for index, node in enumerate(nodes)}
    for node in nodes:
        for number in itertools.count():
            tree = copy.deepcopy(function)
            twin = [twin for statement in _body(tree) for twin in ast.walk(statement)][places[id(node)]]
            changes = list(_changes(twin, tree))
            if number >= len(changes):
                break
            changes[number]()
            text = ast.unparse(ast.fix_missing_locations(tree))
            if text != ast.unparse(function):
                yield f"line {getattr(node, 'lineno', '?')}: {_difference(ast.unparse(function), text)}", tree


def _body(function):
    first = function.body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    return function.body[1:] if documented else function.body


def _difference(before, after):
    before, after = before.splitlines(), after.splitlines()
    gone = [line.strip() for line in before if line not in after]
    new = [line.strip() for line in after if line not in before]
    return f"{' / '.join(gone)} -> {' / '.join(new)}"


def _changes(node, tree):
    """Return functions that change `node`, a node of `tree`, each in its own way."""
    changes = []
    for field in ("op", "ops"):
        operator = getattr(node, field, None)
        for kind in OPERATORS.get(type(operator[0] if isinstance(operator, list) else operator), []):
            changes.append(lambda field=field, kind=kind, many=field == "ops": setattr(node, field, [kind()] if many else kind()))
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        values = {node.value + 1, 0, -node.value, 2 * node.value}
        changes += [lambda value=value: setattr(node, "value", value) for value in sorted(values - {node.value})]
    if isinstance(node, ast.Constant) and type(node.value) is str:
        changes += [lambda word=word: setattr(node, "value", word) for word in WORDS.get(node.value, [])]
    if isinstance(node, ast.Constant) and type(node.value) is bool:
        changes.append(lambda: setattr(node, "value", not node.value))
    if isinstance(node, ast.Attribute):
        changes += [lambda name=name: setattr(node, "attr", name) for name in METHODS.get(node.attr, [])]
    if isinstance(node, ast.Call) and node.keywords:
        changes.append(lambda: node.keywords.pop())
    if isinstance(node, (ast.If, ast.While, ast.IfExp)):
        changes.append(lambda: setattr(node, "test", ast.UnaryOp(ast.Not(), node.test)))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub)):
        changes.append(lambda: _replace(tree, node, node.operand))
    if isinstance(node, ast.BinOp):
        changes += [lambda: _replace(tree, node, node.left), lambda: _replace(tree, node, node.right)]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not isinstance(node.func.value, ast.Name):
        changes.append(lambda: _replace(tree, node, node.func.value))  # x.abs().amax() -> x.abs()
    if isinstance(node, (ast.Assign, ast.AugAssign, ast.Expr, ast.Break, ast.Continue, ast.Return, ast.If, ast.For, ast.With)):
        changes.append(lambda: _replace(tree, node, ast.Pass()))
    if isinstance(node, ast.For) and node.orelse:
        changes.append(lambda: setattr(node, "orelse", []))
    return changes


def _replace(tree, old, new):
    class Replace(ast.NodeTransformer):
        def visit(self, node):
            return new if node is old else self.generic_visit(node)

    Replace().visit(tree)
