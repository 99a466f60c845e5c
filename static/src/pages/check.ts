// Any certificate, held against the logs: its timestamps with their verdicts, and Chrome's advice.
import { refusalOf, transparency } from "../api";
import { find, icon, make, sign } from "../dom";
import { clearErrors, showErrors, value } from "../forms";
import { type Advice, type CheckCertificateResponse, type LogTimestamp } from "../gen/gateway/proto/transparency_pb";
import { gettext } from "../words";
import { onClick } from "./acts";

function stateSign(state: string): HTMLElement {
  if (state === "logged") return sign("good", icon("circle-check"), gettext("Logged"));
  if (state === "not_logged") return sign("bad", icon("circle-x"), gettext("Not logged"));
  return sign("warn", icon("help-circle"), gettext("Cannot tell"));
}

function verdictSign(verdict: string, why: string): HTMLElement {
  switch (verdict) {
    case "valid":
      return sign("good", icon("signature"), gettext("Holds"), why);
    case "unknown_log":
      return sign("warn", icon("help-circle"), gettext("Of no known log"), why);
    case "bad_signature":
      return sign("bad", icon("circle-x"), gettext("Not signed by the log"), why);
    case "denied_log":
      return sign("bad", icon("ban"), gettext("Of a log that is not believed"), why);
    case "not_qualified":
      return sign("warn", icon("clock"), gettext("Of a log that is not in use yet"), why);
    case "outside_interval":
      return sign("bad", icon("calendar-off"), gettext("Outside of the log's interval"), why);
    case "in_the_future":
      return sign("bad", icon("clock-exclamation"), gettext("Still to come"), why);
    default:
      return sign("bad", icon("alert-triangle"), gettext("Not formed as it has to be"), why);
  }
}

function includedSign(included: string, why: string): HTMLElement {
  if (included === "logged") return sign("good", icon("circle-check"), gettext("In the log"), why);
  if (included === "not_logged") return sign("bad", icon("circle-x"), gettext("Not in the log"), why);
  return sign("warn", icon("help-circle"), gettext("Cannot tell"), why);
}

function delivered(how: string): string {
  const words: Record<string, string> = {
    embedded: gettext("inside of the certificate"),
    stapled: gettext("in the OCSP response"),
    tls: gettext("in the TLS handshake"),
  };
  return words[how] ?? how;
}

function why(text: string): HTMLElement {
  return make("div", { class: "nack", lang: "en" }, text);
}

function row(each: LogTimestamp): HTMLTableRowElement {
  const at = each.at ? new Date(Number(each.at.seconds) * 1000) : undefined;
  const named = make("th", { scope: "row" }, each.logDescription || gettext("unknown log"));
  named.append(make("div", { class: "text-secondary" }, [each.operator, delivered(each.delivery)].filter(Boolean).join(", ")));
  named.append(make("div", { class: "text-secondary mono", title: each.logId }, `${each.logId.slice(0, 16)}…`));
  const promise = make("td", {}, verdictSign(each.verdict, each.verdictWhy));
  if (each.verdict !== "valid") promise.append(why(each.verdictWhy));
  const entry = make("td", {}, includedSign(each.included, each.includedWhy));
  if (each.included !== "logged" && each.includedWhy !== each.verdictWhy) entry.append(why(each.includedWhy));
  const index = each.index === undefined ? gettext("unknown") : String(each.index);
  const time = at ? make("time", { datetime: at.toISOString() }, `${at.toISOString().slice(0, 19).replace("T", " ")} UTC`) : "–";
  return make("tr", {}, named, make("td", {}, time), promise, entry, make("td", { class: "num" }, index));
}

