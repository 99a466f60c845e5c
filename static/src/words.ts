// The catalogue of /jsi18n; without it the texts stay English.
interface Catalogue {
  gettext(text: string): string;
  ngettext(one: string, many: string, count: number): string;
  interpolate(text: string, values: Record<string, unknown>, named: true): string;
}

const catalogue = globalThis as unknown as Partial<Catalogue>;

export function gettext(text: string): string {
  return catalogue.gettext?.(text) ?? text;
}

export function ngettext(one: string, many: string, count: number): string {
  return catalogue.ngettext?.(one, many, count) ?? (count === 1 ? one : many);
}

export function fill(text: string, values: Record<string, unknown>): string {
  return text.replace(/%\((\w+)\)s/g, (_, name: string) => String(values[name]));
}

export function percent(ppm: number | undefined): string {
  return ppm === undefined ? "–" : `${(ppm / 10_000).toFixed(1)} %`;
}
