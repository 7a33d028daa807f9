// What people with accounts do, so that the tests can say it in a line.
import type { Page } from "@playwright/test";
import { type Guest, expect } from "./fixtures.ts";
import { linkIn, mailTo, newAddress } from "./mails.ts";

/** Passwords that are good enough. */
export const PASSWORD = "nine purple lanterns";
export const OTHER_PASSWORD = "eight yellow kettles";

/** Makes an account without clicking through the form; of the guest of this browser, if it has one. Returns its address. */
export async function register(
  { context }: Guest,
  name: string,
  password: string | null = PASSWORD,
  email = newAddress(name.toLowerCase()),
): Promise<string> {
  const data = { name, email, ...(password === null ? {} : { password }) };
  const response = await context.request.post("/api/auth/register", { data });
  expect(response.status(), await response.text()).toBe(201);
  return email;
}

/** The same, with an address that is proved. */
export async function registerAndConfirm(guest: Guest, name: string, password?: string | null): Promise<string> {
  const email = await register(guest, name, password);
  const token = new URL(linkIn(await mailTo(email))).searchParams.get("token");
  const response = await guest.context.request.post("/api/auth/verify", { data: { token } });
  expect(response.status(), await response.text()).toBe(204);
  return email;
}

/** Logs in without clicking through the form. */
export async function logIn({ context }: Guest, email: string, password = PASSWORD): Promise<void> {
  const response = await context.request.post("/api/auth/login", { data: { email, password } });
  expect(response.status(), await response.text()).toBe(200);
}

/** Chooses preferences; what is left out has its default. */
export async function prefer({ context }: Guest, preferences: Record<string, unknown>): Promise<void> {
  const response = await context.request.put("/api/users/preferences", { data: preferences });
  expect(response.status(), await response.text()).toBe(200);
}

/** Whether this browser is logged in. */
export async function isLoggedIn({ context }: Guest): Promise<boolean> {
  const response = await context.request.get("/api/users/me");
  expect([200, 401]).toContain(response.status());
  return response.status() === 200;
}

/** The path of a mail's link: each node calls itself by its own address, and a test's browser may be at another. */
export function pathOf(link: string): string {
  const { pathname, search } = new URL(link);
  return pathname + search;
}

/** Presses a button that leads to another page. */
export async function press(page: Page, name: string | RegExp): Promise<void> {
  await page.getByRole("button", { name, exact: typeof name === "string" }).click();
}

export const title = (page: Page) => page.getByRole("heading", { level: 1 });
/** What a page says about the form that was sent last. */
export const status = (page: Page) => page.getByRole("status").filter({ hasText: /\S/ });
export const problem = (page: Page) => page.getByRole("alert");
export const field = (page: Page, label: string) => page.getByLabel(label, { exact: true });
/** A form of the preferences with what belongs to it. */
export const card = (page: Page, heading: string) =>
  page.locator("section").filter({ has: page.getByRole("heading", { name: heading, exact: true }) });
