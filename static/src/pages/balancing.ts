// The balancing editor: draft, live validation, diff, reason, confirm, then watch.
import { asGrpcurl, mutation, refusalOf, traffic } from "../api";
import { all, find, say } from "../dom";
import { clearErrors, openDialog, showErrors, value } from "../forms";
import { type Balancing, type IntendedShares, TrafficService } from "../gen/gateway/proto/traffic_pb";
import { fill, gettext } from "../words";
import { parsed, showChecks } from "./checks";
import { readDraft, showParameters } from "./draft";
import { stopWatch, watchSwitch } from "./watch";

const VALIDATE_MS = 250;

interface Start {
  namespace: string;
  service: string;
  revision: number;
  balancing: Record<string, unknown>;
}

class Editor {
  private readonly form: HTMLFormElement;
  private readonly start: Start;
  private revision: bigint;
  private current: Record<string, unknown>;
  private now: IntendedShares[] = [];
  private timer = 0;
  private asked = 0;

  constructor(private readonly card: HTMLElement) {
    this.form = find<HTMLFormElement>("form", card);
    this.start = JSON.parse(find("#balancing-start").textContent ?? "{}") as Start;
    this.revision = BigInt(this.start.revision);
    this.current = this.start.balancing;
    this.orderAsStored();
    this.listen();
  }

  get names(): { namespace: string; service: string } {
    return { namespace: this.start.namespace, service: this.start.service };
  }

