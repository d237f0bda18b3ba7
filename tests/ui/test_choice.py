from streamlit.testing.v1 import AppTest


def script():
    import streamlit as st

    from ui.choice import choice

    st.session_state.setdefault("value", 1)
    st.session_state.setdefault("unit", "m")
    st.button("Two", on_click=lambda: st.session_state.update(value=2))
    st.button("Feet", on_click=lambda: st.session_state.update(unit="ft"))

    def choose(value):
        st.session_state["value"] = value

    unit = st.session_state["unit"]
    choice("Length", (1, 2, 3), st.session_state["value"], "n", lambda n: f"{n} {unit}", choose, 100)


def test_the_visitor_chooses_and_the_page_chooses():
    app = AppTest.from_function(script).run()
    assert app.selectbox[0].value == "1 m"
    app.selectbox[0].set_value("3 m").run()
    assert app.session_state["value"] == 3 and app.selectbox[0].value == "3 m"
    app.button[0].click().run()
    assert app.session_state["value"] == 2 and app.selectbox[0].value == "2 m"


def test_other_texts_keep_the_value():
    app = AppTest.from_function(script).run()
    app.selectbox[0].set_value("3 m").run()
    app.button[1].click().run()
    assert app.session_state["value"] == 3 and app.selectbox[0].value == "3 ft"
