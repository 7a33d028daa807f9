// What people do in rooms, so that the tests can say it in a line. Everything is found as a person finds it: by role,
// label and text.
import type { Locator, Page, Response, WebSocket } from "@playwright/test";
import { type Guest, expect } from "./fixtures.ts";

/** Fields of `POST /api/rooms/create`. */
export interface NewRoom {
  type?: "group" | "p2p";
  name?: string;
  preserve?: boolean;
  nickname?: string;
}

/** How long a page may need to be back after its server was away: the waits between its tries grow to 15 s. */
export const BACK_MS = 40_000;

/** `K7M2QX` as people read it: `K7M 2QX`. */
export const spaced = (code: string): string => `${code.slice(0, 3)} ${code.slice(3)}`;

/** Does what leads into a room, and waits until the page follows it: scripts there, socket open, nothing missed. */
export async function following(page: Page, act: () => Promise<unknown>): Promise<void> {
  // A socket of the page before, which may just be connecting again, does not count.
  let document = 0;
  let followed = false;
  const onResponse = (response: Response) => {
    if (!response.request().isNavigationRequest()) return;
    document += 1;
    followed = false;
  };
  const onSocket = (socket: WebSocket) => {
    const opener = document;
    socket.on("framereceived", ({ payload }) => {
      followed ||= opener === document && /"type":"(snapshot|resumed)"/.test(payload.toString());
    });
  };
  page.on("response", onResponse).on("websocket", onSocket);
  try {
    await act();
    await expect
      .poll(() => followed, { message: "the page follows its room", intervals: [50], timeout: 20_000 })
      .toBe(true);
  } finally {
    page.off("response", onResponse).off("websocket", onSocket);
  }
}

/** Opens an address of a room that the guest is in, and waits until the page follows it. */
export async function open(page: Page, address: string): Promise<void> {
  await following(page, () => page.goto(address));
}

/** Makes a room without the page, and returns its code. */
export async function makeRoomByRest({ context }: Guest, room: NewRoom = {}): Promise<string> {
  const response = await context.request.post("/api/rooms/create", { data: { type: "group", ...room } });
  expect(response.status(), await response.text()).toBe(201);
  return ((await response.json()) as { room: { code: string } }).room.code;
}

/** Makes a room without clicking through the form, goes there, and returns its code. */
export async function makeRoom(guest: Guest, room: NewRoom = {}): Promise<string> {
  const code = await makeRoomByRest(guest, room);
  await open(guest.page, `/rooms/${code}`);
  return code;
}

/** Joins a room without the page. */
export async function joinByRest({ context }: Guest, code: string, nickname: string): Promise<void> {
  const response = await context.request.post("/api/rooms/join", { data: { code, nickname } });
  expect(response.status(), await response.text()).toBe(200);
}

/** Joins a room without clicking through the form, and goes there. */
export async function joinRoom(guest: Guest, code: string, nickname: string): Promise<void> {
  await joinByRest(guest, code, nickname);
  await open(guest.page, `/rooms/${code}`);
}

/** Says something without the page, as a message of this guest. */
export async function sayByRest({ context }: Guest, code: string, body: string): Promise<void> {
  const data = { code, id: messageId(), body };
  const response = await context.request.post("/api/messages", { data });
  expect(response.status(), await response.text()).toBe(200);
}

/** Joins a room and says something in it, without the page. */
export async function visitAndSay(guest: Guest, code: string, nickname: string, ...texts: string[]): Promise<void> {
  await joinByRest(guest, code, nickname);
  for (const text of texts) await sayByRest(guest, code, text);
}

