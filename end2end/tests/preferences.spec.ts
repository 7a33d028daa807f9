// What people with accounts choose and change. These pages work without scripts, so each flow runs with and without
// them.
import { readFile } from "node:fs/promises";
import type { BrowserContextOptions, Page } from "@playwright/test";
import {
  OTHER_PASSWORD,
  PASSWORD,
  card,
  field,
  isLoggedIn,
  logIn,
  pathOf,
  press,
  problem,
  register,
  registerAndConfirm,
  status,
  title,
} from "../account.ts";
import { DIAGONAL, type Guest, WAYS, expect, test } from "../fixtures.ts";
import { codeIn, linkIn, mailTo, newAddress } from "../mails.ts";
import {
  codeOf,
  following,
  joinRoom,
  makeRoom,
  makeRoomByRest,
  messages,
  notices,
  open,
  say,
  sayByRest,
} from "../room.ts";

/** The attributes of the root element that set the look, as the server sent them. */
async function sentLook({ context }: Guest, address: string): Promise<Record<string, string>> {
  const text = await (await context.request.get(address, { headers: { accept: "text/html" } })).text();
  const root = /<html ([^>]*)>/.exec(text)?.[1] ?? "";
  return Object.fromEntries([...root.matchAll(/([a-z-]+)="([^"]*)"/g)].map(([, name, value]) => [name!, value!]));
}

/** The background colour of the page. */
const ground = (page: Page) => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);

/** Records in every page the look of the root at the first frame, and every change of it. */
function watchLook(): void {
  const seen: string[] = [];
  const note = () => {
    const { theme, accent, textSize, hours } = document.documentElement?.dataset ?? {};
    const look = [document.documentElement?.lang, theme, accent, textSize, hours].join(" ");
    if (document.body && seen.at(-1) !== look) seen.push(look);
  };
  new MutationObserver(note).observe(document, { attributes: true, childList: true, subtree: true });
  Object.assign(globalThis, { looks: seen });
}

const looks = (page: Page) => page.evaluate(() => (globalThis as unknown as { looks: string[] }).looks);

