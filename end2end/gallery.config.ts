// Playwright configuration of `script/screens`, which makes the pictures of every state of the pages and checks them.
import { defineConfig } from "@playwright/test";
import tests from "./playwright.config.ts";

export default defineConfig({
  ...tests,
  testDir: ".",
  testMatch: "gallery.ts",
  timeout: 180_000,
  projects: [{ name: "pictures" }],
  use: { ...tests.use, screenshot: "off", trace: "off", actionTimeout: 30_000 },
});
