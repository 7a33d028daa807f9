// Every state of the pages of which the gallery has pictures. Each is made by real use, through the browser and REST.
import type { BrowserContextOptions, Locator, Page, Response } from "@playwright/test";
import { PASSWORD, card, field, logIn, pathOf, press, register, registerAndConfirm } from "./account.ts";
import { type Caller, type Guest, type Stack, controlled, expect, visit } from "./fixtures.ts";
import { linkIn, mailTo, newAddress } from "./mails.ts";
import { keep } from "./kept.ts";
import {
  type NewRoom,
  act,
  changeByRest,
  choose,
  composer,
  dialog,
  isPhone,
  joinByRest,
  joinRoom,
  log,
  makeRoom,
  makeRoomByRest,
  memberId,
  messageId,
  open,
  openActions,
  pending,
  react,
  reactions,
  removeByRest,
  say,
  sayByRest,
  shortcuts,
  spaced,
  visitAndSay,
} from "./room.ts";
import { TALK } from "./talk.ts";

export const SIZES = {
  phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
  desktop: { viewport: { width: 1280, height: 800 } },
} satisfies Record<string, BrowserContextOptions>;
export type Size = keyof typeof SIZES;

/** Those whom a state needs beside the person whose page is in the picture. */
export interface World {
  stack: Stack;
  /** Somebody with a browser, whose pages have the size of a desktop. */
  friend: (options?: BrowserContextOptions) => Promise<Guest>;
  /** Somebody without a browser. */
  caller: () => Promise<Caller>;
}

export interface State {
  area: string;
  /** What is to be seen: the caption of the picture. */
  name: string;
  /** Brings the page of `me` into the state. */
  make: (me: Guest, world: World) => Promise<unknown>;
  /** The browser of `me`, where it differs from that of its size. */
  browser?: BrowserContextOptions;
  /** The sizes that have this state, by default both. */
  sizes?: Size[];
  /** Settings of servers for this state alone, which it may also stop. */
  servers?: Record<string, string>;
  /** The errors in the console that belong to this state. */
  allows?: RegExp;
  /** How many times as large as usual the letters of the browser are. */
  letters?: number;
}

const REFUSED = /status of 4\d\d/;
const CUT_OFF =
  /ERR_(CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE|INCOMPLETE_CHUNKED_ENCODING|INTERNET_DISCONNECTED|FAILED)|WebSocket connection to/;
/** Guests leave after three seconds without a connection: long enough to open a page on a busy machine. */
const HASTY = { GUEST_GRACE_SECONDS: "3" };
const NO_SCRIPTS: BrowserContextOptions = { javaScriptEnabled: false };

const code = (page: Page): Locator => page.getByRole("textbox", { name: "Room code" });
const nickname = (page: Page): Locator => page.getByRole("textbox", { name: "Your name in this room" });
/** The texts of the messages, in any language. */
const texts = (page: Page): Locator => page.getByRole("log").locator(".message__text");
const shown = (page: Page, text: string | RegExp): Promise<void> =>
  expect(page.getByText(text).filter({ visible: true }).first()).toBeVisible();

/** Sends a request that has to succeed. */
async function call({ context }: Caller, method: "POST" | "PUT", path: string, data: object): Promise<void> {
  const response = await context.request.fetch(path, { method, data });
  expect(response.ok(), await response.text()).toBe(true);
}

/** People with these names join a room. */
async function people(world: World, room: string, ...names: string[]): Promise<Caller[]> {
  const joined: Caller[] = [];
  for (const name of names) {
    const caller = await world.caller();
    await joinByRest(caller, room, name);
    joined.push(caller);
  }
  return joined;
}

/**
 * Somebody joins a room, follows it over a socket, and reads all of it. Without the room's page, because many people in
 * many rooms would be a long wait for their pages.
 */
async function follower(world: World, room: string, name: string): Promise<Guest> {
  const friend = await world.friend();
  await joinByRest(friend, room, name);
  await friend.page.goto("/robots.txt");
  await friend.page.evaluate(
    (code) =>
      new Promise<void>((done) => {
        const socket = new WebSocket(location.origin.replace("http", "ws") + "/ws");
        const send = (frame: object) => socket.send(JSON.stringify(frame));
        socket.onopen = () => send({ subscribe: { code } });
        socket.onmessage = ({ data }) => {
          const { snapshot, event } = JSON.parse(data);
          if (event) send({ read: { code, seq: event.event.seq } });
          if (snapshot) done();
        };
        Object.assign(globalThis, { type: () => setInterval(() => send({ typing: { code, on: true } }), 500) });
      }),
    room,
  );
  return friend;
}

const NAMES = ["Jonas", "Aiko", "Tom", "Lena", "Yusuf", "Priya", "Chiara"];

/** A room in which Mira, Jonas and Aiko talk, open on Mira's page. In a room for two there is no Aiko. */
async function walk(mira: Guest, world: World, room: NewRoom = {}) {
  const made = { name: "Saturday walk", nickname: "Mira", preserve: true, ...room };
  const code = await makeRoom(mira, made);
  const jonas = await follower(world, code, "Jonas");
  const aiko = made.type === "p2p" ? jonas : (await people(world, code, "Aiko"))[0]!;
  const speakers = { Mira: mira, Jonas: jonas, Aiko: aiko };
  for (const [name, text] of TALK) await sayByRest(speakers[name], code, text);
  await expect(texts(mira.page)).toHaveCount(TALK.length);
  await expect(mira.page.locator(".message__mark")).toHaveText(/Seen|Gelesen/);
  return { code, jonas };
}

/** A room of Jonas with many messages, which Mira opens at its end. */
async function longRoom(mira: Guest, world: World, count = 130): Promise<{ jonas: Caller; code: string }> {
  const jonas = await world.caller();
  const code = await makeRoomByRest(jonas, { name: "Saturday walk", nickname: "Jonas", preserve: true });
  const lines = TALK.map(([, text]) => text);
  for (let i = 0; i < count; i++) await sayByRest(jonas, code, lines[i % lines.length]!);
  await joinRoom(mira, code, "Mira");
  await expect(texts(mira.page).last()).toBeInViewport();
  return { jonas, code };
}

/** Turns the wheel over the timeline until it is at its top. */
async function scrollUp(page: Page, by = 3_000): Promise<void> {
  await log(page).hover();
  await page.mouse.wheel(0, -by);
}

/** Opens a page of the preferences as Mira, whose address is confirmed. */
async function preferences(mira: Guest, page = ""): Promise<string> {
  const email = await registerAndConfirm(mira, "Mira");
  await mira.page.goto(`/preferences${page}`);
  return email;
}

