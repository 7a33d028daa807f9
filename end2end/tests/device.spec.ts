// What a device keeps of an account: rooms open without a network, unsent messages survive a browser that is killed,
// and all of it goes when its person leaves. Guests and rooms that keep no messages leave nothing.
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, type WebSocketRoute, chromium } from "@playwright/test";
import { press, register } from "../account.ts";
import { Gateway } from "../gateway.ts";
import { banner, hasCopy, keep, keptFor, withRooms } from "../kept.ts";
import { type Guest, type Stack, controlled, expect, test as base, visit } from "../fixtures.ts";
import {
  BACK_MS,
  following,
  joinRoom,
  makeRoomByRest,
  messages,
  open,
  pending,
  say,
  sayByRest,
  visitAndSay,
} from "../room.ts";

const CANARY = "a canary that nobody else names";

interface Profile {
  /** The folder in which the browser stores everything. */
  folder: string;
  /** Starts a browser on the folder. */
  start: (stack: Stack) => Promise<Guest>;
}

/** Tests with a browser that stores its data in a folder, which outlives it. */
const test = base.extend<{ profile: Profile }>({
  profile: async ({ complaints, launchOptions, viewport, locale, timezoneId }, use) => {
    const folder = await mkdtemp(join(tmpdir(), "anonchat-profile-"));
    const contexts: BrowserContext[] = [];
    const start = async (stack: Stack): Promise<Guest> => {
      const options = { baseURL: stack.url(), viewport, serviceWorkers: "allow" as const };
      const context = await chromium.launchPersistentContext(folder, {
        ...launchOptions,
        ...options,
        ...(locale && { locale }),
        ...(timezoneId && { timezoneId }),
      });
      contexts.push(context);
      complaints.watch(context);
      return { context, page: context.pages()[0] ?? (await context.newPage()) };
    };
    await use({ folder, start });
    for (const context of contexts) await context.close().catch(() => {});
    await rm(folder, { recursive: true, force: true });
  },
});

test.use({ serviceWorkers: "allow" });
test.beforeEach(({ complaints }) => {
  complaints.allow(/ERR_(CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE|INTERNET_DISCONNECTED)/);
  complaints.allow(/WebSocket connection to|the server responded with a status of 401/);
});

/** Kills a browser, as a power cut would. Cookies, which a browser writes late, are returned to be put back. */
async function kill({ context, page }: Guest) {
  const cookies = await context.cookies();
  const session = await context.newCDPSession(page);
  await session.send("Browser.crash").catch(() => {});
  await context.close().catch(() => {});
  return cookies;
}

/** The files below a folder that contain a text. */
async function filesWith(folder: string, text: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const content = await readFile(path).catch(() => Buffer.alloc(0));
    if (content.includes(text) || content.includes(Buffer.from(text, "utf16le"))) found.push(path.slice(folder.length));
  }
  return found;
}

