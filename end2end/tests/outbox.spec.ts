// What a device keeps of messages that the server does not have yet: what settles them, in which order they go out, and
// what happens if tabs, people, clocks, networks and versions get in one another's way.
import { register } from "../account.ts";
import { expect, test } from "../fixtures.ts";
import { drain, hasCopy, keptFor, leaveUnsent, unsent, withRooms } from "../kept.ts";
import { composer, log, makeRoomByRest, messageId, messages, open, pending, quotes, say, sayByRest } from "../room.ts";

test.beforeEach(({ complaints }) => complaints.allow(/the server responded with a status of|ERR_FAILED/));

const problem = (code: string, more: object = {}) => JSON.stringify({ code, detail: "No.", ...more });

test("only the server’s own answer settles a message, whatever answers in its place @desktop", async ({
  stack,
  guest,
}) => {
  const { page, codes } = await withRooms(guest, stack, "One");
  // Without a gap between two answers: the page also tries by itself.
  let answer = { status: 503, body: problem("overloaded") };
  await page.route("/api/messages", (route) => route.fulfill(answer));
  await leaveUnsent(page, codes[0], "Written on a train");
  for (const [status, body] of [
    [200, "<h1>Log in to this network</h1>"],
    [200, '{"status":"success"}'],
    [403, "<h1>Blocked</h1>"],
    [404, '{"code":1003,"message":"No such host"}'],
    [502, "<h1>Bad gateway</h1>"],
    [503, problem("overloaded")],
    [401, problem("not_logged_in")],
  ] as const) {
    answer = { status, body };
    expect(await drain(page), body).toBe(false);
    expect(await unsent(page), body).toEqual(["Written on a train"]);
  }
  await page.unroute("/api/messages");
  expect(await drain(page)).toBe(true);
  expect(await unsent(page)).toEqual([]);
  await open(page, `/rooms/${codes[0]}`);
  await expect(messages(page)).toHaveText(["Written on a train"]);
});

test("more messages than the server takes at once go out by themselves, and a refused one stops no other @desktop", async ({
  stack,
  guest,
}) => {
  const { page, codes } = await withRooms(guest, stack, "One", "Two");
  await page.route("/api/messages", (route) => route.fulfill({ status: 503, body: problem("overloaded") }), {
    times: 1,
  });
  const answered = page.waitForResponse((response) => response.status() === 503);
  await leaveUnsent(page, codes[1]!, "Too much for today");
  await leaveUnsent(page, codes[0], "1", "2", "3");
  await page.reload();
  await answered;
  let fast = 0;
  await page.route("/api/messages", async (route) => {
    const { body } = route.request().postDataJSON() as { body: string };
    const wait = body === "Too much for today" ? 3_600_000 : 50;
    if (wait === 50 && ++fast % 2 === 0) return route.continue();
    return route.fulfill({ status: 429, body: problem("too_many_requests", { retry_after_ms: wait }) });
  });
  await expect.poll(() => unsent(page)).toEqual(["Too much for today: too_many_requests"]);
  await open(page, `/rooms/${codes[0]}`);
  await expect(messages(page)).toHaveText(["1", "2", "3"]);
});

test("messages go out in the order of writing, although the clock went back between them @desktop", async ({
  stack,
  guest,
}) => {
  const { page, codes } = await withRooms(guest, stack, "One");
  const id = (time: string) => `${time}-7000-8000-000000000000`;
  await leaveUnsent(page, codes[0], [id("01999999-0000"), "First", null], [id("01111111-0000"), "Second", null]);
  expect(await unsent(page)).toEqual(["First", "Second"]);
  await drain(page);
  await open(page, `/rooms/${codes[0]}`);
  await expect(messages(page)).toHaveText(["First", "Second"]);
});

test("changes of messages and replies that wait on the device are sent from there @desktop", async ({
  stack,
  guest,
}) => {
  const { ada, page, codes } = await withRooms(guest, stack, "One");
  const [first, second] = [await sayByRest(ada, codes[0], "Frist"), await sayByRest(ada, codes[0], "Wrong room")];
  await leaveUnsent(
    page,
    codes[0],
    [messageId(), "First", null, { edit: { target: first, after: 0 } }],
    [messageId(), "", null, { delete: second }],
    [messageId(), "To the first", null, { reply: first }],
  );
  expect(await drain(page)).toBe(true);
  expect(await unsent(page)).toEqual([]);
  await open(page, `/rooms/${codes[0]}`);
  await expect(messages(page)).toHaveText(["Firstedited", "Message deleted", "To the first"]);
  await expect(quotes(page)).toHaveText(["Ada First"]);
});

test("a clock that runs ahead deletes old copies, and no message that was not sent @phone", async ({
  stack,
  guest,
}) => {
  const { page, codes } = await withRooms(guest, stack, "One");
  await page.route("/api/messages", (route) => route.abort());
  await leaveUnsent(page, codes[0], "Written before");
  const ahead = new Date(Date.now() + 40 * 86_400_000);
  await page.clock.setFixedTime(ahead);
  await page.goto("/dashboard");
  await expect.poll(() => keptFor(page, "/dashboard")).not.toBe("");
  expect(await keptFor(page, `/rooms/${codes[0]}`)).toBe("");
  expect(await unsent(page)).toEqual(["Written before"]);
});