/** The rooms of Mira, who has an account. `chess` is that of two, and in `books` somebody speaks of her. */
async function tenRooms(mira: Guest, world: World): Promise<{ chess: string; books: string; jonas: Caller }> {
  await registerAndConfirm(mira, "Mira");
  const [jonas, lena] = [await world.caller(), await world.caller()];
  await register(jonas, "Jonas");
  await register(lena, "Lena");
  const rooms: [string | undefined, NewRoom["type"], Caller, string, ...string[]][] = [
    ["Allotment garden, plots 12 to 20", "group", lena, "Lena", "Who has the key to the shed?"],
    [undefined, "group", jonas, "Jonas", "Does anybody know what this room was for?"],
    ["Choir", "group", lena, "Lena", "No rehearsal this week"],
    [
      "Moving house",
      "group",
      jonas,
      "Jonas",
      "The van is booked from eight until noon, so please be there a little before",
    ],
    ["Sunday lunch", "group", lena, "Lena", "I cook 🍝"],
    ["Neighbours", "group", jonas, "Jonas", ...Array.from({ length: 120 }, (_, i) => `Parcel number ${i + 1} is here`)],
    ["Chess", "p2p", jonas, "Tom", "Your move!"],
    ["Saturday walk", "group", jonas, "Jonas", "Then I bring the cake"],
    ["Book club", "group", lena, "Lena", "Read chapter two?", "Mira, I could not stop at two"],
  ];
  const codes: Record<string, string> = {};
  await makeRoomByRest(mira, { name: "Shopping list", nickname: "Mira", preserve: true });
  for (const [name, type, who, nickname, ...said] of rooms) {
    const code = await makeRoomByRest(mira, { ...(name && { name }), ...(type && { type }), nickname: "Mira" });
    codes[name ?? ""] = code;
    await visitAndSay(who, code, nickname, ...said);
  }
  await call(mira, "PUT", "/api/rooms/mute", { code: codes["Neighbours"], muted: true });
  // The list follows the rooms a moment later, and what comes after a page was opened is news for it.
  const unread = async () => {
    const list = (await (await mira.context.request.get("/api/rooms/my-rooms")).json()) as { unread: number }[];
    return list.filter(({ unread }) => unread > 0).length;
  };
  await expect.poll(unread).toBe(rooms.length);
  return { chess: codes["Chess"]!, books: codes["Book club"]!, jonas };
}

/** Opens the list of rooms, and waits until its scripts are there. */
async function openList(page: Page): Promise<void> {
  await visit(page, "/dashboard");
}

/** Goes to the link of a room in which Jonas and Lena are. */
async function toDoor({ page }: Guest, world: World): Promise<void> {
  const room = await makeRoomByRest(await world.caller(), { name: "Saturday walk", nickname: "Jonas", preserve: true });
  await joinByRest(await world.caller(), room, "Lena");
  await visit(page, `/rooms/${room}`);
  await shown(page, "Saturday walk");
}

const states: State[] = [];
/** Adds states of an area. */
function area(area: string, of: Omit<State, "area">[]): void {
  states.push(...of.map((state) => ({ area, ...state })));
}

area("Start page", [
  { name: "a first visit", make: ({ page }) => visit(page, "/") },
  {
    name: "a code is typed",
    make: async ({ page }) => {
      await visit(page, "/");
      await code(page).fill("K7M 2QX");
      await nickname(page).fill("Mira");
    },
  },
  {
    name: "what was typed is no code",
    allows: REFUSED,
    make: async ({ page }) => {
      await visit(page, "/");
      await code(page).fill("K7M 2Q");
      await press(page, "Join");
      await expect(code(page)).toHaveAccessibleDescription(/six characters/);
    },
  },
  {
    name: "a code that leads nowhere",
    allows: REFUSED,
    make: async ({ page }) => {
      await visit(page, "/");
      await code(page).fill("000 000");
      await press(page, "Join");
      await expect(code(page)).toHaveAccessibleDescription(/Can’t join/);
    },
  },
  {
    name: "a guest who is in a room",
    make: async (me) => {
      await makeRoomByRest(me, { nickname: "Mira" });
      await visit(me.page, "/");
    },
  },
  {
    name: "a guest who joins a second room",
    allows: REFUSED,
    make: async (me, world) => {
      await makeRoomByRest(me, { nickname: "Mira" });
      const other = await makeRoomByRest(await world.caller(), { nickname: "Jonas" });
      await visit(me.page, "/");
      await code(me.page).fill(spaced(other));
      await press(me.page, "Join");
      await expect(me.page.getByRole("button", { name: /^Leave .* and join$/ })).toBeVisible();
    },
  },
  {
    name: "somebody with an account",
    make: async (me) => {
      await register(me, "Mira");
      await me.page.goto("/");
    },
  },
  { name: "without scripts", browser: NO_SCRIPTS, make: ({ page }) => page.goto("/") },
]);

area("Door", [
  { name: "a link to a room", make: toDoor },
  {
    name: "somebody with an account",
    make: async (me, world) => {
      await register(me, "Mira");
      await toDoor(me, world);
    },
  },
  {
    name: "a link that leads nowhere",
    allows: REFUSED,
    make: async ({ page }) => {
      await visit(page, "/rooms/K7M2QX");
      await shown(page, "You can’t join this room");
    },
  },
  { name: "a link without a code", allows: REFUSED, make: ({ page }) => visit(page, "/rooms/K7M2") },
  {
    name: "a name that is too long",
    make: async (me, world) => {
      await toDoor(me, world);
      await nickname(me.page).fill("Mira ".repeat(8));
      await expect(nickname(me.page)).toHaveAccessibleDescription(/up to 32/);
    },
  },
  {
    name: "a guest who is in another room",
    make: async (me, world) => {
      await makeRoomByRest(me, { nickname: "Mira" });
      await toDoor(me, world);
    },
  },
  {
    name: "a guest who is in another room and cannot join",
    allows: REFUSED,
    make: async (me) => {
      await makeRoomByRest(me, { nickname: "Mira" });
      await visit(me.page, "/rooms/P4T9RA");
      await shown(me.page, "You can’t join this room");
    },
  },
  {
    name: "somebody who was removed",
    make: async (me, world) => {
      const jonas = await world.caller();
      const room = await makeRoomByRest(jonas, { nickname: "Jonas" });
      await joinByRest(me, room, "Mira");
      await removeByRest(jonas, room, "Mira");
      await me.page.goto(`/rooms/${room}`);
      await shown(me.page, /The owner removed you/);
    },
  },
  {
    name: "somebody whose place is taken",
    make: async (me, world) => {
      const room = await makeRoomByRest(await world.caller(), { nickname: "Jonas", type: "p2p" });
      await joinByRest(me, room, "Mira");
      await call(me, "POST", "/api/rooms/leave", { code: room });
      await joinByRest(await world.caller(), room, "Aiko");
      await me.page.goto(`/rooms/${room}`);
      await shown(me.page, "This room is full");
    },
  },
  {
    name: "too many wrong codes",
    servers: { RATE_LIMITS: "on" },
    allows: REFUSED,
    make: async ({ context, page }, world) => {
      const room = await makeRoomByRest(await world.caller(), { nickname: "Jonas" });
      const data = { code: "K7M2QX", nickname: "Mira" };
      const status = async () => (await context.request.post("/api/rooms/join", { data })).status();
      await expect.poll(status, { intervals: [10] }).toBe(429);
      await visit(page, `/rooms/${room}`);
      await press(page, "Join");
      await shown(page, /a little fast/);
    },
  },
  { name: "without scripts", browser: NO_SCRIPTS, make: ({ page }) => page.goto("/rooms/K7M2QX") },
]);

