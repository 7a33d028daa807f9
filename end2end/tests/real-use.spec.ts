// Everyday use: days pass, several windows are open, people copy text and use screen readers, and networks block some
// requests.
import type { Page } from "@playwright/test";
import { DIAGONAL, expect, test } from "../fixtures.ts";
import {
  composer,
  joinByRest,
  joinRoom,
  log,
  makeRoom,
  marks,
  messages,
  notices,
  open,
  pending,
  say,
  sayMany,
  withMembers,
} from "../room.ts";
import { blockSockets } from "../sockets.ts";

const days = (page: Page) => log(page).locator(".day__label");
const spoken = (page: Page) => page.locator(".room p.visually-hidden[aria-live=polite]");

/** Makes the page believe that it has the focus, or not. */
const setFocus = (page: Page, focused: boolean): Promise<void> =>
  page.evaluate((focused) => {
    Object.defineProperty(document, "hasFocus", { configurable: true, value: () => focused });
    window.dispatchEvent(new Event(focused ? "focus" : "blur"));
  }, focused);

test("today is yesterday when midnight has passed @phone", async ({ stack, guest }) => {
  const ada = await guest(stack);
  await ada.page.clock.install({ time: new Date() });
  await makeRoom(ada, { nickname: "Ada" });
  await say(ada.page, "one");
  await expect(days(ada.page)).toHaveText(["Today"]);
  await ada.page.clock.fastForward("24:00:00");
  await expect(days(ada.page)).toHaveText(["Yesterday"]);
});

test("the same text twice is read aloud twice, and so is what happens to the room @phone", async ({ stack, guest }) => {
  const [ada, bob, cyd] = [await guest(stack), await guest(stack), await guest(stack)];
  const code = await makeRoom(ada, { nickname: "Ada" });
  await joinRoom(bob, code, "Bob");
  await joinRoom(cyd, code, "Cyd");
  await ada.page.evaluate(() => {
    const changes: string[] = [];
    Object.assign(globalThis, { changes });
    const region = document.querySelector(".room p.visually-hidden[aria-live=polite]");
    if (!region) throw new Error("nothing is read aloud");
    new MutationObserver(() => changes.push(region.textContent?.trim() ?? "")).observe(region, {
      characterData: true,
      childList: true,
      subtree: true,
    });
  });
  const changes = () => ada.page.evaluate(() => (globalThis as unknown as { changes: string[] }).changes);
  await say(bob.page, "ok");
  await expect.poll(changes).toEqual(["Bob: ok"]);
  await say(bob.page, "ok");
  await expect.poll(changes).toEqual(["Bob: ok", "Bob: ok"]);
  const put = (path: string, data: object) => ada.context.request.put(path, { data: { code, ...data } });
  await put("/api/rooms/preserve", { preserve: true });
  await expect(spoken(bob.page)).toHaveText(/Ada turned on saving: messages are saved from here/);
  await put("/api/rooms/name", { name: "Chess" });
  await expect(spoken(bob.page)).toHaveText(/Ada named the room “Chess”/);
  const { members } = (await (await ada.context.request.get(`/api/rooms/${code}`)).json()) as {
    members: { id: number; name: string }[];
  };
  const whom = members.find(({ name }) => name === "Cyd");
  await ada.context.request.post("/api/rooms/kick", { data: { code, member_id: whom?.id } });
  await expect(spoken(bob.page)).toHaveText(/Ada removed Cyd/);
});

test("what is copied of a talk is what was said, a line each @desktop", async ({ stack, guest }) => {
  const [ada, mia] = [await guest(stack), await guest(stack)];
  const code = await makeRoom(ada, { nickname: "Ada" });
  await joinRoom(mia, code, "Mia");
  await say(mia.page, "first");
  await say(mia.page, "second");
  await say(ada.page, "mine");
  await expect(marks(ada.page)).toHaveCount(1);
  const copied = await ada.page.evaluate(() => {
    const texts = document.querySelectorAll(".message__text");
    const [first, last] = [texts[0]?.firstChild, texts[2]?.firstChild];
    const selection = getSelection();
    if (!first || !last || !selection) throw new Error("there is nothing to select");
    selection.setBaseAndExtent(first, 0, last, last.textContent?.length ?? 0);
    return selection.toString();
  });
  expect(copied).toBe("first\nsecond\nmine");
});

test("a keyboard sends with Ctrl and Enter wherever it is @both", async ({ stack, guest }) => {
  const ada = await guest(stack);
  await makeRoom(ada, { nickname: "Ada" });
  for (const key of ["Control+Enter", "Meta+Enter"]) {
    await composer(ada.page).fill(key);
    await composer(ada.page).press(key);
  }
  await expect(messages(ada.page)).toHaveText(["Control+Enter", "Meta+Enter"]);
  await composer(ada.page).fill("one");
  await composer(ada.page).press("Shift+Control+Enter");
  await expect(messages(ada.page)).toHaveCount(3);
});

