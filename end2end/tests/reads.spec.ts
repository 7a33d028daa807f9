// Read positions: the line above new messages, the button that leads up to it, and the marks under one's own messages.
import type { Page } from "@playwright/test";
import {
  DIAGONAL,
  type Guest,
  type Stack,
  expect,
  expectAccessible,
  holdScripts,
  noteShifts,
  shifts,
  test,
} from "../fixtures.ts";
import { newAddress } from "../mails.ts";
import {
  dialog,
  firstNew,
  following,
  joinRoom,
  log,
  makeRoom,
  makeRoomByRest,
  marks,
  messages,
  open,
  say,
  sayByRest,
  sayMany,
  setShown,
  unreadLine,
} from "../room.ts";

/** The row of the timeline that contains this text. */
const row = (page: Page, text: string | RegExp) => log(page).getByRole("listitem").filter({ hasText: text });
const wayUp = (page: Page) => page.getByRole("button", { name: /new messages? above$|start further up$/ });

/** Ada and Bob in a room, with Bob on the last node. */
async function pair(
  stack: Stack,
  guest: (stack: Stack, node?: number) => Promise<Guest>,
  room: { type?: "group" | "p2p"; preserve?: boolean } = {},
): Promise<{ ada: Guest; bob: Guest; code: string }> {
  const [ada, bob] = [await guest(stack), await guest(stack, stack.size - 1)];
  const code = await makeRoom(ada, { nickname: "Ada", ...room });
  await joinRoom(bob, code, "Bob");
  return { ada, bob, code };
}

/** Opens another page. Like a reload, this is not leaving the room. */
const goAway = ({ page }: Guest) => page.goto("about:blank");
const comeBack = ({ page }: Guest, code: string) => open(page, `/rooms/${code}`);

/** A preserved room of Ada, whose own page stays empty, and Bob, who has been in it and is away. */
async function withBobAway(
  stack: Stack,
  guest: (stack: Stack) => Promise<Guest>,
): Promise<{ ada: Guest; bob: Guest; code: string }> {
  const [ada, bob] = [await guest(stack), await guest(stack)];
  const code = await makeRoomByRest(ada, { nickname: "Ada", preserve: true });
  await joinRoom(bob, code, "Bob");
  await goAway(bob);
  return { ada, bob, code };
}

