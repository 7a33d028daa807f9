// A room with ten thousand messages: the page holds only a part of them, and the reader can reach all of them.
import type { Page } from "@playwright/test";
import { expect, test } from "../fixtures.ts";
import { following, log, makeRoom, messages, notices, say, sayMany } from "../room.ts";

const COUNT = 10_000;
/** The maximum number of rows on the page: 200 events, and the days between them. */
const ROWS = 210;

const rows = (page: Page) => log(page).locator("ol > li");

/** The numbers of the messages on the page. */
async function numbers(page: Page): Promise<number[]> {
  return (await messages(page).allTextContents()).map((text) => Number(/\d+/.exec(text)?.[0]));
}

async function scrollTo(page: Page, edge: "top" | "bottom"): Promise<void> {
  await log(page).evaluate((frame, top) => {
    // The column is reversed: its end is at 0, and positions above it are negative.
    frame.scrollTop = top ? -frame.scrollHeight : 0;
  }, edge === "top");
}

interface Climb {
  /** The number of different messages that were on the page at some time. */
  seen: number;
  /** The number of messages that did not follow the one above them. */
  holes: number;
  /** The number of steps after which the previously first message was gone, so that the reader lost their place. */
  lost: number;
  /** The number of steps after which the rows did not begin with their day. */
  withoutDay: number;
  /**
   * The number of rows that were removed and inserted again. The browser lays them out again, and a selection in them
   * is lost.
   */
  moved: number;
  /** The largest number of rows at one time. */
  rows: number;
}

/**
 * Scrolls to the top repeatedly, until the first message is there. The loop runs inside the page, because it has many
 * steps.
 */
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

/** Scrolls to the end of the rows, waits until others are loaded, and returns the numbers of the messages. */
async function goDown(page: Page): Promise<number[]> {
  const last = (await numbers(page)).at(-1)!;
  await scrollTo(page, "bottom");
  await expect.poll(async () => (await numbers(page)).at(-1), { intervals: [20] }).toBeGreaterThan(last);
  return numbers(page);
}

test("ten thousand messages: few rows, all messages, days and places right @desktop", async ({ stack, guest }) => {
  test.setTimeout(300_000);
  const [ada, bob] = [await guest(stack), await guest(stack)];
  const code = await makeRoom(ada, { nickname: "Ada", preserve: true });
  await sayMany(bob, code, "Bob", 1, COUNT - 2_000);
  // A page opens at the first unread message, and sends what was read only once a second. So wait until all is read.
  const unread = async () => {
    const room = await ada.context.request.get(`/api/rooms/${code}`);
    return ((await room.json()) as { you: { unread: number } }).you.unread;
  };
  await expect.poll(unread).toBe(0);
  // After the reload these messages are history. The others arrive while the page is open.
  await following(ada.page, () => ada.page.reload());
  await sayMany(bob, code, "Bob", COUNT - 1_999, COUNT);
  await expect(messages(ada.page).last()).toHaveText(`Message ${COUNT}`, { timeout: 60_000 });
  expect(await rows(ada.page).count()).toBeLessThanOrEqual(ROWS);

  // Up to the first message: first from memory, then from history.
  const climbed = await climb(ada.page);
  expect(climbed).toEqual({ seen: COUNT, holes: 0, lost: 0, withoutDay: 0, moved: 0, rows: expect.any(Number) });
  expect(climbed.rows).toBeLessThanOrEqual(ROWS);
  // The notice of who joined stands above the first message.
  await expect(async () => {
    await scrollTo(ada.page, "top");
    await expect(notices(ada.page)).toHaveText(["You and Bob joined"], { timeout: 500 });
  }).toPass();
  await expect(log(ada.page).locator(".day")).toHaveText(["Today"]);
  await expect(ada.page.getByRole("button", { name: "Earlier messages" })).toBeHidden();

  // Down again for a while: the text being read stays in place while rows are added below and removed above.
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

  // A new message far below moves nothing on the screen. Sending a message leads to the end from there.
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
