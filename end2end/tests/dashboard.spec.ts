// The list of an account's rooms, the open room beside it, and the notes about the other rooms.
import type { Locator, Page } from "@playwright/test";
import { logIn, prefer, register } from "../account.ts";
import {
  DIAGONAL,
  type Guest,
  KINDS,
  Stack,
  expect,
  expectAccessible,
  holdScripts,
  noteShifts,
  shifts,
  test,
  visitSlowly,
} from "../fixtures.ts";
import {
  choose,
  composer,
  dialog,
  following,
  isPhone,
  joinByRest,
  makeRoomByRest,
  memberId,
  messageId,
  messages,
  open,
  say,
  sayByRest,
  spaced,
  visitAndSay,
} from "../room.ts";

const rooms = (page: Page): Locator => page.getByRole("navigation", { name: "Rooms" });
const rows = (page: Page): Locator => rooms(page).getByRole("listitem");
const row = (page: Page, name: string): Locator => rows(page).filter({ hasText: name });
const heading = (page: Page): Locator => page.getByRole("heading", { level: 1 });
const news = (page: Page): Locator => page.getByRole("region", { name: /^Notifications from other rooms/ });
const toasts = (page: Page): Locator => news(page).getByRole("listitem");

/** Waits until the server keeps the list of a page up to date. */
const watching = (page: Page): Promise<void> =>
  new Promise((done) => {
    page.on("websocket", (socket) =>
      socket.on("framereceived", ({ payload }) => {
        if (payload.toString().startsWith('{"rooms":')) done();
      }),
    );
  });

/** Opens the list, and waits until the server keeps it up to date. */
async function openList(page: Page): Promise<void> {
  const watched = watching(page);
  await page.goto("/dashboard");
  await watched;
}

interface Summary {
  code: string;
  members: number;
  unread: number;
}

/** The rooms of an account, as its list shows them. */
async function roomsOf({ context }: Pick<Guest, "context">): Promise<Summary[]> {
  return (await context.request.get("/api/rooms/my-rooms")).json();
}

/** The number of members of a room, as the list of one of its members shows it. */
async function membersOf(guest: Pick<Guest, "context">, code: string): Promise<number | undefined> {
  return (await roomsOf(guest)).find((room) => room.code === code)?.members;
}

/** Mutes a room. */
async function mute({ context }: Guest, code: string): Promise<void> {
  const response = await context.request.put("/api/rooms/mute", { data: { code, muted: true } });
  expect(response.status(), await response.text()).toBe(204);
}

interface Sounds {
  /** Sounds that the page started. */
  begun: number;
  /** Sounds that played to their end. In a browser that does not let the page play, their clock stands still. */
  heard: number;
}

/** Counts the sounds of a page. */
function countSounds(): void {
  const sounds: Sounds = { begun: 0, heard: 0 };
  const start = AudioScheduledSourceNode.prototype.start;
  AudioScheduledSourceNode.prototype.start = function (...args) {
    sounds.begun += 1;
    this.addEventListener("ended", () => (sounds.heard += 1));
    start.apply(this, args);
  };
  Object.assign(globalThis, { sounds });
}

const soundsOf = (page: Page): Promise<Sounds> =>
  page.evaluate(() => (globalThis as unknown as { sounds: Sounds }).sounds);

/** A text in the list. On a phone the list exists beside a room too, but is hidden. */
const unreadInList = (page: Page, text: string): Locator =>
  page.locator(".rooms__rows").getByText(text, { exact: true });

/** Opens a room and clicks in it, because browsers let a page play sounds only after an interaction. */
async function openAndTouch(page: Page, code: string): Promise<void> {
  await open(page, `/rooms/${code}`);
  await composer(page).click();
}

/** Records when a page first sends a `read` frame. */
function noteReading(): void {
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (data) {
    if (!("readAt" in globalThis) && `${data}`.startsWith('{"read":')) {
      Object.assign(globalThis, { readAt: Date.now() });
    }
    send.call(this, data);
  };
}

