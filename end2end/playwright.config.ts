// Playwright configuration of the browser tests, which run as a phone and as a desktop. Run them with `script/test
// browser`. README.md says which test runs where.
import { defineConfig } from "@playwright/test";

/** The tests that a project leaves out: those of the other size, unless EVERYWHERE asks for every test on both. */
const leaveOut = (tag: RegExp) => (process.env["EVERYWHERE"] ? undefined : tag);

/**
 * Parts of Chromium that are off. The first two are pages of its address bar, which a headless browser starts for each
 * context and nobody sees. The rest are those that Playwright turns off, because only the last list counts.
 */
const DISABLED = [
  "WebUIOmniboxPopup",
  "WebUIOmniboxAimPopup",
  "AimEnabled",
  "AvoidCorsURLLoaderRestartOnRedirect",
  "AvoidUnnecessaryBeforeUnloadCheckSync",
  "DestroyProfileOnBrowserClose",
  "HttpsFirstBalancedModeAutoEnable",
  "HttpsUpgrades",
  "LensOverlay",
  "MediaRouter",
  "NetworkTimeServiceQuerying",
  "OptimizationHints",
  "PaintHolding",
  "PreconnectToSearch",
  "ThirdPartyStoragePartitioning",
];

export default defineConfig({
  testDir: "tests",
  fullyParallel: true,
  forbidOnly: !!process.env["CI"],
  // No retries: a test that fails sometimes is a bug.
  retries: 0,
  workers: 2,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: [["list"]],
  use: {
    browserName: "chromium",
    // A fixed language and time zone, so that no page depends on those of the machine.
    locale: "en-GB",
    timezoneId: "UTC",
    // The worker would fetch the whole shell again for every guest of every test. pwa.spec.ts allows it.
    serviceWorkers: "block",
    screenshot: "only-on-failure",
    // No film in the trace, because every frame of every page would be encoded. Each step still has its document.
    trace: { mode: "retain-on-failure", screenshots: false },
    launchOptions: {
      executablePath: process.env["ANONCHAT_CHROMIUM"] || undefined,
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-background-networking",
        "--disable-component-update",
        `--disable-features=${DISABLED.join()}`,
      ],
    },
  },
  projects: [
    {
      name: "phone",
      grepInvert: leaveOut(/@desktop\b/),
      use: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
    },
    {
      name: "desktop",
      grepInvert: leaveOut(/@phone\b/),
      use: { viewport: { width: 1280, height: 800 } },
    },
  ],
});
