import json
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nat_core.architecture.cell import Edge
from nat_core.architecture.library import library
from nat_core.architecture.notation import Document, expressible, overview, parse, shortest, write
from nat_core.architecture.notation.formats import FORMATS
from nat_core.architecture.notation.refusals import REFUSALS
from nat_core.paths import PROJECT
from tests.support.strategies import architectures, sampled_architectures

DARTS = library()["DARTS"].architecture
NASBENCH = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|skip_connect~1|nor_conv_1x1~2|"


@given(architectures())
@settings(max_examples=300, deadline=None)
def test_every_notation_that_can_express_an_architecture_gives_it_back(architecture):
    names = expressible(architecture)
    assert "json" in names
    for name in names:
        assert parse(write(architecture, name)) == architecture
    assert parse(shortest(architecture)) == architecture


@given(sampled_architectures())
@settings(deadline=None)
def test_each_space_is_written_in_its_customary_notations(architecture):
    customary = (
        {"genotype", "pairs", "reversed", "nested", "json", "nni"}
        if architecture.reduction
        else {"nasbench201", "json"}
    )
    written = set(expressible(architecture))
    assert written - {"compact", "enas", "nni"} == customary - {"nni"}
    if architecture.reduction and architecture.normal.output == (2, 3, 4, 5) == architecture.reduction.output:
        assert "nni" in written


@pytest.mark.parametrize("name", library())
@pytest.mark.parametrize("notation", ["genotype", "pairs", "reversed", "nested", "json"])
def test_the_library_round_trips(name, notation):
    architecture = library()[name].architecture
    assert parse(write(architecture, notation)) == architecture


def test_the_notations_in_the_wild_are_told_apart():
    edges = "[('sep_conv_3x3', 0), ('none', 1), ('dua_sepc_3x3', 2), ('skip_connect', 0)]"
    pairs = f"Genotype(normal={edges}, normal_concat=range(2, 4), reduce={edges}, reduce_concat=[2, 3])"
    architecture = parse(pairs)
    assert architecture.normal.edges == (
        Edge("sep_conv_3x3", 0, 2), Edge("null", 1, 2), Edge("sep_conv_3x3", 2, 3), Edge("skip_connect", 0, 3),
    )  # fmt: skip
    spellings = [
        f"DARTS_X = {pairs}",
        f'"""Docstring."""\nfrom collections import namedtuple\nGenotype = namedtuple("Genotype", "a")\nX = {pairs}\n',
        f"genotypes.Genotype({edges}, range(2, 4), {edges}, range(2, 4))",
        pairs.replace("range(2, 4)", "list(range(2, 4))"),
        f"{{'normal': {edges}, 'normal_concat': [2, 3], 'reduce': {edges}, 'reduce_concat': range(2, 4)}}",
        json.dumps({"normal": architecture.normal.edges, "normal_concat": [2, 3],
                    "reduction": architecture.reduction.edges, "reduction_concat": [2, 3]}),
    ]  # fmt: skip
    for spelling in [*spellings, *(write(architecture, name) for name in expressible(architecture))]:
        assert parse(spelling) == architecture


def test_fairdarts_nodes_without_edges_are_left_out_of_the_output():
    edges = "[('sep_conv_3x3', 2, 0), ('max_pool_3x3', 4, 1), ('skip_connect', 4, 2)]"
    text = f"Genotype(normal={edges}, normal_concat=range(2, 6), reduce={edges}, reduce_concat=range(2, 6))"
    assert parse(text).normal.edges[1] == Edge("max_pool_3x3", 1, 4)
    assert parse(text).normal.output_nodes == (2, 4)
    assert "reversed" in expressible(parse(text)) and "pairs" not in expressible(parse(text))


def test_nasbench201_strings():
    cell = parse(NASBENCH).normal
    assert (cell.inputs, cell.nodes, cell.output, cell.combine) == (1, 4, (3,), "sum")
    assert [edge[1:] for edge in cell.edges] == [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)]
    assert write(parse(f"'{NASBENCH}'"), "nasbench201") == NASBENCH


def test_a_notation_that_cannot_express_it_names_those_that_can():
    with pytest.raises(ValueError, match="'pairs' cannot express this architecture; these can: nasbench201, json"):
        write(parse(NASBENCH), "pairs")
    with pytest.raises(ValueError, match=r"unknown notation 'yaml'; accepted: genotype"):
        write(DARTS, "yaml")


ROW = "[('sep_conv_3x3', 0, 2), ('conv_3x3', 1, 2)]"


