"""Runs: work in a process of its own that is recorded, watched, stopped and resumed.

What a run is lives in MLflow (`tracking`) and in its checkpoint (`checkpoints`); `launching` starts and ends its
process, `running` is what happens inside it, `kinds` says what work there is.
"""
