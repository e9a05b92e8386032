// The frame viewer: frames and masks as pictures on top of each other, marks drawn by hand. The files of this
// folder are one script. `element`, `trigger`, `props` and `watch` are given by the page.
const find = (selector) => element.querySelector(selector);
const stage = find(".stage"), slider = find(".slider"), frame = find(".frame"), layers = find(".layers");
const place = find(".place");
let clip = null, index = 0, busy = false;
let points = [], box = null; // marks on this frame that were not sent yet; what is painted is in paint.js
let selected = null; // the answer that marks are for, null: something new
const hidden = new Set(); // keys of answers

const mode = () => find("input[name=mode]:checked").value;
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const seconds = (value) => value.toFixed(2) + " s";

function load() {
  const next = props.value;
  find(".viewer").hidden = !next || !next.frames;
  find(".nothing").hidden = !find(".viewer").hidden;
  if (!next || !next.frames) { clip = null; return; }
  sessionStorage.setItem("refervid", next.token); // a tab that is loaded anew finds its session again
  if (!clip && next.busy) trigger("resume", {});
  const untouched = clip && clip.preview === next.preview; // the same answers: something was refused or stopped
  if (untouched) takeIn(next);
  else layOut(next);
  if (clip.drawing && !busy) trigger("film", {});
}

function takeIn(next) {
  clip = next;
  busy = clip.busy;
  draw();
}

function layOut(next) {
  const before = clip && clip.frames === next.frames ? clip.queries.map((query) => query.key) : [];
  const stays = clip && clip.frames === next.frames && (before.length > 0 || !next.queries.length);
  const chosen = selected === null ? null : before[selected];
  clip = next;
  busy = clip.busy;
  pause();
  forgetMarks();
  stage.style.aspectRatio = clip.width + " / " + clip.height;
  stage.style.maxWidth = "calc(max(52vh, 16rem) * " + clip.width / clip.height + ")";
  svg.setAttribute("viewBox", "0 0 " + clip.width + " " + clip.height);
  slider.max = clip.count - 1;
  const keys = clip.queries.map((query) => query.key);
  const added = keys.findIndex((key) => !before.includes(key));
  selected = added >= 0 ? added : keys.includes(chosen) ? keys.indexOf(chosen) : null;
  layers.replaceChildren(...clip.queries.map(() => {
    const mask = document.createElement("img");
    mask.alt = ""; mask.draggable = false;
    return mask;
  }));
  layOutTimeline();
  show(stays ? index : clip.start);
}

function show(wanted) {
  const next = clamp(Number(wanted), 0, clip.count - 1);
  if (next !== index) forgetMarks();
  index = next;
  slider.value = index;
  frame.src = clip.frames + index + ".jpg";
  frame.alt = "Frame " + (index + 1);
  const pivot = clip.queries.some((query) => query.pivots.includes(index)) ? " · pivot" : "";
  place.textContent = "frame " + (index + 1) + " of " + clip.count + " · " + seconds(clip.times_s[index]) + pivot;
  slider.setAttribute("aria-valuetext", place.textContent);
  startPainting();
  draw();
}

function select(number) {
  if (number === selected) return;
  selected = number;
  forgetMarks();
  startPainting();
  draw();
}

function toggle(number) {
  const { key } = clip.queries[number];
  if (!hidden.delete(key)) hidden.add(key);
  draw();
}

const isMarked = () => points.length > 0 || complete(box) || strokes.length > 0;

function forgetMarks() {
  points = []; box = null; drag = null; cross = null;
  clearPaint();
  preview();
}

// What goes to the server; `besides` is a point that the pointer is on and that is not set yet.
function theMark(besides) {
  const mark = { query: selected, frame: index };
  const all = besides ? [...points, besides] : points;
  if (strokes.length) mark.mask = paintedCounts();
  else if (complete(box)) mark.box = [Math.min(box[0], box[2]), Math.min(box[1], box[3]), Math.max(box[0], box[2]), Math.max(box[1], box[3])];
  else { mark.points = all.map((point) => [point.x, point.y]); mark.labels = all.map((point) => point.keep); }
  return mark;
}

function send(afresh) {
  if (busy || !isMarked()) return;
  start("mark", { mark: { ...theMark(), afresh } });
}

// Something that ends with other answers.
function start(deed, data) {
  if (busy) return;
  busy = true;
  draw();
  trigger("edit", { deed, ...data });
}

function undo() {
  if (points.length) points.pop();
  else if (box) box = null;
  else if (strokes.length) takeStrokeBack();
  else if (clip.can_undo) start("undo", {});
  preview();
  draw();
}

function redo() {
  if (clip.can_redo) start("redo", {});
}

function remove() {
  if (selected !== null) start("delete", { subject: { query: selected } });
}

function rename() {
  if (selected === null || !clip.queries[selected].has_name) return;
  const name = window.prompt("What is it called?", clip.queries[selected].label);
  if (name && name.trim()) start("rename", { subject: { query: selected, name } });
}

function describe() {
  const marked = isMarked(), object = selected === null ? null : clip.queries[selected];
  find(".apply").textContent = object ? "Correct" : clip.queries.length ? "Track this as well" : "Track this";
  find(".apply").disabled = busy || !marked;
  find(".afresh").hidden = !object;
  find(".afresh").disabled = busy || !marked;
  find(".clear").disabled = busy || (!marked && !box);
  find(".undo").disabled = busy || !(clip.can_undo || marked);
  find(".redo").disabled = busy || !clip.can_redo;
  find(".delete").disabled = find(".rename").disabled = busy;
  find(".delete").hidden = !object;
  find(".rename").hidden = !object || !object.has_name;
  find(".go-on").hidden = !clip.queries.some((query) => query.unfinished);
  find(".go-on").disabled = busy;
  const kept = points.filter((point) => point.keep).length;
  const words = busy ? "Working on it …"
    : complete(box) ? "A box is marked."
    : box ? "Now the opposite corner."
    : strokes.length ? "A mask is painted."
    : points.length ? kept + " marked as it, " + (points.length - kept) + " as not it."
    : !object ? "Click on a thing, draw a box around it, or paint it: no sentence is needed."
    : "Not right? Go to a frame where it is wrong, and mark what it should be there.";
  if (find(".hint").textContent !== words) find(".hint").textContent = words;
}

slider.addEventListener("input", () => clip && show(slider.value));
find(".back").addEventListener("click", () => clip && show(index - 1));
find(".on").addEventListener("click", () => clip && show(index + 1));
find(".clear").addEventListener("click", () => { forgetMarks(); startPainting(); draw(); });
find(".apply").addEventListener("click", () => send(false));
find(".afresh").addEventListener("click", () => send(true));
find(".undo").addEventListener("click", undo);
find(".redo").addEventListener("click", redo);
find(".delete").addEventListener("click", remove);
find(".rename").addEventListener("click", rename);
find(".go-on").addEventListener("click", () => start("go_on", {}));
for (const radio of element.querySelectorAll("input[name=mode]")) radio.addEventListener("change", () => {
  if (isPainting() !== (strokes.length > 0)) forgetMarks();
  startPainting();
  draw();
});
