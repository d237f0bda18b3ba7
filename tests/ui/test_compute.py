from ui import compute


def test_a_server_waits_once_while_its_first_page_is_drawn(monkeypatch):
    waited = []
    monkeypatch.setattr(compute.time, "sleep", waited.append)
    compute.wait_while_the_first_page_is_drawn.cache_clear()
    compute.wait_while_the_first_page_is_drawn()
    compute.wait_while_the_first_page_is_drawn()
    assert len(waited) == 1 and 0 < waited[0] <= 1
