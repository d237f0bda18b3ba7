"""The place of a new run: this machine, or a Ray cluster from `RAY_ADDRESS` or entered by the visitor."""

import streamlit as st

from nat_core.runs.cluster.address import job_server, known_job_server
from nat_core.runs.cluster.jobs import JobServer
from nat_core.runs.request import Workers
from nat_core.specification import check
from ui import notices

HERE, CLUSTER = "This machine", "Ray cluster"
_FRESH_SECONDS = 5
_WORKERS = "train_workers"


def address_input() -> None:
    """Draw the field for a cluster's address."""
    st.session_state.setdefault("train_cluster", known_job_server().replace("http://", "ray://"))
    st.text_input(
        "Ray cluster", key="train_cluster", placeholder="ray://HOST:8265", persist_state="session", width=250,
        help="The address of its job server, which `ray start --head` prints as the dashboard's.",
    )  # fmt: skip


def choice(is_shared: bool) -> None:
    """Draw the choice of machine or cluster, if a cluster is known, with its state.

    Args:
        is_shared: whether several processes can do the work together; adds a field for their number.
    """
    if not (address := st.session_state.get("train_cluster", known_job_server())):
        return
    try:
        told = _capacity(job_server(address))
    except (ValueError, OSError) as error:
        told, problem = "", str(error)
    else:
        problem = ""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control(
            "Where", [HERE, CLUSTER], key="train_where", default=HERE, required=True, persist_state="session",
            format_func=lambda name: f"{name} ({told})" if told and name == CLUSTER else name,
        )  # fmt: skip
        if is_shared and _is_cluster():
            st.session_state.setdefault(_WORKERS, "1")
            st.text_input(
                "Processes", key=_WORKERS, live="300ms", persist_state="session", width=135,
                help="How many processes share the training, spread over the nodes.",
            )  # fmt: skip
    if problem and chosen():
        notices.problem(problem)


def chosen() -> str:
    """Return the cluster for the run, as in the command line; "" for this machine.

    Raises:
        ValueError: the entered text is not an address.
    """
    if not _is_cluster():
        return ""
    address: str = st.session_state.get("train_cluster", "")
    job_server(address)
    return address


def workers(is_shared: bool) -> int:
    """Return the number of processes that share the work. Raises ValueError for other input."""
    text = st.session_state.get(_WORKERS, "1").strip()
    if not (is_shared and _is_cluster()):
        return 1
    if not (text.isascii() and text.isdecimal()):
        raise ValueError(f"processes is {text[:20]!r}; accepted: a whole number, 1 or more")
    check(Workers, number := int(text[:10]), "processes")
    return number


def _is_cluster() -> bool:
    return bool(st.session_state.get("train_where", HERE) == CLUSTER)


@st.cache_data(ttl=_FRESH_SECONDS, show_spinner=False)
def _capacity(address: str) -> str:
    return str(JobServer(address).capacity())
