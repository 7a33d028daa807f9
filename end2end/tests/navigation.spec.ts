// Going from page to page without loading documents.
import type { Locator, Page } from "@playwright/test";
import { register } from "../account.ts";
import { DIAGONAL, type Guest, KINDS, type Stack, expect, expectAccessible, test } from "../fixtures.ts";
import { observeMemory, wasmBytes } from "../memory.ts";
import {
  choose,
  composer,
  dialog,
  firstNew,
  following,
  go,
  isPhone,
  joinByRest,
  log,
  makeRoomByRest,
  messages,
  open,
  row,
  rooms,
  say,
  sayByRest,
  sayMany,
  visitAndSay,
} from "../room.ts";

const heading = (page: Page): Locator => page.getByRole("heading", { level: 1 });

/** Counts what a page loads from now on: documents, and sockets. */
function counting(page: Page): { documents: number; sockets: number } {
  const counts = { documents: 0, sockets: 0 };
  page.on("request", (request) => {
    if (request.isNavigationRequest() && request.frame() === page.mainFrame()) counts.documents += 1;
  });
  page.on("websocket", () => (counts.sockets += 1));
  return counts;
}

/** An account with three rooms: A, B and C. */
async function withThreeRooms(
  stack: Stack,
  guest: (stack: Stack, node?: number) => Promise<Guest>,
  prepare = (_: Guest): Promise<unknown> => Promise.resolve(),
) {
  const ada = await guest(stack);
  await prepare(ada);
  await register(ada, "Ada");
  const codes: Record<string, string> = {};
  for (const name of ["Chess", "Books", "Music"]) {
    codes[name] = await makeRoomByRest(ada, { name, nickname: "Ada" });
    await sayByRest(ada, codes[name], `Welcome to ${name}`);
  }
  return { page: ada.page, codes };
}

/** Runs in a page. Goes round these rooms by the list, and waits for the messages of each. */
async function goRound([names, steps]: [string[], number]): Promise<void> {
  for (let n = 0; n < steps; n++) {
    const name = names[n % names.length];
    const link = [...document.querySelectorAll<HTMLElement>(".room-row__link")].find(
      (link) => link.querySelector("bdi")?.textContent === name,
    );
    link?.click();
    do await new Promise(requestAnimationFrame);
    while (document.querySelector("h1")?.textContent !== name || !document.querySelector(".message__text"));
  }
}

for (const kind of KINDS) {
  test.describe(`${kind} @both`, () => {
    test.use({ kind });

    test("rooms change without a document, and back and forward have the right addresses", async ({ stack, guest }) => {
      const { page, codes } = await withThreeRooms(stack, guest);
      await following(page, () => page.goto(`/rooms/${codes["Chess"]}`));
      const counts = counting(page);
      for (const name of ["Books", "Music"]) {
        await go(page, name);
        await expect(page).toHaveURL(`/rooms/${codes[name]}`);
        await expect(messages(page)).toHaveText([`Welcome to ${name}`]);
        await expect(page).toHaveTitle(`${name} · AnonChat`);
      }
      const there = async (name: string, act: () => Promise<unknown>): Promise<void> => {
        await act();
        await expect(page).toHaveURL(`/rooms/${codes[name]}`);
        await expect(heading(page)).toHaveText(name);
        await expect(messages(page)).toHaveText([`Welcome to ${name}`]);
      };
      if (isPhone(page)) {
        // On a phone the list lies between two rooms.
        await page.goBack();
        await expect(page).toHaveURL("/dashboard");
        await there("Books", () => page.goBack());
        await page.goForward();
        await there("Music", () => page.goForward());
        await page.goBack();
        await row(page, "Books").click();
      } else {
        await there("Books", () => page.goBack());
        await there("Music", () => page.goForward());
        await there("Books", () => page.goBack());
        await there("Music", () => page.goForward());
        // The router's own stack of addresses ends in "Books" here, and would not push it.
        await row(page, "Books").click();
      }
      await there("Books", async () => {});
      expect(counts).toEqual({ documents: 0, sockets: 0 });
      await page.reload();
      await there("Books", async () => {});
    });

    test("a message in a room that was left and opened again is sent, shown once, and by the same socket", async ({
      stack,
      guest,
    }) => {
      const { page, codes } = await withThreeRooms(stack, guest);
      const bob = await guest(stack, stack.size - 1);
      await following(page, () => page.goto(`/rooms/${codes["Chess"]}`));
      const counts = counting(page);
      for (let n = 0; n < 5; n += 1) {
        await go(page, "Books", n > 0 ? `Move ${n - 1}` : undefined);
        await say(page, `Book ${n}`);
        await go(page, "Chess", `Book ${n}`);
        await say(page, `Move ${n}`);
      }
      await visitAndSay(bob, codes["Books"] ?? "", "Bob", "I read it");
      await go(page, "Books");
      await expect(messages(page)).toHaveText([
        "Welcome to Books",
        "Book 0",
        "Book 1",
        "Book 2",
        "Book 3",
        "Book 4",
        "I read it",
      ]);
      expect(counts).toEqual({ documents: 0, sockets: 0 });
    });
  });
}

