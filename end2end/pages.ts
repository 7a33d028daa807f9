// Measures the pages of a release build, writes bench/pages.json and prints tables. Each test is one part, and replaces
// its part of the file. Leave the machine alone while it runs. bench/README.md says what the figures mean.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { cpus, loadavg, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type BrowserContext, type BrowserContextOptions, type Page, chromium } from "@playwright/test";
import lighthouse from "lighthouse";
import { register } from "./account.ts";
import { type Guest, type Stack, controlled, expect, test } from "./fixtures.ts";
import { keep } from "./kept.ts";
import { observeMemory, wasmBytes } from "./memory.ts";
import {
  composer,
  go,
  isPhone,
  joinByRest,
  log,
  makeRoom,
  makeRoomByRest,
  messages,
  open,
  row,
  rooms,
  sayByRest,
  sayMany,
} from "./room.ts";

const RESULTS = resolve(fileURLToPath(import.meta.url), "../../bench/pages.json");
const RUNS = Number(process.env["RUNS"] ?? 5);
const PORT = 9377;
const MANY = 10_000;
/** People notice a frame that takes longer than this. */
const LONG_MS = 50;
/** How many times slower than this machine a phone is. */
const SLOWED = 4;
/** One more than a page keeps in memory, so that a round through all of them also opens what was forgotten. */
const ROOMS = ["Art", "Books", "Chess", "Dance", "Echo", "Films", "Games", "Hiking", "Ice"];
const MESSAGES = 50;
const SIZES: Record<string, BrowserContextOptions> = {
  desktop: { viewport: { width: 1280, height: 800 } },
  phone: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
};

const quantile = (values: number[], part: number): number =>
  [...values].sort((a, b) => a - b)[Math.max(0, Math.ceil(values.length * part) - 1)] ?? NaN;
const median = (values: number[]): number => quantile(values, 0.5);

interface Times {
  median_ms: number;
  p95_ms: number;
  runs_ms: number[];
}

function times(values: number[]): Times {
  const rounded = values.map(Math.round);
  return { median_ms: median(rounded), p95_ms: quantile(rounded, 0.95), runs_ms: rounded };
}

/** Replaces parts of the results. */
async function report(parts: Record<string, unknown>): Promise<void> {
  const before = JSON.parse(await readFile(RESULTS, "utf8")) as Record<string, unknown>;
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, load: loadavg()[0] };
  await writeFile(RESULTS, JSON.stringify({ ...before, machine, ...parts }, null, 2) + "\n");
}

function print(head: string[], rows: (string | number)[][]): void {
  console.log(
    ["", head, head.map(() => "---"), ...rows].map((row) => (row ? `| ${[row].flat().join(" | ")} |` : "")).join("\n"),
  );
}

/** The path of a room, and the text of its last message. */
interface Filled {
  name: string;
  code: string;
  path: string;
  last: string;
}

/**
 * Makes preserved rooms of an account, and fills them with messages of somebody else. The last one is the account's
 * own, because whoever writes has read everything, and a room that is read is shown at its end.
 */
async function fill(owner: Guest, other: Guest, names: string[]): Promise<Filled[]> {
  await register(other, "Bob");
  const filled: Filled[] = [];
  for (const name of names) {
    const code = await makeRoomByRest(owner, { name, preserve: true });
    await joinByRest(other, code, "Bob");
    const text = (n: number) => `${name}: message ${n} of the many that were said here`;
    for (let n = 1; n <= MESSAGES; n++) await sayByRest(n < MESSAGES ? other : owner, code, text(n));
    filled.push({ name, code, path: `/rooms/${code}`, last: text(MESSAGES) });
  }
  return filled;
}

async function slowDown(page: Page, rate: number): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send("Emulation.setCPUThrottlingRate", { rate });
}

/**
 * Runs in a page. Resolves when the room can be read and written in, with the milliseconds since the next click: its
 * last message is on the screen, the send button has taken notice of a letter in the composer, and the frame with both
 * is drawn.
 */
