// The ways into a room, and what a page shows for a room that cannot be entered.
import { readFile } from "node:fs/promises";
import { DIAGONAL, expect, expectAccessible, test, visit } from "../fixtures.ts";
import {
  choose,
  codeOf,
  composer,
  dialog,
  following,
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
  peekOf,
  say,
  spaced,
} from "../room.ts";

for (const { kind, size } of DIAGONAL) {
  test.describe(`${kind} ${size}`, () => {
    test.use({ kind });

    test("a group is made with a name, and joined by its typed code or its link", async ({ stack, guest }) => {
      const ada = await guest(stack);
      await visit(ada.page, "/");
      await ada.page.getByRole("link", { name: "Create a room" }).click();
      await expect(ada.page.getByRole("heading", { name: "Create a room" })).toBeVisible();
      await ada.page.getByRole("textbox", { name: "Room name" }).fill("Reading circle");
      await ada.page.getByRole("textbox", { name: "Your name in this room" }).fill("Ada");
      await following(ada.page, () => ada.page.getByRole("button", { name: "Create" }).click());

      await expect(ada.page.getByRole("heading", { level: 1 })).toHaveText("Reading circle");
      const code = codeOf(ada.page);
      await more(ada.page).click();
      await expect(menu(ada.page)).toContainText(spaced(code));
      await ada.page.keyboard.press("Escape");
      await expect(log(ada.page).getByText(spaced(code))).toBeVisible();

      const ways = [
        ["Bob", code.toLowerCase()],
        ["Cleo", `${code.slice(0, 3).toLowerCase()}-${code.slice(3)} `],
        ["Dan", spaced(code.toLowerCase())],
        ["Eve", `${stack.url()}/rooms/${code}`],
      ] as const;
      for (const [i, [name, typed]] of ways.entries()) {
        const { page } = await guest(stack, (i + 1) % stack.size);
        await visit(page, "/");
        await page.getByRole("textbox", { name: "Room code" }).fill(typed);
        await page.getByRole("textbox", { name: "Your name in this room" }).fill(name);
        await following(page, () => page.getByRole("button", { name: "Join", exact: true }).click());
        await expect(page.getByRole("heading", { level: 1 })).toHaveText("Reading circle");
        await say(page, `${name} was here`);
      }
      await expect(messages(ada.page)).toHaveText(ways.map(([name]) => `${name} was here`));
      for (const [name] of ways) {
        await expect(notices(ada.page).filter({ hasText: new RegExp(`${name}.* joined`) })).toHaveCount(1);
      }
    });

    test("a one-to-one room takes one more by one tap on its link, and then is full", async ({
      stack,
      guest,
      complaints,
    }) => {
      const ada = await guest(stack);
      await visit(ada.page, "/rooms/new");
      await ada.page.getByRole("radio", { name: /^One-to-one/ }).check();
      await ada.page.getByRole("textbox", { name: "Your name in this room" }).fill("Ada");
      await following(ada.page, () => ada.page.getByRole("button", { name: "Create" }).click());
      const code = codeOf(ada.page);
      await expect(ada.page.getByRole("heading", { level: 1 })).toHaveText("Waiting for someone");

      const bob = await guest(stack, stack.size - 1);
      await visit(bob.page, `/rooms/${code}`);
      await expect(bob.page.getByRole("heading", { level: 1 })).toHaveText(`Join room ${spaced(code)}`);
      await following(bob.page, () => bob.page.getByRole("button", { name: "Join", exact: true }).click());
      await say(bob.page, "Here I am");
      await expect(messages(ada.page)).toHaveText(["Here I am"]);
      await say(ada.page, "Welcome");
      await expect(messages(bob.page)).toHaveText(["Here I am", "Welcome"]);

      complaints.allow(/status of 404/);
      const kind = /Can’t join\. The code may be wrong, or the room is full or closed/;
      const cleo = await guest(stack);
      await visit(cleo.page, "/");
      const typed = cleo.page.getByRole("textbox", { name: "Room code" });
      const name = cleo.page.getByRole("textbox", { name: "Your name in this room" });
      const join = cleo.page.getByRole("button", { name: "Join", exact: true });
      await typed.fill(spaced(code));
      await name.fill("Cleo");
      await join.click();
      await expect(cleo.page.getByRole("alert").filter({ hasText: kind })).toBeVisible();
      await expect(typed).toHaveValue(spaced(code));
      await expect(typed).toHaveAccessibleDescription(kind);
      await expect(name).toHaveValue("Cleo");

      // The answer is the same for a code that no room has, typed or by link, so nobody learns which codes exist.
      await typed.fill(code.startsWith("000") ? "111 111" : "000 000");
      await join.click();
      await expect(cleo.page.getByRole("alert").filter({ hasText: kind })).toBeVisible();
      await expect(name).toHaveValue("Cleo");

      await cleo.page.goto(`/rooms/${code}`);
      await expect(cleo.page.getByRole("heading", { level: 1 })).toHaveText("You can’t join this room");
      await expect(name).toHaveCount(0);
      await cleo.page.getByRole("link", { name: "Enter another code" }).click();
      await expect(typed).toBeVisible();
    });

    test("somebody in a room is told so at the next one, and can change over", async ({ stack, guest, complaints }) => {
      const [ada, bob, cleo] = [await guest(stack), await guest(stack, stack.size - 1), await guest(stack)];
      const first = await makeRoom(ada, { nickname: "Ada" });
      await joinRoom(bob, first, "Bob");
      await say(bob.page, "For now");
      await expect(messages(ada.page)).toHaveText(["For now"]);
      const second = await makeRoom(cleo, { nickname: "Cleo" });

      complaints.allow(/status of 409/);
      await visit(bob.page, "/");
      await expect(bob.page.getByText(`You’re in room ${spaced(first)}`)).toBeVisible();
      await bob.page.getByRole("textbox", { name: "Room code" }).fill(second);
      await bob.page.getByRole("button", { name: "Join", exact: true }).click();
      await expect(bob.page.getByText(/in one room at a time/).first()).toBeVisible();
      await expect(bob.page.getByRole("link", { name: `Back to ${spaced(first)}` })).toBeVisible();
      await following(bob.page, () => bob.page.getByRole("button", { name: /^Leave .* and join$/ }).click());

      await expect(bob.page).toHaveURL(`/rooms/${second}`);
      await expect(notices(ada.page).filter({ hasText: "Bob left" })).toHaveCount(1);
      await say(bob.page, "Changed over");
      await expect(messages(cleo.page)).toHaveText(["Changed over"]);
    });
  });
}

