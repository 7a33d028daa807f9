// The fixtures of the browser tests: servers, guests with browsers, and the check that no page writes errors to the
// console.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import {
  type APIRequestContext,
  type BrowserContext,
  type BrowserContextOptions,
  type ConsoleMessage,
  type Page,
  type TestInfo,
  expect,
  test as base,
} from "@playwright/test";
import { blockSockets, rememberSockets } from "./sockets.ts";
import { Stack } from "./stack.ts";

export { expect, Stack };

/** A person with a browser of their own, that is, with separate cookies and storage. */
export interface Guest {
  context: BrowserContext;
  page: Page;
}

/** A person who speaks REST. Those with a browser do, and others need none. */
export interface Caller {
  context: { request: APIRequestContext };
}

/**
 * Collects console errors and uncaught exceptions of all pages of a test. The test fails on each one that is not
 * allowed.
 */
export class Complaints {
  private readonly found: string[] = [];
  private readonly allowed: RegExp[] = [];

  /**
   * Allows the errors that match, for a test that provokes them. A refused request or a killed server appears in the
   * console.
   */
  allow(pattern: RegExp): void {
    this.allowed.push(pattern);
  }

  /** Listens to all pages of a context, including those opened later. */
  watch(context: BrowserContext): void {
    context.on("console", (message) => {
      if (isComplaint(message)) {
        this.found.push(`console ${message.type()}: ${message.text()} (${message.location().url})`);
      }
    });
    context.on("weberror", (event) => {
      const { name, message, stack } = event.error();
      // Not every error has a stack, such as a rejection with something that is no Error.
      this.found.push(`uncaught at ${event.page()?.url()}: ${stack || `${name} ${message} ${String(event.error())}`}`);
    });
  }

  /** The errors that are not allowed. */
  get list(): string[] {
    return this.found.filter((line) => !this.allowed.some((pattern) => pattern.test(line)));
  }
}

/** True for console errors (Chromium reports violations of the CSP so) and for warnings about hydration or the CSP. */
function isComplaint(message: ConsoleMessage): boolean {
  if (message.type() === "error") return true;
  return message.type() === "warning" && /hydrat|content security policy/i.test(message.text());
}

type Kind = Stack["kind"];

interface Options {
  /** The kind of servers behind `stack`: `test.use({ kind: "cluster" })`. */
  kind: Kind;
  /** Whether no page can open a WebSocket, so that all connect by streams: `test.use({ isBlocked: true })`. */
  isBlocked: boolean;
}

interface TestFixtures {
  complaints: Complaints;
  /** Servers that all tests of a worker share, so a test must not kill them. `page.goto("/")` opens node 0. */
  stack: Stack;
  /** Starts servers for this test alone, which it may kill. They are stopped when the test ends. */
  launch: (kind: Kind, settings?: Record<string, string>) => Promise<Stack>;
  /** Creates a guest, for whom `page.goto("/")` opens the given node. The guest has the default nickname. */
  guest: (stack: Stack, node?: number, options?: BrowserContextOptions) => Promise<Guest>;
}

interface WorkerFixtures {
  shared: (kind: Kind) => Promise<Stack>;
}

// Every test has the tag of the sizes on which it runs: `@phone`, `@desktop` or `@both`. README.md says which to take.

/**
 * Each kind on one size, for tests that depend on the servers or on the size, but not on a combination of the two:
 * `for (const { kind, size } of DIAGONAL) test.describe(`${kind} ${size}`, …)`.
 */
export const DIAGONAL = [
  { kind: "embedded", size: "@phone" },
  { kind: "cluster", size: "@desktop" },
] as const;

/**
 * Each kind on one size, one of them without scripts, for forms. The sizes are crossed, so that phones meet the cluster
 * too.
 */
export const WAYS = [
  { kind: "cluster", size: "@phone", javaScriptEnabled: true },
  { kind: "embedded", size: "@desktop", javaScriptEnabled: false },
] as const;

/** Both kinds on both sizes: `for (const kind of KINDS) test.describe(`${kind} @both`, …)`. */
export const KINDS: Kind[] = ["embedded", "cluster"];

export const test = base.extend<Options & TestFixtures, WorkerFixtures>({
  kind: ["embedded", { option: true }],
  isBlocked: [false, { option: true }],

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

  // Playwright's own `page` gets the same treatment as the pages of guests.
  context: async ({ context, complaints, isBlocked }, use) => {
    complaints.watch(context);
    await rememberSockets(context);
    if (isBlocked) await blockSockets(context);
    await context.addInitScript(rememberListeners);
    await use(context);
  },

  guest: async ({ browser, complaints, isBlocked }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async (stack, node = 0, options = {}) => {
      const context = await browser.newContext({ baseURL: stack.url(node), ...options });
      contexts.push(context);
      complaints.watch(context);
      await rememberSockets(context);
      if (isBlocked) await blockSockets(context);
      await context.addInitScript(rememberListeners);
      return { context, page: await context.newPage() };
    });
    for (const context of contexts) await context.close();
  },
});

