import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import type { BotMessage, OpenTestPlatform, TestChat, TestPlatform } from "../../support/platforms/test-platform.ts";
import { until } from "../../support/until.ts";
import { ChatServer, longText, newest, told } from "./chat-server.ts";

const burst = ["one", "two", "three", "four", "five"];

/** What holds on every platform: the real server and the real gateway against a platform of the test's own. */
export function platformScenarios(name: string, open: OpenTestPlatform): void {
  describe(`a conversation over ${name}`, () => {
    const cleanups: (() => Promise<void> | void)[] = [];
    const scope = { after: (cleanup: () => Promise<void> | void): void => void cleanups.push(cleanup) };
    let platform: TestPlatform;
    let other: TestPlatform;
    let server: ChatServer;
    let bursting: TestChat;
    let nextUser = 7_001;
    const newUser = (): string => String(nextUser++);

    before(async () => {
      [platform, other] = await Promise.all([open(scope), open(scope)]);
      bursting = platform.dm("6001");
      const second = { ...other, gateway: { ...other.gateway, name: `${other.gateway.name}-other` } };
      server = await ChatServer.start(scope, [platform, second], { patientChats: [bursting.id] });
    });
    after(async () => {
      for (const cleanup of cleanups) await cleanup();
    });

    describe("between people and an agent", { concurrency: 4 }, () => {
      it("answers a direct message", async () => {
        const user = newUser();
        const chat = platform.dm(user);
        await chat.say(user, "hello there");
        await chat.waitFor("an answer", says("heard hello there"));
      });

      it("answers in a group when it is mentioned, and knows what was said before", async () => {
        const [ada, bob] = [newUser(), newUser()];
        const chat = platform.group("friends", [ada, bob]);
        await chat.say(ada, "the cake is green");
        await chat.say(bob, "which colour?", { mention: true });
        const answer = await chat.waitFor("an answer", says("which colour?"));
        assert.deepEqual(chat.messages().map(idOf), [answer.id], "it answered nobody");
        const [request] = server.asked("which colour?");
        assert.ok(request && told(request).includes("the cake is green"));
      });

      it("answers an answer to its own message", async () => {
        const user = newUser();
        const chat = platform.group("answers", [user]);
        await chat.say(user, "first words", { mention: true });
        const first = await chat.waitFor("an answer", says("first words"));
        await chat.say(user, "second words", { replyTo: first.id });
        await chat.waitFor("another", says("second words"));
      });

      it("takes five messages in a row as one turn", async () => {
        for (const text of burst) await bursting.say("6001", `part ${text}`);
        await bursting.waitFor("an answer", says("part five"));
        const requests = server.asked("part five");
        assert.equal(requests.length, 1);
        assert.equal(server.asked("part one").length, 1);
        const [request] = requests;
        for (const text of burst) assert.ok(request && newest(request).includes(`part ${text}`));
      });

      it("says a long answer in parts, in order, and loses nothing", async () => {
        const user = newUser();
        const chat = platform.dm(user);
        const words = Math.ceil((platform.limit.max * 2.2) / 8);
        await chat.say(user, `long: ${words}`);
        await chat.waitFor("the end", says("The end."));
        const parts = chat.messages();
        assert.ok(parts.length > 1);
        for (const { raw } of parts) assert.ok(platform.limit.size(raw) <= platform.limit.max);
        assert.equal(readable(parts.map(({ text }) => text).join("\n")), readable(longText(words)));
      });

      it("asks with buttons, hears only who may decide, and shows what was decided", async () => {
        const [ada, bob] = [newUser(), newUser()];
        const chat = platform.group("deciders", [ada, bob]);
        await chat.say(ada, "run: echo $((40 + 2))", { mention: true });
        const question = await chat.waitFor("a question", ({ buttons }) => buttons.flat().includes("Allow once"));
        assert.match(question.text, /echo \$\(\(40 \+ 2\)\)/);
        assert.match((await chat.press(bob, question, "Allow once")) ?? "", /^Only .* may decide this/);
        assert.equal(chat.messages().some(says("It says:")), false);
        await chat.press(ada, question, "Allow once");
        await chat.waitFor("the answer", says("It says: 42"));
        const closed = await chat.waitFor("the outcome", ({ id, edits }) => id === question.id && edits > 0);
        assert.match(closed.text, /Allowed once/);
        assert.deepEqual(closed.buttons, []);
      });

      it("starts anew after /reset and says what it is doing and can do", async () => {
        const user = newUser();
        const chat = platform.dm(user);
        await chat.say(user, "remember the elephant");
        await chat.waitFor("an answer", says("heard remember"));
        await chat.say(user, "/status");
        await chat.waitFor("the status", says("Session: "));
        await chat.say(user, "/help");
        await chat.waitFor("help", says("/cancel"));
        await chat.say(user, "/reset");
        await chat.waitFor("that it is done", says("Started anew"));
        await chat.say(user, "what was it?");
        await chat.waitFor("an answer", says("heard what was it?"));
        const [request] = server.asked("what was it?");
        assert.ok(request && !told(request).includes("elephant"));
      });

      it("answers where it was asked: the message, and its thread", async () => {
        const user = newUser();
        const chat = platform.group("threads", [user]);
        const plain = await chat.say(user, "out in the open", { mention: true });
        const answer = await chat.waitFor("an answer", says("out in the open"));
        assert.equal(answer.replyTo ?? answer.threadId, plain);
        await chat.say(user, "inside", { mention: true, threadId: plain });
        assert.equal((await chat.waitFor("an answer", says("inside"))).threadId, plain);
      });

      it("takes a message that is delivered again as the one it was", async () => {
        const user = newUser();
        const chat = platform.dm(user);
        await chat.say(user, "only once");
        await chat.waitFor("an answer", says("heard only once"));
        if (!(await platform.redeliver())) return;
        await chat.say(user, "and then");
        await chat.waitFor("an answer", says("heard and then"));
        assert.equal(server.asked("only once").length, 1);
      });
    });

    describe("through trouble", () => {
      it("shows that it works", async () => {
        const user = newUser();
        const chat = platform.dm(user);
        const held = server.provider.reply({ chunks: ["done"], held: true });
        await chat.say(user, "think");
        await held.arrived;
        if (platform.name !== "slack") await until("it types", () => chat.typings > 0);
        held.release();
        await chat.waitFor("an answer", says("done"));
      });

      it("waits as long as the platform wants and then says it once", async () => {
        const user = newUser();
        const chat = platform.dm(user);
        const before = platform.calls.length;
        platform.rateLimitNext(1);
        await chat.say(user, "not so fast");
        await chat.waitFor("an answer", says("heard not so fast"));
        assert.ok(platform.calls.slice(before).some(({ status }) => status === 429));
        assert.equal(chat.messages().length, 1);
      });

      it("says again what it can not know to have been taken", async () => {
        const user = newUser();
        const chat = platform.dm(user);
        platform.cutNext();
        await chat.say(user, "half a call");
        await chat.waitFor("an answer", says("heard half a call"));
        await server.delivered("heard half a call");
        const { length: times } = chat.messages();
        assert.ok(times === 1 || times === 2, `it came ${times} times`);
      });

      it("goes on after its connections were cut", async () => {
        const user = newUser();
        const chat = platform.dm(user);
        platform.dropConnections();
        await chat.say(user, "still there?");
        await chat.waitFor("an answer", says("heard still there?"));
        assert.equal(server.asked("still there?").length, 1);
      });

      it("keeps its answer while the platform is away, and another gateway is not disturbed", async () => {
        const [user, neighbour] = [newUser(), newUser()];
        const chat = platform.dm(user);
        const held = server.provider.reply({ chunks: ["late but there"], held: true });
        await chat.say(user, "take your time");
        await held.arrived;
        platform.setReachable(false);
        try {
          held.release();
          const undisturbed = other.dm(neighbour);
          await undisturbed.say(neighbour, "hello neighbour");
          await undisturbed.waitFor("an answer", says("heard hello neighbour"));
          await until("the answer is in the log", async () =>
            (await server.events()).some(
              (event) => event.type === "gateway_send" && event.content === "late but there",
            ),
          );
        } finally {
          platform.setReachable(true);
        }
        await chat.waitFor("the answer", says("late but there"));
        assert.equal(chat.messages().length, 1);
      });

      it("goes on after kill -9 of its gateway and of the server, with the question that waits", async () => {
        const [user, asker] = [newUser(), newUser()];
        const [chat, asking] = [platform.dm(user), platform.dm(asker)];
        await asking.say(asker, "run: echo kept");
        await chat.say(user, "I am called Ada");
        await server.delivered("heard I am called Ada");
        await server.killGateway(platform.gateway.name);
        await chat.say(user, "what is my name?");
        await server.delivered("heard what is my name?");
        const question = await asking.waitFor("a question", ({ buttons }) => buttons.length > 0);
        await server.delivered(await server.sent("echo kept"));
        await server.restart();

        await chat.say(user, "once more?");
        await chat.waitFor("an answer", says("heard once more?"));
        const [request] = server.asked("once more?");
        assert.ok(request && /I am called Ada[^]*what is my name/.test(told(request)));
        assert.equal(chat.messages().length, 3);
        await asking.press(asker, question, "Allow once");
        await asking.waitFor("the answer", says("It says: kept"));
        await asking.waitFor(
          "the outcome",
          ({ id, edits, buttons }) => id === question.id && edits > 0 && buttons.length === 0,
        );
      });

      it("has asked nothing of the platform that it would refuse", () => {
        assert.deepEqual([...platform.violations, ...other.violations], []);
      });
    });
  });
}

function says(text: string): (message: BotMessage) => boolean {
  return (message) => message.text.includes(text);
}

function idOf({ id }: BotMessage): string {
  return id;
}

/** Without blanks and marks, which a cut and a platform may change. */
function readable(text: string): string {
  return text.replaceAll(/```text|[\s*`]/g, "");
}
