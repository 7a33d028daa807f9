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

/** An .ico file that holds PNGs: a header, one entry for each picture, then the pictures. */
function ico(pictures) {
  const header = Buffer.alloc(6 + 16 * pictures.length);
  header.writeUInt16LE(1, 2); // the type: icon
  header.writeUInt16LE(pictures.length, 4);
  let offset = header.length;
  pictures.forEach(({ size, png }, i) => {
    const entry = 6 + 16 * i;
    header.writeUInt8(size, entry);
    header.writeUInt8(size, entry + 1);
    header.writeUInt16LE(1, entry + 4); // colour planes
    header.writeUInt16LE(32, entry + 6); // bits for each pixel
    header.writeUInt32LE(png.length, entry + 8);
    header.writeUInt32LE(offset, entry + 12);
    offset += png.length;
  });
  return Buffer.concat([header, ...pictures.map(({ png }) => png)]);
}

const icon = await read("icons/icon.svg");
const maskable = await read("icons/maskable.svg");
await write("icons/icon-192.png", await draw(icon, 192));
await write("icons/icon-512.png", await draw(icon, 512));
await write("icons/maskable-512.png", await draw(maskable, 512));
await write("icons/apple-touch-icon.png", await draw(maskable, 180));
// The picture that messengers show beside a pasted link.
await write("icons/link.png", await draw(await read("icons/link.svg"), 1200, 630));
const favicons = [];
for (const size of [16, 32, 48]) favicons.push({ size, png: await draw(icon, size) });
await write("favicon.ico", ico(favicons));

await browser.close();
