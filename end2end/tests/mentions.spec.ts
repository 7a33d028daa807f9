// Mentions: the list of names above the composer, what a mention looks like, and whom it notifies.
import { type Locator, type Page, request } from "@playwright/test";
import { register } from "../account.ts";
import { DIAGONAL, expect, expectAccessible, test } from "../fixtures.ts";
import {
  act,
  choose,
  composer,
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
  sendButton,
} from "../room.ts";

/** The text area, which is a combobox while names are suggested. */
const area = (page: Page): Locator => page.locator("#message");
const suggestions = (page: Page): Locator => page.getByRole("listbox", { name: "Mention someone" });
const options = (page: Page): Locator => suggestions(page).getByRole("option");
const mentions = (page: Page): Locator => log(page).locator(".mention");
const toasts = (page: Page): Locator =>
  page.getByRole("region", { name: /^Notifications from other rooms/ }).getByRole("listitem");
/** The entry of a room in the list, which a phone has too, but hides beside a room. */
const entry = (page: Page, name: string): Locator => page.locator(".room-row").filter({ hasText: name });

/** Types a text at the caret. */
async function type(page: Page, text: string): Promise<void> {
  await area(page).focus();
  await page.keyboard.type(text);
}

/** Writes the beginning of a name, takes the first name that is suggested, and sends the message. */
async function mention(page: Page, typed: string, rest: string): Promise<void> {
  await type(page, `@${typed}`);
  await expect(suggestions(page)).toBeVisible();
  if (isPhone(page)) await options(page).first().tap();
  else await page.keyboard.press("Enter");
  await type(page, rest);
  if (isPhone(page)) await sendButton(page).tap();
  else await page.keyboard.press("Enter");
}

/** Chooses which messages of the open room cause a notification. */
async function notify(page: Page, level: string): Promise<void> {
  await choose(page, "Room info");
  const answer = page.waitForResponse(/\/api\/rooms\/notify$/);
  await dialog(page, "Room info").getByRole("radio", { name: level }).check({ force: true });
  expect((await answer).status()).toBe(204);
  await expect(dialog(page, "Room info").getByRole("radio", { name: level })).toBeChecked();
}

for (const { kind, size } of DIAGONAL) {
  test.describe(`${kind} ${size}`, () => {
    test.use({ kind });

    test("a mention notifies where only mentions do, and nothing does where nothing shall", async ({
      stack,
      guest,
    }) => {
      const [ada, bob] = [await guest(stack), await guest(stack, stack.size - 1)];
      await register(ada, "Ada");
      const books = await makeRoomByRest(ada, { name: "Book club", nickname: "Ada" });
      const chess = await makeRoomByRest(ada, { name: "Chess", nickname: "Ada" });
      await joinRoom(bob, books, "Bob");
      await open(ada.page, `/rooms/${books}`);
      await notify(ada.page, "Mentions");

      await open(ada.page, `/rooms/${chess}`);
      await say(bob.page, "Is Ada reading, too?");
      await expect(entry(ada.page, "Book club")).toContainText("1 unread message");
      await expect(entry(ada.page, "Book club")).toContainText("you were mentioned");
      expect(await toasts(ada.page).count(), "of a name in a text").toBe(0);
      await mention(bob.page, "ad", "what do you say?");
      await expect(toasts(ada.page)).toHaveText([/^Book club.*Bob: @Ada what do you say\?/]);
      await ada.page.getByRole("button", { name: "Dismiss" }).click();
      await say(bob.page, "Take your time");
      await expect(entry(ada.page, "Book club")).toContainText("3 unread messages");
      expect(await toasts(ada.page).count(), "of a message after a mention").toBe(0);

      await open(ada.page, `/rooms/${books}`);
      await expect(mentions(ada.page)).toHaveText(["@Ada"]);
      await expect(mentions(ada.page)).toHaveClass(/mention--own/);
      await expect(mentions(bob.page)).not.toHaveClass(/mention--own/);
      await notify(ada.page, "None");
      await open(ada.page, `/rooms/${chess}`);
      await mention(bob.page, "ad", "are you there?");
      await expect(entry(ada.page, "Book club")).toContainText("1 unread message");
      await expect(entry(ada.page, "Book club")).toContainText("muted");
      await expect(entry(ada.page, "Book club")).not.toContainText("you were mentioned");
      expect(await toasts(ada.page).count(), "of a room without notifications").toBe(0);
      await expect(ada.page).toHaveTitle("Chess · AnonChat");
    });
  });
}

