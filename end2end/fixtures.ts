// What every browser test stands on: servers, guests, and the rule that a page makes no complaint.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import {
  type BrowserContext,
  type BrowserContextOptions,
  type ConsoleMessage,
  type Page,
  type TestInfo,
  expect,
  test as base,
} from "@playwright/test";
import { Stack } from "./stack.ts";

export { expect, Stack };

/** A person with a browser of their own: own cookies, own storage. */
export interface Guest {
  context: BrowserContext;
  page: Page;
}

/** Collects the complaints of every page of a test. Any that was not allowed fails it. */
export class Complaints {
  private readonly found: string[] = [];
  private readonly allowed: RegExp[] = [];

  /** For a test that provokes one: a refused request or a killed server shows up in the browser's console. */
  allow(pattern: RegExp): void {
    this.allowed.push(pattern);
  }

  /** Listens to all pages of a context, also those that it will open. */
  watch(context: BrowserContext): void {
    context.on("console", (message) => {
      if (isComplaint(message)) {
        this.found.push(`console ${message.type()}: ${message.text()} (${message.location().url})`);
      }
    });
    context.on("weberror", (error) => this.found.push(`uncaught: ${error.error().stack ?? error.error()}`));
  }

  /** Those that nobody allowed. */
  get list(): string[] {
    return this.found.filter((line) => !this.allowed.some((pattern) => pattern.test(line)));
  }
}

/** Every console error, which is also how Chromium reports a violated CSP, and every warning about hydration. */
function isComplaint(message: ConsoleMessage): boolean {
  if (message.type() === "error") return true;
  return message.type() === "warning" && /hydrat|content security policy/i.test(message.text());
}

type Kind = Stack["kind"];

interface Options {
  /** Which servers `stack` is: `test.use({ kind: "cluster" })`. */
  kind: Kind;
}

interface TestFixtures {
  complaints: Complaints;
  /** Servers shared by the tests of a worker, and therefore never to be killed. `page.goto("/")` leads to node 0. */
  stack: Stack;
  /** Servers of the test's own, which it may kill. They are stopped when it ends. */
  launch: (kind: Kind, settings?: Record<string, string>) => Promise<Stack>;
  /** A new guest, for whom `page.goto("/")` leads to the given node. Without a nickname, so they get the default. */
  guest: (stack: Stack, node?: number, options?: BrowserContextOptions) => Promise<Guest>;
}

interface WorkerFixtures {
  shared: (kind: Kind) => Promise<Stack>;
}

/** Both kinds, for tests that hold on either: `for (const kind of KINDS) test.describe(kind, …)`. */
export const KINDS: Kind[] = ["embedded", "cluster"];

export const test = base.extend<Options & TestFixtures, WorkerFixtures>({
  kind: ["embedded", { option: true }],

  shared: [
    async ({}, use) => {
      const stacks = new Map<Kind, Promise<Stack>>();
      await use((kind) => {
        const stack = stacks.get(kind) ?? Stack[kind]();
        stacks.set(kind, stack);
        return stack;
      });
      for (const stack of await Promise.allSettled(stacks.values())) {
        if (stack.status === "fulfilled") await stack.value.stop();
      }
    },
    { scope: "worker", timeout: 60_000 },
  ],

  stack: async ({ shared, kind }, use, testInfo) => {
    const stack = await shared(kind);
    await use(stack);
    await attachLogs(stack, testInfo);
  },

  baseURL: async ({ stack }, use) => use(stack.url()),

  launch: async ({}, use, testInfo) => {
    const stacks: Stack[] = [];
    await use(async (kind, settings) => {
      const stack = await Stack[kind](settings);
      stacks.push(stack);
      return stack;
    });
    for (const stack of stacks) {
      await attachLogs(stack, testInfo);
      await stack.stop();
    }
  },

  complaints: [
    async ({}, use) => {
      const complaints = new Complaints();
      await use(complaints);
      expect(complaints.list, "errors and warnings of the pages").toEqual([]);
    },
    { auto: true },
  ],

  // Playwright's own `page` is like all the others.
  context: async ({ context, complaints }, use) => {
    complaints.watch(context);
    await context.addInitScript(rememberListeners);
    await use(context);
  },

  guest: async ({ browser, complaints }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async (stack, node = 0, options = {}) => {
      const context = await browser.newContext({ baseURL: stack.url(node), ...options });
      contexts.push(context);
      complaints.watch(context);
      await context.addInitScript(rememberListeners);
      return { context, page: await context.newPage() };
    });
    for (const context of contexts) await context.close();
  },
});