/** Waits until a row has no unread messages, and returns the time. */
const readInList = (row: Locator): Promise<number> =>
  row.evaluate(
    (row) =>
      new Promise<number>((done) => {
        const look = () => row.textContent?.includes("unread") || done(Date.now());
        new MutationObserver(look).observe(row, { characterData: true, childList: true, subtree: true });
      }),
  );

type MakeGuest = (stack: Stack, node?: number) => Promise<Guest>;

/** A person with an account, and a person without one on the last node. */
async function adaAndBob(stack: Stack, guest: MakeGuest): Promise<[Guest, Guest]> {
  const ada = await guest(stack);
  await register(ada, "Ada");
  return [ada, await guest(stack, stack.size - 1)];
}

// The two sizes take different steps here, and each waits for what the servers tell.
for (const kind of KINDS) {
  test.describe(`${kind} @both`, () => {
    test.use({ kind });

    test("from room to room and back to the list", async ({ stack, guest }) => {
      const [ada, bob] = await adaAndBob(stack, guest);
      const chess = await makeRoomByRest(ada, { name: "Chess", nickname: "Ada" });
      const books = await makeRoomByRest(ada, { name: "Book club", nickname: "Ada" });
      await visitAndSay(bob, chess, "Bob", "Your move");
      await openList(ada.page);
      await following(ada.page, () => row(ada.page, "Chess").getByRole("link").click());
      await expect(ada.page).toHaveURL(`/rooms/${chess}`);
      await expect(heading(ada.page)).toHaveText("Chess");
      await expect(messages(ada.page)).toHaveText(["Your move"]);

      if (isPhone(ada.page)) {
        await expect(rooms(ada.page)).toBeHidden();
        await ada.page.getByRole("link", { name: /^All rooms/ }).click();
        await expect(ada.page).toHaveURL("/dashboard");
        await expect(rows(ada.page)).toHaveCount(2);
        await following(ada.page, () => row(ada.page, "Book club").getByRole("link").click());
        await ada.page.goBack();
        await expect(ada.page).toHaveURL("/dashboard");
        await expect(rows(ada.page)).toHaveCount(2);
        return;
      }
      await expect(row(ada.page, "Chess").getByRole("link")).toHaveAttribute("aria-current", "page");
      await following(ada.page, () => row(ada.page, "Book club").getByRole("link").click());
      await expect(heading(ada.page)).toHaveText("Book club");
      await expect(row(ada.page, "Book club").getByRole("link")).toHaveAttribute("aria-current", "page");
      await say(ada.page, "Anybody here?");
      await expect(row(ada.page, "Book club")).toContainText("You: Anybody here?");
      await expect(rows(ada.page)).toHaveText([/^.*Book club/, /^.*Chess/]);

      // Leaving one room does not affect the others.
      await choose(ada.page, "Leave room");
      await dialog(ada.page, "Leave this room?").getByRole("button", { name: "Leave" }).click();
      await expect(ada.page).toHaveURL("/dashboard");
      await expect(rows(ada.page)).toHaveText([/^.*Chess/]);
      expect(books).not.toBe(chess);
    });
  });
}

