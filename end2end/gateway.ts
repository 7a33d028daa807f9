// What stands between a browser and its server: a proxy that may answer in the server's place, as a captive portal
// does, or a proxy whose server is away.
import { type IncomingMessage, createServer, request } from "node:http";
import { connect } from "node:net";

/** An answer in the place of the server's. */
interface Answer {
  status: number;
  body: string;
}

/** A proxy on 127.0.0.1. Everything goes through it until `answer` returns something for a path. */
export class Gateway {
  answer: (path: string) => Answer | undefined = () => undefined;
  /** The address of the server. */
  upstream = "";
  private readonly server = createServer((incoming, outgoing) => {
    const instead = this.answer(incoming.url ?? "/");
    if (instead) {
      outgoing.writeHead(instead.status, { "content-type": "text/html", connection: "close" }).end(instead.body);
      return;
    }
    const forward = request(this.upstream + incoming.url, { method: incoming.method, headers: incoming.headers });
    forward.on("response", (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(outgoing);
    });
    forward.on("error", () => outgoing.destroy());
    incoming.pipe(forward);
  });

  private constructor() {}

  static async start(): Promise<Gateway> {
    const gateway = new Gateway();
    gateway.server.on("upgrade", (incoming: IncomingMessage, socket, head) => {
      if (gateway.answer(incoming.url ?? "/")) return socket.destroy();
      const { hostname, port } = new URL(gateway.upstream);
      const server = connect(Number(port), hostname, () => {
        const headers = incoming.rawHeaders.flatMap((name, i, all) => (i % 2 ? [] : [`${name}: ${all[i + 1]}\r\n`]));
        server.write(`GET ${incoming.url} HTTP/1.1\r\n${headers.join("")}\r\n`);
        server.write(head);
        server.pipe(socket).pipe(server);
      });
      for (const [one, other] of [[socket, server] as const, [server, socket] as const]) {
        one.on("error", () => other.destroy()).on("close", () => other.destroy());
      }
      gateway.sockets.add(socket);
    });
    await new Promise<void>((resolve) => gateway.server.listen(0, "127.0.0.1", resolve));
    return gateway;
  }

  private readonly sockets = new Set<{ destroy(): void }>();

  get url(): string {
    const address = this.server.address();
    return typeof address === "object" && address ? `http://127.0.0.1:${address.port}` : "";
  }

  /** Answers everything with this, and cuts all sockets. */
  replace(answer: Answer): void {
    this.answer = () => answer;
    this.sockets.forEach((socket) => socket.destroy());
    this.sockets.clear();
  }

  stop(): void {
    this.sockets.forEach((socket) => socket.destroy());
    this.server.closeAllConnections();
    this.server.close();
  }
}
