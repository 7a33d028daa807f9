// Draws the PNGs and the favicon of public/ with the test browser. Called by script/icons.
import { readFile, writeFile } from "node:fs/promises";
import { chromium } from "@playwright/test";

const PUBLIC = new URL("../public/", import.meta.url);
const read = (name) => readFile(new URL(name, PUBLIC), "utf8");
const write = (name, bytes) => writeFile(new URL(name, PUBLIC), bytes);

const browser = await chromium.launch({
  executablePath: process.env.ANONCHAT_CHROMIUM || undefined,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
});
const page = await browser.newPage();

async function draw(svg, width, height = width) {
  await page.setViewportSize({ width, height });
  await page.setContent(`<style>body { margin: 0 } svg { display: block; width: 100vw; height: 100vh }</style>${svg}`);
  return page.screenshot({ omitBackground: true });
}

/** An .ico file that holds one PNG: a header, its entry, and the picture. */
function ico(size, png) {
  const header = Buffer.alloc(22);
  header.writeUInt16LE(1, 2); // the type: icon
  header.writeUInt16LE(1, 4); // the number of pictures
  header.writeUInt8(size, 6);
  header.writeUInt8(size, 7);
  header.writeUInt16LE(1, 10); // colour planes
  header.writeUInt16LE(32, 12); // bits for each pixel
  header.writeUInt32LE(png.length, 14);
  header.writeUInt32LE(header.length, 18);
  return Buffer.concat([header, png]);
}

const icon = await read("icons/icon.svg");
const maskable = await read("icons/maskable.svg");
await write("icons/icon-192.png", await draw(icon, 192));
await write("icons/icon-512.png", await draw(icon, 512));
await write("icons/maskable-512.png", await draw(maskable, 512));
await write("icons/apple-touch-icon.png", await draw(maskable, 180));
// The picture that messengers show beside a pasted link.
await write("icons/link.png", await draw(await read("icons/link.svg"), 1200, 630));
// For browsers that show no SVG. One size, because each visit counts its bytes.
await write("favicon.ico", ico(32, await draw(icon, 32)));

await browser.close();
