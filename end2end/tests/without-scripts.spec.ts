// Without JavaScript the forms work, rooms can be read, and no typed text is lost.
import { expect, test } from "../fixtures.ts";
import { choose, codeOf, joinRoom, makeRoom, messages, notices, say, spaced } from "../room.ts";

test.use({ javaScriptEnabled: false });

test("a room is made, joined, read and left @both", async ({ stack, guest }) => {
  const [ada, bob] = [await guest(stack), await guest(stack)];
  await ada.page.goto("/");
  await ada.page.getByRole("link", { name: "Create a room" }).click();
  await ada.page.getByRole("radio", { name: /^Group/ }).check();
  await ada.page.getByRole("textbox", { name: "Room name" }).fill("Plain");
  await ada.page.getByRole("textbox", { name: "Your name in this room" }).fill("Ada");
  await ada.page.getByRole("button", { name: "Create" }).click();
  await expect(ada.page.getByRole("heading", { level: 1 })).toHaveText("Plain");
  const code = codeOf(ada.page);
  await expect(ada.page.getByText(spaced(code)).filter({ visible: true }).first()).toBeVisible();
  await expect(ada.page.getByText("Writing needs JavaScript")).toBeVisible();

  await bob.page.goto("/");
  await bob.page.getByRole("textbox", { name: "Room code" }).fill(spaced(code.toLowerCase()));
  await bob.page.getByRole("textbox", { name: "Your name in this room" }).fill("Bob");
  await bob.page.getByRole("button", { name: "Join", exact: true }).click();
  await expect(bob.page).toHaveURL(`/rooms/${code}`);
  await ada.page.reload();
  await expect(notices(ada.page)).toHaveText(["You and Bob joined"]);

  const cleo = await guest(stack, 0, { javaScriptEnabled: true });
  await joinRoom(cleo, code, "Cleo");
  await say(cleo.page, "Can you read this?");
  await expect(messages(cleo.page)).toHaveText(["Can you read this?"]);
  await bob.page.reload();
  await expect(messages(bob.page)).toHaveText(["Can you read this?"]);

  await choose(bob.page, "Leave room");
  await expect(bob.page.getByRole("textbox", { name: "Room code" })).toBeVisible();
  await expect(notices(cleo.page).filter({ hasText: "Bob left" })).toHaveCount(1);
});

test("a code that leads nowhere is said beside the box, and what was typed is still there @phone", async ({ page }) => {
  await page.goto("/");
  const code = page.getByRole("textbox", { name: "Room code" });
  const name = page.getByRole("textbox", { name: "Your name in this room" });
  for (const [typed, problem] of [
    ["000 000", /Can’t join\. The code may be wrong/],
    ["K7M 2Q", /A room code has six characters; this has 5/],
  ] as const) {
    await code.fill(typed);
    await name.fill("Ada");
    await page.getByRole("button", { name: "Join", exact: true }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Type six characters and talk.");
    await expect(code).toHaveAccessibleDescription(problem);
    await expect(code).toHaveValue(typed);
    await expect(name).toHaveValue("Ada");
  }
});

test("a name that is too long is said beside its field, and the form is as it was @desktop", async ({ page }) => {
  await page.goto("/rooms/new");
  await page.getByRole("radio", { name: /^One-to-one/ }).check();
  await page.getByRole("switch", { name: "Save messages" }).check();
  await page.getByRole("textbox", { name: "Room name" }).fill("Plain");
  const name = page.getByRole("textbox", { name: "Your name in this room" });
  await name.fill("x".repeat(33));
  await page.getByRole("button", { name: "Create" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Create a room");
  await expect(name).toHaveAccessibleDescription(/up to 32 characters/);
  await expect(name).toHaveValue("x".repeat(33));
  await expect(page.getByRole("textbox", { name: "Room name" })).toHaveValue("Plain");
  await expect(page.getByRole("radio", { name: /^One-to-one/ })).toBeChecked();
  await expect(page.getByRole("switch", { name: "Save messages" })).toBeChecked();
});

test("somebody in a room can change over to the one of a link @phone", async ({ stack, guest }) => {
  const [ada, bob] = [await guest(stack, 0, { javaScriptEnabled: true }), await guest(stack)];
  const code = await makeRoom(ada, { nickname: "Ada" });
  await bob.page.goto("/rooms/new");
  await bob.page.getByRole("button", { name: "Create" }).click();
  const own = codeOf(bob.page);

  await bob.page.goto(`/rooms/${code}`);
  await expect(bob.page.getByText("in one room at a time").first()).toBeVisible();
  await expect(bob.page.getByRole("link", { name: `Back to ${spaced(own)}` })).toBeVisible();
  await bob.page.getByRole("button", { name: /^Leave .* and join$/ }).click();
  await expect(bob.page).toHaveURL(`/rooms/${code}`);
  await expect(notices(ada.page)).toHaveText([/^You and .+ joined$/]);
});
