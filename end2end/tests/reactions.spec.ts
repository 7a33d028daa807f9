// Reactions to messages: by the menu, by a chip, and by keys.
import { expect, expectAccessible, test } from "../fixtures.ts";
import {
  actions,
  changeByRest,
  composer,
  isPhone,
  joinRoom,
  log,
  makeRoom,
  messages,
  open,
  openActions,
  react,
  reactions,
  sayByRest,
  shortcuts,
} from "../room.ts";

test("a reaction is chosen from all emoji @both", async ({ stack, guest }) => {
  const ada = await guest(stack);
  const { page } = ada;
  const code = await makeRoom(ada, { nickname: "Ada" });
  await sayByRest(ada, code, "Lunch at noon?");
  await openActions(page, "Lunch");
  await actions(page).getByRole("menuitem", { name: "More reactions" }).click();
  const picker = page.getByRole("dialog", { name: "More reactions" });
  await expect(picker).toBeInViewport({ ratio: 1 });
  await picker.getByRole("textbox").fill("pizza");
  await picker.getByRole("gridcell", { name: "pizza" }).click();
  await expect(picker).toBeHidden();
  await expect(reactions(page, "Lunch")).toHaveText(["🍕1"]);
});

test("a reaction is shown to everybody, after a reload too, and goes with its message @both", async ({
  stack,
  guest,
}) => {
  const [ada, bob] = [await guest(stack), await guest(stack, stack.size - 1)];
  const code = await makeRoom(ada, { nickname: "Ada", preserve: true });
  await joinRoom(bob, code, "Bob");
  const lunch = await sayByRest(ada, code, "Lunch at noon?");
  await expect(messages(bob.page)).toHaveText(["Lunch at noon?"]);

  await react(bob.page, "Lunch", "👍");
  const own = reactions(bob.page, "Lunch").getByText("👍").locator("..");
  await expect(own).toHaveAttribute("aria-pressed", "true");
  await expect(own).toHaveAccessibleName("👍, 1 person, you");
  const theirs = reactions(ada.page, "Lunch");
  await expect(theirs).toHaveText(["👍1"]);
  await expect(theirs).toHaveAttribute("aria-pressed", "false");
  await expect(theirs).toHaveAccessibleName("👍, 1 person");
  await expect(theirs).toHaveAccessibleDescription(/Bob/);

  if (isPhone(ada.page)) await theirs.tap();
  else await theirs.click();
  for (const { page } of [ada, bob]) {
    await expect(reactions(page, "Lunch")).toHaveText(["👍2"]);
    await expect(reactions(page, "Lunch")).toHaveAccessibleName("👍, 2 people, you too");
  }
  await react(ada.page, "Lunch", "❤️");
  await expect(reactions(bob.page, "Lunch")).toHaveText(["👍2", "❤️1"]);
  await open(bob.page, `/rooms/${code}`);
  await expect(reactions(bob.page, "Lunch")).toHaveText(["👍2", "❤️1"]);
  await expectAccessible(bob.page);
  if (isPhone(bob.page)) await reactions(bob.page, "Lunch").first().tap();
  else await reactions(bob.page, "Lunch").first().click();
  for (const { page } of [ada, bob]) await expect(reactions(page, "Lunch")).toHaveText(["👍1", "❤️1"]);

  await openActions(ada.page, "Lunch");
  const quick = actions(ada.page).getByRole("menuitemcheckbox");
  await expect(quick).toHaveText(["👍", "❤️", "😂", "😮", "😢", "🙏"]);
  await expect(actions(ada.page).getByRole("menuitemcheckbox", { checked: true })).toHaveText(["👍", "❤️"]);
  await expectAccessible(ada.page);
  await quick.nth(1).click();
  for (const { page } of [ada, bob]) await expect(reactions(page, "Lunch")).toHaveText(["👍1"]);

  await changeByRest(ada, code, lunch);
  for (const { page } of [ada, bob]) {
    await expect(messages(page)).toHaveText(["Message deleted"]);
    await expect(log(page).locator(".reaction")).toHaveCount(0);
  }
});

test("a chip is as large as a fingertip, and its number follows @phone", async ({ stack, guest }) => {
  const ada = await guest(stack);
  const { page } = ada;
  const code = await makeRoom(ada, { nickname: "Ada" });
  await sayByRest(ada, code, "Tap below");
  await react(page, "Tap", "👍");
  const chip = reactions(page, "Tap");
  await expect(actions(page)).toBeHidden();
  // At the edges of an area of 44 pixels, the chip is hit.
  const hits = await chip.evaluate((chip) => {
    const { x, y, width, height } = chip.getBoundingClientRect();
    const [middle, centre] = [x + width / 2, y + height / 2];
    const hit = (left: number, top: number) => document.elementFromPoint(left, top)?.closest("button") === chip;
    return [hit(middle - 21, centre), hit(middle + 21, centre), hit(middle, centre - 21), hit(middle, centre + 21)];
  });
  expect(hits).toEqual([true, true, true, true]);
});

