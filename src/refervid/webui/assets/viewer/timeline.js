// A row for every answer: where it is seen, how surely, and where a person corrected it. A click goes there.
const timeline = find(".timeline");
const LEVELS = 4; // shades of how sure the tracker is

function layOutTimeline() {
  const rows = clip.queries.map((query, number) => row(query, number));
  timeline.replaceChildren(...rows, row(null, null));
}

function row(query, number) {
  const line = document.createElement("div"), name = document.createElement("label");
  const choice = document.createElement("input"), words = document.createElement("bdi");
  line.className = "row";
  choice.type = "radio"; choice.name = "object"; choice.value = number === null ? "" : number;
  choice.addEventListener("change", () => select(number));
  words.textContent = query === null ? "Something new" : query.label + (query.guess ? " ?" : "") + (query.unfinished ? " (unfinished)" : "");
  name.append(choice, words);
  line.append(name);
  if (query === null) return line;
  name.title = query.guess ? "A guess" : "";
  line.style.setProperty("--query", query.colour);
  line.classList.toggle("guess", query.guess);
  const eye = document.createElement("button"), strip = document.createElement("div");
  eye.type = "button"; eye.className = "eye";
  eye.setAttribute("aria-label", "Show or hide " + query.label);
  eye.addEventListener("click", () => toggle(number));
  strip.className = "strip";
  strip.append(...runs(query).map(segment), ...query.marks.map(mark), Object.assign(document.createElement("i"), { className: "here" }));
  strip.addEventListener("pointerdown", (event) => {
    const area = strip.getBoundingClientRect();
    show(Math.floor((event.clientX - area.left) / area.width * clip.count));
  });
  line.prepend(eye);
  line.append(strip);
  return line;
}

// Runs of frames on which it is seen equally surely: [first, after the last, level].
function runs(query) {
  const found = [];
  query.boxes.forEach((corners, at) => {
    if (!corners) return;
    const level = Math.ceil(query.presence[at] / 100 * LEVELS), last = found[found.length - 1];
    if (last && last[1] === at && last[2] === level) last[1] = at + 1;
    else found.push([at, at + 1, level]);
  });
  return found;
}

function segment([first, end, level]) {
  const part = document.createElement("span");
  part.className = "seen";
  part.style.left = 100 * first / clip.count + "%";
  part.style.width = 100 * (end - first) / clip.count + "%";
  part.style.opacity = 0.3 + 0.7 * level / LEVELS;
  return part;
}

function mark(at) {
  const sign = document.createElement("b");
  sign.className = "by-hand";
  sign.title = "Marked by you on frame " + (at + 1);
  sign.style.left = 100 * (at + 0.5) / clip.count + "%";
  return sign;
}

// What changes from frame to frame.
function markTimeline() {
  for (const choice of timeline.querySelectorAll("input")) choice.checked = choice.value === String(selected ?? "");
  for (const sign of timeline.querySelectorAll(".here")) sign.style.left = 100 * (index + 0.5) / clip.count + "%";
  timeline.querySelectorAll(".eye").forEach((eye, number) => eye.setAttribute("aria-pressed", String(!hidden.has(clip.queries[number].key))));
}