area("New room", [
  { name: "a group", make: ({ page }) => visit(page, "/rooms/new") },
  {
    name: "for two, with its messages saved",
    make: async ({ page }) => {
      await visit(page, "/rooms/new");
      await page.getByRole("radio", { name: /^One-to-one/ }).check();
      await page.getByRole("switch", { name: "Save messages" }).check();
      await page.getByRole("textbox", { name: "Room name" }).fill("Chess");
      await nickname(page).fill("Mira");
    },
  },
  {
    name: "names that are too long",
    allows: REFUSED,
    make: async ({ page }) => {
      await visit(page, "/rooms/new");
      await page.getByRole("textbox", { name: "Room name" }).fill("Saturday walk ".repeat(6));
      await nickname(page).fill("Mira ".repeat(8));
      await press(page, "Create");
      await expect(nickname(page)).toHaveAttribute("aria-invalid", "true");
    },
  },
  {
    name: "a guest who is in a room",
    make: async (me) => {
      await makeRoomByRest(me, { nickname: "Mira" });
      await visit(me.page, "/rooms/new");
    },
  },
  {
    name: "a server without space",
    servers: { DISK_FLOOR_MIB: "100000000" },
    allows: /status of 5\d\d/,
    make: async ({ page }) => {
      await visit(page, "/rooms/new");
      await page.getByRole("switch", { name: "Save messages" }).check();
      await press(page, "Create");
      await shown(page, /no space left for saved messages/);
    },
  },
]);

