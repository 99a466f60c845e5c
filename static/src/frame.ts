// The frame's own small things: menus, the navigation on small screens, the theme.
import { all, find } from "./dom";

const THEMES = ["light", "dark", "auto"];

function nextTheme(): void {
  const root = document.documentElement;
  const next = THEMES[(THEMES.indexOf(root.dataset.theme ?? "auto") + 1) % THEMES.length] ?? "auto";
  root.dataset.theme = next;
  document.cookie = `theme=${next}; path=/; max-age=31536000; samesite=strict`;
  dispatchEvent(new Event("governor:theme"));
  nameTheme();
}

function nameTheme(): void {
  const button = document.querySelector<HTMLElement>("[data-theme-next]");
  const now = document.documentElement.dataset.theme ?? "auto";
  if (button) button.title = button.dataset[now] ?? now;
}

// A menu inside a table that scrolls would be cut off: it is placed over the page instead.
function place(menu: HTMLDetailsElement): void {
  const list = menu.querySelector<HTMLElement>(".dropdown-menu");
  if (!list || !menu.open || !menu.closest(".table-responsive")) return;
  const button = find("summary", menu).getBoundingClientRect();
  list.style.position = "fixed";
  list.style.insetInlineEnd = `${document.documentElement.clientWidth - button.right}px`;
  const below = button.bottom + list.offsetHeight + 8 < innerHeight;
  list.style.top = `${below ? button.bottom + 4 : button.top - list.offsetHeight - 4}px`;
}

function closeMenus(except?: Element | null): void {
  for (const menu of all<HTMLDetailsElement>("details.menu[open]")) if (menu !== except) menu.open = false;
}

export function startFrame(): void {
  nameTheme();
  document.addEventListener("toggle", (event) => {
    if (event.target instanceof HTMLDetailsElement && event.target.matches(".menu")) place(event.target);
  }, true);
  document.addEventListener("click", (event) => {
    const target = event.target as Element;
    closeMenus(target.closest("summary")?.parentElement);
    if (target.closest("[data-theme-next]")) nextTheme();
    const toggle = target.closest<HTMLElement>("[data-toggle]");
    if (toggle?.dataset.toggle) {
      const open = find(`#${CSS.escape(toggle.dataset.toggle)}`).classList.toggle("open");
      toggle.setAttribute("aria-expanded", String(open));
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "k" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      document.querySelector<HTMLInputElement>("#find")?.select();
    }
    if (event.key !== "Escape") return;
    const open = document.querySelector<HTMLDetailsElement>("details.menu[open]");
    closeMenus();
    open?.querySelector("summary")?.focus();
  });
  document.addEventListener("scroll", () => closeMenus(), true);
}
