// Makes the pictures of the README: `. script/env`, then `npm run screens` here, with the site built as for the tests.
import { defineConfig } from "@playwright/test";
import tests from "./playwright.config.ts";

export default defineConfig({
  ...tests,
  testDir: ".",
  testMatch: "screens.ts",
  workers: 1,
  projects: [{ name: "pictures" }],
});
