// While a job is under way: where the server has ended, nobody else would say so.
const ASK_MS = 2000;

setInterval(async () => {
  if (!element.querySelector(".busy")) return;
  const lost = await fetch("/gradio_api/app_id").then(() => false, () => true);
  const card = element.querySelector(".busy");
  if (!lost || !card) return;
  card.className = "card error";
  card.textContent = "The page's server has ended. Start it again with refervid ui, and load this page anew.";
}, ASK_MS);