for (const { kind, size } of DIAGONAL) {
  test.describe(`${kind} ${size}`, () => {
    test.use({ kind });

    test("the list has the newest room first, what was said last, and what is unread, and keeps up by itself", async ({
      stack,
      guest,
    }) => {
      const [ada, bob] = await adaAndBob(stack, guest);
      const cleo = await guest(stack);
      const chess = await makeRoomByRest(ada, { name: "Chess", nickname: "Ada" });
      const books = await makeRoomByRest(ada, { name: "Book club", nickname: "Ada" });
      await visitAndSay(bob, chess, "Bob", "Your move");
      await openList(ada.page);

      await expect(heading(ada.page)).toHaveText("Rooms");
      await expect(rows(ada.page)).toHaveText([/^.*Chess/, /^.*Book club/]);
      await expect(row(ada.page, "Chess")).toContainText("Bob: Your move");
      await expect(row(ada.page, "Chess")).toContainText("1 unread message");
      await expect(row(ada.page, "Chess")).toContainText("2 members");
      await expect(row(ada.page, "Book club")).toContainText("No messages");
      await expect(ada.page).toHaveTitle("(1) Rooms · AnonChat");

      await visitAndSay(cleo, books, "Cleo", "Chapter one", "Chapter two");
      await expect(rows(ada.page)).toHaveText([/^.*Book club/, /^.*Chess/]);
      await expect(row(ada.page, "Book club")).toContainText("Cleo: Chapter two");
      await expect(row(ada.page, "Book club")).toContainText("2 unread messages");
      await expect(ada.page).toHaveTitle("(3) Rooms · AnonChat");

      // Messages that are read in another tab are read here as well.
      const tab = await ada.context.newPage();
      await open(tab, `/rooms/${books}`);
      await expect(row(ada.page, "Book club")).not.toContainText("unread");
      await expect(ada.page).toHaveTitle("(1) Rooms · AnonChat");
      await sayByRest(ada, books, "I have read both");
      await expect(row(ada.page, "Book club")).toContainText("You: I have read both");
    });

    test("a room for two has the name of the other one, and says whether they are there", async ({ stack, guest }) => {
      const [ada, bob] = await adaAndBob(stack, guest);
      const code = await makeRoomByRest(ada, { type: "p2p", nickname: "Ada" });
      await openList(ada.page);
      await expect(rows(ada.page)).toHaveText([new RegExp(`Waiting for someone[^]*${spaced(code)}`)]);
      await joinByRest(bob, code, "Bob");
      await open(bob.page, `/rooms/${code}`);
      await expect(row(ada.page, "Bob")).toContainText(", online");
      await say(bob.page, "Here I am");
      await expect(row(ada.page, "Bob")).toContainText("Here I am");
      await expect(row(ada.page, "Bob")).not.toContainText("Bob: Here");
      await bob.page.goto("about:blank");
      await expect(row(ada.page, "Bob")).toContainText(", offline");
    });

    test("news of other rooms are told in a corner, by keyboard too, and not of muted ones", async ({
      stack,
      guest,
    }) => {
      const [ada, bob] = await adaAndBob(stack, guest);
      const cleo = await guest(stack);
      const chess = await makeRoomByRest(ada, { name: "Chess", nickname: "Ada" });
      const books = await makeRoomByRest(ada, { name: "Book club", nickname: "Ada" });
      const walk = await makeRoomByRest(ada, { name: "Saturday walk", nickname: "Ada" });
      await joinByRest(cleo, walk, "Cleo");
      // Wait until the list knows of Cleo, so that her joining is not news for the page opened next.
      await expect.poll(() => membersOf(ada, walk)).toBe(2);
      await open(ada.page, `/rooms/${chess}`);

      await joinByRest(bob, books, "Bob");
      await expect(toasts(ada.page)).toHaveText([/^Book club.*Bob joined/]);
      await ada.page.getByRole("button", { name: "Dismiss" }).click();
      await expect(toasts(ada.page)).toHaveCount(0);
      await sayByRest(bob, books, "Chapter one");
      await expect(toasts(ada.page)).toHaveText([/^Book club.*Bob: Chapter one/]);
      await expect(
        ada.page.locator("[aria-live=polite]").filter({ hasText: "Bob in Book club: Chapter one" }),
      ).toBeAttached();

      // Notes stay while they have the focus, and never cover the composer.
      await composer(ada.page).focus();
      await ada.page.keyboard.press("F6");
      await expect(toasts(ada.page).getByRole("link")).toBeFocused();
      await sayByRest(bob, books, "Chapter two");
      await expect(toasts(ada.page)).toHaveText([/^Book club.*2 new messages/]);
      await expect(toasts(ada.page).getByRole("link")).toBeFocused();
      const [note, box] = [await toasts(ada.page).boundingBox(), await composer(ada.page).boundingBox()];
      expect(note!.y + note!.height).toBeLessThan(box!.y);
      await ada.page.keyboard.press("Escape");
      await expect(toasts(ada.page)).toHaveCount(0);
      await expect(composer(ada.page)).toBeFocused();

      // The open room gets no notes.
      await say(ada.page, "Hello");
      await sayByRest(bob, books, "Chapter three");
      await following(ada.page, () => toasts(ada.page).getByRole("link").click());
      await expect(ada.page).toHaveURL(`/rooms/${books}`);
      await expect(messages(ada.page)).toHaveText(["Chapter one", "Chapter two", "Chapter three"]);

      await choose(ada.page, "Room info");
      const level = (name: string) => dialog(ada.page, "Room info").getByRole("radio", { name });
      await expect(level("All messages")).toBeChecked();
      const answer = ada.page.waitForResponse(/\/api\/rooms\/notify$/);
      await level("None").check();
      expect((await answer).status()).toBe(204);
      await open(ada.page, `/rooms/${chess}`);
      await sayByRest(bob, books, "Chapter four");
      await sayByRest(cleo, walk, "Ten o’clock?");
      await expect(toasts(ada.page)).toHaveText([/^Saturday walk.*Cleo: Ten o’clock\?/]);
      await openList(ada.page);
      await expect(row(ada.page, "Book club")).toContainText("muted");
      await expect(row(ada.page, "Book club")).toContainText("1 unread message");
      await expect(ada.page).toHaveTitle("(1) Rooms · AnonChat");
    });

    test("what is read on one device is read on the list of another within a second, by itself", async ({
      stack,
      guest,
    }) => {
      const [laptop, bob] = [await guest(stack), await guest(stack)];
      const phone = await guest(stack, stack.size - 1);
      await logIn(phone, await register(laptop, "Ada"));
      const code = await makeRoomByRest(laptop, { name: "Chess", nickname: "Ada" });
      await visitAndSay(bob, code, "Bob", "Your move");
      await openList(laptop.page);
      await expect(row(laptop.page, "Chess")).toContainText("1 unread message");

      const cleared = readInList(row(laptop.page, "Chess"));
      await phone.page.addInitScript(noteReading);
      await open(phone.page, `/rooms/${code}`);
      await expect(row(laptop.page, "Chess")).not.toContainText("unread");
      const readAt = await phone.page.evaluate(() => (globalThis as unknown as { readAt: number }).readAt);
      expect((await cleared) - readAt, "milliseconds from reading to the other list").toBeLessThan(1_000);
    });

    test("who wants to be told of mentions only is told of those, and hears those", async ({ stack, guest }) => {
      const [ada, bob] = await adaAndBob(stack, guest);
      await prefer(ada, { notify: "mentions", sound: true });
      await ada.page.addInitScript(countSounds);
      const chess = await makeRoomByRest(ada, { name: "Chess", nickname: "Ada" });
      const books = await makeRoomByRest(ada, { name: "Book club", nickname: "Ada" });
      await openAndTouch(ada.page, chess);
      await visitAndSay(bob, books, "Bob", "Anybody?");
      // Wait for this message alone, because two at once would be shown as a number.
      await expect(unreadInList(ada.page, "1 unread message")).toBeAttached();
      expect(await toasts(ada.page).count()).toBe(0);
      expect(await soundsOf(ada.page)).toEqual({ begun: 0, heard: 0 });
      await sayByRest(bob, books, "Ada, are you there?");
      await expect(unreadInList(ada.page, "2 unread messages")).toBeAttached();
      expect(await toasts(ada.page).count(), "her name alone is no mention").toBe(0);
      const mentions = [await memberId(bob, books, "Ada")];
      const data = { code: books, id: messageId(), body: "@Ada, hello?", mentions };
      expect((await bob.context.request.post("/api/messages", { data })).status()).toBe(200);
      await expect(toasts(ada.page)).toHaveText([/^Book club.*@Ada, hello\?/]);
      await expect.poll(() => soundsOf(ada.page)).toEqual({ begun: 1, heard: 1 });
    });

    test("a long list is found by name, code and kind, and goes on as one scrolls", async ({ stack, guest }) => {
      const [ada] = await adaAndBob(stack, guest);
      const codes: string[] = [];
      for (let i = 1; i <= 60; i++)
        codes.push(await makeRoomByRest(ada, { name: `Room number ${i}`, nickname: "Ada" }));
      const two = await makeRoomByRest(ada, { type: "p2p", nickname: "Ada" });
      await openList(ada.page);
      await expect(rows(ada.page)).toHaveCount(40);
      await rows(ada.page).last().scrollIntoViewIfNeeded();
      await expect(rows(ada.page)).toHaveCount(61);

      const find = ada.page.getByRole("searchbox", { name: "Search by name or code" });
      await find.fill("NUMBER 5");
      await expect(rows(ada.page)).toHaveCount(11);
      await find.fill(codes[0]!.toLowerCase());
      await expect(rows(ada.page).getByRole("link")).toHaveAttribute("href", `/rooms/${codes[0]}`);
      await find.fill("");
      await ada.page.getByRole("button", { name: "One-to-one" }).click();
      await expect(rows(ada.page)).toHaveText([new RegExp(spaced(two))]);
      await find.fill("number");
      await expect(ada.page.getByText("No room called “number”")).toBeVisible();
      await ada.page.getByRole("button", { name: "Groups" }).click();
      await expect(rows(ada.page)).toHaveCount(40);
      // A code that is not in the list leads to the page for joining that room.
      const other = codes.includes("000001") || two === "000001" ? "000002" : "000001";
      await find.fill(other);
      await expect(ada.page.getByRole("link", { name: `Join room ${spaced(other)}` })).toHaveAttribute(
        "href",
        `/rooms/${other}`,
      );
    });

    test("another room is joined or made from there", async ({ stack, guest }) => {
      const [ada, bob] = await adaAndBob(stack, guest);
      const code = await makeRoomByRest(bob, { name: "Chess", nickname: "Bob" });
      await openList(ada.page);
      await expect(ada.page.getByText("No rooms yet")).toBeVisible();
      const join = ada.page.getByRole("link", { name: "Join by code" });
      await join.click();
      const typed = ada.page.getByRole("textbox", { name: "Room code" });
      await expect(typed).toBeVisible();
      if (isPhone(ada.page)) {
        await ada.page.goBack();
        await expect(typed).toBeHidden();
        await join.click();
      }
      await typed.fill(spaced(code).toLowerCase());
      await following(ada.page, () => ada.page.getByRole("button", { name: "Join", exact: true }).click());
      await expect(ada.page).toHaveURL(`/rooms/${code}`);
      await expect(heading(ada.page)).toHaveText("Chess");

      await openList(ada.page);
      await expect(rows(ada.page)).toHaveCount(1);
      await ada.page.getByRole("link", { name: "New room" }).click();
      await ada.page.getByRole("textbox", { name: "Room name" }).fill("Book club");
      await following(ada.page, () => ada.page.getByRole("button", { name: "Create" }).click());
      await expect(heading(ada.page)).toHaveText("Book club");
      await ada.page.goto("/");
      await ada.page.getByRole("link", { name: "Your rooms" }).click();
      await expect(rows(ada.page)).toHaveCount(2);
    });

    test("who is not logged in logs in first, and who logs out is outside", async ({ stack, guest }) => {
      const [ada, bob] = await adaAndBob(stack, guest);
      await bob.page.goto("/dashboard");
      await expect(bob.page).toHaveURL("/auth/login?next=/dashboard");
      await makeRoomByRest(ada, { name: "Chess", nickname: "Ada" });
      await openList(ada.page);
      await ada.page.getByRole("button", { name: "Account: Ada" }).click();
      const menu = ada.page.locator("#account-menu");
      await expect(menu.getByRole("link", { name: "Preferences" })).toHaveAttribute("href", "/preferences");
      await ada.page.keyboard.press("Escape");
      await expect(menu).toBeHidden();
      await ada.page.getByRole("button", { name: "Account: Ada" }).click();
      await menu.getByRole("button", { name: "Log out" }).click();
      await expect(ada.page).toHaveURL("/");
      await ada.page.goto("/dashboard");
      await expect(ada.page).toHaveURL("/auth/login?next=/dashboard");
    });

    test("a list whose session ends elsewhere leads to the way in", async ({ stack, guest }) => {
      const [ada] = await adaAndBob(stack, guest);
      await openList(ada.page);
      const other = await ada.context.request.post("/api/auth/logout");
      expect(other.status()).toBe(204);
      // If the socket closes before the browser has dropped its cookies, the page also says that the session has ended.
      await expect(ada.page).toHaveURL(/\/auth\/login\?next=\/dashboard(&done=ended)?$/);
    });
  });
}

