// What the owner of a room can do, and what the other members see of it.
import { DIAGONAL, expect, test } from "../fixtures.ts";
import {
  actOn,
  BACK_MS,
  choose,
  composer,
  dialog,
  expectSettings,
  facts,
  following,
  joinByRest,
  joinRoom,
  makeRoom,
  messages,
  notices,
  open,
  say,
  withMembers,
} from "../room.ts";

for (const { kind, size } of DIAGONAL) {
  test.describe(`${kind} ${size}`, () => {
    test.use({ kind });

    test("preserve keeps what is said from then on, for late joiners and in the page itself", async ({
      stack,
      guest,
    }) => {
      const [ada, bob] = [await guest(stack), await guest(stack, stack.size - 1)];
      const code = await makeRoom(ada, { nickname: "Ada" });
      await joinRoom(bob, code, "Bob");
      await say(bob.page, "Before");
      await expect(messages(ada.page)).toHaveText(["Before"]);
      await expectSettings(bob.page, false);

      await choose(ada.page, "Room settings");
      const preserve = dialog(ada.page, "Room settings").getByRole("switch", { name: "Save messages" });
      await expect(preserve).toHaveAttribute("aria-checked", "false");
      await preserve.click();
      await expect(preserve).toHaveAttribute("aria-checked", "true");
      await ada.page.keyboard.press("Escape");
      await expect(notices(ada.page).filter({ hasText: /^You turned on saving/ })).toHaveCount(1);
      await expect(notices(bob.page).filter({ hasText: /^Ada turned on saving/ })).toHaveCount(1);
      await expect(facts(bob.page).getByText("saved", { exact: true })).toBeVisible();

      await say(ada.page, "Kept");
      await expect(messages(bob.page)).toHaveText(["Before", "Kept"]);
      await following(ada.page, () => ada.page.reload());
      await expect(messages(ada.page).last()).toHaveText("Kept");

      // The server's render, read by the same person without scripts.
      const still = await guest(stack, 0, {
        javaScriptEnabled: false,
        storageState: await ada.context.storageState(),
      });
      await still.page.goto(`/rooms/${code}`);
      await expect(messages(still.page).last()).toHaveText("Kept");
      await expect(notices(still.page).filter({ hasText: /^You turned on saving/ })).toHaveCount(1);

      const cleo = await guest(stack);
      await joinRoom(cleo, code, "Cleo");
      await expect(messages(cleo.page)).toHaveText(["Kept"]);
      await say(cleo.page, "I have read it");
      await expect(messages(bob.page).last()).toHaveText("I have read it");
    });

    test("whoever comes back under another name while nobody looks is listed by the new one", async ({
      stack,
      guest,
      complaints,
    }) => {
      complaints.allow(/ERR_INTERNET_DISCONNECTED|ERR_FAILED|WebSocket connection to/);
      const [ada, bob] = [await guest(stack), await guest(stack)];
      const code = await makeRoom(ada, { nickname: "Ada" });
      await joinByRest(bob, code, "Bob");
      await withMembers(ada.page, (members) => expect(members.filter({ hasText: "Bob" })).toHaveCount(1));
      await ada.context.setOffline(true);
      await expect(ada.page.getByText("You’re offline.")).toBeVisible();
      expect((await bob.context.request.post("/api/rooms/leave", { data: { code } })).status()).toBe(204);
      await joinByRest(bob, code, "Robert");
      await ada.context.setOffline(false);
      await expect(notices(ada.page).last()).toContainText("Robert", { timeout: BACK_MS });
      await withMembers(ada.page, async (members) => {
        await expect(members.filter({ hasText: "Robert" })).toHaveCount(1);
        await expect(members).toHaveCount(2);
      });
    });

    test("a late joiner of a room that keeps nothing sees nothing from before", async ({ stack, guest }) => {
      const [ada, bob] = [await guest(stack), await guest(stack, stack.size - 1)];
      const code = await makeRoom(ada, { nickname: "Ada" });
      await say(ada.page, "Before");
      await joinRoom(bob, code, "Bob");
      await say(ada.page, "After");
      await expect(messages(bob.page)).toHaveText(["After"]);
      await following(bob.page, () => bob.page.reload());
      await expect(messages(bob.page)).toHaveText(["After"]);
      await expect(facts(bob.page).getByText("not saved", { exact: true })).toBeVisible();
    });

    test("a removed member sees by whom and cannot come back", async ({ stack, guest, complaints }) => {
      const [ada, bob, cleo] = [await guest(stack), await guest(stack, stack.size - 1), await guest(stack)];
      const code = await makeRoom(ada, { nickname: "Ada" });
      await joinRoom(bob, code, "Bob");
      await joinRoom(cleo, code, "Cleo");
      await say(bob.page, "I will be good");
      await expect(messages(ada.page)).toHaveText(["I will be good"]);
      await withMembers(cleo.page, async (members) => {
        await expect(members).toHaveCount(3);
        await expect(members.getByRole("button", { name: /^Actions/ })).toHaveCount(0);
      });

      await withMembers(ada.page, async (members) => {
        await actOn(ada.page, "Bob", "Remove Bob");
        const ask = dialog(ada.page, "Remove Bob?");
        await ask.getByRole("button", { name: "Remove" }).click();
        await expect(ask).toBeHidden();
        await expect(members).toHaveText([/^Ada/, /^Cleo/]);
      });
      await expect(bob.page.getByRole("alert").filter({ hasText: "Ada removed you from this room." })).toBeVisible();
      await expect(composer(bob.page)).toBeHidden();
      await expect(notices(ada.page).filter({ hasText: "You removed Bob" })).toHaveCount(1);
      await expect(notices(cleo.page).filter({ hasText: "Ada removed Bob" })).toHaveCount(1);
      // The messages of the removed member stay, and the others go on chatting.
      await say(cleo.page, "That was quick");
      await expect(messages(ada.page)).toHaveText(["I will be good", "That was quick"]);
      await expect(messages(bob.page)).toHaveText(["I will be good"]);

      complaints.allow(/status of 403/);
      await bob.page.getByRole("link", { name: "Go to the start page" }).click();
      await expect(bob.page.getByRole("textbox", { name: "Room code" })).toBeVisible();
      await bob.page.goto(`/rooms/${code}`);
      await expect(bob.page.getByText("The owner removed you from this room")).toBeVisible();
      await expect(bob.page.getByRole("button", { name: "Join", exact: true })).toHaveCount(0);
      await expect(bob.page).toHaveURL(`/rooms/${code}`);
      await withMembers(ada.page, (members) => expect(members).toHaveText([/^Ada/, /^Cleo/]));
    });

    test("a room gets another name, everywhere and for good", async ({ stack, guest }) => {
      const [ada, bob] = [await guest(stack), await guest(stack, stack.size - 1)];
      const code = await makeRoom(ada, { nickname: "Ada", name: "Old name" });
      await joinRoom(bob, code, "Bob");

      await choose(ada.page, "Room settings");
      const settings = dialog(ada.page, "Room settings");
      const name = settings.getByRole("textbox", { name: "Room name" });
      await expect(name).toHaveValue("Old name");
      await name.fill("New name");
      await settings.getByRole("button", { name: "Save", exact: true }).click();
      await expect(settings).toBeHidden();
      for (const { page } of [ada, bob]) {
        await expect(page.getByRole("heading", { level: 1 })).toHaveText("New name");
        await expect(page).toHaveTitle(/New name/);
      }
      await expect(notices(bob.page).filter({ hasText: "Ada named the room “New name”" })).toHaveCount(1);
      await open(bob.page, `/rooms/${code}`);
      await expect(bob.page.getByRole("heading", { level: 1 })).toHaveText("New name");
    });

    test("a room is given away, and who leaves it chooses an heir", async ({ stack, guest }) => {
      const [ada, bob, cleo] = [await guest(stack), await guest(stack, stack.size - 1), await guest(stack)];
      const code = await makeRoom(ada, { nickname: "Ada" });
      await joinRoom(bob, code, "Bob");
      await joinRoom(cleo, code, "Cleo");
      await withMembers(ada.page, async (members) => {
        await actOn(ada.page, "Bob", "Make Bob the owner");
        const ask = dialog(ada.page, "Make Bob the owner?");
        await ask.getByRole("button", { name: "Make owner" }).click();
        await expect(ask).toBeHidden();
        await expect(members.getByRole("button")).toHaveCount(0);
      });
      await expect(notices(ada.page).filter({ hasText: "You made Bob the owner" })).toHaveCount(1);
      await expect(notices(bob.page).filter({ hasText: "Ada made you the owner" })).toHaveCount(1);
      await expectSettings(ada.page, false);
      await expectSettings(bob.page, true);

      await choose(bob.page, "Leave room");
      const exit = dialog(bob.page, "Leave this room?");
      const heir = exit.getByRole("combobox", { name: "Who will be the new owner?" });
      await expect(heir.getByRole("option")).toHaveText(["Ada", "Cleo"]);
      await heir.selectOption("Cleo");
      await exit.getByRole("button", { name: "Leave", exact: true }).click();
      await expect(notices(ada.page).filter({ hasText: "Bob made Cleo the owner" })).toHaveCount(1);
      await expectSettings(cleo.page, true);
    });
  });
}

