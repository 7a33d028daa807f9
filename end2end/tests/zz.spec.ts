import { expect, test } from "../fixtures.ts";
test("bad fails", async ({ page }) => { test.fail(); await page.goto("/bad"); });
test("bad allowed", async ({ page, complaints }) => { complaints.allow(/Content Security Policy/); await page.goto("/bad"); });
test("uncaught fails", async ({ page }) => { test.fail(); await page.goto("/"); await page.evaluate(() => { setTimeout(() => { throw new Error("boom") }); return new Promise(r => setTimeout(r, 50)); }); });
test("launch", async ({ launch, guest }) => {
  const s = await launch("cluster");
  const { page } = await guest(s, 1);
  await page.goto("/");
  expect(page.url()).toContain(s.url(1));
  const v = page.viewportSize(); console.log(JSON.stringify(v), await page.evaluate(() => navigator.maxTouchPoints));
  await s.kill9(1); await s.restart(1); await page.reload();
  expect(await s.terminate(0)).toBe(0);
  console.log(s.log(0));
});