test("who wants no notices sees and hears none, and finds what was said in the list @desktop", async ({
  stack,
  guest,
}) => {
  const [ada, bob] = await adaAndBob(stack, guest);
  await prefer(ada, { notify: "none", sound: true });
  await ada.page.addInitScript(countSounds);
  const chess = await makeRoomByRest(ada, { name: "Chess", nickname: "Ada" });
  const books = await makeRoomByRest(ada, { name: "Book club", nickname: "Ada" });
  await openAndTouch(ada.page, chess);
  await visitAndSay(bob, books, "Bob", "Ada, are you there?");
  await expect(unreadInList(ada.page, "1 unread message")).toBeAttached();
  expect(await toasts(ada.page).count()).toBe(0);
  expect(await soundsOf(ada.page)).toEqual({ begun: 0, heard: 0 });
});

test("a notice makes a sound for who wants that, and none of a muted room @phone", async ({ stack, guest }) => {
  const [ada, bob] = await adaAndBob(stack, guest);
  const cleo = await guest(stack);
  await ada.page.addInitScript(countSounds);
  const chess = await makeRoomByRest(ada, { name: "Chess", nickname: "Ada" });
  const books = await makeRoomByRest(ada, { name: "Book club", nickname: "Ada" });
  const walk = await makeRoomByRest(ada, { name: "Saturday walk", nickname: "Ada" });
  await openAndTouch(ada.page, chess);
  await visitAndSay(bob, books, "Bob", "Chapter one");
  await expect(toasts(ada.page)).toHaveText([/^Book club.*Chapter one/]);
  expect(await soundsOf(ada.page), "silent, as at first").toEqual({ begun: 0, heard: 0 });

  await prefer(ada, { sound: true });
  await mute(ada, walk);
  await openAndTouch(ada.page, chess);
  await visitAndSay(cleo, walk, "Cleo", "Ten o’clock?");
  await expect(unreadInList(ada.page, "1 unread message")).toHaveCount(2);
  expect(await toasts(ada.page).count(), "of a muted room").toBe(0);
  expect(await soundsOf(ada.page), "of a muted room").toEqual({ begun: 0, heard: 0 });
  await sayByRest(bob, books, "Chapter two");
  await expect(toasts(ada.page)).toHaveText([/^Book club.*Chapter two/]);
  await expect.poll(() => soundsOf(ada.page)).toEqual({ begun: 1, heard: 1 });
});

