from xml.etree import ElementTree

import pytest

from nat_core.architecture.operations import NAMES, OPERATIONS
from nat_core.architecture.spaces import NASBENCH201_OPERATIONS, NAT_OPERATIONS
from nat_core.architecture.transitions import TYPE_LEVELS, is_legal, legal_targets, type_level
from nat_core.drawing.transitions import covers, draw_transitions, places


def reachable(start, steps):
    found, frontier = {start}, [start]
    while frontier:
        following = {b for a, b in steps if a in frontier} - found
        found |= following
        frontier = list(following)
    return found


@pytest.mark.parametrize("rule", ["nat", "nat++"])
@pytest.mark.parametrize("operations", [NAT_OPERATIONS, NASBENCH201_OPERATIONS, NAMES])
def test_the_smallest_steps_make_up_the_whole_rule(operations, rule):
    steps = covers(operations, rule)
    assert all(is_legal(a, b, rule) for a, b in steps)
    for name in operations:
        assert reachable(name, steps) == set(legal_targets(name, operations, rule))


def test_no_smallest_step_has_another_between():
    steps = covers(NAT_OPERATIONS, "nat++")
    assert ("conv_5x5", "conv_3x3") in steps and ("conv_5x5", "sep_conv_5x5") in steps
    assert ("conv_5x5", "conv_1x1") not in steps and ("conv_5x5", "dil_conv_5x5") not in steps
    assert ("skip_connect", "null") in steps and ("null", "skip_connect") in steps


@pytest.mark.parametrize("operations", [NAT_OPERATIONS, NASBENCH201_OPERATIONS, NAMES])
def test_places_follow_the_traits(operations):
    where = places(operations)
    assert set(where) == set(operations) and len({(p.x, p.y) for p in where.values()}) == len(operations)
    ranked = [name for name in operations if OPERATIONS[name].kind in TYPE_LEVELS]
    for a in ranked:
        for b in ranked:
            one, two = OPERATIONS[a], OPERATIONS[b]
            if type_level(one) < type_level(two):
                assert where[a].y < where[b].y
            if one.kernel > two.kernel and one.kind == two.kind:
                assert where[a].x < where[b].x
    assert all(where["null"].y >= place.y for place in where.values())


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("rule", "count"), [("nat++", 13), ("nat", 3)])
def test_the_drawing_says_what_is_legal(rule, count, theme):
    root = ElementTree.fromstring(draw_transitions(NAT_OPERATIONS, "conv_5x5", rule, theme))
    groups = {group.get("data-choice"): group for group in root if group.get("data-choice")}
    assert set(groups) == set(NAT_OPERATIONS) and all(group.get("id") == f"op-{name}" for name, group in groups.items())
    titles = [group[0].text.partition(": ")[2] for group in groups.values()]
    assert titles.count("chosen") == 1 and titles.count("legal") == count - 1
    assert f"may become {count} operations" in root.get("aria-label")


def test_everything_lies_inside_the_picture():
    root = ElementTree.fromstring(draw_transitions(tuple(NAMES), "conv_7x7"))
    width, height = float(root.get("width")), float(root.get("height"))
    for box in root.iter("{http://www.w3.org/2000/svg}rect"):
        x, y, w, h = (float(box.get(name)) for name in ("x", "y", "width", "height"))
        assert x >= 0 and x + w <= width and y >= 0 and y + h <= height


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((NASBENCH201_OPERATIONS, "conv_5x5"), "'conv_5x5' is not one of the operations: conv_1x1"),
        ((NAT_OPERATIONS, "null", "nat+++"), r"unknown transition rule 'nat\+\+\+'; accepted: nat, nat\+\+$"),
        ((NAT_OPERATIONS, "null", ""), "unknown transition rule ''; accepted: nat, "),
        ((NAT_OPERATIONS, "null", "nat++", "sepia"), "unknown theme 'sepia'; accepted: light, dark"),
    ],
)
def test_what_cannot_be_drawn_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        draw_transitions(*given)