test("a change to a room that turns out to be full changes nothing @desktop", async ({ stack, guest, complaints }) => {
  const [ada, bob, cleo] = [await guest(stack), await guest(stack), await guest(stack)];
  const full = await makeRoomByRest(ada, { type: "p2p", nickname: "Ada" });
  await joinByRest(bob, full, "Bob");
  const own = await makeRoomByRest(cleo, { nickname: "Cleo" });

  // The room fills up after it was shown.
  complaints.allow(/status of 404|ERR_FAILED/);
  await cleo.page.route("**/api/rooms/peek", (route) => route.abort());
  await visit(cleo.page, `/rooms/${full}`);
  await cleo.page.getByRole("button", { name: /^Leave .* and join$/ }).click();
  await expect(cleo.page.getByRole("heading", { level: 1 })).toHaveText("You can’t join this room");
  const back = cleo.page.getByRole("link", { name: `Back to ${spaced(own)}` });
  await expect(back).toBeFocused();
  await following(cleo.page, () => back.click());
  await expect(cleo.page).toHaveURL(`/rooms/${own}`);
  await expect(composer(cleo.page)).toBeVisible();
});

test("who comes by a link sees what they join, without a move of the page, and joins by Enter @both", async ({
  stack,
  guest,
}) => {
  const [ada, bob, cleo] = [await guest(stack), await guest(stack), await guest(stack)];
  const code = await makeRoomByRest(ada, { name: "Reading circle", preserve: true, nickname: "Ada" });
  await joinByRest(bob, code, "Bob");

  // The form is there before the answer, and stays where it is.
  let answer = () => {};
  const asked = new Promise<void>((done) => (answer = done));
  await cleo.page.route("**/api/rooms/peek", async (route) => {
    await asked;
    await route.continue();
  });
  await visit(cleo.page, `/rooms/${code}`);
  const name = cleo.page.getByRole("textbox", { name: "Your name in this room" });
  const box = peekOf(cleo.page);
  await expect(box).toHaveText("");
  const before = [await box.boundingBox(), await name.boundingBox()];
  answer();
  await expect(box).toContainText("Reading circle");
  await expect(box).toContainText("2 members · Messages are saved");
  expect([await box.boundingBox(), await name.boundingBox()]).toEqual(before);
  await expect(cleo.page.getByText("Ada")).toHaveCount(0);

  // What is typed replaces the name. On a phone the focus would open the keyboard over the page.
  if (isPhone(cleo.page)) {
    await expect(name).not.toBeFocused();
    await name.fill("Cleo");
  } else {
    await expect(name).toBeFocused();
    await cleo.page.keyboard.type("Cleo");
  }
  await expect(name).toHaveValue("Cleo");
  await following(cleo.page, () => name.press("Enter"));
  await expect(cleo.page.getByRole("heading", { level: 1 })).toHaveText("Reading circle");
});

