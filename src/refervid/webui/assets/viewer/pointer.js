// Points, boxes and strokes by mouse, pen or finger.
const REST_MS = 60; // so long the pointer stays before a mask is shown for where it is
let drag = null, resting = null;

const complete = (corners) => Boolean(corners) && !drag && Math.abs(corners[2] - corners[0]) > 2 && Math.abs(corners[3] - corners[1]) > 2;

function position(event) {
  const area = stage.getBoundingClientRect();
  return {
    x: clamp((event.clientX - area.left) / area.width * clip.width, 0, clip.width),
    y: clamp((event.clientY - area.top) / area.height * clip.height, 0, clip.height),
  };
}

const isAt = (at) => (point) => point.x === at.x && point.y === at.y;

function addPoint(at) {
  box = null;
  points = points.filter((point) => !isAt(at)(point)); // one mark on one spot
  points.push({ ...at, keep: mode() === "keep" });
  preview();
}

function begin(at) {
  pause();
  drag = at;
  if (isPainting()) { beginStroke(at); return; }
  points = [];
  box = [at.x, at.y, at.x, at.y];
}

function goOn(at) {
  if (isPainting()) stroke(drag, at);
  else box = [drag.x, drag.y, at.x, at.y];
  if (isPainting()) drag = at;
}

function finish() {
  drag = null;
  if (!isPainting() && !complete(box)) box = null;
  preview();
}

stage.addEventListener("pointerdown", (event) => {
  if (!clip || busy || event.button !== 0) return;
  cross = null;
  clearTimeout(resting);
  if (mode() === "keep" || mode() === "remove") addPoint(position(event));
  else if (!isPainting() || canPaint()) {
    begin(position(event));
    stage.setPointerCapture(event.pointerId);
  }
  draw();
});
stage.addEventListener("pointermove", (event) => {
  if (!clip || busy) return;
  const at = position(event);
  clearTimeout(resting);
  if (drag) { goOn(at); draw(); }
  else if (mode() === "keep" && !box && (selected === null || points.length)) resting = setTimeout(() => preview({ ...at, keep: true }), REST_MS);
});
stage.addEventListener("pointerleave", () => {
  clearTimeout(resting);
  if (clip && !drag) preview();
});
for (const name of ["pointerup", "pointercancel"]) stage.addEventListener(name, () => {
  if (!drag) return;
  finish();
  draw();
});