function table(timestamps: LogTimestamp[]): HTMLElement {
  if (!timestamps.length) return make("p", { class: "card-body hint" }, gettext("There is no timestamp of a log in it."));
  const heads: [string, string][] = [
    [gettext("Log"), ""],
    [gettext("Promised"), ""],
    [gettext("The promise (SCT)"), ""],
    [gettext("The entry"), ""],
    [gettext("Leaf index"), "num"],
  ];
  const head = make("tr", {}, ...heads.map(([word, align]) => make("th", { scope: "col", class: align }, word)));
  const drawn = make("table", { class: "table card-table promises" }, make("thead", {}, head), make("tbody", {}, ...timestamps.map(row)));
  return make("div", { class: "table-responsive", tabindex: "0", role: "group", "aria-label": gettext("Timestamps") }, drawn);
}

function advice(given: Advice): HTMLElement {
  const said = given.satisfied
    ? sign("good", icon("circle-check"), gettext("The policy is met."))
    : sign("warn", icon("alert-triangle"), gettext("The policy is not met."));
  const part = make("div", { class: "card-body advice-part" }, make("h3", { class: "small-title" }, gettext("Advice: what Chrome would say")), said);
  if (given.reasons.length) part.append(make("ul", { class: "missing", lang: "en" }, ...given.reasons.map((reason) => make("li", {}, reason))));
  part.append(make("p", { class: "hint" }, gettext("Chrome's policy is for certificates of public authorities. Nothing is refused here because of it.")));
  return part;
}

function show(place: HTMLElement, found: CheckCertificateResponse): void {
  const facts = make("dl", { class: "facts" });
  const fact = (word: string, ...said: (Node | string)[]) => facts.append(make("div", {}, make("dt", {}, word), make("dd", {}, ...said)));
  fact(gettext("State"), stateSign(found.state));
  fact(gettext("Names"), make("span", { class: "mono" }, found.dnsNames.join(", ") || "–"));
  fact(gettext("Serial number"), make("span", { class: "mono serial" }, found.serial));
  place.replaceChildren(facts);
  if (found.why) place.append(make("p", { class: "ct-why" }, make("span", { class: "nack", lang: "en" }, found.why)));
  place.append(table(found.timestamps));
  if (found.advice) place.append(advice(found.advice));
}

async function octets(form: HTMLFormElement, name: string): Promise<Uint8Array> {
  const file = new FormData(form).get(name);
  return file instanceof File && file.size ? new Uint8Array(await file.arrayBuffer()) : new Uint8Array();
}

// Of a certificate that was issued here, asked anew from its own page.
function startAsking(): void {
  onClick("[data-ask-logs]", (button) => void ask(button.dataset.askLogs ?? ""));

  async function ask(serial: string): Promise<void> {
    const card = find("#asked");
    const place = find("[data-result]", card);
    clearErrors(card);
    place.replaceChildren(make("p", { class: "card-body hint" }, gettext("The logs are asked …")));
    find("[data-asked-at]", card).textContent = "";
    card.hidden = false;
    card.scrollIntoView({ block: "nearest" });
    try {
      const answer = await transparency.checkCertificate({ certificate: { case: "serial", value: serial }, askLogs: true });
      show(place, answer);
      find("[data-asked-at]", card).textContent = `${new Date().toISOString().slice(11, 19)} UTC`;
    } catch (error) {
      place.replaceChildren();
      showErrors(card, refusalOf(error));
    }
  }
}

export function startCheck(): void {
  if (document.querySelector("[data-certificate]")) startAsking();
  const form = document.querySelector<HTMLFormElement>('[data-form="check"]');
  if (!form) return;
  const place = find("[data-result]");
  const busy = find("[data-busy]", form);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void ask();
  });

  async function ask(): Promise<void> {
    if (!form || !busy.hidden) return;
    busy.hidden = false;
    clearErrors(form);
    try {
      const [stapled, tls] = [await octets(form, "stapled"), await octets(form, "tls")];
      show(place, await transparency.checkCertificate({ certificate: { case: "pem", value: value(form, "pem") }, stapled, tls }));
    } catch (error) {
      place.replaceChildren();
      showErrors(form, refusalOf(error));
    } finally {
      busy.hidden = true;
    }
  }
}
