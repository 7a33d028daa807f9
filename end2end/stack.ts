// Starts real server processes for a test: one node with its embedded store, or two nodes that share MongoDB and Redis.
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { copyFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as pause } from "node:timers/promises";
import { MongoClient } from "mongodb";

const ROOT = resolve(fileURLToPath(import.meta.url), "../..");

/** A server with the site that was built with it. */
export interface Build {
  /** The program. The list of the hashes in the names of the site's files is beside it. */
  program: string;
  site: string;
}

/** The build that is tested. */
export const BUILD: Build = {
  program: resolve(ROOT, process.env["ANONCHAT_BIN"] ?? "target/debug/anonchat"),
  site: resolve(ROOT, process.env["LEPTOS_SITE_ROOT"] ?? "target/site-dev"),
};

const START_MS = 30_000;
const STOP_MS = 30_000;
/** How much of the end of a node's log is kept for a failed test. */
const LOG_CHARS = 64 * 1024;

type Settings = Record<string, string>;

/** One server process. It keeps its address, settings, folder and build across restarts. */
class Node {
  build = BUILD;
  private process?: ChildProcess;
  log = "";

  constructor(
    readonly url: string,
    private readonly folder: string,
    private readonly settings: Settings,
  ) {}

  async start(): Promise<void> {
    if (this.running) throw new Error(`${this.url} runs already`);
    const child = spawn(this.build.program, [], {
      // Started in the temporary folder, so that no .env of the developer is read.
      cwd: this.folder,
      env: {
        PATH: process.env["PATH"],
        HOME: this.folder,
        LEPTOS_SITE_ROOT: this.build.site,
        ...this.settings,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.process = child;
    children.add(child);
    child.once("exit", () => children.delete(child));
    const keep = (chunk: Buffer) => (this.log = (this.log + chunk.toString()).slice(-LOG_CHARS));
    child.stdout?.on("data", keep);
    child.stderr?.on("data", keep);
    child.once("error", (error) => (this.log += `\n${error}\n`));
    await this.ready();
  }

  /** Waits until the node reports that it is ready. */
  async ready(): Promise<void> {
    const deadline = Date.now() + START_MS;
    let last = "no answer";
    while (Date.now() < deadline) {
      if (!this.running) throw new Error(`${this.build.program} ended at once:\n${this.log}`);
      try {
        const response = await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(2_000) });
        if (response.status === 200) return;
        last = `status ${response.status}`;
      } catch (error) {
        last = String(error);
      }
      await pause(25);
    }
    throw new Error(`${this.url}/readyz is not 200 after ${START_MS} ms (${last}):\n${this.log}`);
  }

  get running(): boolean {
    const child = this.process;
    return child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
  }

  /** Suspends the process, so that it answers nothing, or lets it go on. */
  suspend(isSuspended: boolean): void {
    this.process?.kill(isSuspended ? "SIGSTOP" : "SIGCONT");
  }

  /** Sends a signal, waits for the process to exit, and returns its exit status (null after SIGKILL). */
  async end(signal: "SIGKILL" | "SIGTERM"): Promise<number | null> {
    const child = this.process;
    if (!child || !this.running) return child?.exitCode ?? null;
    const exited = once(child, "exit");
    child.kill(signal);
    const late = AbortSignal.timeout(STOP_MS);
    await Promise.race([exited, once(late, "abort")]);
    if (this.running) {
      child.kill("SIGKILL");
      await exited;
      throw new Error(`${this.url} did not end within ${STOP_MS} ms of ${signal}:\n${this.log}`);
    }
    return child.exitCode;
  }
}

/** All running servers. They are killed when the test run exits, for whatever reason. */
const children = new Set<ChildProcess>();
process.on("exit", () => children.forEach((child) => child.kill("SIGKILL")));

export class Stack {
  private constructor(
    readonly kind: "embedded" | "cluster",
    private readonly nodes: Node[],
    private readonly folder: string,
    private readonly database?: { uri: string; name: string },
  ) {}

  /** One node without other servers: SQLite in its own folder. */
  static embedded(settings: Settings = {}): Promise<Stack> {
    return Stack.launch("embedded", 1, settings);
  }