area("Room", [
  {
    name: "messages that were edited, deleted and replied to",
    make: async (me, world) => {
      const { code, jonas } = await walk(me, world);
      const time = await sayByRest(me, code, "We meet at nine.");
      const secret = await sayByRest(me, code, "I am bringing a surprise for Aiko");
      const rude = await sayByRest(jonas, code, "Nobody wants to hear that");
      await sayByRest(jonas, code, "At nine? You said ten before.", time);
      await sayByRest(jonas, code, "What was it?", secret);
      const own = await sayByRest(me, code, "Sorry, at ten.", time);
      await changeByRest(me, code, time, "We meet at ten, by the old mill.");
      await changeByRest(me, code, secret);
      await changeByRest(me, code, rude);
      await changeByRest(me, code, own, "Yes, at ten.");
      await shown(me.page, "Yes, at ten.");
    },
  },
  {
    name: "formatted messages",
    make: async (me, world) => {
      const { code, jonas } = await walk(me, world);
      for (const who of [jonas, me]) {
        await sayByRest(
          who,
          code,
          "**Bring** _warm_ clothes, ~~tea~~ coffee and `maps`.\n> The walk starts at *ten*,\n> by the old mill.\n- Cake\n- A blanket that is large enough for all of us, also for those who come later\n1. [The route](https://example.org/walk)\n2. The weather\n```sh\nping mill.example\n```\nThe surprise: ||a boat|| 🚣",
        );
        await sayByRest(who, code, "👍🏽 🎂");
      }
      await expect(texts(me.page).last()).toContainText("🎂");
      const spoiler = me.page.getByRole("button", { name: "Spoiler" }).last();
      await shortcuts(me.page);
      await spoiler.click();
      await expect(me.page.getByText("a boat").last()).toBeVisible();
    },
  },
  {
    name: "the menu of a message",
    make: async (me, world) => {
      const { code } = await walk(me, world);
      await sayByRest(me, code, "We meet at nine.");
      await shown(me.page, "We meet at nine.");
      await openActions(me.page, "We meet at nine.");
    },
  },
  {
    name: "reactions",
    make: async (me, world) => {
      const { code } = await walk(me, world);
      await sayByRest(me, code, "We meet at nine.");
      await shown(me.page, "We meet at nine.");
      for (const emoji of ["👍", "❤️", "😂"]) await react(me.page, "We meet at nine.", emoji);
      await expect(reactions(me.page, "We meet at nine.")).toHaveCount(3);
    },
  },
  {
    name: "before a message is deleted",
    make: async (me, world) => {
      const { code } = await walk(me, world);
      await sayByRest(me, code, "We meet at nine.");
      await shown(me.page, "We meet at nine.");
      await act(me.page, "We meet at nine.", "Delete");
      await expect(dialog(me.page, "Delete this message?")).toBeVisible();
    },
  },
  {
    name: "writing a reply",
    make: async (me, world) => {
      const { code, jonas } = await walk(me, world);
      await sayByRest(jonas, code, "Shall we take the long way round, by the old mill and back along the river?");
      await shown(me.page, /the long way round/);
      await act(me.page, "the long way round", "Reply");
      await composer(me.page).fill("Only if it stays dry");
    },
  },
  {
    name: "editing a message",
    make: async (me, world) => {
      const { code } = await walk(me, world);
      await sayByRest(me, code, "We meet at nine.");
      await shown(me.page, "We meet at nine.");
      await act(me.page, "We meet at nine.", "Edit");
      await composer(me.page).fill("We meet at ten.");
    },
  },
  {
    name: "mentions, and names to mention",
    make: async (me, world) => {
      const { code, jonas } = await walk(me, world);
      const mentions = [await memberId(jonas, code, "Mira"), await memberId(jonas, code, "Aiko")];
      const body = "@Aiko and @Mira, who brings the map?";
      await call(jonas, "POST", "/api/messages", { code, id: messageId(), body, mentions });
      await shown(me.page, "@Mira");
      await composer(me.page).pressSequentially("@");
      await expect(me.page.getByRole("option")).not.toHaveCount(0);
    },
  },
  { name: "alone, without a name, nothing saved", make: (me) => makeRoom(me, { nickname: "Mira" }) },
  {
    name: "alone in a room for two, saved",
    make: (me) => makeRoom(me, { name: "Chess", nickname: "Mira", type: "p2p", preserve: true }),
  },
  {
    name: "two people, and nothing said",
    make: async (me, world) => {
      const room = await makeRoom(me, { name: "Saturday walk", nickname: "Mira" });
      await follower(world, room, "Jonas");
      await expect(log(me.page).locator(".notice").last()).toContainText("Jonas");
    },
  },
  {
    name: "a conversation of three",
    make: (me, world) => walk(me, world),
  },
  {
    name: "a conversation of two, nothing saved",
    make: (me, world) => walk(me, world, { type: "p2p", name: "Chess", preserve: false }),
  },
  {
    name: "somebody with an account, and the list of rooms",
    make: async (me, world) => {
      const { books, jonas } = await tenRooms(me, world);
      await open(me.page, `/rooms/${books}`);
      await joinByRest(jonas, books, "Jonas");
      await sayByRest(me, books, "Nor could I. Chapter three, then?");
      await expect(texts(me.page)).toHaveCount(3);
      // The list follows a moment later.
      await expect(me.page.locator(".room-row").first()).toContainText("You: Nor could I");
    },
  },
  {
    name: "runs of messages",
    make: async (me, world) => {
      const room = await makeRoom(me, { nickname: "Mira" });
      const [jonas] = await people(world, room, "Jonas");
      for (const text of ["Hello", "Is anybody there?", "I have news", "Good ones"])
        await sayByRest(jonas!, room, text);
      for (const text of ["Yes", "Here", "Tell us, and do not leave anything out, because we have all day"]) {
        await sayByRest(me, room, text);
      }
      await sayByRest(jonas!, room, "We have the flat!");
      await expect(texts(me.page)).toHaveCount(8);
    },
  },
  {
    name: "links, emoji, code, and letters from right to left",
    make: async (me, world) => {
      const room = await makeRoom(me, { name: "שולחן עגול", nickname: "Mira" });
      const [dana, tom] = await people(world, room, "דנה", "Tom");
      await sayByRest(dana!, room, "שלום לכולם! נפגשים מחר בשעה עשר?");
      await sayByRest(tom!, room, "🎉");
      await sayByRest(tom!, room, "👩‍👩‍👧‍👦🇳🇿👍🏽 all of us");
      await sayByRest(me, room, `See https://example.org/a/very/long/path/${"that-goes-on-".repeat(6)}?and=on#there`);
      const program = 'fn main() {\n    let sum: u32 = (1..=10).sum();\n\tprintln!("{sum}");\n}';
      await sayByRest(tom!, room, `This is \`main.rs\`:\n\`\`\`rust\n${program}\n\`\`\``);
      await sayByRest(me, room, "I get `error[E0308]` with\n```\nlet sum: u32 = (1..=10).sum::<i64>();\n```");
      await sayByRest(me, room, "مرحبا، هل الجميع هنا؟");
      await expect(texts(me.page)).toHaveCount(7);
    },
  },
  {
    name: "a long text, folded, and a word without an end",
    make: async (me, world) => {
      const room = await makeRoom(me, { nickname: "Mira" });
      const [jonas] = await people(world, room, "Jonas");
      const story = TALK.map(([, text]) => text).join(" ");
      await sayByRest(jonas!, room, "Donaudampfschifffahrtsgesellschaftskapitän".repeat(3));
      await sayByRest(jonas!, room, Array.from({ length: 12 }, (_, i) => `${i + 1}. ${story}`).join("\n"));
      await expect(me.page.getByRole("button", { name: "Read more" })).toBeVisible();
    },
  },
  {
    name: "names as long as they may be",
    make: async (me, world) => {
      const long = (name: string) => name.repeat(9).slice(0, 32);
      const room = await makeRoom(me, { name: "Wolfeschlegelstein".repeat(4).slice(0, 64), nickname: long("Mira") });
      const [jonas] = await people(world, room, long("Jonas"), long("WWWWW"));
      await sayByRest(jonas!, room, "My parents had time");
      await expect(texts(me.page)).toHaveCount(1);
    },
  },
  {
    name: "eight members",
    make: async (me, world) => {
      const room = await makeRoom(me, { name: "Choir", nickname: "Mira", preserve: true });
      for (const name of NAMES.slice(0, 2)) await follower(world, room, name);
      for (const [i, one] of (await people(world, room, ...NAMES.slice(2))).entries()) {
        await sayByRest(one, room, TALK[i]![1]);
      }
      await expect(texts(me.page)).toHaveCount(NAMES.length - 2);
    },
  },
  {
    name: "sixty members",
    make: async (me, world) => {
      const room = await makeRoom(me, { name: "Assembly", nickname: "Mira", preserve: true });
      const names = Array.from(
        { length: 58 },
        (_, i) => `${NAMES[i % NAMES.length]} ${String.fromCharCode(65 + (i % 26))}.`,
      );
      const all = await people(world, room, ...names);
      await follower(world, room, "Zoe");
      for (const [i, one] of all.slice(0, 4).entries()) await sayByRest(one, room, TALK[i]![1]);
      await expect(texts(me.page)).toHaveCount(4);
      await expect(me.page.locator(".member").nth(1)).toContainText("Zoe, online");
    },
  },
  {
    name: "notices of all kinds",
    make: async (me, world) => {
      const room = await makeRoom(me, { nickname: "Mira" });
      const [jonas, aiko, tom] = await people(world, room, "Jonas", "Aiko", "Tom");
      await sayByRest(jonas!, room, "Hello");
      await call(me, "PUT", "/api/rooms/name", { code: room, name: "Saturday walk" });
      await call(me, "PUT", "/api/rooms/preserve", { code: room, preserve: true });
      await sayByRest(aiko!, room, "Hello");
      await call(tom!, "POST", "/api/rooms/leave", { code: room });
      await removeByRest(me, room, "Aiko");
      await call(me, "PUT", "/api/rooms/preserve", { code: room, preserve: false });
      await people(world, room, "Lena", "Yusuf", "Priya", "Chiara");
      await call(me, "POST", "/api/rooms/owner", { code: room, member_id: await memberId(me, room, "Jonas") });
      await expect(log(me.page).locator(".notice").last()).toContainText("owner");
    },
  },
  {
    name: "new messages since the last visit",
    make: async (me, world) => {
      const { code, jonas } = await walk(me, world);
      await me.page.goto("about:blank");
      for (const text of ["It is raining", "Still", "And now the sun"]) await sayByRest(jonas, code, text);
      await open(me.page, `/rooms/${code}`);
      await shown(me.page, "New messages");
    },
  },
  {
    name: "more new messages than the screen holds",
    make: async (me, world) => {
      const { code, jonas } = await longRoom(me, world, 20);
      await me.page.goto("about:blank");
      for (let i = 0; i < 40; i++) await sayByRest(jonas, code, TALK[i % TALK.length]![1]);
      await open(me.page, `/rooms/${code}`);
      await shown(me.page, "New messages");
    },
  },
  {
    name: "scrolled up, while new messages come",
    make: async (me, world) => {
      const { code, jonas } = await longRoom(me, world);
      await scrollUp(me.page, 600);
      await expect(texts(me.page).last()).not.toBeInViewport();
      for (const text of ["One", "Two", "Three"]) await sayByRest(jonas, code, text);
      await shown(me.page, "3 new messages");
    },
  },
  {
    name: "earlier messages are loading",
    make: async (me, world) => {
      await me.page.route("**/api/chats/history**", () => {});
      await longRoom(me, world);
      await expect(async () => {
        await scrollUp(me.page);
        await expect(me.page.getByText("Loading earlier messages…")).toBeInViewport({ timeout: 500 });
      }).toPass();
    },
  },
  {
    name: "earlier messages do not come",
    allows: CUT_OFF,
    make: async (me, world) => {
      await me.page.route("**/api/chats/history**", (route) => route.abort());
      await longRoom(me, world);
      await expect(async () => {
        await scrollUp(me.page);
        await expect(me.page.getByText(/Can’t reach the server/)).toBeInViewport({ timeout: 500 });
      }).toPass();
    },
  },
  {
    name: "far up, with the day of what is visible",
    make: async (me, world) => {
      await longRoom(me, world);
      await scrollUp(me.page, 900);
      await shown(me.page, "Newest messages");
      await expect(me.page.locator(".day--floating")).toHaveText("Today");
    },
  },
  {
    name: "without the panel of members",
    sizes: ["desktop"],
    make: async (me, world) => {
      await walk(me, world);
      await press(me.page, "Members");
      await expect(me.page.getByRole("complementary")).toBeHidden();
    },
  },
  {
    name: "a name from right to left, beside the list",
    make: async (me, world) => {
      await registerAndConfirm(me, "Mira");
      const room = await makeRoomByRest(me, { name: "שולחן עגול!", nickname: "Mira" });
      await visitAndSay(await world.caller(), room, "דנה", "שלום!");
      await open(me.page, `/rooms/${room}`);
      await expect(texts(me.page)).toHaveCount(1);
    },
  },
  {
    name: "the beginning of a long room",
    make: async (me, world) => {
      await longRoom(me, world);
      await expect(async () => {
        await scrollUp(me.page);
        await expect(log(me.page).locator(".notice").first()).toBeInViewport({ timeout: 500 });
      }).toPass();
    },
  },
  {
    name: "seen by five, and the list of them",
    make: async (me, world) => {
      const room = await makeRoom(me, { name: "Choir", nickname: "Mira" });
      for (const name of NAMES.slice(0, 5)) await follower(world, room, name);
      await say(me.page, "Rehearsal at seven");
      await me.page.getByRole("button", { name: "Seen by 5" }).click();
      await expect(dialog(me.page, "Seen by 5")).toBeVisible();
    },
  },
  {
    name: "somebody is typing",
    make: async (me, world) => {
      const { jonas } = await walk(me, world);
      await jonas.page.evaluate(() => (globalThis as unknown as { type: () => void }).type());
      await shown(me.page, "Jonas is typing…");
    },
  },
  {
    name: "a draft of several lines",
    make: async (me, world) => {
      await walk(me, world);
      await composer(me.page).fill(
        "Bring:\n- a coat\n- something to drink\n- the map, because there is no signal by the mill",
      );
    },
  },
  {
    name: "a text that is too long to send",
    make: async (me, world) => {
      await walk(me, world);
      await composer(me.page).fill("Rain until nine, then sun. ".repeat(150));
      await shown(me.page, /up to 4,000 characters/);
    },
  },
  {
    name: "a message is refused",
    make: async (me, world) => {
      // No message of this page reaches the server. The answer is that of a server whose quota is used up.
      const detail = "The daily limit for saved messages is reached. Try again in 12 minutes.";
      await me.page.routeWebSocket(/\/ws$/, (socket) => {
        const server = socket.connectToServer();
        socket.onMessage((text) => {
          const { send } = JSON.parse(text.toString()) as { send?: { id: string; code: string } };
          if (!send) return server.send(text);
          socket.send(JSON.stringify({ error: { code: "invalid_input", detail, id: send.id, room: send.code } }));
        });
      });
      await walk(me, world);
      await say(me.page, "I bring my dog, if nobody minds");
      await shown(me.page, /Not sent\./);
    },
  },
  {
    name: "offline, with a message that waits",
    allows: CUT_OFF,
    make: async (me, world) => {
      await walk(me, world);
      await me.context.setOffline(true);
      await shown(me.page, /You’re offline\./);
      await say(me.page, "I bring my dog, if nobody minds");
      await expect(pending(me.page)).toHaveCount(1);
    },
  },
  {
    name: "reconnecting",
    servers: {},
    allows: CUT_OFF,
    make: async (me, world) => {
      await walk(me, world);
      await world.stack.kill9();
      await shown(me.page, /Reconnecting/);
      await expect(me.page.getByRole("button", { name: "Retry" })).toBeVisible();
    },
  },
  {
    name: "a network that blocks sockets",
    allows: CUT_OFF,
    make: async (me, world) => {
      const { code } = await walk(me, world);
      await me.page.routeWebSocket(/\/ws$/, (socket) => void socket.close());
      await me.page.goto(`/rooms/${code}`);
      await expect(me.page.getByText(/Live updates are blocked here/)).toBeVisible({ timeout: 20_000 });
    },
  },
  {
    name: "news of another room",
    make: async (me, world) => {
      const { chess, books, jonas } = await tenRooms(me, world);
      await open(me.page, `/rooms/${books}`);
      await sayByRest(jonas, chess, "Your move! I have been waiting since yesterday evening");
      const note = me.page.getByRole("region", { name: /^Notifications/ }).getByRole("listitem");
      await expect(note).toHaveCount(1);
      // It stays while the pointer is on it.
      await note.hover();
    },
  },
  {
    name: "a guest was away while messages were not saved",
    servers: HASTY,
    make: async (me, world) => {
      const jonas = await world.friend();
      const room = await makeRoom(jonas, { name: "Saturday walk", nickname: "Jonas" });
      await joinByRest(me, room, "Mira");
      await sayByRest(jonas, room, "Who brings the cake?");
      await shown(jonas.page, "Mira left");
      await sayByRest(jonas, room, "Then I do");
      await joinRoom(me, room, "Mira");
      await sayByRest(jonas, room, "There you are");
      await expect(texts(me.page)).toHaveCount(2);
    },
  },
  {
    name: "a place that is kept for somebody who is away",
    servers: HASTY,
    make: async (me, world) => {
      const room = await makeRoom(me, { name: "Chess", nickname: "Mira", type: "p2p" });
      await people(world, room, "Jonas");
      await shown(me.page, /Jonas is away\./);
    },
  },
  {
    name: "removed by the owner",
    make: async (me, world) => {
      const jonas = await world.caller();
      const room = await makeRoomByRest(jonas, { name: "Saturday walk", nickname: "Jonas" });
      await joinRoom(me, room, "Mira");
      await sayByRest(jonas, room, "Sorry, this is for members");
      await expect(texts(me.page)).toHaveCount(1);
      await removeByRest(jonas, room, "Mira");
      await shown(me.page, /Jonas removed you/);
    },
  },
  {
    name: "left on another device",
    make: async (me, world) => {
      await register(me, "Mira");
      const { code } = await walk(me, world);
      await call(me, "POST", "/api/rooms/leave", { code });
      await shown(me.page, /in another tab or on another device/);
      await expect(me.page.locator(".room-row")).toHaveCount(0);
    },
  },
  {
    name: "away too long, and the place is taken",
    servers: HASTY,
    allows: /ERR_INTERNET_DISCONNECTED|WebSocket connection to|status of 404/,
    make: async (me, world) => {
      const [jonas, aiko] = [await world.friend(), await world.friend()];
      const room = await makeRoom(jonas, { name: "Chess", nickname: "Jonas", type: "p2p" });
      await joinRoom(me, room, "Mira");
      await sayByRest(jonas, room, "Your move!");
      await expect(texts(me.page)).toHaveCount(1);
      await me.context.setOffline(true);
      await shown(jonas.page, /Mira is away\./);
      await call(jonas, "POST", "/api/rooms/free", { code: room });
      await joinRoom(aiko, room, "Aiko");
      await me.context.setOffline(false);
      await expect(me.page.getByText(/You were away too long/)).toBeVisible({ timeout: 20_000 });
      await expect(me.page.getByRole("button", { name: "Try again" })).toBeVisible();
    },
  },
  {
    name: "without scripts",
    browser: NO_SCRIPTS,
    make: async (me, world) => {
      const room = await makeRoomByRest(me, { name: "Saturday walk", nickname: "Mira", preserve: true });
      const [jonas] = await people(world, room, "Jonas");
      for (const text of ["Hello", "Can you read this?"]) await sayByRest(jonas!, room, text);
      await me.page.goto(`/rooms/${room}`);
    },
  },
]);

