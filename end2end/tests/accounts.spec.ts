// Registering, logging in and out, and following links in mails: with real mails, on both stacks, with and without
// scripts.
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
import { DIAGONAL, type Guest, WAYS, expect, test, visit } from "../fixtures.ts";
import { codeIn, linkIn, mailTo, newAddress } from "../mails.ts";
import {
  choose,
  codeOf,
  dialog,
  expectSettings,
  firstNew,
  following,
  joinByRest,
  joinRoom,
  makeRoom,
  makeRoomByRest,
  messages,
  notices,
  open,
  say,
  sayByRest,
  withMembers,
} from "../room.ts";

/** Opens the page for logging in. */
async function toLogIn(page: Page, link: string): Promise<void> {
  await page.getByRole("link", { name: link, exact: true }).click();
  await expect(title(page)).toHaveText("Log in");
}

/** Logs in, and waits until the room that this leads back to is live. */
async function logInAndFollow(page: Page, email: string): Promise<void> {
  await field(page, "Email address").fill(email);
  await field(page, "Password").fill(PASSWORD);
  await following(page, () => press(page, "Log in"));
}

/** The part of a snapshot that `standing` reads. */
interface RoomOfSomebody {
  you: { member_id: string; nickname: string; role: string };
  events: { kind: { message?: { author: { id: string }; body: string } } }[];
}

/** A person's nickname and role in a room, and which of its messages are theirs. */
async function standing({ context }: Guest, code: string) {
  const room: RoomOfSomebody = await (await context.request.get(`/api/rooms/${code}`)).json();
  const own = room.events.filter(({ kind }) => kind.message?.author.id === room.you.member_id);
  return { nickname: room.you.nickname, role: room.you.role, said: own.map(({ kind }) => kind.message?.body) };
}

