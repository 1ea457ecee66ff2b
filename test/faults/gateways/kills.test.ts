import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";

import type { SessionEvent } from "../../../src/schema/session-event.ts";
import { ChatServer, longText } from "../../scenarios/gateways/chat-server.ts";
import { ask } from "../../support/http-harness.ts";
import type { BotApi } from "../../support/platforms/telegram/bot-api.ts";
import { openBotApi, telegramPlatform } from "../../support/platforms/telegram/open.ts";
import { until } from "../../support/until.ts";

/** Each has a server and a platform of its own, so that 20 kills take the time of 5. */
const lanes = [0, 1, 2, 3];
const killsOfLane = [0, 1, 2, 3, 4];
/** Longer than one message, so that there is a moment between two parts. */
const words = 700;

type Lane = { readonly api: BotApi; readonly server: ChatServer };

async function openLane(t: TestContext): Promise<Lane> {
  const api = await openBotApi(t);
  return { api, server: await ChatServer.start(t, [telegramPlatform(api)]) };
}

describe("a Telegram gateway that is killed", { concurrency: true }, () => {
  for (const lane of lanes) {
    it(`sends every answer, twice only what was cut in the platform's call (${lane + 1} of ${lanes.length})`, async (t) => {
      const { api, server } = await openLane(t);
      for (const kill of killsOfLane) {
        const user = String(1_000 + kill);
        const chat = api.world.dm(user);
        const moment = moments[(lane + kill) % moments.length] ?? moments[0];
        const reached = moment.reach(api);
        api.world.said(chat, user, { text: `long: ${words}` });
        await reached;
        await server.killGateway("telegram");
        moment.leave(api);
        await ask(server.server.place, { method: "POST", path: "/api/v1/admin/gateways/telegram/restart" });
        await until("it is known to be delivered", async () => (await deliveries(server)) === kill + 1, 30_000);
        const parts = chat.messages.filter(({ isBots }) => isBots).map(({ text }) => text);
        const repeated = parts.filter((text, index) => parts.indexOf(text) !== index);
        assert.equal(repeated.length, moment.repeats, `${moment.name}: ${repeated.length} parts came twice`);
        const once = parts.filter((text, index) => parts.indexOf(text) === index);
        assert.equal(readable(once.join("\n")), readable(longText(words)), moment.name);
      }
      assert.deepEqual(api.violations, []);
    });
  }
});

describe("a server that is killed between a message and its answer", { concurrency: true }, () => {
  for (const lane of lanes) {
    it(`has answered each message once in its log (${lane + 1} of ${lanes.length})`, async (t) => {
      const { api, server } = await openLane(t);
      for (const kill of killsOfLane) {
        const user = String(2_000 + kill);
        const moment = serverMoments[(lane + kill) % serverMoments.length] ?? serverMoments[0];
        const reached = moment(api, server, user);
        api.world.said(api.world.dm(user), user, { text: `question ${user}` });
        await reached;
        await server.restart();
      }
      api.beforeCall = () => undefined;
      for (const kill of killsOfLane) {
        const { messages } = api.world.dm(String(2_000 + kill));
        await until(
          `the answer to ${kill}`,
          () => messages.some(({ isBots, text }) => isBots && text.includes("heard")),
          30_000,
        );
      }
      const events = await server.events();
      for (const kill of killsOfLane) {
        const said = `question ${2_000 + kill}`;
        assert.equal(count(events, "user_message", said), 1);
        assert.equal(count(events, "assistant_response", `heard ${said}`), 1);
      }
    });
  }
});

