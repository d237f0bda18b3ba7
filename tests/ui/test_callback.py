"""Callbacks of widgets that are new ones with every run."""

from streamlit.testing.v1 import AppTest


def script():
    import gc
    import weakref

    import streamlit as st

    from ui.callback import callback

    class Known:
        """Stands for all that a page knows in one run."""

    run = st.session_state["run"] = st.session_state.get("run", 0) + 1
    known = Known()
    st.session_state.setdefault("all", []).append(weakref.ref(known))

    def act(key):
        st.session_state["acted"] = (known is not None, key)

    key = f"box-{run}"
    st.selectbox("Box", ["a", "b"], key=key, on_change=callback("box", act), args=[key])
    gc.collect()
    st.session_state["alive"] = sum(item() is not None for item in st.session_state["all"])


def test_the_latest_acts_and_knows_which_widget_it_was():
    app = AppTest.from_function(script, default_timeout=60).run()
    app.selectbox[0].set_value("b").run()
    assert app.session_state["acted"] == (True, "box-1")


def test_what_earlier_ones_referred_to_is_forgotten():
    app = AppTest.from_function(script, default_timeout=60)
    for _ in range(5):
        app.run()
    assert app.session_state["run"] == 5 and app.session_state["alive"] <= 2
