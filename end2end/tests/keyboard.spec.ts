// Everything works by keyboard, the focus is always visible, and screen readers announce what is new.
import type { Locator, Page } from "@playwright/test";
import { register } from "../account.ts";
import { expect, test, visit } from "../fixtures.ts";
import {
  composer,
  dialog,
  facts,
  isPhone,
  log,
  makeRoom,
  makeRoomByRest,
  menu,
  messages,
  more,
  notices,
  open,
  row,
  say,
  sayByRest,
  sendButton,
  shortcuts,
  spaced,
} from "../room.ts";

/** Presses Tab until the target has the focus. Fails if the focus is invisible anywhere on the way. */
async function tabTo(page: Page, target: Locator): Promise<void> {
  const path: string[] = [];
  for (let i = 0; i < 40; i++) {
    await page.keyboard.press("Tab");
    const focus = await page.evaluate(() => {
      const element = document.activeElement;
      if (!element || element === document.body) return { name: "nothing", seen: true };
      const { outlineStyle, outlineWidth } = getComputedStyle(element);
      // The composer draws its focus ring around the field and the button together.
      const around = element.parentElement ? getComputedStyle(element.parentElement).boxShadow : "none";
      const ring = (outlineStyle !== "none" && parseFloat(outlineWidth) > 0) || around !== "none";
      const { width, height } = element.getBoundingClientRect();
      return { name: element.outerHTML.slice(0, 120), seen: ring && width > 0 && height > 0 };
    });
    path.push(focus.name);
    expect(focus.seen, `the focus is in sight on ${focus.name}`).toBe(true);
    if (await target.evaluate((element) => element === document.activeElement)) return;
  }
  throw new Error(`Tab never came to ${target}; it came past\n${path.join("\n")}`);
}

test("a room is joined, used and left with the keyboard alone @both", async ({ stack, guest }) => {
  const ada = await guest(stack);
  const code = await makeRoom(ada, { nickname: "Ada" });
  const { page } = await guest(stack);
  await visit(page, "/");

  await tabTo(page, page.getByRole("textbox", { name: "Room code" }));
  await page.keyboard.type(code.toLowerCase());
  await tabTo(page, page.getByRole("textbox", { name: "Your name in this room" }));
  await page.keyboard.press("Control+A");
  await page.keyboard.type("Bob");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(`Room ${spaced(code)}`);

  // On a desktop the composer has the focus already. On a phone that would bring up the keyboard over half the screen.
  if (isPhone(page)) await tabTo(page, composer(page));
  await expect(composer(page)).toBeFocused();
  await page.keyboard.type("By hand");
  if (isPhone(page)) {
    await expect(sendButton(page)).toBeEnabled();
    await tabTo(page, sendButton(page));
  }
  await page.keyboard.press("Enter");
  await expect(messages(ada.page)).toHaveText(["By hand"]);
  await expect(composer(page)).toBeFocused();

  await say(ada.page, "Read aloud");
  await expect(page.locator("[aria-live=polite]").filter({ hasText: "Ada: Read aloud" })).toBeAttached();
  await expect(page.locator("[aria-live=polite]").filter({ hasText: "By hand" })).not.toBeAttached();

  const chooseByHand = async (item: string) => {
    await tabTo(page, more(page));
    await page.keyboard.press("Enter");
    await tabTo(page, menu(page).getByRole("button", { name: item }));
    await page.keyboard.press("Enter");
    await expect(menu(page)).toBeHidden();
  };
  await chooseByHand("Members");
  const list = dialog(page, /^Members/);
  await expect(list).toContainText("Ada");
  await tabTo(page, list.getByRole("button", { name: "Close" }));
  await page.keyboard.press("Escape");
  await expect(list).toBeHidden();
  await expect(more(page)).toBeFocused();

  await page.keyboard.press("Enter");
  await expect(menu(page)).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(menu(page)).toBeHidden();
  await expect(more(page)).toBeFocused();

  const title = page.getByRole("heading", { level: 1 }).getByRole("button");
  await tabTo(page, title);
  await page.keyboard.press("Enter");
  const info = dialog(page, "Room info");
  await tabTo(page, info.getByRole("button", { name: "Members" }));
  await page.keyboard.press("Enter");
  await expect(info).toBeHidden();
  await expect(list).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(list).toBeHidden();
  await expect(title).toBeFocused();

  await chooseByHand("Leave room");
  const ask = dialog(page, "Leave this room?");
  await expect(ask).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(ask).toBeHidden();
  await expect(more(page)).toBeFocused();
  await chooseByHand("Leave room");
  await tabTo(page, ask.getByRole("button", { name: "Leave" }));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("textbox", { name: "Room code" })).toBeVisible();
  await expect(notices(ada.page).filter({ hasText: /Bob .*left/ })).toHaveCount(1);
});

