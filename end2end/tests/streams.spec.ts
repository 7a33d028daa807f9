// Where no page can open a WebSocket: frames come by Server-Sent Events, and go by requests.
import { register } from "../account.ts";
import { expect, test } from "../fixtures.ts";
import { following, isPhone, joinRoom, makeRoom, makeRoomByRest, messages, say, sayByRest, setShown } from "../room.ts";

test.use({ isBlocked: true });

test.beforeEach(({ complaints }) => complaints.allow(/WebSocket connection to/));

test("rooms change over one stream, in one document @both", async ({ stack, guest }) => {
  const ada = await guest(stack);
  await register(ada, "Ada");
  const codes: string[] = [];
  for (const name of ["Chess", "Books"]) codes.push(await makeRoomByRest(ada, { name, nickname: "Ada" }));
  const { page } = ada;
  await following(page, () => page.goto(`/rooms/${codes[0]}`));
  const loaded: string[] = [];
  page.on("request", (request) => {
    if (request.isNavigationRequest() || request.url().endsWith("/stream")) loaded.push(request.url());
  });
  const rooms = page.getByRole("navigation", { name: "Rooms" });
  for (const name of ["Books", "Chess", "Books"]) {
    if (isPhone(page)) await page.getByRole("link", { name: /^All rooms/ }).click();
    await following(page, () => rooms.getByRole("listitem").filter({ hasText: name }).getByRole("link").click());
    await say(page, `in ${name}`);
    await expect(messages(page).last()).toHaveText(`in ${name}`);
  }
  // The list is told of a room that is not in front.
  await sayByRest(ada, codes[0] ?? "", "Your move");
  if (isPhone(page)) await page.getByRole("link", { name: /^All rooms/ }).click();
  await expect(rooms.getByRole("listitem").first()).toContainText("Your move");
  expect(loaded).toEqual([]);
});

test("many tabs of one browser have their turns, and each can send @desktop", async ({ stack, guest }) => {
  const [ada, bob] = [await guest(stack), await guest(stack)];
  const code = await makeRoom(ada, { nickname: "Ada" });
  await joinRoom(bob, code, "Bob");
  const tabs = [bob.page];
  for (let n = 1; n < 6; n += 1) {
    const page = await bob.context.newPage();
    tabs.push(page);
    await following(page, () => page.goto(`/rooms/${code}`));
  }
  const said: string[] = [];
  for (const [n, page] of tabs.slice(2).entries()) {
    said.push(`tab ${n}`);
    await say(page, `tab ${n}`);
    await expect(messages(ada.page)).toHaveText(said);
  }
  for (const page of tabs.slice(2)) await expect(messages(page)).toHaveText(said);
  // A browser has few connections for one host, so the oldest tabs wait until somebody looks at them.
  const [first] = tabs;
  if (!first) throw new Error("there are tabs");
  await expect(first.getByRole("status").filter({ hasText: "Reconnecting" })).toBeVisible();
  await setShown(first, false);
  await following(first, () => setShown(first, true));
  await say(first, "back");
  said.push("back");
  for (const page of [ada.page, first]) await expect(messages(page)).toHaveText(said);
});

test("a reload and a second tab miss nothing @phone", async ({ stack, guest }) => {
  const [ada, bob] = [await guest(stack), await guest(stack)];
  const code = await makeRoom(ada, { nickname: "Ada" });
  await joinRoom(bob, code, "Bob");
  await say(ada.page, "one");
  await expect(messages(bob.page)).toHaveText(["one"]);
  await following(bob.page, () => bob.page.reload());
  const tab = await bob.context.newPage();
  await following(tab, () => tab.goto(`/rooms/${code}`));
  await say(tab, "two");
  await say(bob.page, "three");
  for (const page of [ada.page, bob.page, tab]) await expect(messages(page)).toHaveText(["one", "two", "three"]);
});
