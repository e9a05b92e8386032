// The list of clips is drawn anew with every change, so the whole card listens.
element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.close) trigger("closed", { clip: Number(button.dataset.close) });
  else if (!button.closest(".chosen")) trigger("chosen", { clip: Number(button.dataset.clip) });
});
