// Isolating, draining and weighing endpoints: what will happen, why, confirm.
import { type MessageInitShape } from "@bufbuild/protobuf";
import { asGrpcurl, mutation, refusalOf, registry } from "../api";
import { all, find, say } from "../dom";
import { openDialog, showErrors, value } from "../forms";
import { type EndpointChangeSchema, RegistryService } from "../gen/gateway/proto/registry_pb";
import { refresh } from "../live";
import { fill, gettext, ngettext } from "../words";

type Change = Omit<MessageInitShape<typeof EndpointChangeSchema>, "$typeName" | "name">;

interface Act {
  title: string;
  about: string;
  change: (weight: number) => Change;
  // What to ask the preview for; empty when shares do not move at once.
  preview: (weight: number) => Record<string, string>;
}

function acts(): Record<string, Act> {
  const nothing = () => ({});
  return {
    isolate: {
      title: gettext("Isolate"),
      about: gettext("It gets no calls until it is returned; it stays registered."),
      change: () => ({ isolated: true }),
      preview: () => ({ isolated: "true" }),
    },
    return: {
      title: gettext("Return to service"),
      about: gettext("It gets calls again."),
      change: () => ({ isolated: false, draining: false }),
      preview: () => ({ isolated: "false", draining: "false" }),
    },
    drain: {
      title: gettext("Drain"),
      about: gettext("Calls under way finish; new ones go elsewhere."),
      change: () => ({ draining: true }),
      preview: () => ({ draining: "true" }),
    },
    undrain: {
      title: gettext("Stop draining"),
      about: gettext("It gets new calls again."),
      change: () => ({ draining: false }),
      preview: () => ({ draining: "false" }),
    },
    weigh: {
      title: gettext("Set weight"),
      about: gettext("Counts under weighted round robin, where the policy names no weight of its own."),
      change: (weight) => ({ weight }),
      preview: (weight) => ({ weight: String(weight) }),
    },
    slow: {
      title: gettext("Demo: make slow"),
      about: gettext("The demo instance answers 400 ms later."),
      change: () => ({ metadata: { "demo.latency_ms": "400" } }),
      preview: nothing,
    },
    kill: {
      title: gettext("Demo: kill"),
      about: gettext("The demo instance stops answering until it is revived."),
      change: () => ({ metadata: { "demo.down": "true" } }),
      preview: nothing,
    },
    revive: {
      title: gettext("Demo: revive"),
      about: gettext("The demo instance answers as before."),
      change: () => ({ metadata: { "demo.latency_ms": "", "demo.down": "" } }),
      preview: nothing,
    },
  };
}

interface Alteration {
  act: Act;
  names: string[];
  namespace: string;
  service: string;
}

let current: Alteration | undefined;

function picked(): string[] {
  return all<HTMLInputElement>('input[name="pick"]:checked').map((box) => box.value);
}

function showPicked(): void {
  const bulk = document.querySelector(".bulk");
  if (!bulk) return;
  const names = picked();
  for (const button of all("[data-act]:not([data-refused])", bulk)) button.ariaDisabled = names.length ? null : "true";
  find(".bulk-count", bulk).textContent = names.length
    ? fill(ngettext("%(n)s selected", "%(n)s selected", names.length), { n: names.length })
    : gettext("Select endpoints");
}

function request(form: HTMLFormElement, alteration: Alteration) {
  const change = alteration.act.change(Number(value(form, "weight")));
  return {
    namespace: alteration.namespace,
    service: alteration.service,
    changes: alteration.names.map((name) => ({ name, ...change })),
    mutation: mutation(value(form, "reason")),
  };
}

function preview(form: HTMLFormElement): void {
  if (!current) return;
  find("[data-command]", form).textContent = asGrpcurl(RegistryService.method.updateEndpoints, request(form, current));
  const place = find("[data-preview]", form);
  const wanted = current.act.preview(Number(value(form, "weight")));
  place.replaceChildren();
  if (!Object.keys(wanted).length) return;
  const query = new URLSearchParams(wanted);
  for (const name of current.names) query.append("endpoint", name);
  const address = `/services/${encodeURIComponent(current.namespace)}/${encodeURIComponent(current.service)}/preview?${query}`;
  void fetch(address, { headers: { "X-Part": "1" } }).then(async (response) => {
    if (!response.ok) return;
    const read = new DOMParser().parseFromString(await response.text(), "text/html");
    place.replaceChildren(...read.body.childNodes);
  });
}

function begin(button: HTMLElement): void {
  const act = acts()[button.dataset.act ?? ""];
  const table = button.closest<HTMLElement>("[data-endpoints]");
  const names = button.dataset.one ? [button.dataset.one] : picked();
  if (!act || !table) return;
  if (!names.length) return say(gettext("Select endpoints first."));
  current = { act, names, namespace: table.dataset.namespace ?? "", service: table.dataset.service ?? "" };
  const dialog = openDialog("alter");
  const form = find<HTMLFormElement>("form", dialog);
  form.reset();
  const row = find(`tr[data-name="${CSS.escape(names[0] ?? "")}"]`);
  find<HTMLInputElement>('[name="weight"]', form).value = row.dataset.weight ?? "1";
  find(".dialog-title", dialog).textContent = `${act.title}: ${names.join(", ")}`;
  find("[data-about]", dialog).textContent = act.about;
  find("[data-weight-field]", dialog).hidden = button.dataset.act !== "weigh";
  find<HTMLInputElement>('[name="reason"]', form).focus();
  preview(form);
}

async function confirm(dialog: HTMLDialogElement, form: HTMLFormElement): Promise<void> {
  if (!current) return;
  try {
    const receipt = await registry.updateEndpoints(request(form, current));
    dialog.close();
    say(receipt.changed ? fill(gettext("Done: r%(n)s"), { n: receipt.revision }) : gettext("It already stood so."));
    for (const box of all<HTMLInputElement>("input[type=checkbox]:checked", find("[data-endpoints]"))) box.checked = false;
    showPicked();
    await refresh();
  } catch (error) {
    showErrors(form, refusalOf(error));
  }
}

export function startEndpoints(): void {
  const dialog = document.querySelector<HTMLDialogElement>("#alter");
  if (!dialog) return;
  const form = find<HTMLFormElement>("form", dialog);
  showPicked();
  document.addEventListener("click", (event) => {
    const button = (event.target as Element).closest<HTMLElement>("[data-act]");
    if (button) begin(button);
  });
  document.addEventListener("change", (event) => {
    const box = event.target as HTMLInputElement;
    if (box.matches("[data-pick-all]")) for (const each of all<HTMLInputElement>('input[name="pick"]')) each.checked = box.checked;
    if (box.matches('[data-pick-all], input[name="pick"]')) showPicked();
  });
  form.addEventListener("input", () => preview(form));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void confirm(dialog, form);
  });
}
