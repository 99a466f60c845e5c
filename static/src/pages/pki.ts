// Replacing a root, workloads, join tokens, and how services are called.
import { pki } from "../api";
import { all, find } from "../dom";
import { value } from "../forms";
import { CertificateService, type CreateJoinTokenResponse } from "../gen/gateway/proto/certificate_pb";
import { type Receipt } from "../gen/gateway/proto/common_pb";
import { refresh } from "../live";
import { seconds } from "../spans";
import { fill, gettext } from "../words";
import { ActDialog, embedded, onClick } from "./acts";

const { method } = CertificateService;
const same = (receipt: Receipt) => receipt;

function rotationWord(path: string): string {
  const words: Record<string, string> = { phase: gettext("Step"), ended_at: gettext("Ended") };
  return words[path] ?? path;
}

// What each step says before it is taken.
function steps(): Record<string, [string, string]> {
  return {
    prepared: [gettext("Prepare a new root"), gettext("Keys and certificates of a new root and a new signer are made. Nothing else changes.")],
    distributing: [gettext("Distribute the new root"), gettext("From now on both roots are trusted. Certificates in use stay as they are.")],
    activated: [gettext("Activate the new signer"), gettext("From now on the new signer signs. What the old one signed goes on to hold.")],
    reissuing: [gettext("Issue everything anew"), gettext("Every certificate that the old signer signed is issued anew and delivered.")],
    retired: [gettext("Retire the old root"), gettext("The old root is trusted no more. Whoever still shows what it signed is refused.")],
    abort: [gettext("Go back to the old root"), gettext("The old signer signs again, and what the new one signed is issued anew. The new root is trusted no more.")],
  };
}

function startRotation(): void {
  const chosen = { issuer: "", to: "" };
  const shown = ({ phase, ended_at }: Record<string, unknown>) => ({ phase: phase ?? "–", ended_at: ended_at ?? "–" });
  const common = { dialog: "rotate", receiptOf: same, shown, word: rotationWord };
  const form = () => find("#rotate form");
  const dialogs = {
    prepare: new ActDialog({ ...common, method: method.prepareRotation, call: (request) => pki.prepareRotation(request), request: () => ({ issuer: chosen.issuer }) }),
    advance: new ActDialog({ ...common, method: method.advanceRotation, call: (request) => pki.advanceRotation(request), request: () => ({ ...chosen }) }),
    abort: new ActDialog({ ...common, method: method.abortRotation, call: (request) => pki.abortRotation(request), request: () => ({ issuer: chosen.issuer }) }),
  };
  onClick("[data-rotate]", (button) => {
    chosen.issuer = button.dataset.issuer ?? "";
    chosen.to = button.dataset.rotate ?? "";
    const [title, about] = steps()[chosen.to] ?? [chosen.to, ""];
    find(".dialog-title", form()).textContent = title;
    find("[data-about]", form()).textContent = about;
    const which = chosen.to === "prepared" ? "prepare" : chosen.to === "abort" ? "abort" : "advance";
    dialogs[which].open();
  });
}

function startTokens(): void {
  const show = (form: HTMLFormElement, done: boolean) => {
    for (const part of all("[data-ask], [data-ask-foot]", form)) part.hidden = done;
    for (const part of all("[data-once]", form)) part.hidden = !done;
  };
  const create = new ActDialog({
    dialog: "create-token",
    method: method.createJoinToken,
    call: (request) => pki.createJoinToken(request),
    receiptOf: (answer: CreateJoinTokenResponse) => answer.receipt,
    request: (form) => ({ namespace: value(form, "namespace"), workload: value(form, "workload"), lifetimeS: seconds(value(form, "lifetime_s")) }),
    shown: ({ namespace, workload, expires_at }) => ({ namespace, workload, expires_at }),
    word: (path) => ({ namespace: gettext("Namespace"), workload: gettext("Workload"), expires_at: gettext("Works until") })[path] ?? path,
    done: async (answer, form) => {
      find("[data-secret]", form).textContent = answer.secret;
      find("[data-join]", form).textContent = joinCommand(answer.secret, value(form, "namespace"), value(form, "workload"));
      show(form, true);
      await refresh();
    },
  });
  create.dialog.addEventListener("close", () => {
    for (const place of all("[data-secret], [data-join]", create.form)) place.textContent = "";
  });
  onClick("[data-create-token]", () => create.open(() => show(create.form, false), true));
}

