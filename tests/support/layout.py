"""Finds elements of a page that are cut off, overlap or leave the window."""

import time

from playwright.sync_api import Page

# Elements that scroll in their own boxes; the header, under which a page scrolls; the folded menu.
_ASIDE = (
    "canvas, .drawing, .picture, [data-testid='stDataFrame'], [data-testid='stCode'], [data-testid='stHeader'], "
    "[data-testid='stSidebar']"
)
_FAULTS = r"""([aside, charts]) => {
  const slack = 1.5, faults = [];
  const parentOf = (item) => item.parentElement ?? item.getRootNode().host ?? null;
  const every = (root) => [...root.querySelectorAll("*")].flatMap((item) =>
    item.shadowRoot ? [item, ...every(item.shadowRoot)] : [item]);
  const isWithin = (item, selector) => {
    for (let at = item; at; at = parentOf(at)) if (at.matches(selector)) return true;
    return false;
  };
  const contains = (outer, inner) => {
    for (let at = inner; at; at = parentOf(at)) if (at === outer) return true;
    return false;
  };
  const isForScreenReaders = (item) => {
    const { clip, clipPath } = getComputedStyle(item);
    const { width, height } = item.getBoundingClientRect();
    return clip.startsWith("rect") || clipPath.startsWith("inset") || (width <= 3 && height <= 3);
  };
  const isSeen = (item) => {
    if (!item.checkVisibility({ opacityProperty: true, visibilityProperty: true })) return false;
    for (let at = item; at; at = parentOf(at)) if (isForScreenReaders(at)) return false;
    return true;
  };
  const said = (item) => (item.getAttribute("aria-label") || item.value || item.textContent || "").trim().slice(0, 60);
  const named = (item) => `${item.tagName.toLowerCase()} "${said(item) || item.className}"`;
  const control = "button, input, textarea, select, summary, a[href], [role='radio'], [role='tab'], [role='slider']";
  const ownText = (item) => [...item.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  const textBox = (item) => {
    const range = document.createRange();
    range.selectNodeContents(item);
    return range.getBoundingClientRect();
  };
  const overlap = (one, other) =>
    Math.min(one.right, other.right) - Math.max(one.left, other.left) > 3
    && Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) > 4;
  const items = every(document.body).filter((item) => !item.closest("svg") && isSeen(item) && !isWithin(item, aside));
  const boxes = [];
  for (const item of items) {
    const isControl = item.matches(control), isText = ownText(item);
    if (!isControl && !isText) continue;
    const box = isControl ? item.getBoundingClientRect() : textBox(item);
    if (box.right > document.documentElement.clientWidth + slack || box.left < -slack)
      faults.push(`${named(item)} leaves the window: ${Math.round(box.left)} to ${Math.round(box.right)}`);
    for (let at = isControl ? parentOf(item) : item; at && at !== document.body; at = parentOf(at)) {
      if (getComputedStyle(at).overflowX === "visible") continue;
      const clip = at.getBoundingClientRect();
      if (box.right > clip.right + slack || box.left < clip.left - slack) {
        faults.push(`${named(item)} is cut by ${at.dataset.testid ?? at.className ?? at.tagName}`);
        break;
      }
    }
    if (item.matches("input") && item.scrollWidth > item.clientWidth + slack
        && getComputedStyle(item).textOverflow !== "ellipsis")  // which says that there is more, in the list
      faults.push(`${named(item)} is longer than its field`);
    boxes.push({ item, box });
  }
  for (const [place, first] of boxes.entries())
    for (const second of boxes.slice(place + 1)) {
      if (contains(first.item, second.item) || contains(second.item, first.item)) continue;
      if (overlap(first.box, second.box)) faults.push(`${named(first.item)} overlaps ${named(second.item)}`);
    }
  for (const chart of charts ? document.querySelectorAll(".js-plotly-plot") : []) {
    const frame = chart.getBoundingClientRect();
    const isTurned = (text) => /rotate\((?!0)/.test(text.getAttribute("transform") ?? "");  // less wide than its box
    const texts = [...chart.querySelectorAll("svg text")].filter((text) => text.getBoundingClientRect().width > 1);
    for (const [place, text] of texts.entries()) {
      const box = text.getBoundingClientRect();
      if (box.left < frame.left - slack || box.right > frame.right + slack
          || box.top < frame.top - slack || box.bottom > frame.bottom + slack)
        faults.push(`"${text.textContent}" is cut by its chart`);
      for (const other of texts.slice(place + 1))
        if (!isTurned(text) && !isTurned(other) && overlap(box, other.getBoundingClientRect()))
          faults.push(`"${text.textContent}" overlaps "${other.textContent}" in a chart`);
    }
  }
  const root = document.documentElement, main = document.querySelector("[data-testid='stMain']");
  for (const scroller of [root, main])
    if (scroller.scrollWidth > scroller.clientWidth + slack) faults.push("the page scrolls sideways");
  return faults;
}"""


def faults(page: Page, charts: bool = True, patience: float = 5.0) -> list[str]:
    """Return a sentence for every element that leaves the window, is cut off, or overlaps another.

    While a page is being laid out, its parts overlap for some frames, on a busy machine for longer. Only faults that
    persist are returned.

    Args:
        page: a drawn page in a browser.
        charts: whether to check texts within charts, too.
        patience: seconds within which faults may disappear.
    """
    end = time.monotonic() + patience
    while (found := page.evaluate(_FAULTS, [_ASIDE, charts])) and time.monotonic() < end:
        page.wait_for_timeout(250)
    return list(dict.fromkeys(found))
