"""NAT Lab's core: architectures, networks, learning. It knows nothing of the web front end."""

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
ASSETS = PROJECT / "nat_core" / "assets"
PRETRAINED = Path(os.environ.get("NAT_LAB_POLICIES") or PROJECT / "pretrained").resolve()
