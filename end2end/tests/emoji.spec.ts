// The emoji picker of the composer.
import type { Page } from "@playwright/test";
import { controlled, expect, expectAccessible, test } from "../fixtures.ts";
import { composer, dialog, isPhone, makeRoom, open, shortcuts } from "../room.ts";

const NAMES = /^(Insert emoji|Emoji einfügen)$/;
const button = (page: Page) => page.getByRole("button", { name: NAMES });
const picker = (page: Page) => dialog(page, NAMES);
const search = (page: Page) => picker(page).getByRole("textbox");
const found = (page: Page) => picker(page).getByRole("gridcell");

async function openPicker(page: Page): Promise<void> {
  await shortcuts(page);
  await button(page).click();
  await expect(found(page).first()).toBeVisible();
}

test("an emoji is found and inserted where one writes @both", async ({ stack, guest }) => {
  const ada = await guest(stack);
  const { page } = ada;
  const asked: string[] = [];
  page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  await makeRoom(ada, { nickname: "Ada" });
  await composer(page).fill("Hello all");
  await composer(page).evaluate((field: HTMLTextAreaElement) => field.setSelectionRange(5, 5));
  await shortcuts(page);
  expect(asked.filter((path) => path.includes("emoji"))).toEqual([]);

  await openPicker(page);
  expect(asked.filter((path) => path.includes("emoji"))).toEqual(["/emoji.js", "/emoji/en.tsv"]);
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await expectAccessible(page);
  }
  await search(page).fill("wav HAN");
  await expect(found(page).first()).toHaveAccessibleName("waving hand");
  await expect(picker(page).getByRole("status")).toHaveText(/^\d+ found$/);
  await search(page).fill("no such thing");
  await expect(picker(page).getByText("No emoji found").filter({ visible: true }).last()).toBeVisible();
  await search(page).fill("thumbs up");
  await found(page).first().click();
  await expect(picker(page)).toBeHidden();
  await expect(composer(page)).toHaveValue("Hello👍 all");
  if (!isPhone(page)) {
    await expect(composer(page)).toBeFocused();
    await page.keyboard.type("!");
    await expect(composer(page)).toHaveValue("Hello👍! all");
  }
  await page.reload();
  await expect(composer(page), "it is a part of the draft").toHaveValue(/^Hello👍!? all$/);
});

test("the picker is used by keys alone @desktop", async ({ stack, guest }) => {
  const ada = await guest(stack);
  const { page } = ada;
  await makeRoom(ada, { nickname: "Ada" });
  await shortcuts(page);
  await button(page).focus();
  await page.keyboard.press("Enter");
  await expect(search(page)).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(picker(page)).toBeHidden();
  await expect(button(page)).toBeFocused();

  await page.keyboard.press("Enter");
  await expect(search(page)).toBeFocused();
  await page.keyboard.press("Tab");
  await expect(picker(page).getByRole("tab", { selected: true })).toBeFocused();
  await page.keyboard.press("End");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await expect(picker(page).getByRole("tab", { selected: true })).toHaveAccessibleName("Animals & nature");
  await page.keyboard.press("Tab");
  await expect(found(page).first()).toBeFocused();
  for (const [key, at] of [
    ["ArrowDown", 7],
    ["ArrowRight", 8],
    ["End", 13],
    ["Home", 7],
    ["ArrowLeft", 6],
    ["ArrowDown", 13],
  ] as const) {
    await page.keyboard.press(key);
    await expect(found(page).nth(at)).toBeFocused();
  }
  const chosen = (await found(page).nth(13).textContent())!;
  await page.keyboard.press("Enter");
  await expect(composer(page)).toHaveValue(chosen);
  await expect(composer(page)).toBeFocused();
});

test("in German the names are German, and a picker that did not come is asked for again @phone", async ({
  stack,
  guest,
  complaints,
}) => {
  complaints.allow(/ERR_FAILED/);
  const ada = await guest(stack, 0, { locale: "de-DE" });
  const { page } = ada;
  await makeRoom(ada, { nickname: "Ada" });
  await shortcuts(page);
  await page.route(/\/emoji/, (route) => route.abort());
  await button(page).tap();
  await expect(picker(page)).toHaveText("Emojis können gerade nicht geladen werden.");
  await page.unroute(/\/emoji/);
  await page.keyboard.press("Escape");
  await openPicker(page);
  await search(page).fill("daumen hoch");
  await expect(found(page).first()).toHaveAccessibleName("Daumen hoch");
});

test.describe("from the device", () => {
  test.use({ serviceWorkers: "allow" });

  test("after the first use the picker opens without a network @desktop", async ({ stack, guest, complaints }) => {
    complaints.allow(/ERR_INTERNET_DISCONNECTED|WebSocket connection to/);
    const ada = await guest(stack);
    const { page, context } = ada;
    const code = await makeRoom(ada, { nickname: "Ada" });
    await controlled(page);
    await openPicker(page);
    await open(page, `/rooms/${code}`);
    await shortcuts(page);
    await context.setOffline(true);
    await openPicker(page);
    await found(page).first().click();
    await expect(composer(page)).toHaveValue("😀");
    await context.setOffline(false);
  });
});
