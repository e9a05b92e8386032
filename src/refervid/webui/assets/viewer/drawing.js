// What lies on the frame: masks, boxes, marks, the cross, and a mask to come.
const svgName = "http://www.w3.org/2000/svg", svg = find(".marks"), foreseen = find(".preview");
let cross = null; // where the keyboard points, if it does

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
    const mask = layers.children[number], corners = query.boxes[index];
    const replaced = number === selected && (isPainting() || !foreseen.hidden);
    mask.hidden = !corners || hidden.has(query.key) || replaced;
    if (corners && !mask.hidden) mask.src = query.masks + index + ".png";
    if (corners && !hidden.has(query.key)) rectangle(corners, { stroke: query.colour, "stroke-width": number === selected ? 3 : 1.5, ...(query.guess && { "stroke-dasharray": "7 5" }) });
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
  markTimeline();
  describe();
}

// The mask that these marks would give on this frame. One question at a time; while it is under way, the last
// of those that came is kept.
let asking = false, coming = null;

function preview(besides) {
  const marked = points.length || complete(box) || besides;
  coming = marked && !strokes.length && !busy ? clip.preview + index + ".png?mark=" + encodeURIComponent(JSON.stringify(theMark(besides))) : "";
  if (!asking) askNext();
}

function askNext() {
  const address = coming;
  coming = null;
  if (address === null) return;
  if (!address) { foreseen.hidden = true; return; }
  asking = true;
  foreseen.src = address;
}

for (const end of ["load", "error"]) foreseen.addEventListener(end, () => {
  asking = false;
  foreseen.hidden = end === "error" || coming === "";
  if (clip) draw();
  askNext();
});

new ResizeObserver(() => clip && draw()).observe(stage);
