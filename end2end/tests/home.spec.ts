import { DIAGONAL, expect, expectAccessible, test } from "../fixtures.ts";

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
