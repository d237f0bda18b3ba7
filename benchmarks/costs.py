"""How long costs take: `python -m benchmarks.costs`. Prints times, asserts nothing."""

import platform
import random
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import torch

from nat_core.architecture.library import library
from nat_core.architecture.operations import NAMES
from nat_core.architecture.spaces import NASBENCH201_OPERATIONS, SPACES
from nat_core.network.config import NETWORKS
from nat_core.network.costs import cost_model, measure
from nat_core.network.networks import build_network


def machine() -> str:
    """One line about what the times were taken on."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    cpu = models[0] if models else platform.processor() or platform.machine()
    return f"{cpu}, {torch.get_num_threads()} thread(s), Python {platform.python_version()}, torch {torch.__version__}"


def seconds(task: Callable[[], Any], times: int = 1) -> float:
    """Mean duration of `task` in seconds."""
    start = time.perf_counter()
    for _ in range(times):
        task()
    return (time.perf_counter() - start) / times


def all_nasbench201_costs() -> int:
    """Cost every NAS-Bench-201 cell, building its value included; returns how many."""
    model, topology = cost_model(NETWORKS["nasbench201"]), SPACES["nasbench201"].sample(random.Random(0))
    return len([model.cost(topology.with_operations(names)) for names in product(NASBENCH201_OPERATIONS, repeat=6)])


def main() -> None:
    torch.set_num_threads(1)
    darts, config = library()["DARTS"].architecture, NETWORKS["cifar"]
    model = cost_model(config)
    image = (1, 3, config.resolution, config.resolution)
    print(machine())
    print(f"DARTS on {config.description}")
    print(f"  first cost, nothing measured yet    {seconds(lambda: model.cost(darts)) * 1e3:10.1f} ms")
    print(f"  every later cost                    {seconds(lambda: model.cost(darts), 10_000) * 1e6:10.1f} µs")
    print(f"  first table, {len(NAMES)} operations an edge  {seconds(lambda: model.edge_table(darts)) * 1e3:10.1f} ms")
    print(f"  every later table                   {seconds(lambda: model.edge_table(darts), 1_000) * 1e6:10.1f} µs")
    whole_model = seconds(lambda: measure(build_network(darts, config), image))
    print(f"  whole-model count, for comparison   {whole_model * 1e3:10.1f} ms")
    print(f"all 15,625 NAS-Bench-201 cells        {seconds(all_nasbench201_costs):10.2f} s")


if __name__ == "__main__":
    main()