test("a room whose owner turned that off shows nothing before one joins @desktop", async ({ stack, guest }) => {
  const [ada, bob] = [await guest(stack), await guest(stack)];
  const code = await makeRoom(ada, { name: "Reading circle", nickname: "Ada" });
  await choose(ada.page, "Room settings");
  const shows = ada.page.getByRole("switch", { name: "Show the room before joining" });
  await expect(shows).toBeChecked();
  await shows.click();
  await expect(shows).not.toBeChecked();
  await ada.page.keyboard.press("Escape");
  await expect(notices(ada.page).last()).toHaveText("You turned off showing this room before joining");

  await visit(bob.page, `/rooms/${code}`);
  await expect(peekOf(bob.page)).toHaveText("This room shows nothing before you join.");
  await expect(bob.page.getByText("Reading circle")).toHaveCount(0);
  await following(bob.page, () => bob.page.getByRole("button", { name: "Join", exact: true }).click());
  await expect(bob.page.getByRole("heading", { level: 1 })).toHaveText("Reading circle");
});

test("a link on a bad connection can be joined although the room cannot be shown @phone", async ({
  stack,
  guest,
  complaints,
}) => {
  complaints.allow(/ERR_FAILED/);
  const [ada, bob] = [await guest(stack), await guest(stack)];
  const code = await makeRoomByRest(ada, { name: "Reading circle", nickname: "Ada" });
  await bob.page.route("**/api/rooms/peek", (route) => route.abort());
  await visit(bob.page, `/rooms/${code}`);
  await expect(peekOf(bob.page)).toHaveText("We can’t show this room right now. You can still join.");
  await following(bob.page, () => bob.page.getByRole("button", { name: "Join", exact: true }).click());
});

test("whoever comes back to a room for two that others have filled is told so @desktop", async ({ stack, guest }) => {
  const [ada, bob, eve] = [await guest(stack), await guest(stack), await guest(stack)];
  const code = await makeRoomByRest(ada, { nickname: "Ada", type: "p2p" });
  await joinByRest(bob, code, "Bob");
  expect((await bob.context.request.post("/api/rooms/leave", { data: { code } })).status()).toBe(204);
  await joinByRest(eve, code, "Eve");
  await bob.page.goto(`/rooms/${code}`);
  await expect(bob.page.getByRole("heading", { level: 1 })).toHaveText("This room is full");
  await expect(bob.page.getByRole("link", { name: "Try again" })).toBeVisible();
  await expect(bob.page.getByRole("button", { name: "Join" })).toHaveCount(0);
});

