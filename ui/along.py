"""The slider along the front, and the parts of the page that follow it in the browser before the server answers.

The slider sets the current point in the window; figures and drawings hold the data of every point and show it in the
same frame. The server is notified a moment later, and then the rest of the page follows.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

import streamlit as st

from ui.component import draw

# State shared by the components: the visitor's current point, valid while the page shows the same front.
POINT_JS = """
const EVENT = "nat-lab-point";
const pointOf = (data, frames) => {
  const looked = window.natLabPoint;
  return looked && looked.front === data.front && String(looked.number) in frames ? looked.number : data.number;
};
// Draws now and whenever the visitor goes to another point, until the component is drawn with other data.
const follow = (holder, draw) => {
  if (holder.follower) window.removeEventListener(EVENT, holder.follower);
  holder.follower = () => (holder.isConnected ? draw() : window.removeEventListener(EVENT, holder.follower));
  window.addEventListener(EVENT, holder.follower);
  draw();
};
"""

_SLIDER_CSS = """
.along { display: grid; grid-template-columns: 1fr auto; gap: 2px 12px; align-items: center; }
.along label { font-size: 0.9rem; }
.along output { font-size: 0.9rem; font-variant-numeric: tabular-nums; color: var(--st-primary-color); }
.along input { grid-column: 1 / -1; width: 100%; height: 24px; margin: 0; accent-color: var(--st-primary-color);
  cursor: pointer; }
.along input:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; border-radius: 4px; }
"""

_SLIDER_JS = (
    POINT_JS
    + """
const PAUSE_MS = 120;
export default function ({ parentElement, data: [data], setTriggerValue }) {
  let holder = parentElement.querySelector(".along");
  if (!holder) {
    holder = document.createElement("div");
    holder.className = "along";
    holder.innerHTML = '<label for="along"></label><output for="along"></output>'
      + '<input id="along" type="range" step="1" min="0">';
    parentElement.appendChild(holder);
  }
  const [label, output, input] = holder.children;
  const show = (place) => {
    output.textContent = data.titles[place];
    input.setAttribute("aria-valuetext", data.titles[place]);
  };
  const look = (number) => {
    window.natLabPoint = { front: data.front, number };
    window.dispatchEvent(new CustomEvent(EVENT));
  };
  label.textContent = data.label;
  input.max = data.numbers.length - 1;
  // The server repeats what it was told; only what is news moves the slider.
  holder.told = holder.told ?? [];
  const isNew = holder.front === undefined;
  const echo = holder.told.indexOf(data.number);
  const isNews = holder.front !== data.front || (holder.number !== data.number && echo < 0);
  if (echo >= 0) holder.told.splice(0, echo + 1);
  holder.front = data.front;
  holder.number = data.number;
  if (isNews) {
    clearTimeout(holder.timer);
    holder.told = [];
    // Built anew for the same front, it stays where the visitor is: the server may not have heard of that yet.
    const looked = window.natLabPoint;
    const stays = isNew && looked?.front === data.front && data.numbers.includes(looked.number);
    const number = stays ? looked.number : data.number;
    input.value = data.numbers.indexOf(number);
    look(number);
  }
  show(Number(input.value));
  input.oninput = () => {
    const number = data.numbers[Number(input.value)];
    show(Number(input.value));
    look(number);
    clearTimeout(holder.timer);
    holder.timer = setTimeout(() => {
      holder.told.push(number);
      setTriggerValue("number", number);
    }, PAUSE_MS);
  };
}
"""
)

_FIGURES_CSS = """
.figures { font-family: inherit; color: var(--st-text-color); }
.figures .verdict { font-size: 1.3rem; font-weight: 600; line-height: 1.35; margin: 0 0 12px; min-height: 2.7em; }
.figures dl { display: grid; grid-template-columns: 1fr 1fr; gap: 12px 16px; margin: 0; }
.figures dt { font-size: 0.9rem; }
.figures dd { margin: 0; }
.figures .value { font-size: 1.6rem; line-height: 1.35; font-variant-numeric: tabular-nums; }
.figures .change { min-height: 1.5em; font-size: 0.87rem; font-variant-numeric: tabular-nums; }
.figures .better { color: var(--st-green-text-color); }
.figures .worse { color: var(--st-red-text-color); }
.figures .same { opacity: 0.75; }
"""

_FIGURES_JS = (
    POINT_JS
    + """
const element = (name, text, kind) => {
  const made = document.createElement(name);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
};
export default function ({ parentElement, data: [data] }) {
  let holder = parentElement.querySelector(".figures");
  if (!holder) {
    holder = document.createElement("div");
    holder.className = "figures";
    holder.setAttribute("aria-live", "polite");
    parentElement.appendChild(holder);
  }
  follow(holder, () => {
    const point = data.points[pointOf(data, data.points)];
    const list = document.createElement("dl");
    for (const { label, value, change, tone } of point.figures) {
      const item = document.createElement("div");
      item.append(element("dt", label), element("dd", value, "value"), element("dd", change, "change " + tone));
      list.appendChild(item);
    }
    holder.replaceChildren(element("p", point.verdict, "verdict"), list);
  });
}
"""
)

_slider = st.components.v2.component("along_front", css=_SLIDER_CSS, js=_SLIDER_JS)
_figures = st.components.v2.component("figures", css=_FIGURES_CSS, js=_FIGURES_JS)


@dataclass(frozen=True)
class Place:
    """The page's position on a front.

    Attributes:
        front: identifies the front.
        number: number of the candidate that the server shows.
    """

    front: str
    number: int


@dataclass(frozen=True)
class Figure:
    """A number with its change.

    Attributes:
        label, value, change: texts.
        tone: "better", "worse" or "same".
    """

    label: str
    value: str
    change: str = ""
    tone: str = "same"


@dataclass(frozen=True)
class Sayings:
    """The text about a point: one sentence, and figures."""

    verdict: str
    figures: tuple[Figure, ...]


def slider(label: str, titles: Mapping[int, str], place: Place, on_number: Callable[[int], None]) -> None:
    """Draw a slider over candidate numbers, in the order of `titles`; `on_number` is called when the slider rests."""
    key = "along_front"

    def moved() -> None:
        number = st.session_state[key].number
        if number in titles:
            on_number(number)

    data = {"label": label, "numbers": list(titles), "titles": list(titles.values()), **asdict(place)}
    draw(_slider, key, data, on_number_change=moved)


def figures(points: Mapping[int, Sayings], place: Place) -> None:
    """Draw the sentence and the figures of the current point."""
    said = {str(number): asdict(saying) for number, saying in points.items()}
    draw(_figures, "figures", {"points": said, **asdict(place)})
