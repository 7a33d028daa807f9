// What a page looks like before its scripts run, and while they do: texts and times are right from the start, nothing
// is covered or cut off, and the focus stays.
import type { BrowserContextOptions, Locator, Page } from "@playwright/test";
import { register } from "../account.ts";
import { misfits } from "../fit.ts";
import { expect, holdScripts, test, visit } from "../fixtures.ts";
import {
  choose,
  composer,
  dialog,
  following,
  go,
  isPhone,
  joinByRest,
  joinRoom,
  log,
  makeRoom,
  makeRoomByRest,
  menu,
  messages,
  more,
  notices,
  open,
  removeByRest,
  say,
  sayByRest,
  sendButton,
} from "../room.ts";

const BERLIN = { timezoneId: "Europe/Berlin" };
const news = (page: Page): Locator => page.getByRole("region", { name: /^Notifications from other rooms/ });
const toasts = (page: Page): Locator => news(page).getByRole("listitem");
const code = (page: Page): Locator => page.getByRole("textbox", { name: "Room code" });
const nickname = (page: Page): Locator => page.getByRole("textbox", { name: "Your name in this room" });
const join = (page: Page): Locator => page.getByRole("button", { name: "Join", exact: true });

/** The present time on a clock in that time zone. */
const timeIn = (timeZone: string): RegExp => {
  const write = (at: number) =>
    new Intl.DateTimeFormat("en-GB", { timeZone, hour: "2-digit", minute: "2-digit" }).format(at);
  return new RegExp(`^(${[-1, 0].map((minutes) => write(Date.now() + minutes * 60_000)).join("|")})$`);
};

test("letters typed before the scripts are there stay, behind what was written before @both", async ({
  stack,
  guest,
}) => {
  const ada = await guest(stack);
  const room = await makeRoom(ada, { nickname: "Ada" });
  await composer(ada.page).fill("Half a thought, ");
  const scripts = await holdScripts(ada.page);
  await ada.page.goto(`/rooms/${room}`, { waitUntil: "commit" });
  if (isPhone(ada.page)) {
    // No focus in the composer, because the keyboard would cover the room.
    await expect(composer(ada.page)).toBeVisible();
    expect(await ada.page.evaluate(() => document.activeElement === document.body)).toBe(true);
    await composer(ada.page).tap();
  }
  await expect(composer(ada.page)).toBeFocused();
  await ada.page.keyboard.type("typed");
  await ada.page.keyboard.press("Enter");
  await ada.page.keyboard.type("erly");
  for (let i = 0; i < 3; i++) await ada.page.keyboard.press("ArrowLeft");
  scripts.come();
  await expect(composer(ada.page)).toHaveValue("Half a thought, typed\nerly");
  await expect(composer(ada.page)).toBeFocused();
  await ada.page.keyboard.type("a");
  await expect(composer(ada.page)).toHaveValue("Half a thought, typed\nearly");
});

test("Enter before the scripts are there sends with a keyboard, and is a new line on a phone @both", async ({
  stack,
  guest,
}) => {
  const ada = await guest(stack);
  const room = await makeRoomByRest(ada, { nickname: "Ada" });
  const scripts = await holdScripts(ada.page);
  await ada.page.goto(`/rooms/${room}`, { waitUntil: "commit" });
  if (isPhone(ada.page)) await composer(ada.page).tap();
  await expect(composer(ada.page)).toBeFocused();
  await ada.page.keyboard.type("Quick");
  await ada.page.keyboard.press("Enter");
  scripts.come();
  if (isPhone(ada.page)) {
    await expect(sendButton(ada.page)).toBeEnabled();
    await expect(composer(ada.page)).toHaveValue("Quick\n");
    await expect(messages(ada.page)).toHaveCount(0);
  } else {
    await expect(messages(ada.page)).toHaveText(["Quick"]);
    await expect(composer(ada.page)).toHaveValue("");
  }
});

