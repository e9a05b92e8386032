// Brush and eraser: a mask painted in pixels of the clip, over the one that the answer has on this frame.
const paint = find(".paint"), pen = paint.getContext("2d", { willReadFrequently: true });
const MOST_STROKES = 8; // that can be taken back
const OPAQUE = 128; // of 255: from here on a pixel is painted
let strokes = []; // the painting before each stroke
let painted = ""; // the frame and answer that the canvas shows

const isPainting = () => mode() === "brush" || mode() === "eraser";
const ink = () => selected === null ? clip.next_colour : clip.queries[selected].colour;
const subject = () => clip.frames + index + " " + selected + " " + (selected === null ? "" : clip.queries[selected].masks);
const canPaint = () => painted === subject();

function clearPaint() {
  strokes = [];
  painted = "";
  paint.hidden = true;
}

// The canvas for this frame, with the mask that is there already.
async function startPainting() {
  find(".width").hidden = !isPainting();
  paint.hidden = !isPainting();
  if (!isPainting() || canPaint()) return;
  const wanted = subject(), query = selected === null ? null : clip.queries[selected];
  strokes = [];
  const present = query && query.boxes[index] !== null;
  const answer = present ? await fetch(query.masks + index + ".json") : null;
  const counts = answer && answer.ok ? await answer.json() : [];
  if (!clip || wanted !== subject()) return;
  paint.width = clip.width; paint.height = clip.height;
  paintCounts(counts);
  painted = wanted;
  draw();
}

// Run lengths down the columns, outside and inside in turn, as COCO has them.
function paintCounts(counts) {
  pen.fillStyle = ink();
  let at = 0;
  counts.forEach((count, number) => {
    for (const end = at + count; at < end;) {
      const x = Math.floor(at / clip.height), y = at % clip.height;
      const length = Math.min(end - at, clip.height - y);
      if (number % 2) pen.fillRect(x, y, 1, length);
      at += length;
    }
  });
}

function paintedCounts() {
  const { data, width, height } = pen.getImageData(0, 0, paint.width, paint.height);
  const counts = [];
  let inside = false, count = 0;
  for (let x = 0; x < width; x++) for (let y = 0; y < height; y++) {
    if ((data[4 * (y * width + x) + 3] >= OPAQUE) !== inside) {
      counts.push(count);
      count = 0;
      inside = !inside;
    }
    count++;
  }
  return [...counts, count];
}

function beginStroke(at) {
  points = []; box = null;
  strokes = [...strokes.slice(1 - MOST_STROKES), pen.getImageData(0, 0, paint.width, paint.height)];
  stroke(at, at);
}

function stroke(from, to) {
  pen.globalCompositeOperation = mode() === "eraser" ? "destination-out" : "source-over";
  pen.strokeStyle = pen.fillStyle = ink();
  pen.lineCap = "round";
  pen.lineWidth = Number(find(".brush-width").value) / 200 * clip.width;
  pen.beginPath();
  pen.moveTo(from.x, from.y);
  pen.lineTo(to.x, to.y);
  pen.stroke();
  pen.beginPath(); // a click: browsers draw no line without length, and so no round ends of it
  pen.arc(to.x, to.y, pen.lineWidth / 2, 0, 2 * Math.PI);
  pen.fill();
  pen.globalCompositeOperation = "source-over";
}

function takeStrokeBack() {
  pen.putImageData(strokes.pop(), 0, 0);
}
