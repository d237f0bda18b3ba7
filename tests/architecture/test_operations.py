import pytest

from nat_core.architecture.operations import INDEX, NAMES, OPERATIONS, Kind, canonical_name


def test_the_table_names_each_operation_by_its_traits():
    assert OPERATIONS["sep_conv_5x5"].kernel == 5
    assert OPERATIONS["dil_conv_3x3"].dilation == 2
    assert OPERATIONS["dil_sep_conv_7x7"].dilation == 2 and OPERATIONS["dil_sep_conv_7x7"].kind is Kind.SEP_CONV
    assert OPERATIONS["conv_7x1_1x7"].tall_first and not OPERATIONS["conv_1x7_7x1"].tall_first
    assert OPERATIONS["max_pool_2x2"].kind is Kind.MAX_POOL and OPERATIONS["max_pool_2x2"].kind.is_pooling
    assert [NAMES[INDEX[name]] for name in NAMES] == list(NAMES)


@pytest.mark.parametrize(
    ("name", "label"),
    [("sep_conv_3x3", "sep 3×3"), ("max_pool_5x5", "max 5×5"), ("conv_1x7_7x1", "1×7 7×1"),
     ("conv_3x1_1x3", "3×1 1×3"), ("dil_conv_5x5", "dil 5×5"),
     ("dil_sep_conv_5x5", "dil sep 5×5"), ("skip_connect", "skip"), ("null", "null")],
)  # fmt: skip
def test_short_labels(name, label):
    assert OPERATIONS[name].short_label == label


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("none", "null"),
        ("null", "null"),
        ("Zero", "null"),
        ("identity", "skip_connect"),
        ("skipconnect", "skip_connect"),
        ("nor_conv_3x3", "conv_3x3"),
        ("nor_conv_7x7", "conv_7x7"),
        ("CONV3x3", "conv_3x3"),
        ("sepconv5x5", "sep_conv_5x5"),
        ("dua_sepc_5x5", "sep_conv_5x5"),
        ("dil_sepc_3x3", "dil_conv_3x3"),
        ("maxpool", "max_pool_3x3"),
        ("dil_sep_conv_5x5", "dil_sep_conv_5x5"),
        ("conv_1x7_7x1", "conv_1x7_7x1"),
    ],
)
def test_other_spellings_are_understood(alias, name):
    assert canonical_name(alias) == name


def test_no_two_labels_are_alike():
    assert len({operation.short_label for operation in OPERATIONS.values()}) == len(OPERATIONS)


def test_an_unknown_name_is_refused_with_the_nearest_or_all():
    with pytest.raises(ValueError, match="did you mean sep_conv_3x3"):
        canonical_name("sep_cnv_3x3")
    with pytest.raises(ValueError, match="accepted: conv_1x1, conv_3x3"):
        canonical_name("quux" * 5000)


@pytest.mark.parametrize("name", ["conv_9x9", "conv_3x5", "sep_conv_1x1", "maxpool_9x9", "conv3x3-bn-relu", "skip_2"])
def test_a_spelling_of_no_operation_is_not_stretched_to_one(name):
    with pytest.raises(ValueError, match="unknown operation"):
        canonical_name(name)
