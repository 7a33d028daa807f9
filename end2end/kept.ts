// Helpers for what a device keeps of an account (public/store.js).
import type { Page } from "@playwright/test";
import { expect } from "./fixtures.ts";
import { open } from "./room.ts";

/** What the device keeps for a path, as the JSON of a `Visit`. */
export const keptFor = (page: Page, path: string): Promise<string> =>
  page.evaluate((path) => {
    const { anonchatStore } = globalThis as unknown as { anonchatStore?: { visit(path: string): Promise<string> } };
    return anonchatStore?.visit(path).then((visit) => visit ?? "") ?? "";
  }, path);

/** Opens rooms one after the other, and waits until the device keeps each of them. */
export async function keep(page: Page, ...codes: string[]): Promise<void> {
  for (const code of codes) {
    await open(page, `/rooms/${code}`);
    await expect.poll(() => keptFor(page, `/rooms/${code}`), { timeout: 15_000 }).not.toBe("");
  }
}
