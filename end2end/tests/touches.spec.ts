// What happened to messages after they were sent: edited, deleted, and replied to.
import { register } from "../account.ts";
import { expect, expectAccessible, test } from "../fixtures.ts";
import {
  act,
  actions,
  changeByRest,
  composer,
  composing,
  dialog,
  isPhone,
  joinRoom,
  log,
  makeRoom,
  makeRoomByRest,
  messages,
  open,
  openActions,
  pending,
  quotes,
  say,
  sayByRest,
  sendButton,
  shortcuts,
} from "../room.ts";

test("an edit, a deletion and a reply are shown at once and after a reload @both", async ({ stack, guest }) => {
  const [ada, bob] = [await guest(stack), await guest(stack, stack.size - 1)];
  const code = await makeRoom(ada, { nickname: "Ada", preserve: true });
  await joinRoom(bob, code, "Bob");
  const lunch = await sayByRest(ada, code, "Lunch at noon?");
  const wrong = await sayByRest(bob, code, "Wrong room");
  const rude = await sayByRest(bob, code, "Something rude");
  await sayByRest(bob, code, "Gladly", lunch);
  await sayByRest(bob, code, "Or not", wrong);
  for (const { page } of [ada, bob]) await expect(messages(page)).toHaveCount(5);
  await expect(quotes(ada.page)).toHaveText(["Ada Lunch at noon?", "Bob Wrong room"]);

  await changeByRest(ada, code, lunch, "Lunch at one?");
  await changeByRest(bob, code, wrong);
  await changeByRest(ada, code, rude);
  const expected = ["Lunch at one?edited", "Message deleted", "Message deleted by Ada", "Gladly", "Or not"];
  for (const person of [ada, bob]) {
    await expect(messages(person.page)).toHaveText(expected);
    await expect(quotes(person.page)).toHaveText(["Ada Lunch at one?", "Bob Message deleted"]);
  }
  await open(bob.page, `/rooms/${code}`);
  await expect(messages(bob.page)).toHaveText(expected);
  await expect(quotes(bob.page)).toHaveText(["Ada Lunch at one?", "Bob Message deleted"]);
  // Nobody who reads on is told of a hole.
  await expect(bob.page.locator(".notice--hole")).toHaveCount(0);
});

test("a message is edited, replied to and deleted by its menu @both", async ({ stack, guest }) => {
  const [ada, bob] = [await guest(stack), await guest(stack, stack.size - 1)];
  const code = await makeRoom(ada, { nickname: "Ada" });
  await joinRoom(bob, code, "Bob");
  await say(ada.page, "Lunch at noon?");
  await expect(messages(bob.page)).toHaveText(["Lunch at noon?"]);

  await act(bob.page, "Lunch", "Reply");
  await expect(composing(bob.page)).toContainText("Replying to Ada");
  await expect(composer(bob.page)).toBeFocused();
  await say(bob.page, "Gladly");
  await expect(composing(bob.page)).toHaveText("");
  await expect(quotes(ada.page)).toHaveText(["Ada Lunch at noon?"]);

  await act(ada.page, "Lunch", "Edit");
  await expect(composer(ada.page)).toHaveValue("Lunch at noon?");
  await say(ada.page, "Lunch at one?");
  await expect(composer(ada.page)).toHaveValue("");
  for (const { page } of [ada, bob]) {
    await expect(messages(page)).toHaveText(["Lunch at one?edited", "Gladly"]);
    await expect(quotes(page)).toHaveText(["Ada Lunch at one?"]);
  }

  await act(ada.page, "Gladly", "Delete");
  const ask = dialog(ada.page, "Delete this message?");
  await ask.getByRole("button", { name: "Cancel" }).click();
  await expect(ask).toBeHidden();
  await act(ada.page, "Gladly", "Delete");
  await ask.getByRole("button", { name: "Delete" }).click();
  await expect(messages(ada.page)).toHaveText(["Lunch at one?edited", "Message deleted by Ada"]);
  await expect(messages(bob.page)).toHaveText(["Lunch at one?edited", "Message deleted by Ada"]);
  await openActions(bob.page, "Lunch");
  await expect(actions(bob.page).getByRole("menuitem")).toHaveText(["", "Reply", "Copy text"]);
  await expectAccessible(bob.page);
});

test("a message is forwarded into the composer of another room @both", async ({ stack, guest }) => {
  const ada = await guest(stack);
  const { page } = ada;
  await register(ada, "Ada");
  await makeRoomByRest(ada, { name: "Books" });
  const code = await makeRoomByRest(ada, { name: "Films" });
  await sayByRest(ada, code, "Lunch at noon?");
  await open(page, `/rooms/${code}`);
  await act(page, "Lunch", "Forward");
  await expect(page).toHaveURL("/dashboard");
  await expect(page.getByRole("status").filter({ hasText: "Choose a room for this text." })).toBeVisible();
  await page.getByRole("link", { name: /Books/ }).click();
  await expect(composer(page)).toHaveValue("Lunch at noon?");
  await sendButton(page).click();
  await expect(messages(page)).toHaveText(["Lunch at noon?"]);
});

