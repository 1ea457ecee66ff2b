import { parseSse } from "../../../src/client/sse-parser.ts";
import { ask, openRequest, type Question } from "../../support/http-harness.ts";
import type { Submission, Told } from "./ledger.ts";
import { Broken, type World } from "./world.ts";

/** Sends messages until the world is over; each until it is acknowledged, with one idempotency key. */
export async function runLoadClient(world: World, sessions: readonly string[]): Promise<void> {
  while (!world.isOver) {
    const sessionId = world.random() < 0.05 ? await createSession(world) : world.pick(sessions);
    await sendOne(world, sessionId);
  }
}

/** Makes a session, however often the server dies meanwhile. */
export async function createSession(world: World, agent = "echo"): Promise<string> {
  const key = world.name("create");
  const sessionId = await world.persist(async (place) => {
    const question = { path: "/api/v1/sessions", json: { agent }, headers: { "idempotency-key": key } };
    const { status, json, text } = await ask(place, question);
    if (status !== 201) world.ledger.fault("unexpected", `create: ${status} ${text}`);
    return String(json.session_id);
  });
  world.ledger.created.set(key, sessionId);
  return sessionId;
}

const ways = { wait: askAndWait, detach: askAndLeave, stream: askAndListen };

/** Sends one message in some way and sometimes sends it again, which must change nothing. */
export async function sendOne(
  world: World,
  sessionId: string,
  way = world.pick(["wait", "detach", "stream"] as const),
): Promise<void> {
  const key = world.name("message");
  const delivery = world.pick(["steer", "queue"] as const);
  const submission: Submission = { sessionId, key, content: `${key} in words`, delivery, told: [] };
  world.ledger.submit(submission);
  const send = (): Promise<Told | null> => world.persist((place) => ways[way](world, place, submission));
  const told = await send();
  if (told) submission.told.push(told);
  if (told === null || world.random() > 0.2) return;
  const again = await send();
  if (again) submission.told.push(again);
  if (again && idOf(again) !== idOf(told)) {
    world.ledger.fault("duplicated", `${key}: ${JSON.stringify(told)}, and again: ${JSON.stringify(again)}`);
  }
}

const idOf = (told: Told): string => (told.kind === "accepted" ? told.messageId : told.responseId);

type Place = { port: number };

function question({ sessionId, key, content, delivery }: Submission, rest: string): Question {
  return {
    path: `/api/v1/sessions/${sessionId}/${rest}`,
    json: { content, delivery },
    headers: { "idempotency-key": key },
  };
}

async function askAndWait(world: World, place: Place, submission: Submission): Promise<Told | null> {
  const { status, json, text } = await ask(place, question(submission, "messages"));
  if (status === 200)
    return { kind: "answered", responseId: json.message_id, content: json.content, turnId: json.turn_id };
  if (json?.error_code === "repeated-crash") return givenUp(world);
  world.ledger.fault("unexpected", `${submission.key}: ${status} ${text}`);
  return null;
}

/** The server died three times over this message's turn: it has ended, and the client was told so. */
export function givenUp(world: World): null {
  world.ledger.givenUp += 1;
  return null;
}

async function askAndLeave(world: World, place: Place, submission: Submission): Promise<Told | null> {
  const asked = question(submission, "messages");
  const { status, json, text } = await ask(place, { ...asked, headers: { ...asked.headers, prefer: "respond-async" } });
  if (status === 202) return { kind: "accepted", messageId: json.message_id, seq: json.seq };
  world.ledger.fault("unexpected", `${submission.key}: ${status} ${text}`);
  return null;
}

async function askAndListen(world: World, place: Place, submission: Submission): Promise<Told | null> {
  const incoming = await openRequest(place, question(submission, "stream"));
  let text = "";
  for await (const item of parseSse(incoming)) {
    if (item?.event === "token") text += JSON.parse(item.data).content;
    if (item?.event === "done") return { kind: "streamed", responseId: JSON.parse(item.data).message_id, text };
    if (item?.event === "error" && /interrupted 3 times/.test(item.data)) return givenUp(world);
    if (item?.event === "error" || item?.event === "cancelled") {
      world.ledger.fault("unexpected", `${submission.key}: ${item.event} ${item.data}`);
      return null;
    }
  }
  throw new Broken(`the stream of ${submission.key} ended without its end`);
}
