"""Takes the README's screenshots in docs/: `python -m benchmarks.screenshots [PAGE …]`.

The app runs on a free port with its own record of two short, finished trainings, and Chromium opens it 1440 pixels wide
in the light theme. Pictures are stored with 256 colours to keep them small.
"""

import io
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.startup import serving
from nat_core.paths import PROJECT

DOCS = PROJECT / "docs"
WIDTH, HEIGHT = 1440, 1000
MOST_BYTES = 250_000
STEPS = 300
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync")
_PATIENCE_MS = 180_000
_MARGIN = 24


@dataclass(frozen=True)
class Picture:
    """A screenshot of a page.

    Attributes:
        path: path and query of the page.
        ready: selector of the element drawn last.
        most: maximum height in pixels.
        begin: selector of the topmost element; empty for the page's top.
    """

    path: str
    ready: str
    most: int = 1240
    begin: str = ""


PICTURES = {
    "transform": Picture("/?cell=DARTS", "svg.cell-drawing >> nth=1", 1000),
    "compare": Picture("/compare", ".js-plotly-plot .main-svg >> nth=0", 1000),
    "pairs": Picture(
        "/compare?compare=Architectures&first=DARTS&second=NATv2_DARTS",
        "svg.cell-drawing >> nth=1",
        1930,
        "text=Two of them, edge by edge",
    ),
    "learn": Picture("/learn?step=Policy", "svg.cell-drawing, .js-plotly-plot .main-svg"),
    "train": Picture("/train?runs={runs}", ".js-plotly-plot .main-svg >> nth=0", 1150),
}


def trained(folder: Path) -> list[str]:
    """Run two short trainings on the benchmark's table, one after the other, below `folder`; return their ids."""
    from nat_core.runs.folders import Folders
    from nat_core.runs.tracking import open_tracking

    for seed in (0, 1):
        options = ["--space", "nasbench201", "--steps", str(STEPS), "--seed", str(seed), "--name", f"seed {seed}"]
        command = [sys.executable, "-m", "nat_core", "train", *options]
        subprocess.run(command, cwd=PROJECT, env=_surroundings(folder), check=True, capture_output=True)
    return [run.id for run in open_tracking(folders=Folders(folder)).runs()]


def _surroundings(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    return {**kept, "NAT_LAB_RUNS": str(folder)}


def settled(page: Page) -> None:
    """Wait until the server has answered and the page is drawn."""
    page.wait_for_timeout(1500)
    running = "[data-testid='stApp'][data-test-script-state='running'], [data-testid='stSkeleton']"
    page.wait_for_function(f'!document.querySelector("{running}")', timeout=_PATIENCE_MS)
    page.wait_for_timeout(1500)


def picture_of(browser: Browser, address: str, picture: Picture) -> bytes:
    """Return a PNG of the page down to its end, or to the picture's maximum height."""
    context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
    page = context.new_page()
    page.set_default_timeout(_PATIENCE_MS)
    page.goto(address)
    page.locator("h1").first.wait_for()
    settled(page)
    page.locator(picture.ready).first.wait_for(state="attached")
    ends = page.locator("[data-testid='stMainBlockContainer'] > *").first.evaluate(
        "item => item.getBoundingClientRect().bottom"
    )
    page.set_viewport_size({"width": WIDTH, "height": min(picture.most, int(ends) + _MARGIN)})
    settled(page)
    top = 0.0
    if picture.begin:
        top = page.locator(picture.begin).first.evaluate("item => item.getBoundingClientRect().top") - _MARGIN / 3
    height = page.evaluate("window.innerHeight") - top
    data = page.screenshot(animations="disabled", clip={"x": 0, "y": top, "width": WIDTH, "height": height})
    context.close()
    return data


def small(data: bytes) -> bytes:
    """Reduce a PNG to 256 colours."""
    out = io.BytesIO()
    image = Image.open(io.BytesIO(data)).convert("RGB")
    image.quantize(256, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


def main(pages: Sequence[str]) -> int:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("no Chromium on the PATH", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        runs = trained(Path(folder)) if "train" in pages else []
        with serving(_surroundings(Path(folder))) as (port, _), sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            for name in pages:
                path = PICTURES[name].path.format(runs=",".join(runs))
                data = small(picture_of(browser, f"http://localhost:{port}{path}", PICTURES[name]))
                if len(data) > MOST_BYTES:
                    raise RuntimeError(f"docs/{name}.png would have {len(data):,} bytes; at most {MOST_BYTES:,}")
                (DOCS / f"{name}.png").write_bytes(data)
                print(f"docs/{name}.png  {len(data):,} bytes")
            browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(PICTURES)))
