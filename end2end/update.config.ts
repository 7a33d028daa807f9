// Playwright configuration of `script/test update`, which changes the build of servers under pages that are open.
import { defineConfig } from "@playwright/test";
import tests from "./playwright.config.ts";

export default defineConfig({ ...tests, testDir: ".", testMatch: "update.ts" });
