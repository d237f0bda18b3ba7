"""Runs: work in a process of its own that is recorded, watched, stopped and resumed.

A run is a value (`run`) of what was asked (`request`), read from its record (`tracking`) in MLflow (`store`). Its files
are below one folder (`folders`): its log, checkpoints and policies (`artifacts`). A `launcher` starts and ends its
process (`processes`), and `worker` is what happens inside. `work` says what a kind of run is, and `kinds` which there
are. `estimate` says how long a training will take.
"""
