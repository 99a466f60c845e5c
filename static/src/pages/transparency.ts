// What is watched and how strictly, and what is said to findings.
import { transparency } from "../api";
import { find } from "../dom";
import { value } from "../forms";
import { type Receipt } from "../gen/gateway/proto/common_pb";
import { TransparencyService } from "../gen/gateway/proto/transparency_pb";
import { fill, gettext } from "../words";
import { ActDialog, embedded, onClick } from "./acts";

const { method } = TransparencyService;
const same = (receipt: Receipt) => receipt;
// The strictest first.
const MODES = ["gate", "alarm", "off"];

function when(at: unknown): string {
  return typeof at === "string" ? `${at.slice(0, 19).replace("T", " ")} UTC` : "–";
}

function listed(names: unknown): string {
  return ((names ?? []) as string[]).join(", ") || "–";
}

function startAcknowledging(): void {
  let id = "";
  const acknowledge = new ActDialog({
    dialog: "acknowledge",
    method: method.acknowledgeFinding,
    call: (request) => transparency.acknowledgeFinding(request),
    receiptOf: same,
    request: () => ({ id }),
    shown: ({ acknowledged_at }) => ({ acknowledged_at: when(acknowledged_at) }),
    word: (path) => ({ acknowledged_at: gettext("Acknowledged") })[path] ?? path,
  });
  onClick("[data-acknowledge]", (button) => {
    id = button.dataset.acknowledge ?? "";
    find(".dialog-title", acknowledge.form).textContent = fill(gettext("Acknowledge what was found about %(subject)s"), { subject: button.dataset.subject });
    find("[data-message]", acknowledge.form).textContent = button.closest("tr")?.querySelector(".said")?.textContent ?? "";
    acknowledge.open();
  });
}

// What it means to hold certificates to the logs less strictly than before.
function lowered(from: string, to: string): string {
  if (MODES.indexOf(to) <= MODES.indexOf(from)) return "";
  return to === "off"
    ? gettext("From now on nobody is told when a certificate of this issuer is in no log. Whoever has its key can issue unseen.")
    : gettext("From now on certificates of this issuer are used before anybody has seen that they are logged. What is not logged is reported afterwards.");
}

function modeWord(mode: unknown): string {
  const words: Record<string, string> = { gate: gettext("Gate"), alarm: gettext("Alarm"), off: gettext("Off") };
  return words[String(mode)] ?? String(mode);
}

function startGates(): void {
  let chosen = { issuer: "", mode: "" };
  const set = new ActDialog({
    dialog: "set-gate",
    method: method.setGate,
    call: (request) => transparency.setGate(request),
    receiptOf: same,
    request: (form) => ({ issuer: chosen.issuer, mode: value(form, "mode") }),
    shown: ({ mode }) => ({ mode: modeWord(mode) }),
    word: (path) => ({ mode: gettext("Mode") })[path] ?? path,
  });
  const show = () => {
    const text = lowered(chosen.mode, value(set.form, "mode"));
    find("[data-lowered]", set.form).hidden = !text;
    find("[data-lowered] > span", set.form).textContent = text;
  };
  set.form.addEventListener("change", show);
  onClick("[data-set-gate]", (button) => {
    chosen = { issuer: button.dataset.setGate ?? "", mode: button.dataset.mode ?? "" };
    find(".dialog-title", set.form).textContent = fill(gettext("What certificates of %(name)s need before they are in force"), { name: chosen.issuer });
    set.open(() => {
      find<HTMLInputElement>(`input[name="mode"][value="${CSS.escape(chosen.mode)}"]`, set.form).checked = true;
      show();
    });
  });
}

function startNames(): void {
  const watch = new ActDialog({
    dialog: "watch-names",
    method: method.watchNames,
    call: (request) => transparency.watchNames(request),
    receiptOf: same,
    request: (form) => ({ names: value(form, "names").split(/[\s,]+/).filter(Boolean) }),
    shown: ({ names }) => ({ names: listed(names) }),
    word: (path) => ({ names: gettext("Names") })[path] ?? path,
  });
  onClick("[data-watch-names]", () => {
    watch.open(() => {
      find<HTMLTextAreaElement>('[name="names"]', watch.form).value = embedded<string[]>("watched-names").join("\n");
    });
  });
}

function startListeners(): void {
  const shown = ({ namespace, address, server_name }: Record<string, unknown>) => ({ namespace: namespace ?? "–", address: address ?? "–", server_name: server_name || "–" });
  const word = (path: string) =>
    ({ namespace: gettext("Namespace"), address: gettext("Address"), server_name: gettext("Asked for") })[path] ?? path;
  const add = new ActDialog({
    dialog: "add-listener",
    method: method.addListener,
    call: (request) => transparency.addListener(request),
    receiptOf: same,
    request: (form) => ({ namespace: value(form, "namespace"), address: value(form, "address"), serverName: value(form, "server_name") }),
    shown,
    word,
  });
  onClick("[data-add-listener]", () => add.open(() => {}, true));
  let chosen = { namespace: "", id: "" };
  const remove = new ActDialog({
    dialog: "remove-listener",
    method: method.removeListener,
    call: (request) => transparency.removeListener(request),
    receiptOf: same,
    request: () => chosen,
    shown,
    word,
  });
  onClick("[data-remove-listener]", (button) => {
    const { namespace = "", removeListener = "", address = "" } = button.dataset;
    chosen = { namespace, id: removeListener };
    find(".dialog-title", remove.form).textContent = fill(gettext("Look at %(name)s no longer"), { name: address });
    remove.open();
  });
}

export function startTransparency(): void {
  if (document.querySelector("[data-findings]")) startAcknowledging();
  if (!document.querySelector("[data-monitor]")) return;
  startGates();
  startNames();
  startListeners();
}