test("messages are reacted to by keys alone @desktop", async ({ stack, guest }) => {
  const ada = await guest(stack);
  const { page } = ada;
  const code = await makeRoom(ada, { nickname: "Ada" });
  await shortcuts(page);
  await sayByRest(ada, code, "Keys only");
  await expect(messages(page)).toHaveText(["Keys only"]);
  await composer(page).focus();
  const message = log(page).locator(".message:focus");
  const toMessage = async () => {
    for (let i = 0; i < 5 && (await message.count()) === 0; i++) await page.keyboard.press("Shift+Tab");
  };
  await toMessage();
  await page.keyboard.press("Enter");
  const item = (name: string) => actions(page).getByRole("menuitemcheckbox", { name });
  await expect(item("👍")).toBeFocused();
  await page.keyboard.press("ArrowRight");
  await expect(item("❤️")).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await expect(actions(page).getByRole("menuitem", { name: "Reply" })).toBeFocused();
  await page.keyboard.press("ArrowUp");
  await expect(item("👍")).toBeFocused();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  const chip = reactions(page, "Keys only");
  await expect(chip).toHaveText(["❤️1"]);
  await expect(message).toHaveCount(1);
  await page.keyboard.press("Tab");
  await expect(chip).toBeFocused();
  await react(page, "Keys only", "👍");
  await chip.first().focus();
  await page.keyboard.press("Space");
  await expect(chip).toHaveText(["👍1"]);
  await page.keyboard.press("ArrowUp");
  await expect(message).toHaveCount(1);
});

test("a reaction makes nothing unread @desktop", async ({ stack, guest }) => {
  const [ada, bob] = [await guest(stack), await guest(stack)];
  const code = await makeRoom(ada, { nickname: "Ada" });
  await joinRoom(bob, code, "Bob");
  await sayByRest(ada, code, "Lunch at noon?");
  await expect(messages(bob.page)).toHaveText(["Lunch at noon?"]);
  const title = await ada.page.title();
  await ada.page.evaluate(() => {
    Object.defineProperty(document, "visibilityState", { configurable: true, get: () => "hidden" });
    document.dispatchEvent(new Event("visibilitychange"));
  });
  await react(bob.page, "Lunch", "👍");
  await expect(reactions(ada.page, "Lunch")).toHaveText(["👍1"]);
  expect(await ada.page.title()).toBe(title);
  await open(ada.page, `/rooms/${code}`);
  await expect(reactions(ada.page, "Lunch")).toHaveText(["👍1"]);
  await expect(log(ada.page).locator(".unread")).toHaveCount(0);
});

test("a refused reaction is taken back, and the page says why @desktop", async ({ stack, guest }) => {
  const ada = await guest(stack);
  const { page } = ada;
  const code = await makeRoom(ada, { nickname: "Ada", preserve: true });
  await sayByRest(ada, code, "Enough of them");
  await expect(messages(page)).toHaveText(["Enough of them"]);
  for (const emoji of ["👍", "❤️", "😂", "😮", "😢"]) {
    await react(page, "Enough", emoji);
    await expect(reactions(page, "Enough").last()).toHaveText(`${emoji}1`);
  }
  await react(page, "Enough", "🙏");
  await expect(page.getByText("This message can’t have more reactions.")).toBeVisible();
  await expect(reactions(page, "Enough")).toHaveText(["👍1", "❤️1", "😂1", "😮1", "😢1"]);
});

test("without a network reactions are shown, and arrive once there is one @both", async ({
  stack,
  guest,
  complaints,
}) => {
  complaints.allow(/ERR_INTERNET_DISCONNECTED/);
  const [ada, bob] = [await guest(stack), await guest(stack, stack.size - 1)];
  const code = await makeRoom(ada, { nickname: "Ada" });
  await joinRoom(bob, code, "Bob");
  await sayByRest(bob, code, "Lunch at noon?");
  await expect(messages(ada.page)).toHaveText(["Lunch at noon?"]);
  await shortcuts(ada.page);
  await ada.context.setOffline(true);
  await expect(ada.page.getByText("You’re offline.")).toBeVisible();
  await react(ada.page, "Lunch", "👍");
  await react(ada.page, "Lunch", "❤️");
  await react(ada.page, "Lunch", "👍");
  await expect(reactions(ada.page, "Lunch")).toHaveText(["❤️1"]);
  await ada.context.setOffline(false);
  await expect(reactions(bob.page, "Lunch")).toHaveText(["❤️1"], { timeout: 20_000 });
  await expect(reactions(ada.page, "Lunch")).toHaveText(["❤️1"]);
});
