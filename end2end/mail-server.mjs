// A real mail server for tests: it takes every mail for every address, and tells over HTTP what came.
//   node mail-server.mjs SMTP_PORT HTTP_PORT
//
//   GET  /mails?to=ada@example.org     the mails for an address, the oldest first
//   GET  /attempts?to=ada@example.org  the same with those that were not taken, each with its `answer`
//   PUT  /answers?to=ada@example.org   how its next mails are answered before they are taken, as a list in JSON: an answer
//                                      of SMTP such as "451 4.3.0 Not now", "hang" for none at all, or "slow", which
//                                      takes the mail after a second
//
// Whoever logs in must be "anonchat" with the password "secret". STARTTLS is offered, by a certificate nobody vouches for.
import { createServer } from "node:http";
import { buffer, json } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import PostalMime from "postal-mime";
import { SMTPServer } from "smtp-server";

const [smtpPort, httpPort] = process.argv.slice(2).map(Number);
const HOST = "127.0.0.1";
/** By address, in lower case. */
const attempts = new Map();
const answers = new Map();

/** Reads a mail, notes it, and says how it is answered; `undefined` takes it. */
async function receive(stream, { envelope, secure, user }) {
  const raw = await buffer(stream);
  const { subject, text, html, headers, messageId, date } = await PostalMime.parse(raw);
  const to = envelope.rcptTo.map(({ address }) => address.toLowerCase());
  const next = answers.get(to[0])?.shift();
  const answer = next === "slow" ? undefined : next;
  const mail = { from: envelope.mailFrom.address, to, subject, text, html, messageId, date, secure, user, answer };
  const fields = Object.fromEntries(headers.map(({ key, value }) => [key, value]));
  for (const address of to) {
    attempts.set(address, [...(attempts.get(address) ?? []), { ...mail, headers: fields, raw: raw.toString() }]);
  }
  if (next === "slow") await pause(1_000);
  return answer;
}

const smtp = new SMTPServer({
  authOptional: true,
  allowInsecureAuth: true,
  onAuth({ username, password }, _session, done) {
    if (username === "anonchat" && password === "secret") return done(null, { user: username });
    done(Object.assign(new Error("5.7.8 Wrong user or password"), { responseCode: 535 }));
  },
  onData(stream, session, done) {
    receive(stream, session).then((answer) => {
      if (answer === "hang") return;
      if (!answer) return done(null, "2.0.0 Taken");
      const [, responseCode, text] = /^(\d{3}) (.*)$/.exec(answer);
      done(Object.assign(new Error(text), { responseCode: Number(responseCode) }));
    }, done);
  },
});
// A client that is killed in the middle is nothing to die of.
smtp.on("error", (error) => console.error(`smtp: ${error.message}`));

const http = createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url, `http://${HOST}`);
  const to = searchParams.get("to")?.toLowerCase() ?? "";
  const found = attempts.get(to) ?? [];
  let body;
  if (pathname === "/mails") body = found.filter(({ answer }) => !answer);
  else if (pathname === "/attempts") body = found;
  else if (pathname === "/answers" && request.method === "PUT") answers.set(to, (body = await json(request)));
  response.writeHead(body ? 200 : 404, { "content-type": "application/json" }).end(JSON.stringify(body ?? null));
});

smtp.listen(smtpPort, HOST, () => http.listen(httpPort, HOST));