function usable({ path, last }: Filled): Promise<number> {
  const isReadable = () => {
    const message = [...document.querySelectorAll(".message__text")].at(-1);
    const { top = 0, bottom = 0 } = message?.getBoundingClientRect() ?? {};
    return location.pathname === path && message?.textContent === last && top < bottom && bottom <= innerHeight;
  };
  return new Promise((done) => {
    const onClick = ({ timeStamp }: MouseEvent) => {
      let isTyped = false;
      const look = async () => {
        const area = document.querySelector<HTMLTextAreaElement>("#message");
        if (!isTyped && area && isReadable()) {
          area.focus();
          isTyped = document.execCommand("insertText", false, "x");
          // The page takes the letter in microtasks, which are done before this frame is drawn.
          for (let i = 0; i < 20; i++) await undefined;
        }
        const isTaken = isTyped && document.querySelector(".send-button:enabled") !== null;
        requestAnimationFrame(isTaken ? (drawn) => done(drawn - timeStamp) : look);
      };
      requestAnimationFrame(look);
    };
    addEventListener("click", onClick, { capture: true, once: true });
  });
}

/** Goes to a room by the list, and returns how long it took until the room could be read and written in. */
async function step(page: Page, to: Filled): Promise<number> {
  if (isPhone(page) && (await rooms(page).isHidden())) await page.getByRole("link", { name: /^All rooms/ }).click();
  const taken = page.evaluate(usable, to);
  await row(page, to.name).click();
  const ms = await taken;
  // The letter was typed for the measurement only, and is no draft.
  await composer(page).fill("");
  return ms;
}

for (const [size, options] of Object.entries(SIZES)) {
  test(`steps from room to room on a ${size}`, async ({ stack, guest }) => {
    const [ada, bob] = [await guest(stack, 0, options), await guest(stack)];
    await register(ada, "Ada");
    const filled = await fill(ada, bob, ROOMS);
    const [first, ...others] = filled as [Filled, ...Filled[]];
    await keep(ada.page, ...filled.map(({ code }) => code));

    const fromDevice: number[] = [];
    for (let run = 0; run < RUNS; run++) {
      await slowDown(ada.page, 1);
      await open(ada.page, first.path);
      await slowDown(ada.page, SLOWED);
      for (const room of others) fromDevice.push(await step(ada.page, room));
    }
    const visited: number[] = [];
    for (let run = 0; run < 2 * RUNS; run++) {
      for (const room of others.slice(-5)) visited.push(await step(ada.page, room));
    }
    const results = { visited: times(visited.slice(1)), first_from_device: times(fromDevice) };
    await report({ [`steps_slowed_${size}`]: results });
    print(
      [`step to a room on a ${size}, ${SLOWED} times slowed`, "median", "p95"],
      Object.entries(results).map(([name, of]) => [name, `${of.median_ms} ms`, `${of.p95_ms} ms`]),
    );
  });
}

/**
 * Runs in a page before its own scripts. Notes when the last message of a room was drawn, in milliseconds since the
 * navigation began.
 */
function noteReadable(last: string): void {
  const look = () => {
    const message = [...document.querySelectorAll(".message__text")].at(-1);
    const isReadable = message?.textContent === last && message.getBoundingClientRect().height > 0;
    requestAnimationFrame(isReadable ? (drawn) => Object.assign(globalThis, { readableAt: drawn }) : look);
  };
  requestAnimationFrame(look);
}

/** Starts a browser whose data stay in a folder. */
function browserOn(folder: string, stack: Stack, more: BrowserContextOptions & { args?: string[] } = {}) {
  const { executablePath, args = [] } = test.info().project.use.launchOptions ?? {};
  return chromium.launchPersistentContext(folder, {
    ...(executablePath ? { executablePath } : {}),
    baseURL: stack.url(),
    ...more,
    args: [...args, ...(more.args ?? [])],
  });
}