/** Runs in every page before its own scripts: remembers what they listen to, which is how a test knows that they came. */
function rememberListeners(): void {
  const listening = new WeakSet<EventTarget>();
  const listen = EventTarget.prototype.addEventListener;
  EventTarget.prototype.addEventListener = function (this: EventTarget | undefined, ...args: unknown[]) {
    listening.add(this ?? window);
    return Reflect.apply(listen, this, args);
  };
  Object.assign(globalThis, { listening });
}

/**
 * Opens a page with a form and waits until its scripts have come. Before that a form works too, by the browser's own
 * means; that is tested without scripts, and not by chance.
 */
export async function visit(page: Page, address: string): Promise<void> {
  await page.goto(address);
  await page.waitForFunction(() => {
    const { listening } = globalThis as unknown as { listening: WeakSet<EventTarget> };
    const forms = [...document.forms];
    return forms.length > 0 && forms.every((form) => listening.has(form));
  });
}

/** Keeps the wasm of a page back until it may come. */
export async function holdScripts(page: Page): Promise<{ come: () => void }> {
  let come = () => {};
  const held = new Promise<void>((resolve) => (come = resolve));
  await page.route(/\.wasm$/, async (route) => {
    await held;
    await route.continue();
  });
  return { come };
}

/** Goes to a page that comes slowly, and returns how many milliseconds its document took to come. What follows is as ever. */
export async function visitSlowly(page: Page, address: string): Promise<number> {
  const session = await page.context().newCDPSession(page);
  const limit = (downloadThroughput: number) =>
    session.send("Network.emulateNetworkConditions", {
      offline: false,
      latency: 0,
      downloadThroughput,
      uploadThroughput: -1,
    });
  await limit(4_000);
  await page.goto(address, { waitUntil: "domcontentloaded" });
  await limit(-1);
  return page.evaluate(() => {
    const [document] = performance.getEntriesByType("navigation") as [PerformanceNavigationTiming];
    return document.responseEnd - document.responseStart;
  });
}

/** Part of what Chromium tells of a moment in which something moved by itself. */
interface Shift extends PerformanceEntry {
  value: number;
  sources: { node?: Node; previousRect: DOMRectReadOnly; currentRect: DOMRectReadOnly }[];
}

/** Runs in a page before its own scripts: notes what moves in it by itself. */
export function noteShifts(): void {
  const found: unknown[] = [];
  const place = ({ x, y, width, height }: DOMRectReadOnly) => `${width}×${height} at ${x}, ${y}`;
  const note = (list: PerformanceObserverEntryList) => {
    for (const { value, sources } of list.getEntries() as Shift[]) {
      const moved = sources.map(({ node, previousRect, currentRect }) => ({
        what: node instanceof Element ? node.outerHTML.slice(0, 120) : node?.nodeValue,
        from: place(previousRect),
        to: place(currentRect),
      }));
      found.push({ value, moved });
    }
  };
  new PerformanceObserver(note).observe({ type: "layout-shift", buffered: true });
  Object.assign(globalThis, { shifts: found });
}

/** What moved until now, once what is decided already has been drawn. */
export function shifts(page: Page): Promise<unknown[]> {
  return page.evaluate(async () => {
    // A frame is told of once it is there, so before the second after it.
    for (let i = 0; i < 3; i++) await new Promise(requestAnimationFrame);
    return (globalThis as unknown as { shifts: unknown[] }).shifts;
  });
}

/** A failed test keeps what its servers said. */
async function attachLogs(stack: Stack, testInfo: TestInfo): Promise<void> {
  if (testInfo.status === testInfo.expectedStatus) return;
  for (let i = 0; i < stack.size; i++) {
    await testInfo.attach(`node ${i} of the ${stack.kind} stack`, { body: stack.log(i), contentType: "text/plain" });
  }
}

const axeSource = readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface AxeViolation {
  id: string;
  impact: string | null;
  help: string;
  nodes: { html: string; failureSummary?: string }[];
}

/** Fails when axe finds a serious or critical barrier in the page as it is now. */
export async function expectAccessible(page: Page): Promise<void> {
  // Evaluated, not added as a script element: the page's CSP rightly forbids that.
  await page.evaluate(await axeSource);
  const violations = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: AxeViolation[] }> } };
    return (await axe.run()).violations;
  });
  const serious = violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(
      ({ id, help, nodes }) =>
        `${id}: ${help}\n  ${nodes.map((node) => `${node.html}\n  ${node.failureSummary}`).join("\n  ")}`,
    );
  // Soft: one barrier does not hide those of the states that come after it.
  expect.soft(serious, "serious accessibility violations").toEqual([]);
}
