// Helpers for what people do in rooms, each usable in one line of a test. Elements are found as a person finds them: by
// role, label and text.
import type { EventEmitter } from "node:events";
import type { Locator, Page, Response } from "@playwright/test";
import { type Caller, type Guest, expect } from "./fixtures.ts";
import { type Line, loadedBy } from "./sockets.ts";

/** Fields of `POST /api/rooms/create`. */
export interface NewRoom {
  type?: "group" | "p2p";
  name?: string;
  preserve?: boolean;
  nickname?: string;
}

/** How long a page may take to reconnect after its server was away. The waits between its attempts grow to 15 s. */
export const BACK_MS = 40_000;

/** The code `K7M2QX` as people read it: `K7M 2QX`. */
export const spaced = (code: string): string => `${code.slice(0, 3)} ${code.slice(3)}`;

/**
 * Runs `act`, which opens a room, and waits until the page is live: scripts attached, socket or stream open, and
 * nothing missed.
 */
export async function following(page: Page, act: () => Promise<unknown>): Promise<void> {
  // A socket or stream of the previous document, which may be reconnecting, does not count.
  let document = 0;
  let followed = false;
  const onResponse = (response: Response) => {
    if (!response.request().isNavigationRequest()) return;
    document += 1;
    followed = false;
  };
  const onLine = (line: Line) => {
    const opener = document;
    const onFrame = ({ payload }: { payload: string | Buffer }) => {
      followed ||= opener === document && /^\{"(snapshot|resumed)":/.test(payload.toString());
    };
    // A socket and a stream have the same methods, but not as TypeScript sees it.
    const emitter = line as EventEmitter;
    emitter.on("framereceived", onFrame);
    attached.push(() => emitter.off("framereceived", onFrame));
  };
  const attached: (() => void)[] = [];
  const loaded = loadedBy(page);
  page.on("response", onResponse);
  loaded.on("line", onLine);
  // A step inside the page goes by the socket or the stream that is open.
  loaded.lines.forEach(onLine);
  try {
    await act();
    await expect
      .poll(() => followed, { message: "the page follows its room", intervals: [50], timeout: 20_000 })
      .toBe(true);
  } finally {
    page.off("response", onResponse);
    loaded.off("line", onLine);
    for (const detach of attached) detach();
  }
}

/** Opens the address of a room in which the guest is a member, and waits until the page is live. */
export async function open(page: Page, address: string): Promise<void> {
  await following(page, () => page.goto(address));
}

/** Creates a room over REST and returns its code. */
export async function makeRoomByRest({ context }: Caller, room: NewRoom = {}): Promise<string> {
  const response = await context.request.post("/api/rooms/create", { data: { type: "group", ...room } });
  expect(response.status(), await response.text()).toBe(201);
  return ((await response.json()) as { room: { code: string } }).room.code;
}

/** Creates a room over REST, opens it, and returns its code. */
export async function makeRoom(guest: Guest, room: NewRoom = {}): Promise<string> {
  const code = await makeRoomByRest(guest, room);
  await open(guest.page, `/rooms/${code}`);
  return code;
}

/** Joins a room over REST. */
export async function joinByRest({ context }: Caller, code: string, nickname: string): Promise<void> {
  const response = await context.request.post("/api/rooms/join", { data: { code, nickname } });
  expect(response.status(), await response.text()).toBe(200);
}

/** Joins a room over REST and opens it. */
export async function joinRoom(guest: Guest, code: string, nickname: string): Promise<void> {
  await joinByRest(guest, code, nickname);
  await open(guest.page, `/rooms/${code}`);
}

/** A message in the log. */
export interface Target {
  seq: number;
  id: string;
}

/** Posts a message over REST, as this guest: a reply, if `to` is given. */
export async function sayByRest({ context }: Caller, code: string, body: string, to?: Target): Promise<Target> {
  const data = { code, id: messageId(), body, reply_to: to };
  const response = await context.request.post("/api/messages", { data });
  expect(response.status(), await response.text()).toBe(200);
  const { seq, id } = (await response.json()) as Target;
  return { seq, id };
}

/** Changes the text of a message over REST, or deletes it if there is none. */
export async function changeByRest({ context }: Caller, code: string, of: Target, body?: string): Promise<void> {
  const data = { code, id: of.id, body };
  const method = body === undefined ? "DELETE" : "PATCH";
  const response = await context.request.fetch(`/api/messages/${of.seq}`, { method, data });
  expect(response.status(), await response.text()).toBe(200);
}

/** Joins a room and posts messages, over REST. */
export async function visitAndSay(guest: Caller, code: string, nickname: string, ...texts: string[]): Promise<void> {
  await joinByRest(guest, code, nickname);
  for (const text of texts) await sayByRest(guest, code, text);
}

/**
 * Joins a room and sends `Message <from>` to `Message <to>` in this order, over a socket of its own and without the
 * room's page.
 */
export async function sayMany(guest: Guest, code: string, nickname: string, from: number, to: number): Promise<void> {
  await joinByRest(guest, code, nickname);
  await guest.page.goto("/");
  await guest.page.evaluate(
    ([code, from, to]) =>
      new Promise<void>((done, failed) => {
        /** The maximum number of messages under way at once: enough to keep a server busy. */
        const ahead = 100;
        const socket = new WebSocket(location.origin.replace("http", "ws") + "/ws");
        let said = from - 1;
        let acked = from - 1;
        const sayMore = () => {
          while (said < Math.min(to, acked + ahead)) {
            said += 1;
            socket.send(JSON.stringify({ send: { code, id: crypto.randomUUID(), body: `Message ${said}` } }));
          }
        };
        socket.onopen = () => socket.send(JSON.stringify({ subscribe: { code } }));
        socket.onclose = (event) => failed(new Error(`the socket closed: ${event.code}`));
        socket.onmessage = ({ data }) => {
          const frame = JSON.parse(data);
          if (frame.error) failed(new Error(data));
          if (frame.snapshot) sayMore();
          if (!frame.ack) return;
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

/** What a room shows on the page of its link, before one joins. */
export const peekOf = (page: Page): Locator => page.locator(".peek");

/** Removes a member over REST, as the owner. */
export async function removeByRest(owner: Caller, code: string, name: string): Promise<void> {
  const data = { code, member_id: await memberId(owner, code, name) };
  const response = await owner.context.request.post("/api/rooms/kick", { data });
  expect(response.status(), await response.text()).toBe(204);
}

/** The id of a member, as another member sees it. */
export async function memberId({ context }: Caller, code: string, name: string): Promise<string> {
  const response = await context.request.get(`/api/rooms/${code}`);
  const { members } = (await response.json()) as { members: { id: string; name: string }[] };
  return members.find((member) => member.name === name)!.id;
}

let made = 0;

/** Makes a UUIDv7. */
export function messageId(): string {
  const time = Date.now().toString(16).padStart(12, "0");
  const count = (made++).toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${count}`;
}

/** The room code in the address of the page. */
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
/** The marks under one's own messages ("Sent", "Seen"). */
export const marks = (page: Page): Locator => log(page).locator(".message__mark");
/** The line above the messages that were unread when the page was opened. */
export const unreadLine = (page: Page): Locator => log(page).getByText("New messages", { exact: true });
/** The text of the first message below that line. */
export const firstNew = (page: Page): Locator => log(page).locator(".unread + li .message__text");
/** The notices in the timeline: everything besides messages. */
export const notices = (page: Page): Locator => log(page).locator(".notice");
export const dialog = (page: Page, name: string | RegExp): Locator => page.getByRole("dialog", { name });
/** The line below the title of a room. */
export const facts = (page: Page): Locator => page.locator(".room-header .facts");
/** The menu in the header of a room. */
export const menu = (page: Page): Locator => page.locator("#room-menu");
export const more = (page: Page): Locator => page.getByRole("button", { name: /^(More|Mehr)$/ });

/** Chooses an item of that menu. */
export async function choose(page: Page, item: string): Promise<void> {
  await more(page).click();
  await menu(page).getByRole("button", { name: item }).click();
}

/** Expects the menu to offer the settings of the room, or not. */
export async function expectSettings(page: Page, offered: boolean): Promise<void> {
  await more(page).click();
  await expect(menu(page).getByRole("button", { name: "Leave room" })).toBeVisible();
  await expect(menu(page).getByRole("button", { name: "Room settings" })).toBeVisible({ visible: offered });
  await page.keyboard.press("Escape");
  await expect(menu(page)).toBeHidden();
}

/**
 * Sends a message the way this device does: with Enter on a desktop, with the button on a phone, where Enter makes a
 * new line.
 */
export async function say(page: Page, text: string): Promise<void> {
  await composer(page).fill(text);
  // Waits until the page's scripts can take the message.
  await expect(sendButton(page)).toBeEnabled();
  if (isPhone(page)) await sendButton(page).tap();
  else await composer(page).press("Enter");
}

/** The list of the rooms of somebody with an account. */
export const rooms = (page: Page): Locator => page.getByRole("navigation", { name: "Rooms" });
/** The link to a room in that list. */
export const row = (page: Page, name: string): Locator =>
  rooms(page).getByRole("listitem").filter({ hasText: name }).getByRole("link");

/** Goes to a room by the list. Waits for what was `said` last, which moves its room to the top of the list. */
export async function go(page: Page, name: string, said?: string): Promise<void> {
  if (isPhone(page) && (await rooms(page).isHidden())) await page.getByRole("link", { name: /^All rooms/ }).click();
  if (said) await expect(rooms(page).getByRole("listitem").first()).toContainText(`You: ${said}`);
  await row(page, name).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(name);
}

/** Makes the page believe that it is on the screen, or hidden. */
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

/** Passes the members of the room to `act`, one item each. On a phone the members' dialog is open meanwhile. */
export async function withMembers(page: Page, act: (members: Locator) => Promise<void>): Promise<void> {
  if (!isPhone(page)) {
    await act(page.getByRole("complementary", { name: /^Members/ }).getByRole("listitem"));
    return;
  }
  const list = dialog(page, /^Members/);
  await choose(page, "Members");
  await expect(list).toBeVisible();
  await act(list.getByRole("listitem"));
  if (await list.isVisible()) await list.getByRole("button", { name: "Close" }).click();
  await expect(list).toBeHidden();
}

/** Opens the menu of a member, and chooses an action in it. The list of members is visible. */
export async function actOn(page: Page, name: string, action: string): Promise<void> {
  await page.getByRole("button", { name: `Actions for ${name}` }).click();
  await page.locator(".menu:popover-open").getByRole("button", { name: action }).click();
}

/** The line about the message that a reply is to. */
export const quotes = (page: Page): Locator => log(page).locator(".message__quote");
/** The line above the composer: what is replied to, or that a message is edited. */
export const composing = (page: Page): Locator => page.locator(".composer__about");
/** The menu of a message. */
export const actions = (page: Page): Locator => dialog(page, "Message actions");

/** Opens the menu of a message the way this device does: a finger stays on it, or the right button is pressed. */
export async function openActions(page: Page, text: string): Promise<void> {
  await shortcuts(page);
  const message = messages(page).filter({ hasText: text });
  if (!isPhone(page)) {
    await message.click({ button: "right" });
    await expect(actions(page)).toBeVisible();
    return;
  }
  await message.scrollIntoViewIfNeeded();
  const { x, y, width, height } = (await message.boundingBox())!;
  const finger = await page.context().newCDPSession(page);
  const touchPoints = [{ x: x + width / 2, y: y + height / 2 }];
  await finger.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints });
  await expect(actions(page)).toBeVisible();
  await finger.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
  await finger.detach();
}

/** Chooses what to do with a message, in its menu. */
export async function act(page: Page, text: string, item: string): Promise<void> {
  await openActions(page, text);
  await actions(page).getByRole("menuitem", { name: item }).click();
  await expect(actions(page)).toBeHidden();
}

/** The reactions below a message: each emoji with its number. */
export const reactions = (page: Page, text: string): Locator =>
  log(page).getByRole("listitem").filter({ hasText: text }).locator(".reaction");

/** Reacts to a message by its menu. */
export async function react(page: Page, text: string, emoji: string): Promise<void> {
  await openActions(page, text);
  await actions(page).getByRole("menuitemcheckbox", { name: emoji }).click();
  await expect(actions(page)).toBeHidden();
}

/** Waits for the shortcuts of keys, which come after hydration. */
export async function shortcuts(page: Page): Promise<void> {
  await page.evaluate(() => import(`/window.js?v=${document.documentElement.dataset["version"]}`));
}

/** Leaves the room for good. */
export async function exit(page: Page): Promise<void> {
  await choose(page, "Leave room");
  await dialog(page, "Leave this room?").getByRole("button", { name: "Leave" }).click();
  await expect(page).toHaveURL(/\/$/);
}
