// Every page in every state, light and dark, has no serious accessibility problem.
import type { Page } from "@playwright/test";
import { expect, expectAccessible, test, visit } from "../fixtures.ts";
import {
  actOn,
  choose,
  composer,
  dialog,
  isPhone,
  joinRoom,
  makeRoom,
  makeRoomByRest,
  messages,
  more,
  peekOf,
  pending,
  say,
} from "../room.ts";

// No animations: a colour in the middle of a transition would fail the contrast check.
test.use({ contextOptions: { reducedMotion: "reduce" } });

async function expectAccessibleInBoth(page: Page): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await test.step(`${new URL(page.url()).pathname}, ${colorScheme}`, () => expectAccessible(page));
  }
}

test("the pages outside of a room @both", async ({ page, complaints }) => {
  complaints.allow(/status of 40[04]/);
  await visit(page, "/");
  await expectAccessibleInBoth(page);
  await page.getByRole("textbox", { name: "Room code" }).fill("K7M 2Q");
  await page.getByRole("button", { name: "Join", exact: true }).click();
  await expect(page.getByRole("alert").filter({ hasText: "six characters" })).toBeVisible();
  await expectAccessibleInBoth(page);
  for (const address of ["/rooms/new", "/rooms/K7M2QX", "/rooms/K7M2", "/no/such/page"]) {
    await page.goto(address);
    if (address === "/rooms/K7M2QX")
      await expect(page.getByRole("heading", { level: 1 })).toHaveText("You can’t join this room");
    await expectAccessibleInBoth(page);
  }
});

test("a room, alone and in company, with its dialogs @both", async ({ stack, guest }) => {
  const [ada, bob] = [await guest(stack), await guest(stack)];
  const code = await makeRoom(ada, { nickname: "Ada", name: "Reading circle", preserve: true });
  await expectAccessibleInBoth(ada.page);
  await joinRoom(bob, code, "Bob");
  await say(bob.page, "See https://example.org");
  await say(ada.page, "I have");
  await expect(messages(ada.page)).toHaveCount(2);
  await expect(pending(ada.page)).toHaveCount(0);
  await ada.context.setOffline(true);
  await expect(ada.page.getByText("You’re offline.")).toBeVisible();
  await say(ada.page, "Waiting");
  await expect(pending(ada.page)).toHaveCount(1);
  await composer(ada.page).fill("x".repeat(4_001));
  await expect(ada.page.getByText("up to 4,000 characters")).toBeVisible();
  await expectAccessibleInBoth(ada.page);
  await ada.context.setOffline(false);
  await composer(ada.page).fill("");
  await expect(pending(ada.page)).toHaveCount(0);

  const opened = async (name: string | RegExp) => {
    await expect(dialog(ada.page, name)).toBeVisible();
    await expectAccessibleInBoth(ada.page);
    await ada.page.keyboard.press("Escape");
    await expect(dialog(ada.page, name)).toBeHidden();
  };
  await ada.page.getByRole("button", { name: "Invite people" }).click();
  await opened("Invite people");
  await more(ada.page).click();
  await expectAccessibleInBoth(ada.page);
  await ada.page.keyboard.press("Escape");
  await choose(ada.page, "Room info");
  await opened("Room info");
  await choose(ada.page, "Search messages");
  await opened("Search messages");
  await choose(ada.page, "Room settings");
  await opened("Room settings");
  await choose(ada.page, "Leave room");
  await opened("Leave this room?");
  if (isPhone(ada.page)) await choose(ada.page, "Members");
  await ada.page.getByRole("button", { name: "Actions for Bob" }).click();
  await expectAccessibleInBoth(ada.page);
  await ada.page.keyboard.press("Escape");
  await actOn(ada.page, "Bob", "Make Bob the owner");
  await opened("Make Bob the owner?");
  await actOn(ada.page, "Bob", "Remove Bob");
  await opened("Remove Bob?");

  if (isPhone(ada.page)) await expect(dialog(ada.page, /^Members/)).toBeVisible();
  await actOn(ada.page, "Bob", "Remove Bob");
  await dialog(ada.page, "Remove Bob?").getByRole("button", { name: "Remove" }).click();
  await expect(bob.page.getByText("Ada removed you from this room.")).toBeVisible();
  await expectAccessibleInBoth(bob.page);
});

test("the pages for somebody who is in a room already @both", async ({ stack, guest, complaints }) => {
  complaints.allow(/status of 409/);
  const [ada, bob] = [await guest(stack), await guest(stack)];
  await makeRoomByRest(ada, { nickname: "Ada" });
  const other = await makeRoomByRest(bob, { name: "Reading circle", nickname: "Bob" });
  await visit(ada.page, "/");
  await expect(ada.page.getByText("You’re in room")).toBeVisible();
  await expectAccessibleInBoth(ada.page);
  await ada.page.goto(`/rooms/${other}`);
  await expect(ada.page.getByRole("button", { name: /^Leave .* and join$/ })).toBeVisible();
  await expect(peekOf(ada.page)).toContainText("Reading circle");
  await expectAccessibleInBoth(ada.page);
});
