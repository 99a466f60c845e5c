// What the server makes of a draft: the difference, the shares it would give, what each client would do.
import { find, icon, make, shareBar, sign } from "../dom";
import { type ClientVerdict, type IntendedShares, type ValidateBalancingResponse, Verdict } from "../gen/gateway/proto/traffic_pb";
import { fill, gettext, percent } from "../words";
import { diffRows } from "./draft";

export function parsed(json: string): Record<string, unknown> {
  return json ? (JSON.parse(json) as Record<string, unknown>) : {};
}

export function verdictSign(verdict: Verdict, note: string): HTMLElement {
  if (verdict === Verdict.WOULD_REJECT) return sign("bad", icon("ban"), gettext("Would refuse"), note);
  if (verdict === Verdict.FALLS_BACK) return sign("warn", icon("alert-triangle"), gettext("Falls back"), note);
  return sign("good", icon("circle-check"), gettext("OK"), note);
}

export function showChecks(form: HTMLElement, current: Record<string, unknown>, now: IntendedShares[], checked: ValidateBalancingResponse): void {
  find("[data-lines]", form).replaceChildren(...diffRows(current, parsed(checked.receipt?.afterJson ?? "")));
  find("[data-shares]", form).replaceChildren(...shareTables(now, checked.intended));
  find("[data-verdicts]", form).replaceChildren(...verdictRows(checked.clients));
  const refusing = checked.clients.some((client) => client.verdict === Verdict.WOULD_REJECT);
  const force = find("[data-force]", form);
  force.hidden = !refusing;
  if (!refusing) find<HTMLInputElement>("input", force).checked = false;
}

function shareTables(now: IntendedShares[], then: IntendedShares[]): Node[] {
  if (!then.some((group) => Object.keys(group.sharePpm).length)) {
    return [make("p", { class: "hint" }, gettext("This policy fixes no shares: they follow the load or the keys of the calls."))];
  }
  return then.flatMap((group) => {
    const before = now.find((each) => each.clientZone === group.clientZone) ?? (now.length === 1 ? now[0] : undefined);
    const rows = Object.entries(group.sharePpm).sort().map(([name, ppm]) => shareRow(name, before?.sharePpm[name], ppm));
    const heads: [string, string][] = [[gettext("Instance"), ""], [gettext("Now"), "num"], [gettext("Then"), "num"], [gettext("Share"), ""]];
    const head = make("tr", {}, ...heads.map(([word, align]) => make("th", { scope: "col", class: align }, word)));
    const table = make("table", { class: "table table-sm shifts" }, make("thead", {}, head), make("tbody", {}, ...rows));
    const zone = group.clientZone && make("p", { class: "zone-name" }, fill(gettext("Clients in %(zone)s"), { zone: group.clientZone }));
    return zone ? [zone, table] : [table];
  });
}

function shareRow(name: string, before: number | undefined, then: number): HTMLTableRowElement {
  return make(
    "tr",
    {},
    make("th", { scope: "row" }, name),
    make("td", { class: "num" }, percent(before)),
    make("td", { class: "num" }, percent(then)),
    make("td", { class: "wide" }, shareBar(then, before) as unknown as Node),
  );
}

function verdictRows(clients: ClientVerdict[]): HTMLTableRowElement[] {
  if (!clients.length) {
    return [make("tr", {}, make("td", { colspan: "3", class: "hint" }, gettext("No client is connected for this service.")))];
  }
  return clients.map((client) => {
    const said = make("td", {}, verdictSign(client.verdict, client.note));
    if (client.verdict !== Verdict.OK) said.append(make("div", { class: "text-secondary note" }, client.note));
    return make("tr", {}, make("th", { scope: "row" }, client.nodeId), make("td", {}, `${client.kind} ${client.version}`), said);
  });
}
