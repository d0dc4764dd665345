// Sets the theme before the first paint: the person's choice if there is one, else the system's. Not a module, so that it runs at once.
(() => {
  const system = window.matchMedia("(prefers-color-scheme: light)");
  const chosen = () => {
    try {
      return localStorage.getItem("ruiji.theme");
    } catch {
      return null; // storage may be forbidden; the system's theme is then the only one
    }
  };
  const apply = () => {
    document.documentElement.dataset.theme = chosen() ?? (system.matches ? "light" : "dark");
  };
  apply();
  system.addEventListener("change", apply);
  window.addEventListener("storage", apply);
})();
