// Follows one switch: who was sent it, who took it, and how the calls moved. The one open stream of a page.
import { refusalOf, traffic } from "../api";
import { find, icon, make, shareBar, sign } from "../dom";
import { type ClientDelivery, Delivery, type EndpointShare, type SwitchProgress } from "../gen/gateway/proto/traffic_pb";
import { refresh } from "../live";
import { fill, gettext, percent } from "../words";

const MAX_S = 60;
// Watched on after everyone answered and enough calls were seen, so that the shares come to rest.
const REST_MS = 10_000;
let running: AbortController | undefined;

export function stopWatch(): void {
  running?.abort();
  running = undefined;
}

export async function watchSwitch(namespace: string, service: string, revision: bigint): Promise<void> {
  stopWatch();
  const mine = (running = new AbortController());
  const card = find("[data-watch]");
  card.hidden = false;
  const title = find("#watch-title", card);
  title.textContent = fill(gettext("Switch to r%(n)s"), { n: revision });
  title.focus({ preventScroll: true });
  card.scrollIntoView({ block: "nearest" });
  let restedAt: number | undefined;
  try {
    const request = { namespace, service, revision, maxS: MAX_S };
    for await (const progress of traffic.watchSwitch(request, { signal: mine.signal })) {
      show(card, progress);
      if (progress.settled) restedAt ??= Date.now() + REST_MS;
      if (restedAt && Date.now() > restedAt) break;
    }
  } catch (error) {
    if (!mine.signal.aborted) find("[data-summary]", card).textContent = refusalOf(error).message;
  } finally {
    mine.abort();
    void refresh();
  }
}

function show(card: HTMLElement, progress: SwitchProgress): void {
  find("[data-summary]", card).textContent = summary(progress);
  find("[data-deliveries]", card).replaceChildren(...progress.clients.map(deliveryRow));
  find("[data-moving]", card).replaceChildren(...progress.shares.map(shareRow));
  card.dataset.settled = String(progress.settled);
  card.dataset.acked = String(progress.acked);
}

function summary(progress: SwitchProgress): string {
  const values = { acked: progress.acked, total: progress.clients.length, calls: progress.calls, nacked: progress.nacked };
  if (!progress.clients.length) return gettext("No client is connected for this service; it will get the policy when it connects.");
  const parts = [fill(gettext("%(acked)s of %(total)s clients acknowledged."), values)];
  if (progress.nacked) parts.push(fill(gettext("%(nacked)s refused."), values));
  parts.push(fill(gettext("%(calls)s calls observed since."), values));
  if (progress.settled) parts.push(gettext("Settled."));
  return parts.join(" ");
}

function deliverySign(delivery: Delivery): HTMLElement {
  switch (delivery) {
    case Delivery.SENT:
      return sign("busy", icon("send"), gettext("Sent"));
    case Delivery.ACKED:
      return sign("good", icon("circle-check"), gettext("Acknowledged"));
    case Delivery.NACKED:
      return sign("bad", icon("ban"), gettext("Refused"));
    case Delivery.OFFLINE:
      return sign("calm", icon("plug-connected-x"), gettext("Offline"));
    default:
      return sign("calm", icon("clock"), gettext("Waiting"));
  }
}

function deliveryRow(client: ClientDelivery): HTMLTableRowElement {
  const state = make("td", {}, deliverySign(client.delivery));
  if (client.nackText) state.append(make("div", { class: "nack" }, client.nackText));
  const name = make("th", { scope: "row" }, client.nodeId, make("div", { class: "text-secondary" }, `${client.kind} ${client.zone}`));
  const after = client.ackedAfterMs === undefined ? "–" : `${client.ackedAfterMs} ms`;
  const runs = client.delivery === Delivery.NACKED ? gettext("what it had") : client.effectivePolicy;
  return make("tr", {}, name, state, make("td", { class: "num" }, after), make("td", {}, runs));
}

function shareRow(share: EndpointShare): HTMLTableRowElement {
  return make(
    "tr",
    {},
    make("th", { scope: "row" }, share.endpoint),
    make("td", { class: "num" }, share.observedPpm === undefined ? gettext("unknown") : percent(share.observedPpm)),
    make("td", { class: "num" }, percent(share.intendedPpm)),
    make("td", { class: "wide" }, shareBar(share.observedPpm, share.intendedPpm) as unknown as Node),
  );
}
