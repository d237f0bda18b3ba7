import collections

Genotype = collections.namedtuple("Genotype", ["normal", "normal_concat", "reduce", "reduce_concat"])

OPERATION_NAMES = [
    "none",
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
]
LATENCY = {"none": 0, "max_pool_3x3": 1}

GENOTYPE = Genotype(
    normal=[
        ("max_pool_3x3", 0),
        ("sep_conv_5x5", 1),
        ("sep_conv_5x5", 1),
        ("max_pool_3x3", 0),
        ("sep_conv_5x5", 1),
        ("sep_conv_5x5", 0),
        ("sep_conv_5x5", 0),
        ("sep_conv_5x5", 2),
    ],
    normal_concat=range(2, 6),
    reduce=[
        ("sep_conv_5x5", 0),
        ("dil_conv_5x5", 1),
        ("sep_conv_5x5", 0),
        ("sep_conv_5x5", 1),
        ("sep_conv_3x3", 1),
        ("sep_conv_5x5", 3),
        ("sep_conv_5x5", 3),
        ("sep_conv_5x5", 4),
    ],
    reduce_concat=range(2, 6),
)
DARTS = GENOTYPE
