from nat_core.runs.logs import errors_of

LINES = """2026-01-01 00:00:00  process 7 on here: a
2026-01-01 00:00:01  step 1/3  number 0.5
2026-01-01 00:00:02  Traceback (most recent call last):
  File "x.py", line 1, in <module>
ValueError: numbers
2026-01-01 00:00:03  failed: numbers ran out
2026-01-01 00:00:04  step 2/3  number 1""".splitlines()


def test_errors_are_whole_tracebacks_and_sentences():
    assert errors_of(LINES) == LINES[2:6]


def test_a_log_without_errors_has_none():
    assert errors_of(LINES[:2]) == errors_of([]) == []
