// Brings one tree to the shape of another and keeps every node that stays: focus, selection, open menus, scroll.
// Elements with data-keep belong to their script and are left alone.
function keyOf(node: Node): string {
  if (!(node instanceof Element)) return "";
  const kept = node.hasAttribute("data-keep") ? `keep ${node.className}` : "";
  return node.getAttribute("data-key") ?? (node.id || kept);
}

function alike(a: Node, b: Node): boolean {
  return a.nodeType === b.nodeType && a.nodeName === b.nodeName && keyOf(a) === keyOf(b);
}

function attributes(from: Element, to: Element): void {
  for (const { name } of [...from.attributes]) {
    if (!to.hasAttribute(name) && name !== "open" && name !== "style") from.removeAttribute(name);
  }
  for (const { name, value } of to.attributes) if (from.getAttribute(name) !== value) from.setAttribute(name, value);
}

function children(from: Element, to: Element): void {
  const keyed = new Map<string, Element>();
  for (const child of from.children) if (keyOf(child)) keyed.set(keyOf(child), child);
  let cursor = from.firstChild;
  for (const next of [...to.childNodes]) {
    const byKey = keyed.get(keyOf(next));
    const match = byKey && alike(byKey, next) ? byKey : cursor && alike(cursor, next) ? cursor : null;
    if (!match) from.insertBefore(document.importNode(next, true), cursor);
    else {
      if (match === cursor) cursor = cursor.nextSibling;
      else from.insertBefore(match, cursor);
      morph(match, next);
    }
  }
  while (cursor) {
    const gone = cursor;
    cursor = cursor.nextSibling;
    gone.remove();
  }
}

export function morph(from: Node, to: Node): void {
  if (from instanceof Element && to instanceof Element) {
    if (from.hasAttribute("data-keep")) return;
    attributes(from, to);
    if (from instanceof HTMLTemplateElement && to instanceof HTMLTemplateElement) from.innerHTML = to.innerHTML;
    else children(from, to);
  } else if (from.nodeValue !== to.nodeValue) from.nodeValue = to.nodeValue;
}
