// The app as it is installed and opened: its manifest and where it opens, the picture while it starts, what other apps
// share with it, the number of unread messages outside of its pages, and the QR code that brings others in.
import { type BrowserContext, type Locator, type Page, chromium } from "@playwright/test";
import { decodeQR } from "qr/decode.js";
import { register } from "../account.ts";
import {
  type Guest,
  type Stack,
  controlled,
  expect,
  expectAccessible,
  holdScripts,
  test as base,
  visit,
} from "../fixtures.ts";
import {
  composer,
  dialog,
  joinByRest,
  joinRoom,
  makeRoom,
  makeRoomByRest,
  messages,
  open,
  say,
  sayByRest,
  sendButton,
  setShown,
} from "../room.ts";

const unreachable = /ERR_(CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE)|WebSocket connection to/;

/** Tests with a browser whose only window is that of an app, so that its display mode is `standalone`. */
const test = base.extend<{ inAppWindow: (stack: Stack) => Promise<Guest> }>({
  inAppWindow: async ({ complaints, launchOptions, viewport, locale, timezoneId }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async (stack) => {
      const context = await chromium.launchPersistentContext("", {
        ...launchOptions,
        // The window has to begin with an address of the app. This page stores nothing, and loads itself again every few
        // seconds: Playwright waits for a page to load, and can come too late for the first time.
        args: [...(launchOptions.args ?? []), `--app=${stack.url()}/offline.html`],
        baseURL: stack.url(),
        viewport,
        // Chromium shows no page as an app's while it plays a phone.
        isMobile: false,
        serviceWorkers: "block",
        ...(locale && { locale }),
        ...(timezoneId && { timezoneId }),
      });
      contexts.push(context);
      complaints.watch(context);
      return { context, page: context.pages()[0] ?? (await context.waitForEvent("page")) };
    });
    for (const context of contexts) await context.close();
  },
});

test.describe("as browsers see it", () => {
  test.use({ serviceWorkers: "allow" });

  test("a browser finds no fault in the manifest and offers to install the app @desktop", async ({ page }) => {
    await visit(page, "/");
    const session = await page.context().newCDPSession(page);
    const { errors, data } = await session.send("Page.getAppManifest");
    expect(errors).toEqual([]);
    expect(JSON.parse(data ?? "")).toMatchObject({
      id: "/",
      start_url: "/open",
      share_target: { action: "/share", method: "POST" },
      screenshots: [{ form_factor: "narrow" }, { form_factor: "wide" }],
      shortcuts: [{ name: "New room" }, { name: "Join by code" }],
    });
    // The browser of a test keeps nothing, which alone would forbid to install.
    const { installabilityErrors } = await session.send("Page.getInstallabilityErrors");
    expect(installabilityErrors.filter(({ errorId }) => errorId !== "in-incognito")).toEqual([]);
  });

  test("without its server the app opens at the list that the device keeps @phone", async ({
    launch,
    guest,
    complaints,
  }) => {
    complaints.allow(unreachable);
    const stack = await launch("embedded");
    const ada = await guest(stack);
    await register(ada, "Ada");
    await makeRoomByRest(ada, { name: "Chess", preserve: true });
    await ada.page.goto("/open");
    await expect(ada.page).toHaveURL("/dashboard");
    await controlled(ada.page);
    const isKept = () =>
      ada.page.evaluate(() => {
        const { anonchatStore } = globalThis as unknown as { anonchatStore: { visit(path: string): Promise<unknown> } };
        return anonchatStore.visit("/open").then((visit) => visit !== undefined);
      });
    await expect.poll(isKept).toBe(true);
    await stack.kill9();
    await ada.page.goto("/open");
    await expect(ada.page.getByRole("link", { name: /Chess/ })).toBeVisible();
    await expect(ada.page).toHaveURL("/dashboard");

    // A guest has no copy. The offline page then leads on to wherever the app opens.
    const bob = await guest(stack);
    await stack.restart();
    await visit(bob.page, "/");
    await controlled(bob.page);
    await stack.kill9();
    await bob.page.goto("/open");
    await expect(bob.page.getByRole("heading", { level: 1 })).toHaveText("Can’t reach AnonChat");
    await stack.restart();
    await bob.page.getByRole("link", { name: "Try again" }).click();
    await expect(bob.page).toHaveURL("/");
  });
});

