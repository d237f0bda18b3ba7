"""Formats that do not describe cells with operations on edges; they are refused by name, with the reason.

Sources: NAS-Bench-101 (Ying et al., ICML 2019), NATS-Bench (Dong et al., TPAMI 2021), DARTS' recurrent cells, NAO
(Luo et al., NeurIPS 2018), RobNets (Guo et al., CVPR 2020), PR-DARTS (Laube & Zell, 2019), RUAS (Liu et al., CVPR
2021), SGAS (Li et al., CVPR 2020), TransNAS-Bench-101 (Duan et al., CVPR 2021), Once-for-All (Cai et al., ICLR 2020).
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from nat_core.architecture.notation.benchmarks import ENAS_LENGTH, enas_numbers
from nat_core.architecture.notation.values import Call

READ_INSTEAD = "accepted: cells of convolutional networks with an operation on each edge, as in docs/notations.md"


_MAX_DEPTH = 4


class Refusal(NamedTuple):
    """A known format that is not read.

    Attributes:
        name: the format's name.
        reason: why it is not read; completes the sentence "… is not read: …".
        matches: tells whether a plain value is in this format.
        example: a short text in this format.
        pattern: recognises the format in a text that is not a literal.
    """

    name: str
    reason: str
    matches: Callable[[Any], bool]
    example: str
    pattern: re.Pattern[str] | None = None

    @property
    def sentence(self) -> str:
        return f"this is {self.name}, which is not read: {self.reason}; {READ_INSTEAD}"


def _mapping(value: Any) -> Mapping[str, Any]:
    if isinstance(value, Call):
        return value.fields
    return value if isinstance(value, Mapping) else {}


def _operations(value: Any) -> Iterator[Any]:
    """Yield the first item of every innermost list, which is where edges name their operations."""
    if isinstance(value, list):
        if value and not isinstance(value[0], list):
            yield value[0]
        for item in value:
            yield from _operations(item)
    elif isinstance(value, Mapping | Call):
        for item in (*_mapping(value).values(), *(value.arguments if isinstance(value, Call) else ())):
            if isinstance(item, list):
                yield from _operations(item)


def _names_any(*names: str) -> Callable[[Any], bool]:
    pattern = re.compile("|".join(names))
    return lambda value: any(isinstance(name, str) and pattern.fullmatch(name) for name in _operations(value))


def _is_recurrent(value: Any) -> bool:
    return "recurrent" in _mapping(value)


_NODE_OPERATION = re.compile(r"(?:conv[13]x[13]|maxpool3x3)(?:-bn-relu)?|input|output")


def _is_nasbench101(value: Any) -> bool:
    fields = _mapping(value)
    if any(name in fields for name in ("module_adjacency", "module_operations", "matrix", "model_spec", "modelspec")):
        return True
    if isinstance(value, Call) and "modelspec" in value.name.lower():
        return True
    return _is_adjacency(value) or _are_node_operations(value)


def _is_adjacency(value: Any) -> bool:
    """Whether the value is an upper triangular square matrix of zeros and ones, not all zeros."""
    if not isinstance(value, list) or not 2 <= len(value) <= 12:
        return False
    if not all(isinstance(row, list) and len(row) == len(value) for row in value):
        return False
    flat = [(i, j, cell) for i, row in enumerate(value) for j, cell in enumerate(row)]
    return all(type(cell) is int and cell in (0, 1) and (j > i or not cell) for i, j, cell in flat) and any(
        cell for _, _, cell in flat
    )


def _are_node_operations(value: Any) -> bool:
    return (
        isinstance(value, list) and len(value) > 2 and value[0] == "input" and value[-1] == "output"
        and all(isinstance(name, str) and _NODE_OPERATION.fullmatch(name) for name in value)
    )  # fmt: skip


def _is_nats_size(value: Any) -> bool:
    return isinstance(value, str) and _NATS_SIZE.fullmatch(value) is not None


_NATS_SIZE = re.compile(r"(?<![\d:.])\d{1,3}(?::\d{1,3}){4}(?![\d:.])")


def _is_nao(value: Any) -> bool:
    """Whether the value has ENAS' layout, but numbers for other operations than ENAS' five."""
    numbers = enas_numbers(value)
    return numbers is not None and len(numbers) == ENAS_LENGTH and all(
        0 <= number < (16 if i % 2 else 2 + i % 20 // 4) for i, number in enumerate(numbers)
    ) and any(number > 4 for number in numbers[1::2])  # fmt: skip


def _is_robnet(value: Any) -> bool:
    flat = value[0] if isinstance(value, list) and len(value) == 1 else value
    return isinstance(flat, list) and len(flat) >= 4 and all(
        (isinstance(code, str) and code in ("00", "01", "10", "11"))
        or (isinstance(code, list) and _is_robnet(code))
        for code in flat
    )  # fmt: skip


def _is_pr_darts(value: Any) -> bool:
    return _has_settings(value) or _names_any(r"(?:sep|dil|mor)_conv_\dx\d_\d\w*")(value)


def _has_settings(value: Any, depth: int = 0) -> bool:
    """Whether any operation is followed by a dict of settings."""
    if isinstance(value, list):
        if len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], Mapping) and depth:
            return bool({"k", "c_mul", "dil"} & set(value[1]))
        return any(_has_settings(item, depth + 1) for item in value)
    return any(_has_settings(item, depth + 1) for item in _mapping(value).values())


def _is_indices(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 6 and all(type(n) is int and 0 <= n <= 4 for n in value)


def _is_mobile(value: Any) -> bool:
    fields = _mapping(value)
    return {"ks", "e", "d"} <= set(fields) or ("blocks" in fields and "first_conv" in fields)


def _is_transnas(value: Any) -> bool:
    return isinstance(value, str) and _TRANSNAS.fullmatch(value) is not None


_TRANSNAS = re.compile(r"(?<!\d)64-\d{4,6}-(?:\d_\d{2}_\d{3}|basic)(?!\d)")


def _is_layers(value: Any) -> bool:
    """Whether the value is a list of cells, one per layer."""
    return isinstance(value, list) and len(value) >= 5 and all(
        isinstance(cell, list) and len(cell) >= 2 and all(
            isinstance(node, list) and node and all(
                isinstance(edge, list) and len(edge) in (2, 3) and isinstance(edge[0], str) for edge in node
            )
            for node in cell
        )
        for cell in value
    )  # fmt: skip


REFUSALS: tuple[Refusal, ...] = (
    Refusal("a recurrent cell (DARTS on text)", "its edges carry activations of a recurrent network", _is_recurrent,
            "Genotype(recurrent=[('sigmoid', 0), ('relu', 1)], concat=range(1, 3))"),
    Refusal("a NAS-Bench-101 cell", "its operations sit on nodes, and its edges only connect them", _is_nasbench101,
            "([[0, 1, 1], [0, 0, 1], [0, 0, 0]], ['input', 'conv3x3-bn-relu', 'output'])"),
    Refusal("NATS-Bench's size space", "it lists numbers of channels, and has no cell of its own", _is_nats_size,
            "64:48:8:16:32", _NATS_SIZE),
    Refusal("NAO's sequence of numbers", "its search spaces number their operations differently",
            _is_nao, "0 7 1 15 2 8 1 7 0 6 1 7 0 8 4 7 1 5 0 7 0 8 1 7 1 7 1 5 1 7 0 8 1 9 3 7 5 10 0 4"),
    Refusal("a RobNet", "its two-digit codes choose residual and plain connections of all 14 edges, not operations",
            _is_robnet, "[['11', '11', '11', '01', '10', '11', '01']]"),
    Refusal("a PR-DARTS cell", "its operations carry settings of their own, such as widths of inner layers",
            _is_pr_darts, "Genotype(normal=[[('conv', {'c_mul': [1], 'k': 3, 'dil': 1}), 0]], normal_concat=[2])"),
    Refusal("a chain for image restoration (RUAS)", "its operations follow each other in a row, and there is no cell",
            _names_any(r"res(?:dil)?conv_\dx\d", r"denseblocks_\dx\d", r"iem|nrm"),
            "Genotype(normal=[('resconv_1x1', 0), ('resdilconv_3x3', 1)], normal_concat=None)"),
    Refusal("a cell for graphs (SGAS, graph networks)", "its operations aggregate over neighbours of a graph's nodes",
            _names_any("gcn", "gat", "semi_gcn", "edge_conv", "mr_conv", "sage", "rsage", "gin", "arma", "cheb"),
            "Genotype(normal=[('gat', 0), ('edge_conv', 1)], normal_concat=range(2, 3))"),
    Refusal("a TransNAS-Bench-101 code", "its numbers stand for operations of that benchmark's own networks",
            _is_transnas, "64-41414-1_02_333", _TRANSNAS),
    Refusal("a network of mobile blocks (Once-for-All, ProxylessNAS)", "it chooses kernels and widths of a chain",
            _is_mobile, "{'ks': [3, 5], 'e': [4, 6], 'd': [2, 3]}"),
    Refusal("a list of NAS-Bench-201 operation numbers", "their order differs between projects; give the string "
            "|op~0|+|…| or nasbench201:INDEX", _is_indices, "[4, 0, 3, 1, 4, 3]"),
    Refusal("a list with a cell for each layer", "a network here repeats one normal and one reduction cell", _is_layers,
            "[[(('sep_conv_3x3', 0),), (('skip_connect', 0),)], [(('sep_conv_3x3', 0),), (('skip_connect', 0),)], "
            "[(('sep_conv_3x3', 0),), (('skip_connect', 0),)], [(('sep_conv_3x3', 0),), (('skip_connect', 0),)], "
            "[(('sep_conv_3x3', 0),), (('skip_connect', 0),)]]"),
)  # fmt: skip


def refusal_of(value: Any, depth: int = 0) -> Refusal | None:
    """Return the refused format of a plain value or of anything nested in it, or None."""
    if isinstance(value, int | float):
        return None
    own = next((row for row in REFUSALS if row.matches(value)), None)
    if own or depth == _MAX_DEPTH:
        return own
    inner: Iterable[Any] = value if isinstance(value, list) else _mapping(value).values()
    return next(filter(None, (refusal_of(item, depth + 1) for item in inner)), None)


def refusal_in(text: str) -> Refusal | None:
    """Return the refused format of a text without brackets, or None."""
    return next((row for row in REFUSALS if row.pattern and row.pattern.search(text)), None)
