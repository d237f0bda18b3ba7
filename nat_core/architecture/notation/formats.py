"""The table of notations: each row has functions that recognise, read and write the notation, and an example."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from nat_core.architecture.cell import Architecture
from nat_core.architecture.notation import benchmarks, genotypes
from nat_core.architecture.notation.genotypes import Read
from nat_core.architecture.notation.values import ACCEPTED, Call, noun


class Format(NamedTuple):
    """One notation.

    Attributes:
        name, title: the name on the command line, and the one shown to people.
        matches: tells whether a plain value is in this notation.
        read: returns the architecture and notes on what was ignored; raises ValueError with the place of a fault.
        example: a short text in this notation.
        write: returns an architecture as text; None for a notation that is only read. For an architecture that the
            notation cannot express, it may return text that does not read back.
    """

    name: str
    title: str
    matches: Callable[[Any], bool]
    read: Callable[[Any], Read]
    example: str
    write: Callable[[Architecture], str] | None = None


def _genotype(name: str, title: str, normal: str, reduce: str, write: Callable[[Architecture], str] | None) -> Format:
    """Make the row for one form of a genotype's lists of edges."""
    example = f"Genotype(normal={normal}, normal_concat=[2, 3], reduce={reduce}, reduce_concat=[2, 3])"
    return Format(name, title, lambda value: genotypes.form(value) == name, genotypes.read_genotype, example, write)


