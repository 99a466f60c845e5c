// The live audit trail: follows the stream, fills in after a cut, pauses, opens one event beside the list.
import { all, find, make } from "../dom";
import { follow, showState } from "../live";
import { fill, gettext, ngettext } from "../words";
import { flat } from "./draft";

const SHOWN = 500;
const FRESH_MS = 3000;

interface TrailEvent {
  stream: string;
  seq: number;
  at: string;
  outcome: string;
  [column: string]: unknown;
}

// What a change was about: its thing, or for a change of many things the first of them.
function about(event: TrailEvent): string {
  const thing = String(event["thing"] ?? "");
  if (!thing.endsWith("*")) return thing;
  const before = flat((event["before"] ?? {}) as Record<string, unknown>);
  const after = flat((event["after"] ?? {}) as Record<string, unknown>);
  const paths = [...new Set([...before.keys(), ...after.keys()])].filter((path) => before.get(path) !== after.get(path));
  const shown = paths.slice(0, 2).map((path) => `${path} ${after.get(path) ?? ""}`.trim());
  return shown.join(", ") + (paths.length > 2 ? fill(gettext(" and %(n)s more"), { n: paths.length - 2 }) : "");
}

class Trail {
  private readonly rows = find("[data-rows]");
  private readonly status = find("[data-trail-status]");
  private readonly stream: string;
  private head: number;
  private waiting: Node[] = [];
  private paused = false;
  private cutAt: Date | undefined;
  private filledIn = 0;

  constructor(private readonly page: HTMLElement) {
    this.stream = page.dataset.stream ?? "changes";
    this.head = Number(page.dataset.head ?? 0);
  }

  start(): void {
    follow(() => this.address(), (frame) => this.said(frame), () => this.cut());
    find("[data-pause]", this.page).addEventListener("click", () => this.pause());
  }

  // The filters of the form, and where to go on from.
  private address(): string {
    const address = new URL("/live/audit", location.href);
    const here = new URL(location.href).searchParams;
    address.searchParams.set("stream", this.stream);
    address.searchParams.set("after", String(this.head));
    for (const name of ["actor", "action", "outcome", "namespace"]) {
      const wanted = here.get(name)?.trim();
      if (wanted && !(name === "outcome" && this.stream === "changes")) address.searchParams.set(name, wanted);
    }
    return address.href;
  }

  private said(frame: Record<string, unknown>): void {
    if (frame["kind"] === "event") this.add(frame as unknown as TrailEvent);
    else if (frame["kind"] === "gap") this.gap(Number(frame["from"]), Number(frame["to"]));
    else if (frame["kind"] === "head") {
      this.head = Math.max(this.head, Number(frame["seq"]));
      this.whole();
    }
  }

  private add(event: TrailEvent): void {
    if (event.seq <= this.head) return;
    this.head = event.seq;
    if (this.cutAt) this.filledIn += 1;
    this.put(this.row(event));
  }

  private row(event: TrailEvent): HTMLElement {
    const row = find<HTMLTemplateElement>("template[data-row]").content.firstElementChild?.cloneNode(true) as HTMLElement;
    row.dataset.key = `${event.stream}${event.seq}`;
    row.dataset.seq = String(event.seq);
    for (const slot of all("[data-slot]", row)) {
      const column = slot.dataset.slot ?? "";
      if (column === "outcome") this.outcome(slot, event.outcome);
      else if (slot instanceof HTMLTimeElement) {
        slot.dateTime = event.at;
        slot.textContent = `${event.at.slice(5, 10)} ${event.at.slice(11, 19)}`;
      } else slot.textContent = column === "thing" ? about(event) : String(event[column] ?? "");
      if (slot instanceof HTMLAnchorElement) slot.href = `/audit/${event.stream}/${event.seq}`;
    }
    row.classList.add("fresh");
    setTimeout(() => row.classList.remove("fresh"), FRESH_MS);
    return row;
  }

