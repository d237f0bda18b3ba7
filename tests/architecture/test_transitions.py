import pytest

from nat_core.architecture.operations import NAMES, OPERATIONS
from nat_core.architecture.spaces import NASBENCH201_OPERATIONS, NAT_OPERATIONS
from nat_core.architecture.transitions import is_legal, legal_targets

# NAT++ (arXiv 2102.10301, section 3.2): number of targets of each of the 13 operations.
COUNTS = {
    "conv_5x5": 13, "conv_3x3": 8, "conv_1x1": 3, "sep_conv_5x5": 10, "sep_conv_3x3": 6, "dil_conv_5x5": 8,
    "dil_conv_3x3": 5, "avg_pool_5x5": 6, "avg_pool_3x3": 4, "max_pool_5x5": 6, "max_pool_3x3": 4,
    "skip_connect": 2, "null": 2,
}  # fmt: skip


@pytest.mark.parametrize(("operation", "count"), COUNTS.items())
def test_number_of_targets_in_the_nat_spaces(operation, count):
    assert len(legal_targets(operation, NAT_OPERATIONS)) == count


def test_targets_by_name():
    assert set(legal_targets("conv_3x3", NAT_OPERATIONS)) == {
        "conv_3x3", "conv_1x1", "sep_conv_3x3", "dil_conv_3x3", "max_pool_3x3", "avg_pool_3x3", "skip_connect", "null",
    }  # fmt: skip
    assert set(legal_targets("skip_connect", NAT_OPERATIONS)) == {"skip_connect", "null"}


@pytest.mark.parametrize(
    ("operation", "targets"),
    [
        ("conv_3x3", {"conv_3x3", "conv_1x1", "avg_pool_3x3", "skip_connect", "null"}),
        ("conv_1x1", {"conv_1x1", "skip_connect", "null"}),
        ("avg_pool_3x3", {"avg_pool_3x3", "skip_connect", "null"}),
        ("skip_connect", {"skip_connect", "null"}),
        ("null", {"skip_connect", "null"}),
    ],
)
def test_targets_in_nasbench201(operation, targets):
    assert set(legal_targets(operation, NASBENCH201_OPERATIONS)) == targets


def test_nat_allows_staying_skip_and_null_only():
    for operation in NAT_OPERATIONS:
        assert set(legal_targets(operation, NAT_OPERATIONS, "nat")) == {operation, "skip_connect", "null"}


def test_an_operation_outside_the_space_may_stay_or_step_into_it():
    assert set(legal_targets("sep_conv_7x7", NAT_OPERATIONS)) == {
        "sep_conv_7x7", "sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5",
        "max_pool_3x3", "max_pool_5x5", "avg_pool_3x3", "avg_pool_5x5", "skip_connect", "null",
    }  # fmt: skip
    assert "conv_3x3" not in legal_targets("conv_1x7_7x1", NAT_OPERATIONS)


def test_no_kernel_grows_and_no_type_climbs():
    for source in NAMES:
        for target in NAMES:
            if is_legal(source, target) and target not in (source, "skip_connect", "null"):
                assert OPERATIONS[target].kernel <= OPERATIONS[source].kernel
                assert not (OPERATIONS[source].kind.is_pooling and not OPERATIONS[target].kind.is_pooling)


def test_a_dilated_separable_convolution_stands_between_separable_and_dilated():
    assert is_legal("sep_conv_5x5", "dil_sep_conv_5x5") and not is_legal("dil_sep_conv_5x5", "sep_conv_5x5")
    assert is_legal("dil_sep_conv_5x5", "dil_conv_3x3") and not is_legal("dil_conv_5x5", "dil_sep_conv_5x5")
    assert set(legal_targets("dil_sep_conv_3x3", NAT_OPERATIONS)) == {
        "dil_sep_conv_3x3", "dil_conv_3x3", "max_pool_3x3", "avg_pool_3x3", "skip_connect", "null",
    }  # fmt: skip
    assert len(legal_targets("dil_sep_conv_5x5", NAT_OPERATIONS)) == 9


def test_a_published_result_outside_the_rule_is_recognised():
    assert not is_legal("conv_1x1", "max_pool_3x3")


def test_an_unknown_rule_is_refused():
    with pytest.raises(ValueError, match=r"unknown transition rule 'nat3'; accepted: nat, nat\+\+"):
        legal_targets("null", NAT_OPERATIONS, "nat3")


@pytest.mark.parametrize("rule", ["", "NAT", "nat+", None, []])
def test_an_unknown_rule_is_named_wherever_it_is_asked_for(rule):
    for ask in (lambda: is_legal("null", "null", rule), lambda: legal_targets("null", ["null"], rule)):
        with pytest.raises(ValueError, match=r"unknown transition rule .*; accepted: nat, nat\+\+$"):
            ask()