for (const [name, size, viewport] of [
  ["a small window", "@desktop", { width: 360, height: 480 }],
  ["a phone on its side", "@phone", { width: 740, height: 360 }],
] as const) {
  test(`on ${name} news never lie over where one writes, and go by keyboard ${size}`, async ({ stack, guest }) => {
    const [ada, bob] = [await guest(stack, 0, { viewport }), await guest(stack, stack.size - 1)];
    await register(ada, "Ada");
    await register(bob, "Bob");
    // The case that needs the most space: large text, and a message of many lines.
    await prefer(ada, { text_size: "large" });
    const chess = await makeRoomByRest(ada, { name: "Chess", nickname: "Ada" });
    const others: string[] = [];
    for (const name of ["Book club", "Saturday walk", "Sunday lunch"]) {
      const code = await makeRoomByRest(ada, { name, nickname: "Ada" });
      await joinByRest(bob, code, "Bob");
      await expect.poll(() => membersOf(ada, code)).toBe(2);
      others.push(code);
    }
    const { page } = ada;
    await open(page, `/rooms/${chess}`);
    await composer(page).fill("A line\n".repeat(20));
    for (const [i, code] of others.entries()) {
      await sayByRest(bob, code, "A long story, and where will it end?");
      await expect(toasts(page)).toHaveCount(i + 1);
      // Notes stay while they have the focus.
      if (i === 0) await page.keyboard.press("F6");
    }
    await expect(toasts(page)).toHaveText([/^Book club/, /^Saturday walk/, /^Sunday lunch/]);
    const box = await composer(page).boundingBox();
    for (const toast of await toasts(page).all()) {
      for (const target of [toast.getByRole("link"), toast.getByRole("button")]) {
        await expect(target).toBeFocused();
        await expect(target).toBeInViewport({ ratio: 0.9 });
        const { y, height } = (await news(page).boundingBox())!;
        expect(y + height).toBeLessThanOrEqual(box!.y);
        await page.keyboard.press("Tab");
      }
    }
    await page.keyboard.press("Shift+Tab");
    await page.keyboard.press("Enter");
    await expect(toasts(page)).toHaveText([/^Book club/, /^Saturday walk/]);
    await expect(composer(page)).toBeFocused();
    await page.keyboard.press("F6");
    await page.keyboard.press("Escape");
    await expect(toasts(page)).toHaveCount(0);
    await expect(composer(page)).toBeFocused();
  });
}

