// People with accounts.
import { randomUUID } from "node:crypto";
import { type Guest, expect } from "./fixtures.ts";
import { type NewRoom, sayByRest } from "./room.ts";

/** Makes the guest of this browser an account. */
export async function register({ context }: Guest, name: string): Promise<void> {
  const data = { name, email: `${randomUUID()}@example.org`, password: "nine purple lanterns" };
  const response = await context.request.post("/api/auth/register", { data });
  expect(response.status(), await response.text()).toBe(201);
}

/** Chooses preferences; what is left out has its default. */
export async function prefer({ context }: Guest, preferences: Record<string, unknown>): Promise<void> {
  const response = await context.request.put("/api/users/preferences", { data: preferences });
  expect(response.status(), await response.text()).toBe(200);
}

/** Makes a room without going there, and returns its code. */
export async function foundRoom({ context }: Guest, room: NewRoom = {}): Promise<string> {
  const response = await context.request.post("/api/rooms/create", { data: { type: "group", ...room } });
  expect(response.status(), await response.text()).toBe(201);
  return ((await response.json()) as { room: { code: string } }).room.code;
}

/** Joins a room without going there. */
export async function enterRoom({ context }: Guest, code: string, nickname: string): Promise<void> {
  const response = await context.request.post("/api/rooms/join", { data: { code, nickname } });
  expect(response.status(), await response.text()).toBe(200);
}

/** Joins a room without going there, and says something in it. */
export async function visitAndSay(guest: Guest, code: string, nickname: string, ...texts: string[]): Promise<void> {
  await enterRoom(guest, code, nickname);
  for (const text of texts) await sayByRest(guest, code, text);
}
