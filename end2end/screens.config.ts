// Playwright configuration that makes the screenshots of the README and of the manifest. `script/screens` runs it.
import { defineConfig } from "@playwright/test";
import tests from "./playwright.config.ts";

export default defineConfig({
  ...tests,
  testDir: ".",
  testMatch: "screens.ts",
  workers: 1,
  projects: [{ name: "pictures" }],
});
