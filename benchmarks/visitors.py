"""Response times of a public demo with many simultaneous visitors: `python -m benchmarks.visitors [--pause SECONDS]`.

The server is started in public mode and receives requests as from browsers, through Streamlit's own messages. Every
visitor opens Transform and then, a few seconds after each answer, selects another cell, edits an edge or uploads a file
with a cell; an answer is complete when the page's script has ended.
"""

import argparse
import random
import statistics
import sys
import tempfile
import threading
import time
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs

import psutil
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import StringArray
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import connect

from benchmarks.rows import Row, report
from benchmarks.startup import serving
from nat_core.architecture import notation
from nat_core.architecture.operations import NAMES
from nat_core.architecture.spaces import SPACES, space_of
from nat_core.naming import resolve

VISITORS, SECONDS, PAUSE_SECONDS = 20, 60.0, 5.0
ASKED_SECONDS = 0.6
_PATIENCE_SECONDS = 120.0


class Visitor:
    """A client that talks to the server as a browser does.

    Attributes:
        query: the address's query string, as the page last set it.
        elements: widgets of the page as last drawn, by label; the first of each label.
        succeeded: whether the last script ended without an error.
    """

    def __init__(self, socket: Any, address: str) -> None:
        self._socket, self._address = socket, address
        self._session = self.query = ""
        self.elements: dict[str, Any] = {}
        self.succeeded = False

    def ask(self, query: str | None = None, states: Sequence[WidgetState] = (), page: str = "") -> float:
        """Request a run of a page's script; return the seconds until it has ended or failed.

        Args:
            query: the address's query string; None: the page's last one.
            states: widget states as sent by an untrusted browser.
            page: the page's name.
        """
        request = BackMsg()
        request.rerun_script.query_string = self.query if query is None else query
        request.rerun_script.page_name = page
        request.rerun_script.widget_states.widgets.extend(states)
        began = time.perf_counter()
        self._socket.send(request.SerializeToString())
        while not self._ended(self._socket.recv(timeout=_PATIENCE_SECONDS)):
            pass
        return time.perf_counter() - began

    def _ended(self, data: bytes) -> bool:
        message = ForwardMsg()
        message.ParseFromString(data)
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self._session = message.new_session.initialize.session_id
            self.elements = {}
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            element = message.delta.new_element
            drawn = getattr(element, element.WhichOneof("type") or "", None)
            if getattr(drawn, "id", "") and getattr(drawn, "label", ""):
                self.elements.setdefault(drawn.label, drawn)
        elif kind == "script_finished":
            self.succeeded = message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
            return message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN
        return False

    def transform(self, draw: random.Random) -> float:
        """Select another cell of NAS-Bench-201."""
        return self.ask(f"cell=nasbench201:{draw.randrange(15_625)}")

    def edit(self, draw: random.Random) -> float:
        """Set another operation of the cell's space on the selected edge."""
        box, space = self.elements["Operation"], space_of(resolve(parse_qs(self.query)["cell"][0]))
        own = [place for place, name in enumerate(NAMES) if space is None or name in space.operations]
        others = [box.options[place] for place in own if place != box.default]
        return self.ask(states=[WidgetState(id=box.id, string_value=draw.choice(others))])

    def upload(self, draw: random.Random) -> float:
        """Upload a file with a cell; return the seconds from its selection to the answer."""
        began = time.perf_counter()
        source = WidgetState(id=self.elements["Input"].id, string_array_value=StringArray(data=["Upload"]))
        self.ask(states=[source])
        uploader = next(item for label, item in self.elements.items() if label.startswith("A file of at most"))
        text = notation.shortest(SPACES["fully_concat"].sample(draw)).encode()
        name = str(uuid.uuid4())
        self._put(name, text)
        state = WidgetState(id=uploader.id)
        info = state.file_uploader_state_value.uploaded_file_info.add(file_id=name, name="cell.txt", size=len(text))
        info.file_urls.file_id = name
        self.ask(states=[state])
        return time.perf_counter() - began

    def _put(self, name: str, content: bytes) -> None:
        """Send a file as a form, with the server's XSRF token."""
        token = urllib.request.urlopen(f"http://{self._address}/_stcore/health").headers.get("Set-Cookie", "")
        value = token.partition("_streamlit_xsrf=")[2].partition(";")[0]
        begin, end = b"--cut\r\n", b"\r\n--cut--\r\n"
        head = b'Content-Disposition: form-data; name="file"; filename="cell.txt"\r\n\r\n'
        request = urllib.request.Request(
            f"http://{self._address}/_stcore/upload_file/{self._session}/{name}", begin + head + content + end,
            {"Content-Type": "multipart/form-data; boundary=cut", "X-Xsrftoken": value,
             "Cookie": f"_streamlit_xsrf={value}"}, method="PUT",
        )  # fmt: skip
        urllib.request.urlopen(request).close()


