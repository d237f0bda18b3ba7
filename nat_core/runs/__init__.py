"""Runs: work in a process of its own that is recorded, watched, stopped and resumed.

A run is a value (`run`) of what was asked (`request`), read from its record in MLflow (`tracking`, which rests on
`connection` and `reading`). Its files are below one folder (`folders`): `checkpoints` to go on from, `policies` that
came out. `launching` starts and ends its process (`processes`), and `worker` is what happens inside it. `work` says
what a kind of run is, and `kinds` which there are: `training` and `evaluation`. `elsewhere` is about runs whose files
are on another machine, `estimate` about what a training will take.
"""
