// A place to drop a video; what is too large is refused before it is sent.
const label = element.querySelector(".drop"), input = element.querySelector("input");
const headline = label.querySelector("strong"), usual = headline.textContent;
let sending = false;

// A question asked while a file is on its way would go to the clip before. Whether the button is disabled is
// for the server to say; and the page may not be whole yet.
function hold(held) {
  const go = document.getElementById("go");
  if (go) go.inert = held;
}

async function send(file) {
  if (!file || sending) return;
  if (file.size > props.most_bytes) {
    trigger("refused", { bytes: file.size, words: "" });
    return;
  }
  sending = true;
  hold(true);
  label.classList.add("sending");
  headline.textContent = "Uploading " + file.name + " …";
  const upload = await sent(file);
  if (upload) trigger("uploaded", { upload, name: file.name });
  sending = false;
  hold(false);
  label.classList.remove("sending");
  headline.textContent = usual;
}

input.addEventListener("change", () => { send(input.files[0]); input.value = ""; });
for (const name of ["dragenter", "dragover"]) label.addEventListener(name, (event) => {
  event.preventDefault();
  label.classList.add("over");
});
for (const name of ["dragleave", "drop"]) label.addEventListener(name, (event) => {
  event.preventDefault();
  label.classList.remove("over");
});
label.addEventListener("drop", (event) => send(event.dataTransfer.files[0]));
