import assert from "node:assert/strict";
import { test } from "node:test";

import { acknowledge, acknowledged, drive } from "./driven-slack.ts";

test("what the core does not take in time is acknowledged before Slack brings it again, and that is said", async (t) => {
  const { platform, program } = await drive(t);
  const chat = platform.dm("U1");
  const ts = await chat.say("U1", "slow");
  const heard = await program.heard("message_received", { message_id: ts });
  // Slack would bring it a second time after 3 s: then there would be two attempts.
  await acknowledged(platform, ts);
  assert.match(program.log, new RegExp(`${ts.replace(".", "\\.")} of ${chat.id} was not durable after 2500 ms`));
  acknowledge(program, heard);
  await platform.redeliver();
  await acknowledged(platform, ts, 2);
  assert.equal(program.of("message_received").length, 1);
});

test("what the core has not taken when the gateway is killed is brought again to the next one", async (t) => {
  const driven = await drive(t);
  const { platform } = driven;
  const chat = platform.dm("U1");
  const ts = await chat.say("U1", "not yet");
  await driven.program.heard("message_received", { message_id: ts });
  await driven.again();
  acknowledge(driven.program, await driven.program.heard("message_received", { message_id: ts }));
  await acknowledged(platform, ts);
});
