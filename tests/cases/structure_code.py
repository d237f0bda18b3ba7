X = Structure(
    [
        (("nor_conv_3x3", 0),),
        (("nor_conv_3x3", 0), ("nor_conv_3x3", 1)),
        (("skip_connect", 0), ("nor_conv_3x3", 1), ("nor_conv_3x3", 2)),
    ]
)
