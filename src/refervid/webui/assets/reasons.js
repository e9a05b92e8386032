// Buttons beside the candidates; they are drawn anew with every answer, so the whole card listens.
element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-candidate]");
  if (!button) return;
  const { query, decision, candidate } = button.dataset;
  const choice = { query: Number(query), decision: Number(decision), candidate: Number(candidate) };
  trigger("candidate", { choice });
});