test("whoever exits is told truly what the room keeps, also if that changed @phone", async ({ stack, guest }) => {
  const ada = await guest(stack);
  const code = await makeRoom(ada, { nickname: "Ada" });
  const isTold = async (text: RegExp): Promise<void> => {
    await choose(ada.page, "Leave room");
    await expect(dialog(ada.page, "Leave this room?")).toContainText(text);
    await ada.page.keyboard.press("Escape");
  };
  const preserve = async (on: boolean): Promise<void> => {
    const data = { code, preserve: on };
    expect((await ada.context.request.put("/api/rooms/preserve", { data })).status()).toBe(204);
    await expect(notices(ada.page).last()).toHaveText(on ? /^You turned on saving/ : /^You turned off saving/);
  };
  await say(ada.page, "Not kept");
  await isTold(/you won’t be able to read these messages again/);
  await preserve(true);
  await isTold(/Only messages since \d.* are saved/);
  await say(ada.page, "Kept");
  await preserve(false);
  await isTold(/Messages since \d.* aren’t saved\. Messages saved before that stay/);
  const kept = await guest(stack);
  const always = await makeRoom(kept, { nickname: "Cyd", preserve: true });
  expect(always).not.toBe(code);
  await choose(kept.page, "Leave room");
  await expect(dialog(kept.page, "Leave this room?")).toContainText("Saved messages stay in the room.");
});
