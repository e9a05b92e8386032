// Tabs of which all are on the page from the start: Gradio loses updates of components in tabs not yet seen.
const tabs = [...element.querySelectorAll("[role=tab]")];

function select(chosen) {
  for (const tab of tabs) {
    const active = tab === chosen;
    tab.setAttribute("aria-selected", String(active));
    tab.tabIndex = active ? 0 : -1;
    const panel = document.getElementById(tab.getAttribute("aria-controls"));
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-label", tab.textContent);
    panel.classList.toggle("unselected", !active);
  }
}

element.addEventListener("click", (event) => {
  const tab = event.target.closest("[role=tab]");
  if (!tab) return;
  select(tab);
  if (event.detail) tab.blur(); // by mouse: arrow keys are for what the tab shows
});
element.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!step) return;
  const next = tabs[(tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length];
  select(next);
  next.focus();
});