for (const { kind, size, javaScriptEnabled } of WAYS) {
  test.describe(`${kind}, ${javaScriptEnabled ? "with" : "without"} scripts ${size}`, () => {
    test.use({ kind });
    const browser: BrowserContextOptions = { javaScriptEnabled };

    test("somebody registers, confirms the address by a mail, logs out and in again", async ({
      stack,
      guest,
      complaints,
    }) => {
      // A used link answers with the same status as an invalid one.
      complaints.allow(/status of 400/);
      const { page } = await guest(stack, 0, browser);
      const email = newAddress();
      await page.goto("/preferences/account");
      await expect(title(page)).toHaveText("Log in");
      await page.getByRole("link", { name: "Register" }).click();
      await field(page, "Your name").fill("Ada");
      await field(page, "Email address").fill(email);
      await field(page, "Password (optional)").fill("password1");
      if (javaScriptEnabled) {
        const meter = page.getByRole("meter", { name: "Password strength" });
        await expect(page.getByText("one of the most common passwords")).toBeVisible();
        expect(await meter.evaluate((meter: HTMLMeterElement) => meter.value)).toBeLessThan(2);
      }
      await press(page, "Register");
      // The form was refused: every field keeps its value, except the password, which has to be typed again.
      await expect(field(page, "Password (optional)")).toHaveAccessibleDescription(/too easy to guess/);
      await expect(field(page, "Password (optional)")).toHaveValue("");
      await expect(field(page, "Password (optional)")).toBeFocused();
      await expect(field(page, "Your name")).toHaveValue("Ada");
      await expect(field(page, "Email address")).toHaveValue(email);
      await field(page, "Password (optional)").fill(PASSWORD);
      await press(page, "Register");

      await expect(page).toHaveURL("/preferences/account");
      await expect(page.getByText("Not confirmed yet")).toBeVisible();
      const mail = await mailTo(email);
      expect(mail.text).toContain("Hello Ada,");
      await page.goto(pathOf(linkIn(mail)));
      await expect(page.getByText(`The account “Ada” uses ${email}.`)).toBeVisible();
      await press(page, "Yes, confirm it");
      await expect(title(page)).toHaveText("Your email address is confirmed");
      await page.goto("/preferences/account");
      await expect(page.getByText("Confirmed", { exact: true })).toBeVisible();
      await page.goto(pathOf(linkIn(mail)));
      await expect(title(page), "the link says so for as long as it is true").toHaveText(
        "Your email address is confirmed",
      );

      await page.goto("/preferences/devices");
      await press(page, "Log out");
      await expect(page).toHaveURL("/");
      await page.goto("/preferences/devices");
      await expect(page).toHaveURL("/auth/login?next=/preferences/devices");
      await field(page, "Email address").fill(email);
      await field(page, "Password").fill("not this one");
      await press(page, "Log in");
      await expect(problem(page)).toHaveText(/^Wrong email address or password/);
      await expect(field(page, "Email address")).toHaveValue(email);
      await field(page, "Password").fill(PASSWORD);
      await press(page, "Log in");
      await expect(page).toHaveURL("/preferences/devices");
      await expect(title(page)).toHaveText("Devices");
    });

    test("an address that is not confirmed is told of where the rooms are, and mailed to again", async ({
      stack,
      guest,
    }) => {
      const ada = await guest(stack, 0, browser);
      const { page } = ada;
      const email = await register(ada, "Ada");
      await mailTo(email);
      if (javaScriptEnabled) await visit(page, "/dashboard");
      else await page.goto("/dashboard");
      const notice = page.getByRole("region", { name: "Confirm your email address" });
      await expect(notice).toContainText(`We emailed a link to ${email}.`);
      await expect(notice.getByRole("link")).toHaveAttribute("href", "/preferences/account#email");
      await notice.getByRole("button", { name: "Send again" }).click();
      await expect(status(page)).toHaveText(/^An email with a link is on its way/);
      await expect(page).toHaveURL(/\/preferences\/account\?/);
      await page.goto(pathOf(linkIn(await mailTo(email, 2))));
      await press(page, "Yes, confirm it");
      await page.goto("/dashboard");
      await expect(title(page)).toHaveText("Rooms");
      await expect(page.getByText("No rooms yet")).toBeVisible();
      await expect(notice).toHaveCount(0);
    });

    test("a code by mail logs in, once, and only in the browser that asked for it", async ({ stack, guest }) => {
      const [ada, phone, eve] = [
        await guest(stack),
        await guest(stack, stack.size - 1, browser),
        await guest(stack, 0, browser),
      ];
      const email = await registerAndConfirm(ada, "Ada");
      await phone.page.goto("/auth/login?next=/preferences/account");
      await field(phone.page, "Email address").fill(email);
      await press(phone.page, "Email me a code instead");
      await expect(title(phone.page)).toHaveText("Enter your code");
      const code = codeIn(await mailTo(email, 2));

      await eve.page.goto(`/auth/code?email=${encodeURIComponent(email)}`);
      await field(eve.page, "Code").fill(code);
      await press(eve.page, "Log in");
      await expect(field(eve.page, "Code")).toHaveAccessibleDescription(/^Wrong or expired code/);

      await field(phone.page, "Code").fill("12345");
      await press(phone.page, "Log in");
      await expect(field(phone.page, "Code")).toHaveAccessibleDescription("A code has eight digits.");
      await field(phone.page, "Code").fill(`${code.slice(0, 4)} ${code.slice(4)}`);
      await press(phone.page, "Log in");
      await expect(phone.page).toHaveURL("/preferences/account");
      await expect(phone.page.getByText(email)).toBeVisible();
      expect(await isLoggedIn(eve)).toBe(false);

      await press(eve.page, "Get a new code");
      await expect(title(eve.page)).toHaveText("Enter your code");
      await field(eve.page, "Code").fill(codeIn(await mailTo(email, 3)));
      await press(eve.page, "Log in");
      await expect.poll(() => isLoggedIn(eve)).toBe(true);
    });

    test("a new password by mail ends the other session, and its open page says so", async ({
      stack,
      guest,
      complaints,
    }) => {
      // A used link answers with the same status as an expired one.
      complaints.allow(/status of 400/);
      const [ada, elsewhere] = [await guest(stack), await guest(stack, stack.size - 1, browser)];
      const email = await registerAndConfirm(ada, "Ada");
      const code = await makeRoom(ada, { preserve: true });
      // The page opens the login page by itself when its socket is closed because the session ended.
      const closed = new Promise<number>((done) => {
        ada.page.on("request", (request) => {
          if (new URL(request.url()).pathname === "/auth/login") done(Date.now());
        });
      });

      const { page } = elsewhere;
      await page.goto("/auth/login");
      await page.getByRole("link", { name: "Forgot your password?" }).click();
      await field(page, "Email address").fill(email);
      await press(page, "Email me a link");
      await expect(title(page)).toHaveText("Check your email");
      const link = pathOf(linkIn(await mailTo(email, 2)));
      await page.goto(link);
      await field(page, "New password").fill("adaadaada");
      await press(page, "Save password");
      await expect(field(page, "New password")).toHaveAccessibleDescription(/too easy to guess/);
      await field(page, "New password").fill(OTHER_PASSWORD);
      await press(page, "Save password");
      await expect(status(page)).toHaveText(/^Your new password is set/);
      const set = Date.now();
      expect((await closed) - set, "the socket of the other session is closed within two seconds").toBeLessThan(2_000);
      await expect(ada.page).toHaveURL(`/auth/login?next=/rooms/${code}&done=ended`);
      await expect(status(ada.page)).toHaveText("You were logged out in this browser. Log in to continue.");
      await expect(ada.page.getByRole("link", { name: "Continue without logging in" })).toBeVisible();

      // Logging in with the new password leads back to the room.
      await field(ada.page, "Email address").fill(email);
      await field(ada.page, "Password").fill(OTHER_PASSWORD);
      await following(ada.page, () => press(ada.page, "Log in"));
      expect(codeOf(ada.page)).toBe(code);
      await page.goto(link);
      await expect(title(page)).toHaveText("This link has already been used");
      expect((await mailTo(email, 3)).subject).toBe("Your password was changed");
    });

    test("who registers in a room keeps it, what they said there, and owning it", async ({ stack, guest }) => {
      const [ada, bob] = [await guest(stack), await guest(stack, stack.size - 1)];
      const code = await makeRoom(ada, { nickname: "Ada", preserve: true });
      await joinRoom(bob, code, "Bob");
      await say(ada.page, "As a guest");
      await expect(messages(bob.page)).toHaveText(["As a guest"]);
      // The forms are used in a browser with or without scripts, which gets the guest's cookies.
      const { context, page } = await guest(stack, 0, {
        ...browser,
        storageState: await ada.context.storageState(),
      });
      await ada.page.close();
      await page.goto(`/auth/register?next=/rooms/${code}`);
      const email = newAddress();
      await field(page, "Your name").fill("Countess");
      await field(page, "Email address").fill(email);
      await field(page, "Password (optional)").fill(PASSWORD);
      await press(page, "Register");
      await expect(page).toHaveURL(`/rooms/${code}`);
      await expect(messages(page)).toHaveText(["As a guest"]);
      const room = await (await context.request.get(`/api/rooms/${code}`)).json();
      expect([room.you.nickname, room.you.role]).toEqual(["Ada", "owner"]);
      expect(room.events.at(-1).kind.message.author.id, "what was said is theirs").toBe(room.you.member_id);

      // The account sees the same in any other browser.
      const laptop = await guest(stack, stack.size - 1);
      await logIn(laptop, email);
      await open(laptop.page, `/rooms/${code}`);
      await expectSettings(laptop.page, true);
      await say(laptop.page, "With an account");
      await expect(messages(bob.page)).toHaveText(["As a guest", "With an account"]);
      await expect(notices(bob.page), "nobody saw anything of it").toHaveText([/joined/]);
    });

    test("who comes by a room's link can register there, and comes back to it", async ({ stack, guest }) => {
      const [ada, bob] = [await guest(stack), await guest(stack, stack.size - 1, browser)];
      const code = await makeRoom(ada, { nickname: "Ada" });
      await bob.page.goto(`/rooms/${code}`);
      await bob.page.getByRole("link", { name: "Register" }).click();
      await field(bob.page, "Your name").fill("Bob");
      await field(bob.page, "Email address").fill(newAddress("bob"));
      await press(bob.page, "Register");
      await expect(bob.page).toHaveURL(`/rooms/${code}`);
      await expect(bob.page.getByRole("textbox", { name: "Your name in this room" })).toHaveValue("Bob");
      await press(bob.page, "Join");
      await expect(notices(ada.page)).toHaveText(["You and Bob joined"]);
    });

    test("a guest is forgotten", async ({ stack, guest }) => {
      const [ada, bob] = [await guest(stack), await guest(stack, stack.size - 1, browser)];
      const code = await makeRoom(ada, { nickname: "Ada" });
      await joinByRest(bob, code, "Bob");
      await bob.page.goto("/");
      await bob.page.getByRole("link", { name: "Forget me" }).click();
      await expect(bob.page.getByText("In this browser you’re a guest called Bob.")).toBeVisible();
      await press(bob.page, "Forget me on this device");
      await expect(title(bob.page)).toHaveText("We’ve forgotten you");
      await expect(notices(ada.page).last()).toHaveText(/Bob (left|joined and left)/);
      expect(await bob.context.cookies()).toEqual([]);
    });
  });
}