test("a button that is pressed before the scripts are there acts when they are @both", async ({ stack, guest }) => {
  const ada = await guest(stack);
  const room = await makeRoomByRest(ada, { nickname: "Ada" });
  const scripts = await holdScripts(ada.page);
  await ada.page.goto(`/rooms/${room}`);
  await choose(ada.page, "Room settings");
  await menu(ada.page).getByRole("button", { name: "Leave room" }).click();
  await expect(dialog(ada.page, "Leave this room?")).toBeHidden();
  scripts.come();
  await expect(dialog(ada.page, "Leave this room?")).toBeVisible();
  await expect(dialog(ada.page, "Room settings")).toBeHidden();
});

test("where somebody scrolled to before the scripts are there is where they stay @both", async ({ stack, guest }) => {
  const ada = await guest(stack);
  const room = await makeRoomByRest(ada, { nickname: "Ada" });
  for (let i = 1; i <= 40; i++) await sayByRest(ada, room, `Message ${i}`);
  const scripts = await holdScripts(ada.page);
  await ada.page.goto(`/rooms/${room}`);
  const place = () => log(ada.page).evaluate((frame) => Math.round(frame.scrollTop));
  await log(ada.page).evaluate((frame) => frame.scrollBy(0, -300));
  expect(await place()).toBe(-300);
  await following(ada.page, async () => scripts.come());
  expect(await place()).toBe(-300);
});

for (const file of ["js", "wasm"]) {
  test(`a page whose ${file} does not come on a bad line asks again and works @phone`, async ({
    stack,
    guest,
    complaints,
  }) => {
    complaints.allow(/ERR_INTERNET_DISCONNECTED/);
    const ada = await guest(stack);
    const room = await makeRoomByRest(ada, { nickname: "Ada" });
    let failures = 2;
    await ada.page.route(new RegExp(`/pkg/.*\\.${file}(\\?|$)`), (route) =>
      failures-- > 0 ? route.abort("internetdisconnected") : route.continue(),
    );
    await ada.page.goto(`/rooms/${room}`);
    await say(ada.page, "Here at last");
    await expect(messages(ada.page)).toHaveText(["Here at last"]);
    expect(failures).toBeLessThan(0);
  });
}

test("times are the reader’s own before the scripts are there, and nothing moves when they come @phone", async ({
  stack,
  guest,
}) => {
  const ada = await guest(stack, 0, BERLIN);
  const room = await makeRoom(ada, { nickname: "Ada" });
  await say(ada.page, "Hello");
  const time = log(ada.page).locator("time");
  await expect(time).toHaveText(timeIn("Europe/Berlin"));
  const scripts = await holdScripts(ada.page);
  await ada.page.goto(`/rooms/${room}`);
  await expect(time).toBeVisible();
  const before = await time.innerText();
  expect(before).toMatch(timeIn("Europe/Berlin"));
  await expect(log(ada.page).locator(".day")).toHaveText("Today");
  scripts.come();
  // Send another message, to be sure that the scripts work.
  await say(ada.page, "Again");
  await expect(messages(ada.page)).toHaveText(["Hello", "Again"]);
  expect(await time.first().innerText()).toBe(before);
});

test("a browser that names no zone, or none that there is, reads times in UTC that say so @desktop", async ({
  stack,
  guest,
}) => {
  const [ada, bob] = [await guest(stack), await guest(stack, 0, { ...BERLIN, javaScriptEnabled: false })];
  const room = await makeRoomByRest(ada, { nickname: "Ada" });
  await joinByRest(bob, room, "Bob");
  await sayByRest(ada, room, "Hello");
  const name = (value: string) => bob.context.addCookies([{ name: "anonchat-zone", value, url: stack.url() }]);
  const time = log(bob.page).locator("time");
  for (const zone of [undefined, "Nowhere/Else", "../../../etc/passwd"]) {
    if (zone) await name(zone);
    await bob.page.goto(`/rooms/${room}`);
    await expect(time, zone).toHaveText(/^\d\d:\d\d UTC$/);
    await expect(time, zone).toBeVisible();
  }
  await name("Asia/Kolkata");
  await bob.page.reload();
  await expect(time).toHaveText(timeIn("Asia/Kolkata"));
});

