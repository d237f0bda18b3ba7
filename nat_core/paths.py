"""Paths of NAT Lab's own files and of its user's files."""

import os
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_INSTALLED = _PACKAGE.parent / "nat_lab"
# The folder of the app: the checkout, or what a wheel installs beside this package.
PROJECT = _INSTALLED if (_INSTALLED / "app.py").is_file() else _PACKAGE.parent
ASSETS = _PACKAGE / "assets"
PRETRAINED = Path(os.environ.get("NAT_LAB_POLICIES") or PROJECT / "pretrained").resolve()


def data_folder() -> Path:
    """Return the folder of the user's files: in the checkout, or in the user's data folder for a package."""
    if PROJECT != _INSTALLED:
        return PROJECT
    import platformdirs

    return platformdirs.user_data_path("nat-lab", appauthor=False)
