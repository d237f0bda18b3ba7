"""Login by OpenID Connect if the server's secrets name a provider; without one, everybody has access."""

import streamlit as st


def require() -> None:
    """Show only a login button until the visitor has logged in; called before anything else is shown."""
    if st.user.get("is_logged_in", True):
        return
    st.title("NAT Lab", anchor=False)
    st.button("Log in", on_click=st.login, type="primary")
    st.stop()


def show() -> None:
    """Show below a page who is logged in, with a logout button."""
    if st.user.get("is_logged_in"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"Logged in as {st.user.get('email') or st.user.get('name') or st.user.get('sub')}")
            st.button("Log out", on_click=st.logout, type="tertiary")
