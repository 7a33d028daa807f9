// Makes the pictures of every state in states.ts, on a phone and on a desktop, light and dark, and fails where a state
// writes an error to the console, has something that does not fit, or has an accessibility problem. `script/screens`
// runs it.
//
// Pictures in full size, and a sheet with the four of each state, are written to `target/screens`. With GALLERY=docs
// the sheets also become the files of `docs/gallery`, and `docs/gallery.md` lists them.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, BrowserContextOptions, Page } from "@playwright/test";
import { expect, expectAccessible, test } from "./fixtures.ts";
import { misfits } from "./fit.ts";
import { settle } from "./settle.ts";
import { AREAS, SIZES, STATES, type Size, type State } from "./states.ts";

const ROOT = resolve(fileURLToPath(import.meta.url), "../..");
const PICTURES = resolve(ROOT, "target/screens");
const DOCS = process.env["GALLERY"] === "docs" ? resolve(ROOT, "docs") : undefined;
const SCHEMES = ["light", "dark"] as const;
/** The size of a sheet in the documentation, so that all of them together stay small. */
const SCALE = 0.7;
const ABOUT =
  "Every state of the pages: on a phone and on a desktop, light and dark. `script/screens --docs` makes this list and its pictures.";

/** `A room: alone` is `a-room-alone` in the names of files. */
const slug = ({ area, name }: Pick<State, "area" | "name">): string =>
  `${area} ${name}`
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");

interface Picture {
  size: Size;
  scheme: (typeof SCHEMES)[number];
  png: Buffer;
}

for (const state of STATES) {
  test(`${state.area}: ${state.name}`, async ({ browser, playwright, shared, launch, guest, complaints }) => {
    if (state.allows) complaints.allow(state.allows);
    const pictures: Picture[] = [];
    for (const size of state.sizes ?? (Object.keys(SIZES) as Size[])) {
      await test.step(size, async () => {
        const stack = state.servers ? await launch("embedded", state.servers) : await shared("embedded");
        const opened: { close(): Promise<void> }[] = [];
        const friend = async (options: BrowserContextOptions = SIZES.desktop) => {
          const person = await guest(stack, 0, { reducedMotion: "reduce", ...options });
          opened.push(person.context);
          return person;
        };
        const caller = async () => {
          const request = await playwright.request.newContext({ baseURL: stack.url() });
          opened.push({ close: () => request.dispose() });
          return { context: { request } };
        };
        const me = await friend({ ...SIZES[size], ...state.browser });
        // The number of the generated name that is offered to visitors.
        await me.context.addCookies([{ name: "anonchat-proposal", value: "7", url: stack.url() }]);
        const enlarge = state.letters ? await enlarger(me.page, state.letters) : undefined;
        await enlarge?.();
        await state.make(me, { stack, friend, caller });
        // All pictures before the checks, because some states last for seconds only.
        for (const scheme of SCHEMES) pictures.push({ size, scheme, png: await picture(me.page, scheme, enlarge) });
        expect.soft(await misfits(me.page), `${size}: everything fits`).toEqual([]);
        // axe is a script, and waits for timers.
        for (const scheme of state.browser?.javaScriptEnabled === false ? [] : SCHEMES) {
          await me.page.emulateMedia({ colorScheme: scheme });
          await test.step(`axe, ${size}, ${scheme}`, () => expectAccessible(me.page));
        }
        await Promise.all(opened.map((each) => each.close()));
      });
    }
    for (const { size, scheme, png } of pictures) await write(PICTURES, `${slug(state)}.${size}-${scheme}.png`, png);
    const sheet = await sheetOf(browser, pictures);
    await write(resolve(PICTURES, "sheets"), `${slug(state)}.png`, sheet.png);
    if (DOCS) await write(resolve(DOCS, "gallery"), `${slug(state)}.webp`, sheet.webp);
  });
}

/** Returns what makes letters this many times as large, as a reader does in the settings of the browser. */
async function enlarger(page: Page, times: number): Promise<() => Promise<unknown>> {
  const session = await page.context().newCDPSession(page);
  return () => session.send("Page.setFontSizes", { fontSizes: { standard: 16 * times, fixed: 13 * times } });
}

/**
 * Takes a picture of the whole page. Its window is as high as the page meanwhile, so that what is fixed to an edge of
 * the window is at that edge of the picture. Chromium forgets the size of letters when the size of the window changes.
 */
async function picture(page: Page, colorScheme: Picture["scheme"], enlarge?: () => Promise<unknown>): Promise<Buffer> {
  await page.emulateMedia({ colorScheme });
  const size = page.viewportSize()!;
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  const resize = async (size: { width: number; height: number }) => {
    await page.setViewportSize(size);
    await enlarge?.();
  };
  if (height > size.height) await resize({ ...size, height });
  await settle(page);
  const png = await page.screenshot({ animations: "disabled", caret: "hide" });
  if (height > size.height) await resize(size);
  return png;
}

/** The pictures of a state on one sheet: those of the phone side by side, those of the desktop below each other. */
async function sheetOf(browser: Browser, pictures: Picture[]): Promise<{ png: Buffer; webp: Buffer }> {
  const page = await browser.newPage({ viewport: { width: 1_600, height: 900 }, deviceScaleFactor: 1 });
  const column = (size: Size, style: string) => {
    const images = pictures
      .filter((picture) => picture.size === size)
      .map(({ png }) => `<img style="${style}" src="data:image/png;base64,${png.toString("base64")}">`);
    return images.length > 0 ? `<div class="${size}">${images.join("")}</div>` : "";
  };
  await page.setContent(
    `<style>
      body { display: flex; gap: 12px; width: fit-content; margin: 0; padding: 12px; background: #8a8f98 }
      div { display: flex; gap: 12px; align-items: start }
      .desktop { flex-direction: column }
      img { object-fit: cover; object-position: top; max-height: 1600px }
    </style>` +
      column("phone", "width: 372px") +
      column("desktop", "width: 640px; max-height: 800px"),
  );
  const clip = (await page.locator("body").boundingBox())!;
  const session = await page.context().newCDPSession(page);
  const { data } = await session.send("Page.captureScreenshot", {
    format: "webp",
    quality: 60,
    captureBeyondViewport: true,
    clip: { ...clip, scale: SCALE },
  });
  const png = await page.screenshot({ clip, fullPage: true });
  await page.close();
  return { png, webp: Buffer.from(data, "base64") };
}

async function write(folder: string, name: string, content: Buffer): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(resolve(folder, name), content);
}

test("docs/gallery.md lists every state", async () => {
  const lines = ["# Gallery", "", ABOUT];
  for (const area of AREAS) {
    lines.push("", `## ${area}`);
    for (const state of STATES.filter((state) => state.area === area)) {
      const caption = state.name[0]!.toUpperCase() + state.name.slice(1);
      lines.push("", `### ${caption}`, "", `![${area}: ${state.name}](gallery/${slug(state)}.webp)`);
    }
  }
  const list = lines.join("\n") + "\n";
  const file = resolve(ROOT, "docs/gallery.md");
  if (DOCS) await writeFile(file, list);
  expect(await readFile(file, "utf8"), "make it with GALLERY=docs").toBe(list);
});
