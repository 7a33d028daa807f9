// The account and preferences pages, in both languages: no accessibility problem in light and dark, targets large
// enough for a thumb, and nothing wider than the screen.
import type { Page } from "@playwright/test";
import { PASSWORD, card, field, logIn, pathOf, press, register, registerAndConfirm, title } from "../account.ts";
import { misfits } from "../fit.ts";
import { expect, expectAccessible, test } from "../fixtures.ts";
import { linkIn, mailTo, newAddress } from "../mails.ts";
import { choose, isPhone, makeRoom } from "../room.ts";

// No animations: a colour in the middle of a transition would fail the contrast check.
test.use({ contextOptions: { reducedMotion: "reduce" } });
// Each test visits many pages in turn.
test.slow();

const PREFERENCES = ["", "/chatting", "/account", "/devices", "/data"].map((page) => `/preferences${page}`);

/**
 * Checks the present state of the page, or of a part of it: accessibility, size of targets, and overflow. Colours and
 * labels do not depend on a combination of language and size, so axe looks at each language on one size only.
 */
async function inspect(page: Page, name: string, part = page.locator("body")): Promise<void> {
  const german = (await page.locator("html").getAttribute("lang")) === "de";
  for (const colorScheme of isPhone(page) === german ? (["light", "dark"] as const) : []) {
    await page.emulateMedia({ colorScheme });
    await test.step(`${name}, ${colorScheme}`, () => expectAccessible(page));
  }
  expect.soft(await misfits(page, part), `${name}: everything fits`).toEqual([]);
  if (!isPhone(page)) return;
  const small = await part.evaluate((part) =>
    [...part.querySelectorAll<HTMLElement>("a, button, input, .choice, .switch")]
      // A control inside a card or switch is hit together with it, so its own size does not matter.
      .filter((element) => element.checkVisibility() && !element.parentElement?.closest(".choice, .switch"))
      .map((element) => ({ height: element.getBoundingClientRect().height, html: element.outerHTML.slice(0, 120) }))
      .filter(({ height }) => height > 0 && height < 44)
      .map(({ height, html }) => `${height} ${html}`),
  );
  expect.soft(small, `${name}: every target is 44 px high`).toEqual([]);
}

