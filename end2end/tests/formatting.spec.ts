// The formatting of messages: what a mark does, what stays as it was typed, and what is copied.
import { prefer, register } from "../account.ts";
import { expect, expectAccessible, test } from "../fixtures.ts";
import {
  act,
  composer,
  composing,
  joinRoom,
  makeRoom,
  messages,
  open,
  quotes,
  row,
  say,
  sayByRest,
  sendButton,
  shortcuts,
  makeRoomByRest,
} from "../room.ts";

const SAID = [
  "**Bold**, *italic*, _too_, ~~old~~, `code` and ||the end||.",
  "> A *quote*",
  "> of two lines",
  "3. Milk",
  "7. Bread",
  "- [ ] a",
  "- b https://example.org/a_b_c",
  "```rust",
  "let a = **b;",
  "```",
  "[our page](https://example.org/a) snake_case 2*3*4 ¯\\_(ツ)_/¯",
].join("\n");

test("a message is formatted for everybody, and copied as it was typed @both", async ({ stack, guest }) => {
  const permissions = ["clipboard-read", "clipboard-write"];
  const [ada, bob] = [await guest(stack, 0, { permissions }), await guest(stack, stack.size - 1)];
  const code = await makeRoom(ada, { nickname: "Ada" });
  await joinRoom(bob, code, "Bob");
  const said = await sayByRest(ada, code, SAID);
  await sayByRest(bob, code, "**Yes**", said);
  await expect(quotes(ada.page)).toHaveText([/^Ada Bold, italic, too, old, code and ▒▒▒\./]);

  const look = async () => {
    for (const { page } of [ada, bob]) {
      const message = messages(page).first();
      await expect(message.locator("strong")).toHaveText(["Bold"]);
      await expect(message.locator("em")).toHaveText(["italic", "too", "quote"]);
      await expect(message.locator("s")).toHaveText(["old"]);
      await expect(message.getByRole("code")).toHaveText(["code", "let a = **b;"]);
      await expect(message.getByRole("blockquote")).toHaveText("A quote\nof two lines");
      await expect(message.getByRole("listitem")).toHaveText(["3. Milk", "7. Bread", /^• \[ \] a$/, /^• b https/]);
      await expect(message.getByRole("link")).toHaveText(["https://example.org/a_b_c", "our page (example.org)"]);
      await expect(message).toContainText("snake_case 2*3*4 ¯\\_(ツ)_/¯");
      await expect(messages(page).nth(1)).toHaveText("Yes");
    }
  };
  await look();
  // The same from the server.
  for (const { page } of [ada, bob]) await open(page, `/rooms/${code}`);
  await look();

  await act(ada.page, "Milk", "Copy text");
  await expect.poll(() => ada.page.evaluate(() => navigator.clipboard.readText())).toBe(SAID);
  await act(bob.page, "Milk", "Reply");
  await expect(composing(bob.page)).toContainText("Bold, italic, too, old, code and ▒▒▒.");
});

test("a spoiler is shown and hidden by keys and by a tap @both", async ({ stack, guest }) => {
  const { page, ...ada } = await guest(stack);
  const code = await makeRoom({ page, ...ada }, { nickname: "Ada" });
  await sayByRest(ada, code, "In the end ||**everybody** dies: https://example.org||");
  const message = messages(page).first();
  const spoiler = message.getByRole("button", { name: "Spoiler" });
  const link = message.getByRole("link");
  await expect(spoiler).toHaveAttribute("aria-expanded", "false");
  await expect(message.getByText("everybody")).toBeHidden();
  await shortcuts(page);
  await spoiler.focus();
  await page.keyboard.press("Enter");
  await expect(spoiler).toHaveAttribute("aria-expanded", "true");
  await expect(message.getByText("everybody")).toBeVisible();
  await page.keyboard.press("Tab");
  await expect(link).toBeFocused();
  await expectAccessible(page);
  await spoiler.click();
  await expect(message.getByText("everybody")).toBeHidden();
  await expect(spoiler).toHaveAttribute("aria-expanded", "false");
});

test("without scripts a spoiler is shown while it has the focus @desktop", async ({ stack, guest }) => {
  const { page, context } = await guest(stack, 0, { javaScriptEnabled: false });
  const code = await makeRoomByRest({ context }, { nickname: "Ada" });
  await sayByRest({ context }, code, "The end: ||all die||");
  await page.goto(`/rooms/${code}`);
  await expect(page.getByText("all die")).toBeHidden();
  await page.getByRole("button", { name: "Spoiler" }).focus();
  await expect(page.getByText("all die")).toBeVisible();
});

test("who prefers it sees the marks, and the list shows none @desktop", async ({ stack, guest }) => {
  const [ada, bob] = [await guest(stack), await guest(stack)];
  await register(ada, "Ada");
  const code = await makeRoom(ada, { nickname: "Ada", name: "Chess" });
  await joinRoom(bob, code, "Bob");
  await say(bob.page, "**Hi** ||there||");
  await expect(messages(bob.page).locator("strong")).toHaveText(["Hi"]);
  await expect(messages(ada.page).locator("strong")).toHaveText(["Hi"]);
  await expect(row(ada.page, "Chess")).toContainText("Hi ▒▒▒");

  await ada.page.goto("/preferences");
  await ada.page.getByRole("switch", { name: "Show formatting marks" }).check();
  await expect(ada.page.getByRole("status").filter({ hasText: "Saved" })).toBeVisible();
  await open(ada.page, `/rooms/${code}`);
  await expect(messages(ada.page)).toHaveText(["**Hi** ||there||"]);
  await say(bob.page, "_You_ https://example.org");
  await expect(messages(ada.page)).toHaveText(["**Hi** ||there||", "_You_ https://example.org"]);
  await expect(messages(ada.page).getByRole("link")).toHaveText(["https://example.org"]);
  await prefer(ada, {});
  await open(ada.page, `/rooms/${code}`);
  await expect(messages(ada.page).locator("strong")).toHaveText(["Hi"]);
});

test("few emoji alone are large, and marks around nothing are not sent @phone", async ({ stack, guest }) => {
  const ada = await guest(stack);
  await makeRoom(ada, { nickname: "Ada" });
  for (const text of ["** **", "|| ||", "_ _"]) {
    await composer(ada.page).fill(text);
    await expect(sendButton(ada.page)).toBeDisabled();
  }
  await say(ada.page, "👍🏽 👩‍👩‍👧‍👦");
  await say(ada.page, "👍 ok");
  await expect(messages(ada.page)).toHaveCount(2);
  const sizes = await messages(ada.page).evaluateAll((all) => all.map((text) => getComputedStyle(text).fontSize));
  expect(sizes).toEqual(["40px", "16px"]);
});
