// Playwright configuration that makes the screenshots of the README. Run `. script/env`, then `npm run screens` in this
// folder. The site has to be built as for the tests.
import { defineConfig } from "@playwright/test";
import tests from "./playwright.config.ts";

export default defineConfig({
  ...tests,
  testDir: ".",
  testMatch: "screens.ts",
  workers: 1,
  projects: [{ name: "pictures" }],
});