test("on the first page of a browser no wrong time is shown @desktop", async ({ stack, guest }) => {
  const [ada, bob] = [await guest(stack), await guest(stack, 0, BERLIN)];
  const room = await makeRoomByRest(ada, { nickname: "Ada" });
  await joinByRest(bob, room, "Bob");
  await sayByRest(ada, room, "Hello");
  const scripts = await holdScripts(bob.page);
  await bob.page.goto(`/rooms/${room}`);
  const time = log(bob.page).locator("time");
  await expect(messages(bob.page)).toHaveText(["Hello"]);
  await expect(time).toBeHidden();
  scripts.come();
  await expect(time).toBeVisible();
  await expect(time).toHaveText(timeIn("Europe/Berlin"));
});

test("news of other rooms cover no control, and there may be three of them @both", async ({ stack, guest }) => {
  const [ada, bob] = [await guest(stack), await guest(stack)];
  await register(ada, "Ada");
  await register(bob, "Bob");
  const here = await makeRoomByRest(ada, { name: "Chess", nickname: "Ada" });
  await joinByRest(bob, here, "Bob");
  const others: string[] = [];
  for (const name of ["Book club", "Saturday walk", "Sunday lunch"]) {
    const other = await makeRoomByRest(ada, { name, nickname: "Ada" });
    await joinByRest(bob, other, "Bob");
    others.push(other);
  }
  // That Bob joined them is no news of this page once the list has it.
  await expect
    .poll(async () => {
      const list = (await (await ada.context.request.get("/api/rooms/my-rooms")).json()) as { newcomer?: object }[];
      return list.filter(({ newcomer }) => newcomer).length;
    })
    .toBe(4);
  await open(ada.page, `/rooms/${here}`);
  for (const [i, other] of others.entries()) {
    await sayByRest(bob, other, "Come along");
    await expect(toasts(ada.page)).toHaveCount(i + 1);
    if (i === 0) await ada.page.keyboard.press("F6");
  }
  expect(await misfits(ada.page)).toEqual([]);
});

test("with letters of twice the size nothing is cut and the name of the room is there @phone", async ({
  stack,
  guest,
}) => {
  const size: BrowserContextOptions = { viewport: { width: 390, height: 844 } };
  const ada = await guest(stack, 0, size);
  const session = await ada.context.newCDPSession(ada.page);
  await session.send("Page.setFontSizes", { fontSizes: { standard: 32, fixed: 26 } });
  await register(ada, "Ada");
  const room = await makeRoomByRest(ada, { name: "Book club", nickname: "Ada" });
  for (const address of ["/", "/rooms/new", "/dashboard", `/rooms/${room}`, "/preferences", "/auth/login"]) {
    await ada.page.goto(address);
    expect(await ada.page.evaluate(() => getComputedStyle(document.documentElement).fontSize)).toBe("32px");
    expect(await misfits(ada.page), address).toEqual([]);
  }
  await ada.page.goto(`/rooms/${room}`);
  const name = ada.page.getByRole("heading", { level: 1 });
  expect(await name.evaluate((name) => name.scrollWidth <= name.clientWidth)).toBe(true);
});

