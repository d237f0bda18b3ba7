import os
import random
import subprocess
import sys
import time
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from pygraphviz import AGraph

from nat_core.architecture.cell import Architecture, Cell, Edge
from nat_core.architecture.difference import difference
from nat_core.architecture.library import library
from nat_core.architecture.operations import NAMES
from nat_core.drawing.cells import (
    FORMATS,
    draw_architecture,
    draw_cell,
    draw_difference,
    draw_overlay,
    draw_pair,
)
from nat_core.drawing.palette import NODE_FILLS, THEMES, mix, operation_color
from tests.support.strategies import cells

SVG = "{http://www.w3.org/2000/svg}"
DARTS = library()["DARTS_V2"].architecture
BENCH = Cell(
    1,
    4,
    (
        Edge("conv_3x3", 0, 1),
        Edge("null", 0, 2),
        Edge("skip_connect", 1, 2),
        Edge("conv_1x1", 0, 3),
        Edge("null", 1, 3),
        Edge("avg_pool_3x3", 2, 3),
    ),
    (3,),
    "sum",
)
# Node 2 is dead: it feeds only node 4, which is no output. Two parallel edges enter it.
DEAD = Cell(
    2,
    5,
    (Edge("sep_conv_3x3", 0, 2), Edge("max_pool_3x3", 0, 2), Edge("conv_1x1", 2, 4), Edge("skip_connect", 1, 3)),
    (3,),
)


def groups(svg: bytes | str) -> dict[str, ElementTree.Element]:
    root = ElementTree.fromstring(svg)
    found = [group for group in root.iter(f"{SVG}g") if group.get("id")]
    assert len({group.get("id") for group in found}) == len(found)
    return {group.get("id"): group for group in found}


def title(group: ElementTree.Element) -> str:
    return group.find(f"{SVG}title").text


def text(group: ElementTree.Element) -> str:
    return " ".join("".join(element.itertext()) for element in group.iter(f"{SVG}text"))


def line(group: ElementTree.Element) -> ElementTree.Element:
    """An edge's spline; the label's outline comes after it."""
    return next(path for path in group.iter(f"{SVG}path") if path.get("fill") == "none")


@pytest.mark.parametrize("name", ["DARTS_V2", "ENAS", "NAONet"])
def test_every_node_and_edge_has_its_id_label_and_title(name):
    for cell_name, cell in library()[name].architecture.cells:
        found = groups(draw_cell(cell, name=cell_name))
        expected = {f"{cell_name}-node-{node}" for node in range(cell.nodes)} | {f"{cell_name}-node-output"}
        expected |= {f"{cell_name}-edge-{i}" for i in range(len(cell.edges))}
        expected |= {f"{cell_name}-output-{node}" for node in cell.output_nodes}
        assert set(found) == expected
        for i, edge in enumerate(cell.edges):
            group = found[f"{cell_name}-edge-{i}"]
            assert text(group) == edge.traits.short_label
            assert title(group).startswith(f"{edge.operation}: ")
            assert title(group).endswith(f" → {edge.target - 2}")
            assert group.get("data-edge") == str(i)
            assert group.get("data-operation") == edge.operation


def test_an_input_in_the_output_has_its_line_and_its_name():
    cell = Cell(2, 4, (Edge("conv_3x3", 0, 2), Edge("dil_sep_conv_3x3", 1, 3)), (0, 3))
    found = groups(draw_cell(cell))
    assert title(found["normal-output-0"]) == "node cₖ₋₂ is part of the output"
    assert title(found["normal-node-output"]).endswith("concatenation of nodes cₖ₋₂, 1")
    assert text(found["normal-edge-1"]) == "dil sep 3×3"
    changed = cell.with_operations(["null", "dil_conv_3x3"])
    assert all("normal-output-0" in drawing for drawing in draw_pair(cell, changed))