test("what is being written is put aside for an edit, and comes back @both", async ({ stack, guest }) => {
  const ada = await guest(stack);
  const { page } = ada;
  await makeRoom(ada, { nickname: "Ada" });
  await say(page, "Helo");
  await expect(messages(page)).toHaveText(["Helo"]);
  await composer(page).fill("Half a thought");
  await act(page, "Helo", "Edit");
  await expect(composer(page)).toHaveValue("Helo");
  await composing(page).getByRole("button", { name: "Cancel" }).click();
  await expect(composer(page)).toHaveValue("Half a thought");
  await act(page, "Helo", "Edit");
  await composer(page).fill("Hel");
  await composer(page).press("Escape");
  await expect(composer(page)).toHaveValue("Half a thought");
  await expect(messages(page)).toHaveText(["Helo"]);
  await act(page, "Helo", "Edit");
  await say(page, "Hello");
  await expect(messages(page)).toHaveText(["Helloedited"]);
  await expect(composer(page)).toHaveValue("Half a thought");
  await page.reload();
  await expect(composer(page)).toHaveValue("Half a thought");
});

test("without a network messages are changed, and that arrives once there is one @both", async ({
  stack,
  guest,
  complaints,
}) => {
  complaints.allow(/ERR_INTERNET_DISCONNECTED/);
  const [ada, bob] = [await guest(stack), await guest(stack, stack.size - 1)];
  const code = await makeRoom(ada, { nickname: "Ada" });
  await joinRoom(bob, code, "Bob");
  await say(ada.page, "One");
  await say(ada.page, "Two");
  await expect(messages(bob.page)).toHaveText(["One", "Two"]);
  await expect(pending(ada.page)).toHaveCount(0);
  await ada.context.setOffline(true);
  await expect(ada.page.getByText("You’re offline.")).toBeVisible();
  await say(ada.page, "Thre");
  await say(ada.page, "Four");
  await act(ada.page, "Thre", "Edit");
  await say(ada.page, "Three");
  await act(ada.page, "Four", "Delete");
  await dialog(ada.page, "Delete this message?").getByRole("button", { name: "Delete" }).click();
  await act(ada.page, "One", "Edit");
  await say(ada.page, "Uno");
  await act(ada.page, "Two", "Delete");
  await dialog(ada.page, "Delete this message?").getByRole("button", { name: "Delete" }).click();
  const after = ["Unoedited", "Message deleted", "Three"];
  await expect(messages(ada.page)).toHaveText(after);
  await expect(pending(ada.page)).toHaveCount(3);
  await ada.context.setOffline(false);
  await expect(messages(bob.page)).toHaveText(after, { timeout: 20_000 });
  await expect(pending(ada.page)).toHaveCount(0);
  await expect(messages(ada.page)).toHaveText(after);
});

test("messages are walked through, answered, edited and deleted by keys alone @desktop", async ({ stack, guest }) => {
  const [ada, bob] = [await guest(stack), await guest(stack)];
  const code = await makeRoom(ada, { nickname: "Ada" });
  await joinRoom(bob, code, "Bob");
  const { page } = ada;
  await shortcuts(page);
  await say(page, "First");
  await say(bob.page, "Second");
  await say(page, "Third");
  await expect(messages(page)).toHaveText(["First", "Second", "Third"]);
  const focused = (text: string) =>
    expect(log(page).locator(".message:focus").locator(".message__text")).toHaveText(text);

  // On the way there may be a quote, or a mark.
  const toMessages = async () => {
    const message = log(page).locator(".message:focus");
    for (let i = 0; i < 5 && (await message.count()) === 0; i++) await page.keyboard.press("Shift+Tab");
  };
  await expect(composer(page)).toBeFocused();
  await toMessages();
  await focused("Third");
  await page.keyboard.press("ArrowUp");
  await focused("Second");
  await page.keyboard.press("Enter");
  const item = (name: string) => actions(page).getByRole("menuitem", { name });
  await expect(actions(page).getByRole("menuitemcheckbox").first()).toBeFocused();
  await page.keyboard.press("ArrowUp");
  await expect(item("Delete")).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(actions(page)).toBeHidden();
  await focused("Second");
  await page.keyboard.press("Shift+F10");
  await expect(actions(page).getByRole("menuitemcheckbox").first()).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await expect(item("Reply")).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(composing(page)).toContainText("Replying to Bob");
  await page.keyboard.type("Fourth");
  await page.keyboard.press("Enter");
  await expect(quotes(page)).toHaveText(["Bob Second"]);
  await expect(pending(page)).toHaveCount(0);

  await page.keyboard.press("ArrowUp");
  await expect(composer(page)).toHaveValue("Fourth");
  await page.keyboard.press("Escape");
  await toMessages();
  await focused("Fourth");
  for (const text of ["Third", "Second", "First"]) {
    await page.keyboard.press("ArrowUp");
    await focused(text);
  }
  await page.keyboard.press("e");
  await expect(composer(page)).toHaveValue("First");
  await page.keyboard.type("!");
  await page.keyboard.press("Enter");
  await expect(messages(page).first()).toHaveText("First!edited");

  await toMessages();
  await focused("Fourth");
  await page.keyboard.press("Delete");
  const ask = dialog(page, "Delete this message?");
  await expect(ask.getByRole("button", { name: "Cancel" })).toBeFocused();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await expect(messages(bob.page)).toHaveText(["First!edited", "Second", "Third", "Message deleted"]);
});