/** Presses a button of the room's header, and waits for its dialog. */
async function openDialog(page: Page, button: string, name: string | RegExp = button): Promise<void> {
  await page.getByRole("button", { name: button }).click();
  await expect(dialog(page, name)).toBeVisible();
}

/** Chooses an item of the room's menu, and waits for its dialog. */
async function chooseDialog(page: Page, item: string, name: string | RegExp = item): Promise<void> {
  await choose(page, item);
  await expect(dialog(page, name)).toBeVisible();
}

/** Opens the menu of Jonas. On a phone it is in the dialog with the members. */
async function ofJonas(page: Page): Promise<void> {
  if (isPhone(page)) await chooseDialog(page, "Members", /^Members/);
  await page.getByRole("button", { name: "Actions for Jonas" }).click();
}

area("Dialogs of a room", [
  {
    name: "inviting to a group",
    make: async (me, world) => {
      await walk(me, world);
      await openDialog(me.page, "Invite people");
    },
  },
  {
    name: "inviting to a room for two",
    make: async (me) => {
      await makeRoom(me, { name: "Chess", nickname: "Mira", type: "p2p" });
      await openDialog(me.page, "Invite someone");
    },
  },
  {
    name: "members on a phone",
    sizes: ["phone"],
    make: async (me, world) => {
      await walk(me, world);
      await chooseDialog(me.page, "Members", /^Members/);
    },
  },
  {
    name: "sixty members on a phone",
    sizes: ["phone"],
    make: async (me, world) => {
      const room = await makeRoom(me, { name: "Assembly", nickname: "Mira" });
      await people(world, room, ...Array.from({ length: 58 }, (_, i) => `${NAMES[i % NAMES.length]} ${i + 1}`));
      await follower(world, room, "Zoe");
      await chooseDialog(me.page, "Members", /^Members/);
    },
  },
  {
    name: "the menu of a member",
    make: async (me, world) => {
      await walk(me, world);
      await ofJonas(me.page);
      await expect(me.page.getByRole("button", { name: "Remove Jonas" })).toBeVisible();
    },
  },
  {
    name: "removing a member",
    make: async (me, world) => {
      await walk(me, world);
      await ofJonas(me.page);
      await press(me.page, "Remove Jonas");
      await expect(dialog(me.page, "Remove Jonas?")).toBeVisible();
    },
  },
  {
    name: "making a member the owner",
    make: async (me, world) => {
      await walk(me, world);
      await ofJonas(me.page);
      await press(me.page, "Make Jonas the owner");
      await expect(dialog(me.page, "Make Jonas the owner?")).toBeVisible();
    },
  },
  {
    name: "settings of a guest who owns a room that saves messages",
    make: async (me, world) => {
      await walk(me, world);
      await chooseDialog(me.page, "Room settings");
    },
  },
  {
    name: "settings: a name that is too long",
    allows: REFUSED,
    make: async (me, world) => {
      await walk(me, world, { preserve: false });
      await chooseDialog(me.page, "Room settings");
      await me.page.getByRole("textbox", { name: "Room name" }).fill("Saturday walk ".repeat(6));
      await press(me.page, "Save");
      await shown(me.page, /up to \d+ characters/);
    },
  },
  {
    name: "settings of an owner with an account",
    make: async (me, world) => {
      await register(me, "Mira");
      await walk(me, world);
      await chooseDialog(me.page, "Room settings");
    },
  },
  {
    name: "about a room, as a member with an account",
    make: async (me, world) => {
      await register(me, "Mira");
      const room = await makeRoomByRest(await world.caller(), { name: "Choir", nickname: "Lena" });
      await joinRoom(me, room, "Mira");
      await chooseDialog(me.page, "Room info");
    },
  },
  {
    name: "searching messages",
    make: async (me, world) => {
      await walk(me, world);
      await chooseDialog(me.page, "Search messages");
      const search = dialog(me.page, "Search messages");
      await expect(async () => {
        await search.getByRole("searchbox").fill("the");
        await search.getByRole("searchbox").press("Enter");
        await expect(search.locator("mark").first()).toBeVisible({ timeout: 1_000 });
      }).toPass();
    },
  },
  {
    name: "searching where nothing is saved",
    make: async (me, world) => {
      await walk(me, world, { preserve: false });
      await chooseDialog(me.page, "Search messages");
      const search = dialog(me.page, "Search messages");
      await search.getByRole("searchbox").fill("whale");
      await search.getByRole("searchbox").press("Enter");
      await expect(search).toContainText("No message matches.");
    },
  },
  {
    name: "leaving as the owner of a group",
    make: async (me, world) => {
      await walk(me, world);
      await chooseDialog(me.page, "Leave room", "Leave this room?");
    },
  },
  {
    name: "leaving a room that saves nothing",
    make: async (me, world) => {
      const room = await makeRoomByRest(await world.caller(), { name: "Choir", nickname: "Lena" });
      await joinRoom(me, room, "Mira");
      await chooseDialog(me.page, "Leave room", "Leave this room?");
    },
  },
]);

