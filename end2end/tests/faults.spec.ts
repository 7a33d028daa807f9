// Servers die and networks fail: the page shows it, keeps what was written, and no message is lost, doubled or
// reordered. All of it also where no page can open a WebSocket, and each has a stream.
import type { Page } from "@playwright/test";
import { type Complaints, DIAGONAL, type Guest, type Stack, expect, test } from "../fixtures.ts";
import { BACK_MS, composer, following, joinRoom, log, makeRoom, messages, notices, pending, say } from "../room.ts";

const reconnecting = (page: Page) => page.getByRole("status").filter({ hasText: "Reconnecting" });
const offline = (page: Page) => page.getByRole("status").filter({ hasText: "You’re offline." });

/** The browser's own console errors about a server that does not answer. */
function allowAbsence(complaints: Complaints): void {
  complaints.allow(
    /ERR_(CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE|INTERNET_DISCONNECTED|SOCKET_NOT_CONNECTED|INCOMPLETE_CHUNKED)/,
  );
  complaints.allow(/WebSocket connection to/);
}

/** Ada and Bob in a room, with Bob on the last node. */
async function pair(
  stack: Stack,
  guest: (stack: Stack, node?: number) => Promise<Guest>,
  preserve: boolean,
): Promise<{ ada: Guest; bob: Guest; code: string }> {
  const [ada, bob] = [await guest(stack), await guest(stack, stack.size - 1)];
  const code = await makeRoom(ada, { nickname: "Ada", preserve });
  await joinRoom(bob, code, "Bob");
  return { ada, bob, code };
}

/**
 * Waits until both pages have exactly these messages, all of them sent. Checks that both have the same order, and that
 * each author's own order is kept.
 */
async function expectSame(ada: Page, bob: Page, said: string[]): Promise<void> {
  for (const page of [ada, bob]) {
    await expect(messages(page)).toHaveCount(said.length, { timeout: BACK_MS });
    await expect(pending(page)).toHaveCount(0, { timeout: BACK_MS });
    await expect(reconnecting(page)).toBeHidden({ timeout: BACK_MS });
  }
  const order = await messages(ada).allInnerTexts();
  await expect(messages(bob)).toHaveText(order);
  expect([...order].sort(), "nothing lost, nothing doubled").toEqual([...said].sort());
  for (const name of ["Ada", "Bob"]) {
    const own = (text: string) => text.startsWith(`${name}:`);
    expect(order.filter(own), `what ${name} said, in order`).toEqual(said.filter(own));
  }
  await expect(log(ada).getByText("Not sent.")).toHaveCount(0);
}

/** A room that keeps what is said, and one that does not, each on one size. */
const ROOMS = [
  { preserve: true, keeps: "keeps", size: "@phone" },
  { preserve: false, keeps: "does not keep", size: "@desktop" },
] as const;

