from ui.once import once


def test_a_result_is_made_once_per_value_and_arguments():
    made = []

    @once(most=2)
    def doubled(values: list, factor: int = 2) -> list:
        made.append(factor)
        return [factor * value for value in values]

    one, equal = [1], [1]
    assert doubled(one) is doubled(one) and doubled(one) == [2]
    assert doubled(equal) is not doubled(one) and doubled(equal) == [2]
    assert made == [2, 2]
    assert doubled(one, 3) == [3] and made == [2, 2, 3]
    assert doubled(equal) == [2] and len(made) == 3
    assert doubled(one) == [2] and len(made) == 4  # only the last two are kept