for (const { kind, size } of DIAGONAL) {
  test.describe(`${kind} ${size}`, () => {
    test.use({ kind });

    test("a draft stays in its room", async ({ stack, guest }) => {
      const { page, codes } = await withThreeRooms(stack, guest);
      await open(page, `/rooms/${codes["Chess"]}`);
      await composer(page).fill("half a thought");
      await go(page, "Books");
      await expect(composer(page)).toHaveValue("");
      await composer(page).fill("another");
      await go(page, "Chess");
      await expect(composer(page)).toHaveValue("half a thought");
      await go(page, "Books");
      await expect(composer(page)).toHaveValue("another");
    });

    test("each page has its title, its heading has the focus, and screen readers hear it", async ({ stack, guest }) => {
      const { page, codes } = await withThreeRooms(stack, guest);
      await open(page, `/rooms/${codes["Chess"]}`);
      if (isPhone(page)) await page.getByRole("link", { name: /^All rooms/ }).click();
      await page.getByRole("link", { name: "New room" }).first().click();
      await expect(page).toHaveURL("/rooms/new");
      await expect(page).toHaveTitle("Create a room · AnonChat");
      await expect(heading(page)).toBeFocused();
      await expect(page.locator("[aria-live=polite]").filter({ hasText: "Create a room · AnonChat" })).toHaveCount(1);
      await expectAccessible(page);
      await page.goBack();
      await expect(rooms(page)).toBeAttached();
      await expectAccessible(page);
    });

    test("a room that is made from the list opens without a document", async ({ stack, guest }) => {
      const { page, codes } = await withThreeRooms(stack, guest);
      await open(page, `/rooms/${codes["Chess"]}`);
      if (isPhone(page)) await page.getByRole("link", { name: /^All rooms/ }).click();
      const counts = counting(page);
      await page.getByRole("link", { name: "New room" }).first().click();
      await page.getByLabel("Room name (optional)").fill("Garden");
      await page.getByRole("button", { name: "Create", exact: true }).click();
      await expect(heading(page)).toHaveText("Garden");
      await say(page, "First");
      // The router knows of this step, and so the form is another page again.
      if (isPhone(page)) await page.getByRole("link", { name: /^All rooms/ }).click();
      await page.getByRole("link", { name: "New room" }).first().click();
      await expect(heading(page)).toHaveText("Create a room");
      expect(counts).toEqual({ documents: 0, sockets: 0 });
    });

    test("from the start page to the list and back, whoever comes first", async ({ stack, guest }) => {
      const { page } = await withThreeRooms(stack, guest);
      await page.goto("/");
      await page.waitForFunction(() => {
        const { listening } = globalThis as unknown as { listening: WeakSet<EventTarget> };
        const form = document.querySelector("form:has([name=code])");
        return form !== null && listening.has(form);
      });
      const counts = counting(page);
      await page.getByRole("link", { name: "Your rooms" }).click();
      await expect(rooms(page).getByRole("listitem")).toHaveCount(3);
      await page.goBack();
      await expect(page.getByRole("link", { name: "Your rooms" })).toBeVisible();
      await page.goForward();
      await expect(rooms(page).getByRole("listitem")).toHaveCount(3);
      expect(counts.documents).toBe(0);
    });

    test("without a network a page says so, and comes when it is back", async ({ stack, guest, complaints }) => {
      complaints.allow(/Failed to load resource/);
      const { page, codes } = await withThreeRooms(stack, guest);
      await open(page, `/rooms/${codes["Chess"]}`);
      if (isPhone(page)) await page.getByRole("link", { name: /^All rooms/ }).click();
      await page.route("**/visit/**", (route) => route.abort());
      await page.getByRole("link", { name: "New room" }).first().click();
      await expect(heading(page)).toHaveText("Can’t reach AnonChat");
      await page.unroute("**/visit/**");
      await page.getByRole("button", { name: "Try again" }).click();
      await expect(heading(page)).toHaveText("Create a room");
    });

    test("a guest goes home and back to the room by the same document", async ({ stack, guest }) => {
      const bob = await guest(stack);
      const code = await makeRoomByRest(bob, { nickname: "Bob" });
      await open(bob.page, `/rooms/${code}`);
      const counts = counting(bob.page);
      await bob.page.getByRole("link", { name: "AnonChat, start page" }).first().click();
      await expect(bob.page).toHaveURL("/");
      await bob.page.getByRole("link", { name: "Open room" }).click();
      await expect(log(bob.page)).toBeVisible();
      await say(bob.page, "Here again");
      expect(counts.documents).toBe(0);
    });

    test("a room is opened again where it was scrolled to, and shows what came meanwhile as new", async ({
      stack,
      guest,
    }) => {
      const { page, codes } = await withThreeRooms(stack, guest);
      const bob = await guest(stack);
      await joinByRest(bob, codes["Chess"] ?? "", "Bob");
      await sayMany(bob, codes["Chess"] ?? "", "Bob", 1, 40);
      await open(page, `/rooms/${codes["Chess"]}`);
      await expect(messages(page).last()).toHaveText("Message 40");
      // Whoever writes has read everything.
      await say(page, "Hello");
      await messages(page)
        .filter({ hasText: /^Message 20$/ })
        .scrollIntoViewIfNeeded();
      await expect(messages(page).filter({ hasText: /^Message 20$/ })).toBeInViewport();
      await go(page, "Books");
      await sayByRest(bob, codes["Chess"] ?? "", "while you were away");
      await go(page, "Chess");
      await expect(messages(page).last()).toHaveText("while you were away");
      await expect(messages(page).filter({ hasText: /^Message 20$/ })).toBeInViewport();
      await expect(firstNew(page)).toHaveText("while you were away");
    });

    test("every link leads to a page of the app, or says that it does not", async ({ stack, guest, complaints }) => {
      complaints.allow(/404 \(Not Found\)/);
      const { page, codes } = await withThreeRooms(stack, guest);
      for (const address of [
        "/",
        "/dashboard",
        "/rooms/new",
        `/rooms/${codes["Chess"]}`,
        "/rooms/AAAAAA",
        "/nothing",
      ]) {
        await page.goto(address);
        const wrong = await page.evaluate(() => {
          const isOfApp = (path: string) => /^\/(dashboard|rooms\/[^/]+)?$/.test(path);
          const links = [...document.querySelectorAll<HTMLAnchorElement>("a[href]")];
          const outside = links.filter((link) => link.origin !== location.origin || !isOfApp(link.pathname));
          return outside.filter((link) => !/external|noopener/.test(link.rel)).map((link) => link.href);
        });
        expect(wrong, address).toEqual([]);
      }
    });
  });
}

