"""Runs on a Ray cluster: each is a job, and an evaluation spreads its trainings over tasks.

`address` says which cluster is meant, `jobs` speaks with its job server, `storage` keeps what all nodes must see, and
at the `desk` tasks and their driver meet. Ray is needed only where a cluster is asked for (requirements-cluster.txt).
"""