test("the list stands still while its scripts come @both", async ({ stack, guest }) => {
  const [ada, bob] = [await guest(stack, 0, { timezoneId: "Asia/Kathmandu" }), await guest(stack, stack.size - 1)];
  await register(ada, "Ada");
  await register(bob, "Bob");
  for (let i = 1; i <= 10; i++) {
    const code = await makeRoomByRest(ada, { name: `Room number ${i}`, nickname: "Ada" });
    if (i > 7) await visitAndSay(bob, code, "Bob", "Hello");
  }
  const unread = async () => (await roomsOf(ada)).filter((room) => room.unread > 0).length;
  await expect.poll(unread).toBe(3);
  const { page } = ada;
  const scripts = await holdScripts(page);
  await page.addInitScript(noteShifts);
  const watched = watching(page);
  await page.goto("/dashboard");
  await expect(rows(page)).toHaveCount(10);
  await expect(rows(page).filter({ hasText: "1 unread message" })).toHaveCount(3);
  const time = rows(page).first().getByRole("time");
  await expect(time, "whose time it is, only the browser knows").toBeHidden();
  scripts.come();
  await watched;
  await expect(time).toBeVisible();
  expect(await shifts(page)).toEqual([]);
});

test("list and room stand still while they come slowly @both", async ({ stack, guest }) => {
  const ada = await guest(stack, 0, { timezoneId: "Asia/Kathmandu" });
  await register(ada, "Ada");
  for (let i = 1; i <= 10; i++) await makeRoomByRest(ada, { name: `Room number ${i}`, nickname: "Ada" });
  const code = await makeRoomByRest(ada, { name: "Chess", nickname: "Ada" });
  for (let i = 1; i <= 50; i++) await sayByRest(ada, code, `Message ${i}`);
  const { page } = ada;
  // Load the files that all pages share, so that they do not delay the first frame.
  await openList(page);
  await page.addInitScript(noteShifts);
  for (const address of ["/dashboard", `/rooms/${code}`]) {
    const watched = watching(page);
    expect(await visitSlowly(page, address), "milliseconds that it took to come").toBeGreaterThan(500);
    await watched;
    expect(await shifts(page), address).toEqual([]);
  }
});