for (const { kind, size } of DIAGONAL) {
  test.describe(`${kind} ${size}`, () => {
    test.use({ kind });

    test("a guest who turns preserve on is offered a mail, and its link keeps the room", async ({
      stack,
      guest,
      complaints,
    }) => {
      // The first address typed is invalid.
      complaints.allow(/status of 400/);
      const [ada, bob] = [await guest(stack), await guest(stack, stack.size - 1)];
      const code = await makeRoom(ada, { nickname: "Ada" });
      await joinRoom(bob, code, "Bob");
      await choose(ada.page, "Room settings");
      const settings = dialog(ada.page, "Room settings");
      const address = settings.getByLabel("Your email address");
      await expect(address).toBeHidden();
      await settings.getByRole("switch", { name: "Save messages" }).click();
      await expect(address).toBeVisible();
      await address.fill("ada");
      await settings.getByRole("button", { name: "Email me a link" }).click();
      await expect(address).toHaveAccessibleDescription(/^This isn’t an email address/);
      const email = newAddress();
      await address.fill(email);
      await settings.getByRole("button", { name: "Email me a link" }).click();
      await expect(settings.getByText("The email is on its way.")).toBeVisible();
      await ada.page.keyboard.press("Escape");
      await say(ada.page, "Kept");
      await expect(messages(bob.page)).toHaveText(["Kept"]);
      await ada.page.close();

      // A device that has no session of hers.
      const laptop = await guest(stack, stack.size - 1);
      await laptop.page.goto(pathOf(linkIn(await mailTo(email))));
      await expect(laptop.page.getByText("Register or log in to keep your room")).toBeVisible();
      await field(laptop.page, "Your name").fill("Ada");
      await field(laptop.page, "Email address").fill(email);
      await following(laptop.page, () => press(laptop.page, "Register"));
      expect(codeOf(laptop.page)).toBe(code);
      await expect(messages(laptop.page)).toHaveText(["Kept"]);
      await expectSettings(laptop.page, true);
      await laptop.page.goto("/preferences/account");
      await expect(laptop.page.getByText("Confirmed", { exact: true })).toBeVisible();
    });

    test("an address that somebody else confirms is gone, and what that means is said where the rooms are", async ({
      stack,
      guest,
    }) => {
      const [eve, ada] = [await guest(stack), await guest(stack, stack.size - 1)];
      const email = await register(eve, "Eve");
      await mailTo(email);
      await register(ada, "Ada", PASSWORD, email);
      await ada.page.goto(pathOf(linkIn(await mailTo(email, 2))));
      await press(ada.page, "Yes, confirm it");
      await expect(title(ada.page)).toHaveText("Your email address is confirmed");
      await eve.page.goto("/dashboard");
      const notice = eve.page.getByRole("region", { name: "Your account has no email address" });
      await expect(notice).toContainText("Without an address, you can’t log in again.");
      await notice.getByRole("link", { name: "Add an address" }).click();
      await expect(card(eve.page, "Email address")).toContainText("Your account has no email address");
    });

    test("who logs in from a room keeps it, what they said there, owning it, and what is unread", async ({
      stack,
      guest,
    }) => {
      const [laptop, ada, bob] = [await guest(stack), await guest(stack), await guest(stack, stack.size - 1)];
      const email = await register(laptop, "Countess");
      const code = await makeRoom(ada, { nickname: "Ada" });
      await joinRoom(bob, code, "Bob");
      await say(ada.page, "As a guest");
      await expect(messages(bob.page)).toHaveText(["As a guest"]);
      await withMembers(ada.page, () => toLogIn(ada.page, "Log in or register"));
      await say(bob.page, "Where are you?");
      await logInAndFollow(ada.page, email);
      expect(codeOf(ada.page)).toBe(code);
      await expect(messages(ada.page)).toHaveText(["As a guest", "Where are you?"]);
      await expect(firstNew(ada.page)).toHaveText("Where are you?");
      expect(await standing(laptop, code)).toEqual({ nickname: "Ada", role: "owner", said: ["As a guest"] });
      await expect(notices(bob.page), "nobody saw anything of it").toHaveText([/joined/]);
    });

    test("who comes by the link of their own room logs in there, and is in it as they were", async ({
      stack,
      guest,
    }) => {
      const [laptop, bob] = [await guest(stack), await guest(stack, stack.size - 1)];
      const email = await register(laptop, "Ada");
      const code = await makeRoomByRest(laptop, { nickname: "Ada" });
      await sayByRest(laptop, code, "From the laptop");
      await joinRoom(bob, code, "Bob");

      const phone = await guest(stack, stack.size - 1);
      await phone.page.goto(`/rooms/${code}`);
      await expect(phone.page.getByRole("button", { name: "Join" })).toBeVisible();
      await toLogIn(phone.page, "Log in");
      await say(bob.page, "Where are you?");
      await logInAndFollow(phone.page, email);
      expect(codeOf(phone.page)).toBe(code);
      await expect(messages(phone.page)).toHaveText(["From the laptop", "Where are you?"]);
      await expect(firstNew(phone.page)).toHaveText("Where are you?");
      expect(await standing(phone, code)).toEqual({ nickname: "Ada", role: "owner", said: ["From the laptop"] });
      await expect(notices(bob.page), "nobody saw anything of it").toHaveText([/joined/]);
    });
  });
}

test("whoever has an account is not offered to keep a room by mail @phone", async ({ stack, guest }) => {
  const ada = await guest(stack);
  await register(ada, "Ada");
  await makeRoom(ada, { preserve: true });
  await choose(ada.page, "Room settings");
  const settings = dialog(ada.page, "Room settings");
  await expect(settings.getByRole("switch", { name: "Save messages" })).toHaveAttribute("aria-checked", "true");
  await expect(settings.getByLabel("Your email address")).toHaveCount(0);
});
