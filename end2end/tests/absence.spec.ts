// Absent members: what they see when they return, and for whom the place in a room for two is reserved.
import { DIAGONAL, expect, test } from "../fixtures.ts";
import { Stack } from "../stack.ts";
import { joinByRest, joinRoom, log, makeRoom, marks, open, say, sayByRest } from "../room.ts";

for (const { kind, size } of DIAGONAL) {
  test.describe(`${kind} ${size}`, () => {
    test.use({ kind });

    test("who comes later is no reader of what they could not see", async ({ stack, guest }) => {
      const [ada, bob, cyd] = [await guest(stack), await guest(stack), await guest(stack)];
      const code = await makeRoom(ada, { nickname: "Ada" });
      await say(ada.page, "The key is under the mat");
      await joinRoom(bob, code, "Bob");
      await say(bob.page, "Hello");
      await joinRoom(cyd, code, "Cyd");
      await say(cyd.page, "Hello, too");
      await expect(log(ada.page).getByText("Hello, too")).toBeVisible();
      await expect(marks(ada.page)).toHaveText(["Sent"]);
      await say(ada.page, "Welcome");
      await expect(marks(ada.page)).toHaveText([/^Seen by (Bob and Cyd|Cyd and Bob)$/]);
      // A message stays marked as seen when its reader leaves.
      const left = await cyd.context.request.post("/api/rooms/leave", { data: { code } });
      expect(left.status()).toBe(204);
      await expect(log(ada.page).getByText("Cyd left")).toBeVisible();
      await expect(marks(ada.page)).toHaveText([/^Seen by (Bob and Cyd|Cyd and Bob)$/]);
      await open(ada.page, `/rooms/${code}`);
      await expect(marks(ada.page)).toHaveText([/^Seen by (Bob and Cyd|Cyd and Bob)$/]);
    });
  });
}

test.describe("with a short grace", () => {
  test("absence is shown where the hole is, with its times, also after a reload @desktop", async ({ guest }) => {
    const stack = await Stack.embedded({ GUEST_GRACE_SECONDS: "1" });
    try {
      const [ada, bob] = [await guest(stack), await guest(stack)];
      const code = await makeRoom(ada, { nickname: "Ada" });
      await joinByRest(bob, code, "Bob");
      await sayByRest(ada, code, "Said while he counts as there");
      await expect(log(ada.page).getByText("Bob left")).toBeVisible();
      await sayByRest(ada, code, "Missed");
      await joinRoom(bob, code, "Bob");
      const hole = log(bob.page).getByText(
        /^You were away (from .+ to .+\. Messages sent then|for a moment\. Messages from that time) weren’t saved\.$/,
      );
      for (const reloads of [false, true]) {
        if (reloads) await open(bob.page, `/rooms/${code}`);
        await expect(hole).toHaveCount(1);
        await expect(log(bob.page).getByText("Said while he counts as there")).toBeVisible();
        await expect(log(bob.page).getByText("Missed")).toHaveCount(0);
      }
      // Close the pages before the server stops, so that they report no lost connection.
      for (const { page } of [ada, bob]) await page.close();
    } finally {
      await stack.stop();
    }
  });

  test("a place in a room for two is kept, and can be given up @phone", async ({ guest }) => {
    const stack = await Stack.embedded({ GUEST_GRACE_SECONDS: "1" });
    try {
      const [ada, bob, eve] = [await guest(stack), await guest(stack), await guest(stack)];
      const code = await makeRoom(ada, { nickname: "Ada", type: "p2p" });
      await joinByRest(bob, code, "Bob");
      await expect(ada.page.getByText(/Bob is away\./)).toBeVisible();
      await expect(ada.page.getByRole("button", { name: "Invite someone" })).toHaveCount(0);
      const join = () => eve.context.request.post("/api/rooms/join", { data: { code, nickname: "Eve" } });
      expect((await join()).status()).toBe(404);
      await ada.page.getByRole("button", { name: "Let someone else join" }).click();
      await expect(ada.page.getByText(/Bob is away\./)).toHaveCount(0);
      expect((await join()).status()).toBe(200);
      for (const { page } of [ada, bob, eve]) await page.close();
    } finally {
      await stack.stop();
    }
  });
});