test("a code that leads nowhere is refused on the spot @phone", async ({ stack, guest, complaints }) => {
  complaints.allow(/status of 40[04]/);
  const [ada] = await adaAndBob(stack, guest);
  await openList(ada.page);
  await ada.page.getByRole("link", { name: "Join by code" }).click();
  await ada.page.getByRole("textbox", { name: "Room code" }).fill("K7M 2Q");
  await ada.page.getByRole("button", { name: "Join", exact: true }).click();
  await expect(ada.page.getByRole("alert").filter({ hasText: "six characters" })).toBeVisible();
});

test("without scripts the list is links, the whole of it too @desktop", async ({ stack, guest }) => {
  const [ada, bob] = await adaAndBob(stack, guest);
  let code = "";
  for (let i = 1; i <= 45; i++) code = await makeRoomByRest(ada, { name: `Room number ${i}`, nickname: "Ada" });
  await visitAndSay(bob, code, "Bob", "Hello");
  const state = await ada.context.storageState();
  const still = await guest(stack, 0, { javaScriptEnabled: false, storageState: state });
  // The list is updated slightly after a message, and a page without scripts shows the state at the time of the
  // request.
  await expect(async () => {
    await still.page.goto("/dashboard");
    await expect(rows(still.page).first()).toContainText("Bob: Hello", { timeout: 1_000 });
  }).toPass();
  await expect(rows(still.page)).toHaveCount(40);
  await still.page.getByRole("link", { name: "Show all rooms" }).click();
  await expect(rows(still.page)).toHaveCount(45);
  await rows(still.page).first().getByRole("link").click();
  await expect(heading(still.page)).toHaveText("Room number 45");
  await expect(messages(still.page)).toHaveText(["Hello"]);
});