area("List of rooms", [
  {
    name: "no rooms yet",
    make: async (me) => {
      await registerAndConfirm(me, "Mira");
      await openList(me.page);
    },
  },
  {
    name: "an address that is not confirmed",
    make: async (me) => {
      await register(me, "Mira");
      await openList(me.page);
    },
  },
  {
    name: "an account that has lost its address",
    make: async (me, world) => {
      const email = await register(me, "Mira");
      const other = await world.caller();
      await register(other, "Lena", PASSWORD, email);
      const token = new URL(linkIn(await mailTo(email, 2))).searchParams.get("token");
      await call(other, "POST", "/api/auth/verify", { token });
      await openList(me.page);
    },
  },
  {
    name: "ten rooms: unread, muted, for two",
    make: async (me, world) => {
      await tenRooms(me, world);
      await openList(me.page);
    },
  },
  {
    name: "only rooms for two",
    make: async (me, world) => {
      await tenRooms(me, world);
      await openList(me.page);
      const chip = me.page.getByRole("button", { name: "One-to-one" });
      await chip.click();
      await expect(chip).toHaveAttribute("aria-pressed", "true");
    },
  },
  {
    name: "a search finds nothing",
    make: async (me, world) => {
      await tenRooms(me, world);
      await openList(me.page);
      await me.page.getByRole("searchbox").fill("piano");
      await shown(me.page, "No room called “piano”");
    },
  },
  {
    name: "a search for a code offers to join",
    make: async (me, world) => {
      await tenRooms(me, world);
      await openList(me.page);
      await me.page.getByRole("searchbox").fill("K7M 2QX");
      await shown(me.page, "Join room K7M 2QX");
    },
  },
  {
    name: "the menu of the account",
    make: async (me, world) => {
      await tenRooms(me, world);
      await openList(me.page);
      await me.page.getByRole("button", { name: "Account: Mira" }).click();
      await expect(me.page.getByRole("link", { name: "Preferences" })).toBeVisible();
    },
  },
  {
    name: "the shortcuts of the keyboard",
    sizes: ["desktop"],
    make: async (me, world) => {
      await tenRooms(me, world);
      await openList(me.page);
      await shortcuts(me.page);
      await me.page.keyboard.press("Control+/");
      await expect(dialog(me.page, "Keyboard shortcuts")).toBeVisible();
    },
  },
  {
    name: "joining by a code on a phone",
    sizes: ["phone"],
    make: async (me, world) => {
      await tenRooms(me, world);
      await openList(me.page);
      await me.page.getByRole("link", { name: "Join by code" }).click();
      await expect(code(me.page)).toBeVisible();
    },
  },
  {
    name: "a wrong code",
    allows: REFUSED,
    make: async (me) => {
      await registerAndConfirm(me, "Mira");
      await openList(me.page);
      await me.page.getByRole("link", { name: "Join by code" }).click();
      await code(me.page).fill("000 000");
      await press(me.page, "Join");
      await expect(code(me.page)).toHaveAccessibleDescription(/Can’t join/);
    },
  },
  {
    name: "reconnecting",
    servers: {},
    allows: CUT_OFF,
    make: async (me, world) => {
      await tenRooms(me, world);
      await openList(me.page);
      await world.stack.kill9();
      await shown(me.page, /Reconnecting/);
    },
  },
]);

