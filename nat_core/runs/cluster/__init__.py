"""Runs on a Ray cluster: each is a job, and an evaluation runs its trainings as tasks.

`address` identifies the cluster, `jobs` is the client of its job server, `storage` keeps files for all nodes, and
`progress` is the actor between tasks and their driver. Only runs on a cluster need Ray (requirements-cluster.txt).
"""
