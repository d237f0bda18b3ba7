"""Files dropped anywhere on a page, which are read like uploads."""

import base64
from collections.abc import Callable
from typing import Any

import streamlit as st

from ui.callback import callback
from ui.component import draw

_KEY = "dropped"

_CSS = """
.drop { position: fixed; inset: 0; z-index: 999999; display: none; align-items: center; justify-content: center;
  pointer-events: none; font-size: 1.3rem; font-weight: 600; color: var(--st-text-color);
  border: 3px dashed var(--st-primary-color);
  background: color-mix(in srgb, var(--st-background-color) 88%, transparent); }
.drop.over { display: flex; }
"""

# A page's own file field takes files dropped on it. It may be redrawn before the document gets the event, so that the
# target is no longer inside it; the event's path still is.
_JS = """
const OWN = "[data-testid='stFileUploaderDropzone']";
export default function ({ parentElement, data: [data], setTriggerValue }) {
  let cover = parentElement.querySelector(".drop");
  if (!cover) {
    cover = document.createElement("div");
    cover.className = "drop";
    cover.setAttribute("aria-hidden", "true");
    parentElement.appendChild(cover);
  }
  cover.textContent = data.label;
  const isOwn = (event) => event.composedPath().some((place) => place.matches?.(OWN));
  const isOurs = (event) => event.dataTransfer?.types.includes("Files") && !isOwn(event);
  const show = (isOver) => cover.classList.toggle("over", isOver);
  const over = (event) => {
    show(isOurs(event));
    if (isOurs(event)) event.preventDefault();
  };
  const leave = (event) => { if (event.relatedTarget === null) show(false); };
  const drop = async (event) => {
    show(false);
    if (!isOurs(event)) return;
    event.preventDefault();
    const files = [...event.dataTransfer.files], [file] = files;
    const tell = (content) => setTriggerValue("file", {
      count: files.length, name: file?.name ?? "", size: file?.size ?? 0, content,
    });
    if (files.length !== 1 || file.size > data.most) return tell(null);
    const reader = new FileReader();
    reader.onload = () => tell(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => tell(null);  // of a folder
    reader.readAsDataURL(file);
  };
  const listeners = { dragenter: over, dragover: over, dragleave: leave, drop };
  for (const [name, listen] of Object.entries(listeners)) document.addEventListener(name, listen);
  return () => {
    for (const [name, listen] of Object.entries(listeners)) document.removeEventListener(name, listen);
  };
}
"""

_component = st.components.v2.component("drop_anywhere", css=_CSS, js=_JS)


def anywhere(
    label: str, most_megabytes: int, on_file: Callable[[bytes, str], None], on_problem: Callable[[str], None]
) -> None:
    """Accept a file that is dropped on the page outside other file fields.

    Args:
        label: text over the page while a file is dragged.
        most_megabytes: maximum size of a file in MiB.
        on_file: called with a file's content and name.
        on_problem: called with the reason why a drop is refused.
    """

    def dropped() -> None:
        told = st.session_state[_KEY].file
        if told is None:
            return
        try:
            content, name = file_of(told, most_megabytes << 20)
        except ValueError as error:
            on_problem(str(error))
            return
        on_file(content, name)

    draw(_component, _KEY, {"label": label, "most": most_megabytes << 20}, on_file_change=callback(_KEY, dropped))


def file_of(told: Any, most: int) -> tuple[bytes, str]:
    """Return the content and name of a file sent by a browser.

    Args:
        told: number of files, and the first one's name, size and base64 content.
        most: maximum size in bytes.

    Raises:
        ValueError: it is not one readable file of at most that size.
    """
    if not isinstance(told, dict) or not isinstance(told.get("name"), str):
        raise ValueError("what was dropped is no file; accepted: one file")
    name, count, size, content = told["name"], told.get("count"), told.get("size"), told.get("content")
    if count != 1:
        raise ValueError(f"{count} files were dropped; accepted: one")
    if isinstance(size, int) and size > most:
        raise ValueError(f"{name[:60]!r} has {size:,} bytes; accepted: at most {most:,}")
    if not isinstance(content, str):
        raise ValueError(f"{name[:60]!r} cannot be read; accepted: a file, not a folder")
    try:
        return base64.b64decode(content, validate=True), name
    except ValueError:  # also for invalid base64
        raise ValueError(f"{name[:60]!r} did not arrive whole; drop it again") from None