for (const { kind, size, javaScriptEnabled } of WAYS) {
  test.describe(`${kind}, ${javaScriptEnabled ? "with" : "without"} scripts ${size}`, () => {
    test.use({ kind });
    const browser: BrowserContextOptions = { javaScriptEnabled };

    /** Waits until what was chosen is stored. With scripts it is stored at once. */
    const saves = async (page: Page) => {
      if (!javaScriptEnabled) await press(page, "Save");
      await expect(status(page)).toHaveText("Saved.");
    };

    test("a look that is chosen is there with the first picture of every page", async ({ stack, guest }) => {
      const ada = await guest(stack, 0, browser);
      const { page, context } = ada;
      await register(ada, "Ada");
      await page.goto("/preferences");
      const light = await ground(page);
      for (const name of ["Dark", "Rose", "Large", "2:05 PM", "Deutsch"]) {
        await page.getByRole("radio", { name, exact: true }).check();
      }
      if (!javaScriptEnabled) {
        await press(page, "Save");
        await expect(status(page)).toHaveText("Gespeichert.");
      }
      await expect(title(page)).toHaveText("Aussehen");
      const chosen = {
        lang: "de",
        "data-theme": "dark",
        "data-accent": "rose",
        "data-text-size": "large",
        "data-hours": "12",
      };
      const code = await makeRoomByRest(ada);
      if (javaScriptEnabled) await context.addInitScript(watchLook);
      for (const address of ["/preferences/data", "/rooms/new", `/rooms/${code}`]) {
        expect.soft(await sentLook(ada, address), address).toMatchObject(chosen);
        if (javaScriptEnabled && address === `/rooms/${code}`) await open(page, address);
        else await page.goto(address);
        expect.soft(await ground(page), `${address} is dark`).not.toBe(light);
        await expect.soft(page.locator("html"), address).toHaveCSS("font-size", "19px");
        if (javaScriptEnabled) expect.soft(await looks(page), address).toEqual(["de dark rose large 12"]);
      }
      const elsewhere = await guest(stack, stack.size - 1, browser);
      await sayByRest(ada, code, "Um wie viel Uhr?");
      await page.goto(`/rooms/${code}`);
      // Without scripts the server does not know the browser's time zone, so times are in UTC and labelled so.
      const time = javaScriptEnabled ? /^\d{1,2}:\d\d [AP]M$/ : /^\d{1,2}:\d\d [AP]M UTC$/;
      await expect(page.locator(".message time")).toHaveText(time);
      // Another person's browser is not affected.
      expect(await sentLook(elsewhere, "/")).toMatchObject({
        lang: "en",
        "data-theme": "system",
        "data-accent": "indigo",
      });
    });

    test("what is chosen for chatting is kept, and the name is offered in new rooms", async ({
      stack,
      guest,
      complaints,
    }) => {
      complaints.allow(/status of 400/);
      const ada = await guest(stack, 0, browser);
      const { page } = ada;
      await register(ada, "Ada");
      await page.goto("/preferences/chatting");
      await expect(page.getByRole("radio", { name: "Every message" })).toBeChecked();
      await page.getByRole("radio", { name: "Messages that mention me" }).check();
      await page.getByRole("switch", { name: "Sound" }).check();
      await page.getByRole("switch", { name: "Read receipts" }).uncheck();
      const name = field(page, "Name (optional)");
      await expect(name).toHaveAccessibleDescription(/^Leave empty to use your account’s name, Ada\./);
      await name.fill("x".repeat(33));
      await (javaScriptEnabled ? name.press("Enter") : press(page, "Save"));
      // The form was refused, and every other choice keeps its value.
      await expect(name).toHaveAccessibleDescription(/up to 32 characters/);
      await expect(page.getByRole("radio", { name: "Messages that mention me" })).toBeChecked();
      await expect(page.getByRole("switch", { name: "Read receipts" })).not.toBeChecked();
      await name.fill("Countess");
      await name.blur();
      await saves(page);
      await page.reload();
      await expect(page.getByRole("switch", { name: "Sound" })).toBeChecked();
      await expect(page.getByRole("switch", { name: "Typing indicator" })).toBeChecked();
      await expect(page.getByRole("switch", { name: "Read receipts" })).not.toBeChecked();
      await page.goto("/rooms/new");
      await expect(page.getByRole("textbox", { name: "Your name in this room" })).toHaveValue("Countess");
    });

    test("name and address are changed, the address once a mail has proved it", async ({ stack, guest }) => {
      const ada = await guest(stack, stack.size - 1, browser);
      const { page } = ada;
      const email = await registerAndConfirm(ada, "Ada");
      await page.goto("/preferences/account");
      const name = card(page, "Name");
      await name.getByLabel("Your name").fill("Countess");
      await name.getByRole("button", { name: "Save" }).click();
      await expect(name.getByRole("status")).toHaveText("Saved.");

      const own = card(page, "Email address");
      const other = newAddress();
      await own.getByLabel("New address").fill(other);
      await own.getByLabel("Current password").fill(OTHER_PASSWORD);
      await own.getByRole("button", { name: "Change address" }).click();
      await expect(own.getByLabel("Current password")).toHaveAccessibleDescription(/^Wrong password/);
      await expect(own.getByLabel("Current password")).toHaveValue("");
      await expect(own.getByLabel("New address")).toHaveValue(other);
      await own.getByLabel("Current password").fill(PASSWORD);
      await own.getByRole("button", { name: "Change address" }).click();
      await expect(own.getByRole("status")).toHaveText(`An email with a link is on its way to ${other}.`);
      await expect(own.getByText(email, { exact: true })).toBeVisible();
      await mailTo(other);
      await own.getByRole("button", { name: "Send the email again" }).click();
      await expect(own.getByRole("status")).toHaveText(/^An email with a link is on its way/);
      const link = linkIn(await mailTo(other, 2));
      await page.goto("/preferences/account");
      await expect(own.getByText(other)).toBeVisible();
      await expect(own.getByText("Waiting for confirmation")).toBeVisible();
      await expect(own.getByText(`Until then you keep logging in with ${email}.`)).toBeVisible();

      await page.goto(pathOf(link));
      await press(page, "Yes, confirm it");
      await expect(title(page)).toHaveText("Your email address is confirmed");
      await page.goto("/preferences/account");
      await expect(own.getByText(other)).toBeVisible();
      await expect(own.getByText("Confirmed", { exact: true })).toBeVisible();
      await expect(own.getByText(email)).toHaveCount(0);
      expect((await mailTo(email, 2)).text, "the address before is told").toContain("Hello Countess,");
    });

    test("who has no password yet corrects a mistyped address, and is asked for nothing", async ({ stack, guest }) => {
      const ada = await guest(stack, 0, browser);
      const { page } = ada;
      const mistyped = await register(ada, "Ada", null);
      await page.goto("/preferences/account");
      const own = card(page, "Email address");
      await expect(own.getByText(mistyped)).toBeVisible();
      await expect(page.getByRole("button", { name: "Email me a code" })).toHaveCount(0);
      const meant = newAddress();
      await own.getByLabel("New address").fill(meant);
      await own.getByRole("button", { name: "Change address" }).click();
      await expect(own.getByRole("status")).toHaveText(`An email with a link is on its way to ${meant}.`);
      await page.goto(pathOf(linkIn(await mailTo(meant))));
      await press(page, "Yes, confirm it");
      await expect(title(page)).toHaveText("Your email address is confirmed");
      await page.goto("/preferences/account");
      await expect(card(page, "Password").getByRole("button", { name: "Email me a code" })).toBeVisible();
    });

    test("a password is set by a code, then changed, and other devices are out", async ({ stack, guest }) => {
      const [ada, phone] = [await guest(stack, 0, browser), await guest(stack, stack.size - 1)];
      const { page } = ada;
      const email = await registerAndConfirm(ada, "Ada", null);
      await page.goto("/preferences/account");
      const own = card(page, "Password");
      await expect(own.getByText("You don’t have a password")).toBeVisible();
      await own.getByRole("button", { name: "Email me a code" }).click();
      await expect(own.getByRole("status")).toHaveText(
        `An 8‑digit code is on its way to ${email}. It works for five minutes.`,
      );
      await own.getByLabel("Code").fill(codeIn(await mailTo(email, 2)));
      await own.getByLabel("New password").fill(PASSWORD);
      await own.getByRole("button", { name: "Set password" }).click();
      await expect(own.getByRole("status")).toHaveText(/^Your new password is set/);

      await logIn(phone, email);
      await own.getByLabel("Current password").fill(PASSWORD);
      await own.getByLabel("New password").fill("countess1");
      await own.getByRole("button", { name: "Change password" }).click();
      await expect(own.getByLabel("New password")).toHaveAccessibleDescription(/too easy to guess/);
      expect(await isLoggedIn(phone)).toBe(true);
      await own.getByLabel("Current password").fill(PASSWORD);
      await own.getByLabel("New password").fill(OTHER_PASSWORD);
      await own.getByRole("button", { name: "Change password" }).click();
      await expect(own.getByRole("status")).toHaveText(/^Your new password is set/);
      expect(await isLoggedIn(phone)).toBe(false);
      expect(await isLoggedIn(ada)).toBe(true);
      await logIn(phone, email, OTHER_PASSWORD);
    });

    test("devices are listed, and ended one by one or all others", async ({ stack, guest }) => {
      const ada = await guest(stack, 0, browser);
      const { page } = ada;
      const email = await register(ada, "Ada");
      const agent = "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0";
      const others = [
        await guest(stack, stack.size - 1, { userAgent: agent }),
        await guest(stack),
        await guest(stack),
      ] as const;
      for (const other of others) await logIn(other, email);
      const code = await makeRoom(others[0], { preserve: true });
      await page.goto("/preferences/devices");
      const devices = page.getByRole("main").getByRole("listitem");
      await expect(devices).toHaveCount(4);
      const own = page.getByRole("region", { name: "This browser" });
      await expect(own.getByRole("listitem")).toHaveCount(1);
      await expect(own).toContainText("Active now");
      await expect(own.getByRole("button")).toHaveText("Log out");
      await page.getByRole("button", { name: "Log out Firefox on Android" }).click();
      await expect(status(page)).toHaveText("Logged out.");
      await expect(devices).toHaveCount(3);
      await expect(others[0].page).toHaveURL(`/auth/login?next=/rooms/${code}&done=ended`);
      expect(await isLoggedIn(others[1])).toBe(true);
      await press(page, "Log out all others");
      await expect(devices).toHaveCount(1);
      for (const other of others) expect(await isLoggedIn(other)).toBe(false);
      expect(await isLoggedIn(ada)).toBe(true);
    });

    test("one's data is downloaded as a file", async ({ stack, guest }) => {
      const ada = await guest(stack, 0, browser);
      const email = await register(ada, "Ada");
      const code = await makeRoomByRest(ada, { preserve: true });
      await sayByRest(ada, code, "Something of mine");
      await ada.page.goto("/preferences/data");
      const downloading = ada.page.waitForEvent("download");
      await ada.page.getByRole("link", { name: "Download your data" }).click();
      const download = await downloading;
      expect(download.suggestedFilename()).toBe("anonchat.json");
      const data = JSON.parse(await readFile(await download.path(), "utf8"));
      expect(data.profile.email).toBe(email);
      expect(data.messages.map(({ body }: { body: string }) => body)).toEqual(["Something of mine"]);
    });

    for (const [choice, left] of [
      ["Keep", "Something of mine"],
      ["Delete", "This message was deleted."],
    ] as const) {
      test(`an account is deleted, and of its messages: ${choice.toLowerCase()}`, async ({ stack, guest }) => {
        const [ada, bob] = [await guest(stack, 0, browser), await guest(stack, stack.size - 1)];
        const email = await registerAndConfirm(ada, "Ada");
        const code = await makeRoomByRest(ada, { preserve: true });
        await joinRoom(bob, code, "Bob");
        await sayByRest(ada, code, "Something of mine");
        await expect(messages(bob.page)).toHaveText(["Something of mine"]);
        const { page } = ada;
        await page.goto("/preferences/data");
        const own = card(page, "Delete account");
        await expect(own.getByRole("listitem")).toHaveCount(4);
        await own.getByRole("radio", { name: choice }).check();
        // A mailed code works in place of the password, and the choice is kept meanwhile.
        await own.getByRole("button", { name: "Email me a code instead" }).click();
        await expect(own.getByRole("radio", { name: choice })).toBeChecked();
        const digits = codeIn(await mailTo(email, 2));
        await own.getByLabel("Code").fill(digits === "00000000" ? "00000001" : "00000000");
        await own.getByRole("button", { name: "Delete my account" }).click();
        await expect(own.getByLabel("Code")).toHaveAccessibleDescription(/^Wrong or expired code/);
        await expect(own.getByRole("radio", { name: choice })).toBeChecked();
        await own.getByLabel("Code").fill(digits);
        await own.getByRole("button", { name: "Delete my account" }).click();
        await expect(title(page)).toHaveText("Your account is deleted");
        await page.goto("/preferences");
        await expect(title(page)).toHaveText("Log in");
        await expect(notices(bob.page).filter({ hasText: /left/ })).toHaveCount(1);
        await following(bob.page, () => bob.page.reload());
        await expect(messages(bob.page)).toHaveText([left]);
        await expect(bob.page.getByText("Deleted account").first()).toBeAttached();
        await expect(bob.page.getByText("Ada", { exact: true })).toHaveCount(0);
      });
    }
  });
}

