"""Where a new run works: on this machine, or on a Ray cluster that `RAY_ADDRESS` names or somebody entered."""

import streamlit as st

from nat_core.runs.cluster.address import job_server, known_job_server
from nat_core.runs.cluster.jobs import JobServer
from ui import notices

HERE, CLUSTER = "This machine", "Ray cluster"
_FRESH_SECONDS = 5


def address_input() -> None:
    """Draws the field for a cluster's address."""
    st.session_state.setdefault("train_cluster", known_job_server().replace("http://", "ray://"))
    st.text_input(
        "Ray cluster", key="train_cluster", placeholder="ray://HOST:8265", persist_state="session", width=250,
        help="The address of its job server, which `ray start --head` prints as the dashboard's.",
    )  # fmt: skip


def choice() -> None:
    """Draws the choice, if a cluster is known, and what there is to say about it."""
    if not (address := st.session_state.get("train_cluster", known_job_server())):
        return
    try:
        told = _capacity(job_server(address))
    except (ValueError, OSError) as error:
        told, problem = "", str(error)
    else:
        problem = ""
    st.segmented_control(
        "Where", [HERE, CLUSTER], key="train_where", default=HERE, required=True, persist_state="session",
        format_func=lambda name: f"{name} ({told})" if told and name == CLUSTER else name,
    )  # fmt: skip
    if problem and chosen():
        notices.problem(problem)


def chosen() -> str:
    """The cluster that is to do the run, as the command line takes it; "" for this machine.

    Raises:
        ValueError: what was entered is no address.
    """
    state = st.session_state
    if state.get("train_where", HERE) == HERE:
        return ""
    address = state.get("train_cluster", "")
    job_server(address)
    return address


@st.cache_data(ttl=_FRESH_SECONDS, show_spinner=False)
def _capacity(address: str) -> str:
    return str(JobServer(address).capacity())
