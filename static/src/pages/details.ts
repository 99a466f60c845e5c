// The dialog that changes what is said about a service, or deletes it: difference, reason, confirm.
import { mutation, refusalOf, registry } from "../api";
import { find, say } from "../dom";
import { showErrors, value } from "../forms";
import { refresh } from "../live";
import { fill, gettext } from "../words";
import { diffRows } from "./draft";

function details(form: HTMLFormElement): Record<string, string> {
  const names = value(form, "grpc_services").split(/\s+/).filter(Boolean).join(", ");
  return { owner: value(form, "owner"), description: value(form, "description"), grpc_services: names };
}

export function startDetails(): void {
  const dialog = document.querySelector<HTMLDialogElement>("#edit-service");
  if (!dialog) return;
  const form = find<HTMLFormElement>("form", dialog);
  const names = { namespace: form.dataset.namespace ?? "", name: form.dataset.service ?? "" };
  let revision = BigInt(form.dataset.revision ?? "0");
  let before = details(form);

  form.addEventListener("input", () => {
    const changed = diffRows(before, details(form)).filter((row) => row.className === "diff-changed");
    const table = find("[data-changes]", form);
    table.hidden = changed.length === 0;
    find("tbody", table).replaceChildren(...changed);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const button = event.submitter as HTMLButtonElement | null;
    void (button?.value === "delete" ? remove() : save());
  });

  async function save(): Promise<void> {
    const after = details(form);
    try {
      const receipt = await registry.updateService({
        ...names,
        owner: after["owner"],
        description: after["description"],
        grpcServices: after["grpc_services"]?.split(", ").filter(Boolean),
        replaceGrpcServices: true,
        mutation: mutation(value(form, "reason"), { ifRevision: revision }),
      });
      revision = receipt.changed ? receipt.revision : revision;
      before = after;
      find("[data-changes]", form).hidden = true;
      dialog?.close();
      say(receipt.changed ? fill(gettext("Done: r%(n)s"), { n: receipt.revision }) : gettext("It already stood so."));
      await refresh();
    } catch (error) {
      showErrors(form, refusalOf(error));
    }
  }

  async function remove(): Promise<void> {
    try {
      await registry.deleteService({ ...names, mutation: mutation(value(form, "reason")) });
      location.assign("/services");
    } catch (error) {
      showErrors(form, refusalOf(error));
    }
  }
}
