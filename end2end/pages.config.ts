// Playwright configuration of `script/bench-pages`, which measures the pages of the release build. Nothing is asserted,
// because timings depend on the machine.
import { defineConfig } from "@playwright/test";
import tests from "./playwright.config.ts";

export default defineConfig({
  ...tests,
  testDir: ".",
  testMatch: "pages.ts",
  workers: 1,
  timeout: 1_200_000,
  use: { ...tests.use, trace: "off", screenshot: "off" },
  projects: [{ name: "release" }],
});
