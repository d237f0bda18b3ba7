from ui.history import MAX_STEPS, History, Step


def visited(*cells: str) -> History:
    history = History()
    for cell in cells:
        history = history.recorded(f"to {cell}", cell)
    return history


def test_steps_are_undone_and_redone():
    history = visited("a", "b", "c")
    assert history.cell == "c" and not history.can_redo
    back = history.at(history.position - 1)
    assert back.cell == "b" and back.can_undo and back.can_redo
    assert back.at(2) == history
    assert not back.at(0).can_undo


def test_a_new_step_replaces_what_was_undone():
    history = visited("a", "b", "c").at(0).recorded("other", "d")
    assert history.steps == (Step("to a", "a"), Step("other", "d")) and history.position == 1


def test_the_same_cell_again_is_no_step():
    assert visited("a", "a") == visited("a")


def test_positions_beyond_the_ends_are_the_ends():
    history = visited("a", "b")
    assert history.at(-4).position == 0 and history.at(9).position == 1


def test_only_the_last_steps_are_kept():
    history = visited(*map(str, range(MAX_STEPS + 5)))
    assert len(history.steps) == MAX_STEPS and history.cell == str(MAX_STEPS + 4)
    assert history.steps[0].cell == "5"
