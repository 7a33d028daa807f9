// What a first visit weighs, with the release build of the browser's half. `script/test weight` builds it and runs this.
import { defineConfig } from "@playwright/test";
import tests from "./playwright.config.ts";

export default defineConfig({
  ...tests,
  testDir: ".",
  testMatch: "weight.ts",
  workers: 1,
  projects: [{ name: "release" }],
});
