"""Policies as archives with their cards: download of the chosen one, and upload of another."""

import streamlit as st

from nat_core.demo import is_public
from nat_core.learning.policies import archive, catalogue
from nat_core.runs.folders import default_folders
from ui import compute, notices
from ui.text import plain
from ui.view import choose_policy

_MAX_MEGABYTES = 128
_TAKEN, _PROBLEM = "policy_taken", "policy_problem"


def controls(chosen: str | None) -> None:
    """Draw download and upload; `chosen` is the name of the chosen policy, if there is one."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        if chosen is not None:
            st.download_button(
                "Policy", lambda: archive.packed(catalogue.folder_of(compute.POLICIES, chosen)), f"{chosen}.zip",
                "application/zip", on_click="ignore", icon=":material/download:", key="policy_download",
                help="With its card and what evaluates its outputs, for this page and for `--policy FILE.zip`.",
            )  # fmt: skip
        if not is_public():
            st.file_uploader(
                "Another policy's archive", archive.SUFFIX[1:], key="policy_upload", on_change=_take, width=360,
                max_upload_size=_MAX_MEGABYTES, help="As downloaded here, from Train, or by `policies export`.",
            )  # fmt: skip
    if taken := st.session_state.get(_TAKEN):
        st.success(plain(taken), icon=":material/check:")
    if problem := st.session_state.get(_PROBLEM):
        notices.problem(problem, "No policy was added")


def _take() -> None:
    """Store the uploaded policy on this machine and choose it; the result is shown beside the upload."""
    for name in (_TAKEN, _PROBLEM):
        st.session_state.pop(name, None)
    file = st.session_state["policy_upload"]
    if file is None:
        return
    try:
        folder = catalogue.add(default_folders().policies, file.getvalue(), file.name)
    except (ValueError, OSError) as error:
        st.session_state[_PROBLEM] = str(error)
        return
    name = catalogue.called(compute.POLICIES, folder)
    space = catalogue.card_of(compute.POLICIES, name).target_space
    st.session_state[_TAKEN] = f"The policy {name} was added; it transforms cells of the space {space.title}."
    choose_policy(name)
