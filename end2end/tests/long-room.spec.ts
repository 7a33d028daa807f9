// A room in which ten thousand messages were said: the page holds a stretch of it, and nothing of it is lost.
import type { Page } from "@playwright/test";
import { expect, test } from "../fixtures.ts";
import { following, log, makeRoom, messages, notices, say, sayMany } from "../room.ts";

const COUNT = 10_000;
/** Rows of a page at most: 200 events, and the days between them. */
const ROWS = 210;

const rows = (page: Page) => log(page).locator("ol > li");

/** The numbers of the messages on the page. */
async function numbers(page: Page): Promise<number[]> {
  return (await messages(page).allTextContents()).map((text) => Number(/\d+/.exec(text)?.[0]));
}

async function scrollTo(page: Page, edge: "top" | "bottom"): Promise<void> {
  await log(page).evaluate((frame, top) => {
    // A reversed column: its end is at 0, and what is above is negative.
    frame.scrollTop = top ? -frame.scrollHeight : 0;
  }, edge === "top");
}

/** Goes to an edge of the rows, waits until others have come, and gives the numbers of the messages then. */
async function goTo(page: Page, edge: "top" | "bottom"): Promise<number[]> {
  const seen = await numbers(page);
  const outermost = edge === "top" ? seen[0]! : seen.at(-1)!;
  await scrollTo(page, edge);
  await page.waitForFunction(
    ([edge, outermost]) => {
      const texts = document.querySelectorAll("[role=log] .message__text");
      const text = edge === "top" ? texts[0] : texts[texts.length - 1];
      const now = Number(/\d+/.exec(text?.textContent ?? "")?.[0]);
      return edge === "top" ? now < outermost : now > outermost;
    },
    [edge, outermost] as const,
    { polling: "raf" },
  );
  return numbers(page);
}

test("ten thousand messages: few rows, all messages, days and places right", async ({ stack, guest }, testInfo) => {
  test.skip(testInfo.project.name === "phone", "the same code at another size, and a long test");
  test.setTimeout(300_000);
  const [ada, bob] = [await guest(stack), await guest(stack)];
  const code = await makeRoom(ada, { nickname: "Ada", preserve: true });
  await sayMany(bob, code, "Bob", 1, COUNT - 2_000);
  // To a page that is loaded now all of that is history; the rest comes while it is open.
  await following(ada.page, () => ada.page.reload());
  await sayMany(bob, code, "Bob", COUNT - 1_999, COUNT);
  await expect(messages(ada.page).last()).toHaveText(`Message ${COUNT}`, { timeout: 60_000 });
  expect(await rows(ada.page).count()).toBeLessThanOrEqual(ROWS);

  // Upwards, to the first message: from memory, and then from history.
  const seen = new Set(await numbers(ada.page));
  let before = await numbers(ada.page);
  while (before[0]! > 1) {
    const now = await goTo(ada.page, "top");
    expect(now, "in order, without holes").toEqual(now.map((_, i) => now[0]! + i));
    expect(now.at(-1), "what was at the top is still there").toBeGreaterThanOrEqual(before[0]!);
    expect(await rows(ada.page).count()).toBeLessThanOrEqual(ROWS);
    await expect(log(ada.page).locator("ol > li").first(), "the rows begin with their day").toHaveClass(/day/);
    now.forEach((number) => seen.add(number));
    before = now;
  }
  expect(seen.size).toBe(COUNT);
  // Above the first message stands who came before it.
  await expect(async () => {
    await scrollTo(ada.page, "top");
    await expect(notices(ada.page)).toHaveText(["You and Bob joined"], { timeout: 500 });
  }).toPass();
  await expect(log(ada.page).locator(".day")).toHaveText(["Today"]);
  await expect(ada.page.getByRole("button", { name: "Earlier messages" })).toBeHidden();

  // Downwards again a while: what is read stays where it is while rows come below and go above.
  before = await numbers(ada.page);
  for (let i = 0; i < 3; i++) {
    const now = await goTo(ada.page, "bottom");
    expect(now).toEqual(now.map((_, i) => now[0]! + i));
    expect(now[0], "no hole to what was there").toBeLessThanOrEqual(before.at(-1)! + 1);
    const last = messages(ada.page).filter({ hasText: new RegExp(`^Message ${before.at(-1)}$`) });
    await expect(last, "the row that was the last is still in view").toBeInViewport();
    expect(await rows(ada.page).count()).toBeLessThanOrEqual(ROWS);
    before = now;
  }

  // A new message far below does not move anything; saying something leads to the end from there.
  const kept = await numbers(ada.page);
  await sayMany(bob, code, "Bob", COUNT + 1, COUNT + 1);
  await expect(ada.page.getByRole("button", { name: "1 new message", exact: true })).toBeVisible();
  expect(await numbers(ada.page)).toEqual(kept);
  await say(ada.page, "Mine 10002");
  await expect(messages(ada.page).last()).toHaveText("Mine 10002");
  await expect(messages(ada.page).last()).toBeInViewport();
  const end = await numbers(ada.page);
  expect(end).toEqual(end.map((_, i) => COUNT + 3 - end.length + i));
});