  private outcome(slot: HTMLElement, outcome: string): void {
    const drawn = document.querySelector<HTMLTemplateElement>(`template[data-outcome="${CSS.escape(outcome)}"]`);
    slot.replaceChildren(drawn ? drawn.content.cloneNode(true) : outcome);
  }

  private marker(text: string, link = ""): void {
    const cell = make("td", { colspan: "9" }, text);
    if (link) cell.append(" ", make("a", { href: link }, gettext("Show them")));
    this.put(make("tr", { class: "gap" }, cell));
  }

  private gap(from: number, to: number): void {
    this.head = Math.max(this.head, to);
    const address = new URL(location.href);
    address.searchParams.set("before", String(to + 1));
    this.marker(fill(gettext("Events %(from)s to %(to)s came too fast to be shown here."), { from, to }), address.href);
  }

  private put(row: Node): void {
    document.querySelector("[data-trail-empty]")?.remove();
    if (this.paused) {
      this.waiting.push(row);
      if (this.waiting.length > SHOWN) this.waiting.shift();
      return this.tell();
    }
    this.rows.prepend(row);
    while (this.rows.childElementCount > SHOWN) this.rows.lastElementChild?.remove();
  }

  private cut(): void {
    this.cutAt ??= new Date();
  }

  // Everything up to the newest event is here again after a cut.
  private whole(): void {
    if (!this.cutAt) return;
    const at = this.cutAt.toISOString().slice(11, 19);
    const values = { at, n: this.filledIn };
    this.cutAt = undefined;
    this.filledIn = 0;
    this.marker(
      fill(ngettext("The connection was cut at %(at)s; %(n)s event was filled in.", "The connection was cut at %(at)s; %(n)s events were filled in.", values.n), values),
    );
  }

  private pause(): void {
    this.paused = !this.paused;
    const button = find("[data-pause]", this.page);
    button.setAttribute("aria-pressed", String(this.paused));
    find("span", button).textContent = this.paused ? gettext("Go on") : gettext("Pause");
    const waited = this.waiting;
    if (!this.paused) {
      this.waiting = [];
      for (const row of waited) this.put(row);
    }
    this.tell();
  }

  private tell(): void {
    this.status.textContent = this.paused
      ? fill(ngettext("Paused, %(n)s new event waits", "Paused, %(n)s new events wait", this.waiting.length), { n: this.waiting.length })
      : gettext("Following live");
  }
}

async function open(address: string): Promise<void> {
  const drawer = find<HTMLDialogElement>("#event");
  const response = await fetch(address, { headers: { "X-Part": "1" } });
  if (!response.ok) return;
  const read = new DOMParser().parseFromString(await response.text(), "text/html");
  const content = read.querySelector("main#content");
  find("[data-body]", drawer).replaceChildren(...(content?.childNodes ?? []));
  if (!drawer.open) drawer.showModal();
}

function select(seq: string | null): void {
  const address = new URL(location.href);
  if (seq) address.searchParams.set("event", seq);
  else address.searchParams.delete("event");
  history.replaceState(null, "", address);
  for (const row of all("[data-rows] tr")) {
    if (row.dataset.seq && row.dataset.seq === seq) row.setAttribute("aria-selected", "true");
    else row.removeAttribute("aria-selected");
  }
}

export function startTrail(): void {
  const page = document.querySelector<HTMLElement>("[data-trail]");
  if (!page) return;
  if (page.dataset.frozen === undefined) new Trail(page).start();
  else showState("live");
  find("[data-rows]").addEventListener("click", (event) => {
    const row = (event.target as Element).closest<HTMLElement>("tr[data-seq]");
    const link = row?.querySelector<HTMLAnchorElement>("a");
    if (!row || !link) return;
    event.preventDefault();
    select(row.dataset.seq ?? null);
    void open(link.href);
  });
  find("#event").addEventListener("close", () => select(null));
  const wanted = new URL(location.href).searchParams.get("event");
  if (wanted && /^\d+$/.test(wanted)) {
    select(wanted);
    void open(`/audit/${page.dataset.stream}/${wanted}`);
  }
}