FORMATS: tuple[Format, ...] = (
    Format("json", "NAT Lab's own JSON, which expresses every cell", genotypes.is_own_json, genotypes.read_own_json,
           '{"normal": {"inputs": 1, "nodes": 2, "edges": [["conv_3x3", 0, 1]], "output": [1], "combine": "sum"}}',
           genotypes.own_json),
    Format("vega", "Vega, [operation, target, source] and concat per cell", genotypes.is_vega, genotypes.read_vega,
           '{"normal": {"genotype": [["sep_conv_3x3", 2, 0], ["sep_conv_3x3", 2, 1]], "concat": [2]}, '
           '"reduce": {"genotype": [["max_pool_3x3", 2, 0], ["max_pool_3x3", 2, 1]], "concat": [2]}}'),
    Format("nasbench301", "NAS-Bench-301 configuration, one key per edge", benchmarks.is_configuration,
           benchmarks.read_configuration,
           '{"edge_normal_0": "sep_conv_3x3", "edge_normal_1": "sep_conv_3x3", '
           '"edge_reduce_0": "max_pool_3x3", "edge_reduce_1": "max_pool_3x3"}'),
    Format("nni", "NNI model hub, normal/op_N_K and normal/input_N_K", benchmarks.is_hub, benchmarks.read_hub,
           '{"normal/op_2_0": "sep_conv_3x3", "normal/input_2_0": 0, "normal/op_2_1": "sep_conv_3x3", '
           '"normal/input_2_1": 1, "reduce/op_2_0": "max_pool_3x3", "reduce/input_2_0": 0, '
           '"reduce/op_2_1": "max_pool_3x3", "reduce/input_2_1": 1}', benchmarks.hub_text),
    Format("nni-darts", "NNI's older example of DARTS, normal_nN_pK", benchmarks.is_older_nni,
           benchmarks.read_older_nni,
           '{"normal_n2_p0": "sepconv3x3", "normal_n2_p1": "sepconv3x3", "reduce_n2_p0": "maxpool", '
           '"reduce_n2_p1": "maxpool"}'),
    _genotype("genotype", "Genotype of NAT or aw_nas, (operation, source, target)",
              "[('sep_conv_3x3', 0, 2), ('sep_conv_3x3', 1, 2), ('skip_connect', 0, 3), ('dil_conv_3x3', 2, 3)]",
              "[('max_pool_3x3', 0, 2), ('max_pool_3x3', 1, 2), ('skip_connect', 2, 3), ('max_pool_3x3', 1, 3)]",
              genotypes.writer(genotypes.triples)),
    _genotype("pairs", "Genotype of DARTS, (operation, source), two per node",
              "[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('skip_connect', 0), ('dil_conv_3x3', 2)]",
              "[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1)]",
              genotypes.writer(genotypes.pairs)),
    _genotype("reversed", "Genotype of FairDARTS, (operation, target, source)",
              "[('sep_conv_3x3', 2, 0), ('sep_conv_3x3', 2, 1), ('dil_conv_3x3', 3, 2)]",
              "[('max_pool_3x3', 2, 0), ('max_pool_3x3', 2, 1), ('skip_connect', 3, 2)]",
              genotypes.writer(genotypes.reversed_triples)),
    _genotype("weighted", "Genotype with weights, (operation, source, weight); the weights are ignored",
              "[('sep_conv_3x3', 0, .23), ('sep_conv_3x3', 1, .21), ('skip_connect', 0, .3), ('dil_conv_3x3', 2, .2)]",
              "[('max_pool_3x3', 0, .25), ('max_pool_3x3', 1, .2), ('skip_connect', 2, .3), ('max_pool_3x3', 1, .2)]",
              None),
    _genotype("nested", "Genotype of pt.darts or AutoDL-Projects, a list per node",
              "[[('sep_conv_3x3', 0), ('sep_conv_3x3', 1)], [('skip_connect', 0), ('dil_conv_3x3', 2)]]",
              "[[('max_pool_3x3', 0), ('max_pool_3x3', 1)], [('skip_connect', 2), ('max_pool_3x3', 1)]]",
              genotypes.writer(genotypes.nested)),
    Format("fields", "the four fields of a genotype as a list", genotypes.is_list_of_four, genotypes.read_list_of_four,
           '[[["sep_conv_3x3", 0], ["sep_conv_3x3", 1]], [2], [["max_pool_3x3", 0], ["max_pool_3x3", 1]], [2]]'),
    Format("compact", "NASLib and NAS-Bench-301, (input, operation) by number", benchmarks.is_compact,
           benchmarks.read_compact, "([(0, 3), (1, 3), (0, 2), (2, 5)], [(0, 0), (1, 0), (2, 2), (1, 0)])",
           benchmarks.compact_text),
    Format("enas", "ENAS micro search, 40 whole numbers", benchmarks.is_enas, benchmarks.read_enas,
           "0 2 0 0 0 4 0 1 0 4 1 1 1 0 0 1 0 2 1 1 1 0 1 0 0 3 0 2 1 1 3 1 1 0 0 4 0 3 1 1", benchmarks.enas_text),
    Format("structure", "Structure of AutoDL-Projects", benchmarks.is_structure, benchmarks.read_structure,
           "Structure([(('nor_conv_3x3', 0),), (('nor_conv_3x3', 0), ('skip_connect', 1))])"),
    Format("nasbench201", "NAS-Bench-201 string", benchmarks.is_cell_string, benchmarks.read_cell_string,
           "|nor_conv_3x3~0|+|nor_conv_3x3~0|skip_connect~1|+|none~0|avg_pool_3x3~1|nor_conv_1x1~2|",
           benchmarks.cell_string),
)  # fmt: skip


def format_of(value: Any) -> Format | None:
    """Return the notation of a plain value, or None; numbers, of which a list may hold thousands, have none."""
    return None if isinstance(value, int | float) else next((row for row in FORMATS if row.matches(value)), None)


def not_an_architecture(value: Any) -> ValueError:
    """Return the error for a value that is in no known notation."""
    if isinstance(value, Call):
        return ValueError(f"{value.name[:60]}(…) holds no lists of edges; {ACCEPTED}")
    if isinstance(value, Mapping) and "normal" in value:
        return ValueError(f"the field 'normal' is a {noun(value['normal'])}; accepted: a list of edges")
    if isinstance(value, Mapping):
        found = ", ".join(map(str, list(value)[:8])) or "nothing"
        return ValueError(f"the field 'normal' is missing; found: {found}; {ACCEPTED}")
    return ValueError(f"the text is a {noun(value)}, not an architecture; {ACCEPTED}")
