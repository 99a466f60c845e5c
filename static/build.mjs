// Bundles static/src into static/dist: scripts, styles, the icons in use, and a .gz beside each.
import { build } from "esbuild";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const out = "static/dist";
const template = /\{% (?:icon|nav_link) "([a-z0-9-]+)"/g;
const script = /\bicon(?:\(|=)"([a-z0-9-]+)"/g;

function* files(directory) {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = `${directory}/${entry.name}`;
    if (entry.isDirectory()) yield* files(path);
    else yield path;
  }
}

// Every icon that a template or a script names, taken from Tabler's sprite.
function sprite() {
  const names = new Set();
  for (const path of [...files("templates"), ...files("static/src"), "gateway/pages/signs.py"]) {
    const text = readFileSync(path, "utf8");
    for (const found of [...text.matchAll(template), ...text.matchAll(script)]) names.add(found[1]);
  }
  const all = readFileSync("node_modules/@tabler/icons-sprite/dist/tabler-sprite.svg", "utf8");
  const symbols = [...names].sort().map((name) => {
    const symbol = all.match(new RegExp(`<symbol id="tabler-${name}".*?</symbol>`, "s"));
    if (!symbol) throw new Error(`Tabler has no icon ${name}`);
    return symbol[0].replace(`id="tabler-${name}"`, `id="${name}"`);
  });
  return `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>`;
}

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
await build({
  entryPoints: { governor: "static/src/main.ts", theme: "static/src/theme.ts", style: "static/src/style.css" },
  outdir: out,
  bundle: true,
  minify: true,
  loader: { ".woff2": "file" },
  assetNames: "[name]",
  format: "iife",
  target: ["chrome120", "firefox121", "safari17"],
  logLevel: "warning",
});
writeFileSync(`${out}/icons.svg`, sprite());
copyFileSync("static/src/logo.svg", `${out}/logo.svg`);
const texts = [...files(out)].filter((path) => /\.(js|css|svg)$/.test(path));
for (const path of texts) writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
