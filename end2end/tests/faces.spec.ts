// How people and rooms are told apart: pictures and colours are the same for everybody, and a room for two is shown as
// the other person.
import type { Page } from "@playwright/test";
import { register } from "../account.ts";
import { DIAGONAL, expect, expectAccessible, test } from "../fixtures.ts";
import {
  choose,
  dialog,
  facts,
  joinByRest,
  joinRoom,
  log,
  makeRoom,
  messages,
  open,
  say,
  sayByRest,
  spaced,
  withMembers,
} from "../room.ts";

const title = (page: Page) => page.getByRole("heading", { level: 1 });
const author = (page: Page) => log(page).locator(".message--signed > .message__author");

/** Hue, figure and initials of the elements that match. */
const looks = (page: Page, selector: string): Promise<string[]> =>
  page.locator(selector).evaluateAll((marks: HTMLElement[]) =>
    marks.map((mark) => {
      const classes = [...mark.classList].filter((name) => /^(hue|figure)-/.test(name));
      return [...classes, mark.dataset["initials"]].join(" ");
    }),
  );

test("a member looks the same to everybody, and unlike a member of the same name @desktop", async ({
  stack,
  guest,
}) => {
  const [ada, bob, other] = [await guest(stack), await guest(stack), await guest(stack)];
  const code = await makeRoom(ada, { nickname: "Ada", preserve: true });
  await joinRoom(bob, code, "Bob");
  await joinByRest(other, code, "Bob");
  await sayByRest(other, code, "Me too");
  await say(bob.page, "Hello");
  await expect(messages(ada.page)).toHaveText(["Me too", "Hello"]);
  await expect(messages(bob.page)).toHaveText(["Me too", "Hello"]);

  const [second, first] = await looks(ada.page, ".message--signed");
  expect(first).toMatch(/^hue-\d+ figure-\d B$/);
  expect(second).toMatch(/^hue-\d+ figure-\d B2$/);
  expect(second).not.toBe(first);
  expect(await looks(bob.page, ".message--signed")).toEqual([second]);
  for (const page of [ada.page, bob.page]) {
    const members = await looks(page, ".room__side .portrait");
    expect(members).toHaveLength(3);
    expect(members).toEqual(expect.arrayContaining([first, second]));
  }
  // The server renders the same before any script runs.
  const html = await (await ada.context.request.get(`/rooms/${code}`)).text();
  for (const look of [first!, second!]) expect(html).toContain(look.replace(/ B2?$/, ""));
});

test("names are readable in every colour, accent and theme @phone", async ({ stack, guest }) => {
  const [ada, bob] = [await guest(stack), await guest(stack)];
  const code = await makeRoom(ada, { nickname: "Ada" });
  await joinByRest(bob, code, "Bob");
  await sayByRest(bob, code, "Hello");
  await expect(author(ada.page)).toHaveText(["Bob"]);
  // Whatever colour Bob has, all of them are on the page.
  await log(ada.page)
    .locator(".message")
    .evaluate((message) => {
      for (let hue = 0; hue < 12; hue++) {
        const copy = message.cloneNode(true) as HTMLElement;
        copy.className = copy.className.replace(/hue-\d+/, `hue-${hue}`);
        message.after(copy);
      }
    });
  const colours = await author(ada.page).evaluateAll((names) => names.map((name) => getComputedStyle(name).color));
  expect(new Set(colours).size).toBe(12);
  for (const colorScheme of ["light", "dark"] as const) {
    await ada.page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    for (const accent of ["indigo", "amber"]) {
      await ada.page.evaluate((accent) => (document.documentElement.dataset["accent"] = accent), accent);
      await test.step(`${accent}, ${colorScheme}`, () => expectAccessible(ada.page));
    }
  }
  await ada.page.emulateMedia({ forcedColors: "active" });
  await choose(ada.page, "Room info");
  const edge = await dialog(ada.page, "Room info")
    .locator(".portrait")
    .evaluate((portrait) => getComputedStyle(portrait).outlineColor);
  expect(edge, "a picture has an edge in high contrast").not.toBe("rgba(0, 0, 0, 0)");
});

for (const { kind, size } of DIAGONAL) {
  test.describe(`${kind} ${size}`, () => {
    test.use({ kind });

    test("a room for two is shown as the other person", async ({ stack, guest, complaints }) => {
      complaints.allow(/ERR_INTERNET_DISCONNECTED|WebSocket connection to/);
      const [ada, bob] = [await guest(stack), await guest(stack, stack.size - 1)];
      await register(ada, "Ada");
      const code = await makeRoom(ada, { type: "p2p", nickname: "Ada", preserve: true });
      const { page } = ada;
      const row = page.locator(".room-row");
      const invite = page.getByRole("button", { name: "Invite someone" });
      await expect(title(page)).toHaveText("Waiting for someone");
      // The code is on the page once, with what can be done with it.
      await expect(facts(page)).toHaveText("saved");
      await expect(page.locator(".alone")).toContainText(spaced(code));
      await expect(page.locator(".alone")).toContainText("One person can join");
      await expect(page).toHaveTitle(`Waiting for someone · ${spaced(code)} · AnonChat`);
      await expect(row).toContainText("Waiting for someone");
      await expect(row).toContainText(spaced(code));
      await expect(invite).toBeVisible();

      await joinRoom(bob, code, "Bob");
      for (const [to, name] of [
        [page, "Bob"],
        [bob.page, "Ada"],
      ] as const) {
        await expect(title(to)).toHaveText(name);
        await expect(to).toHaveTitle(`${name} · AnonChat`);
        await expect(facts(to).getByText("online", { exact: true })).toBeVisible();
        await expect(facts(to)).not.toContainText("member");
      }
      await expect(invite).toHaveCount(0);
      await expect(row.locator("bdi").first()).toHaveText("Bob");
      const [look] = await looks(page, ".room-header .portrait");
      expect(look).toMatch(/ B$/);
      await expect.poll(() => looks(page, ".room-row .portrait")).toEqual([look]);
      await withMembers(page, async (members) => {
        await expect(members).toHaveCount(2);
        expect(await looks(page, "li.member .portrait")).toContain(look);
      });

      await say(bob.page, "Just us");
      await expect(messages(page)).toHaveText(["Just us"]);
      await expect(author(page)).toHaveCount(0);
      await bob.page.close();
      await expect(facts(page).getByText("away", { exact: true })).toBeVisible();
      await open(page, `/rooms/${code}`);
      await expect(title(page)).toHaveText("Bob");
      await expect(author(page)).toHaveCount(0);
    });
  });
}