describe("a message that Telegram delivers again", () => {
  it("is one event, be it 100 times, and none after a restart, a reset or its session's deletion", async (t) => {
    const { api, server } = await openLane(t);
    const chat = api.world.dm("42");
    const { wire } = api.world.said(chat, "42", { text: "just this once" });
    for (let times = 1; times < 100; times += 1) api.world.update("message", wire);
    api.world.said(chat, "42", { text: "the last" });
    await until(
      "the last is answered",
      () => chat.messages.some(({ isBots, text }) => isBots && text.includes("the last")),
      30_000,
    );
    assert.equal(count(await server.events(), "user_message", "just this once"), 1);

    const asOften = async (after: string): Promise<void> => {
      api.world.update("message", wire);
      api.world.said(chat, "42", { text: after });
      await until(
        `it goes on ${after}`,
        () => chat.messages.some(({ isBots, text }) => isBots && text.includes(after)),
        30_000,
      );
      const told = chat.messages.filter(({ isBots, text }) => isBots && text.includes("just this once"));
      assert.equal(told.length, 1, after);
    };
    const heldTimes = async (): Promise<number> => count(await server.events(), "user_message", "just this once");
    await server.restart();
    await asOften("after a restart");
    assert.equal(await heldTimes(), 1);
    const [session] = (await ask(server.server.place, { path: "/api/v1/sessions" })).json.sessions;

    api.world.said(chat, "42", { text: "/reset" });
    await asOften("after a new beginning");
    assert.equal(await heldTimes(), 1);

    const path = `/api/v1/sessions/${session.session_id}`;
    const { status, text } = await ask(server.server.place, { method: "DELETE", path });
    assert.ok(status < 300, text);
    await server.restart();
    await asOften("after its session was deleted");
    assert.equal(await heldTimes(), 0);
  });
});

/** When the gateway is killed, and how many parts come twice then. */
type Moment = {
  readonly name: string;
  readonly repeats: number;
  reach(api: BotApi): Promise<void>;
  leave(api: BotApi): void;
};

const moments: readonly [Moment, ...Moment[]] = [
  held("before the first part is taken", { at: "beforeCall", call: 1, repeats: 0 }),
  held("after the first part was taken, before it is told so", { at: "beforeAnswer", call: 1, repeats: 1 }),
  held("between the first part and the second", { at: "beforeCall", call: 2, repeats: 0 }),
  held("after the second part was taken, before it is told so", { at: "beforeAnswer", call: 2, repeats: 1 }),
];

function held(
  name: string,
  { at, call, repeats }: { at: "beforeCall" | "beforeAnswer"; call: number; repeats: number },
): Moment {
  return {
    name,
    repeats,
    reach: (api) =>
      new Promise((resolve) => {
        let calls = 0;
        api[at] = (method) => {
          if (method !== "sendMessage") return undefined;
          calls += 1;
          if (calls !== call) return undefined;
          resolve();
          // Its answer never comes: whoever asked is killed meanwhile.
          return new Promise(() => undefined);
        };
      }),
    leave: (api) => void (api[at] = () => undefined),
  };
}

type ServerMoment = (api: BotApi, server: ChatServer, user: string) => Promise<void>;

const serverMoments: readonly [ServerMoment, ...ServerMoment[]] = [
  // While the message is being taken in.
  async (api) => {
    await new Promise((resolve) => api.world.once("update", () => resolve(undefined)));
  },
  // While the model answers.
  async (_, server, user) => {
    const before = server.provider.requests.length;
    await until(`the model is asked for ${user}`, () => server.provider.requests.length > before, 30_000);
  },
  // While the answer goes out.
  (api) =>
    new Promise((resolve) => {
      api.beforeCall = (method) => {
        if (method !== "sendMessage") return;
        api.beforeCall = () => undefined;
        resolve();
      };
    }),
];

async function deliveries(server: ChatServer): Promise<number> {
  return (await server.events()).filter((event) => event.type === "gateway_delivery" && event.status === "sent").length;
}

function count(events: readonly SessionEvent[], type: "user_message" | "assistant_response", text: string): number {
  return events.filter((event) => event.type === type && event.content === text).length;
}

function readable(text: string): string {
  return text.replaceAll(/```text|[\s*`]/g, "");
}
