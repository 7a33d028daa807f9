// Chatting: messages arrive exactly as written, and the page shows who is there to read them.
import type { Page } from "@playwright/test";
import { prefer, register } from "../account.ts";
import { DIAGONAL, KINDS, expect, test } from "../fixtures.ts";
import {
  composer,
  dialog,
  exit,
  facts,
  isPhone,
  joinByRest,
  joinRoom,
  log,
  makeRoom,
  messages,
  notices,
  pending,
  say,
  sendButton,
  spaced,
  withMembers,
} from "../room.ts";

/** Records in a page every text that it shows about who is typing. */
function noteTyping(): void {
  const said: string[] = [];
  const note = () => {
    const text = document.querySelector(".composer__typing")?.textContent;
    if (text && said.at(-1) !== text) said.push(text);
  };
  new MutationObserver(note).observe(document, { characterData: true, childList: true, subtree: true });
  Object.assign(globalThis, { typingSaid: said });
}

const typingSaid = (page: Page) => page.evaluate(() => (globalThis as unknown as { typingSaid: string[] }).typingSaid);

// Each combination has a talk, so that one that does not work at all is noticed. The list of members is a dialog on a
// phone and a column on a desktop, and both change while they are open, by what the other node tells.
for (const kind of KINDS) {
  test.describe(`${kind} @both`, () => {
    test.use({ kind });

    test("two people talk, and each joining is announced once", async ({ stack, guest }) => {
      const [ada, bob] = [await guest(stack), await guest(stack, stack.size - 1)];
      const code = await makeRoom(ada, { nickname: "Ada" });
      await say(ada.page, "Is anybody there?");
      await joinRoom(bob, code, "Bob");
      await expect(notices(ada.page)).toHaveText(["You joined", "Bob joined"]);
      await expect(notices(bob.page)).toHaveText(["You joined"]);

      await say(bob.page, "I am");
      await say(ada.page, "Good");
      await say(bob.page, "Very good");
      await expect(messages(ada.page)).toHaveText(["Is anybody there?", "I am", "Good", "Very good"]);
      // The first message is missing, because it was posted before Bob joined an ephemeral room.
      await expect(messages(bob.page)).toHaveText(["I am", "Good", "Very good"]);
      for (const { page } of [ada, bob]) await expect(pending(page)).toHaveCount(0);
      await expect(notices(ada.page)).toHaveText(["You joined", "Bob joined"]);
      const said = log(ada.page).getByRole("listitem").filter({ hasText: "I am" });
      await expect(said).toContainText("Bob");
      await expect(said.getByRole("time")).toHaveText(/^\d\d:\d\d$/);
    });

    test("the list says who is here and who is connected, and leaving is seen by the others", async ({
      stack,
      guest,
    }) => {
      const [ada, bob] = [await guest(stack), await guest(stack, stack.size - 1)];
      const code = await makeRoom(ada, { nickname: "Ada" });
      await withMembers(ada.page, (members) => expect(members).toHaveText([/^Ada.*you.*owner/]));

      await joinRoom(bob, code, "Bob");
      await withMembers(ada.page, async (members) => {
        await expect(members).toHaveText([/^Ada, online\s*you\s*owner/, /^Bob, online/]);
        // A lost connection is not the same as leaving.
        await bob.page.close();
        await expect(members).toHaveText([/^Ada, online/, /^Bob, offline/]);
      });

      bob.page = await bob.context.newPage();
      await joinRoom(bob, code, "Bob");
      await withMembers(bob.page, (members) =>
        expect(members).toHaveText([/^Bob, online\s*you/, /^Ada, online\s*owner/]),
      );
      await withMembers(ada.page, (members) => expect(members).toHaveText([/^Ada, online/, /^Bob, online/]));
      await expect(facts(ada.page)).toContainText("2 members");

      await exit(bob.page);
      await expect(bob.page.getByRole("textbox", { name: "Room code" })).toBeVisible();
      await expect(bob.page.getByText("You’re in room")).toBeHidden();
      await expect(notices(ada.page).filter({ hasText: /Bob .*left/ })).toHaveCount(1);
      await withMembers(ada.page, (members) => expect(members).toHaveText([/^Ada/]));
    });
  });
}