// Pasted as it is where the program runs; the secret goes by standard input, so that no list of processes shows it.
function joinCommand(secret: string, namespace: string, workload: string): string {
  const { url, rootsSha256 } = embedded<{ url: string; rootsSha256: string }>("workloads-start");
  return [
    `printf %s '${secret}' | govctl cert join ${url} \\`,
    `  --dir ~/.config/governor/${namespace}-${workload} --join-token-file - \\`,
    `  --roots-sha256 ${rootsSha256}`,
  ].join("\n");
}

function startWithdrawing(): void {
  let chosen = { namespace: "", id: "" };
  const withdraw = new ActDialog({
    dialog: "withdraw-token",
    method: method.withdrawJoinToken,
    call: (request) => pki.withdrawJoinToken(request),
    receiptOf: same,
    request: () => chosen,
    shown: ({ withdrawn_at }) => ({ withdrawn_at: withdrawn_at ?? "–" }),
    word: (path) => ({ withdrawn_at: gettext("Withdrawn") })[path] ?? path,
  });
  onClick("[data-withdraw]", (button) => {
    chosen = { namespace: button.dataset.namespace ?? "", id: button.dataset.withdraw ?? "" };
    find(".dialog-title", withdraw.form).textContent = fill(gettext("Withdraw the token for %(name)s"), { name: button.dataset.name });
    withdraw.open();
  });
}

function startEnabling(): void {
  let chosen = { namespace: "", name: "", enabled: true };
  const set = new ActDialog({
    dialog: "set-workload",
    method: method.setWorkload,
    call: (request) => pki.setWorkload(request),
    receiptOf: same,
    request: () => chosen,
    shown: ({ enabled }) => ({ enabled: enabled ? gettext("yes") : gettext("no") }),
    word: (path) => ({ enabled: gettext("Enabled") })[path] ?? path,
  });
  onClick("[data-set-workload]", (button) => {
    const { namespace = "", name = "", setWorkload } = button.dataset;
    chosen = { namespace, name, enabled: setWorkload === "on" };
    find(".dialog-title", set.form).textContent = fill(chosen.enabled ? gettext("Enable %(name)s") : gettext("Disable %(name)s"), { name });
    find("[data-about]", set.form).textContent = chosen.enabled
      ? gettext("Its certificate counts again, for as long as it is valid.")
      : gettext("From now on it may do nothing, whatever certificate it shows, and its connections to the control plane end.");
    set.open();
  });
}

function startTransports(): void {
  let chosen = { namespace: "", service: "" };
  const set = new ActDialog({
    dialog: "set-transport",
    method: method.setTransport,
    call: (request) => pki.setTransport(request),
    receiptOf: same,
    request: (form) => {
      const mutual = value(form, "mode") === "mutual";
      return { ...chosen, mode: value(form, "mode"), serverUris: mutual ? value(form, "server_uris").split(/\s+/).filter(Boolean) : [] };
    },
    shown: ({ mode, server_uris }) => ({ mode: mode ?? "plaintext", server_uris: ((server_uris ?? []) as string[]).join(", ") || "–" }),
    word: (path) => ({ mode: gettext("Transport"), server_uris: gettext("Identities of its servers") })[path] ?? path,
  });
  const showUris = () => {
    find("[data-uris-field]", set.form).hidden = value(set.form, "mode") !== "mutual";
  };
  set.form.addEventListener("change", showUris);
  onClick("[data-set-transport]", (button) => {
    const { namespace = "", service = "", mode = "", uris = "", suggested = "" } = button.dataset;
    chosen = { namespace, service };
    find(".dialog-title", set.form).textContent = fill(gettext("How %(name)s is called"), { name: `${namespace}/${service}` });
    set.open(() => {
      find<HTMLInputElement>(`input[name="mode"][value="${CSS.escape(mode)}"]`, set.form).checked = true;
      find<HTMLTextAreaElement>('[name="server_uris"]', set.form).value = uris.split(" ").filter(Boolean).join("\n") || suggested;
      showUris();
    });
  });
}

export function startPki(): void {
  if (document.querySelector("[data-authorities]")) startRotation();
  if (!document.querySelector("[data-workloads]")) return;
  startTokens();
  startWithdrawing();
  startEnabling();
  startTransports();
}