def test_nodes_are_labelled_and_coloured_as_in_the_papers():
    found = groups(draw_cell(DARTS.normal))
    labels = {identity: text(group) for identity, group in found.items() if "-node-" in identity}
    assert labels == {
        "normal-node-0": "ck-2",
        "normal-node-1": "ck-1",
        **{f"normal-node-{n}": str(n - 2) for n in range(2, 6)},
        "normal-node-output": "ck",
    }
    for node, role in ((0, "input"), (3, "intermediate"), ("output", "output")):
        shape = next(found[f"normal-node-{node}"].iter(f"{SVG}path"))
        assert shape.get("fill").upper() == NODE_FILLS[role]


def test_a_single_input_is_the_last_cell():
    assert text(groups(draw_cell(BENCH))["normal-node-0"]) == "ck-1"


@pytest.mark.parametrize("theme", THEMES)
def test_lines_have_the_colour_of_their_kind(theme):
    found = groups(draw_cell(BENCH, theme=theme))
    for i, edge in enumerate(BENCH.edges):
        color = THEMES[theme].null if edge.is_null else operation_color(edge.operation)
        assert line(found[f"normal-edge-{i}"]).get("stroke").upper() == color
        assert (line(found[f"normal-edge-{i}"]).get("stroke-dasharray") is not None) == edge.is_null


def test_null_edges_can_be_left_out():
    found = groups(draw_cell(BENCH, show_null=False))
    assert "normal-edge-1" not in found
    assert "normal-edge-2" in found
    assert "null" not in draw_cell(BENCH, "dot", show_null=False).decode()


def test_dead_parts_fade_and_say_so():
    found = groups(draw_cell(DEAD))
    dead = {identity for identity, group in found.items() if "dead" in title(group)}
    assert dead == {"normal-node-2", "normal-node-4", "normal-edge-0", "normal-edge-1", "normal-edge-2"}
    assert line(found["normal-edge-0"]).get("stroke").upper() == mix(operation_color("sep_conv_3x3"), "#FFFFFF", 0.4)


def test_parallel_edges_are_apart():
    found = groups(draw_cell(DEAD))
    assert line(found["normal-edge-0"]).get("d") != line(found["normal-edge-1"]).get("d")
    boxes = [label_box(found[f"normal-edge-{i}"]) for i in (0, 1)]
    assert not overlap(*boxes)