area("Account", [
  { name: "registering", make: ({ page }) => page.goto("/auth/register") },
  {
    name: "registering, with a strong password",
    make: async ({ page }) => {
      await page.goto("/auth/register");
      await field(page, "Your name").fill("Mira");
      await field(page, "Email address").fill("mira@example.org");
      await field(page, "Password (optional)").fill(PASSWORD);
      await expect(page.locator(".strength__word")).toHaveText("Strong");
      await press(page, "Show password");
    },
  },
  {
    name: "registering is refused",
    allows: REFUSED,
    make: async ({ page }) => {
      await page.goto("/auth/register");
      await field(page, "Your name").fill("Mira");
      await field(page, "Email address").fill(newAddress("mira"));
      await field(page, "Password (optional)").fill("password1");
      await press(page, "Register");
      await shown(page, /too easy to guess/);
    },
  },
  {
    name: "a guest in a room registers",
    make: async (me) => {
      const room = await makeRoomByRest(me, { nickname: "Mira" });
      await me.page.goto(`/auth/register?next=/rooms/${room}`);
    },
  },
  { name: "logging in", make: ({ page }) => page.goto("/auth/login") },
  {
    name: "a wrong password",
    allows: REFUSED,
    make: async ({ page }) => {
      await page.goto("/auth/login");
      await field(page, "Email address").fill("mira@example.org");
      await field(page, "Password").fill("not this one");
      await press(page, "Log in");
      await shown(page, /Wrong email address or password/);
    },
  },
  { name: "logged out elsewhere", make: ({ page }) => page.goto("/auth/login?next=/dashboard&done=ended") },
  {
    name: "already logged in",
    make: async (me) => {
      await register(me, "Mira");
      await me.page.goto("/auth/login");
    },
  },
  { name: "a code was mailed", make: ({ page }) => page.goto("/auth/code?email=mira@example.org") },
  {
    name: "a wrong code",
    allows: REFUSED,
    make: async ({ page }) => {
      await page.goto("/auth/code?email=mira@example.org");
      await field(page, "Code").fill("12345678");
      await press(page, "Log in");
      await shown(page, /Wrong or expired code/);
    },
  },
  { name: "a forgotten password", make: ({ page }) => page.goto("/auth/forgot-password") },
  {
    name: "a link was mailed",
    make: ({ page }) => page.goto("/auth/forgot-password?done=sent&email=mira@example.org"),
  },
  {
    name: "a new password",
    make: async (me) => {
      const email = await registerAndConfirm(me, "Mira");
      await call(me, "POST", "/api/auth/forgot-password", { email });
      await me.page.goto(pathOf(linkIn(await mailTo(email, 2))));
      await expect(field(me.page, "New password")).toBeVisible();
    },
  },
  {
    name: "a link that no longer works",
    allows: REFUSED,
    make: ({ page }) => page.goto("/auth/reset-password?token=nothing"),
  },
  {
    name: "confirming an address",
    make: async (me) => {
      const email = await register(me, "Mira");
      await me.page.goto(pathOf(linkIn(await mailTo(email))));
      await shown(me.page, "Yes, confirm it");
    },
  },
  {
    name: "confirming an address in another browser",
    make: async (me, world) => {
      const email = await register(await world.caller(), "Mira");
      await me.page.goto(pathOf(linkIn(await mailTo(email))));
      await shown(me.page, /You’re not logged in to this account here/);
    },
  },
  {
    name: "confirmed, and now a password",
    make: async (me, world) => {
      const email = await register(await world.caller(), "Mira");
      await me.page.goto(pathOf(linkIn(await mailTo(email))));
      await press(me.page, "Yes, confirm it");
      await shown(me.page, /This account is yours now/);
    },
  },
  { name: "an address is confirmed", make: ({ page }) => page.goto("/auth/verify?done=verified") },
  {
    name: "what is stored about a guest",
    make: async (me) => {
      await makeRoomByRest(me, { nickname: "Mira" });
      await me.page.goto("/auth/guest");
    },
  },
  { name: "a guest is forgotten", make: ({ page }) => page.goto("/auth/guest?done=forgotten") },
  { name: "an account is deleted", make: ({ page }) => page.goto("/auth/guest?done=deleted") },
]);

