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

interface Climb {
  /** How many messages were on the page at one time or another. */
  seen: number;
  /** Messages that did not follow the one above them. */
  holes: number;
  /** Steps after which the message that had been the first was not there any more, so that the reader lost their place. */
  lost: number;
  /** Steps after which the rows did not begin with their day. */
  withoutDay: number;
  /** Rows that were taken out and put in again. The browser lays them out anew, and a reader's selection in them is lost. */
  moved: number;
  /** The most rows that were there at once. */
  rows: number;
}

/** Goes to the top again and again, until the first message is there. All in the page: it is a long way. */
function climb(page: Page): Promise<Climb> {
  return log(page).evaluate(async (frame) => {
    const now = () =>
      [...frame.querySelectorAll(".message__text")].map((text) => Number(/\d+/.exec(text.textContent ?? "")?.[0]));
    const seen = new Set<number>();
    const result = { seen: 0, holes: 0, lost: 0, withoutDay: 0, moved: 0, rows: 0 };
    const removed = new WeakSet<Node>();
    const count = (changes: MutationRecord[]) => {
      for (const { addedNodes, removedNodes } of changes) {
        result.moved += [...addedNodes].filter((row) => removed.has(row)).length;
        removedNodes.forEach((row) => removed.add(row));
      }
    };
    const observer = new MutationObserver(count);
    observer.observe(frame.querySelector("ol")!, { childList: true });
    let first = Infinity;
    while (first > 1) {
      frame.scrollTop = -frame.scrollHeight;
      let numbers = now();
      while (numbers[0] === first) {
        await new Promise(requestAnimationFrame);
        numbers = now();
      }
      if (first !== Infinity && !numbers.includes(first)) result.lost += 1;
      if (!frame.querySelector("ol > li")?.classList.contains("day")) result.withoutDay += 1;
      result.holes += numbers.filter((number, i) => i > 0 && number !== numbers[i - 1]! + 1).length;
      result.rows = Math.max(result.rows, frame.querySelectorAll("ol > li").length);
      numbers.forEach((number) => seen.add(number));
      first = numbers[0]!;
    }
    count(observer.takeRecords());
    observer.disconnect();
    result.seen = seen.size;
    return result;
  });
}

/** Goes to the end of the rows, waits until others have come, and gives the numbers of the messages then. */
async function goDown(page: Page): Promise<number[]> {
  const last = (await numbers(page)).at(-1)!;
  await scrollTo(page, "bottom");
  await expect.poll(async () => (await numbers(page)).at(-1), { intervals: [20] }).toBeGreaterThan(last);
  return numbers(page);
}

test("ten thousand messages: few rows, all messages, days and places right", async ({ stack, guest }, testInfo) => {
  test.skip(testInfo.project.name === "phone", "the same code at another size, and a long test");
  test.setTimeout(300_000);
  const [ada, bob] = [await guest(stack), await guest(stack)];
  const code = await makeRoom(ada, { nickname: "Ada", preserve: true });
  await sayMany(bob, code, "Bob", 1, COUNT - 2_000);
  // A page would open where the unread messages begin, and what she sees is told as read once a second.
  const unread = async () => {
    const room = await ada.context.request.get(`/api/rooms/${code}`);
    return ((await room.json()) as { you: { unread: number } }).you.unread;
  };
  await expect.poll(unread).toBe(0);
  // To a page that is loaded now all of that is history; the rest comes while it is open.
  await following(ada.page, () => ada.page.reload());
  await sayMany(bob, code, "Bob", COUNT - 1_999, COUNT);
  await expect(messages(ada.page).last()).toHaveText(`Message ${COUNT}`, { timeout: 60_000 });
  expect(await rows(ada.page).count()).toBeLessThanOrEqual(ROWS);

  // Upwards, to the first message: from memory, and then from history.
  const climbed = await climb(ada.page);
  expect(climbed).toEqual({ seen: COUNT, holes: 0, lost: 0, withoutDay: 0, moved: 0, rows: expect.any(Number) });
  expect(climbed.rows).toBeLessThanOrEqual(ROWS);
  // Above the first message stands who came before it.
  await expect(async () => {
    await scrollTo(ada.page, "top");
    await expect(notices(ada.page)).toHaveText(["You and Bob joined"], { timeout: 500 });
  }).toPass();
  await expect(log(ada.page).locator(".day")).toHaveText(["Today"]);
  await expect(ada.page.getByRole("button", { name: "Earlier messages" })).toBeHidden();

  // Downwards again a while: what is read stays where it is while rows come below and go above.
  let before = await numbers(ada.page);
  for (let i = 0; i < 3; i++) {
    const now = await goDown(ada.page);
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
