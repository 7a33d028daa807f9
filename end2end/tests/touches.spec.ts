// What happened to messages after they were sent: edited, deleted, and replied to.
import { expect, test } from "../fixtures.ts";
import { changeByRest, joinRoom, makeRoom, messages, open, sayByRest } from "../room.ts";

test("an edit, a deletion and a reply are shown at once and after a reload @both", async ({ stack, guest }) => {
  const [ada, bob] = [await guest(stack), await guest(stack, stack.size - 1)];
  const code = await makeRoom(ada, { nickname: "Ada", preserve: true });
  await joinRoom(bob, code, "Bob");
  const lunch = await sayByRest(ada, code, "Lunch at noon?");
  const wrong = await sayByRest(bob, code, "Wrong room");
  const rude = await sayByRest(bob, code, "Something rude");
  await sayByRest(bob, code, "Gladly", lunch);
  await sayByRest(bob, code, "Or not", wrong);
  const quotes = ({ page }: typeof ada) => page.locator(".message__quote");
  for (const { page } of [ada, bob]) await expect(messages(page)).toHaveCount(5);
  await expect(quotes(ada)).toHaveText(["Ada Lunch at noon?", "Bob Wrong room"]);

  await changeByRest(ada, code, lunch, "Lunch at one?");
  await changeByRest(bob, code, wrong);
  await changeByRest(ada, code, rude);
  const expected = ["Lunch at one?edited", "Message deleted", "Message deleted by Ada", "Gladly", "Or not"];
  for (const person of [ada, bob]) {
    await expect(messages(person.page)).toHaveText(expected);
    await expect(quotes(person)).toHaveText(["Ada Lunch at one?", "Bob Message deleted"]);
  }
  await open(bob.page, `/rooms/${code}`);
  await expect(messages(bob.page)).toHaveText(expected);
  await expect(quotes(bob)).toHaveText(["Ada Lunch at one?", "Bob Message deleted"]);
  // Nobody who reads on is told of a hole.
  await expect(bob.page.locator(".notice--hole")).toHaveCount(0);
});
