// Helpers for what a device keeps of an account: `public/store.js`, as the pages and the service worker use it.
import { type Locator, type Page, expect } from "@playwright/test";
import { register } from "./account.ts";
import { type Guest, type Stack, visit } from "./fixtures.ts";
import { makeRoomByRest, messageId, open } from "./room.ts";

/** The part of `anonchatStore` that the tests use. */
export interface Store {
  visit(path: string): Promise<string | undefined>;
  saveList(account: string, rooms: string): Promise<boolean>;
  saveRoom(code: string, json: string): Promise<boolean>;
  outbox(): Promise<{ id: string; code: string; body: string; refusal: { code: string } | null }[]>;
  saveOutbox(code: string, member: number, json: string): Promise<boolean>;
  refuse(id: string, refusal: object): Promise<boolean>;
  drain(): Promise<boolean>;
}

declare global {
  var anonchatStore: Store | undefined;
}

/** The message about a lost connection. */
export const banner = (page: Page): Locator => page.locator(".banner--shown");

/** What the device keeps for a path, as the JSON of a `Visit`. Empty if it keeps nothing. */
export const keptFor = (page: Page, path: string): Promise<string> =>
  page.evaluate(async (path) => (await globalThis.anonchatStore?.visit(path)) ?? "", path);

/** Whether the device has a copy of any account. */
export const hasCopy = (page: Page): Promise<boolean> =>
  page.evaluate(async () => {
    const { storageBuckets } = navigator as unknown as { storageBuckets: { keys(): Promise<string[]> } };
    return (await storageBuckets.keys()).length > 0 || (await indexedDB.databases()).length > 0;
  });

/** Opens rooms one after the other, and waits until the device keeps each of them. */
export async function keep(page: Page, ...codes: string[]): Promise<void> {
  for (const code of codes) {
    await open(page, `/rooms/${code}`);
    await expect.poll(() => keptFor(page, `/rooms/${code}`), { timeout: 15_000 }).not.toBe("");
  }
}

/** Registers an account whose device keeps new rooms, and shows its list. */
export async function withRooms(guest: (stack: Stack) => Promise<Guest>, stack: Stack, ...names: string[]) {
  const ada = await guest(stack);
  await register(ada, "Ada");
  const codes: string[] = [];
  for (const name of names) codes.push(await makeRoomByRest(ada, { name, preserve: true }));
  await keep(ada.page, ...codes);
  // The device has the list since the first room, so that says nothing about the scripts of this page.
  await visit(ada.page, "/dashboard");
  await expect.poll(() => keptFor(ada.page, "/dashboard")).not.toBe("");
  return { ada, page: ada.page, codes: codes as [string, ...string[]] };
}

/** An entry of the outbox: id, text, why the server refused it, and what it is if it is no plain message. */
export type Unsent = [id: string, body: string, refusal: object | null, kind?: object];

/** Stores messages to a kept room, as a tab does that is closed before it could send them. */
export async function leaveUnsent(page: Page, code: string, ...unsent: (string | Unsent)[]): Promise<void> {
  const { page: content } = JSON.parse(await keptFor(page, `/rooms/${code}`));
  const member: number = content.Room.access.Ok.Inside.you.member_id;
  const entries = unsent.map((entry) => (typeof entry === "string" ? [messageId(), entry, null] : entry));
  const isSaved = await page.evaluate(
    ([code, member, json]) => globalThis.anonchatStore?.saveOutbox(code, member, json),
    [code, member, JSON.stringify(entries)] as const,
  );
  expect(isSaved).toBe(true);
}

/** The texts of the messages on the device that the server does not have, with the code of their refusal. */
export const unsent = (page: Page): Promise<string[]> =>
  page.evaluate(async () => {
    const rows = (await globalThis.anonchatStore?.outbox()) ?? [];
    return rows.map(({ body, refusal }) => (refusal ? `${body}: ${refusal.code}` : body));
  });

/** Sends the outbox. Returns whether all of it is settled. */
export const drain = (page: Page): Promise<boolean | undefined> =>
  page.evaluate(() => globalThis.anonchatStore?.drain());
