// The language and the look of the pages. The server chooses both, so they are right in the first frame.
import type { BrowserContextOptions, Page } from "@playwright/test";
import { expect, expectAccessible, test, visit } from "../fixtures.ts";
import {
  choose,
  codeOf,
  facts,
  following,
  isPhone,
  joinRoom,
  makeRoom,
  messages,
  notices,
  say,
  spaced,
} from "../room.ts";

const GERMAN: BrowserContextOptions = { locale: "de-AT" };

const title = (page: Page) => page.getByRole("heading", { level: 1 });
/** The timeline of a reader who uses German. */
const verlauf = (page: Page) => page.getByRole("log", { name: "Nachrichten" });

test("who asks for German gets German, from the first byte and after the scripts have come @both", async ({
  stack,
  guest,
}) => {
  const { context, page } = await guest(stack, 0, GERMAN);
  const sent = await (await context.request.get("/", { headers: { "accept-language": "de-AT,en;q=0.5" } })).text();
  expect(sent).toMatch(/<html [^>]*lang="de"/);
  expect(sent).toContain("Sechs Zeichen eintippen");
  await visit(page, "/");
  await expect(page.locator("html")).toHaveAttribute("lang", "de");
  await expect(page.getByRole("button", { name: "Betreten" })).toBeVisible();

  await page.getByRole("link", { name: "Raum erstellen" }).click();
  await expect(title(page)).toHaveText("Raum erstellen");
  await expect(page).toHaveTitle("Raum erstellen · AnonChat");
  await page.getByRole("textbox", { name: "Dein Name in diesem Raum" }).fill("Ada");
  await following(page, () => page.getByRole("button", { name: "Erstellen" }).click());
  const code = codeOf(page);
  await expect(title(page)).toHaveText("Neuer Raum");
  await expect(page).toHaveTitle(`Raum ${spaced(code)} · AnonChat`);
  await expect(verlauf(page).locator(".notice")).toHaveText(["Du bist jetzt dabei"]);
  await expect(page.getByRole("heading", { name: "Sonst ist noch niemand hier" })).toBeVisible();

  // Each member reads the room in their own language.
  const bob = await guest(stack);
  await joinRoom(bob, code, "Bob");
  await expect(notices(bob.page)).toHaveText(["You joined"]);
  await expect(verlauf(page).locator(".notice")).toHaveText(["Du und Bob seid jetzt dabei"]);
  await say(bob.page, "Hello");
  await expect(verlauf(page).locator(".message__text")).toHaveText(["Hello"]);
  await expect(page.getByText("Heute")).toBeVisible();
  await page.getByRole("textbox", { name: "Nachricht" }).fill("x".repeat(4_001));
  await expect(page.getByText("höchstens 4.000 Zeichen")).toBeVisible();
  await page.getByRole("textbox", { name: "Nachricht" }).fill("");
  await expectAccessible(page);
  await expect(facts(page)).toContainText("2 Mitglieder");
  if (!isPhone(page)) await expect(page.getByRole("complementary", { name: "Mitglieder 2" })).toBeVisible();
});

test("a form is refused in German, beside its field @desktop", async ({ stack, guest, complaints }) => {
  complaints.allow(/status of 40[04]/);
  const { page } = await guest(stack, 0, GERMAN);
  await visit(page, "/");
  const code = page.getByRole("textbox", { name: "Raumcode" });
  const name = page.getByRole("textbox", { name: "Dein Name in diesem Raum" });
  const join = page.getByRole("button", { name: "Betreten" });
  for (const [typed, problem] of [
    ["K7M 2Q", "Ein Raumcode hat sechs Zeichen; dieser hat 5."],
    ["K7M 2QU", "„U“ kommt in keinem Raumcode vor"],
    ["000 000", "Du kommst nicht hinein."],
  ] as const) {
    await code.fill(typed);
    await join.click();
    await expect(code).toHaveAccessibleDescription(new RegExp(problem));
  }
  await name.fill("x".repeat(33));
  await join.click();
  await expect(name).toHaveAccessibleDescription(/höchstens 32 Zeichen haben; dieser hat 33/);

  await page.goto("/rooms/K7M2");
  await expect(title(page)).toHaveText("Dieser Link funktioniert nicht");
  await expect(page.getByText("Ein Raumcode hat sechs Zeichen; dieser hat 4.")).toBeVisible();
});

test("a language that is chosen on the start page stays, whatever the browser asks for @phone", async ({
  stack,
  guest,
}) => {
  const { page } = await guest(stack);
  await visit(page, "/");
  await expect(page.getByRole("button", { name: "English" })).toHaveAttribute("aria-current", "true");
  await page.getByRole("button", { name: "Deutsch" }).click();
  await expect(page.getByRole("heading", { name: "Raum betreten" })).toBeVisible();
  await expect(page.locator("html")).toHaveAttribute("lang", "de");
  await expect(page.getByRole("button", { name: "Deutsch" })).toHaveAttribute("aria-current", "true");
  await page.goto("/rooms/new");
  await expect(title(page)).toHaveText("Raum erstellen");

  await visit(page, "/");
  await page.getByRole("button", { name: "English" }).click();
  await expect(page.getByRole("heading", { name: "Join a room" })).toBeVisible();
});

