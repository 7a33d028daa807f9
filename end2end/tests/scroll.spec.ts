// The timeline does not move while somebody reads it, and can be scrolled back as far as there are messages.
import type { Page } from "@playwright/test";
import { type Guest, type Stack, expect, test } from "../fixtures.ts";
import { joinRoom, log, makeRoomByRest, messages, say, sayByRest } from "../room.ts";

const COUNT = 130;
const numbered = Array.from({ length: COUNT }, (_, i) => `Message ${i + 1}`);

/** A preserved room with many messages by Ada, and Bob, who joins afterwards. Ada's own page stays empty. */
async function longRoom(
  stack: Stack,
  guest: (stack: Stack) => Promise<Guest>,
): Promise<{ ada: Guest; bob: Guest; code: string }> {
  const [ada, bob] = [await guest(stack), await guest(stack)];
  const code = await makeRoomByRest(ada, { nickname: "Ada", preserve: true });
  for (const text of numbered) await sayByRest(ada, code, text);
  await joinRoom(bob, code, "Bob");
  return { ada, bob, code };
}

/** Turns the mouse wheel over the timeline. */
async function wheel(page: Page, down: number): Promise<void> {
  await log(page).hover();
  await page.mouse.wheel(0, down);
}

test("the newest message is on the screen at once, and history pages upward in order @both", async ({
  stack,
  guest,
}) => {
  const { bob } = await longRoom(stack, guest);
  await expect(messages(bob.page).last()).toHaveText(numbered.at(-1)!);
  await expect(messages(bob.page).last()).toBeInViewport();
  expect(await messages(bob.page).count()).toBeLessThan(COUNT);

  const first = messages(bob.page).filter({ hasText: /^Message 1$/ });
  await expect(async () => {
    await wheel(bob.page, -3_000);
    await expect(first).toBeInViewport({ timeout: 500 });
  }).toPass({ timeout: 30_000 });
  await expect(messages(bob.page)).toHaveText(numbered);
  await expect(bob.page.getByRole("button", { name: "Earlier messages" })).toBeHidden();
});

test("who reads further up is not moved by new messages, and is led down to them @both", async ({ stack, guest }) => {
  const { ada, bob, code } = await longRoom(stack, guest);
  await expect(messages(bob.page).last()).toBeInViewport();
  const pill = bob.page.getByRole("button", { name: /new(est)? messages?$/i });
  await expect(pill).toBeHidden();

  await wheel(bob.page, -600);
  await expect(messages(bob.page).last()).not.toBeInViewport();
  await expect(pill).toBeVisible();
  // A message in the middle of the screen, once scrolling has stopped.
  const middle = await log(bob.page).evaluate((frame) => {
    const { top, height } = frame.getBoundingClientRect();
    const texts = [...frame.querySelectorAll(".message__text")];
    return texts.find((text) => text.getBoundingClientRect().top > top + height / 2)?.textContent ?? "";
  });
  const read = messages(bob.page).filter({ hasText: new RegExp(`^${middle}$`) });
  await expect(read).toBeInViewport();
  const height = async () => (await read.boundingBox())?.y;
  let before: number | undefined;
  await expect(async () => {
    before = await height();
    await bob.page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    expect(await height()).toBe(before);
  }).toPass();

  await sayByRest(ada, code, "New: 1");
  await expect(bob.page.getByRole("button", { name: "1 new message", exact: true })).toBeVisible();
  await sayByRest(ada, code, "New: 2");
  await sayByRest(ada, code, "New: 3\nwith\nseveral\nlines");
  await expect(bob.page.getByRole("button", { name: "3 new messages", exact: true })).toBeVisible();
  expect(await height()).toBe(before);

  await bob.page.getByRole("button", { name: "3 new messages" }).click();
  await expect(messages(bob.page).last()).toHaveText(/^New: 3/);
  await expect(messages(bob.page).last()).toBeInViewport();
  await expect(pill).toBeHidden();

  // Back at the end, the page follows new messages.
  await sayByRest(ada, code, "New: 4");
  await expect(messages(bob.page).last()).toHaveText("New: 4");
  await expect(messages(bob.page).last()).toBeInViewport();
});

test("saying something leads to the end from anywhere @both", async ({ stack, guest }) => {
  const { bob } = await longRoom(stack, guest);
  await expect(messages(bob.page).last()).toBeInViewport();
  await wheel(bob.page, -600);
  await expect(messages(bob.page).last()).not.toBeInViewport();
  await say(bob.page, "Mine");
  await expect(messages(bob.page).last()).toHaveText("Mine");
  await expect(messages(bob.page).last()).toBeInViewport();
});
