// Reads the mails that the servers of a test sent. They are at the mail server that script/services runs.
import { randomBytes } from "node:crypto";
import { expect } from "@playwright/test";

/** A received mail. */
export interface Mail {
  from: string;
  to: string[];
  subject: string;
  text: string;
  html: string;
  messageId: string;
  headers: Record<string, string>;
}

/** An address that no other test uses. */
export function newAddress(name = "ada"): string {
  return `${name}.${randomBytes(6).toString("hex")}@example.org`;
}

/** All mails received for an address, oldest first. */
export async function mailsTo(address: string): Promise<Mail[]> {
  const server = process.env["TEST_MAILS_URL"];
  if (!server)
    throw new Error("TEST_MAILS_URL is not set: run this with script/test browser, or under script/services");
  const response = await fetch(`${server}/mails?to=${encodeURIComponent(address)}`);
  return (await response.json()) as Mail[];
}

/** Waits until `count` mails have arrived for an address, and returns the last. Fails if there are more. */
export async function mailTo(address: string, count = 1): Promise<Mail> {
  await expect.poll(async () => (await mailsTo(address)).length, { message: `mails to ${address}` }).toBe(count);
  return (await mailsTo(address))[count - 1]!;
}

/** The one link of a mail. Fails unless the text and the button in the HTML have the same. */
export function linkIn(mail: Mail): string {
  const link = /^https?:\/\/\S+$/m.exec(mail.text)?.[0];
  if (!link) throw new Error(`no link in “${mail.subject}”:\n${mail.text}`);
  expect(mail.html).toContain(`href="${link.replaceAll("&", "&#38;")}"`);
  return link;
}

/** The eight digits of a mail. Fails unless the text and the HTML have the same. */
export function codeIn(mail: Mail): string {
  const code = /^ {4}(\d{8})$/m.exec(mail.text)?.[1];
  if (!code) throw new Error(`no code in “${mail.subject}”:\n${mail.text}`);
  expect(mail.html).toContain(`>${code}<`);
  return code;
}
