// Restoring an earlier revision: what would change, why, confirm; then the balancing tab watches it.
import { asGrpcurl, mutation, refusalOf, traffic } from "../api";
import { find, say } from "../dom";
import { openDialog, showErrors, value } from "../forms";
import { TrafficService } from "../gen/gateway/proto/traffic_pb";
import { fill, gettext } from "../words";

export function startHistory(): void {
  const card = document.querySelector<HTMLElement>("[data-history]");
  const dialog = document.querySelector<HTMLDialogElement>("#restore");
  if (!card || !dialog) return;
  const form = find<HTMLFormElement>("form", dialog);
  let revision = "0";
  const request = () => ({
    namespace: card.dataset.namespace ?? "",
    service: card.dataset.service ?? "",
    toRevision: BigInt(revision),
    force: value(form, "force") === "on",
    mutation: mutation(value(form, "reason"), { ifRevision: BigInt(card.dataset.revision ?? "0") }),
  });
  const showCommand = () => {
    find("[data-command]", form).textContent = asGrpcurl(TrafficService.method.rollbackBalancing, request());
  };
  document.addEventListener("click", (event) => {
    const button = (event.target as Element).closest<HTMLElement>("[data-restore]");
    if (!button) return;
    revision = button.dataset.restore ?? "0";
    openDialog("restore");
    form.reset();
    find("[data-force]", form).hidden = true;
    find(".dialog-title", dialog).textContent =
      revision === "0" ? gettext("Restore the default") : fill(gettext("Restore r%(n)s as a new revision"), { n: revision });
    const lines = find<HTMLTemplateElement>(`template[data-back="${CSS.escape(revision)}"]`);
    find("[data-lines]", form).replaceChildren(lines.content.cloneNode(true));
    find<HTMLInputElement>('[name="reason"]', form).focus();
    showCommand();
  });
  form.addEventListener("input", showCommand);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void restore();
  });

  async function restore(): Promise<void> {
    try {
      const receipt = await traffic.rollbackBalancing(request());
      if (receipt.changed) location.assign(`?tab=balancing&watch=${receipt.revision}`);
      else say(gettext("It already stood so."));
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal.fields.has("balancing.policy") || refusal.fields.has("policy")) find("[data-force]", form).hidden = false;
      showErrors(form, refusal);
    }
  }
}
