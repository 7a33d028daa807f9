// Several people use one browser in turn. Text that one wrote and did not send is neither shown to the next nor sent by
// them.
import type { BrowserContext, Page } from "@playwright/test";
import { PASSWORD, logIn, press, register } from "../account.ts";
import { DIAGONAL, type Guest, expect, test } from "../fixtures.ts";
import {
  composer,
  exit,
  following,
  joinByRest,
  joinRoom,
  log,
  makeRoom,
  messages,
  notices,
  open,
  pending,
  say,
  sendButton,
} from "../room.ts";

const SECRET = "secret of Ada";
const HALF = "half a thought";

/** The drafts and outboxes that the tab stores, and the copies that the device keeps of an account. */
const kept = (page: Page): Promise<string[]> =>
  page.evaluate(async () => {
    const { storageBuckets } = navigator as unknown as { storageBuckets: { keys(): Promise<string[]> } };
    const inTab = Object.keys(sessionStorage).filter((name) => /^anonchat\.(draft|outbox)\./.test(name));
    return [...inTab, ...(await storageBuckets.keys())];
  });

/** Browsers without a network. */
const cut = new WeakSet<BrowserContext>();

/**
 * Lets `writeApart` cut the sockets of a browser too. `setOffline` does not, and a page that is offline for some
 * seconds tries whether that is true. Call it before the browser opens a room.
 */
async function makeCuttable({ context }: Guest): Promise<void> {
  await context.routeWebSocket(/\/ws$/, (socket) => {
    if (cut.has(context)) void socket.close();
    else socket.connectToServer();
  });
}

/** Ends what `writeApart` began. */
async function reconnect({ context }: Guest): Promise<void> {
  cut.delete(context);
  await context.setOffline(false);
}

/** Writes one message that cannot be sent because the network is off, and one draft that is not sent. */
async function writeApart({ page, context }: Guest): Promise<void> {
  cut.add(context);
  await context.setOffline(true);
  await expect(page.getByText("You’re offline.")).toBeVisible();
  await say(page, SECRET);
  await expect(pending(page)).toHaveCount(1);
  await composer(page).pressSequentially(HALF);
  await expect.poll(() => kept(page)).toHaveLength(2);
}

/** Checks that nobody in the room sees anything that Ada wrote. */
async function expectNothingOfAda(page: Page, witness: Page): Promise<void> {
  await expect(composer(page)).toHaveValue("");
  await expect(pending(page)).toHaveCount(0);
  await say(page, "I am somebody else");
  await expect(messages(witness).last()).toHaveText("I am somebody else");
  for (const each of [page, witness]) await expect(log(each).getByText(SECRET)).toHaveCount(0);
}

