// Two builds of different content, each with its own server, scripts and wasm (`script/test update` makes them): pages
// of one beside servers of the other. Nothing is lost, and a page changes its build when nothing can be lost.
import { appendFile, cp } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { register } from "./account.ts";
import { type Complaints, type Stack, controlled, expect, holdScripts, test, visit } from "./fixtures.ts";
import { keep } from "./kept.ts";
import {
  BACK_MS,
  composer,
  following,
  go,
  joinRoom,
  makeRoomByRest,
  messages,
  open,
  pending,
  say,
  sayByRest,
  setShown,
} from "./room.ts";
import { BUILD, type Build } from "./stack.ts";

const OTHER: Build = { program: process.env["OTHER_BIN"] ?? "", site: process.env["OTHER_SITE_ROOT"] ?? "" };

/** What a server says of its build. */
interface Shell {
  version: string;
  files: string[];
}

async function shellOf(stack: Stack, node = 0): Promise<Shell> {
  return (await (await fetch(`${stack.url(node)}/shell.json`)).json()) as Shell;
}

/** The servers of both builds, of which the first runs. */
async function servers(stack: Stack, first: Build, second: Build): Promise<{ first: Shell; second: Shell }> {
  await stack.restart(0, second);
  const later = await shellOf(stack);
  await stack.restart(0, first);
  const shells = { first: await shellOf(stack), second: later };
  expect(shells.first.version, "OTHER_BIN and OTHER_SITE_ROOT are another build").not.toBe(later.version);
  return shells;
}

const isHashed = (path: string): boolean => path.startsWith("/pkg/");

/** Expects that a page is of one build: its document, and the script, the style and the wasm that it loaded. */
async function expectBuild(page: Page, { version, files }: Shell): Promise<void> {
  await expect(page.locator("html")).toHaveAttribute("data-version", version, { timeout: BACK_MS });
  const loaded = () =>
    page.evaluate(() => performance.getEntriesByType("resource").map(({ name }) => new URL(name).pathname));
  // A file may be in the list twice, such as one that was first preloaded.
  const hashed = async () => [...new Set((await loaded()).filter(isHashed))].sort();
  await expect.poll(hashed).toEqual(files.filter(isHashed).sort());
}

/** Expects that all these pages show these messages, each once and in this order. */
async function expectSaid(texts: string[], ...pages: Page[]): Promise<void> {
  for (const page of pages) {
    await expect(messages(page)).toHaveText(texts, { timeout: BACK_MS });
    await expect(pending(page)).toHaveCount(0);
  }
}

/** Counts the documents that a page asks for from now on. */
function documents(page: Page): { asked: number } {
  const count = { asked: 0 };
  page.on("request", (request) => {
    if (request.isNavigationRequest()) count.asked += 1;
  });
  return count;
}

/** Hides a page and waits until it would have asked for a document. */
async function hide(page: Page): Promise<void> {
  await setShown(page, false);
  await page.evaluate(() => navigator.serviceWorker?.getRegistration());
}

function allowAbsence(complaints: Complaints): void {
  complaints.allow(/ERR_(CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE)|WebSocket connection to/);
}

test.beforeEach(({ complaints }) => allowAbsence(complaints));

