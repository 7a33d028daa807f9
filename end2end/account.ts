// Helpers for what people with accounts do, each usable in one line of a test.
import type { Page } from "@playwright/test";
import { type Caller, expect } from "./fixtures.ts";
import { linkIn, mailTo, newAddress } from "./mails.ts";

/** Passwords that the server accepts. */
export const PASSWORD = "nine purple lanterns";
export const OTHER_PASSWORD = "eight yellow kettles";

/**
 * Registers an account over REST and returns its address. If the browser has a guest, the guest becomes the account.
 */
export async function register(
  { context }: Caller,
  name: string,
  password: string | null = PASSWORD,
  email = newAddress(name.toLowerCase()),
): Promise<string> {
  const data = { name, email, ...(password === null ? {} : { password }) };
  const response = await context.request.post("/api/auth/register", { data });
  expect(response.status(), await response.text()).toBe(201);
  return email;
}

/** Registers an account and confirms its address with the link of the mail. */
export async function registerAndConfirm(caller: Caller, name: string, password?: string | null): Promise<string> {
  const email = await register(caller, name, password);
  const token = new URL(linkIn(await mailTo(email))).searchParams.get("token");
  const response = await caller.context.request.post("/api/auth/verify", { data: { token } });
  expect(response.status(), await response.text()).toBe(204);
  return email;
}

/** Logs in over REST. */
export async function logIn({ context }: Caller, email: string, password = PASSWORD): Promise<void> {
  const response = await context.request.post("/api/auth/login", { data: { email, password } });
  expect(response.status(), await response.text()).toBe(200);
}

/** Sets preferences over REST. Preferences that are left out get their defaults. */
export async function prefer({ context }: Caller, preferences: Record<string, unknown>): Promise<void> {
  const response = await context.request.put("/api/users/preferences", { data: preferences });
  expect(response.status(), await response.text()).toBe(200);
}

/** Whether this browser is logged in. */
export async function isLoggedIn({ context }: Caller): Promise<boolean> {
  const response = await context.request.get("/api/users/me");
  expect([200, 401]).toContain(response.status());
  return response.status() === 200;
}

/**
 * The path of the link in a mail. Links have the address of the node that sent the mail, and the browser of the test
 * may use the other node.
 */
export function pathOf(link: string): string {
  const { pathname, search } = new URL(link);
  return pathname + search;
}

/** Presses a button that leads to another page. */
export async function press(page: Page, name: string | RegExp): Promise<void> {
  await page.getByRole("button", { name, exact: typeof name === "string" }).click();
}

export const title = (page: Page) => page.getByRole("heading", { level: 1 });
/** The message of a page about the form that was sent last. */
export const status = (page: Page) => page.getByRole("status").filter({ hasText: /\S/ });
export const problem = (page: Page) => page.getByRole("alert");
export const field = (page: Page, label: string) => page.getByLabel(label, { exact: true });
/** A section of the preferences, with its form. */
export const card = (page: Page, heading: string) =>
  page.locator("section").filter({ has: page.getByRole("heading", { name: heading, exact: true }) });
