// Writes public/emoji: one file for each language of the pages, for the picker (public/emoji.js). Called by script/emoji
// with the folder of emojibase-data.
//
// The first line of a file has the texts of the picker. A line without a tab is the name of a group. Every other line is
// an emoji of the group, its name, and the words that find it besides those of its name.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

const FOLDER = new URL("../public/emoji/", import.meta.url);
/** Newer emoji are not in the fonts of most devices yet. */
const NEWEST = 15.1;
/** The texts of the picker: its search field, its groups, that nothing is found, and how much is. */
const TEXTS = {
  en: ["Search emoji", "Groups", "No emoji found", "{count} found"],
  de: ["Emoji suchen", "Gruppen", "Kein Emoji gefunden", "{count} gefunden"],
};

const [, , data] = process.argv;
const read = async (path) => JSON.parse(await readFile(join(data, path), "utf8"));
/** Without the selectors of emoji that are drawn as such anyway, as in Unicode's list of qualified emoji. */
const qualified = (emoji) => emoji.replace(/(\p{Emoji_Presentation})\uFE0F/gu, "$1");
const capital = (text) => text[0].toUpperCase() + text.slice(1);

await mkdir(FOLDER, { recursive: true });
for (const [language, texts] of Object.entries(TEXTS)) {
  const [all, { groups }] = [await read(`${language}/data.json`), await read(`${language}/messages.json`)];
  const lines = [texts.join("\t")];
  for (const { key, message, order } of groups) {
    // Tones of skin and hair, which are parts of others.
    if (key === "component") continue;
    lines.push(capital(message));
    const inGroup = all.filter(({ group, version }) => group === order && version <= NEWEST);
    for (const { emoji, label, tags } of inGroup.sort((one, other) => one.order - other.order)) {
      const known = label.toLowerCase().split(/[\s:,]+/);
      lines.push([qualified(emoji), label, (tags ?? []).filter((tag) => !known.includes(tag)).join(" ")].join("\t"));
    }
  }
  await writeFile(new URL(`${language}.tsv`, FOLDER), `${lines.join("\n")}\n`);
}
