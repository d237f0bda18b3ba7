import re
import subprocess
import sys

import pytest

from nat_core.drawing import layout


def test_a_system_without_graphviz_libraries_is_told_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pygraphviz", None)  # as if its import failed
    layout.lay_out.cache_clear()
    for draw in (lambda: layout.render("digraph {}", "svg"), lambda: layout.lay_out("digraph {}")):
        with pytest.raises(OSError, match=re.escape("on Debian and Ubuntu, install libglib2.0-0, libx11-6")):
            draw()


def test_what_draws_nothing_does_not_load_graphviz():
    code = "import sys, nat_core.cli, nat_core.transformation, ui.drawings; assert 'pygraphviz' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