for (const { kind, size } of DIAGONAL) {
  test.describe(`${kind} ${size}`, () => {
    test.use({ kind });

    test("whoever is not logged in is led to where they can, and from there to where they wanted", async ({
      stack,
      guest,
    }) => {
      const [ada, other] = [await guest(stack), await guest(stack, stack.size - 1)];
      const email = await register(other, "Ada");
      for (const address of ["/preferences", "/preferences/data"]) {
        await ada.page.goto(address);
        await expect(ada.page).toHaveURL(`/auth/login?next=${address}`);
      }
      await field(ada.page, "Email address").fill(email);
      await field(ada.page, "Password").fill(PASSWORD);
      await press(ada.page, "Log in");
      await expect(ada.page).toHaveURL("/preferences/data");
      await expect(ada.page.getByRole("link", { name: "Your rooms" })).toHaveAttribute("href", "/dashboard");
      const pages = ada.page.getByRole("navigation", { name: "Preferences" }).getByRole("link");
      await expect(pages).toHaveText(["Appearance", "Chat", "Account", "Devices", "Your data"]);
      await pages.first().click();
      await expect(title(ada.page)).toHaveText("Appearance");
      await expect(pages.first()).toHaveAttribute("aria-current", "page");
    });

    test("a preference is kept with the account, and holds wherever it logs in", async ({ stack, guest }) => {
      const [ada, phone] = [await guest(stack), await guest(stack, stack.size - 1)];
      const email = await register(ada, "Ada");
      await ada.page.goto("/preferences");
      await ada.page.getByRole("radio", { name: "Violet" }).check();
      await expect(status(ada.page)).toHaveText("Saved.");
      await phone.page.goto("/auth/login?next=/preferences");
      await field(phone.page, "Email address").fill(email);
      await field(phone.page, "Password").fill(PASSWORD);
      await press(phone.page, "Log in");
      await expect(phone.page.locator("html")).toHaveAttribute("data-accent", "violet");
      const code = await makeRoom(phone);
      await say(phone.page, "Violet");
      expect(codeOf(phone.page)).toBe(code);
      expect(await sentLook(phone, `/rooms/${code}`)).toMatchObject({ "data-accent": "violet" });
      await expect(problem(phone.page).filter({ hasText: /\S/ })).toHaveCount(0);
    });
  });
}

