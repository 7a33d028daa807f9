// The others in a room notice nothing of a reload, a second tab or a short absence.
import { logIn, register } from "../account.ts";
import { DIAGONAL, expect, test } from "../fixtures.ts";
import {
  choose,
  dialog,
  exit,
  following,
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

    test("ten reloads make no notice and no second entry in the list", async ({ stack, guest }) => {
      const [ada, bob] = [await guest(stack), await guest(stack, stack.size - 1)];
      const code = await makeRoom(ada, { nickname: "Ada" });
      await joinRoom(bob, code, "Bob");
      await say(bob.page, "Here");
      for (let i = 0; i < 10; i++) await following(bob.page, () => bob.page.reload());

      await say(bob.page, "Still here");
      await expect(messages(ada.page)).toHaveText(["Here", "Still here"]);
      await expect(messages(bob.page)).toHaveText(["Here", "Still here"]);
      await expect(notices(ada.page)).toHaveText(["You and Bob joined"]);
      await withMembers(ada.page, (members) => expect(members).toHaveText([/^Ada, online/, /^Bob, online/]));
    });

    test("two tabs are one person, and both are that person", async ({ stack, guest }) => {
      const [ada, bob] = [await guest(stack), await guest(stack, stack.size - 1)];
      const code = await makeRoom(ada, { nickname: "Ada" });
      await joinRoom(bob, code, "Bob");
      const tab = await bob.context.newPage();
      // The second tab uses another node, if there is one: a session is valid on all nodes.
      await open(tab, `${stack.url()}/rooms/${code}`);

      await say(bob.page, "From the first");
      await say(tab, "From the second");
      for (const page of [ada.page, bob.page, tab]) {
        await expect(messages(page)).toHaveText(["From the first", "From the second"]);
      }
      await expect(tab.getByRole("listitem").filter({ hasText: "From the first" })).toContainText("You");
      await expect(notices(ada.page)).toHaveText(["You and Bob joined"]);

      await withMembers(ada.page, async (members) => {
        await expect(members).toHaveText([/^Ada, online/, /^Bob, online/]);
        await bob.page.close();
        await say(tab, "One tab less");
        await expect(messages(ada.page).last()).toHaveText("One tab less");
        await expect(members).toHaveText([/^Ada, online/, /^Bob, online/]);
      });

      const again = await bob.context.newPage();
      await open(again, `/rooms/${code}`);
      await exit(again);
      await expect(tab.getByRole("alert").filter({ hasText: "You left in another tab" })).toBeVisible();
      await expect(notices(ada.page).filter({ hasText: /Bob .*left/ })).toHaveCount(1);
    });

    test("a device that slept while its account left the room elsewhere stays out of it", async ({
      stack,
      guest,
      complaints,
    }) => {
      complaints.allow(/ERR_INTERNET_DISCONNECTED|WebSocket connection to/);
      const [ada, phone, bob] = [await guest(stack), await guest(stack, stack.size - 1), await guest(stack)];
      const email = await register(ada, "Ada");
      await logIn(phone, email);
      const code = await makeRoom(bob, { nickname: "Bob" });
      await joinRoom(ada, code, "Ada");
      await open(phone.page, `/rooms/${code}`);
      await phone.context.setOffline(true);
      await expect(phone.page.getByText("You’re offline.")).toBeVisible();
      await choose(ada.page, "Leave room");
      await dialog(ada.page, "Leave this room?").getByRole("button", { name: "Leave" }).click();
      await expect(ada.page).toHaveURL("/dashboard");
      await expect(notices(bob.page).last()).toHaveText(/Ada .*left/);
      await phone.context.setOffline(false);
      const left = phone.page.getByRole("alert").filter({ hasText: "in another tab or on another device" });
      await expect(left).toBeVisible();
      await say(bob.page, "Alone");
      await expect(notices(bob.page).last()).toHaveText(/Ada .*left/);
      await phone.page.getByRole("button", { name: "Rejoin" }).click();
      await expect(notices(bob.page).last()).toHaveText("Ada joined");
    });
  });
}