for (const { way, from, to, size } of [
  { way: "an update", from: BUILD, to: OTHER, size: "@desktop" },
  { way: "a return to the build before", from: OTHER, to: BUILD, size: "@phone" },
]) {
  test(`open pages go on through ${way}, and change when nothing can be lost ${size}`, async ({ launch, guest }) => {
    const stack = await launch("embedded");
    const { first, second } = await servers(stack, from, to);
    const [ada, bob] = [await guest(stack), await guest(stack)];
    await register(ada, "Ada");
    const chess = await makeRoomByRest(ada, { name: "Chess", preserve: true });
    await makeRoomByRest(ada, { name: "Books" });
    await open(ada.page, `/rooms/${chess}`);
    await joinRoom(bob, chess, "Bob");
    await say(ada.page, "Before");
    await expectSaid(["Before"], ada.page, bob.page);

    await composer(ada.page).fill("half a ");
    await stack.terminate();
    await say(bob.page, "Meanwhile");
    await expect(pending(bob.page)).toHaveCount(1);
    await stack.restart(0, to);
    await expectSaid(["Before", "Meanwhile"], ada.page, bob.page);
    await composer(ada.page).pressSequentially("thought");
    await say(bob.page, "After");
    await expectSaid(["Before", "Meanwhile", "After"], ada.page, bob.page);
    for (const page of [ada.page, bob.page]) await expectBuild(page, first);

    // A step to another page.
    await go(ada.page, "Books");
    await expectBuild(ada.page, second);
    await go(ada.page, "Chess");
    await expect(composer(ada.page)).toHaveValue("half a thought");
    await say(ada.page, "A whole thought");

    // Hidden: not while a message is on its way, and then with what is typed.
    await expectSaid(["Before", "Meanwhile", "After", "A whole thought"], ada.page, bob.page);
    const asked = documents(bob.page);
    await stack.stalled(async () => {
      await say(bob.page, "On its way");
      await expect(pending(bob.page)).toHaveCount(1);
      await hide(bob.page);
    });
    const all = ["Before", "Meanwhile", "After", "A whole thought", "On its way"];
    await expectSaid(all, ada.page, bob.page);
    expect(asked).toEqual({ asked: 0 });
    await expectBuild(bob.page, first);
    await setShown(bob.page, true);
    await composer(bob.page).fill("not said yet");
    await setShown(bob.page, false);
    await expectBuild(bob.page, second);
    await expect(composer(bob.page)).toHaveValue("not said yet");
    await expectSaid(all, ada.page, bob.page);
  });
}

test("a hidden page with a form that is half filled in stays as it is @phone", async ({ launch, guest }) => {
  const stack = await launch("embedded");
  const { first, second } = await servers(stack, BUILD, OTHER);
  const { context, page } = await guest(stack);
  await register({ context }, "Ada");
  const code = await makeRoomByRest({ context }, { name: "Chess" });
  await open(page, `/rooms/${code}`);
  await page.getByRole("link", { name: /^All rooms/ }).click();
  await page.getByRole("link", { name: "New room" }).first().click();
  const name = page.getByLabel("Room name (optional)");
  await name.fill("Gard");
  const asked = documents(page);
  const isList = ({ payload }: { payload: string | Buffer }) => payload.toString().startsWith('{"rooms"');
  const back = page.waitForEvent("websocket").then((socket) => socket.waitForEvent("framereceived", isList));
  await stack.restart(0, OTHER);
  await back;
  await hide(page);
  await expect(name).toHaveValue("Gard");
  expect(asked).toEqual({ asked: 0 });
  await expectBuild(page, first);

  await setShown(page, true);
  await name.fill("");
  await setShown(page, false);
  await expectBuild(page, second);
});

test("a page is loaded anew if its scripts went with their build, with what was typed @desktop", async ({
  launch,
  guest,
  complaints,
}) => {
  complaints.allow(/404 \(Not Found\)/);
  const stack = await launch("embedded");
  const { first, second } = await servers(stack, BUILD, OTHER);
  const ada = await guest(stack);
  const code = await makeRoomByRest(ada, { nickname: "Ada" });
  const scripts = await holdScripts(ada.page);
  await ada.page.goto(`/rooms/${code}`);
  await expect(ada.page.locator("html")).toHaveAttribute("data-version", first.version);
  await composer(ada.page).fill("typed early");
  await stack.restart(0, OTHER);
  scripts.come();
  await expectBuild(ada.page, second);
  await expect(composer(ada.page)).toHaveValue("typed early");
  await composer(ada.page).press("Enter");
  await expectSaid(["typed early"], ada.page);
});