/** Joins a room and says `Message <from>` to `Message <to>` there, in this order, by a socket and without the room's page. */
export async function sayMany(guest: Guest, code: string, nickname: string, from: number, to: number): Promise<void> {
  await joinByRest(guest, code, nickname);
  await guest.page.goto("/");
  await guest.page.evaluate(
    ([code, from, to]) =>
      new Promise<void>((done, failed) => {
        /** On their way at once, at most: enough to keep a server busy. */
        const ahead = 100;
        const socket = new WebSocket(location.origin.replace("http", "ws") + "/ws");
        let said = from - 1;
        let acked = from - 1;
        const sayMore = () => {
          while (said < Math.min(to, acked + ahead)) {
            said += 1;
            socket.send(JSON.stringify({ type: "send", code, id: crypto.randomUUID(), body: `Message ${said}` }));
          }
        };
        socket.onopen = () => socket.send(JSON.stringify({ type: "subscribe", code }));
        socket.onclose = (event) => failed(new Error(`the socket closed: ${event.code}`));
        socket.onmessage = ({ data }) => {
          const frame = JSON.parse(data);
          if (frame.type === "error") failed(new Error(data));
          if (frame.type === "snapshot") sayMore();
          if (frame.type !== "ack") return;
          acked += 1;
          sayMore();
          if (acked < to) return;
          socket.onclose = null;
          socket.close();
          done();
        };
      }),
    [code, from, to] as const,
  );
}

let made = 0;

/** A UUIDv7. */
function messageId(): string {
  const time = Date.now().toString(16).padStart(12, "0");
  const count = (made++).toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${count}`;
}

/** The code in the page's address. */
export function codeOf(page: Page): string {
  const code = /\/rooms\/([0-9A-Z]{6})$/.exec(page.url())?.[1];
  if (!code) throw new Error(`${page.url()} is not a room's address`);
  return code;
}

export const composer = (page: Page): Locator => page.getByRole("textbox", { name: "Message" });
export const sendButton = (page: Page): Locator => page.getByRole("button", { name: "Send", exact: true });
export const log = (page: Page): Locator => page.getByRole("log", { name: "Messages" });
/** The texts of the messages, oldest first. */
export const messages = (page: Page): Locator => log(page).locator(".message__text");
/** The messages that the server does not have yet. */
export const pending = (page: Page): Locator => log(page).getByRole("listitem").filter({ hasText: "Not sent yet" });
/** What stands under one's own messages: how far they have come. */
export const marks = (page: Page): Locator => log(page).locator(".message__mark");
/** The line before what had not been read when the page was opened. */
export const unreadLine = (page: Page): Locator => log(page).getByText("New messages", { exact: true });
/** The text of the message after the line. */
export const firstNew = (page: Page): Locator => log(page).locator(".unread + li .message__text");
/** What happened besides messages. */
export const notices = (page: Page): Locator => log(page).locator(".notice");
export const dialog = (page: Page, name: string | RegExp): Locator => page.getByRole("dialog", { name });
/** The chip in the header that shows the code. */
export const codeChip = (page: Page): Locator => page.getByRole("button", { name: /^Copy code/ }).first();

/** Says something, as one does on this device: with Enter, or on a phone, where Enter makes a line, with the button. */
export async function say(page: Page, text: string): Promise<void> {
  await composer(page).fill(text);
  // Not before the page is there to take it.
  await expect(sendButton(page)).toBeEnabled();
  if (isPhone(page)) await sendButton(page).tap();
  else await composer(page).press("Enter");
}

/** Takes a page off the screen, or brings it back, as far as its scripts can tell. */
export async function setShown(page: Page, shown: boolean): Promise<void> {
  await page.evaluate(
    (state) => {
      Object.defineProperty(document, "visibilityState", { configurable: true, get: () => state });
      document.dispatchEvent(new Event("visibilitychange"));
    },
    shown ? "visible" : "hidden",
  );
}

export const isPhone = (page: Page): boolean => (page.viewportSize()?.width ?? 0) < 1024;

/** Who is in the room, one item a person. On a phone this opens their dialog, which `act` then has on the screen. */
export async function withMembers(page: Page, act: (members: Locator) => Promise<void>): Promise<void> {
  if (!isPhone(page)) {
    await act(page.getByRole("complementary", { name: /^Members/ }).getByRole("listitem"));
    return;
  }
  const list = dialog(page, /^Members/);
  await page.getByRole("button", { name: /^\d+ members?$/ }).click();
  await expect(list).toBeVisible();
  await act(list.getByRole("listitem"));
  if (await list.isVisible()) await list.getByRole("button", { name: "Close" }).click();
  await expect(list).toBeHidden();
}

/** Leaves the room for good. */
export async function exit(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Exit" }).click();
  await dialog(page, "Leave this room?").getByRole("button", { name: "Leave" }).click();
  await expect(page).toHaveURL(/\/$/);
}
