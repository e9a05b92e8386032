// The name of a file on the server once it is there; none where that was refused, which the page is told.
async function sent(file) {
  try {
    const form = new FormData();
    form.append("files", file);
    const answer = await fetch("/gradio_api/upload", { method: "POST", body: form }), content = await answer.json();
    if (answer.ok) return content[0];
    trigger("refused", { bytes: 0, words: content.detail });
  } catch (error) {
    trigger("refused", { bytes: 0, words: "" });
  }
}
