// Rate limits: exceeding one means a wait that ends, and loses nothing.
import { register } from "../account.ts";
import { expect, test, visit } from "../fixtures.ts";
import {
  BACK_MS,
  following,
  isPhone,
  joinRoom,
  log,
  makeRoom,
  makeRoomByRest,
  messages,
  pending,
  say,
} from "../room.ts";

/** The number of wrong codes that one client may try before it has to wait. */
const MISSES = 10;
/**
 * The number of mails that one client may request for one address before it has to wait. Registering sends the first.
 */
const MAILS = 5;

test("too many wrong codes are a wait that counts down, and then it works @phone", async ({
  launch,
  guest,
  complaints,
}) => {
  complaints.allow(/status of 4(04|29)/);
  const stack = await launch("embedded", { RATE_LIMITS: "on" });
  const [ada, bob] = [await guest(stack), await guest(stack)];
  const code = await makeRoomByRest(ada, { nickname: "Ada" });
  await visit(bob.page, "/");
  for (let i = 0; i <= MISSES; i++) {
    const answer = await bob.context.request.post("/api/rooms/join", { data: { code: `0000${10 + i}` } });
    expect(answer.status()).toBe(404);
  }

  const typed = bob.page.getByRole("textbox", { name: "Room code" });
  const join = bob.page.getByRole("button", { name: "Join", exact: true });
  await typed.fill(code);
  await join.click();
  const wait = bob.page.getByRole("status").filter({ hasText: "That was a little fast." });
  await expect(wait).toHaveText(/You can try again in \d+\sseconds?\./);
  await expect(join).toBeDisabled();
  await expect(typed).toHaveValue(code);

  await expect(join).toBeEnabled({ timeout: BACK_MS });
  await expect(wait).toBeHidden();
  await following(bob.page, () => join.click());
  await expect(bob.page).toHaveURL(`/rooms/${code}`);
});

test("who writes faster than is allowed loses nothing @desktop", async ({ launch, guest }) => {
  const stack = await launch("embedded", { RATE_LIMITS: "on" });
  const [ada, bob] = [await guest(stack), await guest(stack)];
  const code = await makeRoom(ada, { nickname: "Ada" });
  await joinRoom(bob, code, "Bob");
  const said = Array.from({ length: 35 }, (_, i) => `${i + 1}`);
  for (const text of said) await say(ada.page, text);
  await expect(messages(bob.page)).toHaveText(said, { timeout: BACK_MS });
  await expect(messages(ada.page)).toHaveText(said);
  await expect(pending(ada.page)).toHaveCount(0);
  await expect(log(ada.page).getByText("Not sent.")).toHaveCount(0);
});

test("who has a mail sent too often is told where the button is, with and without scripts @desktop", async ({
  launch,
  guest,
  complaints,
}) => {
  complaints.allow(/status of 429/);
  const stack = await launch("embedded", { RATE_LIMITS: "on" });
  const ada = await guest(stack);
  const email = await register(ada, "Ada");
  const storageState = await ada.context.storageState();
  const still = await guest(stack, 0, { javaScriptEnabled: false, storageState });
  for (let i = 2; i <= MAILS; i++) {
    const answer = await ada.context.request.put("/api/users/email", { data: { email } });
    expect(answer.status()).toBe(200);
  }
  await visit(ada.page, "/dashboard");
  await still.page.goto("/dashboard");
  for (const { page } of [ada, still]) {
    const notice = page.getByRole("region", { name: "Confirm your email address" });
    await notice.getByRole("button", { name: "Send again" }).click();
    await expect(notice.getByRole("status")).toHaveText(/^That was a little fast\./);
    await expect(page).toHaveURL(/\/dashboard(\?|$)/);
    // Only a failed attempt to join a room shows the form for joining.
    await expect(page.getByRole("heading", { name: "Join or create a room" })).toBeVisible({ visible: !isPhone(page) });
  }
  await expect(ada.page.getByRole("button", { name: "Send again" })).toBeDisabled();
});
