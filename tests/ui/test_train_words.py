import sys

import pytest

from nat_core.learning.forms import OPTIONS, form_for
from nat_core.learning.image_training.presets import preset
from ui.train.fields import FIELDS, PRESETS
from ui.train.words import duration, gigabytes, runnable


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, ""), (0, "0 s"), (45.4, "45 s"), (99.6, "2 min"), (3600, "60 min"), (7200, "2.0 h"), (259_200, "3.0 days")],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_sizes():
    assert gigabytes(1.5 * 2**30) == "1.5 GB"


@pytest.mark.parametrize("text", ["", "1.5", "one", "1e3", "∞"])
def test_what_is_no_whole_number(text):
    with pytest.raises(ValueError, match="is not a whole number"):
        OPTIONS["steps"].parse(text)


@pytest.mark.parametrize("text", ["", "x", "nan", "inf", "-inf"])
def test_what_is_no_finite_number(text):
    with pytest.raises(ValueError, match=r"is not a (finite )?number"):
        OPTIONS["caution"].parse(text)
    assert (OPTIONS["steps"].parse(" 1,500 "), OPTIONS["caution"].parse("0.5")) == (1500, 0.5)


def test_every_field_of_a_preset_has_a_value_that_it_accepts():
    for space, presets in PRESETS.items():
        for item in presets.values():
            form = form_for(space, item.options)
            config = form.config(space, item.options)
            for field in FIELDS:
                if field.name in form.options:
                    value = form.options[field.name].value_in(config)
                    assert field.parse(str(value)) == value and value in (field.choices or [value])
    assert OPTIONS["schedule"].value_in(preset("smoke", "loose_end")) == "two-stage"


def test_a_command_names_this_environments_python(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for python, shown in (
        (tmp_path / ".venv/bin/python", ".venv/bin/python"),
        ("/opt/a b/python", "'/opt/a b/python'"),
    ):
        monkeypatch.setattr(sys, "executable", str(python))
        assert runnable("python -m nat_core train --name python") == f"{shown} -m nat_core train --name python"
        assert runnable("NAT_DEVICE=cuda:1 python -m nat_core train").startswith(f"NAT_DEVICE=cuda:1 {shown} -m ")
    assert runnable("") == ""