for (const { kind, size } of DIAGONAL) {
  test.describe(`${kind} ${size}`, () => {
    test.use({ kind });

    test("somebody who types is seen typing, until they have sent it", async ({ stack, guest }) => {
      const [ada, bob] = [await guest(stack), await guest(stack, stack.size - 1)];
      const code = await makeRoom(ada, { nickname: "Ada" });
      await joinRoom(bob, code, "Bob");

      await composer(ada.page).pressSequentially("Well");
      await expect(bob.page.getByText("Ada is typing…")).toBeVisible();
      await expect(ada.page.getByText("is typing…")).toBeHidden();
      await say(ada.page, "Well then");
      await expect(messages(bob.page)).toHaveText(["Well then"]);
      await expect(bob.page.getByText("is typing…")).toBeHidden();

      await composer(ada.page).pressSequentially("On second thoughts");
      await expect(bob.page.getByText("Ada is typing…")).toBeVisible();
      await composer(ada.page).fill("");
      await expect(bob.page.getByText("is typing…")).toBeHidden();
    });

    test("who hides that they are typing is not seen typing, and sees it of nobody", async ({ stack, guest }) => {
      const [ada, bob, cyd] = [await guest(stack), await guest(stack, stack.size - 1), await guest(stack)];
      await register(ada, "Ada");
      await prefer(ada, { show_typing: false });
      for (const { page } of [ada, bob]) await page.addInitScript(noteTyping);
      const code = await makeRoom(ada, { nickname: "Ada" });
      await joinRoom(bob, code, "Bob");
      await joinRoom(cyd, code, "Cyd");

      await composer(ada.page).pressSequentially("In secret");
      await say(ada.page, "In secret");
      await expect(messages(bob.page)).toHaveText(["In secret"]);
      await composer(cyd.page).pressSequentially("For all to see");
      await expect(bob.page.getByText("Cyd is typing…")).toBeVisible();
      await say(cyd.page, "For all to see");
      await expect(messages(ada.page)).toHaveCount(2);
      expect(await typingSaid(bob.page)).toEqual(["Cyd is typing…"]);
      expect(await typingSaid(ada.page)).toEqual([]);
    });
  });
}

test("several lines stay several lines @both", async ({ stack, guest }) => {
  const [ada, bob] = [await guest(stack), await guest(stack)];
  const code = await makeRoom(ada, { nickname: "Ada" });
  await joinRoom(bob, code, "Bob");

  await composer(ada.page).pressSequentially("One");
  await composer(ada.page).press("Shift+Enter");
  await composer(ada.page).pressSequentially("Two");
  await expect(composer(ada.page)).toHaveValue("One\nTwo");
  await say(ada.page, "One\nTwo");
  await expect(composer(ada.page)).toHaveValue("");
  await expect(messages(bob.page)).toHaveText("One\nTwo", { useInnerText: true });
});

test("links can be followed and lead nowhere else, and markup is only text @desktop", async ({ stack, guest }) => {
  const [ada, bob] = [await guest(stack), await guest(stack)];
  const code = await makeRoom(ada, { nickname: "<b>Ada</b>", name: "<i>Room</i>" });
  await joinRoom(bob, code, "Bob");
  await expect(bob.page.getByRole("heading", { level: 1 })).toHaveText("<i>Room</i>");

  await say(ada.page, "See https://example.org/a?b=1 and www.example.com, not javascript:alert(1)");
  const links = log(bob.page).getByRole("link");
  await expect(links).toHaveText(["https://example.org/a?b=1", "www.example.com"]);
  await expect(links.nth(0)).toHaveAttribute("href", "https://example.org/a?b=1");
  await expect(links.nth(1)).toHaveAttribute("href", "https://www.example.com");
  for (const link of await links.all()) {
    await expect(link).toHaveAttribute("rel", "noopener noreferrer nofollow");
    await expect(link).toHaveAttribute("target", "_blank");
  }

  const markup = `<script>document.title = "caught"</script><img src=x onerror="document.title = 'caught'"><b>bold</b>`;
  await say(ada.page, markup);
  for (const { page } of [ada, bob]) {
    await expect(messages(page).last()).toHaveText(markup);
    await expect(log(page).locator("script, img, b")).toHaveCount(0);
  }
  // The server's render of the page has to escape the text as well.
  await bob.page.reload();
  await expect(messages(bob.page).last()).toHaveText(markup);
  await expect(bob.page).not.toHaveTitle("caught");
});