test("a page beside the window that has the focus reads nothing, and counts @desktop", async ({ stack, guest }) => {
  const [ada, bob] = [await guest(stack), await guest(stack)];
  const code = await makeRoom(ada, { nickname: "Ada", preserve: true });
  await joinRoom(bob, code, "Bob");
  await setFocus(ada.page, false);
  await say(bob.page, "psst");
  await expect(messages(ada.page)).toHaveText(["psst"]);
  await expect(ada.page).toHaveTitle(/^\(1\) /);
  await expect(marks(bob.page)).toHaveText(["Sent"]);
  await setFocus(ada.page, true);
  await expect(marks(bob.page)).toHaveText(["Seen by Ada"]);
  await expect(ada.page).not.toHaveTitle(/^\(/);
});

test("nobody is said to be there while the network is away @desktop", async ({ stack, guest, complaints }) => {
  complaints.allow(/ERR_INTERNET_DISCONNECTED|WebSocket connection to/);
  const [ada, bob] = [await guest(stack), await guest(stack)];
  const code = await makeRoom(ada, { nickname: "Ada" });
  await joinRoom(bob, code, "Bob");
  const there = ada.page.locator(".room__side .member__dot");
  await expect(there).toHaveCount(2);
  await ada.context.setOffline(true);
  await expect(there).toHaveCount(0);
  await ada.context.setOffline(false);
  await expect(there).toHaveCount(2, { timeout: 20_000 });
});

test("a request that is never answered ends, and history can be asked for again @desktop", async ({ stack, guest }) => {
  const [ada, bob] = [await guest(stack), await guest(stack)];
  const code = await makeRoom(ada, { nickname: "Ada", preserve: true });
  await sayMany(bob, code, "Bob", 1, 80);
  await ada.page.goto("/");
  await ada.page.clock.install();
  let unanswered = 0;
  await ada.page.route("**/api/chats/history**", (route) => {
    unanswered += 1;
    if (unanswered > 1) void route.continue();
  });
  await open(ada.page, `/rooms/${code}`);
  await log(ada.page).evaluate((frame) => frame.scrollBy(0, -100_000));
  await expect.poll(() => unanswered).toBe(1);
  await ada.page.clock.fastForward(20_000);
  await expect(ada.page.getByText("Can’t reach the server")).toBeVisible();
  await ada.page.getByRole("button", { name: "Retry" }).click();
  await expect.poll(() => unanswered).toBeGreaterThan(1);
});

for (const { kind, size } of DIAGONAL) {
  test.describe(`${kind} ${size}`, () => {
    test.use({ kind });

    test("several who are called the same are told apart by everybody, also when one goes", async ({
      stack,
      guest,
    }) => {
      const [ada, first, second] = [await guest(stack), await guest(stack), await guest(stack, stack.size - 1)];
      const code = await makeRoom(ada, { nickname: "Ada" });
      await joinRoom(first, code, "Bob");
      await joinRoom(second, code, "bob");
      await say(first.page, "I am Bob");
      await say(second.page, "No, I am");
      await expect(log(ada.page).locator(".message__author")).toHaveText(["Bob", "bob (2)"]);
      await expect(notices(ada.page)).toHaveText(["You, Bob and bob (2) joined"]);
      await expect(notices(ada.page).locator("bdi.who")).toHaveText(["Bob", "bob (2)"]);
      await first.context.request.post("/api/rooms/leave", { data: { code } });
      await say(second.page, "Now only I");
      await expect(messages(ada.page)).toHaveCount(3);
      await withMembers(ada.page, (members) => expect(members).toHaveText([/^Ada/, /^bob \(2\)/]));
    });

    for (const { isHeld, way } of [
      { isHeld: false, way: "come as a stream" },
      { isHeld: true, way: "are asked for where a proxy holds the stream back as well" },
    ]) {
      test(`where sockets are blocked the page says so, and messages ${way}`, async ({ stack, guest, complaints }) => {
        // The server may have ended the stream of the page before its last post.
        complaints.allow(/WebSocket connection to|ERR_INTERNET_DISCONNECTED|404 \(Not Found\) \(.*\/stream\//);
        const [ada, bob] = [await guest(stack), await guest(stack, stack.size - 1)];
        const code = await makeRoom(ada, { nickname: "Ada" });
        await joinByRest(bob, code, "Bob");
        const { allow } = await blockSockets(bob.context);
        let polls = 0;
        await bob.page.route(`/api/rooms/${code}`, (route) => {
          polls += 1;
          return route.continue();
        });
        // Held back: never answered.
        if (isHeld) await bob.page.route("/stream", () => {});
        await bob.page.goto(`/rooms/${code}`);
        const banner = bob.page.getByRole("status").filter({ hasText: "Live updates are blocked here" });
        await expect(banner).toBeVisible({ timeout: 20_000 });
        for (const text of ["one", "two", "three"]) await say(bob.page, text);
        await expect(messages(ada.page)).toHaveText(["one", "two", "three"]);
        await expect(pending(bob.page)).toHaveCount(0);
        const before = polls;
        await say(ada.page, "four");
        await expect(messages(bob.page)).toHaveText(["one", "two", "three", "four"]);
        if (!isHeld) expect(polls, "nothing is asked for").toBe(before);

        // On another network the page tries a socket again.
        allow();
        await bob.context.setOffline(true);
        await bob.context.setOffline(false);
        await expect(banner).toBeHidden({ timeout: 40_000 });
        await say(bob.page, "five");
        const all = ["one", "two", "three", "four", "five"];
        for (const { page } of [ada, bob]) await expect(messages(page)).toHaveText(all);
      });
    }
  });
}

test("no name is read as a notice, or as the reader @phone", async ({ stack, guest }) => {
  const [ada, sly, you] = [await guest(stack), await guest(stack), await guest(stack)];
  const code = await makeRoom(ada, { nickname: "Ada" });
  await joinByRest(sly, code, "Bob left; Eve");
  await joinByRest(you, code, "You");
  await expect(notices(ada.page)).toHaveText(["You, Bob left; Eve and You (2) joined"]);
  await expect(notices(ada.page).locator("bdi.who")).toHaveText(["Bob left; Eve", "You (2)"]);
});