test("leaving a room as an account leads back to the list @phone", async ({ stack, guest }) => {
  const [ada] = await adaAndBob(stack, guest);
  const code = await makeRoomByRest(ada, { name: "Chess", nickname: "Ada" });
  await open(ada.page, `/rooms/${code}`);
  await choose(ada.page, "Leave room");
  await dialog(ada.page, "Leave this room?").getByRole("button", { name: "Leave" }).click();
  await expect(ada.page).toHaveURL("/dashboard");
  await expect(ada.page.getByText("No rooms yet")).toBeVisible();
});

test.describe("without a barrier", () => {
  // No animations: a colour in the middle of a transition would fail the contrast check.
  test.use({ contextOptions: { reducedMotion: "reduce" } });

  test("the list, empty and full, and a room beside it, light and dark @both", async ({
    stack,
    browser,
    complaints,
  }) => {
    const context = await browser.newContext({ baseURL: stack.url(), reducedMotion: "reduce" });
    complaints.watch(context);
    const ada = { context, page: await context.newPage() };
    await register(ada, "Ada");
    const other = { context: await browser.newContext({ baseURL: stack.url() }), page: ada.page };
    const expectBoth = async () => {
      for (const colorScheme of ["light", "dark"] as const) {
        await ada.page.emulateMedia({ colorScheme });
        await expectAccessible(ada.page);
      }
    };
    await openList(ada.page);
    await expectBoth();
    const chess = await makeRoomByRest(ada, { name: "Chess", nickname: "Ada" });
    const books = await makeRoomByRest(ada, { name: "Book club", nickname: "Ada" });
    const two = await makeRoomByRest(ada, { type: "p2p", nickname: "Ada" });
    await visitAndSay(other, books, "Bob", "Chapter one");
    await openList(ada.page);
    await expectBoth();
    await ada.page.getByRole("button", { name: "Account: Ada" }).click();
    await expectBoth();
    await open(ada.page, `/rooms/${chess}`);
    await sayByRest(other, books, "Chapter two");
    await expect(toasts(ada.page)).toHaveCount(1);
    await toasts(ada.page).getByRole("link").focus();
    await expectBoth();
    expect(two).toBeTruthy();
    await other.context.close();
    await context.close();
  });
});