test("a tap on a quote leads to its message, and a swipe to the right replies @phone", async ({ stack, guest }) => {
  const ada = await guest(stack);
  const { page } = ada;
  const code = await makeRoomByRest(ada, { nickname: "Ada", preserve: true });
  const first = await sayByRest(ada, code, "Long ago");
  for (let i = 1; i <= 30; i++) await sayByRest(ada, code, `Message ${i}`);
  await sayByRest(ada, code, "About that", first);
  await open(page, `/rooms/${code}`);
  await shortcuts(page);
  const target = messages(page).filter({ hasText: "Long ago" });
  await expect(target).not.toBeInViewport();
  await quotes(page).tap();
  await expect(target).toBeInViewport();
  await expect(log(page).locator(".message:focus").locator(".message__text")).toHaveText("Long ago");

  const { x, y } = (await target.boundingBox())!;
  const finger = await page.context().newCDPSession(page);
  const at = (right: number) => ({ touchPoints: [{ x: x + right, y: y + 5 }] });
  await finger.send("Input.dispatchTouchEvent", { type: "touchStart", ...at(0) });
  for (const right of [20, 40, 60, 80])
    await finger.send("Input.dispatchTouchEvent", { type: "touchMove", ...at(right) });
  await finger.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
  await expect(composing(page)).toContainText("Replying to Ada");
  await expect(composing(page)).toContainText("Long ago");
});

test("a reply to a message that is not loaded shows what it is to, and leads there @desktop", async ({
  stack,
  guest,
}) => {
  const ada = await guest(stack);
  const code = await makeRoomByRest(ada, { nickname: "Ada", preserve: true });
  const first = await sayByRest(ada, code, "Long ago");
  for (let i = 1; i <= 60; i++) await sayByRest(ada, code, `Message ${i}`);
  await open(ada.page, `/rooms/${code}`);
  await sayByRest(ada, code, "About that", first);
  await expect(quotes(ada.page)).toHaveText(["Ada Long ago"]);
  await quotes(ada.page).click();
  const target = log(ada.page).locator(".message:focus .message__text");
  await expect(target).toHaveText("Long ago");
  await expect(target).toBeInViewport();
});

test("the button beside a message opens its menu, and links keep the browser’s own @desktop", async ({
  stack,
  guest,
}) => {
  const ada = await guest(stack);
  const { page } = ada;
  await makeRoom(ada, { nickname: "Ada" });
  await shortcuts(page);
  await say(page, "See https://example.org");
  const message = messages(page).first();
  await message.getByRole("link").click({ button: "right" });
  await message.selectText();
  await message.click({ button: "right", position: { x: 4, y: 4 } });
  await expect(actions(page)).toBeHidden();
  await composer(page).click();
  await message.hover();
  await page.getByRole("button", { name: "Message actions" }).click();
  await expect(actions(page)).toBeVisible();
  await page.mouse.click(5, 5);
  await expect(actions(page)).toBeHidden();
});

test("a refused edit says why, and gives its text back @both", async ({ stack, guest }) => {
  const ada = await guest(stack);
  const { page } = ada;
  const code = await makeRoom(ada, { nickname: "Ada" });
  const said = await sayByRest(ada, code, "As it was");
  await act(page, "As it was", "Edit");
  await changeByRest(ada, code, said, "As it is elsewhere");
  await expect(messages(page)).toHaveText(["As it is elsewhereedited"]);
  // Deleted before the edit arrives.
  await changeByRest(ada, code, said);
  await expect(messages(page)).toHaveText(["Message deleted"]);
  await composer(page).fill("As it should be");
  if (isPhone(page)) await sendButton(page).tap();
  else await composer(page).press("Enter");
  const failed = log(page).locator(".message--failed");
  await expect(failed).toContainText("Not sent.");
  await expectAccessible(page);
  await failed.getByRole("button", { name: "Discard" }).click();
  await expect(failed).toHaveCount(0);
});
