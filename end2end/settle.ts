// Replaces what differs in every run, so that a picture of a page changes only when its design does: codes of rooms,
// times, days, and what makes the addresses of tests unique.
import type { Page } from "@playwright/test";

/** The codes in the pictures, in the order in which they appear on the page. */
const CODES = ["K7M2QX", "P4T9RA", "D8WH3N", "X2C6VJ", "B5ZK1G", "R9E4MS", "H3Y7QT", "N6A8FD", "J1V5XW", "T7G2PB"];

/** Replaces the texts of the page, and the values of its fields. Its scripts may write new ones at any time. */
export async function settle(page: Page): Promise<void> {
  await page.evaluate((codes) => {
    const known = new Map<string, string>();
    const code = (found: string) => {
      const plain = found.replace(" ", "");
      if (!known.has(plain)) known.set(plain, codes[known.size % codes.length]!);
      const settled = known.get(plain)!;
      return found.includes(" ") ? `${settled.slice(0, 3)} ${settled.slice(3)}` : settled;
    };
    const days = "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday";
    const settled = (text: string) =>
      text
        .replace(/\b[0-9A-HJKMNP-TV-Z]{3} [0-9A-HJKMNP-TV-Z]{3}\b/g, code)
        .replace(/\.[0-9a-f]{12}@/g, "@")
        .replace(new RegExp(`\\b(${days}) \\d+ [A-Z][a-z]+( \\d{4})?`, "g"), "Thursday 1 October")
        .replace(/\b\d+ (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b( \d{4})?/g, "1 Oct")
        .replace(/\bin \d+ s\b/, "in 9 s")
        .replace(/\bin \d+(\s)seconds?\b/, "in 9$1seconds");
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const text = texts.currentNode;
      const parent = text.parentElement;
      if (!text.nodeValue || !parent || parent.closest("script, style, label")) continue;
      const clock = parent.closest("time") ? text.nodeValue : text.nodeValue.replace(/\b\d\d:\d\d\b/g, "09:41");
      if (settled(clock) !== text.nodeValue) text.nodeValue = settled(clock);
    }
    for (const input of document.querySelectorAll<HTMLInputElement>("input:not([type=hidden], [type=password])")) {
      if (input.value !== settled(input.value)) input.value = settled(input.value);
    }
    for (const element of document.querySelectorAll("[aria-label]")) {
      const label = element.getAttribute("aria-label")!;
      if (label !== settled(label)) element.setAttribute("aria-label", settled(label));
    }
    // A conversation begins at 9:41, with two messages a minute. In a list the newest is first.
    const times = (where: string, minutes: (i: number) => number) =>
      document.querySelectorAll(`${where} time`).forEach((time, i) => {
        const at = minutes(i);
        const clock = `${String(Math.floor(at / 60)).padStart(2, "0")}:${String(at % 60).padStart(2, "0")}`;
        if (time.firstChild && /^\d\d:\d\d$/.test(time.textContent!)) time.firstChild.nodeValue = clock;
      });
    times("[role=log]", (i) => 9 * 60 + 41 + (i >> 1));
    times("nav", (i) => 9 * 60 + 44 - 27 * (i % 20));
  }, CODES);
}