test("a cold browser opens a room without a network", async ({ launch, guest, complaints }) => {
  complaints.allow(/ERR_CONNECTION_REFUSED|WebSocket connection to/);
  const stack = await launch("embedded");
  const folder = await mkdtemp(join(tmpdir(), "anonchat-pages-"));
  const start = () => browserOn(folder, stack, { ...SIZES["phone"], serviceWorkers: "allow" });
  try {
    const prepared = await start();
    const ada = { context: prepared, page: await prepared.newPage() };
    await register(ada, "Ada");
    const [room] = (await fill(ada, await guest(stack), ROOMS.slice(0, 1))) as [Filled];
    await ada.page.goto("/dashboard");
    await controlled(ada.page);
    await keep(ada.page, room.code);
    await prepared.close();
    await stack.terminate();

    const readable: number[] = [];
    for (let run = 0; run < 2 * RUNS; run++) {
      const context = await start();
      await context.addInitScript(noteReadable, room.last);
      const page = await context.newPage();
      await slowDown(page, SLOWED);
      await page.goto(room.path);
      const at = await page.waitForFunction(() => (globalThis as unknown as { readableAt?: number }).readableAt);
      readable.push((await at.jsonValue()) ?? NaN);
      await context.close();
    }
    const results = times(readable);
    await report({ cold_open_offline_slowed: results });
    print(
      [`cold open without a network, ${SLOWED} times slowed`, "median", "p95"],
      [["a readable room", `${results.median_ms} ms`, `${results.p95_ms} ms`]],
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("memory after many steps from room to room", async ({ stack, guest }) => {
  const [ada, bob] = [await guest(stack, 0, SIZES["desktop"]), await guest(stack)];
  await observeMemory(ada.context);
  await register(ada, "Ada");
  const filled = await fill(ada, bob, ROOMS);
  await open(ada.page, filled[0]?.path ?? "");
  const session = await ada.context.newCDPSession(ada.page);
  const used = async () => {
    await session.send("HeapProfiler.collectGarbage");
    const { usedSize } = await session.send("Runtime.getHeapUsage");
    const { nodes, jsEventListeners } = await session.send("Memory.getDOMCounters");
    return { js_bytes: usedSize, wasm_bytes: await wasmBytes(ada.page), nodes, listeners: jsEventListeners };
  };
  const measured: Record<number, Awaited<ReturnType<typeof used>>> = {};
  for (let n = 1; n <= 200; n++) {
    const to = filled[n % filled.length] as Filled;
    await go(ada.page, to.name);
    await expect(messages(ada.page).last()).toHaveText(to.last);
    if (n === 20 || n === 200) measured[n] = await used();
  }
  const bytes = (n: number) => (measured[n]?.js_bytes ?? NaN) + (measured[n]?.wasm_bytes ?? NaN);
  const ratio = Math.round((bytes(200) / bytes(20)) * 1_000) / 1_000;
  await report({ memory: { after_steps: measured, ratio } });
  print(
    ["after so many steps", "JavaScript", "wasm", "nodes", "listeners"],
    Object.entries(measured).map(([n, of]) => [n, of.js_bytes, of.wasm_bytes, of.nodes, of.listeners]),
  );
  console.log(`\nThe bytes after 200 steps are ${ratio} times those after 20.`);
});

const CATEGORIES = ["performance", "accessibility", "best-practices", "seo"] as const;

interface Audit extends Record<(typeof CATEGORIES)[number], number> {
  lcp_ms: number;
  tbt_ms: number;
  cls: number;
}

async function audit(url: string): Promise<Audit> {
  // Lighthouse's default settings simulate a mid-range phone on a slow network.
  const result = await lighthouse(url, {
    port: PORT,
    output: "json",
    logLevel: "error",
    onlyCategories: [...CATEGORIES],
    // robots.txt keeps search engines out of rooms on purpose.
    skipAudits: new URL(url).pathname === "/" ? null : ["is-crawlable"],
  });
  if (!result) throw new Error(`Lighthouse said nothing about ${url}`);
  const { categories, audits, runtimeError } = result.lhr;
  if (runtimeError) throw new Error(runtimeError.message);
  const number = (name: string) => audits[name]?.numericValue ?? NaN;
  const score = (name: string) => Math.round((categories[name]?.score ?? 0) * 100);
  for (const name of CATEGORIES.slice(1)) {
    const failed = categories[name]?.auditRefs.filter(({ id, weight }) => weight > 0 && audits[id]?.score === 0) ?? [];
    for (const { id } of failed) console.log(`${url}: ${name}: ${id}: ${audits[id]?.title}`);
  }
  return {
    performance: score("performance"),
    accessibility: score("accessibility"),
    "best-practices": score("best-practices"),
    seo: score("seo"),
    lcp_ms: Math.round(number("largest-contentful-paint")),
    tbt_ms: Math.round(number("total-blocking-time")),
    cls: Math.round(number("cumulative-layout-shift") * 1_000) / 1_000,
  };
}

async function audits(url: string): Promise<{ median: Audit; runs: Audit[] }> {
  const runs: Audit[] = [];
  for (let i = 0; i < RUNS; i++) runs.push(await audit(url));
  const of = (name: keyof Audit): [string, number] => [name, median(runs.map((run) => run[name]))];
  return {
    median: Object.fromEntries(
      [...CATEGORIES, "lcp_ms", "tbt_ms", "cls"].map((n) => of(n as keyof Audit)),
    ) as unknown as Audit,
    runs,
  };
}

test("Lighthouse", async ({ stack, guest }) => {
  const folder = await mkdtemp(join(tmpdir(), "anonchat-pages-"));
  const context: BrowserContext = await browserOn(folder, stack, { args: [`--remote-debugging-port=${PORT}`] });
  try {
    const code = await makeRoomByRest({ context }, { nickname: "Ada", preserve: true });
    await sayMany(await guest(stack), code, "Bob", 1, MESSAGES);
    const results: Record<string, Awaited<ReturnType<typeof audits>>> = {
      "/": await audits(`${stack.url()}/`),
      [`a room with ${MESSAGES} messages`]: await audits(`${stack.url()}/rooms/${code}`),
    };
    // The guest becomes the account.
    await register({ context }, "Ada");
    for (const name of ROOMS) await makeRoomByRest({ context }, { name, preserve: true });
    results["the dashboard"] = await audits(`${stack.url()}/dashboard`);
    await report({ runs: RUNS, chromium: context.browser()?.version(), lighthouse: results });
    print(
      [`page, median of ${RUNS}`, ...CATEGORIES, "LCP", "TBT", "CLS"],
      Object.entries(results).map(([name, { median: of }]) => [
        name,
        ...CATEGORIES.map((category) => of[category]),
        `${of.lcp_ms} ms`,
        `${of.tbt_ms} ms`,
        of.cls,
      ]),
    );
  } finally {
    await context.close();
    await rm(folder, { recursive: true, force: true });
  }
});

interface Frames {
  frames: number;
  longest_ms: number;
  over_50_ms: number;
}

/** Measures the frames while `act` runs. */
async function frames(page: Page, act: () => Promise<void>): Promise<Frames> {
  await page.evaluate(() => {
    const times: number[] = [];
    const next = (now: number) => {
      times.push(now);
      requestAnimationFrame(next);
    };
    requestAnimationFrame(next);
    const long: number[] = [];
    new PerformanceObserver((list) => list.getEntries().forEach(({ duration }) => long.push(duration))).observe({
      type: "long-animation-frame",
    });
    Object.assign(globalThis, { times, long });
  });
  await act();
  return page.evaluate((limit) => {
    const { times, long } = globalThis as unknown as { times: number[]; long: number[] };
    return {
      frames: times.length,
      longest_ms: Math.round(Math.max(0, ...long)),
      over_50_ms: long.filter((ms) => ms > limit).length,
    };
  }, LONG_MS);
}

function printFrames(title: string, measured: Record<string, Frames>): void {
  print(
    [title, "frames", "longest", `over ${LONG_MS} ms`],
    Object.entries(measured).map(([name, of]) => [
      name,
      of.frames,
      of.longest_ms ? `${of.longest_ms} ms` : `under ${LONG_MS} ms`,
      of.over_50_ms,
    ]),
  );
}

/** Runs in a page. Resolves when no animation runs that ends by itself, and a frame was drawn after the last one. */
async function still(): Promise<void> {
  const finite = (animation: Animation) => animation.effect?.getComputedTiming().endTime !== Infinity;
  await new Promise(requestAnimationFrame);
  await Promise.allSettled(
    document
      .getAnimations()
      .filter(finite)
      .map(({ finished }) => finished),
  );
  await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
}

/** Clicks within the page. Playwright's own clicks look for the element there, which takes longer than the transition. */
async function press(page: Page, selector: string, text = ""): Promise<void> {
  const click = ([selector, text]: [string, string]) => {
    const found = [...document.querySelectorAll<HTMLElement>(selector)].find((found) =>
      found.textContent.includes(text),
    );
    if (!found) throw new Error(`${selector} with “${text}” is not there`);
    found.click();
  };
  await page.evaluate(click, [selector, text] as [string, string]);
  await page.evaluate(still);
}

for (const [size, options] of Object.entries(SIZES)) {
  test(`the frames of transitions on a ${size}`, async ({ stack, guest }) => {
    const [ada, bob] = [await guest(stack, 0, options), await guest(stack)];
    const { page } = ada;
    await register(ada, "Ada");
    const [room] = (await fill(ada, bob, ROOMS.slice(0, 1))) as [Filled];
    await open(page, room.path);
    await slowDown(page, SLOWED);
    const acts: Record<string, () => Promise<void>> = {
      "the menu of the room": async () => {
        await press(page, "[popovertarget=room-menu]");
        await press(page, "[popovertarget=room-menu]");
      },
      "room info": async () => {
        await press(page, ".room-header h1 button");
        await press(page, "#info[open] .dialog__top button");
      },
      "a toast": async () => {
        await press(page, '[aria-label="Invite people"]');
        await press(page, "#invite[open] button", "Copy link");
        await press(page, "#invite[open] .dialog__top button");
      },
      "a message that comes in": async () => {
        await sayByRest(bob, room.code, "News");
        await expect(messages(page).last()).toHaveText("News");
        await page.evaluate(still);
      },
    };
    const results: Record<string, Frames> = {};
    for (const [name, act] of Object.entries(acts)) {
      results[name] = await frames(page, async () => {
        for (let run = 0; run < RUNS; run++) await act();
      });
    }
    await report({ [`transitions_slowed_${size}`]: results });
    printFrames(`transitions on a ${size}, ${SLOWED} times slowed, ${RUNS} times each`, results);
  });
}

async function toTop(page: Page): Promise<void> {
  await log(page).hover();
  const first = messages(page).filter({ hasText: /^Message 1$/ });
  while ((await first.count()) === 0) await page.mouse.wheel(0, -2_000);
}

test(`the frames of a room with ${MANY} messages`, async ({ stack, guest }) => {
  const [ada, bob] = [await guest(stack), await guest(stack)];
  // Her page stays open meanwhile, because a guest who is away too long is removed from the room.
  const long = await makeRoom(ada, { nickname: "Ada", preserve: true });
  await sayMany(bob, long, "Bob", 1, MANY);
  await open(ada.page, `/rooms/${long}`);
  const scrolling: Record<string, Frames> = {};
  scrolling["scrolling up through all of it"] = await frames(ada.page, () => toTop(ada.page));
  scrolling["typing 200 characters there"] = await frames(ada.page, () =>
    composer(ada.page).pressSequentially("Hello you ".repeat(20)),
  );
  await open(ada.page, `/rooms/${long}`);
  scrolling["500 messages coming in"] = await frames(ada.page, async () => {
    await sayMany(bob, long, "Bob", MANY + 1, MANY + 500);
    await expect(messages(ada.page).last()).toHaveText(`Message ${MANY + 500}`);
  });
  await report({ room_of_10000: scrolling });
  printFrames(`a room with ${MANY} messages`, scrolling);
});