test("a look shows and is stored as soon as it is chosen, and without the server there is a button @phone", async ({
  stack,
  guest,
  complaints,
}) => {
  complaints.allow(/ERR_FAILED/);
  const ada = await guest(stack);
  await register(ada, "Ada");
  const { page } = ada;
  await page.goto("/preferences");
  const root = page.locator("html");
  const save = page.getByRole("button", { name: "Save" });
  await expect(save).toBeHidden();
  await page.getByRole("radio", { name: "Dark" }).check();
  await page.getByRole("radio", { name: "Amber" }).check();
  await page.getByRole("radio", { name: "Small" }).check();
  await expect(root).toHaveAttribute("data-theme", "dark");
  await expect(root).toHaveAttribute("data-accent", "amber");
  await expect(root).toHaveCSS("font-size", "15px");
  await expect(status(page)).toHaveText("Saved.");

  await page.route("**/api/ui/**", (route) => route.abort());
  await page.getByRole("radio", { name: "Violet" }).check();
  await expect(root).toHaveAttribute("data-accent", "violet");
  await expect(save).toBeVisible();
  await expect(status(page)).toHaveCount(0);
  await page.unroute("**/api/ui/**");
  await save.click();
  await expect(status(page)).toHaveText("Saved.");
  await expect(save).toBeHidden();

  await page.goto("/preferences/chatting");
  await expect(root).toHaveAttribute("data-theme", "dark");
  await expect(root).toHaveAttribute("data-accent", "violet");
});