test("an application that is installed by a German reader has a German shortcut @desktop", async ({ stack, guest }) => {
  const { page } = await guest(stack, 0, GERMAN);
  await page.goto("/");
  const address = await page.locator("link[rel=manifest]").getAttribute("href");
  const manifest = (await (await page.request.get(address!)).json()) as { lang: string; shortcuts: { name: string }[] };
  expect(manifest.lang).toBe("de");
  expect(manifest.shortcuts[0]?.name).toBe("Neuer Raum");
});

test.describe("without scripts", () => {
  test.use({ javaScriptEnabled: false });

  test("a language is chosen, and a form refused in it @phone", async ({ page }) => {
    await page.goto("/");
    await page.getByRole("button", { name: "Deutsch" }).click();
    await expect(page).toHaveURL("/");
    await expect(page.getByRole("heading", { name: "Raum betreten" })).toBeVisible();
    const code = page.getByRole("textbox", { name: "Raumcode" });
    await code.fill("K7M 2Q");
    await page.getByRole("button", { name: "Betreten" }).click();
    await expect(code).toHaveAccessibleDescription("Ein Raumcode hat sechs Zeichen; dieser hat 5.");
    await expect(code).toHaveValue("K7M 2Q");
  });
});

test.describe("the look", () => {
  // No animations: a colour in the middle of a transition would fail the contrast check.
  test.use({ contextOptions: { reducedMotion: "reduce" } });

  test("every accent can be read, light and dark, in every size of text @both", async ({ stack, guest }) => {
    const [ada, bob] = [await guest(stack), await guest(stack)];
    const code = await makeRoom(ada, { nickname: "Ada", preserve: true });
    await joinRoom(bob, code, "Bob");
    await say(bob.page, "See https://example.org");
    await say(ada.page, "I have: https://example.org");
    await expect(messages(ada.page)).toHaveCount(2);
    const { page } = ada;
    for (const accent of ["indigo", "blue", "violet", "rose", "amber"]) {
      for (const theme of ["light", "dark"]) {
        await page.evaluate((look) => Object.assign(document.documentElement.dataset, look), { accent, theme });
        await test.step(`${accent}, ${theme}`, () => expectAccessible(page));
      }
    }
    for (const textSize of ["small", "medium", "large"]) {
      await page.evaluate((look) => Object.assign(document.documentElement.dataset, look), { textSize });
      await expect
        .soft(page.locator("html"), textSize)
        .toHaveCSS("font-size", { small: "15px", medium: "16px", large: "19px" }[textSize]!);
      const width = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect.soft(width, `nothing sticks out with ${textSize} texts`).toBeLessThanOrEqual(0);
    }
  });

  test("a chosen theme comes before the device's @desktop", async ({ page }) => {
    await page.goto("/");
    const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const colours = new Map<string, string>();
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      colours.set(colorScheme, await ground());
    }
    expect(colours.get("light")).not.toBe(colours.get("dark"));
    for (const theme of ["light", "dark"]) {
      await page.evaluate((theme) => (document.documentElement.dataset["theme"] = theme), theme);
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        expect(await ground(), `${theme} on a ${colorScheme} device`).toBe(colours.get(theme));
      }
    }
  });
});

test("nothing sticks out or is cut off in German @both", async ({ stack, guest }) => {
  const ada = await guest(stack, 0, GERMAN);
  const code = await makeRoom(ada, { nickname: "Ada", preserve: true });
  const fits = async (page: Page, name: string) => {
    const cut = await page.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>("button, .chip, .button, h1, h2, label")]
        .filter((element) => element.checkVisibility() && !element.closest(".visually-hidden"))
        .filter(
          (element) =>
            element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).overflow !== "visible",
        )
        .map((element) => element.outerHTML.slice(0, 120)),
    );
    expect.soft(cut, name).toEqual([]);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect.soft(over, name).toBeLessThanOrEqual(0);
  };
  await fits(ada.page, "a room");
  const bob = await guest(stack, 0, GERMAN);
  for (const address of ["/", "/rooms/new", `/rooms/${code}`]) {
    await visit(bob.page, address);
    await fits(bob.page, address);
  }
  for (const [name, heading] of [
    ["Leute einladen", "Leute einladen"],
    ["Über diesen Raum", "Über diesen Raum"],
    ["Einstellungen des Raums", "Einstellungen des Raums"],
    ["Raum verlassen", "Diesen Raum verlassen?"],
  ] as const) {
    if (name === "Leute einladen") await ada.page.getByRole("button", { name }).click();
    else await choose(ada.page, name);
    await expect(ada.page.getByRole("dialog", { name: heading })).toBeVisible();
    await fits(ada.page, heading);
    await ada.page.keyboard.press("Escape");
  }
});