test("the header of a room is one row with two lines, also on a narrow screen and with large texts @phone", async ({
  stack,
  guest,
}) => {
  const ada = await guest(stack);
  await register(ada, "Ada");
  const named = await makeRoomByRest(ada, { name: "Book club", nickname: "Ada", preserve: true });
  const waiting = await makeRoomByRest(ada, { type: "p2p", nickname: "Ada" });
  const session = await ada.context.newCDPSession(ada.page);
  for (const code of [named, waiting]) {
    await open(ada.page, `/rooms/${code}`);
    for (const [width, text, most] of [
      [390, 16, 60],
      [320, 16, 60],
      [390, 32, 120],
      [320, 32, 120],
    ] as const) {
      await ada.page.setViewportSize({ width, height: 844 });
      await session.send("Page.setFontSizes", { fontSizes: { standard: text, fixed: text } });
      const now = () => ada.page.evaluate(() => [innerWidth, getComputedStyle(document.documentElement).fontSize]);
      await expect.poll(now).toEqual([width, `${text}px`]);
      const what = `${code} at ${width} px with texts of ${text} px`;
      const header = ada.page.locator(".room-header");
      expect((await header.boundingBox())!.height, what).toBeLessThan(most);
      expect(await ada.page.evaluate(() => document.documentElement.scrollWidth - innerWidth), what).toBe(0);
      const cut = await header
        .locator("h1 button, .facts__fact")
        .evaluateAll((parts: HTMLElement[]) =>
          parts.filter((part) => part.scrollWidth > part.clientWidth + 1).map((part) => part.textContent),
        );
      expect(cut, what).toEqual([]);
      await expect(more(ada.page)).toBeInViewport({ ratio: 1 });
    }
  }
});

test("after a refusal the focus is at what is wrong, and the error goes when that is corrected @desktop", async ({
  page,
  complaints,
}) => {
  complaints.allow(/status of 4\d\d/);
  await visit(page, "/");
  await nickname(page).fill("Ada");
  await code(page).fill("K7M 2Q");
  await join(page).click();
  await expect(code(page)).toHaveAccessibleDescription(/six characters/);
  await expect(code(page)).toBeFocused();
  await nickname(page).fill("Eve");
  await expect(code(page)).toHaveAccessibleDescription(/six characters/);
  await code(page).press("End");
  await code(page).press("X");
  await expect(code(page)).not.toHaveAttribute("aria-invalid", "true");
  await expect(page.getByText("six characters;")).toHaveCount(0);
});

test("a switch keeps the focus when it was pressed @desktop", async ({ stack, guest }) => {
  const ada = await guest(stack);
  await makeRoom(ada, { nickname: "Ada" });
  await choose(ada.page, "Room settings");
  const preserve = dialog(ada.page, "Room settings").getByRole("switch", { name: "Save messages" });
  await preserve.click();
  await expect(preserve).toHaveAttribute("aria-checked", "true");
  await expect(preserve).toBeFocused();
});

test("the switch of a new room says what its choice means, and nothing moves @phone", async ({ stack, guest }) => {
  const { page } = await guest(stack);
  await visit(page, "/rooms/new");
  const preserve = page.getByRole("switch", { name: "Save messages" });
  const [off, on] = [page.getByText(/^Nothing is saved/), page.getByText(/^Messages are kept/)];
  await expect(off).toBeVisible();
  await expect(on).toBeHidden();
  const before = await nickname(page).boundingBox();
  await preserve.check();
  await expect(on).toBeVisible();
  await expect(off).toBeHidden();
  await expect(preserve).toHaveAccessibleDescription(/^Messages are kept/);
  expect(await nickname(page).boundingBox()).toEqual(before);
});

test("what was saved has the focus, and a password says how good it is in a word @phone", async ({ stack, guest }) => {
  const ada = await guest(stack);
  await register(ada, "Ada");
  await ada.page.goto("/preferences/account");
  await ada.page.getByRole("button", { name: "Save" }).click();
  await expect(ada.page.getByText("Saved.")).toBeFocused();

  await ada.context.clearCookies();
  await ada.page.goto("/auth/register");
  const password = ada.page.getByLabel("Password (optional)", { exact: true });
  const meter = ada.page.getByRole("meter");
  const word = ada.page.locator(".strength__word");
  await password.pressSequentially("p");
  await expect(word).toHaveText("Weak");
  expect(await meter.evaluate((meter: HTMLMeterElement) => meter.value)).toBeGreaterThan(0);
  await password.fill("nine purple lanterns by the sea");
  await expect(word).toHaveText("Strong");
  await ada.page.getByRole("button", { name: "Show password" }).click();
  await expect(password).toHaveAttribute("type", "text");
  await ada.page.getByRole("button", { name: "Show password" }).click();
  await expect(password).toHaveAttribute("type", "password");
});

