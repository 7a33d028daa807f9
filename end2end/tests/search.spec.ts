// Searching the messages of a room, and going to what was found.
import type { Page } from "@playwright/test";
import { type Caller, DIAGONAL, expect, expectAccessible, test } from "../fixtures.ts";
import {
  changeByRest,
  choose,
  dialog,
  isPhone,
  joinByRest,
  joinRoom,
  log,
  makeRoom,
  makeRoomByRest,
  messages,
  open,
  say,
  sayByRest,
} from "../room.ts";

const search = (page: Page) => dialog(page, "Search messages");
const field = (page: Page) => search(page).getByRole("searchbox");
const status = (page: Page) => search(page).getByRole("status");
const hits = (page: Page) => search(page).getByRole("listitem");
const focused = (page: Page) => log(page).locator(".message:focus .message__text");

/** Waits until the server has indexed a message with this word. */
async function indexed({ context }: Caller, code: string, word: string): Promise<void> {
  const found = async () => {
    const answer = await context.request.get(`/api/search?code=${code}&q=${encodeURIComponent(word)}`);
    return ((await answer.json()) as { hits: unknown[] }).hits.length;
  };
  await expect.poll(found).toBeGreaterThan(0);
}

for (const { kind, size } of DIAGONAL) {
  test.describe(`${kind} ${size}`, () => {
    test.use({ kind });

    test("a message of long ago is found, shown and reached", async ({ stack, guest }) => {
      const [ada, bob] = [await guest(stack), await guest(stack, stack.size - 1)];
      const code = await makeRoomByRest(ada, { nickname: "Ada", preserve: true });
      await joinByRest(bob, code, "Bob");
      await sayByRest(ada, code, "We walk down the Straße to Köln");
      const wrong = await sayByRest(bob, code, "No strasse here");
      for (let i = 1; i <= 120; i++) await sayByRest(ada, code, `Message ${i}`);
      await indexed(bob, code, "120");
      // Her own messages are not unread, so the room opens at its end.
      const { page } = ada;
      await open(page, `/rooms/${code}`);
      await expect(messages(page).last()).toHaveText("Message 120");
      await choose(page, "Search messages");
      await expect(field(page)).toBeFocused();
      await field(page).fill("STRASSE");
      await field(page).press("Enter");
      await expect(status(page)).toHaveText("2 messages");
      await expect(hits(page)).toHaveText([/^Bob.*No strasse here$/, /^You.*We walk down the Straße to Köln$/]);
      await expect(search(page).locator("mark")).toHaveText(["strasse", "Straße"]);
      await expectAccessible(page);

      await changeByRest(bob, code, wrong);
      await search(page).getByRole("button", { name: "Search" }).click();
      await expect(status(page)).toHaveText("1 message");
      await hits(page).getByRole("button").click();
      await expect(search(page)).toBeHidden();
      await expect(focused(page)).toHaveText("We walk down the Straße to Köln");
      await expect(focused(page)).toBeInViewport();
    });
  });
}

test("more is found further back, and nothing is said to be nothing @desktop", async ({ stack, guest, complaints }) => {
  complaints.allow(/status of 400/);
  const ada = await guest(stack);
  const { page } = ada;
  const code = await makeRoomByRest(ada, { nickname: "Ada", preserve: true });
  for (let i = 1; i <= 23; i++) await sayByRest(ada, code, `Fish ${i}`);
  await indexed(ada, code, "23");
  await open(page, `/rooms/${code}`);

  // By keys alone.
  await page.getByRole("button", { name: "Search messages" }).focus();
  await page.keyboard.press("Enter");
  await expect(field(page)).toBeFocused();
  await page.keyboard.type("whale");
  await page.keyboard.press("Enter");
  await expect(status(page)).toHaveText("No message matches.");
  await page.keyboard.press("Control+A");
  await page.keyboard.type("!?");
  await page.keyboard.press("Enter");
  await expect(status(page)).toHaveText("Search for one to eight words.");
  await page.keyboard.press("Control+A");
  await page.keyboard.type("fi");
  await page.keyboard.press("Enter");
  await expect(status(page)).toHaveText("20 messages so far");
  const further = search(page).getByRole("button", { name: "Search further back" });
  await further.focus();
  await page.keyboard.press("Enter");
  await expect(status(page)).toHaveText("23 messages");
  await expect(hits(page)).toHaveCount(23);
  await expect(further).toBeHidden();
  await field(page).focus();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await expect(hits(page).nth(1).getByRole("button")).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(focused(page)).toHaveText("Fish 22");
});

test("where nothing is saved the page is searched, and says so @both", async ({ stack, guest }) => {
  const [ada, bob] = [await guest(stack), await guest(stack)];
  const { page } = ada;
  const code = await makeRoom(ada, { nickname: "Ada" });
  await joinRoom(bob, code, "Bob");
  await say(bob.page, "The café at noon");
  await say(page, "See you there");
  await expect(messages(page)).toHaveText(["The café at noon", "See you there"]);
  await choose(page, "Search messages");
  await expect(search(page)).toContainText("Messages here aren’t saved.");
  await field(page).fill("cafe noon");
  await field(page).press("Enter");
  await expect(hits(page)).toHaveText([/^Bob.*The café at noon$/]);
  if (isPhone(page)) await hits(page).getByRole("button").tap();
  else await hits(page).getByRole("button").click();
  await expect(search(page)).toBeHidden();
  await expect(focused(page)).toHaveText("The café at noon");
});