area("Preferences", [
  { name: "appearance", make: (me) => preferences(me) },
  {
    name: "saved: dark, rose, large letters",
    make: async (me) => {
      await preferences(me);
      for (const name of ["Dark", "Rose", "Large"]) await me.page.getByRole("radio", { name, exact: true }).check();
      await shown(me.page, "Saved.");
    },
  },
  { name: "chat", make: (me) => preferences(me, "/chatting") },
  { name: "account", make: (me) => preferences(me, "/account") },
  {
    name: "account: an address that is not confirmed",
    make: async (me) => {
      await register(me, "Mira");
      await me.page.goto("/preferences/account");
    },
  },
  {
    name: "account: a wrong password",
    allows: REFUSED,
    make: async (me) => {
      await preferences(me, "/account");
      const own = card(me.page, "Email address");
      await own.getByLabel("New address").fill("mira@example.com");
      await own.getByLabel("Current password").fill("not this one");
      await own.getByRole("button", { name: "Change address" }).click();
      await expect(own.getByLabel("Current password")).toHaveAccessibleDescription(/^Wrong password/);
    },
  },
  {
    name: "account: another address waits",
    make: async (me) => {
      await preferences(me, "/account");
      const own = card(me.page, "Email address");
      await own.getByLabel("New address").fill(newAddress("mira.new"));
      await own.getByLabel("Current password").fill(PASSWORD);
      await own.getByRole("button", { name: "Change address" }).click();
      await expect(own.getByRole("status")).toBeVisible();
    },
  },
  {
    name: "account: no password",
    make: async (me) => {
      await registerAndConfirm(me, "Mira", null);
      await me.page.goto("/preferences/account");
    },
  },
  {
    name: "devices: several",
    make: async (me, world) => {
      const email = await registerAndConfirm(me, "Mira");
      for (const userAgent of [
        "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0",
        "Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
      ]) {
        await logIn(await world.friend({ userAgent }), email);
      }
      await me.page.goto("/preferences/devices");
      await shown(me.page, /Firefox on Android/);
    },
  },
  { name: "devices: only this one", make: (me) => preferences(me, "/devices") },
  { name: "your data", make: (me) => preferences(me, "/data") },
  {
    name: "your data: a code to delete the account",
    make: async (me) => {
      await preferences(me, "/data");
      const own = card(me.page, "Delete account");
      await own.getByRole("radio", { name: /^Delete/ }).check();
      await own.getByRole("button", { name: "Email me a code instead" }).click();
      await expect(own.getByLabel("Code")).toBeVisible();
    },
  },
]);

/** Mira has opened her list and a room on this device, and then the server goes away. */
async function keptRoom(mira: Guest, world: World): Promise<string> {
  await register(mira, "Mira");
  const code = await makeRoomByRest(mira, { name: "Chess", nickname: "Mira", preserve: true });
  await visitAndSay(await world.caller(), code, "Tom", "Your move!", "Take your time");
  await mira.page.goto("/dashboard");
  await controlled(mira.page);
  await keep(mira.page, code);
  await world.stack.kill9();
  return code;
}

const OFFLINE = {
  servers: {},
  allows: /ERR_|WebSocket connection to|status of 401/,
  browser: { serviceWorkers: "allow" },
} as const;

area("Without a server", [
  {
    ...OFFLINE,
    name: "a guest",
    make: async ({ page }, { stack }) => {
      await visit(page, "/");
      await controlled(page);
      await stack.kill9();
      await page.goto("/rooms/new");
      await shown(page, "Can’t reach AnonChat");
    },
  },
  {
    ...OFFLINE,
    name: "the list that the device keeps",
    make: async (me, world) => {
      await keptRoom(me, world);
      await me.page.goto("/dashboard");
      await shown(me.page, /Last updated/);
    },
  },
  {
    ...OFFLINE,
    name: "a room that the device keeps",
    make: async (me, world) => {
      const code = await keptRoom(me, world);
      await me.page.goto(`/rooms/${code}`);
      await shown(me.page, /Last updated/);
      await expect(texts(me.page)).toHaveCount(2);
    },
  },
  {
    ...OFFLINE,
    name: "a page that the device does not keep",
    make: async (me, world) => {
      await keptRoom(me, world);
      await me.page.goto("/rooms/P4T9RA");
      await shown(me.page, "Can’t reach AnonChat");
    },
  },
  {
    name: "a page that does not come",
    allows: CUT_OFF,
    make: async ({ page }) => {
      await visit(page, "/");
      await page.route("**/visit/**", (route) => route.abort());
      await page.getByRole("link", { name: "Create a room" }).click();
      await shown(page, "Can’t reach AnonChat");
    },
  },
]);

area("Errors", [
  { name: "no page at this address", allows: REFUSED, make: ({ page }) => page.goto("/no/such/page") },
  {
    name: "too many requests",
    servers: { RATE_LIMITS: "on" },
    allows: REFUSED,
    make: async (me) => {
      await makeRoomByRest(me, { nickname: "Mira" });
      let answer: Response | null = null;
      for (let i = 0; i < 20 && answer?.status() !== 429; i++) {
        await Promise.all(Array.from({ length: 25 }, () => me.context.request.get("/api/users/me")));
        answer = await me.page.goto("/");
      }
      expect(answer?.status()).toBe(429);
    },
  },
]);

/** Takes states into another area, with another browser or larger letters. */
function again(area: string, change: Partial<State>, ...names: [string, string][]): void {
  for (const [from, name] of names) {
    const state = states.find((state) => state.area === from && state.name === name)!;
    states.push({ ...state, ...change, area, name: `${from.toLowerCase()}: ${name}` });
  }
}

const FIVE: [string, string][] = [
  ["Start page", "a first visit"],
  ["New room", "a group"],
  ["Room", "a conversation of three"],
  ["List of rooms", "ten rooms: unread, muted, for two"],
  ["Preferences", "appearance"],
];
again("In German", { browser: { locale: "de-AT" } }, ["Start page", "a first visit"], ["New room", "a group"]);
area("In German", [
  {
    name: "room: a conversation of three",
    browser: { locale: "de-AT" },
    make: (me, world) => walk(me, world),
  },
  {
    name: "settings of a room",
    browser: { locale: "de-AT" },
    make: async (me, world) => {
      await walk(me, world);
      await chooseDialog(me.page, "Einstellungen des Raums");
    },
  },
]);
again(
  "In German",
  { browser: { locale: "de-AT" } },
  ["List of rooms", "ten rooms: unread, muted, for two"],
  ["Preferences", "appearance"],
  ["Preferences", "account"],
);
again(
  "320 px wide",
  { sizes: ["phone"], browser: { viewport: { width: 320, height: 568 } } },
  ...FIVE,
  ["Room", "alone, without a name, nothing saved"],
  ["Dialogs of a room", "settings of a guest who owns a room that saves messages"],
  ["Dialogs of a room", "members on a phone"],
);
again(
  "2560 px wide",
  { sizes: ["desktop"], browser: { viewport: { width: 2560, height: 1440 } } },
  ["Start page", "a first visit"],
  ["Door", "a link to a room"],
);
// Chromium forgets the size of letters when it takes a picture of a whole page as a phone.
again("Letters of twice the size", { letters: 2, browser: { isMobile: false } }, ...FIVE);

export const STATES: readonly State[] = states;
export const AREAS: readonly string[] = [...new Set(states.map(({ area }) => area))];