/**
 * Runs in every page before its own scripts. Records which elements have listeners, so that a test can wait for the
 * scripts to attach them.
 */
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
 * Opens a page with a form and waits until its scripts are attached. Before that the browser sends the form itself.
 * That works too, but is tested on purpose, in pages without scripts.
 */
export async function visit(page: Page, address: string): Promise<void> {
  await page.goto(address);
  await page.waitForFunction(() => {
    const { listening } = globalThis as unknown as { listening: WeakSet<EventTarget> };
    // The button that logs out is a form without scripts.
    const forms = [...document.forms].filter((form) => form.querySelector("input:not([type=hidden]), textarea"));
    return forms.length > 0 && forms.every((form) => listening.has(form));
  });
}

/** Waits until the service worker controls the page and has stored its shell. */
export async function controlled(page: Page): Promise<void> {
  const installed = () =>
    page.evaluate(async () => {
      const registration = await navigator.serviceWorker.getRegistration();
      return registration?.active?.state === "activated" && (await caches.match("/offline.html")) !== undefined;
    });
  await expect.poll(installed, { message: "the worker is installed", timeout: 15_000 }).toBe(true);
  // The worker does not take over a page that was loaded without it, so reload.
  await expect(async () => {
    await page.reload();
    expect(await page.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true);
  }).toPass();
}

/** Holds back the wasm of a page until `come` is called. */
export async function holdScripts(page: Page): Promise<{ come: () => void }> {
  let come = () => {};
  const held = new Promise<void>((resolve) => (come = resolve));
  await page.route(/\.wasm$/, async (route) => {
    await held;
    await route.continue();
  });
  return { come };
}

/**
 * Opens a page over a slow connection (4 kB/s until the document is there) and returns how many milliseconds the
 * document took. Later requests are not slowed down.
 */
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

/** Part of Chromium's `LayoutShift`: the entry about an element that moved without the reader's doing. */
interface Shift extends PerformanceEntry {
  value: number;
  sources: { node?: Node; previousRect: DOMRectReadOnly; currentRect: DOMRectReadOnly }[];
}

/** Runs in a page before its own scripts. Records all layout shifts. */
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

/** The layout shifts until this moment, after all pending changes were drawn. */
export function shifts(page: Page): Promise<unknown[]> {
  return page.evaluate(async () => {
    // Chromium reports the shift of a frame after that frame, so wait for two more.
    for (let i = 0; i < 3; i++) await new Promise(requestAnimationFrame);
    return (globalThis as unknown as { shifts: unknown[] }).shifts;
  });
}

/** Attaches the logs of the servers to a failed test. */
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

/**
 * How axe measures contrast: as it does by default, but also of texts beside a `::before` or `::after`. The picture of
 * an author is one, and axe would leave out the name and the message beside it. These options replace all defaults.
 */
const CONTRAST = {
  ignoreUnicode: true,
  ignoreLength: false,
  ignorePseudo: true,
  boldValue: 700,
  boldTextPt: 14,
  largeTextPt: 18,
  contrastRatio: { normal: { expected: 4.5 }, large: { expected: 3 } },
  pseudoSizeThreshold: 0.25,
  shadowOutlineEmMax: 0.2,
  textStrokeEmMin: 0.03,
};

/** Fails if axe finds a serious or critical accessibility problem in the present state of the page. */
export async function expectAccessible(page: Page): Promise<void> {
  // Evaluated instead of added as a script element, which the page's CSP forbids. Once per document, because the
  // source is long.
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(await axeSource);
  const violations = await page.evaluate(async (contrast) => {
    const { axe } = globalThis as unknown as { axe: { run(options: object): Promise<{ violations: AxeViolation[] }> } };
    return (await axe.run({ checks: { "color-contrast": { options: contrast } } })).violations;
  }, CONTRAST);
  const serious = violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(
      ({ id, help, nodes }) =>
        `${id}: ${help}\n  ${nodes.map((node) => `${node.html}\n  ${node.failureSummary}`).join("\n  ")}`,
    );
  // A soft assertion, so that later states are checked as well.
  expect.soft(serious, "serious accessibility violations").toEqual([]);
}
