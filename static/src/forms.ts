// Dialogs, errors beside their fields, copying, and buttons whose permission is missing.
import { type Refusal } from "./api";
import { all, find, say } from "./dom";
import { gettext } from "./words";

export function openDialog(id: string): HTMLDialogElement {
  const dialog = find<HTMLDialogElement>(`#${CSS.escape(id)}`);
  clearErrors(dialog);
  if (!dialog.open) dialog.showModal();
  return dialog;
}

export function clearErrors(under: ParentNode): void {
  for (const error of all("[data-error]", under)) {
    error.hidden = true;
    error.textContent = "";
  }
  for (const input of all("[aria-invalid]", under)) input.removeAttribute("aria-invalid");
}

// Writes each violation beside its field, and what belongs to no field into the form's own line.
export function showErrors(under: ParentNode, refusal: Refusal): void {
  clearErrors(under);
  const rest: string[] = [];
  for (const [field, text] of refusal.fields) {
    const place = under.querySelector<HTMLElement>(`[data-error="${CSS.escape(field)}"]`);
    if (!place || !field) {
      rest.push(field ? `${field}: ${text}` : text);
      continue;
    }
    place.textContent = text;
    place.hidden = false;
    const input = place.parentElement?.querySelector<HTMLElement>("input, select, textarea");
    input?.setAttribute("aria-invalid", "true");
  }
  if (!refusal.fields.size) rest.push(refusal.message);
  const whole = under.querySelector<HTMLElement>('[data-error=""]');
  if (whole && rest.length) {
    whole.textContent = rest.join("\n");
    whole.hidden = false;
  }
}

export function value(form: HTMLFormElement, name: string): string {
  const found = new FormData(form).get(name);
  return typeof found === "string" ? found.trim() : "";
}

async function copy(text: string): Promise<void> {
  await navigator.clipboard.writeText(text);
  say(gettext("Copied"));
}

// Everything that needs no knowledge of a page.
export function startForms(): void {
  document.addEventListener(
    "click",
    (event) => {
      const target = event.target as Element;
      const refused = target.closest<HTMLElement>("[data-refused]");
      if (refused) {
        event.preventDefault();
        event.stopImmediatePropagation();
        say(refused.title);
      }
    },
    true,
  );
  document.addEventListener("click", (event) => {
    const target = event.target as Element;
    const opener = target.closest<HTMLElement>("[data-open]");
    if (opener?.dataset.open) openDialog(opener.dataset.open);
    if (target.closest("[data-close]")) target.closest("dialog")?.close();
    const copier = target.closest("[data-copy]");
    if (copier) void copy(copier.parentElement?.querySelector("[data-command]")?.textContent ?? "");
  });
  document.addEventListener("change", (event) => {
    const field = event.target as HTMLElement;
    if (field.matches("select[data-submit]")) (field as HTMLSelectElement).form?.requestSubmit();
  });
}
