// The editor's form as a Balancing message, and states as lines that differ.
import { type MessageInitShape, create } from "@bufbuild/protobuf";
import { all, find, make } from "../dom";
import { value } from "../forms";
import { type Balancing, BalancingSchema } from "../gen/gateway/proto/traffic_pb";
import { gettext } from "../words";

type Init = Exclude<MessageInitShape<typeof BalancingSchema>, Balancing>;

export function readDraft(form: HTMLFormElement, current: Record<string, unknown>): Balancing {
  const policy = value(form, "policy");
  const draft: Init = { policy, timeoutMs: number(form, "timeout_ms") };
  if (policy === "weighted_round_robin") {
    draft.weighBy = value(form, "weigh_by");
    const inForce = current["weigh_by"] === draft.weighBy ? current["weights"] : {};
    draft.weights = weights(form, draft.weighBy, inForce as Record<string, number>);
  } else if (policy === "least_request") {
    draft.choiceCount = number(form, "choice_count");
    draft.strict = value(form, "strict") === "on";
  } else if (policy === "ring_hash") {
    draft.hashHeader = value(form, "hash_header");
    draft.hashFunction = value(form, "hash_function");
    draft.minRingSize = number(form, "min_ring_size");
  } else if (policy === "pick_first") {
    draft.order = all("[data-order] li", form).map((item) => item.dataset.name ?? "");
  } else if (policy === "zone_aware") {
    draft.spillPct = number(form, "spill_pct");
  }
  return create(BalancingSchema, draft);
}

// Whole numbers only: what is not one becomes -1, which the server refuses with the field's name.
function whole(text: string): number {
  const read = Number(text);
  return text !== "" && Number.isInteger(read) && Math.abs(read) < 2 ** 31 ? read : -1;
}

function number(form: HTMLFormElement, name: string): number {
  return whole(value(form, name));
}

// As in force as long as nothing was changed; after that, every instance or version by name.
function weights(form: HTMLFormElement, by: string, inForce: Record<string, number>): Record<string, number> {
  const read: Record<string, number> = {};
  let changed = by === "version";
  for (const row of all(`[data-weights="${by}"] [data-weight]`, form)) {
    const name = row.dataset.weight ?? "";
    read[name] = whole(find<HTMLInputElement>('input[type="number"]', row).value);
    changed ||= read[name] !== (inForce[name] ?? Number(row.dataset.registered));
  }
  return changed ? read : { ...inForce };
}

// Shows the parameters of the chosen policy only, and the weights that are weighed by.
export function showParameters(form: HTMLFormElement): void {
  const policy = value(form, "policy");
  for (const part of all("[data-for]", form)) part.hidden = part.dataset.for !== policy;
  const by = value(form, "weigh_by");
  for (const part of all("[data-weights]", form)) part.hidden = part.dataset.weights !== by;
}

export function flat(state: Record<string, unknown>, prefix = ""): Map<string, string> {
  const lines = new Map<string, string>();
  for (const [key, item] of Object.entries(state)) {
    if (item && typeof item === "object" && !Array.isArray(item) && Object.keys(item).length) {
      for (const [path, text] of flat(item as Record<string, unknown>, `${prefix}${key}.`)) lines.set(path, text);
    } else lines.set(prefix + key, typeof item === "string" ? item : JSON.stringify(item));
  }
  return lines;
}

function fieldWord(path: string): string {
  const words: Record<string, string> = {
    owner: gettext("Owner"),
    description: gettext("Description"),
    grpc_services: gettext("Protobuf services"),
    policy: gettext("Policy"),
    timeout_ms: gettext("Timeout (ms)"),
    weights: gettext("Weights"),
    weigh_by: gettext("Weigh by"),
    choice_count: gettext("Instances compared per call"),
    strict: gettext("Refuse clients that lack it"),
    hash_header: gettext("Header that is hashed"),
    hash_function: gettext("Hash function"),
    min_ring_size: gettext("Smallest ring size"),
    order: gettext("Order of preference"),
    spill_pct: gettext("Calls that leave the zone (%)"),
  };
  const [head = path, ...rest] = path.split(".");
  const word = words[head] ?? head;
  return rest.length ? `${word}: ${rest.join(".")}` : word;
}

// One row per field of either state, those that differ marked; `word` names a field for the reader.
export function diffRows(
  before: Record<string, unknown>,
  after: Record<string, unknown>,
  word: (path: string) => string = fieldWord,
): HTMLTableRowElement[] {
  const old = flat(before);
  const now = flat(after);
  return [...new Set([...old.keys(), ...now.keys()])].map((path) => {
    const [was, is] = [old.get(path), now.get(path)];
    const same = was === is;
    const left = was === undefined ? "–" : same ? was : make("del", {}, was);
    const right = is === undefined ? "–" : same ? is : make("ins", {}, is);
    return make(
      "tr",
      { class: same ? "diff-same" : "diff-changed" },
      make("th", { scope: "row" }, word(path)),
      make("td", {}, left),
      make("td", {}, right),
    );
  });
}