test.describe("what other apps share", () => {
  test.use({ serviceWorkers: "allow" });

  const WORDS = "Nur für eure Augen";
  const LINK = "https://example.org/walk";
  const note = (page: Page): Locator => page.getByText(/Choose a room for this text|text you shared/);

  /** Shares as another app does: the browser posts the fields that the manifest names. */
  async function share(page: Page, fields: Record<string, string>): Promise<void> {
    const loaded = page.waitForEvent("domcontentloaded");
    await page.evaluate((fields) => {
      const form = document.createElement("form");
      form.method = "post";
      form.action = "/share";
      for (const [name, value] of Object.entries(fields)) {
        const field = Object.assign(document.createElement("input"), { name, value, type: "hidden" });
        form.append(field);
      }
      document.body.append(form);
      form.submit();
    }, fields);
    await loaded;
  }

  test("of an account goes to the room that is chosen, and the server never sees it before @phone", async ({
    stack,
    guest,
  }) => {
    const ada = await guest(stack);
    const { page } = ada;
    await register(ada, "Ada");
    await makeRoomByRest(ada, { name: "Chess" });
    await makeRoomByRest(ada, { name: "Books" });
    await page.goto("/dashboard");
    await controlled(page);

    const leaks: string[] = [];
    ada.context.on("request", async (request) => {
      // The service worker answers the post itself; what it sends on would be a request of its own.
      if (request.url().endsWith("/share") && !request.serviceWorker()) return;
      const told = [
        request.url(),
        request.postData() ?? "",
        JSON.stringify(await request.allHeaders().catch(() => ({}))),
      ];
      if (told.some((part) => part.includes("Augen"))) leaks.push(request.url());
    });
    await share(page, { title: "A walk", text: `A walk: ${WORDS}`, url: LINK });
    await expect(note(page)).toHaveText("Choose a room for this text.");
    await expect(page).toHaveURL("/dashboard");
    await expectAccessible(page);
    await page.getByRole("link", { name: /Books/ }).click();
    await expect(composer(page)).toHaveValue(`A walk\nA walk: ${WORDS}\n${LINK}`);
    expect(leaks).toEqual([]);
    const { entries } = await (await ada.context.newCDPSession(page)).send("Page.getNavigationHistory");
    expect(entries.filter(({ url }) => /Augen|#|share/.test(url))).toEqual([]);

    // It is a draft of that room from then on, and of no other.
    await page.reload();
    await expect(composer(page)).toHaveValue(`A walk\nA walk: ${WORDS}\n${LINK}`);
    await expect(sendButton(page)).toBeEnabled();
    await sendButton(page).tap();
    await expect(messages(page)).toHaveCount(1);
    await page.goto("/dashboard");
    await expect(page.getByRole("link", { name: /Chess/ })).toBeVisible();
    await expect(note(page)).toBeHidden();
    expect(stack.log()).not.toContain("Augen");
  });

  test("of a guest goes to their room, behind what they were writing @desktop", async ({ stack, guest }) => {
    const bob = await guest(stack);
    const code = await makeRoom(bob, { nickname: "Bob" });
    await controlled(bob.page);
    await composer(bob.page).fill("Look:");
    await share(bob.page, { text: LINK, url: LINK });
    await expect(bob.page).toHaveURL(`/rooms/${code}`);
    await expect(composer(bob.page)).toHaveValue(`Look:\n${LINK}`);
    await expect(sendButton(bob.page)).toBeEnabled();
  });

  test("of a stranger waits in the tab until they join, or discard it @phone", async ({ stack, guest }) => {
    const [ada, bob] = [await guest(stack), await guest(stack)];
    const code = await makeRoomByRest(ada, { nickname: "Ada" });
    const { page } = bob;
    await visit(page, "/");
    await controlled(page);
    await share(page, { text: "Not this" });
    await expect(note(page)).toHaveText("Join a room first. The text you shared will be in its message box.");
    await page.getByRole("button", { name: "Discard" }).click();
    await expect(note(page)).toBeHidden();

    await share(page, { text: WORDS });
    await expect(note(page)).toBeVisible();
    await visit(page, "/");
    await expect(note(page), "it waits in the next document, too").toBeVisible();
    await page.getByRole("textbox", { name: "Room code" }).fill(code);
    await page.getByRole("button", { name: "Join", exact: true }).click();
    await expect(composer(page)).toHaveValue(WORDS);
  });
});

test("the offer to install is there while the browser can, and opens nothing by itself @phone", async ({ page }) => {
  await visit(page, "/");
  const offer = page.getByRole("button", { name: "Install app" });
  await expect(offer).toBeHidden();
  const isSilent = await page.evaluate(() => {
    const prompt = () => void (document.documentElement.dataset["asked"] = "yes");
    return !dispatchEvent(Object.assign(new Event("beforeinstallprompt", { cancelable: true }), { prompt }));
  });
  expect(isSilent, "the browser shows no offer of its own").toBe(true);
  await expect(offer).toBeVisible();
  await expectAccessible(page);
  await offer.click();
  await expect(page.locator("html")).toHaveAttribute("data-asked", "yes");
  await expect(offer, "a prompt can be opened once").toBeHidden();
});

test("the menu of an account has the offer, and a phone without a prompt says how @phone", async ({ stack, guest }) => {
  const ada = await guest(stack);
  await register(ada, "Ada");
  await ada.context.addInitScript(() => Object.defineProperty(navigator, "standalone", { value: false }));
  await ada.page.goto("/dashboard");
  await ada.page.getByRole("button", { name: "Account: Ada" }).click();
  const menu = ada.page.locator("#account-menu");
  await expect(menu.getByText("tap Share and then “Add to Home Screen”")).toBeVisible();
  await expect(menu.getByRole("button", { name: "Install app" })).toBeHidden();
  await expectAccessible(ada.page);
});

/** Records the numbers that the page sets on the icon of the app. */
async function watchBadge({ context }: Guest): Promise<void> {
  await context.addInitScript(() => {
    const badges: number[] = [];
    Object.assign(globalThis, { badges });
    navigator.setAppBadge = async (count = -1) => void badges.push(count);
  });
}

const badge = (page: Page) =>
  page.evaluate(() => (globalThis as unknown as { badges: number[] }).badges.at(-1)).catch(() => undefined);
const tabIcon = (page: Page): Locator => page.locator('link[rel="icon"][type="image/svg+xml"]');

test("the icon of the app counts unread messages of all rooms, and forgets them with the account @desktop", async ({
  stack,
  guest,
  inAppWindow,
}) => {
  const [ada, bob] = [await inAppWindow(stack), await guest(stack)];
  await register(ada, "Ada");
  const chess = await makeRoomByRest(ada, { name: "Chess" });
  const books = await makeRoomByRest(ada, { name: "Books" });
  await watchBadge(ada);
  await ada.page.goto("/dashboard");
  await expect.poll(() => badge(ada.page)).toBe(0);
  await joinByRest(bob, chess, "Bob");
  await sayByRest(bob, chess, "One");
  await sayByRest(bob, chess, "Two");
  await expect.poll(() => badge(ada.page)).toBe(2);

  // Beside an open room the others count, and this one only if nobody looks at it.
  await open(ada.page, `/rooms/${books}`);
  await expect.poll(() => badge(ada.page)).toBe(2);
  await ada.page.getByRole("link", { name: /Chess/ }).click();
  await expect(messages(ada.page)).toHaveCount(2);
  await expect.poll(() => badge(ada.page)).toBe(0);
  await expect(tabIcon(ada.page), "it has no tab").toHaveAttribute("href", "/icons/icon.svg");

  await ada.page.goto("/dashboard");
  await sayByRest(bob, chess, "Three");
  await expect.poll(() => badge(ada.page)).toBe(1);
  await ada.page.getByRole("button", { name: "Account: Ada" }).click();
  await ada.page.getByRole("button", { name: "Log out" }).click();
  await expect(ada.page).toHaveURL("/");
  await expect.poll(() => badge(ada.page)).toBe(0);
});

test("the icon of a tab has a dot while something in its room is unread @desktop", async ({ stack, guest }) => {
  const [ada, bob] = [await guest(stack), await guest(stack)];
  await watchBadge(ada);
  const code = await makeRoom(ada, { nickname: "Ada" });
  await joinRoom(bob, code, "Bob");
  await expect(tabIcon(ada.page)).toHaveAttribute("href", "/icons/icon.svg");
  await setShown(ada.page, false);
  await say(bob.page, "Are you there?");
  await expect(tabIcon(ada.page)).toHaveAttribute("href", "/icons/unread.svg");
  await expect(ada.page).toHaveTitle(/^\(1\) /);
  expect((await ada.page.request.get("/icons/unread.svg")).status()).toBe(200);
  await setShown(ada.page, true);
  await expect(tabIcon(ada.page)).toHaveAttribute("href", "/icons/icon.svg");
  expect(await badge(ada.page), "an installed app is another window").toBeUndefined();
});

test("an installed app that starts without a page shows its mark, once, and a tab does not @both", async ({
  stack,
  page,
  inAppWindow,
}) => {
  const scripts = await holdScripts(page);
  await page.goto("/shell");
  await expect(page.getByRole("status")).toBeVisible();
  await expect(page.locator(".splash")).toBeHidden();
  scripts.come();

  const { page: app } = await inAppWindow(stack);
  const held = await holdScripts(app);
  await app.goto("/shell");
  await expect(app.locator(".splash")).toBeVisible();
  await expect(app.locator(".splash__mark svg")).toBeInViewport();
  await expectAccessible(app);
  const motion = () => app.locator(".splash__mark").evaluate((mark) => getComputedStyle(mark).animationName);
  expect(await motion()).toBe("pulse");
  held.come();
  await expect(app.getByRole("heading", { level: 1 })).toBeVisible();
  await expect(app.locator(".splash"), "it goes with the first content").toBeHidden();
  await app.goto("/");
  await expect(app.locator(".splash"), "a page of the server has its content at once").toHaveCount(0);

  const again = await holdScripts(app);
  await app.goto("/shell");
  await expect(app.getByRole("status")).toBeVisible();
  await expect(app.locator(".splash"), "the window is open already").toBeHidden();
  again.come();
});

/** Reads the QR code in a picture of an element, as a camera in front of the screen does. */
async function read(code: Locator): Promise<string> {
  const isThere = () => code.evaluate((image: HTMLImageElement) => image.complete && image.naturalWidth > 0);
  await expect.poll(isThere).toBe(true);
  const picture = (await code.screenshot({ animations: "disabled" })).toString("base64");
  const { data, width, height } = await code.page().evaluate(async (picture) => {
    const image = new Image();
    image.src = `data:image/png;base64,${picture}`;
    await image.decode();
    const canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
    const context = canvas.getContext("2d")!;
    context.drawImage(image, 0, 0);
    const { data, width, height } = context.getImageData(0, 0, image.width, image.height);
    return { data: [...data], width, height };
  }, picture);
  return decodeQR({ data: Uint8Array.from(data), width, height });
}

test("the QR code in the invitation is the link to the room, in the light and in the dark @both", async ({
  stack,
  guest,
}) => {
  const [ada, bob] = [await guest(stack), await guest(stack)];
  const { page } = ada;
  const code = await makeRoomByRest(ada, { nickname: "Ada" });
  // The invitation of a room with nobody else in it is on the page itself.
  await joinByRest(bob, code, "Bob");
  const fetched: string[] = [];
  page.on("request", (request) => fetched.push(new URL(request.url()).pathname));
  await open(page, `/rooms/${code}`);
  expect(fetched, "it is fetched with the dialog only").not.toContain(`/rooms/${code}/qr.svg`);
  await page.getByRole("button", { name: "Invite people" }).click();
  const picture = dialog(page, "Invite people").getByRole("img", { name: "QR code with the link to this room" });
  await expect(picture).toBeVisible();
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    expect(await read(picture)).toBe(`${stack.url()}/rooms/${code}`);
    await expectAccessible(page);
  }
});

test.describe("without scripts", () => {
  test.use({ javaScriptEnabled: false });

  test("the invitation with its QR code is below the room @phone", async ({ stack, guest }) => {
    const ada = await guest(stack);
    const code = await makeRoomByRest(ada, { nickname: "Ada" });
    await ada.page.goto(`/rooms/${code}`);
    const invitation = dialog(ada.page, "Invite people");
    const picture = invitation.getByRole("img", { name: "QR code with the link to this room" });
    await picture.scrollIntoViewIfNeeded();
    await expect(picture).toBeInViewport();
    const shown = await picture.screenshot();
    // Another page with scripts reads the picture.
    const { page: reader } = await guest(stack, 0, { javaScriptEnabled: true });
    await reader.setContent(`<img src="data:image/png;base64,${shown.toString("base64")}" alt="">`);
    expect(await read(reader.locator("img"))).toBe(`${stack.url()}/rooms/${code}`);
  });
});
