// The mails that a browser test's servers sent, read from the real mail server that script/services runs.
import { randomBytes } from "node:crypto";
import { expect } from "@playwright/test";

/** A mail as it came. */
export interface Mail {
  from: string;
  to: string[];
  subject: string;
  text: string;
  html: string;
  messageId: string;
  headers: Record<string, string>;
}

/** An address that no other test has. */
export function newAddress(name = "ada"): string {
  return `${name}.${randomBytes(6).toString("hex")}@example.org`;
}

/** All mails that came for an address, the oldest first. */
export async function mailsTo(address: string): Promise<Mail[]> {
  const server = process.env["TEST_MAILS_URL"];
  if (!server)
    throw new Error("TEST_MAILS_URL is not set: run this with script/test browser, or under script/services");
  const response = await fetch(`${server}/mails?to=${encodeURIComponent(address)}`);
  return (await response.json()) as Mail[];
}

/** Waits until `count` mails have come for an address, and returns the last of them. More of them is a failure. */
export async function mailTo(address: string, count = 1): Promise<Mail> {
  await expect.poll(async () => (await mailsTo(address)).length, { message: `mails to ${address}` }).toBe(count);
  return (await mailsTo(address))[count - 1]!;
}

/** The one address that a mail leads to, which is the same in its text and behind its button. */
export function linkIn(mail: Mail): string {
  const link = /^https?:\/\/\S+$/m.exec(mail.text)?.[0];
  if (!link) throw new Error(`no link in “${mail.subject}”:\n${mail.text}`);
  expect(mail.html).toContain(`href="${link.replaceAll("&", "&#38;")}"`);
  return link;
}

/** The eight digits of a mail, which are the same in its text and in its HTML. */
export function codeIn(mail: Mail): string {
  const code = /^ {4}(\d{8})$/m.exec(mail.text)?.[1];
  if (!code) throw new Error(`no code in “${mail.subject}”:\n${mail.text}`);
  expect(mail.html).toContain(`>${code}<`);
  return code;
}