test("a message that cannot be read takes no other with it @phone", async ({ stack, guest }) => {
  const { page, codes } = await withRooms(guest, stack, "One");
  const id = "01999999-0000-7000-8000-000000000000";
  await leaveUnsent(page, codes[0], [id, "From a later version", { code: 5 }], "Readable");
  await open(page, `/rooms/${codes[0]}`);
  await expect(messages(page)).toHaveText(["Readable"]);
});

test("a message that is settled while another sender has it refused does not come back @desktop", async ({
  stack,
  guest,
}) => {
  const { page, codes } = await withRooms(guest, stack, "One");
  await page.route("/api/messages", (route) => route.abort());
  await leaveUnsent(page, codes[0], "Once");
  await page.evaluate(async (code) => {
    const store = globalThis.anonchatStore!;
    const [row] = await store.outbox();
    await Promise.all([store.refuse(row!.id, { code: "internal", detail: "No." }), store.saveOutbox(code, 0, "")]);
  }, codes[0]);
  expect(await unsent(page)).toEqual([]);
});

test("what waits for a room that stopped keeping messages is sent all the same @phone", async ({ stack, guest }) => {
  const { ada, page, codes } = await withRooms(guest, stack, "One", "Two");
  // The page would send them before they are looked at.
  await page.route("/api/messages", (route) => route.abort());
  await leaveUnsent(page, codes[0], "Written before");
  await leaveUnsent(page, codes[1]!, "Waits for Two");
  for (const code of codes) {
    const data = { code, preserve: false };
    expect((await ada.context.request.put("/api/rooms/preserve", { data })).status()).toBe(204);
  }
  const { account } = JSON.parse(await keptFor(page, "/dashboard"));
  await page.evaluate((account) => globalThis.anonchatStore!.saveList(account, "[]"), JSON.stringify(account));
  expect(await unsent(page)).toEqual(["Written before", "Waits for Two"]);
  await page.unroute("/api/messages");
  for (const [i, text] of ["Written before", "Waits for Two"].entries()) {
    await open(page, `/rooms/${codes[i]}`);
    await expect(messages(page)).toHaveText([text]);
    await expect(pending(page)).toHaveCount(0);
  }
  await expect.poll(() => unsent(page)).toEqual([]);
});

test("a page of somebody who has left in another tab does not make the copy again @desktop", async ({
  stack,
  guest,
}) => {
  const { page } = await withRooms(guest, stack, "One");
  const save = (code: string) =>
    page.evaluate((code) => globalThis.anonchatStore!.saveRoom(code, '{"events":[],"head":0}'), code);
  expect(await save("ZZZZZ1")).toBe(true);

  // Another tab logs out while this one is about to open its database again.
  await page.evaluate(() => {
    const { storageBuckets } = navigator as unknown as { storageBuckets: Record<"open" | "delete", Function> };
    const open = storageBuckets.open.bind(storageBuckets);
    storageBuckets.open = async (...asked: unknown[]) => {
      localStorage.removeItem("anonchat.account");
      await storageBuckets.delete("anonchat");
      return open(...asked);
    };
    return storageBuckets.delete("anonchat");
  });
  expect(await save("ZZZZZ2")).toBe(false);
  // The page may keep its list at the same time, and finds out by itself.
  await expect.poll(() => hasCopy(page)).toBe(false);
});

test("a refused message can be edited: its text returns to the composer, and it is given up @both", async ({
  stack,
  guest,
}) => {
  const ada = await guest(stack);
  await register(ada, "Ada");
  await ada.page.routeWebSocket(/\/ws$/, (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((text) => {
      const { send } = JSON.parse(text.toString()) as { send?: { id: string; code: string; body: string } };
      if (send?.body !== "Not so") return server.send(text);
      const error = { code: "invalid_input", detail: "Refused by the test.", id: send.id, room: send.code };
      socket.send(JSON.stringify({ error }));
    });
  });
  const code = await makeRoomByRest(ada, { preserve: true });
  await open(ada.page, `/rooms/${code}`);
  await say(ada.page, "Not so");
  await expect(log(ada.page).getByText("Not sent. Refused by the test.")).toBeVisible();
  await composer(ada.page).fill("and more");
  await log(ada.page).getByRole("button", { name: "Edit" }).click();
  await expect(composer(ada.page)).toHaveValue("Not so\nand more");
  await expect(composer(ada.page)).toBeFocused();
  await expect(messages(ada.page)).toHaveCount(0);
  await open(ada.page, `/rooms/${code}`);
  await expect(composer(ada.page)).toHaveValue("Not so\nand more");
  await expect(messages(ada.page)).toHaveCount(0);
});