  private listen(): void {
    this.form.addEventListener("input", (event) => this.changed(event.target as HTMLInputElement));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.review();
    });
    this.form.addEventListener("click", (event) => this.clicked(event.target as Element));
    const dialog = find<HTMLDialogElement>("#confirm-switch");
    find("form", dialog).addEventListener("submit", (event) => {
      event.preventDefault();
      dialog.close();
      void this.send();
    });
  }

  async open(): Promise<void> {
    stopWatch();
    this.card.hidden = false;
    find("[data-edit]").hidden = true;
    showParameters(this.form);
    find("#editor-title", this.card).focus({ preventScroll: true });
    this.card.scrollIntoView({ block: "start" });
    await this.readCurrent();
    await this.validate();
  }

  close(): void {
    this.card.hidden = true;
    const edit = find("[data-edit]");
    edit.hidden = false;
    edit.focus();
  }

  private orderAsStored(): void {
    const order = this.current["order"];
    const list = find("[data-order]", this.form);
    if (!Array.isArray(order)) return;
    for (const name of [...order].reverse()) {
      const item = list.querySelector(`li[data-name="${CSS.escape(String(name))}"]`);
      if (item) list.prepend(item);
    }
  }

  // A slider and the number beside it say the same.
  private changed(input: HTMLInputElement): void {
    const row = input.closest(".weight");
    if (row && (input.type === "range" || input.type === "number")) {
      for (const other of all<HTMLInputElement>("input", row)) if (other !== input) other.value = input.value;
    }
    showParameters(this.form);
    this.later();
  }

  private clicked(target: Element): void {
    const item = target.closest<HTMLElement>("[data-order] li");
    const button = target.closest<HTMLElement>("[data-up], [data-down]");
    if (item && button) {
      if (button.matches("[data-up]")) item.previousElementSibling?.before(item);
      else item.nextElementSibling?.after(item);
      button.focus();
      this.later();
    }
    if (target.closest("[data-discard]")) {
      this.form.reset();
      this.orderAsStored();
      this.close();
    }
    if (target.closest("[data-rebase]")) void this.rebase();
  }

  private later(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.validate(), VALIDATE_MS);
  }

  private request(draft: Balancing) {
    return {
      ...this.names,
      balancing: draft,
      force: value(this.form, "force") === "on",
      mutation: mutation(value(this.form, "reason"), { ifRevision: this.revision }),
    };
  }

  private async readCurrent(): Promise<void> {
    try {
      const state = await traffic.getBalancing(this.names);
      this.now = state.intended;
      if (state.revision !== this.revision) this.conflict(state.actor, state.revision, state.reason);
    } catch (error) {
      showErrors(this.form, refusalOf(error));
    }
  }

  // Whether the server would take the draft; what it says is shown beside the fields.
  private async validate(): Promise<boolean> {
    const mine = ++this.asked;
    const request = this.request(readDraft(this.form, this.current));
    find("[data-command]", this.form).textContent = asGrpcurl(TrafficService.method.switchBalancing, request);
    try {
      const checked = await traffic.validateBalancing({ ...request, mutation: mutation("", { validateOnly: true }) });
      if (mine === this.asked) {
        clearErrors(this.form);
        find("[data-stale]", this.form).hidden = true;
        showChecks(this.form, this.current, this.now, checked);
      }
      return true;
    } catch (error) {
      if (mine === this.asked) {
        showErrors(this.form, refusalOf(error));
        find("[data-stale]", this.form).hidden = false;
      }
      return false;
    }
  }

  private async review(): Promise<void> {
    clearTimeout(this.timer);
    if (!(await this.validate())) return;
    const reason = find<HTMLInputElement>('[name="reason"]', this.form);
    if (!reason.value.trim()) {
      showErrors(this.form, { stale: false, message: "", fields: new Map([["reason", gettext("Say why: it is recorded.")]]) });
      return reason.focus();
    }
    const force = find("[data-force]", this.form);
    if (!force.hidden && value(this.form, "force") !== "on") {
      return find<HTMLInputElement>("input", force).focus();
    }
    const dialog = openDialog("confirm-switch");
    const chosen = find("b", find('input[name="policy"]:checked', this.form).parentElement ?? this.form).textContent;
    find("[data-what]", dialog).textContent = fill(gettext("%(service)s will be balanced by: %(policy)s"), {
      service: `${this.start.namespace}/${this.start.service}`,
      policy: chosen,
    });
    find("[data-why]", dialog).textContent = reason.value;
    find("[data-whom]", dialog).textContent = force.hidden ? "" : gettext("Some connected client will refuse it and keep what it has.");
  }

  private async send(): Promise<void> {
    try {
      const receipt = await traffic.switchBalancing(this.request(readDraft(this.form, this.current)));
      if (!receipt.changed) return say(gettext("It already stood so."));
      this.revision = receipt.revision;
      this.current = parsed(receipt.afterJson);
      find<HTMLInputElement>('[name="reason"]', this.form).value = "";
      this.card.hidden = true;
      find("[data-edit]").hidden = false;
      follow(this.names, receipt.revision);
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal.stale) await this.readCurrent();
      else showErrors(this.form, refusal);
    }
  }

  private conflict(actor: string, revision: bigint, reason: string): void {
    const box = find("[data-conflict]", this.form);
    find("[data-conflict-text]", box).textContent = fill(
      gettext("It was changed meanwhile by %(actor)s (r%(n)s): %(reason)s. Nothing was sent."),
      { actor, n: revision, reason: reason || "–" },
    );
    box.hidden = false;
  }

  // Compare the draft with the state as it stands now, and let it be sent against that.
  private async rebase(): Promise<void> {
    const state = await traffic.getBalancing(this.names);
    this.revision = state.revision;
    this.now = state.intended;
    const checked = await traffic.validateBalancing({ ...this.names, balancing: state.balancing, mutation: mutation("", { validateOnly: true }) });
    this.current = parsed(checked.receipt?.afterJson ?? "");
    find("[data-conflict]", this.form).hidden = true;
    await this.validate();
  }
}

function follow(names: { namespace: string; service: string }, revision: bigint): void {
  const address = new URL(location.href);
  address.searchParams.set("watch", String(revision));
  history.replaceState(null, "", address);
  void watchSwitch(names.namespace, names.service, revision);
}

export function startBalancing(): void {
  const card = document.querySelector<HTMLElement>("[data-editor]");
  if (!card) return;
  const editor = new Editor(card);
  document.addEventListener("click", (event) => {
    const target = event.target as Element;
    if (target.closest("[data-edit]")) void editor.open();
    if (target.closest("[data-watch-close]")) {
      stopWatch();
      find("[data-watch]").hidden = true;
      const address = new URL(location.href);
      address.searchParams.delete("watch");
      history.replaceState(null, "", address);
    }
  });
  const watched = new URL(location.href).searchParams.get("watch");
  if (watched && /^\d+$/.test(watched)) void watchSwitch(editor.names.namespace, editor.names.service, BigInt(watched));
}
