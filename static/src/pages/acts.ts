// Dialogs that change something: what will be different, why, confirm. What is in between differs from dialog to dialog.
import { type DescMessage, type DescMethodUnary, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import { asGrpcurl, mutation, refusalOf } from "../api";
import { find, say } from "../dom";
import { clearErrors, openDialog, showErrors, value } from "../forms";
import { type Receipt } from "../gen/gateway/proto/common_pb";
import { refresh } from "../live";
import { fill, gettext } from "../words";
import { parsed } from "./checks";
import { diffRows } from "./draft";

const LATER_MS = 250;

export interface Act<I extends DescMessage, O extends DescMessage> {
  dialog: string;
  method: DescMethodUnary<I, O>;
  call: (request: MessageInitShape<I>) => Promise<MessageShape<O>>;
  receiptOf: (answer: MessageShape<O>) => Receipt | undefined;
  // The request without its mutation, by the form and by what was clicked.
  request: (form: HTMLFormElement) => Omit<MessageInitShape<I>, "mutation" | "$typeName">;
  // Of the state before and after, what the reader is shown.
  shown?: (state: Record<string, unknown>) => Record<string, unknown>;
  word?: (path: string) => string;
  checked?: (form: HTMLFormElement, receipt: Receipt) => void;
  done?: (answer: MessageShape<O>, form: HTMLFormElement) => void | Promise<void>;
}

// Several acts may share a dialog: the one that opened it last answers.
const answering = new WeakMap<HTMLDialogElement, object>();

export class ActDialog<I extends DescMessage, O extends DescMessage> {
  readonly dialog: HTMLDialogElement;
  readonly form: HTMLFormElement;
  private timer = 0;
  private asked = 0;
  private sending = false;
  private blank = false;
  private readonly touched = new Set<string>();

  constructor(private readonly act: Act<I, O>) {
    this.dialog = find<HTMLDialogElement>(`#${act.dialog}`);
    this.form = find<HTMLFormElement>("form", this.dialog);
    this.form.addEventListener("input", (event) => {
      if (answering.get(this.dialog) !== this) return;
      this.touched.add((event.target as HTMLInputElement).name);
      this.later();
    });
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (answering.get(this.dialog) === this) void this.send();
    });
  }

  // `prepare` fills in the form; with `blank`, nothing is held against fields that were not filled in yet.
  open(prepare = () => {}, blank = false): void {
    answering.set(this.dialog, this);
    this.form.reset();
    prepare();
    this.blank = blank;
    this.touched.clear();
    openDialog(this.act.dialog);
    this.form.querySelector<HTMLElement>("[autofocus], [name=reason]")?.focus();
    if (!blank) void this.check();
  }

  later(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.check(), LATER_MS);
  }

  private message(terms: Parameters<typeof mutation>[1] = {}, reason = value(this.form, "reason")): MessageInitShape<I> {
    // Every method here takes a mutation beside what it is about, which generic types cannot say.
    return { ...this.act.request(this.form), mutation: mutation(reason, terms) } as unknown as MessageInitShape<I>;
  }

  // Asks the server what would change; refusals stand beside their fields before anything is sent.
  async check(): Promise<void> {
    const mine = ++this.asked;
    const command = this.form.querySelector("[data-command]");
    if (command) command.textContent = asGrpcurl(this.act.method, this.message());
    try {
      // Nothing is recorded of what is only asked, and some commands are refused without any reason.
      const answer = await this.act.call(this.message({ validateOnly: true }, value(this.form, "reason") || "–"));
      if (mine !== this.asked) return;
      clearErrors(this.form);
      const receipt = this.act.receiptOf(answer);
      if (receipt) this.show(receipt);
    } catch (error) {
      if (mine !== this.asked || !this.dialog.open) return;
      const refusal = refusalOf(error);
      const early = [...refusal.fields.keys()].filter((field) => this.blank && !this.touched.has(field));
      clearErrors(this.form);
      for (const field of early) refusal.fields.delete(field);
      if (refusal.fields.size || !early.length) showErrors(this.form, refusal);
      const table = this.form.querySelector<HTMLElement>("[data-changes]");
      if (table) table.hidden = true;
    }
  }

  private show(receipt: Receipt): void {
    const table = this.form.querySelector<HTMLElement>("[data-changes]");
    if (table) {
      const { shown = (state) => state, word } = this.act;
      const rows = diffRows(shown(parsed(receipt.beforeJson)), shown(parsed(receipt.afterJson)), word);
      const changed = rows.filter((row) => row.className === "diff-changed");
      table.hidden = changed.length === 0;
      find("tbody", table).replaceChildren(...changed);
    }
    this.act.checked?.(this.form, receipt);
  }

  private async send(): Promise<void> {
    if (this.sending) return;
    this.sending = true;
    clearTimeout(this.timer);
    this.asked += 1;
    try {
      const answer = await this.act.call(this.message());
      if (this.act.done) return void (await this.act.done(answer, this.form));
      this.dialog.close();
      const receipt = this.act.receiptOf(answer);
      say(receipt?.changed ? fill(gettext("Done: r%(n)s"), { n: receipt.revision }) : gettext("It already stood so."));
      await refresh();
    } catch (error) {
      showErrors(this.form, refusalOf(error));
    } finally {
      this.sending = false;
    }
  }
}

// What was clicked that matches, under whatever the pointer was on.
export function onClick(selector: string, then: (button: HTMLElement) => void): void {
  document.addEventListener("click", (event) => {
    const button = (event.target as Element).closest<HTMLElement>(selector);
    if (button) then(button);
  });
}

// JSON that the page was drawn with.
export function embedded<T>(id: string): T {
  return JSON.parse(document.getElementById(id)?.textContent ?? "{}") as T;
}
