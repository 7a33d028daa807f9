// Measures the pages of a release build, writes bench/pages.json and prints a table: Lighthouse on the start page and
// on a room with 50 messages, and the frames of a room with 10,000. Leave the machine alone while it runs.
import { mkdir, writeFile } from "node:fs/promises";
import { cpus, loadavg, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type BrowserContext, type Page, chromium } from "@playwright/test";
import lighthouse from "lighthouse";
import { expect, test } from "./fixtures.ts";
import { composer, log, makeRoom, messages, open, sayMany } from "./room.ts";

const RESULTS = resolve(fileURLToPath(import.meta.url), "../../bench/pages.json");
const RUNS = Number(process.env["RUNS"] ?? 5);
const PORT = 9377;
const MANY = 10_000;
/** People notice a frame that takes longer than this. */
const LONG_MS = 50;

const median = (values: number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;

interface Audit {
  performance: number;
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
    onlyCategories: ["performance"],
  });
  if (!result) throw new Error(`Lighthouse said nothing about ${url}`);
  const { categories, audits, runtimeError } = result.lhr;
  if (runtimeError) throw new Error(runtimeError.message);
  const number = (name: string) => audits[name]?.numericValue ?? NaN;
  return {
    performance: Math.round((categories["performance"]?.score ?? 0) * 100),
    lcp_ms: Math.round(number("largest-contentful-paint")),
    tbt_ms: Math.round(number("total-blocking-time")),
    cls: Math.round(number("cumulative-layout-shift") * 1_000) / 1_000,
  };
}

async function audits(url: string): Promise<{ median: Audit; runs: Audit[] }> {
  const runs: Audit[] = [];
  for (let i = 0; i < RUNS; i++) runs.push(await audit(url));
  const of = (name: keyof Audit) => median(runs.map((run) => run[name]));
  return {
    median: { performance: of("performance"), lcp_ms: of("lcp_ms"), tbt_ms: of("tbt_ms"), cls: of("cls") },
    runs,
  };
}

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

async function toTop(page: Page): Promise<void> {
  await log(page).hover();
  const first = messages(page).filter({ hasText: /^Message 1$/ });
  while ((await first.count()) === 0) await page.mouse.wheel(0, -2_000);
}

test("pages", async ({ stack, guest }) => {
  const folder = join(tmpdir(), `anonchat-pages-${process.pid}`);
  const { executablePath, args } = test.info().project.use.launchOptions ?? {};
  const context: BrowserContext = await chromium.launchPersistentContext(folder, {
    ...(executablePath ? { executablePath } : {}),
    args: [...(args ?? []), `--remote-debugging-port=${PORT}`],
    baseURL: stack.url(),
  });
  const room = async (nickname: string) => {
    const made = await context.request.post("/api/rooms/create", { data: { type: "group", nickname, preserve: true } });
    expect(made.status(), await made.text()).toBe(201);
    return ((await made.json()) as { room: { code: string } }).room.code;
  };
  const lighthouses: Record<string, { median: Audit; runs: Audit[] }> = {};
  lighthouses["/"] = await audits(`${stack.url()}/`);
  const code = await room("Ada");
  await sayMany(await guest(stack), code, "Bob", 1, 50);
  lighthouses["a room with 50 messages"] = await audits(`${stack.url()}/rooms/${code}`);
  await context.close();

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

  const machine = {
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    load: loadavg()[0],
    chromium: ada.context.browser()?.version(),
  };
  await mkdir(resolve(RESULTS, ".."), { recursive: true });
  await writeFile(
    RESULTS,
    JSON.stringify({ machine, runs: RUNS, lighthouse: lighthouses, room_of_10000: scrolling }, null, 2) + "\n",
  );
  console.log(`\n| page, median of ${RUNS} | performance | LCP | TBT | CLS |\n|---|---|---|---|---|`);
  for (const [name, { median: of }] of Object.entries(lighthouses)) {
    console.log(`| ${name} | ${of.performance} | ${of.lcp_ms} ms | ${of.tbt_ms} ms | ${of.cls} |`);
  }
  console.log(`\n| a room with ${MANY} messages | frames | longest | over ${LONG_MS} ms |\n|---|---|---|---|`);
  for (const [name, of] of Object.entries(scrolling)) {
    console.log(
      `| ${name} | ${of.frames} | ${of.longest_ms ? `${of.longest_ms} ms` : `under ${LONG_MS} ms`} | ${of.over_50_ms} |`,
    );
  }
});