for (const { kind, size } of DIAGONAL) {
  test.describe(`${kind} ${size}`, () => {
    test.use({ kind });
    test.beforeEach(({ complaints }) => {
      complaints.allow(/ERR_INTERNET_DISCONNECTED|ERR_FAILED|WebSocket connection to/);
    });

    test("an account that logs out leaves nothing for the one that logs in next", async ({ stack, guest }) => {
      const [browser, witness, elsewhere] = [await guest(stack), await guest(stack), await guest(stack)];
      await makeCuttable(browser);
      const code = await makeRoom(witness, { nickname: "Mia", preserve: true });
      const bob = await register(elsewhere, "Bob");
      await joinByRest(elsewhere, code, "Bob");
      await register(browser, "Ada");
      await joinRoom(browser, code, "Ada");
      await writeApart(browser);
      const { page } = browser;
      // Leave the room's page before the network is back, so that nothing is sent.
      await page.goto("about:blank");
      await reconnect(browser);
      // A page that sends nothing by itself.
      await page.goto("/preferences/devices");
      expect(await kept(page)).toContain("anonchat");
      await press(page, "Log out");
      await expect(page).toHaveURL("/");
      await expect.poll(() => kept(page)).toEqual([]);
      await logIn(browser, bob);
      await open(page, `/rooms/${code}`);
      await expectNothingOfAda(page, witness.page);
    });

    test("an account that takes over from another without a word finds nothing of it", async ({ stack, guest }) => {
      const [browser, witness, elsewhere] = [await guest(stack), await guest(stack), await guest(stack)];
      await makeCuttable(browser);
      const code = await makeRoom(witness, { nickname: "Mia", preserve: true });
      const bob = await register(elsewhere, "Bob");
      await joinByRest(elsewhere, code, "Bob");
      await register(browser, "Ada");
      await joinRoom(browser, code, "Ada");
      await writeApart(browser);
      await browser.page.goto("about:blank");
      await reconnect(browser);
      await logIn(browser, bob);
      await browser.page.goto("/auth/login");
      await expect.poll(() => kept(browser.page)).toEqual([]);
      await open(browser.page, `/rooms/${code}`);
      await expectNothingOfAda(browser.page, witness.page);
    });

    test("a page that is still open sends nothing of the guest before as the guest of now", async ({
      stack,
      guest,
    }) => {
      const [browser, witness] = [await guest(stack), await guest(stack)];
      await makeCuttable(browser);
      const code = await makeRoom(witness, { nickname: "Mia", preserve: true });
      await joinRoom(browser, code, "Ada");
      await writeApart(browser);
      await browser.context.clearCookies();
      const next = await guest(stack);
      await joinByRest(next, code, "Hans");
      await browser.context.addCookies(await next.context.cookies());
      await reconnect(browser);
      await expect(composer(browser.page)).toHaveValue("", { timeout: 20_000 });
      await expectNothingOfAda(browser.page, witness.page);
      await expect(notices(witness.page).last()).toContainText("Hans");
    });

    test("a guest who is forgotten, removed or leaves keeps nothing in the tab", async ({ stack, guest }) => {
      const [owner, ada] = [await guest(stack), await guest(stack)];
      const code = await makeRoom(owner, { nickname: "Mia", preserve: true });
      await joinRoom(ada, code, "Ada");
      await composer(ada.page).pressSequentially(HALF);
      await expect.poll(() => kept(ada.page)).toHaveLength(1);
      await ada.page.goto("/auth/guest");
      expect(await kept(ada.page), "they only look").toHaveLength(1);
      await press(ada.page, /^Forget me/);
      await expect(ada.page).toHaveURL(/done=forgotten/);
      expect(await kept(ada.page)).toEqual([]);

      await joinRoom(ada, code, "Eve");
      await composer(ada.page).pressSequentially(HALF);
      await exit(ada.page);
      expect(await kept(ada.page)).toEqual([]);

      await joinRoom(ada, code, "Eve");
      await composer(ada.page).pressSequentially(HALF);
      const members = (await (await owner.context.request.get(`/api/rooms/${code}`)).json()) as {
        members: { id: number; name: string }[];
      };
      const eve = members.members.find(({ name }) => name === "Eve");
      const data = { code, member_id: eve?.id };
      expect((await owner.context.request.post("/api/rooms/kick", { data })).status()).toBe(204);
      await expect(ada.page.getByRole("alert").filter({ hasText: "removed you" })).toBeVisible();
      await expect.poll(() => kept(ada.page)).toEqual([]);
      await expect(ada.page.getByText("to keep your place in this room")).toHaveCount(0);
    });

    test("a guest who registers meanwhile is the same, and what they wrote is sent once", async ({ stack, guest }) => {
      const [ada, witness] = [await guest(stack), await guest(stack)];
      await makeCuttable(ada);
      const code = await makeRoom(witness, { nickname: "Mia", preserve: true });
      await joinRoom(ada, code, "Ada");
      await writeApart(ada);
      await ada.page.goto("about:blank");
      await reconnect(ada);
      await register(ada, "Ada", PASSWORD);
      await open(ada.page, `/rooms/${code}`);
      await expect(composer(ada.page)).toHaveValue(HALF);
      await expect(messages(witness.page)).toHaveText([SECRET]);
      await expect(pending(ada.page)).toHaveCount(0);
    });
  });
}

test("a refused message stays refused over a reload, until its author wants it tried again @desktop", async ({
  stack,
  guest,
}) => {
  const ada = await guest(stack);
  await ada.page.routeWebSocket(/\/ws$/, (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((text) => {
      const { send } = JSON.parse(text.toString()) as { send?: { id: string; code: string } };
      if (!send) return server.send(text);
      const error = { code: "invalid_input", detail: "Refused by the test.", id: send.id, room: send.code };
      socket.send(JSON.stringify({ error }));
      return;
    });
  });
  await makeRoom(ada, { nickname: "Ada", preserve: true });
  await say(ada.page, "No");
  const refused = log(ada.page).getByText("Not sent. Refused by the test.");
  await expect(refused).toBeVisible();
  await expect(
    ada.page.locator("p.visually-hidden[aria-live=polite]").filter({ hasText: "Not sent. Refused by the test." }),
  ).toHaveCount(1);
  let sent = 0;
  ada.page.on("websocket", (socket) =>
    socket.on("framesent", ({ payload }) => {
      if (/^\{"send":/.test(payload.toString())) sent += 1;
    }),
  );
  await following(ada.page, () => ada.page.reload());
  await expect(refused).toBeVisible();
  expect(sent).toBe(0);
  await expect(sendButton(ada.page)).toBeDisabled();
});
