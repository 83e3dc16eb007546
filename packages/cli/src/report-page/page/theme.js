import { byId } from "./format.js";

const storageKey = "tranship-report-theme";

/** Light or dark as the reader's system has it, until the button says otherwise; it is remembered where that is allowed. */
export function startTheme() {
  const button = byId("theme");
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  /** @param {string | undefined} theme */
  const use = (theme) => {
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
    const isDark = (document.documentElement.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";
    button.textContent = isDark ? "Light" : "Dark";
    button.setAttribute("aria-label", isDark ? "Use light colours" : "Use dark colours");
    return isDark;
  };
  use(remembered());
  system.addEventListener("change", () => use(undefined));
  button.addEventListener("click", () => {
    const theme = use(undefined) ? "light" : "dark";
    use(theme);
    try {
      localStorage.setItem(storageKey, theme);
    } catch {
      // a browser may refuse to remember
    }
  });
}

/** @returns {string | undefined} */
function remembered() {
  try {
    return localStorage.getItem(storageKey) ?? undefined;
  } catch {
    return undefined;
  }
}