test("a refused password is no error any more once another is typed @phone", async ({ stack, guest, complaints }) => {
  complaints.allow(/status of 4\d\d/);
  const { page } = await guest(stack);
  await page.goto("/auth/register");
  await page.getByLabel("Your name").fill("Ada");
  await page.getByLabel("Email address").fill("ada@example.org");
  const password = page.getByLabel("Password (optional)", { exact: true });
  await password.fill("password");
  await page.getByRole("button", { name: "Register" }).click();
  await expect(page.getByText("too easy to guess")).toBeVisible();
  await expect(password).toBeFocused();
  await password.pressSequentially("n");
  await expect(page.getByText("too easy to guess")).toHaveCount(0);
  await expect(password).not.toHaveAttribute("aria-invalid", "true");
});

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? "with scripts" : "without scripts";
  test(`one visit has one name on offer, ${how} @desktop`, async ({ stack, guest }) => {
    const [ada, { page }] = [await guest(stack), await guest(stack, 0, { javaScriptEnabled })];
    const room = await makeRoomByRest(ada, { nickname: "Ada" });
    await page.goto("/");
    const offered = await nickname(page).inputValue();
    for (const address of ["/rooms/new", `/rooms/${room}`, "/"]) {
      await page.goto(address);
      await expect(nickname(page)).toHaveValue(offered);
    }
  });
}

test("a name that is too long is told so while it is typed, and is not cut @desktop", async ({ page }) => {
  await visit(page, "/rooms/new");
  await nickname(page).fill("x".repeat(30));
  await expect(page.getByText("2 left")).toBeVisible();
  await nickname(page).fill("x".repeat(34));
  await expect(nickname(page)).toHaveAttribute("aria-invalid", "true");
  await expect(nickname(page)).toHaveAccessibleDescription("A name can have up to 32 characters; this has 34.");
  await expect(nickname(page)).toHaveValue("x".repeat(34));
  await nickname(page).fill("😀".repeat(32));
  await expect(nickname(page)).not.toHaveAttribute("aria-invalid", "true");
});

test("somebody who was removed is told so by the link, and nobody else is @phone", async ({ stack, guest }) => {
  const [ada, bob, cleo] = [await guest(stack), await guest(stack), await guest(stack)];
  const room = await makeRoomByRest(ada, { nickname: "Ada" });
  await joinByRest(bob, room, "Bob");
  await removeByRest(ada, room, "Bob");
  await bob.page.goto(`/rooms/${room}`);
  await expect(bob.page.getByRole("alert")).toHaveText(/The owner removed you/);
  await expect(join(bob.page)).toHaveCount(0);
  await cleo.page.goto(`/rooms/${room}`);
  await expect(join(cleo.page)).toBeVisible();
});

test("two presses make one room, however long its page takes @desktop", async ({ stack, guest }) => {
  const ada = await guest(stack);
  await register(ada, "Ada");
  await visit(ada.page, "/rooms/new");
  // The page of the room is held back until the button was pressed more than 20 times.
  let presses = 0;
  let enough = () => {};
  const pressed = new Promise<void>((resolve) => (enough = resolve));
  await ada.page.exposeFunction("press", () => (presses += 1) > 20 && enough());
  await ada.page.route(/\/rooms\/[0-9A-Z]{6}$/, async (route) => {
    await pressed;
    await route.continue();
  });
  await ada.page.getByRole("button", { name: "Create" }).evaluate((create: HTMLButtonElement) => {
    const { press } = globalThis as unknown as { press: () => Promise<void> };
    setInterval(() => {
      create.click();
      void press();
    }, 50);
  });
  await expect(ada.page).toHaveURL(/\/rooms\/[0-9A-Z]{6}$/);
  const mine = await ada.context.request.get("/api/rooms/my-rooms");
  expect(await mine.json()).toHaveLength(1);
});