test("a step shows the newest messages, and then all of them above without moving those @desktop", async ({
  stack,
  guest,
}) => {
  const { page, codes } = await withThreeRooms(stack, guest);
  await sayMany(await guest(stack), codes["Chess"] ?? "", "Bob", 1, 60);
  await open(page, `/rooms/${codes["Chess"]}`);
  // Whoever writes has read everything.
  await say(page, "Hello");
  await go(page, "Books");
  // For every frame, how many messages the page has and where the last one ends.
  await page.evaluate(() => {
    const seen: [number, number][] = [];
    const look = () => {
      const shown = [...document.querySelectorAll(".message__text")];
      const last = shown.at(-1);
      if (last?.textContent === "Hello") seen.push([shown.length, Math.round(last.getBoundingClientRect().bottom)]);
      requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
    Object.assign(globalThis, { seen });
  });
  await go(page, "Chess");
  await expect(messages(page)).toHaveCount(62);
  const seen = await page.evaluate(() => (globalThis as unknown as { seen: [number, number][] }).seen);
  expect(seen[0]?.[0]).toBeLessThan(40);
  expect(new Set(seen.map(([, bottom]) => bottom)).size).toBe(1);
});

test("a step renders what can be seen, and dialogs and menu when they open @both", async ({ stack, guest }) => {
  const { page, codes } = await withThreeRooms(stack, guest);
  await open(page, `/rooms/${codes["Chess"]}`);
  await go(page, "Books");
  await expect(messages(page)).toHaveText(["Welcome to Books"]);
  const rendered = await page.evaluate(() => {
    const all = [...document.querySelectorAll("body *")];
    return {
      message: document.querySelectorAll(".message *").length,
      around: all.filter((element) => !element.closest(".dashboard__list, .timeline__rows")).length,
    };
  });
  expect(rendered.message).toBeLessThanOrEqual(7);
  expect(rendered.around).toBeLessThan(150);
  await choose(page, "Room info");
  await expect(dialog(page, "Room info")).toBeVisible();
});

test("a step to a room that was shown before takes no memory for good @desktop", async ({ stack, guest }) => {
  const { page, codes } = await withThreeRooms(stack, guest, (ada) => observeMemory(ada.context));
  const bob = await guest(stack);
  await register(bob, "Bob");
  for (const code of Object.values(codes)) await sayMany(bob, code, "Bob", 1, 50);
  await open(page, `/rooms/${codes["Chess"]}`);
  const [first, then] = [60, 180];
  await page.evaluate(goRound, [Object.keys(codes), first] as [string[], number]);
  const before = await wasmBytes(page);
  await page.evaluate(goRound, [Object.keys(codes), then] as [string[], number]);
  const perStep = ((await wasmBytes(page)) - before) / then;
  // The router remembers the address of each step, which takes a few hundred bytes.
  expect(perStep).toBeLessThan(1_024);
});
