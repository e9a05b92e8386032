// A sentence by the microphone: recorded here, heard by the server, and written where it can be corrected.
const button = element.querySelector(".speak"), usual = button.textContent;
let recorder = null;

async function record() {
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  } catch (error) {
    const words = "The microphone cannot be used: allow it in the browser, or type the sentence";
    trigger("refused", { bytes: 0, words });
    return;
  }
  const pieces = [], began = performance.now();
  recorder = new MediaRecorder(stream);
  const tell = () => {
    button.textContent = "Stop (" + Math.floor((performance.now() - began) / 1000) + " s)";
  };
  const clock = setInterval(tell, 200);
  recorder.addEventListener("dataavailable", (event) => pieces.push(event.data));
  recorder.addEventListener("stop", async () => {
    clearInterval(clock);
    for (const track of stream.getTracks()) track.stop();
    recorder = null;
    button.classList.remove("on");
    button.textContent = usual;
    const upload = await sent(new Blob(pieces));
    if (upload) trigger("spoken", { upload });
  });
  recorder.start();
  button.classList.add("on");
  tell();
}

button.addEventListener("click", () => { if (recorder) recorder.stop(); else record(); });
