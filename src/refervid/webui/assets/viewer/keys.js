// The keyboard, as labelling tools have it; a key means nothing where something is typed.
const sheet = find(".keys");
const KEYS = [
  ["Space", "play, stop"],
  ["← →", "frame before, next frame; with Shift ten"],
  ["Home End", "first frame, last frame"],
  [", .", "mark of yours before, next one"],
  ["1 … 9", "correct this answer"],
  ["N", "mark something new"],
  ["P O R", "points on it, points beside it, a box"],
  ["B E", "brush, eraser; [ ] narrower, wider"],
  ["X", "a cross for marking: arrows move it, with Shift finely, Enter marks, once more sends; X puts it away"],
  ["Enter", "track, correct"],
  ["H", "hide or show the answer"],
  ["Ctrl Z", "take the last mark or change back; with Shift, or Ctrl Y, make it again"],
  ["Del", "delete the answer"],
  ["F2", "name what you pointed at"],
  ["Esc", "forget the marks"],
  ["?", "this sheet"],
];

function showKeys() {
  const list = document.createElement("dl");
  for (const [key, words] of KEYS) {
    const term = document.createElement("dt"), meaning = document.createElement("dd");
    term.append(...key.split(" ").map((one) => Object.assign(document.createElement("kbd"), { textContent: one })));
    meaning.textContent = words;
    list.append(term, meaning);
  }
  const close = Object.assign(document.createElement("button"), { type: "button", textContent: "Close" });
  close.addEventListener("click", () => sheet.close());
  sheet.replaceChildren(list, close);
  sheet.showModal();
}

// Frames at their times; one that comes late delays the next, and none is left out.
let playing = null;

function pause() {
  clearTimeout(playing);
  playing = null;
  find(".play").textContent = "▶";
  find(".play").setAttribute("aria-label", "Play");
}

function play() {
  if (index === clip.count - 1) show(0);
  find(".play").textContent = "❚❚";
  find(".play").setAttribute("aria-label", "Stop");
  const step = async () => {
    const begun = performance.now(), timer = playing;
    show(index + 1);
    await frame.decode().catch(() => {});
    if (playing !== timer) return;
    if (index === clip.count - 1) { pause(); return; }
    playing = setTimeout(step, Math.max(0, pauseAfter(index - 1) - (performance.now() - begun)));
  };
  playing = setTimeout(step, pauseAfter(index));
}

const pauseAfter = (at) => 1000 * (clip.times_s[at + 1] - clip.times_s[at]);

function choose(name) {
  const radio = find("input[name=mode][value=" + name + "]");
  radio.checked = true;
  radio.dispatchEvent(new Event("change"));
}

function goToMark(direction) {
  const marks = clip.queries.flatMap((query) => query.marks).filter((at) => (at - index) * direction > 0);
  if (marks.length) show(direction > 0 ? Math.min(...marks) : Math.max(...marks));
}

function widen(step) {
  find(".brush-width").value = Number(find(".brush-width").value) + step;
}

function moveCross(x, y) {
  cross = { x: clamp(cross.x + x, 0, clip.width), y: clamp(cross.y + y, 0, clip.height) };
  if (drag) goOn(cross);
  draw();
}

function markAtCross() {
  if (points.some((point) => isAt(cross)(point) && point.keep === (mode() === "keep"))) send(false);
  else if (mode() === "keep" || mode() === "remove") addPoint({ ...cross });
  else if (drag) finish();
  else if (!isPainting() || canPaint()) begin({ ...cross });
  draw();
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const FINE = 0.005, COARSE = 0.025; // steps of the cross, in widths of the frame

// What a key does here, or nothing.
function deed(event) {
  const { key, shiftKey } = event, letter = key.toLowerCase();
  if ((event.ctrlKey || event.metaKey) && letter === "z") return shiftKey ? redo : undo;
  if (event.ctrlKey && letter === "y") return redo;
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  const arrow = ARROWS[key], step = (shiftKey ? FINE : COARSE) * clip.width;
  if (cross && arrow && !busy) return () => moveCross(arrow[0] * step, arrow[1] * step);
  if (cross && key === "Enter" && !busy) return markAtCross;
  if (arrow && arrow[0]) return () => { pause(); show(index + arrow[0] * (shiftKey ? 10 : 1)); };
  if (/^[1-9]$/.test(key)) return () => { if (clip.queries[key - 1]) select(key - 1); };
  const modes = { p: "keep", o: "remove", r: "box", b: "brush", e: "eraser" };
  if (modes[letter]) return () => choose(modes[letter]);
  return {
    " ": () => playing === null ? play() : pause(),
    PageUp: () => show(index - 1), PageDown: () => show(index + 1),
    Home: () => show(0), End: () => show(clip.count - 1),
    ",": () => goToMark(-1), ".": () => goToMark(1),
    "[": () => widen(-1), "]": () => widen(1),
    n: () => select(null),
    h: () => selected !== null && toggle(selected),
    x: () => { cross = cross ? null : { x: clip.width / 2, y: clip.height / 2 }; draw(); },
    Enter: () => send(false),
    Delete: remove,
    F2: rename,
    Escape: () => { forgetMarks(); startPainting(); draw(); },
    "?": showKeys,
  }[key.length === 1 ? letter : key];
}

function onKey(event) {
  if (!element.isConnected) { document.removeEventListener("keydown", onKey); return; }
  if (!clip || event.defaultPrevented || !stage.checkVisibility() || sheet.open) return;
  const typed = event.target.closest("textarea, select, [contenteditable], input:not([type=radio]):not([type=checkbox])");
  const button = event.target.closest("button, summary, a, [role=tab]") && (event.key === "Enter" || event.key === " ");
  const group = event.target.closest("[role=tab], input[type=radio]") && (ARROWS[event.key] || event.key === " ");
  if (typed || button || group) return;
  const act = deed(event);
  if (!act) return;
  event.preventDefault();
  act();
}

document.addEventListener("keydown", onKey);
find(".help").addEventListener("click", showKeys);
find(".play").addEventListener("click", () => clip && (playing === null ? play() : pause()));
watch("value", load);
load();
