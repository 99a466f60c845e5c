// Keeps "3 min ago" and "12 s left" true between two readings of the page.
import { all } from "./dom";
import { fill, gettext, ngettext } from "./words";

export function spanWords(seconds: number): string {
  if (seconds < 5) return gettext("just now");
  if (seconds < 60) return fill(gettext("%(n)s s ago"), { n: seconds });
  if (seconds < 3600) return fill(gettext("%(n)s min ago"), { n: Math.floor(seconds / 60) });
  if (seconds < 86_400) return fill(gettext("%(n)s h ago"), { n: Math.floor(seconds / 3600) });
  const days = Math.floor(seconds / 86_400);
  return fill(ngettext("%(n)s day ago", "%(n)s days ago", days), { n: days });
}

function aheadWords(seconds: number): string {
  if (seconds < 5) return gettext("just now");
  if (seconds < 60) return fill(gettext("in %(n)s s"), { n: seconds });
  if (seconds < 3600) return fill(gettext("in %(n)s min"), { n: Math.floor(seconds / 60) });
  if (seconds < 2 * 86_400) return fill(gettext("in %(n)s h"), { n: Math.floor(seconds / 3600) });
  return fill(gettext("in %(n)s days"), { n: Math.floor(seconds / 86_400) });
}

function write(time: HTMLTimeElement, words: string): void {
  if (time.textContent !== words) time.textContent = words;
}

export function startClock(): void {
  setInterval(() => {
    const now = Date.now();
    for (const time of all<HTMLTimeElement>("time[data-ago]")) {
      write(time, spanWords(Math.max(0, Math.floor((now - Date.parse(time.dateTime)) / 1000))));
    }
    for (const time of all<HTMLTimeElement>("time[data-until]")) {
      write(time, `${Math.max(0, Math.floor((Date.parse(time.dateTime) - now) / 1000))} s`);
    }
    for (const time of all<HTMLTimeElement>("time[data-when]")) {
      const left = Math.trunc((Date.parse(time.dateTime) - now) / 1000);
      write(time, left > 0 ? aheadWords(left) : spanWords(-left));
    }
  }, 1000);
}