for (const locale of ["en-GB", "de-AT"]) {
  const german = locale === "de-AT";

  test(`the pages about accounts in ${locale} @both`, async ({ stack, guest, complaints }) => {
    // A page for an invalid link has status 400.
    complaints.allow(/status of 400/);
    const { page } = await guest(stack, 0, { locale });
    for (const address of [
      "/auth/login",
      "/auth/login?next=/rooms/K7M2QX&done=ended",
      "/auth/login?done=reset",
      "/auth/register",
      "/auth/register?token=nothing",
      "/auth/code?email=ada@example.org",
      "/auth/forgot-password",
      "/auth/forgot-password?done=sent&email=ada@example.org",
      "/auth/reset-password?token=nothing",
      "/auth/verify?done=verified",
      "/auth/guest",
      "/auth/guest?done=forgotten",
      "/auth/guest?done=deleted",
    ]) {
      await page.goto(address);
      await expect(page.locator("html")).toHaveAttribute("lang", german ? "de" : "en");
      await inspect(page, address);
    }
    // The refused form, with the errors beside the fields.
    await page.goto("/auth/register");
    await field(page, german ? "Dein Name" : "Your name").fill("Ada");
    await field(page, german ? "E-Mail-Adresse" : "Email address").fill(newAddress());
    await field(page, german ? "Passwort (optional)" : "Password (optional)").fill("password1");
    await press(page, german ? "Registrieren" : "Register");
    await expect(page.getByRole("alert")).toHaveText(german ? /zu leicht zu erraten/ : /too easy to guess/);
    await inspect(page, "/auth/register, refused");
  });

  test(`the pages of mails and of a guest in ${locale} @both`, async ({ stack, guest, complaints }) => {
    // A page for an invalid link has status 400.
    complaints.allow(/status of 400/);
    const [ada, bob] = [await guest(stack, 0, { locale }), await guest(stack, 0, { locale })];
    const email = await register(ada, "Ada");
    await bob.page.goto(pathOf(linkIn(await mailTo(email))));
    await expect(bob.page.getByText(email)).toBeVisible();
    await inspect(bob.page, "/auth/verify");
    await bob.page.goto("/auth/verify?token=nothing");
    await inspect(bob.page, "/auth/verify, stale");
    await ada.page.goto("/auth/login");
    await expect(title(ada.page)).toHaveText(german ? /^Du bist als .Ada. angemeldet$/ : /^You’re logged in as .Ada.$/);
    await inspect(ada.page, "/auth/login, logged in");
    await ada.page
      .getByRole("link", { name: german ? "Mit anderem Konto anmelden" : "Log in as someone else" })
      .click();
    await expect(title(ada.page)).toHaveText(german ? "Anmelden" : "Log in");
    const made = await bob.context.request.post("/api/rooms/create", { data: { type: "group", nickname: "Bob" } });
    expect(made.status()).toBe(201);
    for (const address of ["/auth/guest", "/auth/register"]) {
      await bob.page.goto(address);
      await inspect(bob.page, `${address}, as a guest`);
    }
  });

  test(`the pages of preferences in ${locale} @both`, async ({ stack, guest }) => {
    const [ada, phone] = [await guest(stack, 0, { locale }), await guest(stack, 0, { locale })];
    const email = await registerAndConfirm(ada, "Ada");
    const { page } = ada;
    await logIn(phone, email);
    for (const address of PREFERENCES) {
      await page.goto(address);
      await inspect(page, address);
    }
    // A refused form, a code that was mailed, and another address that is not confirmed yet.
    await page.goto("/preferences/account");
    const own = card(page, german ? "E-Mail-Adresse" : "Email address");
    await own.getByLabel(german ? "Neue Adresse" : "New address").fill(newAddress());
    const password = own.getByLabel(german ? "Aktuelles Passwort" : "Current password");
    await password.fill("not this one");
    const change = own.getByRole("button", { name: german ? "Adresse ändern" : "Change address" });
    await change.click();
    await expect(password).toHaveAccessibleDescription(german ? /nicht dein Passwort/ : /Wrong password/);
    await inspect(page, "/preferences/account, refused");
    await own
      .getByRole("button", { name: german ? "Lieber einen Code per E-Mail" : "Email me a code instead" })
      .click();
    await expect(own.getByLabel("Code")).toBeVisible();
    await inspect(page, "/preferences/account, waiting for a code");
    await page.goto("/preferences/account");
    await own.getByLabel(german ? "Neue Adresse" : "New address").fill(newAddress());
    await password.fill(PASSWORD);
    await change.click();
    await expect(own.getByRole("status")).toBeVisible();
    await inspect(page, "/preferences/account, pending");
    await page.goto("/preferences");
    await page.getByRole("radio", { name: german ? "Rosa" : "Rose" }).check();
    await expect(page.getByRole("status")).toHaveText(german ? "Gespeichert." : "Saved.");
    await inspect(page, "/preferences, saved");
  });

  test(`the notice of an address that is not confirmed in ${locale} @both`, async ({ stack, guest }) => {
    const ada = await guest(stack, 0, { locale });
    await register(ada, "Ada");
    await ada.page.goto("/dashboard");
    const heading = german ? "Bestätige deine E-Mail-Adresse" : "Confirm your email address";
    await inspect(ada.page, "/dashboard", ada.page.getByRole("region", { name: heading }));
  });

  test(`what a guest is offered in a room in ${locale} ${german ? "@phone" : "@desktop"}`, async ({ stack, guest }) => {
    const ada = await guest(stack, 0, { locale });
    await makeRoom(ada, { nickname: "Ada", preserve: true });
    const { page } = ada;
    await choose(page, german ? "Einstellungen des Raums" : "Room settings");
    await expect(page.getByLabel(german ? "Deine E-Mail-Adresse" : "Your email address")).toBeVisible();
    await test.step("settings", () => expectAccessible(page));
    await page.keyboard.press("Escape");
    await choose(page, german ? "Raum verlassen" : "Leave room");
    await expect(
      page.getByRole("link", {
        name: german ? "Verlassen und mich auf diesem Gerät vergessen" : "Leave and forget me on this device",
      }),
    ).toBeVisible();
    await test.step("exit", () => expectAccessible(page));
  });
}

test("the forms are found by password managers @desktop", async ({ stack, guest }) => {
  const ada = await guest(stack);
  const { page } = ada;
  const hints = () =>
    page
      .locator("main form input:not([type=hidden])")
      .evaluateAll((inputs: HTMLInputElement[]) =>
        inputs.map((input) => input.autocomplete).filter((hint) => hint !== ""),
      );
  await page.goto("/auth/login");
  expect(await hints()).toEqual(["username", "current-password"]);
  await page.goto("/auth/register");
  expect(await hints()).toEqual(["nickname", "username", "new-password"]);
  await page.goto("/auth/code?email=ada@example.org");
  expect(await hints()).toEqual(["one-time-code"]);
  await register(ada, "Ada");
  await page.goto("/preferences/account");
  expect(await hints()).toEqual([
    "nickname",
    "email",
    "current-password",
    "username",
    "current-password",
    "new-password",
  ]);
});
