// Making and finding elements; text from data only ever becomes a text node.
type Child = Node | string | undefined;

export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

export function find<T extends Element = HTMLElement>(selector: string, under: ParentNode = document): T {
  const found = under.querySelector<T>(selector);
  if (!found) throw new Error(`nothing here matches ${selector}`);
  return found;
}

export function all<T extends Element = HTMLElement>(selector: string, under: ParentNode = document): T[] {
  return [...under.querySelectorAll<T>(selector)];
}

const SVG = "http://www.w3.org/2000/svg";

function svg(tag: string, attributes: Record<string, string>, ...children: Node[]): SVGElement {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

export function icon(name: string): SVGElement {
  const sprite = document.body.dataset.icons ?? "";
  return svg("svg", { class: "icon", "aria-hidden": "true" }, svg("use", { href: `${sprite}#${name}` }));
}

// A state as colour, shape and word; `drawn` is icon("...").
export function sign(tone: string, drawn: SVGElement, word: string, note = ""): HTMLElement {
  return make("span", { class: `sign sign-${tone}`, title: note }, drawn, make("span", {}, word));
}

// A bar of a share in parts per million, with a mark at another.
export function shareBar(seen: number | undefined, mark: number | undefined): SVGElement {
  const across = (ppm: number | undefined) => `${(ppm ?? 0) / 10_000}`;
  const bar = svg(
    "svg",
    { class: "share", viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("rect", { class: "share-floor", width: "100", height: "10" }),
    svg("rect", { class: "share-seen", width: across(seen), height: "10" }),
  );
  if (mark !== undefined) bar.append(svg("rect", { class: "share-meant", x: across(mark), width: "1", height: "10" }));
  return bar;
}

export function say(text: string): void {
  const line = make("div", { class: "toast-line" }, text);
  find(".toasts").append(line);
  setTimeout(() => line.remove(), 6000);
}