test("names are suggested, chosen by keys or a tap, and no key is taken from others @both", async ({
  stack,
  guest,
}) => {
  const [ada, bob, cleo] = [await guest(stack), await guest(stack), await guest(stack)];
  const code = await makeRoom(ada, { nickname: "Ada Lovelace" });
  await joinByRest(cleo, code, "Zoë Ada");
  await joinRoom(bob, code, "Bob");
  const { page } = bob;
  await type(page, "Hello @a");
  await expect(options(page)).toHaveText(["Ada Lovelace", "Zoë Ada"]);
  await expect(area(page)).toHaveRole("combobox");
  await expect(area(page)).toHaveAttribute("aria-activedescendant", "mentions-0");
  await expect(options(page).first()).toHaveAttribute("aria-selected", "true");
  await expectAccessible(page);
  const [list, box] = [await suggestions(page).boundingBox(), await area(page).boundingBox()];
  expect(list!.y + list!.height, "above the text, and so above a keyboard").toBeLessThanOrEqual(box!.y);

  // An input method composes: its keys are its own.
  await area(page).dispatchEvent("keydown", { key: "Enter", isComposing: true });
  await expect(area(page)).toHaveValue("Hello @a");
  await page.keyboard.press("ArrowDown");
  await expect(area(page)).toHaveAttribute("aria-activedescendant", "mentions-1");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowUp");
  if (isPhone(page)) await options(page).nth(1).tap();
  else await page.keyboard.press("Tab");
  await expect(area(page)).toHaveValue("Hello @Zoë Ada ");
  await expect(area(page)).toBeFocused();
  await expect(suggestions(page)).toBeHidden();
  await expect(composer(page)).toBeVisible();

  // Escape closes the list, and the same name opens it no more.
  await type(page, "@lo");
  await expect(options(page)).toHaveText(["Ada Lovelace"]);
  await page.keyboard.press("Escape");
  await expect(suggestions(page)).toBeHidden();
  await type(page, "v");
  await expect(area(page)).toHaveValue("Hello @Zoë Ada @lov");
  await expect(suggestions(page)).toBeHidden();
  if (isPhone(page)) await sendButton(page).tap();
  else await page.keyboard.press("Enter");
  await expect(messages(ada.page)).toHaveText(["Hello @Zoë Ada @lov"]);
  await expect(mentions(ada.page)).toHaveText(["@Zoë Ada"]);
  await expect(mentions(page)).toHaveText(["@Zoë Ada"]);
});

test("a draft keeps whom it mentions, a reply mentions, and an edit says whom it does not notify @desktop", async ({
  stack,
  guest,
}) => {
  const [ada, bob] = [await guest(stack), await guest(stack)];
  const code = await makeRoom(ada, { nickname: "Ada", preserve: true });
  await joinRoom(bob, code, "Bob");
  await type(bob.page, "@ad");
  await options(bob.page).first().click();
  await expect(composer(bob.page)).toHaveValue("@Ada ");
  await open(bob.page, `/rooms/${code}`);
  await type(bob.page, "are you there?");
  await bob.page.keyboard.press("Enter");
  await expect(mentions(ada.page)).toHaveText(["@Ada"]);

  await act(ada.page, "are you there", "Reply");
  await say(ada.page, "Yes");
  await expect(messages(bob.page)).toHaveCount(2);
  await expect(bob.page.locator(".message--calls"), "who is meant sees it").toContainText("Yes");

  await act(bob.page, "are you there", "Edit");
  const note = bob.page.getByText("People you mention in an edit aren’t notified.");
  await expect(note).toBeHidden();
  await bob.page.keyboard.press("End");
  await bob.page.keyboard.type(" @every");
  await options(bob.page).first().click();
  await expect(note).toBeVisible();
  await bob.page.keyboard.press("Enter");
  await expect(mentions(ada.page)).toHaveText(["@Ada", "@everyone"]);
  await expect(note).toBeHidden();
});

test("everyone in a large room is notified by its owner alone, who is asked before @phone", async ({
  stack,
  guest,
}) => {
  const [ada, bob] = [await guest(stack), await guest(stack)];
  const code = await makeRoom(ada, { nickname: "Ada" });
  await joinRoom(bob, code, "Bob");
  await type(bob.page, "@every");
  await expect(options(bob.page)).toHaveText(["everyone Everyone in the room"]);
  await options(bob.page).first().tap();
  await expect(area(bob.page)).toHaveValue("@everyone ");
  for (let n = 0; n < 14; n += 1) {
    const caller = { context: { request: await request.newContext({ baseURL: stack.url() }) } };
    await joinByRest(caller, code, `Guest ${n}`);
    await caller.context.request.dispose();
  }
  await type(bob.page, "listen");
  await sendButton(bob.page).tap();
  // The page asks anybody, and the server decides.
  await dialog(bob.page, "Notify everyone?").getByRole("button", { name: "Send" }).tap();
  await expect(log(bob.page).getByText("only its owner can mention everyone")).toBeVisible();
  await bob.page.getByRole("button", { name: "Edit", exact: true }).tap();
  await expect(composer(bob.page)).toHaveValue("@everyone listen");

  await type(ada.page, "@every");
  await options(ada.page).first().tap();
  await sendButton(ada.page).tap();
  await expect(dialog(ada.page, "Notify everyone?")).toContainText("all 15 others");
  await expectAccessible(ada.page);
  await dialog(ada.page, "Notify everyone?").getByRole("button", { name: "Send" }).tap();
  await expect(mentions(bob.page)).toHaveText(["@everyone"]);
  await expect(mentions(bob.page)).toHaveClass(/mention--own/);
});