@contextmanager
def visiting(port: int) -> Iterator[Visitor]:
    """Connect a new visitor to the server on that port; nothing is requested yet."""
    address = f"localhost:{port}"
    with connect(f"ws://{address}/_stcore/stream", subprotocols=["streamlit"], max_size=None,
                 origin=f"http://{address}") as socket:  # fmt: skip
        yield Visitor(socket, address)


def visit(port: int, seed: int, pause: float, until: threading.Event) -> list[tuple[str, float]]:
    """Return one visitor's actions and the seconds of each answer."""
    draw, took = random.Random(seed), []
    with visiting(port) as visitor:
        took.append(("open", visitor.ask("cell=DARTS")))
        while not until.wait(draw.uniform(0.5, 1.5) * pause):
            act = draw.choice(("transform", "edit", "upload"))
            took.append((act, getattr(visitor, act)(draw)))
            if not visitor.succeeded:
                raise RuntimeError(f"the page's script failed after {act}")
    return took


def rows(visitors: int = VISITORS, seconds: float = SECONDS, pause: float = PAUSE_SECONDS) -> Iterator[Row]:
    """Yield the median time per action, and the server's peak memory."""
    with (
        tempfile.TemporaryDirectory() as runs,
        serving({"NAT_LAB_PUBLIC": "1", "NAT_LAB_RUNS": runs}) as (port, process),
    ):
        with visiting(port) as first:
            first.ask("cell=DARTS")  # a new server's first page is measured by `startup`
        until, largest, server = threading.Event(), 0, psutil.Process(process.pid)
        began = sum(server.cpu_times()[:2])
        with ThreadPoolExecutor(visitors) as pool:
            work = [pool.submit(visit, port, seed, pause, until) for seed in range(visitors)]
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                largest = max(largest, server.memory_info().rss)
                time.sleep(0.2)
            until.set()
        took = [item for done in work for item in done.result()]
        worked = sum(server.cpu_times()[:2]) - began
    answers = [value for act, value in took if act != "open"]
    who = f"{visitors} visitors at once"
    yield Row(f"{who}: median answer, of {len(answers)}", statistics.median(answers), "s", ASKED_SECONDS)
    yield Row(f"{who}: 95 % of the answers come within", statistics.quantiles(answers, n=20)[-1], "s")
    for act in ("transform", "edit", "upload", "open"):
        if some := [value for found, value in took if found == act]:
            yield Row(f"{who}: median answer to {act}", statistics.median(some), "s")
    yield Row(f"{who}: processor time of the server per answer", worked / len(took), "s")
    yield Row(f"{who}: memory of the server, at most", largest / 2**20, "MiB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visitors", type=int, default=VISITORS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument(
        "--pause", type=float, default=PAUSE_SECONDS, help="mean seconds between an answer and the next request"
    )
    options = parser.parse_args()
    sys.exit(report(rows(options.visitors, options.seconds, options.pause)))
