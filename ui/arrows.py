"""Parts of a drawing or a palette by keyboard: Tab reaches one of them, arrow keys the others."""

# `reach(parts, one)`: Tab stops at `one` of the parts alone.
# `walk(event, part, parts)`: goes from `part` to the nearest in the direction of an arrow key; whether it was one.
ARROWS_JS = """
const DIRECTIONS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };
const middleOf = (part) => {
  const { left, top, width, height } = (part.querySelector("text") ?? part).getBoundingClientRect();
  return [left + width / 2, top + height / 2];
};
const nearest = (from, parts, [right, down]) => {
  const [x, y] = middleOf(from);
  let best = null, least = Infinity;
  for (const part of parts) {
    const [dx, dy] = middleOf(part).map((value, axis) => value - [x, y][axis]);
    const along = dx * right + dy * down, across = Math.abs(dx * down) + Math.abs(dy * right);
    if (part !== from && along > 1 && along + 2 * across < least) [best, least] = [part, along + 2 * across];
  }
  return best;
};
const reach = (parts, one) => {
  for (const part of parts) part.setAttribute("tabindex", part === one ? "0" : "-1");
};
const walk = (event, part, parts) => {
  if (!(event.key in DIRECTIONS)) return false;
  event.preventDefault();
  const next = nearest(part, parts, DIRECTIONS[event.key]);
  if (next) {
    reach(parts, next);
    next.focus();
  }
  return true;
};
"""
