import { ApiProblem } from "../../../client/api-problem.ts";
import type { Client } from "../../../client/client.ts";
import { ServerUnreachable } from "../../../client/transport.ts";
import { approvalIdSchema, sessionIdSchema, type SessionId } from "../../../schema/ids.ts";
import type { SessionLink } from "../conversation/session-link.ts";
import { CommandFailure, exitCodes } from "../exit.ts";
import type { ServerApi } from "./api.ts";
import { followLink } from "./follow-link.ts";
import { LostServer, type Revive } from "./lost-server.ts";
import { untilAnswered } from "./until-answered.ts";

const sessionsPageMax = 1000;

/** A refusal keeps the server's words; silence becomes exit code 69. */
async function asked<Answer>(address: string, request: Promise<Answer>): Promise<Answer> {
  try {
    return await request;
  } catch (error) {
    if (!(error instanceof ServerUnreachable)) throw error;
    throw new CommandFailure(exitCodes.unavailable, `the server at ${address} went away`, {
      hint: "`duragent doctor` checks everything; then try again",
      cause: error,
    });
  }
}

/** The problem of a turn that failed is shown by the session's stream, where everyone sees it. */
const isTurnsFailure = (error: unknown): boolean =>
  error instanceof ApiProblem && error.facts.extra?.["turn_id"] !== undefined;

function linkOf(client: Client, id: SessionId, revive: Revive | undefined): SessionLink {
  const server = new LostServer(revive);
  return {
    sessionId: id,
    items: (options) => followLink(client, id, { ...options, server }),
    async send(content, key, signal) {
      server.wanted();
      await untilAnswered(() => client.sendMessage(id, { content }, { idempotencyKey: key, signal }), {
        signal,
        isAnswer: isTurnsFailure,
      });
    },
    async decide({ approvalId, callId, command }, decision, reason) {
      const body = {
        call_id: callId,
        approval_id: approvalIdSchema.parse(approvalId),
        command,
        decision,
        ...(reason === undefined ? {} : { reason }),
      };
      server.wanted();
      const answered = await untilAnswered(() => client.approve(id, body), { isAnswer: isTurnsFailure });
      return answered?.not_kept === undefined ? {} : { notKept: answered.not_kept };
    },
    cancel: async () => void (await client.cancelSession(id)),
    end: async () => void (await client.endSession(id)),
  };
}

/** What the command line asks, in terms of the API's client. */
export function serverApi(client: Client, address: string, revive?: Revive): ServerApi {
  const ask = <Answer>(request: Promise<Answer>): Promise<Answer> => asked(address, request);
  const idOf = (text: string): SessionId => sessionIdSchema.parse(text);
  const report = <Body extends { session_id: string }>({ session_id: sessionId, ...body }: Body) => ({
    ...body,
    sessionId: idOf(sessionId),
  });
  return {
    address,
    agents: async () => (await ask(client.listAgents())).agents,
    exportAgent: (name) => ask(client.exportAgent(name)),
    importAgent: (archive) => ask(client.importAgent(archive)),
    agentSource: (name) => ask(client.getAgentSpec(name)),
    agentSkills: async (name) => (await ask(client.getAgent(name))).skills ?? [],
    artifacts: (agent, query) => ask(client.listArtifacts(agent, query)),
    artifact: (agent, name) => ask(client.getArtifact(agent, name)),
    putArtifact: (agent, name, content, options) => ask(client.putArtifact(agent, name, content, options)),
    memories: async (agent, query) => (await ask(client.queryMemory(agent, query))).memories,
    async *exportMemory(agent) {
      yield* await ask(client.exportMemory(agent));
    },
    sessions: async ({ status, agent, limit }) =>
      (
        await ask(
          client.listSessions({
            ...(status === undefined ? {} : { status }),
            ...(agent === undefined ? {} : { agent }),
            limit: Math.min(limit, sessionsPageMax),
          }),
        )
      ).sessions,
    createSession: (agent) => ask(client.createSession({ agent })),
    session: (id) => ask(client.getSession(idOf(id))),
    messages: async (id, limit) =>
      (await ask(client.listMessages(idOf(id), limit === undefined ? {} : { limit }))).messages,
    events: (id, after, limit) => ask(client.listEvents(idOf(id), { after, limit })),
    post: async (id, content) => void (await ask(client.postMessage(idOf(id), { content }))),
    link: (id) => linkOf(client, idOf(id), revive),
    end: (id) => ask(client.endSession(idOf(id))),
    delete: (id) => ask(client.deleteSession(idOf(id))),
    fork: (id, atSeq) => ask(client.forkSession(idOf(id), atSeq === undefined ? {} : { at_seq: atSeq })),
    async *export(id, format) {
      yield* await ask(client.exportSession(idOf(id), format));
    },
    verify: async (id) => report(await ask(client.verifySession(idOf(id)))),
    repair: async (id, options) => report(await ask(client.repairSession(idOf(id), options))),
    gateways: async () => (await ask(client.listGateways())).gateways,
    restartGateway: (name) => ask(client.restartGateway(name)),
    testGateway: (name, message) => ask(client.testGateway(name, message)),
    health: () => ask(client.health()),
    doctor: () => ask(client.doctor()),
    async answers() {
      try {
        await client.live();
        return true;
      } catch (error) {
        if (error instanceof ServerUnreachable) return false;
        throw error;
      }
    },
    reload: async () => (await ask(client.reload())).agents,
    shutdown: async () => void (await ask(client.shutdown())),
  };
}
