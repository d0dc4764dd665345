// Buttons that open what a narrow window has no room for: the menu, the filters. On a wide one all of it is in sight.

for (const button of document.querySelectorAll(".drawer-button")) {
  const turn = (open) => button.setAttribute("aria-expanded", String(open));
  const opened = () => button.checkVisibility() && button.getAttribute("aria-expanded") === "true";
  button.addEventListener("click", () => turn(!opened()));
  button.parentElement.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || !opened()) return;
    event.preventDefault(); // elsewhere the key selects nothing
    turn(false);
    button.focus();
  });
}