test("what cannot be a code is said before anybody is asked for it @phone", async ({ page, complaints }) => {
  complaints.allow(/status of 400/);
  await visit(page, "/");
  const code = page.getByRole("textbox", { name: "Room code" });
  const join = page.getByRole("button", { name: "Join", exact: true });
  await page.getByRole("textbox", { name: "Your name in this room" }).fill("Ada");

  await code.fill("K7M 2Q");
  await join.click();
  await expect(
    page.getByRole("alert").filter({ hasText: "A room code has six characters; this has 5." }),
  ).toBeVisible();
  await expect(code).toHaveValue("K7M 2Q");
  await expect(code).toHaveAttribute("aria-invalid", "true");
  await expect(page.getByRole("textbox", { name: "Your name in this room" })).toHaveValue("Ada");

  await code.fill("K7M 2QU");
  await join.click();
  await expect(page.getByRole("alert").filter({ hasText: "“U” is never part of a room code" })).toBeVisible();
  await expect(code).toHaveValue("K7M 2QU");
});

test("a link that lost a character can be put right on the spot @phone", async ({ stack, guest }) => {
  const [ada, bob] = [await guest(stack), await guest(stack)];
  const code = await makeRoomByRest(ada, { nickname: "Ada" });

  await visit(bob.page, `/rooms/${code.slice(0, 5)}`);
  await expect(bob.page.getByRole("heading", { level: 1 })).toHaveText("This link doesn’t work");
  const typed = bob.page.getByRole("textbox", { name: "Room code" });
  await expect(typed).toHaveValue(code.slice(0, 5));
  await typed.fill(code);
  await following(bob.page, () => bob.page.getByRole("button", { name: "Join", exact: true }).click());
  await expect(bob.page).toHaveURL(`/rooms/${code}`);
});

test("a name that is too long is refused beside its field, and stays @phone", async ({ page, complaints }) => {
  complaints.allow(/status of 400/);
  await visit(page, "/rooms/new");
  const name = page.getByRole("textbox", { name: "Your name in this room" });
  await name.fill("x".repeat(33));
  await page.getByRole("textbox", { name: "Room name" }).fill("Reading circle");
  await page.getByRole("button", { name: "Create" }).click();
  await expect(name).toHaveAccessibleDescription(/up to 32 characters/);
  await expect(name).toHaveValue("x".repeat(33));
  await expect(page.getByRole("textbox", { name: "Room name" })).toHaveValue("Reading circle");
});

test("an unknown address is answered with 404 and a way home @desktop", async ({ page, complaints }) => {
  complaints.allow(/status of 404/);
  const response = await page.goto("/no/such/page");
  expect(response?.status()).toBe(404);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Page not found");
  await page.getByRole("link", { name: "Go to the start page" }).click();
  await expect(page.getByRole("textbox", { name: "Room code" })).toBeVisible();
});

test("the messages of a room that saves them are downloaded as a page and as data @phone", async ({ stack, guest }) => {
  const ada = await guest(stack);
  const { page } = ada;
  const code = await makeRoom(ada, { nickname: "Ada", name: "Reading circle", preserve: true });
  await say(page, "See <chapter 3>");
  await expect(messages(page)).toHaveText(["See <chapter 3>"]);
  await choose(page, "Room info");
  const fetched = async (label: string) => {
    const downloading = page.waitForEvent("download");
    await dialog(page, "Room info").getByRole("link", { name: label, exact: true }).click();
    const download = await downloading;
    return { name: download.suggestedFilename(), path: await download.path() };
  };
  const data = await fetched("Download messages as JSON");
  expect(data.name).toBe(`anonchat-${code}.json`);
  const { room, events } = JSON.parse(await readFile(data.path, "utf8"));
  expect(room.name).toBe("Reading circle");
  expect(events.at(-1).kind.message.body).toBe("See <chapter 3>");

  const file = await fetched("Download messages");
  expect(file.name).toBe(`anonchat-${code}.html`);
  const reading = await ada.context.newPage();
  await reading.setContent(await readFile(file.path, "utf8"));
  await expect(reading.getByRole("heading", { level: 1 })).toHaveText("Reading circle");
  await expect(reading.getByRole("article")).toHaveText(/^Ada .*See <chapter 3>$/s);
  await expectAccessible(reading);
});