test("a room is made, renamed and kept with the keyboard alone @both", async ({ page }) => {
  await visit(page, "/");
  await tabTo(page, page.getByRole("link", { name: "Create a room" }));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Create a room");
  await tabTo(page, page.getByRole("radio", { name: /^Group/ }));
  await page.keyboard.press("ArrowDown");
  await expect(page.getByRole("radio", { name: /^One-to-one/ })).toBeChecked();
  await tabTo(page, page.getByRole("switch", { name: "Save messages" }));
  await page.keyboard.press("Space");
  await tabTo(page, page.getByRole("button", { name: "Create" }));
  await page.keyboard.press("Enter");
  await expect(facts(page).getByText("saved", { exact: true })).toBeVisible();

  await tabTo(page, more(page));
  await page.keyboard.press("Enter");
  await tabTo(page, menu(page).getByRole("button", { name: "Room settings" }));
  await page.keyboard.press("Enter");
  const settings = dialog(page, "Room settings");
  await tabTo(page, settings.getByRole("textbox", { name: "Room name" }));
  await page.keyboard.type("Two of us");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Two of us");
  await expect(settings).toBeHidden();
});

test("rooms are found and changed by shortcuts, and a list of these is one of them @desktop", async ({
  stack,
  guest,
}) => {
  const ada = await guest(stack);
  const { page } = ada;
  await register(ada, "Ada");
  for (const name of ["Book club", "Chess", "Choir"]) await makeRoomByRest(ada, { name, nickname: "Ada" });
  await open(page, `/rooms/${await makeRoomByRest(ada, { name: "Neighbours", nickname: "Ada" })}`);
  const title = page.getByRole("heading", { level: 1 });
  await shortcuts(page);
  await page.keyboard.press("Control+k");
  const find = page.getByRole("searchbox", { name: "Search by name or code" });
  await expect(find).toBeFocused();
  await page.keyboard.type("book");
  await page.keyboard.press("ArrowDown");
  await expect(row(page, "Book club")).toBeFocused();
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Enter");
  await expect(title).toHaveText("Book club");
  await expect(composer(page)).toBeFocused();
  await expect(find).toHaveValue("");

  // The list has the newest room first.
  await page.keyboard.press("Alt+ArrowUp");
  await expect(title).toHaveText("Chess");
  await page.keyboard.press("Alt+ArrowDown");
  await expect(title).toHaveText("Book club");

  await page.keyboard.press("Control+/");
  const list = dialog(page, "Keyboard shortcuts");
  await expect(list.getByRole("listitem")).toHaveCount(12);
  await page.keyboard.press("Escape");
  await expect(list).toBeHidden();
});

test("Escape goes to the newest messages, and only closes what is open @desktop", async ({ stack, guest }) => {
  const ada = await guest(stack);
  const code = await makeRoomByRest(ada, { nickname: "Ada" });
  for (let i = 1; i <= 40; i++) await sayByRest(ada, code, `Message ${i}`);
  await open(ada.page, `/rooms/${code}`);
  await shortcuts(ada.page);
  const last = messages(ada.page).last();
  await log(ada.page).evaluate((frame) => frame.scrollTo(0, -frame.scrollHeight));
  await expect(last).not.toBeInViewport();
  await more(ada.page).click();
  await ada.page.keyboard.press("Escape");
  await expect(menu(ada.page)).toBeHidden();
  await expect(last).not.toBeInViewport();
  await ada.page.keyboard.press("Escape");
  await expect(last).toBeInViewport();
});
