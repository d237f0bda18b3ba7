import threading

import pytest
import torch

from nat_core.learning.support.threads import in_threads


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_results_keep_their_order_and_have_no_gradient(two_threads):
    weight = torch.ones(3, requires_grad=True)
    found = in_threads(lambda number: number * weight, range(7))
    assert [item.tolist() for item in found] == [[number] * 3 for number in range(7)]
    assert not any(item.requires_grad for item in found)


def test_each_part_has_one_thread_of_torch_and_later_threads_have_all(two_threads):
    assert {threads for _, threads in in_threads(_seen, range(4))} == {1}
    assert torch.get_num_threads() == 2
    later = []
    thread = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert later == [2]


def test_one_part_or_another_device_stays_in_this_thread(two_threads):
    own = threading.get_ident()
    assert in_threads(_seen, range(1)) == [(own, 2)]
    assert in_threads(_seen, range(2), "cuda") == [(own, 2)] * 2
    assert in_threads(_seen, []) == []


def test_an_error_of_a_part_is_raised(two_threads):
    with pytest.raises(ZeroDivisionError):
        in_threads(lambda number: 1 / number, [1, 0, 2])
    assert torch.get_num_threads() == 2


def _seen(_: int) -> tuple[int, int]:
    return threading.get_ident(), torch.get_num_threads()
