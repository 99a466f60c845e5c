// A certificate's spec: as the form has it, as a message, and as lines that differ.
import { type MessageInitShape } from "@bufbuild/protobuf";
import { all, find } from "../dom";
import { value } from "../forms";
import { type CertificateSpecSchema } from "../gen/gateway/proto/certificate_pb";
import { inWords, seconds, short } from "../spans";
import { gettext } from "../words";

export interface Window {
  cron: string;
  duration_s: number;
  timezone: string;
}

export interface Spec {
  secret_name: string;
  issuer: string;
  duration_s: number;
  renew_before_s: number | null;
  renew_before_pct: number | null;
  renewal: string;
  common_name: string;
  dns_names: string[];
  uris: string[];
  ip_addresses: string[];
  usages: string[];
  private_key: { algorithm: string; size: number; rotation_policy: string };
  revision_history_limit: number;
  windows: Window[];
  consumers: string[];
}

type Init = Omit<MessageInitShape<typeof CertificateSpecSchema>, "$typeName">;

function lines(form: HTMLFormElement, name: string): string[] {
  return value(form, name).split(/[\s,]+/).filter(Boolean);
}

function whole(text: string): number {
  return /^\d{1,9}$/.test(text) ? Number(text) : -1;
}

// One window per line: cron | how long it stays open | time zone.
function windows(form: HTMLFormElement): MessageInitShape<typeof CertificateSpecSchema>["windows"] {
  const written = value(form, "windows").split("\n").filter((line) => line.trim());
  return written.map((line) => {
    const [cron = "", span = "", timezone = "UTC"] = line.split("|").map((part) => part.trim());
    return { cron, durationS: seconds(span), timezone: timezone || "UTC" };
  });
}

export function readSpec(form: HTMLFormElement): Init {
  const [algorithm = "", size = "0"] = value(form, "key").split(" ");
  const mode = value(form, "renew");
  const amount = value(form, "renew_before");
  return {
    secretName: value(form, "secret_name"),
    issuer: value(form, "issuer"),
    durationS: seconds(value(form, "duration_s")),
    renewBeforeS: mode === "before" ? seconds(amount) : undefined,
    renewBeforePct: mode === "share" ? whole(amount.replace(/\s*%$/, "")) : undefined,
    renewal: mode === "disabled" ? "Disabled" : "RenewBefore",
    commonName: value(form, "common_name"),
    dnsNames: lines(form, "dns_names"),
    uris: lines(form, "uris"),
    ipAddresses: lines(form, "ip_addresses"),
    usages: all<HTMLInputElement>('input[name="usages"]:checked', form).map((box) => box.value),
    privateKey: { algorithm, size: Number(size), rotationPolicy: value(form, "rotation_policy") },
    revisionHistoryLimit: whole(value(form, "revision_history_limit")),
    windows: windows(form),
    consumers: lines(form, "consumers"),
  };
}

export function writeSpec(form: HTMLFormElement, spec: Spec): void {
  const put = (name: string, text: string) => {
    find<HTMLInputElement>(`[name="${name}"]`, form).value = text;
  };
  put("secret_name", spec.secret_name);
  put("issuer", spec.issuer);
  put("duration_s", short(spec.duration_s));
  const mode = spec.renewal === "Disabled" ? "disabled" : spec.renew_before_s !== null ? "before" : spec.renew_before_pct !== null ? "share" : "third";
  put("renew", mode);
  put("renew_before", mode === "before" ? short(spec.renew_before_s ?? 0) : mode === "share" ? `${spec.renew_before_pct} %` : "");
  put("common_name", spec.common_name);
  for (const name of ["dns_names", "uris", "ip_addresses", "consumers"] as const) put(name, spec[name].join("\n"));
  for (const box of all<HTMLInputElement>('input[name="usages"]', form)) box.checked = spec.usages.includes(box.value);
  put("key", `${spec.private_key.algorithm} ${spec.private_key.size}`);
  put("rotation_policy", spec.private_key.rotation_policy);
  put("revision_history_limit", String(spec.revision_history_limit));
  put("windows", spec.windows.map((each) => `${each.cron} | ${short(each.duration_s)} | ${each.timezone}`).join("\n"));
}

// The field of an amount only where there is one to give.
export function showAmount(form: HTMLFormElement): void {
  const mode = value(form, "renew");
  find("[data-amount]", form).hidden = mode !== "before" && mode !== "share";
}

export function specWord(path: string): string {
  const words: Record<string, string> = {
    secret_name: gettext("Delivered as"),
    issuer: gettext("Issuer"),
    duration_s: gettext("Lives for"),
    renew_before_s: gettext("Renewed before its end by"),
    renew_before_pct: gettext("Renewed when this share of its life is left (%)"),
    renewal: gettext("Renewal"),
    common_name: gettext("Common name"),
    dns_names: gettext("DNS names"),
    uris: gettext("SPIFFE ID"),
    ip_addresses: gettext("IP addresses"),
    usages: gettext("Usages"),
    private_key: gettext("Private key"),
    revision_history_limit: gettext("Keys of earlier issues kept"),
    windows: gettext("Renewal windows"),
    consumers: gettext("Who may fetch it"),
    reason: gettext("Why it is issued"),
  };
  const [head = path, ...rest] = path.split(".");
  return [words[head] ?? head, ...rest].join(": ");
}

// A spec as people read it, to be compared line by line.
export function readable(spec: Spec | undefined): Record<string, unknown> {
  if (!spec) return {};
  const span = (given: number | null) => (given === null ? "–" : inWords(given));
  const listed = (given: string[]) => given.join(", ") || "–";
  return {
    ...spec,
    duration_s: span(spec.duration_s),
    renew_before_s: span(spec.renew_before_s),
    renew_before_pct: spec.renew_before_pct === null ? "–" : String(spec.renew_before_pct),
    dns_names: listed(spec.dns_names),
    uris: listed(spec.uris),
    ip_addresses: listed(spec.ip_addresses),
    usages: listed(spec.usages),
    consumers: listed(spec.consumers),
    private_key: `${spec.private_key.algorithm} ${spec.private_key.size}, ${spec.private_key.rotation_policy}`,
    windows: listed(spec.windows.map((each) => `${each.cron} ${each.timezone}, ${short(each.duration_s)}`)),
  };
}

// "DNS names +b −c": what differs, in one line.
export function inShort(before: Spec, after: Spec): string[] {
  const keys = Object.keys(after) as (keyof Spec)[];
  const changed = keys.filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]));
  return changed.map((key) => {
    const [was, is] = [before[key], after[key]];
    if (!Array.isArray(was) || !Array.isArray(is) || key === "windows") return specWord(key);
    const [old, now] = [was as string[], is as string[]];
    const gone = old.filter((name) => !now.includes(name)).map((name) => `−${name}`);
    const come = now.filter((name) => !old.includes(name)).map((name) => `+${name}`);
    return [specWord(key), ...come, ...gone].join(" ");
  });
}
