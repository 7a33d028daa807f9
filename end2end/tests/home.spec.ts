import { DIAGONAL, expect, expectAccessible, test, visit } from "../fixtures.ts";
import { makeRoomByRest } from "../room.ts";

for (const { kind, size } of DIAGONAL) {
  test.describe(`${kind} ${size}`, () => {
    test.use({ kind });

    test("the home page opens on every node, without a complaint and without a barrier", async ({ page, stack }) => {
      for (let node = 0; node < stack.size; node++) {
        await page.goto(stack.url(node));
        await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
        await expectAccessible(page);
      }
    });
  });
}

test("all of the start page is on the screen of a desktop, also with a room to go back to @desktop", async ({
  stack,
  guest,
}) => {
  const ada = await guest(stack, 0, { viewport: { width: 1280, height: 800 } });
  await makeRoomByRest(ada, { nickname: "Ada" });
  await visit(ada.page, "/");
  await expect(ada.page.getByRole("link", { name: "Open room" })).toBeVisible();
  const overflow = await ada.page.evaluate(() => document.documentElement.scrollHeight - innerHeight);
  expect(overflow).toBe(0);
});
