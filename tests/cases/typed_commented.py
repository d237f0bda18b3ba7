X: Genotype = Genotype(  # found at epoch 49
    normal=[
        ("sep_conv_3x3", 0),
        ("sep_conv_3x3", 1),  # node 2
    ],
    normal_concat=range(2, 3),
    reduce=[("max_pool_3x3", 0), ("max_pool_3x3", 1)],
    reduce_concat=range(2, 3),
)
