"""Logging in, where the server's secrets name a provider of identities (OpenID Connect); else everybody is welcome."""

import streamlit as st


def require() -> None:
    """Called before anything is shown: stops at a button until the visitor has logged in."""
    if st.user.get("is_logged_in", True):
        return
    st.title("NAT Lab", anchor=False)
    st.button("Log in", on_click=st.login, type="primary")
    st.stop()


def show() -> None:
    """Below a page: who is logged in, and the way out."""
    if st.user.get("is_logged_in"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"Logged in as {st.user.get('email') or st.user.get('name') or st.user.get('sub')}")
            st.button("Log out", on_click=st.logout, type="tertiary")
