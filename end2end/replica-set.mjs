// Makes a freshly started mongod the only member of the replica set rs0, and returns when it can be written to.
//   node replica-set.mjs 127.0.0.1:27017
import { setTimeout as pause } from "node:timers/promises";
import { MongoClient } from "mongodb";

const [host] = process.argv.slice(2);
const deadline = Date.now() + 60_000;
// The driver waits for the server to answer at all.
const client = new MongoClient(`mongodb://${host}/?directConnection=true`, { serverSelectionTimeoutMS: 30_000 });
try {
  const admin = client.db("admin");
  await admin.command({ replSetInitiate: { _id: "rs0", members: [{ _id: 0, host }] } });
  while (!(await admin.command({ hello: 1 })).isWritablePrimary) {
    if (Date.now() > deadline) throw new Error("no primary was elected within a minute");
    await pause(50);
  }
} catch (error) {
  console.error(`replica-set: ${error.message}`);
  process.exitCode = 1;
} finally {
  await client.close();
}
