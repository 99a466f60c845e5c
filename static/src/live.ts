// A websocket that comes back by itself, and the page content that is read anew when it speaks.
import { find } from "./dom";
import { morph } from "./morph";
import { gettext } from "./words";

const REFRESH_MS = 2000;
const POLL_MS = 5000;
const RETRY_MS = [500, 1000, 2000, 5000, 10_000];

export type LiveState = "connecting" | "live" | "cut";

export function showState(state: LiveState): void {
  const shown = document.querySelector<HTMLElement>(".live");
  if (!shown || shown.dataset.liveState === state) return;
  shown.dataset.liveState = state;
  const words = { connecting: gettext("Connecting"), live: gettext("Live"), cut: gettext("Reconnecting") };
  find(".live-word", shown).textContent = words[state];
}

function showRead(at: string | undefined): void {
  const shown = document.querySelector<HTMLTimeElement>(".live-at time");
  if (!shown || !at) return;
  shown.dateTime = at;
  shown.textContent = new Date(at).toISOString().slice(11, 19);
}

// Opens `address()` and opens it again after each cut; `said` gets every frame, one JSON object per line.
export function follow(address: () => string, said: (frame: Record<string, unknown>) => void, cut = () => {}): WebSocketHolder {
  const holder: WebSocketHolder = { open: false };
  let failures = 0;
  showState("connecting");
  const connect = (): void => {
    const socket = new WebSocket(address().replace(/^http/, "ws"));
    socket.onopen = () => {
      holder.open = true;
      failures = 0;
      showState("live");
    };
    socket.onmessage = (message: MessageEvent<string>) => {
      for (const line of message.data.split("\n")) if (line) said(JSON.parse(line) as Record<string, unknown>);
    };
    socket.onclose = () => {
      if (holder.open) cut();
      holder.open = false;
      showState("cut");
      const wait = RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)] ?? 1000;
      setTimeout(connect, wait * (0.75 + Math.random() / 2));
    };
  };
  connect();
  return holder;
}

export interface WebSocketHolder {
  open: boolean;
}

let reading = false;

// Reads this page's content again and moves the shown content to it.
export async function refresh(): Promise<void> {
  const content = document.querySelector("main#content");
  if (reading || !content?.querySelector("[data-refresh]")) return;
  reading = true;
  try {
    const response = await fetch(location.href, { headers: { "X-Part": "1" } });
    if (response.status === 401 || response.redirected) location.reload();
    else if (response.ok) {
      const read = new DOMParser().parseFromString(await response.text(), "text/html");
      const next = read.querySelector<HTMLElement>("main#content");
      if (next) morph(content, next);
      const [told, toldNext] = [document, read].map((page) => page.querySelector("#banners"));
      if (told && toldNext) morph(told, toldNext);
      showRead(next?.dataset.at);
    }
  } catch {
    showState("cut");
  } finally {
    reading = false;
  }
}

export function startRefreshing(): void {
  if (!document.querySelector("[data-refresh]")) return;
  let readAt = Date.now();
  let due = false;
  const read = (): void => {
    due = false;
    readAt = Date.now();
    void refresh();
  };
  const soon = (): void => {
    if (due || document.hidden) return;
    due = true;
    setTimeout(read, Math.max(0, readAt + REFRESH_MS - Date.now()));
  };
  const socket = follow(
    () => new URL("/live/fleet", location.href).href,
    (frame) => frame.kind === "fleet" && soon(),
  );
  // What is only observed is no change that the socket would tell of.
  setInterval(() => {
    if (!socket.open || document.querySelector("time[data-until], [data-observed]")) soon();
  }, POLL_MS);
  document.addEventListener("visibilitychange", soon);
}