/** The horizontal position at which a text begins on the screen. */
async function left(row: Locator, text: string): Promise<number> {
  return row.evaluate((row, text) => {
    const walker = document.createTreeWalker(row, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const at = walker.currentNode.nodeValue!.indexOf(text);
      if (at < 0) continue;
      const range = document.createRange();
      range.setStart(walker.currentNode, at);
      range.setEnd(walker.currentNode, at + text.length);
      return range.getBoundingClientRect().x;
    }
    throw new Error(`no ${text}`);
  }, text);
}

test("a notice says who did what to whom, whatever letters their names have @phone", async ({ stack, guest }) => {
  const [dana, sara, ada] = [await guest(stack), await guest(stack), await guest(stack)];
  const room = await makeRoomByRest(dana, { nickname: "דנה" });
  await joinByRest(sara, room, "שרה");
  await joinRoom(ada, room, "Ada");
  await removeByRest(dana, room, "שרה");
  const notice = notices(ada.page).filter({ hasText: "removed" });
  await expect(notice).toHaveText("דנה removed שרה");
  const [by, verb, whom] = [await left(notice, "דנה"), await left(notice, "removed"), await left(notice, "שרה")];
  expect(by).toBeLessThan(verb);
  expect(verb).toBeLessThan(whom);
});

test("a row of the list says first who spoke @desktop", async ({ stack, guest }) => {
  const [ada, dana] = [await guest(stack), await guest(stack)];
  await register(ada, "Ada");
  const room = await makeRoomByRest(ada, { name: "Chess", nickname: "Ada" });
  await joinByRest(dana, room, "דנה");
  await sayByRest(dana, room, "come at 11, please!");
  await ada.page.goto("/dashboard");
  const preview = ada.page.locator(".room-row__preview");
  await expect(preview).toHaveText("דנה: come at 11, please!");
  expect(await left(preview, "דנה")).toBeLessThan(await left(preview, "come"));
  expect(await left(preview, "come")).toBeLessThan(await left(preview, "please!"));
});

test("a wall of lines is folded, and opens where it is @both", async ({ stack, guest }) => {
  const ada = await guest(stack);
  const room = await makeRoom(ada, { nickname: "Ada" });
  await sayByRest(ada, room, `A${"\n".repeat(3_998)}B`);
  await expect(messages(ada.page)).toHaveCount(1);
  const bubble = ada.page.locator(".message__bubble");
  const height = async () => (await bubble.boundingBox())!.height;
  expect(await height()).toBeLessThan(500);
  const more = ada.page.getByRole("button", { name: "Read more" });
  await expect(more).toHaveAttribute("aria-expanded", "false");
  const top = (await bubble.boundingBox())!.y;
  await more.focus();
  await ada.page.keyboard.press("Enter");
  await expect.poll(height).toBeGreaterThan(50_000);
  // The message begins where it began before, or as near to it as the content above allows to scroll.
  await expect.poll(async () => (await bubble.boundingBox())!.y).toBeGreaterThan(0);
  expect((await bubble.boundingBox())!.y).toBeLessThanOrEqual(top);
  await ada.page.getByRole("button", { name: "Show less" }).click();
  await expect.poll(height).toBeLessThan(500);
  await sayByRest(ada, room, "Short");
  await expect(more).toHaveCount(1);
});

test("letters with many marks are painted in their own bubble only @phone", async ({ stack, guest }) => {
  const ada = await guest(stack);
  const room = await makeRoom(ada, { nickname: `a${"\u0301".repeat(31)}` });
  await sayByRest(ada, room, `a${"\u0301".repeat(60)}${"\u0323".repeat(60)}`.repeat(20));
  await expect(messages(ada.page)).toHaveCount(1);
  for (const row of [ada.page.locator(".message__bubble"), notices(ada.page)]) {
    expect(await row.evaluate((row) => getComputedStyle(row).overflowY)).toBe("clip");
  }
});