test("a message that is too long says so and stays @desktop", async ({ stack, guest }) => {
  const [ada, bob] = [await guest(stack), await guest(stack)];
  const code = await makeRoom(ada, { nickname: "Ada" });
  await joinRoom(bob, code, "Bob");
  const longest = "é".repeat(4_000);

  await composer(ada.page).fill(`${longest}!`);
  const problem = "A message can have up to 4,000 characters.";
  await expect(ada.page.getByRole("alert").filter({ hasText: problem })).toBeVisible();
  await expect(composer(ada.page)).toHaveAccessibleDescription(new RegExp(problem));
  await expect(sendButton(ada.page)).toBeDisabled();
  await composer(ada.page).press("Control+End");
  if (!isPhone(ada.page)) await composer(ada.page).press("Enter");
  await expect(composer(ada.page)).toHaveValue(`${longest}!`);

  await composer(ada.page).press("Backspace");
  await expect(ada.page.getByRole("alert").filter({ hasText: problem })).toBeHidden();
  await say(ada.page, longest);
  await expect(messages(bob.page)).toHaveText([longest]);
});

test("what was being written comes back after a reload @desktop", async ({ stack, guest }) => {
  const ada = await guest(stack);
  await makeRoom(ada, { nickname: "Ada" });
  await composer(ada.page).fill("Not finished");
  await ada.page.reload();
  await expect(composer(ada.page)).toHaveValue("Not finished");
});

test("a long list of members begins with those who are here, and can be searched @both", async ({ stack, guest }) => {
  const [ada, zoe, caller] = [await guest(stack), await guest(stack), await guest(stack)];
  const code = await makeRoom(ada, { nickname: "Ada" });
  for (let i = 1; i <= 9; i++) await joinByRest(await guest(stack), code, `Bob ${i}`);
  const find = ada.page.getByRole("searchbox", { name: "Search members" });
  await joinRoom(zoe, code, "Zoe");
  await withMembers(ada.page, async (members) => {
    await expect(members).toHaveCount(11);
    await expect(find).toHaveCount(0);
    await joinByRest(caller, code, "Ärmel");
    await expect(members).toHaveCount(12);
    await expect(members.nth(0)).toContainText("Ada");
    await expect(members.nth(1)).toHaveText(/^Zoe, online/);
    await expect(members.nth(2)).toHaveText(/^Ärmel, offline/);
    await find.fill(" ARM");
    await expect(members).toHaveText([/^Ärmel/]);
    await find.fill("bob");
    await expect(members).toHaveCount(9);
  });
});

test("code and link are copied with one tap @phone", async ({ stack, guest }) => {
  const ada = await guest(stack, 0, { permissions: ["clipboard-read", "clipboard-write"] });
  const code = await makeRoom(ada, { nickname: "Ada" });
  const copied = () => ada.page.evaluate(() => navigator.clipboard.readText());

  await log(ada.page).getByRole("button", { name: "Copy code" }).click();
  await expect(ada.page.getByText("Copied")).toBeVisible();
  expect(await copied()).toBe(code);

  await ada.page.getByRole("button", { name: "Invite people" }).click();
  const invite = dialog(ada.page, "Invite people");
  await expect(invite).toContainText(spaced(code));
  await invite.getByRole("button", { name: "Copy link" }).click();
  await expect(invite.getByText("Copied")).toBeVisible();
  expect(await copied()).toBe(`${stack.url()}/rooms/${code}`);
  await invite.getByRole("button", { name: "Copy code" }).click();
  await expect.poll(copied).toBe(code);
  await ada.page.keyboard.press("Escape");
  await expect(invite).toBeHidden();
});