for (const isBlocked of [false, true]) {
  test.describe(isBlocked ? "by stream" : "by socket", () => {
    test.use({ isBlocked });

    for (const { preserve, keeps, size } of ROOMS) {
      test(`a killed server comes back to a room that it ${keeps}, and the chat goes on ${size}`, async ({
        launch,
        guest,
        complaints,
      }) => {
        allowAbsence(complaints);
        const stack = await launch("embedded");
        const { ada, bob } = await pair(stack, guest, preserve);
        const said: string[] = [];
        const by = async ({ page }: Guest, text: string) => {
          said.push(text);
          await say(page, text);
        };
        for (const n of [1, 2, 3]) {
          await by(ada, `Ada: ${n}`);
          await by(bob, `Bob: ${n}`);
        }
        await expectSame(ada.page, bob.page, said);

        // The server dies while Bob is typing.
        await composer(bob.page).pressSequentially("Bob: in the mid");
        const killed = stack.kill9();
        await by(ada, "Ada: during the kill");
        await killed;
        for (const { page } of [ada, bob]) await expect(reconnecting(page)).toBeVisible();
        await expect(composer(bob.page)).toHaveValue("Bob: in the mid");
        await by(bob, "Bob: in the middle");
        await by(ada, "Ada: while it was away");
        await expect(pending(ada.page).last()).toContainText("Ada: while it was away");
        await expect(pending(bob.page)).toHaveCount(1);
        for (const n of [1, 2, 3]) await expect(messages(ada.page).filter({ hasText: `Bob: ${n}` })).toBeVisible();

        await stack.restart();
        await expectSame(ada.page, bob.page, said);
        await by(bob, "Bob: back");
        await by(ada, "Ada: back");
        await expectSame(ada.page, bob.page, said);
        await expect(notices(ada.page)).toHaveText(["You and Bob joined"]);
        if (preserve) {
          await following(bob.page, () => bob.page.reload());
          await expectSame(ada.page, bob.page, said);
        }
      });
    }

    for (const { preserve, keeps, size } of ROOMS) {
      test(`the chat outlives the node of one guest in a room that ${keeps} what is said ${size}`, async ({
        launch,
        guest,
        complaints,
      }) => {
        allowAbsence(complaints);
        const stack = await launch("cluster");
        const { ada, bob } = await pair(stack, guest, preserve);
        const said = ["Ada: 1", "Bob: 1"];
        await say(ada.page, "Ada: 1");
        await say(bob.page, "Bob: 1");
        await expectSame(ada.page, bob.page, said);

        await stack.kill9(1);
        await expect(reconnecting(bob.page)).toBeVisible();
        for (const text of ["Ada: 2", "Ada: 3"]) {
          said.push(text);
          await say(ada.page, text);
        }
        await expect(pending(ada.page)).toHaveCount(0);
        await expect(reconnecting(ada.page)).toBeHidden();
        for (const text of ["Bob: 2", "Bob: 3"]) {
          said.push(text);
          await say(bob.page, text);
        }
        await expect(pending(bob.page)).toHaveCount(2);

        await stack.restart(1);
        await expectSame(ada.page, bob.page, said);
        await say(bob.page, "Bob: 4");
        await expectSame(ada.page, bob.page, [...said, "Bob: 4"]);
        await expect(notices(ada.page)).toHaveText(["You and Bob joined"]);
      });
    }

    for (const { kind, size } of DIAGONAL) {
      test(`${kind}: a server that is stopped politely says so, and the pages find it again ${size}`, async ({
        launch,
        guest,
        complaints,
      }) => {
        allowAbsence(complaints);
        const stack = await launch(kind);
        const last = stack.size - 1;
        const { ada, bob } = await pair(stack, guest, true);
        await say(bob.page, "Bob: 1");
        await expectSame(ada.page, bob.page, ["Bob: 1"]);
        expect(await stack.terminate(last)).toBe(0);
        await expect(reconnecting(bob.page)).toBeVisible();
        await say(bob.page, "Bob: 2");
        await expect(pending(bob.page)).toHaveCount(1);

        await stack.restart(last);
        await expectSame(ada.page, bob.page, ["Bob: 1", "Bob: 2"]);
        await expect(notices(ada.page)).toHaveText(["You and Bob joined"]);
      });

      test.describe(`${kind} ${size}`, () => {
        test.use({ kind });

        test("what is written offline is sent once when the network is back", async ({ stack, guest, complaints }) => {
          allowAbsence(complaints);
          const { ada, bob } = await pair(stack, guest, true);
          await say(ada.page, "Ada: 1");
          await expectSame(ada.page, bob.page, ["Ada: 1"]);

          await ada.context.setOffline(true);
          await expect(offline(ada.page)).toBeVisible();
          await say(ada.page, "Ada: 2");
          await say(ada.page, "Ada: 3");
          await expect(pending(ada.page)).toHaveCount(2);
          await say(bob.page, "Bob: 1");
          await expect(messages(bob.page)).toHaveText(["Ada: 1", "Bob: 1"]);

          await ada.context.setOffline(false);
          await expect(offline(ada.page)).toBeHidden();
          await expectSame(ada.page, bob.page, ["Ada: 1", "Bob: 1", "Ada: 2", "Ada: 3"]);
          await following(bob.page, () => bob.page.reload());
          await expectSame(ada.page, bob.page, ["Ada: 1", "Bob: 1", "Ada: 2", "Ada: 3"]);
        });
      });
    }

    test("what is written while the server is away survives a reload of the page @desktop", async ({
      launch,
      guest,
      complaints,
    }) => {
      allowAbsence(complaints);
      const stack = await launch("embedded");
      const { ada, bob } = await pair(stack, guest, true);
      await ada.context.setOffline(true);
      await say(ada.page, "Ada: 1");
      await expect(pending(ada.page)).toHaveCount(1);
      await stack.kill9();
      await ada.context.setOffline(false);
      await expect(reconnecting(ada.page)).toBeVisible();

      await stack.restart();
      await following(ada.page, () => ada.page.reload());
      await expectSame(ada.page, bob.page, ["Ada: 1"]);
    });
  });
}
