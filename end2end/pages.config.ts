// Measures the pages, with the release build: `script/bench-pages`. Nothing here is asserted; timings are a machine's own.
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