test("the panel of members is folded away, in every room and after a reload @desktop", async ({ stack, guest }) => {
  const ada = await guest(stack);
  const { page } = ada;
  await register(ada, "Ada");
  const books = await makeRoomByRest(ada, { name: "Book club", nickname: "Ada" });
  const chess = await makeRoomByRest(ada, { name: "Chess", nickname: "Ada" });
  await open(page, `/rooms/${books}`);
  const fold = page.getByRole("button", { name: "Members", exact: true });
  const panel = page.getByRole("complementary", { name: /^Members/ });
  await expect(panel).toBeVisible();
  await expect(fold).toHaveAttribute("aria-expanded", "true");
  await fold.click();
  await expect(panel).toBeHidden();
  await go(page, "Chess");
  await expect(fold).toHaveAttribute("aria-expanded", "false");
  await expect(panel).toBeHidden();
  await open(page, `/rooms/${chess}`);
  await expect(panel).toBeHidden();
  await fold.click();
  await expect(panel).toBeVisible();
});

test("without a network a banner of two lines says so first, and then what follows from it @phone", async ({
  stack,
  guest,
  complaints,
}) => {
  complaints.allow(/ERR_INTERNET_DISCONNECTED|WebSocket connection to/);
  const ada = await guest(stack);
  await makeRoom(ada, { nickname: "Ada" });
  await ada.context.setOffline(true);
  const banner = ada.page.locator(".banner--shown");
  await expect(banner).toHaveText(
    /^You’re offline\. Messages are sent later\.\s*Guests leave after \d+ minutes? away\.$/,
  );
  expect((await banner.boundingBox())!.height).toBeLessThan(60);
});

test("why earlier messages do not come is said where the reader is, and they can be asked for again @both", async ({
  stack,
  guest,
  complaints,
}) => {
  complaints.allow(/ERR_FAILED/);
  const [ada, bob] = [await guest(stack), await guest(stack)];
  const room = await makeRoomByRest(ada, { nickname: "Ada", preserve: true });
  for (let i = 1; i <= 70; i++) await sayByRest(ada, room, `Message ${i}`);
  await bob.page.route("**/api/chats/history**", (route) => route.abort());
  await joinRoom(bob, room, "Bob");
  const problem = bob.page.getByText("Can’t reach the server");
  await expect(problem).toBeHidden();
  // The top is 300 pixels away, so the next page is asked for, and its place is above the visible part.
  await log(bob.page).evaluate((frame) => frame.scrollTo(0, frame.clientHeight + 300 - frame.scrollHeight));
  await expect(problem).toBeInViewport();
  await bob.page.unroute("**/api/chats/history**");
  await bob.page.getByRole("button", { name: "Retry" }).click();
  await expect(problem).toBeHidden();
  await expect(messages(bob.page).filter({ hasText: /^Message 20$/ })).toHaveCount(1);
});

test("the day of what is visible stays in sight while its row is not @both", async ({ stack, guest }) => {
  const ada = await guest(stack);
  const room = await makeRoomByRest(ada, { nickname: "Ada" });
  for (let i = 1; i <= 40; i++) await sayByRest(ada, room, `Message ${i}`);
  await open(ada.page, `/rooms/${room}`);
  const day = ada.page.locator(".day--floating");
  await expect(day).toBeHidden();
  await log(ada.page).evaluate((frame) => frame.scrollTo(0, -200));
  await expect(day).toHaveText("Today");
  await log(ada.page).evaluate((frame) => frame.scrollTo(0, -frame.scrollHeight));
  await expect(day).toBeHidden();
});

test("a title from right to left stands where others do, and does not turn what is around it @both", async ({
  stack,
  guest,
}) => {
  const ada = await guest(stack);
  await register(ada, "Ada");
  const room = await makeRoomByRest(ada, { name: "שולחן עגול!", nickname: "Ada" });
  await open(ada.page, `/rooms/${room}`);
  const title = ada.page.getByRole("heading", { level: 1 }).getByRole("button");
  const left = async (of: Locator) => (await of.boundingBox())!.x;
  expect(Math.abs((await left(title)) - (await left(ada.page.locator(".room-header .facts"))))).toBeLessThan(2);
  expect(await title.evaluate((title) => getComputedStyle(title).direction)).toBe("rtl");
  await expect(ada.page).toHaveTitle("\u2068שולחן עגול!\u2069 · AnonChat");
});
