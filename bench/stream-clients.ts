import { request } from "node:http";

// Clients that follow sessions, in a process of their own: `URL COUNT ID,ID,…`. Says `ready` once all of them are, and
// answers `count` with the frames that came since it was asked last.

const [url = "", count = "0", list = ""] = process.argv.slice(2);
const ids = list.split(",");
const atOnce = 200;
let frames = 0;

async function connect(id: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const path = url.includes("/raw") ? url : `${url}/api/v1/sessions/${id}/events?after=now`;
    const outgoing = request(path, { headers: { accept: "text/event-stream" }, agent: false }, (response) => {
      if (response.statusCode !== 200) return reject(new Error(`answered ${response.statusCode}`));
      let ready = false;
      response.on("data", (chunk: Buffer) => {
        if (!ready && chunk.includes("event: ready")) {
          ready = true;
          resolve();
          return;
        }
        for (let at = chunk.indexOf("\n\n"); at !== -1; at = chunk.indexOf("\n\n", at + 2)) frames += 1;
      });
    });
    outgoing.on("error", reject);
    outgoing.end();
  });
}

for (let n = 0; n < Number(count); n += atOnce) {
  const some = Array.from(
    { length: Math.min(atOnce, Number(count) - n) },
    (_, index) => ids[(n + index) % ids.length] ?? "",
  );
  await Promise.all(some.map(connect));
}
process.on("message", () => {
  process.send?.({ frames });
});
process.on("SIGTERM", () => process.exit(0));
process.on("disconnect", () => process.exit(0));
process.send?.("ready");
