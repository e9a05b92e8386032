// The frame viewer: frames and masks as pictures on top of each other, marks drawn by hand.
// `element`, `trigger`, `props` and `watch` are given by the page.
const find = (selector) => element.querySelector(selector);
const svgName = "http://www.w3.org/2000/svg";
const stage = find(".stage"), slider = find(".slider"), frame = find(".frame"), svg = find(".marks");
const layers = find(".layers"), chips = find(".chips"), place = find(".place"), select = find("select");
let clip = null, index = 0, points = [], box = null, drag = null, busy = false;
let cross = null;
const hidden = new Set();

const mode = () => find("input[name=mode]:checked").value;
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const labels = (state) => state.queries.map((query) => query.label).join("\n");
const seconds = (value) => value.toFixed(2) + " s";

function load() {
  const next = props.value;
  find(".viewer").hidden = !next || !next.frames;
  find(".nothing").hidden = !find(".viewer").hidden;
  if (!next || !next.frames) { clip = null; return; }
  sessionStorage.setItem("refervid", next.token); // a tab that is loaded anew finds its session again
  if (!clip && next.busy) trigger("resume", {});
  const sameClip = clip && clip.frames === next.frames;
  const wasAsked = clip && clip.queries.length, chosen = select.value;
  const sameQuestion = sameClip && labels(clip) === labels(next);
  clip = next;
  busy = clip.busy;
  points = []; box = null; drag = null; cross = null;
  stage.style.aspectRatio = clip.width + " / " + clip.height;
  stage.style.maxWidth = "calc(70vh * " + clip.width / clip.height + ")";
  svg.setAttribute("viewBox", "0 0 " + clip.width + " " + clip.height);
  slider.max = clip.count - 1;
  if (!sameQuestion) hidden.clear();
  layers.replaceChildren(...clip.queries.map(() => {
    const mask = document.createElement("img");
    mask.alt = ""; mask.draggable = false;
    return mask;
  }));
  chips.replaceChildren(...clip.queries.map(chip));
  select.replaceChildren(...clip.queries.map((query, number) => new Option(query.label, number)));
  if (sameQuestion) select.value = chosen;
  find(".which").hidden = clip.queries.length < 2;
  const asked = clip.queries.length > 0;
  for (const name of [".apply", ".afresh", ".undo"]) find(name).hidden = !asked;
  find(".point").textContent = asked ? "Track this as well" : "Track this";
  find(".point").classList.toggle("primary", !asked);
  show(sameClip && wasAsked ? index : clip.start);
}

function chip(query, number) {
  const button = document.createElement("button");
  const dot = document.createElement("i");
  dot.style.background = query.colour;
  const words = document.createElement("bdi");
  words.textContent = query.label + (query.guess ? " ?" : "");
  button.type = "button";
  button.append(dot, words);
  button.setAttribute("aria-pressed", String(!hidden.has(number)));
  button.classList.toggle("guess", query.guess);
  button.title = (query.guess ? "A guess. " : "") + "Show or hide this answer";
  button.addEventListener("click", () => {
    if (!hidden.delete(number)) hidden.add(number);
    button.setAttribute("aria-pressed", String(!hidden.has(number)));
    show(index);
  });
  return button;
}

function show(wanted) {
  const next = clamp(Number(wanted), 0, clip.count - 1);
  if (next !== index) { points = []; box = null; cross = null; }
  index = next;
  slider.value = index;
  frame.src = clip.frames + index + ".jpg";
  frame.alt = "Frame " + (index + 1);
  clip.queries.forEach((query, number) => {
    const mask = layers.children[number];
    const seen = query.boxes[index] !== null && !hidden.has(number);
    mask.hidden = !seen;
    if (seen) mask.src = query.masks + index + ".png";
  });
  const pivot = clip.queries.some((query) => query.pivots.includes(index)) ? " · pivot" : "";
  place.textContent = "frame " + (index + 1) + " of " + clip.count + " · " + seconds(clip.times_s[index]) + pivot;
  slider.setAttribute("aria-valuetext", place.textContent);
  draw();
}

