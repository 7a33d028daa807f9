// Checks that every browser test has the tag of the sizes on which it runs, and that README.md names every file of
// tests. Prints how many tests run where.
import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";

const SIZES = ["phone", "desktop", "both"];

// One project lists every test, because EVERYWHERE ignores the tags.
const listed = execFileSync("playwright", ["test", "--list", "--reporter=json", "--project=phone"], {
  env: { ...process.env, EVERYWHERE: "1" },
  encoding: "utf8",
  maxBuffer: 64 * 1024 * 1024,
});
const specsOf = ({ specs = [], suites = [] }) => [...specs, ...suites.flatMap(specsOf)];
const specs = specsOf(JSON.parse(listed));
const readme = await readFile(new URL("README.md", import.meta.url), "utf8");

const count = Object.fromEntries(SIZES.map((size) => [size, 0]));
const wrong = [];
for (const { title, file, line, tags } of specs) {
  const sizes = SIZES.filter((size) => tags.includes(size));
  for (const size of sizes) count[size] += 1;
  if (sizes.length !== 1)
    wrong.push(`${file}:${line} “${title}” needs one of ${SIZES.map((size) => `@${size}`).join(", ")}`);
}
for (const file of new Set(specs.map(({ file }) => file.replace(/\.spec\.ts$/, "")))) {
  if (!readme.includes(`| ${file} `)) wrong.push(`README.md does not say where the tests of ${file} run`);
}
if (wrong.length > 0) {
  console.error(wrong.join("\n"));
  process.exit(1);
}
const { phone, desktop, both } = count;
console.log(
  `Browser tests: ${phone} on a phone, ${desktop} on a desktop, ${both} on both: ${phone + desktop + 2 * both} runs`,
);