test("without its server the application shows kept rooms and says so, and catches up in place @phone", async ({
  launch,
  guest,
}) => {
  const stack = await launch("embedded");
  const [ada, bob] = [await guest(stack), await guest(stack)];
  await register(ada, "Ada");
  const code = await makeRoomByRest(ada, { name: "Chess", preserve: true });
  const fleeting = await makeRoomByRest(ada, { name: "Fleeting", preserve: false });
  await visitAndSay(bob, code, "Bob", "Kept for later");
  const { page } = ada;
  await page.goto("/dashboard");
  await controlled(page);
  await open(page, `/rooms/${fleeting}`);
  await keep(page, code);
  expect(await keptFor(page, "/dashboard")).not.toContain("Fleeting");
  expect(await keptFor(page, `/rooms/${fleeting}`)).toBe("");

  await stack.kill9();
  await page.goto("/dashboard");
  await expect(page.getByRole("link", { name: /Chess/ })).toBeVisible();
  await expect(page.getByRole("link", { name: /Fleeting/ })).toHaveCount(0);
  await expect(banner(page)).toContainText("Last updated:");
  await page.goto(`/rooms/${code}`);
  await expect(messages(page)).toHaveText(["Kept for later"]);
  await expect(banner(page)).toContainText("Last updated:");
  await page.goto(`/rooms/${fleeting}`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Can’t reach AnonChat");

  await page.goto(`/rooms/${code}`);
  await expect(messages(page)).toHaveText(["Kept for later"]);
  await stack.restart();
  await sayByRest(bob, code, "And now");
  await expect(messages(page)).toHaveText(["Kept for later", "And now"], { timeout: BACK_MS });
  await expect(banner(page)).toHaveCount(0, { timeout: BACK_MS });
  await expect(page).toHaveURL(`/rooms/${code}`);
});

test("every way to a kept page says since when it is offline, and a page that was live says so too @phone", async ({
  launch,
  guest,
}) => {
  const stack = await launch("embedded");
  const { page, codes } = await withRooms(guest, stack, "One", "Two");
  const [one, two] = codes;
  await controlled(page);
  const since = /Last updated: \d\d:\d\d/;

  await stack.kill9();
  await expect(banner(page)).toContainText(since);
  await page.getByRole("link", { name: "One" }).click();
  await expect(page).toHaveURL(`/rooms/${one}`);
  await expect(banner(page)).toContainText(since);
  await page.getByRole("link", { name: "All rooms" }).click();
  await expect(banner(page)).toContainText(since);
  await page.goto(`/rooms/${two}`);
  await expect(banner(page)).toContainText(since);
  await page.getByRole("link", { name: "All rooms" }).click();
  await page.getByRole("link", { name: "One" }).click();
  await expect(page).toHaveURL(`/rooms/${one}`);
  await expect(banner(page)).toContainText(since);
  await say(page, "Waits");
  await expect(page.getByText("Not sent yet")).toBeInViewport({ ratio: 1 });
  await stack.restart();
  await expect(banner(page)).toHaveCount(0, { timeout: BACK_MS });
  await expect(pending(page)).toHaveCount(0);
});

test("without the server nobody logs out by half: the menu says so, and the copy stays @both", async ({
  launch,
  guest,
}) => {
  const stack = await launch("embedded");
  const { ada } = await withRooms(guest, stack, "One");
  const silent: WebSocketRoute[] = [];
  let isSilent = false;
  await ada.context.routeWebSocket(/\/ws$/, (socket) => {
    if (isSilent) silent.push(socket);
    else socket.connectToServer();
  });
  await visit(ada.page, "/dashboard");
  isSilent = true;
  await stack.kill9();
  await expect(banner(ada.page)).toHaveCount(1);
  await ada.page.getByRole("button", { name: "Account: Ada" }).click();
  await expect(ada.page.getByText("You can log out when you’re back online.")).toBeVisible();
  // Also while the page connects, which can take long and fail. Here a proxy takes the socket and answers nothing.
  await expect.poll(() => silent.length).toBeGreaterThan(0);
  await expect(banner(ada.page).getByRole("button", { name: "Retry" })).toHaveCount(0);
  await expect(ada.page.getByRole("button", { name: "Log out" })).toHaveAttribute("aria-disabled", "true");
  // Playwright would wait until the button is enabled.
  await ada.page.getByRole("button", { name: "Log out" }).click({ force: true });
  expect(await hasCopy(ada.page)).toBe(true);
  // Before the server is back: with it, a socket that was opened in vain would count as blocked.
  isSilent = false;
  for (const socket of silent) await socket.close();
  await stack.restart();
  await expect(banner(ada.page)).toHaveCount(0, { timeout: BACK_MS });
  await press(ada.page, "Log out");
  await expect(ada.page).toHaveURL("/");
  await expect.poll(() => hasCopy(ada.page)).toBe(false);
});

test("a page from the device belongs to whom it was opened for, also when another person logs in @desktop", async ({
  launch,
  guest,
}) => {
  const stack = await launch("embedded");
  const ada = await guest(stack);
  await register(ada, "Ada");
  const code = await makeRoomByRest(ada, { preserve: true });
  await ada.page.goto("/dashboard");
  await controlled(ada.page);
  await keep(ada.page, code);
  await stack.kill9();
  await ada.page.goto(`/rooms/${code}`);
  await expect(banner(ada.page)).toHaveCount(1);
  const account = await ada.page.evaluate(() => localStorage.getItem("anonchat.account") ?? "");
  await ada.page.evaluate(() => localStorage.setItem("anonchat.account", "aNobodyElse"));
  expect(await ada.page.evaluate((code) => globalThis.anonchatStore!.saveRoom(code, '{"events":[]}'), code)).toBe(
    false,
  );
  await ada.page.evaluate((account) => localStorage.setItem("anonchat.account", account), account);
  expect(await keptFor(ada.page, `/rooms/${code}`)).not.toBe("");
});

test("a proxy without its server, or a network that wants a login, does not hide the kept rooms @desktop", async ({
  launch,
  guest,
  complaints,
}) => {
  complaints.allow(/the server responded with a status of 50\d|Failed to load module script/);
  const gateway = await Gateway.start();
  try {
    const stack = await launch("embedded", { PUBLIC_URL: gateway.url });
    gateway.upstream = stack.url();
    const ada = await guest(stack, 0, { baseURL: gateway.url });
    await register(ada, "Ada");
    const code = await makeRoomByRest(ada, { name: "Chess", preserve: true });
    await sayByRest(ada, code, "Kept for later");
    const { page } = ada;
    await page.goto("/dashboard");
    await controlled(page);
    await keep(page, code);

    gateway.replace({ status: 502, body: "<h1>Bad gateway</h1>" });
    await page.goto(`/rooms/${code}`);
    await expect(messages(page)).toHaveText(["Kept for later"]);
    await page.goto("/dashboard");
    await expect(page.getByRole("link", { name: /Chess/ })).toBeVisible();
    await page.goto("/rooms/new");
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Can’t reach AnonChat");

    // Only what the server sends is cached. A shell of the network's making would be shown for ever.
    const portal = { status: 200, body: "<h1>Log in to this network</h1>" };
    await page.evaluate(async () => {
      for (const name of await caches.keys()) await caches.delete(name);
    });
    let replaced = 0;
    gateway.answer = (path) => (/^\/shell(\?|$)/.test(path) && ++replaced ? portal : undefined);
    await page.goto("/preferences/devices");
    await expect.poll(() => replaced, { timeout: 20_000 }).toBeGreaterThan(0);
    const shell = () => page.evaluate(async () => (await caches.match("/shell", { ignoreSearch: true }))?.text() ?? "");
    gateway.answer = () => undefined;
    await page.reload();
    await expect.poll(shell, { timeout: 20_000 }).toContain("data-version");
  } finally {
    gateway.stop();
  }
});

test("a server that says nothing for three seconds is not waited for @desktop", async ({ launch, guest }) => {
  const stack = await launch("embedded");
  const ada = await guest(stack);
  await register(ada, "Ada");
  const code = await makeRoomByRest(ada, { preserve: true });
  await sayByRest(ada, code, "Here before the server");
  await ada.page.goto("/dashboard");
  await controlled(ada.page);
  await keep(ada.page, code);
  await ada.page.goto("about:blank");
  await stack.stalled(async () => {
    await ada.page.goto(`/rooms/${code}`);
    await expect(messages(ada.page)).toHaveText(["Here before the server"]);
  });
  await expect(banner(ada.page)).toHaveCount(0, { timeout: BACK_MS });
});

test("five messages of two rooms survive a killed browser, and go out once and in order @desktop", async ({
  launch,
  guest,
  profile,
}) => {
  const stack = await launch("embedded");
  const [bob, cleo] = [await guest(stack), await guest(stack)];
  const ada = await profile.start(stack);
  await register(ada, "Ada");
  const [one, two] = [
    await makeRoomByRest(ada, { name: "One", preserve: true }),
    await makeRoomByRest(ada, { name: "Two", preserve: true }),
  ];
  await ada.page.goto("/dashboard");
  await controlled(ada.page);
  await keep(ada.page, two, one);

  await stack.kill9();
  for (const text of ["One 1", "One 2", "One 3"]) await say(ada.page, text);
  await expect(pending(ada.page)).toHaveCount(3);
  await ada.page.goto(`/rooms/${two}`);
  for (const text of ["Two 1", "Two 2"]) await say(ada.page, text);
  await expect(pending(ada.page)).toHaveCount(2);
  await ada.page.reload();
  await expect(pending(ada.page)).toHaveCount(2);
  const cookies = await kill(ada);

  await stack.restart();
  const again = await profile.start(stack);
  await again.context.addCookies(cookies);
  await again.page.goto("/dashboard");
  await joinRoom(bob, two, "Bob");
  await expect(messages(bob.page)).toHaveText(["Two 1", "Two 2"], { timeout: BACK_MS });
  await joinRoom(cleo, one, "Cleo");
  await expect(messages(cleo.page)).toHaveText(["One 1", "One 2", "One 3"], { timeout: BACK_MS });
  for (const code of [one, two]) {
    await following(again.page, () => again.page.goto(`/rooms/${code}`));
    await expect(messages(again.page)).toHaveCount(code === one ? 3 : 2);
    await expect(pending(again.page)).toHaveCount(0);
  }
});

test("logging out leaves nothing on the device @desktop", async ({ launch, guest, profile }) => {
  const stack = await launch("embedded");
  const bob = await guest(stack);
  const ada = await profile.start(stack);
  await register(ada, "Ada");
  const code = await makeRoomByRest(ada, { preserve: true });
  await visitAndSay(bob, code, "Bob", CANARY);
  await ada.page.goto("/dashboard");
  await controlled(ada.page);
  await keep(ada.page, code);
  expect(await keptFor(ada.page, `/rooms/${code}`)).toContain(CANARY);
  expect(await filesWith(profile.folder, CANARY), "the search would find it").not.toEqual([]);

  await ada.page.goto("/dashboard");
  await ada.page.getByRole("button", { name: "Account: Ada" }).click();
  await press(ada.page, "Log out");
  await expect(ada.page).toHaveURL("/");
  await expect.poll(() => hasCopy(ada.page)).toBe(false);
  expect(await ada.page.evaluate(() => localStorage.getItem("anonchat.account"))).toBeNull();
  // Whose tab it is, that its window has started, and where the list was scrolled to have no words in them.
  const wordless = ["anonchat.who", "anonchat.started", "anonchat.place.rooms"];
  const left = await ada.page.evaluate(() => Object.keys(sessionStorage));
  expect(left.filter((name) => !wordless.includes(name))).toEqual([]);
  await ada.context.close();
  expect(await filesWith(profile.folder, CANARY)).toEqual([]);
});

test("guests, and rooms that keep no messages, leave no words on the device @desktop", async ({
  launch,
  guest,
  profile,
}) => {
  const stack = await launch("embedded");
  const bob = await guest(stack);
  const code = await makeRoomByRest(bob, { preserve: true, nickname: "Bob" });
  await sayByRest(bob, code, `${CANARY}, read by a guest`);
  const visitor = await profile.start(stack);
  await joinRoom(visitor, code, "Guest");
  await controlled(visitor.page);
  await open(visitor.page, `/rooms/${code}`);
  await say(visitor.page, `${CANARY}, written by a guest`);
  await expect(messages(visitor.page)).toHaveText([/read by a guest/, /written by a guest/]);
  await visitor.page.goto("/");
  expect(await hasCopy(visitor.page)).toBe(false);
  await visitor.context.close();
  expect(await filesWith(profile.folder, CANARY)).toEqual([]);

  const ada = await profile.start(stack);
  await register(ada, "Ada");
  const fleeting = await makeRoomByRest(ada, { preserve: false });
  const cleo = await guest(stack);
  await open(ada.page, `/rooms/${fleeting}`);
  await visitAndSay(cleo, fleeting, "Cleo", `${CANARY}, read`);
  await say(ada.page, `${CANARY}, written`);
  await expect(messages(ada.page)).toHaveText([`${CANARY}, read`, `${CANARY}, written`]);
  await ada.page.goto("/dashboard");
  await expect.poll(() => keptFor(ada.page, "/dashboard")).not.toBe("");
  expect(await keptFor(ada.page, "/dashboard")).not.toContain(CANARY);
  expect(await keptFor(ada.page, `/rooms/${fleeting}`)).toBe("");
  await ada.context.close();
  expect(await filesWith(profile.folder, CANARY)).toEqual([]);
});

test("a room that keeps no messages any more leaves the device at once @phone", async ({ stack, guest }) => {
  const ada = await guest(stack);
  await register(ada, "Ada");
  const code = await makeRoomByRest(ada, { preserve: true });
  await keep(ada.page, code);
  const data = { code, preserve: false };
  expect((await ada.context.request.put("/api/rooms/preserve", { data })).status()).toBe(204);
  await expect.poll(() => keptFor(ada.page, `/rooms/${code}`)).toBe("");
});

test("without the switch the device keeps nothing, and a message survives a reload all the same @desktop", async ({
  stack,
  guest,
}) => {
  const ada = await guest(stack);
  await register(ada, "Ada");
  const code = await makeRoomByRest(ada, { preserve: true });
  await keep(ada.page, code);
  await ada.page.goto("/preferences/devices");
  await ada.page.getByRole("switch", { name: "Keep a copy on this device" }).uncheck();
  await expect.poll(() => hasCopy(ada.page)).toBe(false);
  await ada.page.reload();
  await expect(ada.page.getByRole("switch", { name: "Keep a copy on this device" })).not.toBeChecked();
  await open(ada.page, `/rooms/${code}`);
  await say(ada.page, "Goes out");
  await expect(messages(ada.page)).toHaveText(["Goes out"]);
  await ada.page.goto("/dashboard");
  expect(await hasCopy(ada.page)).toBe(false);
});

test("two tabs share one outbox: each message goes out once @desktop", async ({ launch, guest }) => {
  const stack = await launch("embedded");
  const [ada, bob] = [await guest(stack), await guest(stack)];
  await register(ada, "Ada");
  const code = await makeRoomByRest(ada, { preserve: true });
  await joinRoom(bob, code, "Bob");
  await ada.page.goto("/dashboard");
  await controlled(ada.page);
  await keep(ada.page, code);
  const other = await ada.context.newPage();
  await open(other, `/rooms/${code}`);

  await stack.kill9();
  // The first tab has read the outbox long ago, and does not see what the other one adds.
  await say(other, "From the first");
  await say(ada.page, "From the second");
  await expect(pending(ada.page)).toHaveCount(1);
  await ada.page.reload();
  await expect(pending(ada.page)).toHaveText([/From the first/, /From the second/]);
  await stack.restart();
  for (const page of [ada.page, other, bob.page]) {
    await expect(messages(page)).toHaveCount(2, { timeout: BACK_MS });
    await expect(pending(page)).toHaveCount(0, { timeout: BACK_MS });
  }
  const texts = (await messages(bob.page).allInnerTexts()).sort();
  expect(texts).toEqual(["From the first", "From the second"]);
});