def genotype(normal=ROW, concat="[2]"):
    return f"Genotype(normal={normal}, normal_concat={concat}, reduce={ROW}, reduce_concat=[2])"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the text is empty; accepted: Genotype"),
        ("x" * 1_000_000, "1,000,000 bytes; at most 65,536"),
        ("(" * 60_000, "nested deeper than 12"),
        ("-" * 60_000, "the text holds no architecture"),
        ("1" + "+1" * 30_000, "accepted"),
        ("Genotype(normal=[", "line 1, column"),
        ("__import__('os').system('true')", "the text holds no architecture"),
        ("[x for x in range(3)]", "is a list, not an architecture"),
        ("{**{}}", "the field 'normal' is missing; found: nothing"),
        ('{"normal": NaN}', "the field 'normal' is a missing value"),
        ('{"normal": [["conv_3x3", 0, 2]]}', "the field 'normal_concat' is missing"),
        ("42", "the text holds no architecture"),
        ("import os", "the text holds no architecture"),
        (f"A = {genotype()}\nB = {genotype()}", r"holds 2 architectures \(A, B\)"),
        (genotype(concat="range(10**9)"), r"line 1, column \d+: '\*' is found where a comma"),
        (genotype(concat="range(0, 99999)"), "range needs one or two whole numbers"),
        (genotype(concat="[2.0]"), r"normal_concat\[0\]: the node is 2.0"),
        (genotype(concat="[True]"), "the node is True"),
        (genotype(concat="[1]"), "normal cell: no intermediate node of the output"),
        (genotype("[('sep_conv_4x4', 0, 2)]"), r"normal\[0\]: unknown operation 'sep_conv_4x4'"),
        (
            genotype("[('conv_3x3', 0, 2), ('conv_3x3', 3, 2)]"),
            r"normal\[1\] \(conv_3x3\): source 3 → target 2 would make",
        ),
        (genotype("[('conv_3x3', 2, 2)]"), "would make a cycle"),
        (genotype("[('conv_3x3', 0, 2), ('conv_3x3', 1)]"), r"normal\[1\] is \['conv_3x3', 1\]; accepted"),
        (genotype("[('conv_3x3', 0)]"), "accepted: two per node"),
        (genotype("[(3, 0, 2)]"), "the operation is 3; accepted: its name"),
        (genotype("[('conv_3x3', 0, 999)]"), "the node is 999; accepted: a whole number from 0 to 19"),
        (genotype("'abc'"), "normal is a string; accepted: a list of edges"),
        (genotype("[('conv_3x3', 0, 2)] * 9"), r"line 1, column 38: '\*' is found where a comma"),
        (genotype(str([["conv_3x3", 0, 2]] * 201)), "201 edges; at most 200"),
        ("Genotype(1, 2, 3, 4, 5)", r"Genotype\(…\) holds no lists of edges"),
        (f"Genotype({ROW}, [2], {ROW}, [2], 5)", "Genotype has 5 values; accepted: normal"),
        (f"Genotype({ROW}, normal={ROW})", "gives a field by place and by name"),
        ('{"normal": {"inputs": 2}}', "the normal cell needs exactly the fields inputs, nodes, edges"),
        (
            '{"normal": {"inputs": "2", "nodes": 3, "edges": [], "output": [], "combine": "sum"}}',
            "normal.inputs is a string",
        ),
        ("|none~0|+|none~0", "group 2 is '|none~0'"),
        ("|none~0|+|none~0|none~x|", "group 2, edge 1 is 'none~x'; accepted: operation~source"),
        ("|none~1|", "source 1 → target 1 must satisfy"),
        ("|conv~0|", "group 1, edge 0: unknown operation 'conv'"),
    ],
)
def test_bad_text_is_refused_with_its_place_and_what_is_accepted(text, message):
    with pytest.raises(ValueError, match=message) as caught:
        parse(text)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600


PIECES = [
    "",
    "",
    *"()[]',|~09-{é\\\n\x00",
    "none",
    "null",
    "range(",
    "1e999",
    "lambda: 0",
    "__import__('os').system('true')",
]


def mutate(text: str, rng: random.Random) -> str:
    """`text` with a few characters or a slice deleted, doubled, swapped in, or replaced."""
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        i, j = sorted((rng.randrange(len(text) + 1), rng.randrange(len(text) + 1)))
        j = min(j, i + rng.choice([0, 1, 1, 1, 2, 10, 200]))
        text = text[:i] + rng.choice([*PIECES, text[i:j] * 2]) + text[j:]
    return text


def test_ten_thousand_mutated_texts_are_parsed_or_refused(monkeypatch):
    def forbidden(*_args, **_kwargs):
        raise AssertionError("text was executed")

    for name in ("builtins.eval", "builtins.exec", "os.system"):
        monkeypatch.setattr(name, forbidden)
    rng = random.Random(0)
    seeds = [
        write(entry.architecture, name)
        for entry in library().values()
        for name in ("genotype", "pairs", "nested", "json")
    ]
    seeds += [NASBENCH] * 40
    parsed = slowest = 0
    for _ in range(10_000):
        text = mutate(rng.choice(seeds), rng)
        start = time.perf_counter()
        try:
            parse(text)
            parsed += 1
        except ValueError as error:
            assert str(error).strip() and "\n" not in str(error)
        slowest = max(slowest, time.perf_counter() - start)
    assert 100 < parsed < 9_900
    assert slowest < 2


@given(st.text(max_size=300))
@settings(max_examples=500, deadline=None)
def test_any_text_is_parsed_or_refused(text):
    try:
        parse(text)
    except ValueError as error:
        assert str(error)


@pytest.mark.parametrize("row", FORMATS, ids=lambda row: row.name)
def test_the_example_of_a_notation_is_read_as_that_notation(row):
    found = Document(row.example).one()
    assert found.notation == row.name
    if row.write:
        assert parse(row.write(found.architecture)) == found.architecture


@pytest.mark.parametrize("row", REFUSALS, ids=lambda row: row.name)
@pytest.mark.parametrize("around", ["{}", "arch = {}", "12-30 20:37 genotype: {}", "```\n{}\n```"])
def test_the_example_of_a_refused_format_is_refused_by_its_name(row, around):
    with pytest.raises(ValueError) as caught:
        Document(around.format(row.example)).one()
    assert row.name in str(caught.value) and row.reason in str(caught.value)


def test_the_page_of_notations_is_made_from_the_tables():
    page = (PROJECT / "docs" / "notations.md").read_text(encoding="utf-8")
    assert page == overview.markdown(), "python -m nat_core notations --markdown > docs/notations.md"
    assert all(row.title in overview.plain() for row in FORMATS)