def label_box(group: ElementTree.Element) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of an edge's label."""
    outline = [path for path in group.iter(f"{SVG}path") if path.get("fill") != "none"][-1]
    points = [tuple(map(float, point.split(","))) for point in outline.get("d").replace("C", " ").strip("M").split()]
    xs, ys = zip(*points, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def overlap(one, other) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


@pytest.mark.parametrize("name", library())
def test_labels_of_published_cells_never_overlap(name):
    for _, cell in library()[name].architecture.cells:
        found = groups(draw_cell(cell))
        boxes = [label_box(group) for identity, group in found.items() if "-edge-" in identity]
        boxes += [label_box(group) for identity, group in found.items() if "-node-" in identity]
        assert not [1 for i, one in enumerate(boxes) for other in boxes[:i] if overlap(one, other)]


def shapes(group: ElementTree.Element) -> str:
    return next(group.iter(f"{SVG}path")).get("d")


@pytest.mark.parametrize(("before", "after"), [("DARTS", "NATv2_DARTS"), ("ENAS", "NAT_ENAS"), ("DARTS", "PDARTS")])
def test_a_pair_shares_one_frozen_layout(before, after):
    for (name, cell), (_, other) in zip(
        library()[before].architecture.cells, library()[after].architecture.cells, strict=True
    ):
        svgs = draw_pair(cell, other, name)
        left, right = (groups(svg) for svg in svgs)
        boxes = [ElementTree.fromstring(svg).get("viewBox") for svg in svgs]
        assert boxes[0] == boxes[1]
        for node in (*range(cell.nodes), "output"):
            assert shapes(left[f"before-{name}-node-{node}"]) == shapes(right[f"after-{name}-node-{node}"])
        if before != "DARTS" or after != "PDARTS":  # the same topology: every line lies where it lay
            for i in range(len(cell.edges)):
                assert line(left[f"before-{name}-edge-{i}"]).get("d") == line(right[f"after-{name}-edge-{i}"]).get("d")


BEFORE = Cell(
    2,
    4,
    (Edge("sep_conv_3x3", 0, 2), Edge("conv_3x3", 1, 2), Edge("null", 0, 3), Edge("skip_connect", 2, 3)),
    (2, 3),
)
AFTER = BEFORE.with_operations(("dil_conv_3x3", "null", "skip_connect", "skip_connect"))


@pytest.mark.parametrize("theme", THEMES)
def test_changes_show_in_colour_words_weight_and_dashes(theme):
    found = groups(draw_pair(BEFORE, AFTER, theme=theme)[1])
    marks = [found[f"after-normal-edge-{i}"] for i in range(4)]
    kinds = ["changed", "removed", "added", "unchanged"]
    assert [mark.get("data-change") for mark in marks] == kinds
    assert [line(mark).get("stroke").upper() for mark in marks] == [THEMES[theme].changes[kind] for kind in kinds]
    assert [text(mark) for mark in marks] == ["sep 3×3 → dil 3×3", "conv 3×3 → null", "null → skip", "skip"]
    assert [line(mark).get("stroke-dasharray") is not None for mark in marks] == [False, True, False, False]
    assert float(line(marks[0]).get("stroke-width")) > float(line(marks[3]).get("stroke-width"))
    assert title(marks[0]) == "sep_conv_3x3 → dil_conv_3x3: cₖ₋₂ → 0 (changed)"


def test_the_first_of_a_pair_shows_its_own_operations():
    found = groups(draw_pair(BEFORE, AFTER)[0])
    assert [text(found[f"before-normal-edge-{i}"]) for i in range(4)] == ["sep 3×3", "conv 3×3", "null", "skip"]
    assert title(found["before-normal-edge-0"]).endswith("becomes dil_conv_3x3")


def test_edges_that_only_one_cell_has():
    smaller = Cell(2, 4, BEFORE.edges[:1] + BEFORE.edges[3:], (2, 3))
    left, right = (groups(svg) for svg in draw_pair(BEFORE, smaller))
    assert "before-normal-edge-1" in left
    assert title(right["after-normal-removed-1"]) == "conv_3x3 → absent: cₖ₋₁ → 0 (removed)"
    left, right = (groups(svg) for svg in draw_pair(smaller, BEFORE))
    assert right["after-normal-edge-1"].get("data-change") == "added"
    assert not any(group.get("data-change") == "added" for group in left.values())


def test_an_overlay_is_one_drawing_with_plain_ids():
    found = groups(draw_overlay(BEFORE, AFTER))
    assert text(found["normal-edge-0"]) == "sep 3×3 → dil 3×3"


def test_an_architecture_has_titled_cells_the_normal_one_on_top():
    svg = draw_architecture(DARTS)
    found = groups(svg)
    assert text(found["normal-cell"]) == "Normal cell"
    assert text(found["reduction-cell"]) == "Reduction cell"
    heights = [label_box(found[f"{name}-node-output"])[1] for name in ("normal", "reduction")]
    assert heights[0] < heights[1]
    assert {f"reduction-edge-{i}" for i in range(8)} < set(found)


def test_inputs_stand_in_order_above_each_other():
    for name, cell in DARTS.cells:
        found = groups(draw_cell(cell, name=name))
        older, newer = (label_box(found[f"{name}-node-{node}"]) for node in (0, 1))
        assert older[0] == newer[0]
        assert older[3] < newer[1]


def test_an_svg_stands_alone_inside_html():
    fixed, responsive = draw_cell(DARTS.normal).decode(), draw_cell(DARTS.normal, responsive=True).decode()
    assert fixed.startswith("<svg ")
    assert "xlink" not in fixed
    assert "href" not in fixed
    root, flexible = ElementTree.fromstring(fixed), ElementTree.fromstring(responsive)
    assert root.get("width").endswith("pt")
    assert (flexible.get("width"), flexible.get("height")) == ("100%", None)
    assert flexible.get("viewBox") == root.get("viewBox")
    assert root.get("aria-label") == "normal cell"


@pytest.mark.parametrize(("format", "magic"), [("png", b"\x89PNG\r\n\x1a\n"), ("pdf", b"%PDF-")])
def test_files(format, magic):
    small, large = draw_cell(BENCH, format), draw_architecture(DARTS, format)
    assert small.startswith(magic)
    assert large.startswith(magic)
    assert len(large) > len(small) > 4000


def test_dot_is_a_graph_of_the_cell():
    graph = AGraph(string=draw_cell(DARTS.normal, "dot").decode())
    assert (graph.number_of_nodes(), graph.number_of_edges()) == (7, 8 + 4)
    assert len(AGraph(string=draw_architecture(DARTS, "dot").decode()).subgraphs()) == 2


@settings(max_examples=25, deadline=None)
@given(cells(), cells())
def test_any_two_cells_can_be_drawn(before, after):
    assert len(groups(draw_cell(before))) == before.nodes + 1 + len(before.edges) + len(before.output_nodes)
    left, right = (groups(svg) for svg in draw_pair(before, after))
    assert {f"before-normal-edge-{i}" for i in range(len(before.edges))} <= set(left)
    assert {f"after-normal-edge-{i}" for i in range(len(after.edges))} <= set(right)


def test_the_largest_cell_is_drawn_in_reasonable_time():
    draw = random.Random(0)
    ends = [(source, target) for target in range(2, 20) for source in range(target)]
    ends += draw.choices(ends, k=200 - len(ends))
    cell = Cell(2, 20, tuple(Edge(draw.choice(NAMES), *pair) for pair in ends), tuple(range(2, 20)))
    start = time.process_time()
    assert len(groups(draw_cell(cell))) == 21 + 200 + 18
    assert time.process_time() - start < 6  # about 1.2 s on a quiet core


def test_no_dot_on_the_path_and_nothing_spawned():
    code = (
        "import sys; sys.addaudithook(lambda event, _: event in ('subprocess.Popen', 'os.fork', 'os.posix_spawn', "
        "'os.system') and sys.exit(event)); "
        "from nat_core.architecture import library; from nat_core.drawing import cells; "
        "cell = library.library()['DARTS'].architecture.normal; "
        "print([len(cells.draw_cell(cell, format)) > 1000 for format in cells.FORMATS])"
    )
    environment = {**os.environ, "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == str([True] * len(FORMATS)), done.stderr


def test_a_machine_without_fonts_is_told(tmp_path):
    fonts = tmp_path / "fonts.conf"
    fonts.write_text('<?xml version="1.0"?><fontconfig><dir>/nowhere</dir></fontconfig>')
    code = (
        "from nat_core.architecture import library; from nat_core.drawing import cells; "
        "cell = library.library()['DARTS'].architecture.normal; "
        "print('sep 3×3' in cells.draw_cell(cell).decode(), cells.draw_cell(cell, 'png')[:4])"
    )
    environment = {**os.environ, "FONTCONFIG_FILE": str(fonts)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == r"True b'\x89PNG'"
    assert "no font is installed" in done.stderr


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"format": "gif"}, "unknown drawing format 'gif'; accepted: svg, png, pdf, dot"),
        ({"theme": "blue"}, "unknown theme 'blue'; accepted: light, dark"),
        ({"name": '"><script>'}, "letters, digits and hyphens"),
    ],
)
def test_bad_arguments_are_explained(options, problem):
    with pytest.raises(ValueError, match=problem):
        draw_cell(BENCH, **options)


def test_equal_cells_are_drawn_once():
    again = Architecture(DARTS.normal.with_operations(DARTS.normal.operations)).normal
    assert draw_cell(DARTS.normal) is draw_cell(again)


def test_colours_mix():
    assert mix("#FF0000", "#FFFFFF", 0.5) == "#FF8080"
    assert mix("#123456", "#FFFFFF", 1) == "#123456"


def test_a_difference_shows_both_cells_with_their_changes():
    before, after = library()["VGG"].architecture, library()["NATv2_VGG"].architecture
    found = groups(draw_difference(before, after))
    changes = difference(before, after)
    assert {change.cell for change in changes} == {"normal", "reduction"}
    assert {f"{change.cell}-edge-{change.position_after}" for change in changes} <= set(found)
    assert len(AGraph(string=draw_difference(before, after, "dot").decode()).subgraphs()) == 2
    with pytest.raises(ValueError, match="has a reduction cell"):
        draw_difference(before, Architecture(BENCH))
