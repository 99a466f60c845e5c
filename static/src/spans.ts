// Spans of time as people write them: "90d", "12h 30min", "3600".
import { fill, gettext, ngettext } from "./words";

const UNITS: Record<string, number> = { d: 86_400, h: 3600, min: 60, m: 60, s: 1 };
const SPAN = /^(?:\s*\d+\s*(?:d|h|min|m|s)\s*)+$/;

// Seconds; what is no span becomes -1, which the server refuses with the field's name.
export function seconds(text: string): number {
  const plain = text.trim().toLowerCase();
  if (/^\d{1,9}$/.test(plain)) return Number(plain);
  if (!SPAN.test(plain)) return -1;
  let sum = 0;
  for (const [, count, unit] of plain.matchAll(/(\d+)\s*(d|h|min|m|s)/g)) sum += Number(count) * (UNITS[unit ?? "s"] ?? 1);
  return sum < 2 ** 31 ? sum : -1;
}

// As one would type it: the largest unit in which it is whole.
export function short(span: number): string {
  for (const unit of ["d", "h", "min"]) {
    const size = UNITS[unit] ?? 1;
    if (span >= size && span % size === 0) return `${span / size}${unit}`;
  }
  return `${span}s`;
}

function counted(count: number, unit: string): string {
  if (unit === "d") return fill(ngettext("%(n)s day", "%(n)s days", count), { n: count });
  if (unit === "h") return fill(gettext("%(n)s h"), { n: count });
  return fill(unit === "min" ? gettext("%(n)s min") : gettext("%(n)s s"), { n: count });
}

// In words, with the exact figure.
export function inWords(span: number): string {
  let left = span;
  const parts: string[] = [];
  for (const unit of ["d", "h", "min", "s"]) {
    const size = UNITS[unit] ?? 1;
    const count = Math.floor(left / size);
    left -= count * size;
    if (count) parts.push(counted(count, unit));
  }
  return `${parts.join(" ")} (${span} s)`;
}