function shape(name, attributes) {
  const node = document.createElementNS(svgName, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  svg.append(node);
}

function rectangle(corners, attributes) {
  const [x0, y0, x1, y1] = corners;
  shape("rect", { x: Math.min(x0, x1), y: Math.min(y0, y1), width: Math.abs(x1 - x0), height: Math.abs(y1 - y0), fill: "none", "vector-effect": "non-scaling-stroke", ...attributes });
}

function draw() {
  svg.replaceChildren();
  clip.queries.forEach((query, number) => {
    const corners = query.boxes[index];
    if (corners && !hidden.has(number)) rectangle(corners, { stroke: query.colour, "stroke-width": 2, ...(query.guess && { "stroke-dasharray": "7 5" }) });
  });
  if (box) {
    rectangle(box, { stroke: "#000", "stroke-width": 5 });
    rectangle(box, { stroke: "#fff", "stroke-width": 2.5, "stroke-dasharray": "7 5" });
  }
  const unit = clip.width / Math.max(stage.clientWidth, 1);
  for (const point of points) {
    const colour = point.keep ? "#18a34a" : "#e0263c";
    shape("circle", { cx: point.x, cy: point.y, r: 9 * unit, fill: colour, stroke: "#fff", "stroke-width": 2.5 * unit });
    const sign = point.keep ? "M-4.5 0H4.5M0 -4.5V4.5" : "M-4.5 0H4.5";
    shape("path", { d: sign, transform: "translate(" + point.x + " " + point.y + ") scale(" + unit + ")", stroke: "#fff", "stroke-width": 2.2 });
  }
  if (cross) {
    for (const [colour, width] of [["#000", 4], ["#fff", 1.6]]) {
      const at = "translate(" + cross.x + " " + cross.y + ") scale(" + unit + ")";
      shape("path", { d: "M-14 0H14M0 -14V14", transform: at, stroke: colour, "stroke-width": width });
    }
  }
  describe();
}

function describe() {
  const marked = points.length > 0 || complete(box);
  for (const name of [".apply", ".afresh", ".point"]) find(name).disabled = busy || !marked;
  find(".clear").disabled = busy || (!marked && !box);
  find(".undo").disabled = busy || !clip.can_undo;
  const kept = points.filter((point) => point.keep).length;
  const words = busy ? "Working on it …"
    : complete(box) ? "A box is marked."
    : box ? "Now the opposite corner."
    : points.length ? kept + " marked as it, " + (points.length - kept) + " as not it."
    : !clip.queries.length ? "Click on a thing, or draw a box around it, and track it: no sentence is needed."
    : "Not right? Go to a frame where it is wrong, and click on what it should be, or on what it should not.";
  if (find(".hint").textContent !== words) find(".hint").textContent = words;
}

const complete = (corners) => Boolean(corners) && !drag && Math.abs(corners[2] - corners[0]) > 2 && Math.abs(corners[3] - corners[1]) > 2;

function position(event) {
  const area = stage.getBoundingClientRect();
  return {
    x: clamp((event.clientX - area.left) / area.width * clip.width, 0, clip.width),
    y: clamp((event.clientY - area.top) / area.height * clip.height, 0, clip.height),
  };
}

function addPoint(at) {
  box = null;
  points.push({ ...at, keep: mode() === "keep" });
}

stage.addEventListener("pointerdown", (event) => {
  if (!clip || busy || event.button !== 0) return;
  const at = position(event);
  cross = null;
  if (mode() === "box") {
    points = [];
    drag = at;
    box = [at.x, at.y, at.x, at.y];
    stage.setPointerCapture(event.pointerId);
  } else {
    addPoint(at);
  }
  draw();
});
stage.addEventListener("pointermove", (event) => {
  if (!drag) return;
  const at = position(event);
  box = [drag.x, drag.y, at.x, at.y];
  draw();
});
for (const name of ["pointerup", "pointercancel"]) stage.addEventListener(name, () => {
  if (!drag) return;
  drag = null;
  if (!complete(box)) box = null;
  draw();
});

const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
stage.addEventListener("keydown", (event) => {
  if (!clip) return;
  if (event.key === "PageUp" || event.key === "PageDown") show(index + (event.key === "PageUp" ? -1 : 1));
  else if (busy) return;
  else if (arrows[event.key]) {
    const step = (event.shiftKey ? 0.005 : 0.025) * clip.width;
    cross = cross || { x: clip.width / 2, y: clip.height / 2 };
    cross.x = clamp(cross.x + arrows[event.key][0] * step, 0, clip.width);
    cross.y = clamp(cross.y + arrows[event.key][1] * step, 0, clip.height);
    if (drag) box = [drag.x, drag.y, cross.x, cross.y];
    draw();
  } else if (event.key === "Enter" || event.key === " ") {
    cross = cross || { x: clip.width / 2, y: clip.height / 2 };
    if (mode() !== "box") addPoint({ x: cross.x, y: cross.y });
    else if (drag) { drag = null; if (!complete(box)) box = null; }
    else { points = []; drag = { ...cross }; box = [cross.x, cross.y, cross.x, cross.y]; }
    draw();
  } else if (event.key === "Escape") { points = []; box = null; drag = null; draw(); }
  else return;
  event.preventDefault();
});

slider.addEventListener("input", () => clip && show(slider.value));
find(".back").addEventListener("click", () => clip && show(index - 1));
find(".on").addEventListener("click", () => clip && show(index + 1));
find(".clear").addEventListener("click", () => { points = []; box = null; drag = null; draw(); });

function send(name, afresh) {
  const mark = { query: Number(select.value || 0), frame: index, afresh };
  if (complete(box)) mark.box = [Math.min(box[0], box[2]), Math.min(box[1], box[3]), Math.max(box[0], box[2]), Math.max(box[1], box[3])];
  else { mark.points = points.map((point) => [point.x, point.y]); mark.labels = points.map((point) => point.keep); }
  busy = true;
  draw();
  trigger(name, { mark });
}
find(".apply").addEventListener("click", () => send("mark", false));
find(".afresh").addEventListener("click", () => send("mark", true));
find(".point").addEventListener("click", () => send("point", false));
find(".undo").addEventListener("click", () => { busy = true; draw(); trigger("undo", {}); });

new ResizeObserver(() => clip && draw()).observe(stage);
watch("value", load);
load();