for (const { kind, size } of DIAGONAL) {
  test.describe(`${kind} ${size}`, () => {
    test.use({ kind });

    test("between two, a message is sent, and then seen by the other", async ({ stack, guest }) => {
      const { ada, bob, code } = await pair(stack, guest, { type: "p2p" });
      await goAway(bob);
      await say(ada.page, "Are you there?");
      await expect(marks(ada.page)).toHaveText(["Sent"]);
      await comeBack(bob, code);
      await expect(marks(ada.page)).toHaveText(["Seen"]);

      await say(ada.page, "Good");
      await expect(row(ada.page, "Good").locator(".message__mark")).toHaveText("Seen");
      await expect(marks(ada.page)).toHaveCount(1);

      // A message is not read while the page is hidden.
      await setShown(bob.page, false);
      await say(ada.page, "And now?");
      await expect(messages(bob.page)).toHaveCount(3);
      await expect(marks(ada.page)).toHaveText(["Seen", "Sent"]);
      await setShown(bob.page, true);
      await expect(marks(ada.page)).toHaveText(["Seen"]);
      await expect(row(ada.page, "And now?")).toContainText("Seen");
      await expect(firstNew(bob.page)).toHaveText("And now?");
      // The server renders the same.
      await open(ada.page, `/rooms/${code}`);
      await expect(marks(ada.page)).toHaveText(["Seen"]);
    });

    test("who was away finds a line before what is new, until they answer", async ({ stack, guest }) => {
      const { ada, bob, code } = await pair(stack, guest);
      await say(bob.page, "Before");
      await expect(messages(ada.page)).toHaveText(["Before"]);
      await goAway(bob);
      await say(ada.page, "One");
      await say(ada.page, "Two");
      await expect(marks(ada.page)).toHaveText(["Sent"]);

      // The line is already in the server's render.
      const still = await guest(stack, stack.size - 1, {
        javaScriptEnabled: false,
        storageState: await bob.context.storageState(),
      });
      await still.page.goto(`/rooms/${code}`);
      await expect(firstNew(still.page)).toHaveText("One");

      await comeBack(bob, code);
      await expect(firstNew(bob.page)).toHaveText("One");
      await expect(marks(ada.page)).toHaveText(["Seen by Bob"]);
      await say(ada.page, "Three");
      await expect(messages(bob.page)).toHaveCount(4);
      await expect(firstNew(bob.page)).toHaveText("One");
      await say(bob.page, "Four");
      await expect(unreadLine(bob.page)).toHaveCount(0);
    });

    test("the line is gone on the next visit", async ({ stack, guest }) => {
      const { ada, bob, code } = await pair(stack, guest);
      await goAway(bob);
      await say(ada.page, "One");
      await expect(marks(ada.page)).toHaveText(["Sent"]);
      await comeBack(bob, code);
      await expect(firstNew(bob.page)).toHaveText("One");
      await expect(marks(ada.page)).toHaveText(["Seen by Bob"]);
      await comeBack(bob, code);
      await expect(messages(bob.page)).toHaveText(["One"]);
      await expect(unreadLine(bob.page)).toHaveCount(0);
    });

    test("two tabs of one person are in step", async ({ stack, guest }) => {
      const { ada, bob, code } = await pair(stack, guest);
      const tab = await bob.context.newPage();
      // The second tab uses another node, if there is one.
      await open(tab, `${stack.url()}/rooms/${code}`);
      for (const page of [bob.page, tab]) await setShown(page, false);
      await say(ada.page, "One");
      await say(ada.page, "Two");
      for (const page of [bob.page, tab]) await expect(page).toHaveTitle(/^\(2\) /);
      await setShown(tab, true);
      await expect(bob.page).not.toHaveTitle(/^\(/);
      await expect(marks(ada.page)).toHaveText(["Seen by Bob"]);
    });

    test("who hides what they have read is not seen to read, and sees it of nobody", async ({ stack, guest }) => {
      const [ada, bob, cyd] = [await guest(stack), await guest(stack, stack.size - 1), await guest(stack)];
      const account = { name: "Bob", email: newAddress("bob"), password: "correct horse battery staple" };
      const registered = await bob.context.request.post("/api/auth/register", { data: account });
      expect(registered.status(), await registered.text()).toBe(201);
      const chosen = await bob.context.request.put("/api/users/preferences", { data: { show_read: false } });
      expect(chosen.status(), await chosen.text()).toBe(200);

      const code = await makeRoom(ada, { nickname: "Ada" });
      await joinRoom(bob, code, "Bob");
      await joinRoom(cyd, code, "Cyd");
      await say(bob.page, "From Bob");
      await expect(marks(bob.page)).toHaveText(["Sent"]);
      await say(ada.page, "From Ada");
      await expect(messages(bob.page)).toHaveCount(2);
      await say(cyd.page, "From Cyd");
      // All three have read everything. Bob does not share his position, so nobody sees it, and he sees nobody's.
      await expect(marks(ada.page)).toHaveText(["Seen by Cyd"]);
      await expect(marks(cyd.page)).toHaveText(["Seen by Ada"]);
      await comeBack(bob, code);
      await expect(messages(bob.page)).toHaveCount(3);
      await expect(marks(bob.page)).toHaveText(["Sent"]);
      await comeBack(cyd, code);
      await expect(marks(cyd.page)).toHaveText(["Seen by Ada"]);
    });
  });
}

test("who missed more than a screen begins where they stopped, and has read it at the end @both", async ({
  stack,
  guest,
}) => {
  for (const count of [40, 120]) {
    const { ada, bob, code } = await pair(stack, guest, { preserve: true });
    await goAway(bob);
    // The second count is more than the 50 messages that the server sends with the page.
    for (let i = 1; i <= count; i++) await sayByRest(ada, code, `Message ${i}`);
    await comeBack(bob, code);
    await expect(unreadLine(bob.page)).toBeInViewport();
    await expect(firstNew(bob.page)).toHaveText("Message 1");
    await expect(messages(bob.page).last()).not.toBeInViewport();
    await expect(wayUp(bob.page)).toBeHidden();
    await expect(marks(ada.page)).toHaveText(["Sent"]);

    await bob.page.getByRole("button", { name: "Newest messages" }).click();
    await expect(messages(bob.page).last()).toBeInViewport();
    await expect(messages(bob.page).last()).toHaveText(`Message ${count}`);
    await expect(marks(ada.page)).toHaveText(["Seen by Bob"]);
  }
});

test("a page begins there before its scripts have come, and nothing moves when they do @both", async ({
  stack,
  guest,
}) => {
  const { ada, bob, code } = await withBobAway(stack, guest);
  // As many messages as the server sends with the page. Their ordinals tell it that no unread message is further up.
  for (let i = 1; i <= 50; i++) await sayByRest(ada, code, `Message ${i}`);
  const scripts = await holdScripts(bob.page);
  await bob.page.addInitScript(noteShifts);
  await bob.page.goto(`/rooms/${code}`);
  await expect(firstNew(bob.page)).toHaveText("Message 1");
  await expect(unreadLine(bob.page)).toBeInViewport();
  await expect(messages(bob.page).last()).not.toBeInViewport();
  const y = async () => (await unreadLine(bob.page).boundingBox())?.y;
  const before = await y();
  await following(bob.page, async () => scripts.come());
  await expect(log(bob.page).getByRole("button", { name: "Earlier messages" })).toHaveCount(0);
  expect(await y()).toBe(before);
  expect(await shifts(bob.page)).toEqual([]);
});

test("who missed very much is shown the newest, and led up to the first they missed @phone", async ({
  stack,
  guest,
}) => {
  const { bob, code } = await withBobAway(stack, guest);
  await sayMany(await guest(stack), code, "Cyd", 1, 400);
  await comeBack(bob, code);
  await expect(messages(bob.page).last()).toBeInViewport();
  await expect(wayUp(bob.page)).toHaveText("400 new messages above");
  await wayUp(bob.page).click();
  await expect(unreadLine(bob.page)).toBeInViewport();
  await expect(firstNew(bob.page)).toHaveText("Message 1");
  await expect(wayUp(bob.page)).toBeHidden();
  await expect(log(bob.page)).toBeFocused();
  // The button stays hidden when the reader scrolls down from there.
  await bob.page.getByRole("button", { name: "Newest messages" }).click();
  await expect(messages(bob.page).last()).toHaveText("Message 400");
  await expect(messages(bob.page).last()).toBeInViewport();
  await expect(wayUp(bob.page)).toBeHidden();
});

test("what is too far up is come to in steps @desktop", async ({ stack, guest }) => {
  const { bob, code } = await withBobAway(stack, guest);
  await sayMany(await guest(stack), code, "Cyd", 1, 1_400);
  await comeBack(bob, code);
  await expect(wayUp(bob.page)).toHaveText("1400 new messages above");
  await wayUp(bob.page).click();
  await expect(wayUp(bob.page)).toHaveText("New messages start further up");
  await expect(
    bob.page.locator("[aria-live=polite]").filter({ hasText: "New messages start further up" }),
  ).toBeAttached();
  await expect(unreadLine(bob.page)).toHaveCount(0);
  await wayUp(bob.page).click();
  await expect(unreadLine(bob.page)).toBeInViewport();
  await expect(firstNew(bob.page)).toHaveText("Message 1");
  await expect(wayUp(bob.page)).toBeHidden();
});

test("many who have read are counted, and listed on demand @both", async ({ stack, guest }) => {
  const ada = await guest(stack);
  const code = await makeRoom(ada, { nickname: "Ada" });
  const names = ["Bob", "Cyd", "Dan", "Eve"];
  const others: Guest[] = [];
  for (const name of names) {
    const other = await guest(stack);
    await joinRoom(other, code, name);
    others.push(other);
  }
  await say(ada.page, "Everybody here?");
  const mark = log(ada.page).getByRole("button", { name: "Seen by 4" });
  await expect(mark).toBeVisible();
  await mark.click();
  const list = dialog(ada.page, "Seen by 4");
  await expect(list.getByRole("listitem")).toHaveText(names);
  await expectAccessible(ada.page);
  await ada.page.keyboard.press("Escape");
  await expect(mark).toBeFocused();
  await expectAccessible(ada.page);

  for (const other of others.slice(1)) await setShown(other.page, false);
  await say(ada.page, "Still?");
  await expect(row(ada.page, "Still?").locator(".message__mark")).toHaveText("Seen by Bob");
  await expect(marks(ada.page)).toHaveCount(1);
});