  /** Two nodes that share a MongoDB database and a Redis prefix of their own. */
  static cluster(settings: Settings = {}): Promise<Stack> {
    return Stack.launch("cluster", 2, settings);
  }

  private static async launch(kind: Stack["kind"], count: number, settings: Settings): Promise<Stack> {
    const folder = await mkdtemp(join(tmpdir(), "anonchat-e2e-"));
    const shared: Settings = {
      RATE_LIMITS: "off",
      // A long grace period, so that a slow machine does not make the server remove a guest who is briefly away.
      GUEST_GRACE_SECONDS: "600",
      LOG: process.env["LOG"] ?? "info",
    };
    // Without a mail server the node writes mails to files. Tests that read no mails work with either.
    if (process.env["TEST_SMTP_URL"]) shared["SMTP_URL"] = process.env["TEST_SMTP_URL"];
    let database: { uri: string; name: string } | undefined;
    if (kind === "cluster") {
      const name = `e2e_${randomBytes(6).toString("hex")}`;
      database = { uri: required("TEST_MONGO_URI"), name };
      Object.assign(shared, {
        MONGO_URI: database.uri,
        MONGO_DB: name,
        REDIS_URL: required("TEST_REDIS_URL"),
        REDIS_PREFIX: name,
        JWT_SECRET: randomBytes(32).toString("hex"),
      });
    }
    const nodes: Node[] = [];
    const stack = new Stack(kind, nodes, folder, database);
    try {
      for (let i = 0; i < count; i++) {
        const home = join(folder, `node${i}`);
        await mkdir(home);
        await copyFile(join(ROOT, "Leptos.toml"), join(home, "Leptos.toml"));
        await copyFile(join(ROOT, "manifest.json"), join(home, "manifest.json"));
        const address = `127.0.0.1:${await freePort()}`;
        const url = `http://${address}`;
        const own = { LISTEN_ADDR: address, PUBLIC_URL: url, DATA_DIR: join(home, "data") };
        nodes.push(new Node(url, home, { ...shared, ...own, ...settings }));
      }
      for (const node of nodes) await node.start();
    } catch (error) {
      await stack.stop();
      throw error;
    }
    return stack;
  }

  get size(): number {
    return this.nodes.length;
  }

  url(i = 0): string {
    return this.node(i).url;
  }

  /** The end of the output of node `i`, across restarts. */
  log(i = 0): string {
    return this.node(i).log;
  }

  /** Kills node `i` without warning, like a power cut. */
  async kill9(i = 0): Promise<void> {
    await this.node(i).end("SIGKILL");
  }

  /** Lets node `i` answer nothing for as long as `act` runs: the network is slow, or the server is. */
  async stalled(act: () => Promise<unknown>, i = 0): Promise<void> {
    this.node(i).suspend(true);
    try {
      await act();
    } finally {
      this.node(i).suspend(false);
    }
  }

  /** Asks node `i` to stop (SIGTERM), waits, and returns its exit status. */
  terminate(i = 0): Promise<number | null> {
    return this.node(i).end("SIGTERM");
  }

  /**
   * Restarts node `i` at the same address with the same data, as another build if one is given. If it runs, it is asked
   * to stop first (SIGTERM).
   */
  async restart(i = 0, build = this.node(i).build): Promise<void> {
    await this.node(i).end("SIGTERM");
    this.node(i).build = build;
    await this.node(i).start();
  }

  /** Stops all nodes and removes their data. */
  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.end("SIGKILL")));
    await rm(this.folder, { recursive: true, force: true });
    if (this.database) {
      const client = new MongoClient(this.database.uri, { serverSelectionTimeoutMS: 5_000 });
      try {
        await client.db(this.database.name).dropDatabase();
      } finally {
        await client.close();
      }
    }
  }

  private node(i: number): Node {
    const node = this.nodes[i];
    if (!node) throw new Error(`the ${this.kind} stack has no node ${i}`);
    return node;
  }
}

function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run this with script/test browser, or under script/services`);
  return value;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}