test("two people talk across a rolling update, and an outbox outlives the build of its page @desktop", async ({
  launch,
  guest,
}) => {
  const stack = await launch("cluster");
  const { first, second } = await servers(stack, BUILD, OTHER);
  const [ada, bob] = [await guest(stack, 0), await guest(stack, 1)];
  await register(ada, "Ada");
  const code = await makeRoomByRest(ada, { name: "Chess", preserve: true });
  await open(ada.page, `/rooms/${code}`);
  await joinRoom(bob, code, "Bob");
  const said: string[] = [];
  const each = async (page: Page, text: string, ...others: Page[]) => {
    await say(page, text);
    said.push(text);
    await expectSaid(said, page, ...others);
  };
  await each(ada.page, "Ada: 1", bob.page);
  await each(bob.page, "Bob: 1", ada.page);

  // Node 0 stops. Its page writes, and is closed.
  await stack.terminate(0);
  await say(ada.page, "Ada: 2");
  const waiting = () =>
    ada.page.evaluate(async () => {
      const { anonchatStore } = globalThis as unknown as { anonchatStore: { outbox(): Promise<unknown[]> } };
      return (await anonchatStore.outbox()).length;
    });
  await expect.poll(waiting).toBe(1);
  await ada.page.close();
  await each(bob.page, "Bob: 2");

  // Node 0 is new and node 1 is old.
  await stack.restart(0, OTHER);
  const page = await ada.context.newPage();
  await page.goto("/dashboard");
  await expectBuild(page, second);
  said.push("Ada: 2");
  await expectSaid(said, bob.page);
  await following(page, () => go(page, "Chess"));
  await expectSaid(said, page, bob.page);
  await each(page, "Ada: 3", bob.page);
  await each(bob.page, "Bob: 3", page);
  await expectBuild(bob.page, first);

  // Node 1 follows.
  await composer(bob.page).fill("half a thought");
  await stack.terminate(1);
  await each(page, "Ada: 4");
  await stack.restart(1, OTHER);
  await expectSaid(said, bob.page);
  await setShown(bob.page, false);
  await expectBuild(bob.page, second);
  await expect(composer(bob.page)).toHaveValue("half a thought");
  await each(bob.page, "Bob: 4", page);
  await following(page, () => page.reload());
  await expectSaid(said, page, bob.page);
});

test.describe("with a service worker", () => {
  test.use({ serviceWorkers: "allow" });

  test("each visit is of one build, there and back, and so is what is shown without a network @phone", async ({
    launch,
    guest,
  }) => {
    const stack = await launch("embedded");
    const { first } = await servers(stack, BUILD, OTHER);
    const ada = await guest(stack);
    await register(ada, "Ada");
    const code = await makeRoomByRest(ada, { preserve: true });
    await sayByRest(ada, code, "Kept");
    const { page } = ada;
    await page.goto("/dashboard");
    await controlled(page);
    await keep(page, code);
    const missing: string[] = [];
    ada.context.on("response", (response) => response.status() >= 400 && missing.push(response.url()));
    const tab = await ada.context.newPage();
    await open(tab, `/rooms/${code}`);

    for (const build of [OTHER, BUILD]) {
      await stack.restart(0, build);
      const shell = await shellOf(stack);
      await open(page, `/rooms/${code}`);
      await expectBuild(page, shell);
      const isStored = async () => page.evaluate(storesShell, `shell-${shell.version}`);
      await expect.poll(isStored, { message: "the shell of the new build is stored" }).toBe(true);
      await stack.kill9();
      await page.goto(`/rooms/${code}`);
      await expect(messages(page)).toHaveText(["Kept"]);
      await expect(page.locator(".banner--shown")).toContainText("Last updated:");
      await expectBuild(page, shell);
    }

    // The other tab lived through all of it.
    await stack.restart(0);
    await expectBuild(tab, first);
    await say(tab, "Still here");
    await expectSaid(["Kept", "Still here"], tab, page);
    expect(missing).toEqual([]);
  });

  test("a page that changes its build takes a new service worker along @desktop", async ({
    launch,
    guest,
  }, testInfo) => {
    const later = { ...OTHER, site: testInfo.outputPath("site") };
    await cp(OTHER.site, later.site, { recursive: true });
    await appendFile(join(later.site, "sw.js"), "\n// A worker of a later version.\n");
    const stack = await launch("embedded");
    const { second } = await servers(stack, BUILD, later);
    const ada = await guest(stack);
    const code = await makeRoomByRest(ada, { nickname: "Ada" });
    await visit(ada.page, "/");
    await controlled(ada.page);
    await open(ada.page, `/rooms/${code}`);
    await stack.restart(0, later);
    await say(ada.page, "Hello");
    await expectSaid(["Hello"], ada.page);
    const workers = () =>
      ada.page.evaluate(async () => {
        const registration = await navigator.serviceWorker.getRegistration();
        return {
          waits: !!registration?.waiting,
          isOfPage: registration?.active === navigator.serviceWorker.controller,
        };
      });
    await ada.page.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.update());
    await expect.poll(workers).toEqual({ waits: true, isOfPage: true });
    await setShown(ada.page, false);
    await expectBuild(ada.page, second);
    await expect.poll(workers).toEqual({ waits: false, isOfPage: true });
  });
});

/** Whether this cache has the whole shell. Runs in a page. */
async function storesShell(name: string): Promise<boolean> {
  return (
    (await caches.keys()).at(-1) === name &&
    (await (await caches.open(name)).match("/shell", { ignoreSearch: true })) !== undefined
  );
}
