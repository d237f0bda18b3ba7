"""What the table of edges costs a server's first page: neither pandas nor fvcore is imported for it."""

import subprocess
import sys

CODE = """
import sys
import streamlit as st
from nat_core.architecture.library import find
from nat_core.architecture.spaces import SPACES
from nat_core.learning.policies import catalogue
from nat_core.paths import PRETRAINED
from nat_core.transformation import transform
from ui import edges
st.session_state.update(only_changes=False, flops=False)
darts = find("DARTS").architecture
policy, card = catalogue.load_for(PRETRAINED, darts, next(iter(catalogue.fitting(PRETRAINED, darts))), "cpu")
outcome = transform(darts, policy, card.target_space, catalogue.source_of(card))
edges.table(outcome, outcome.output)
assert not {"pandas", "fvcore"} & set(sys.modules)
table = edges._arrow_table(edges.edge_rows(outcome, outcome.output))
assert table.num_rows == len(darts.edges) and not {"pandas"} & set(sys.modules)
assert sum(table["MACs before"].to_pylist()) < outcome.input.cost.macs / 1e6
"""


def test_the_table_of_edges_imports_neither_pandas_nor_fvcore():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
