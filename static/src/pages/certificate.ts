// Asking for a certificate, changing what is asked for, and what is done to one: renew, revoke, delete.
import { pki } from "../api";
import { find, icon, make, say } from "../dom";
import { value } from "../forms";
import { CertificateService } from "../gen/gateway/proto/certificate_pb";
import { type Receipt } from "../gen/gateway/proto/common_pb";
import { refresh } from "../live";
import { fill, gettext, ngettext } from "../words";
import { ActDialog, embedded, onClick } from "./acts";
import { parsed } from "./checks";
import { type Spec, inShort, readSpec, readable, showAmount, specWord, writeSpec } from "./spec";

const { method } = CertificateService;

interface Start {
  namespace: string;
  name: string;
  revision: number;
  serial: string;
  spec: Spec;
  // How many processes hold each serial right now.
  held: Record<string, number>;
}

interface Row {
  spec?: Spec;
  reason?: string;
}

const start = (): Start => embedded<Start>("certificate-start");
const names = () => ({ namespace: start().namespace, name: start().name });
const same = (receipt: Receipt) => receipt;

function address(namespace: string, name: string): string {
  return `/certificates/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`;
}

// Says whether a change issues the certificate anew, and because of what.
function showOutcome(form: HTMLFormElement, receipt: Receipt): void {
  const [before, after] = [parsed(receipt.beforeJson) as Row, parsed(receipt.afterJson) as Row];
  const place = find("[data-outcome]", form);
  const said = (tone: string, drawn: SVGElement, text: string) =>
    place.replaceChildren(make("span", { class: `sign-${tone}` }, drawn), make("span", {}, text));
  if (!before.spec || !after.spec) return said("busy", icon("certificate"), gettext("A new certificate: it is issued within seconds."));
  if (!receipt.changed) return said("calm", icon("circle-dashed"), gettext("Nothing would change."));
  const changes = inShort(before.spec, after.spec).join("; ");
  if (after.reason) {
    const text = gettext("It is issued anew at once. %(reason)s: %(changes)s");
    return said("busy", icon("refresh"), fill(text, { reason: after.reason, changes }));
  }
  said("good", icon("circle-check"), fill(gettext("The certificate in force stays. Changed: %(changes)s"), { changes }));
}

function writeForm(form: HTMLFormElement): void {
  find<HTMLInputElement>('[name="namespace"]', form).value = start().namespace;
  find<HTMLInputElement>('[name="name"]', form).value = start().name;
  writeSpec(form, start().spec);
}

function startEditor(): void {
  const editor = new ActDialog({
    dialog: "certificate-editor",
    method: method.requestCertificate,
    call: (request) => pki.requestCertificate(request),
    receiptOf: same,
    request: (form) => ({ namespace: value(form, "namespace"), name: value(form, "name"), spec: readSpec(form) }),
    shown: (state) => readable((state as Row).spec),
    word: specWord,
    checked: showOutcome,
    done: async (receipt, form) => {
      const [namespace, name] = [value(form, "namespace"), value(form, "name")];
      if (form.dataset.mode === "new") return location.assign(address(namespace, name));
      find<HTMLDialogElement>("#certificate-editor").close();
      say(receipt.changed ? fill(gettext("Done: r%(n)s"), { n: receipt.revision }) : gettext("It already stood so."));
      await refresh();
    },
  });
  const { form } = editor;
  form.addEventListener("input", () => showAmount(form));
  const open = (mode: "new" | "edit") => {
    form.dataset.mode = mode;
    editor.open(() => {
      if (mode === "edit") writeForm(form);
      for (const name of ["namespace", "name"]) find<HTMLInputElement>(`[name="${name}"]`, form).readOnly = mode === "edit";
      find("[data-outcome]", form).replaceChildren();
      showAmount(form);
    }, mode === "new");
    find(".dialog-title", form).textContent =
      mode === "new" ? gettext("New certificate") : fill(gettext("What is asked for: %(name)s"), { name: start().name });
    find<HTMLElement>(mode === "new" ? '[name="name"]' : '[name="dns_names"]', form).focus();
  };
  onClick("[data-new-certificate]", () => open("new"));
  onClick("[data-edit-certificate]", () => open("edit"));
  onClick("[data-suggest]", () => {
    const uri = `spiffe://${form.dataset.trustDomain}/ns/${value(form, "namespace")}/sa/${value(form, "name")}`;
    for (const name of ["uris", "consumers"]) find<HTMLInputElement>(`[name="${name}"]`, form).value = uri;
    editor.later();
  });
}

function startRevoking(): void {
  let serial = "";
  const revoke = new ActDialog({
    dialog: "revoke-certificate",
    method: method.revokeCertificate,
    call: (request) => pki.revokeCertificate(request),
    receiptOf: same,
    request: (form) => ({ serial, cause: value(form, "cause"), withoutReplacement: value(form, "replace") !== "on" }),
    shown: ({ revoked_at, revoked_reason }) => ({
      revoked_at: typeof revoked_at === "string" ? `${revoked_at.slice(0, 19).replace("T", " ")} UTC` : "–",
      revoked_reason: revoked_reason || "–",
    }),
    word: (path) => ({ revoked_at: gettext("Revoked"), revoked_reason: gettext("Cause") })[path] ?? path,
  });
  onClick("[data-revoke]", (button) => {
    serial = button.dataset.revoke ?? "";
    const { held, serial: newest } = start();
    const count = held[serial] ?? 0;
    find("[data-holders]", revoke.form).textContent = count
      ? fill(ngettext("%(n)s process holds it right now; it is refused everywhere from this moment on.", "%(n)s processes hold it right now; they are refused everywhere from this moment on.", count), { n: count })
      : gettext("No process was seen to hold it.");
    find(".dialog-title", revoke.form).textContent = fill(gettext("Revoke issue No. %(n)s"), { n: button.dataset.number });
    find("[data-replace]", revoke.form).hidden = serial !== newest;
    revoke.open();
  });
}

export function startCertificate(): void {
  if (document.querySelector("#certificate-editor")) startEditor();
  if (!document.querySelector("[data-certificate]")) return;
  const renew = new ActDialog({
    dialog: "renew-now",
    method: method.issueNow,
    call: (request) => pki.issueNow(request),
    receiptOf: same,
    request: names,
    shown: ({ reason, failures }) => ({ reason, failures }),
    word: (path) => ({ failures: gettext("Failures in a row") })[path] ?? specWord(path),
  });
  onClick("[data-renew-now]", () => renew.open());
  const remove = new ActDialog({
    dialog: "delete-certificate",
    method: method.deleteCertificate,
    call: (request) => pki.deleteCertificate(request),
    receiptOf: same,
    request: names,
    shown: ({ spec }) => readable(spec as Spec | undefined),
    word: specWord,
    done: () => location.assign("/certificates"),
  });
  onClick("[data-delete-certificate]", () => remove.open());
  startRevoking();
}
