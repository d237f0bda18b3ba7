"""Text → plain data: JSON, or the literals of Python read through `ast`; nothing is ever evaluated."""

import ast
import json
import warnings
from typing import Any

from nat_core.architecture.cell import MAX_NODES

_MAX_NESTING = 12
GENOTYPE_FIELDS = ("normal", "normal_concat", "reduce", "reduce_concat")
ACCEPTED = (
    "accepted: Genotype(normal=[…], normal_concat=…, reduce=[…], reduce_concat=…), the same as a dict or JSON, "
    "or a NAS-Bench-201 string |op~0|+|op~0|op~1|+|…|"
)


def read(text: str) -> Any:
    """The plain value (dict, list, str, int …) that `text` spells.

    Raises:
        ValueError: neither JSON nor accepted Python; names line and column.
    """
    _check_nesting(text)
    value = _read_json(text) if text[0] in '{["' else None
    return _read_python(text) if value is None else value


def noun(value: Any) -> str:
    """What `value` is, for a sentence: "list", "whole number", …"""
    names = {
        list: "list",
        str: "string",
        int: "whole number",
        dict: "dict",
        float: "decimal number",
        bool: "truth value",
    }
    return names.get(type(value), "missing value" if value is None else type(value).__name__)


def shown(value: Any) -> str:
    """`value` as text, shortened to fit into a sentence."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _check_nesting(text: str) -> None:
    depth = 0
    for position, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if depth > _MAX_NESTING:
            raise ValueError(f"brackets at character {position + 1} are nested deeper than {_MAX_NESTING}; {ACCEPTED}")


def _read_json(text: str) -> Any:
    """The value of JSON text, or None if it is not JSON (it may still be Python)."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _read_python(text: str) -> Any:
    """The value of the one genotype in Python text; imports, docstrings and the namedtuple are passed over."""
    try:
        with warnings.catch_warnings():  # of odd escapes and literals: the text is data, not our source
            warnings.simplefilter("ignore")
            module = ast.parse(text)
    except SyntaxError as error:
        where = f"line {error.lineno or 1}, column {error.offset or 1}"
        raise ValueError(f"not readable at {where}: {error.msg}; {ACCEPTED}") from None
    except (ValueError, RecursionError, MemoryError):
        raise ValueError(f"not readable as Python or JSON; {ACCEPTED}") from None
    found = dict(_genotypes(module))
    if len(found) > 1:
        raise ValueError(f"the text holds {len(found)} architectures ({', '.join(list(found)[:8])}); give one")
    if not found:
        raise ValueError(f"the text holds no architecture; {ACCEPTED}")
    return _literal(next(iter(found.values())))


def _genotypes(module: ast.Module) -> list[tuple[str, ast.expr]]:
    single = len(module.body) == 1
    found = []
    for statement in module.body:
        if isinstance(statement, ast.Expr) and (single or not isinstance(statement.value, ast.Constant)):
            found.append((f"line {statement.lineno}", statement.value))
        elif isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
            target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
            is_value = isinstance(statement.value, ast.Dict) or _call_name(statement.value) == "Genotype"
            if single or is_value:
                found.append((getattr(target, "id", f"line {statement.lineno}"), statement.value))
    return found


def _call_name(node: ast.AST) -> str | None:
    """`range` for range(…), `Genotype` for Genotype(…) or module.Genotype(…)."""
    if not isinstance(node, ast.Call):
        return None
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", None)


def _literal(node: ast.expr) -> Any:
    """The plain value of a literal; nesting is bounded, so recursion is."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.List | ast.Tuple):
        return [_literal(item) for item in node.elts]
    if isinstance(node, ast.Dict) and None not in node.keys:
        return {str(_literal(key)): _literal(value) for key, value in zip(node.keys, node.values, strict=True) if key}
    if isinstance(node, ast.Call):
        return _call(node)
    raise _refusal(node)


def _call(node: ast.Call) -> Any:
    """What the few accepted calls mean; nothing is called."""
    name = _call_name(node)
    if name == "range":
        return _range(node)
    if name == "Genotype":
        return _genotype_call(node)
    if name == "list" and len(node.args) == 1 and not node.keywords:
        return _literal(node.args[0])
    raise _refusal(node)


def _refusal(node: ast.expr) -> ValueError:
    return ValueError(
        f"{type(node).__name__} at line {node.lineno}, column {node.col_offset + 1} is not accepted: only strings, "
        "whole numbers, lists, tuples, dicts, range(a, b) and Genotype(…)"
    )


def _range(node: ast.Call) -> list[int]:
    constants = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
    bounds = [value for value in constants if type(value) is int and 0 <= value <= MAX_NODES]
    if len(bounds) != len(node.args) or len(bounds) not in (1, 2) or node.keywords:
        raise ValueError(f"range at line {node.lineno} needs one or two whole numbers from 0 to {MAX_NODES}")
    return list(range(*bounds))


def _genotype_call(node: ast.Call) -> dict[str, Any]:
    if len(node.args) > len(GENOTYPE_FIELDS):
        raise ValueError(
            f"Genotype at line {node.lineno} has {len(node.args)} values; accepted: {', '.join(GENOTYPE_FIELDS)}"
        )
    named = [(keyword.arg, keyword.value) for keyword in node.keywords]
    pairs = [*zip(GENOTYPE_FIELDS, node.args, strict=False), *named]
    fields = {name: value for name, value in pairs if name is not None}
    if len(fields) != len(pairs):
        raise ValueError(
            f"Genotype at line {node.lineno} repeats or unpacks a field; accepted: {', '.join(GENOTYPE_FIELDS)}"
        )
    return {name: _literal(value) for name, value in fields.items()}
