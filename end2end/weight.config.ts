// Playwright configuration of `script/test weight`, which builds the release wasm and measures how many bytes a first
// visit loads.
import { defineConfig } from "@playwright/test";
import tests from "./playwright.config.ts";

export default defineConfig({
  ...tests,
  testDir: ".",
  testMatch: "weight.ts",
  workers: 1,
  projects: [{ name: "release" }],
});
