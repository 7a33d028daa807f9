// Makes the screenshots of the README and of the manifest from one small conversation. The room code and
// the times are replaced at the end, so that a screenshot changes only when the design does.
import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { register } from "./account.ts";
import { expect, test } from "./fixtures.ts";
import { composer, joinRoom, makeRoom, makeRoomByRest, messages, notices, say, visitAndSay } from "./room.ts";
import { settle } from "./settle.ts";
import { TALK } from "./talk.ts";

const FOLDER = resolve(fileURLToPath(import.meta.url), "../../public/screenshots");

test("pictures", async ({ stack, guest }) => {
  const desktop = { viewport: { width: 1280, height: 800 }, reducedMotion: "reduce" as const };
  const phone = {
    ...desktop,
    viewport: { width: 390, height: 844 },
    deviceScaleFactor: 2,
    isMobile: true,
    hasTouch: true,
  };
  const [mira, jonas, aiko] = [
    await guest(stack, 0, desktop),
    await guest(stack, 0, desktop),
    await guest(stack, 0, phone),
  ];
  // Mira has an account, and therefore a list of rooms.
  await register(mira, "Mira");
  const chess = await makeRoomByRest(mira, { type: "p2p", nickname: "Mira" });
  await visitAndSay(await guest(stack, 0, desktop), chess, "Tom", "Your move!");
  const books = await makeRoomByRest(mira, { name: "Book club", nickname: "Mira" });
  await visitAndSay(await guest(stack, 0, desktop), books, "Lena", "Read chapter two?", "I could not stop at two");
  const code = await makeRoom(mira, { name: "Saturday walk", nickname: "Mira", preserve: true });
  await joinRoom(jonas, code, "Jonas");
  await joinRoom(aiko, code, "Aiko");
  const people = { Mira: mira, Jonas: jonas, Aiko: aiko };
  for (const [i, [name, text]] of TALK.entries()) {
    await say(people[name].page, text);
    for (const { page } of Object.values(people)) await expect(messages(page)).toHaveCount(i + 1);
  }
  await expect(notices(aiko.page)).toHaveCount(1);
  await expect(mira.page.getByText("2 unread messages")).toBeAttached();
  for (const { page } of [mira, aiko]) {
    await composer(page).blur();
    await expect(async () => {
      await composer(jonas.page).press("e");
      await expect(page.getByText("Jonas is typing…")).toBeVisible({ timeout: 500 });
    }).toPass();
  }

  await mkdir(FOLDER, { recursive: true });
  for (const [name, { page }] of Object.entries({ desktop: mira, phone: aiko })) {
    await settle(page);
    await page.screenshot({ path: resolve(FOLDER, `${name}.png`), animations: "disabled", caret: "hide" });
  }
});
