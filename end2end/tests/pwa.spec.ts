// The installed application: it starts from the device, and stores nothing personal.
import { controlled, expect, expectAccessible, test, visit } from "../fixtures.ts";
import { joinRoom, makeRoom, messages, say } from "../room.ts";

test.use({ serviceWorkers: "allow" });

test("the manifest is linked and complete, and its icons and screenshots are pictures @phone", async ({ page }) => {
  await page.goto("/");
  const address = await page.locator("link[rel=manifest]").getAttribute("href");
  expect(address).toBe("/manifest.json");
  const response = await page.request.get(address!);
  expect(response.headers()["content-type"]).toContain("application/manifest+json");
  const manifest = (await response.json()) as {
    name: string;
    start_url: string;
    display: string;
    icons: { src: string; sizes: string; purpose: string }[];
    screenshots: { src: string; sizes: string }[];
    shortcuts: { url: string }[];
  };
  expect(manifest).toMatchObject({ name: "AnonChat", start_url: "/open", display: "standalone" });
  for (const size of ["192x192", "512x512"]) expect(manifest.icons.map((icon) => icon.sizes)).toContain(size);
  expect(manifest.icons.map((icon) => icon.purpose)).toContain("maskable");
  for (const { src, sizes } of [...manifest.icons, ...manifest.screenshots]) {
    const [width, height] = await page.evaluate(async (src) => {
      const picture = new Image();
      picture.src = src;
      await picture.decode();
      return [picture.naturalWidth, picture.naturalHeight];
    }, src);
    if (sizes === "any") expect(width, src).toBeGreaterThan(0);
    else expect(`${width}x${height}`, src).toBe(sizes);
  }
  for (const { url } of manifest.shortcuts) expect((await page.request.get(url)).status(), url).toBe(200);
  for (const icon of await page.locator("link[rel~=icon], link[rel=apple-touch-icon]").all()) {
    const href = await icon.getAttribute("href");
    expect((await page.request.get(href!)).status(), href!).toBe(200);
  }
});

test("without its server the application says so at any address, and goes on when it is back @phone", async ({
  launch,
  guest,
  complaints,
}) => {
  complaints.allow(/ERR_(CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE)|WebSocket connection to/);
  const stack = await launch("embedded");
  const { page } = await guest(stack);
  await visit(page, "/");
  await controlled(page);

  await stack.kill9();
  await page.goto("/rooms/new");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Can’t reach AnonChat");
  await expect(page).toHaveURL("/rooms/new");
  await expectAccessible(page);
  await page.emulateMedia({ colorScheme: "dark" });
  await expectAccessible(page);

  await expect(page.getByRole("link", { name: "Try again" })).toBeVisible();
  await expect(page.getByRole("link", { name: "Back" })).toBeVisible();

  // The page recovers by itself.
  await stack.restart();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Create a room", { timeout: 30_000 });
  await expect(page).toHaveURL("/rooms/new");
});

test("the offline page speaks the language of the pages before it, and no other @desktop", async ({
  launch,
  guest,
  complaints,
}) => {
  complaints.allow(/ERR_(CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE)|WebSocket connection to/);
  const stack = await launch("embedded");
  const { page } = await guest(stack, 0, { locale: "de-DE" });
  await visit(page, "/");
  await controlled(page);
  await stack.kill9();
  await page.goto("/rooms/new");
  await expect(page.getByRole("heading")).toHaveText(["AnonChat ist nicht zu erreichen"]);
  await expect(page.locator("html")).toHaveAttribute("lang", "de");
  await stack.restart();
  await page.getByRole("link", { name: "Noch einmal versuchen" }).click();
  await expect(page).toHaveURL("/rooms/new");
  await expect(page.getByRole("heading", { level: 1 })).not.toHaveText("AnonChat ist nicht zu erreichen");
});

test("only the shell is kept on the device: no room, no answer of the server, no page for a person @phone", async ({
  stack,
  guest,
}) => {
  const [ada, bob] = [await guest(stack), await guest(stack)];
  await visit(ada.page, "/");
  await controlled(ada.page);
  const code = await makeRoom(ada, { nickname: "Ada", preserve: true });
  await joinRoom(bob, code, "Bob");
  await say(bob.page, "Nobody else’s business");
  await expect(messages(ada.page)).toHaveText(["Nobody else’s business"]);
  await ada.page.reload();
  await expect(messages(ada.page)).toHaveText(["Nobody else’s business"]);
  await visit(ada.page, "/");

  const kept = await ada.page.evaluate(async () => {
    const files: { path: string; text: string }[] = [];
    for (const name of await caches.keys()) {
      const cache = await caches.open(name);
      for (const request of await cache.keys()) {
        const response = await cache.match(request);
        files.push({ path: new URL(request.url).pathname, text: (await response?.text()) ?? "" });
      }
    }
    return files.map(({ path, text }) => ({ path, tells: text.includes("Nobody else’s business") }));
  });
  expect(kept.map(({ path }) => path)).toContain("/offline.html");
  for (const { path, tells } of kept) {
    expect(path).toMatch(
      /^\/(pkg\/anonchat\.[^/]+|shell|(store|window|messages)\.js|offline\.html|offline\.css|icons\/icon\.svg)$/,
    );
    expect(tells, path).toBe(false);
  }
});
