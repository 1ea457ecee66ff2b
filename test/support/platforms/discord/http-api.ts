import type { IncomingMessage, ServerResponse } from "node:http";

import { channelPayload, guildPayload, messagePayload, userPayload } from "./payloads.ts";
import * as refusals from "./refusals.ts";
import { Refusal, type MessageBody } from "./refusals.ts";
import { messageTypes, type Channel, type DiscordWorld, type Message, type Row } from "./world.ts";

type File = { name: string; size: number; type: string };
type Call = { path: string[]; body: Record<string, unknown>; files: File[] };
type Answer = { status: number; body?: unknown };
type Route = { pattern: RegExp; name: string; withToken: boolean; answer(call: Call): Answer };

/** How long an interaction may be answered, and its follow-ups. */
const interactionMs = { answer: 3_000, followUp: 15 * 60_000 };

/** The part of Discord's HTTP API v10 that a chat bot needs. https://discord.com/developers/docs/reference */
export class HttpApi {
  readonly violations: string[] = [];
  readonly calls: { method: string; status: number }[] = [];
  rateLimitNextSeconds: number | undefined;
  cutNext = false;
  refuseNext: Refusal | undefined;
  readonly #world: DiscordWorld;
  readonly #gatewayUrl: () => string;
  readonly #routes: Route[];

  constructor(world: DiscordWorld, gatewayUrl: () => string) {
    this.#world = world;
    this.#gatewayUrl = gatewayUrl;
    const route = (pattern: RegExp, name: string, answer: Route["answer"], withToken = true): Route => {
      return { pattern, name, withToken, answer };
    };
    this.#routes = [
      route(/^GET \/gateway\/bot$/, "gateway", () => this.#gatewayBot()),
      route(/^GET \/users\/@me$/, "me", () => ({ status: 200, body: userPayload(world.bot) })),
      route(/^POST \/users\/@me\/channels$/, "openDm", (call) => this.#openDm(call)),
      route(/^GET \/guilds\/(\d+)\/(roles|channels|threads\/active)$/, "guild", (call) => this.#guild(call)),
      route(/^POST \/channels\/(\d+)\/messages$/, "createMessage", (call) => this.#createMessage(call)),
      route(/^PATCH \/channels\/(\d+)\/messages\/(\d+)$/, "editMessage", (call) => this.#editMessage(call)),
      route(/^DELETE \/channels\/(\d+)\/messages\/(\d+)$/, "deleteMessage", (call) => this.#deleteMessage(call)),
      route(/^POST \/channels\/(\d+)\/typing$/, "typing", (call) => this.#type(call)),
      route(/^POST \/interactions\/(\d+)\/([^/]+)\/callback$/, "interaction", (call) => this.#respond(call), false),
      route(/^POST \/webhooks\/(\d+)\/([^/]+)$/, "followUp", (call) => this.#followUp(call), false),
    ];
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? "/", "http://discord");
    const line = `${request.method} ${decodeURIComponent(pathname).replace(/^\/api\/v10/, "")}`;
    const route = pathname.startsWith("/api/v10/") && this.#routes.find(({ pattern }) => pattern.test(line));
    const content = await bodyOf(request);
    let answer: Answer & { headers?: Record<string, string> };
    try {
      if (!route) throw refusals.unknownRoute();
      if (route.withToken && request.headers.authorization !== `Bot ${this.#world.token}`)
        throw refusals.unauthorized();
      if (route.name === "createMessage" && this.rateLimitNextSeconds !== undefined) {
        const seconds = this.rateLimitNextSeconds;
        this.rateLimitNextSeconds = undefined;
        throw refusals.rateLimited(seconds);
      }
      if (route.name === "createMessage" && this.refuseNext) {
        const refusal = this.refuseNext;
        this.refuseNext = undefined;
        throw refusal;
      }
      const [, ...path] = route.pattern.exec(line) ?? [];
      answer = route.answer({ path, ...content });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      answer = error;
      // A thing that is gone and a wait are everyday; the rest nobody should ask for.
      if ((error.status === 400 && !error.isEveryday) || (error.status === 404 && !route) || error.body.code === 10_062)
        this.violations.push(`${line}: ${JSON.stringify(error.body)}`);
    }
    const name = route ? route.name : line;
    if (name.endsWith("Message")) this.calls.push({ method: name, status: answer.status });
    if (name === "createMessage" && answer.status === 200 && this.cutNext) {
      this.cutNext = false;
      request.socket.destroy();
      return;
    }
    const type = answer.body === undefined ? {} : { "Content-Type": "application/json" };
    response.writeHead(answer.status, { ...type, ...answer.headers });
    response.end(answer.body === undefined ? undefined : JSON.stringify(answer.body));
  }

  #gatewayBot(): Answer {
    const limit = { total: 1_000, remaining: 999, reset_after: 14_400_000, max_concurrency: 1 };
    return { status: 200, body: { url: this.#gatewayUrl(), shards: 1, session_start_limit: limit } };
  }

  #guild({ path: [guildId = "", what = ""] }: Call): Answer {
    const guild = this.#world.guilds.get(guildId);
    if (!guild) throw refusals.unknownGuild();
    const { roles, channels, threads } = guildPayload(this.#world, guild);
    const parts: Record<string, unknown> = { roles, channels, "threads/active": { threads, members: [] } };
    return { status: 200, body: parts[what] };
  }

  #openDm({ body }: Call): Answer {
    const world = this.#world;
    const user = String(body.recipient_id);
    if (!world.users.has(user) || user === world.bot.id) throw refusals.invalidRecipient();
    const channel = [...world.channels.values()].findLast(({ recipientId }) => recipientId === user);
    return { status: 200, body: channelPayload(channel ?? world.openDm(user)) };
  }

  #createMessage({ path: [channelId = ""], body, files }: Call): Answer {
    const world = this.#world;
    const channel = this.#channel(channelId);
    refusals.checkMessage(world, channelId, body, files.length);
    const { content = "", nonce, enforce_nonce, components, message_reference: reference, flags } = body as MessageBody;
    const same = [...world.messages.values()].find(
      (message) => enforce_nonce === true && message.nonce === nonce && message.author.id === world.bot.id,
    );
    if (same) return { status: 200, body: messagePayload(world, same) };
    const replyTo = String(reference?.message_id);
    const message = world.addMessage({
      channelId,
      author: world.bot,
      type: world.messages.has(replyTo) ? messageTypes.reply : messageTypes.default,
      // What stands around a text is taken away.
      content: String(content).trim(),
      components: (components as Row[] | undefined) ?? [],
      attachments: files.map(({ name, size, type }) => {
        return {
          id: world.snowflake(),
          filename: name,
          size,
          content_type: type,
          url: `https://cdn.discord.test/${name}`,
        };
      }),
      flags: Number(flags ?? 0),
      ...(world.messages.has(replyTo) && { replyTo }),
      ...(nonce !== undefined && { nonce: String(nonce) }),
      pings: pingsOf(body, replyTo === "undefined" ? undefined : world.messages.get(replyTo)),
      extras: {},
    });
    this.#tell("MESSAGE_CREATE", channel, messagePayload(world, message));
    return { status: 200, body: messagePayload(world, message) };
  }

  #editMessage({ path: [channelId = "", messageId = ""], body }: Call): Answer {
    const channel = this.#channel(channelId);
    const message = this.#own(channelId, messageId);
    refusals.checkMessage(this.#world, channelId, { content: message.content, ...body }, message.attachments.length);
    if (body.content !== undefined) message.content = String(body.content).trim();
    if (body.components !== undefined) message.components = body.components as Row[];
    message.edits += 1;
    this.#world.changed(message);
    this.#tell("MESSAGE_UPDATE", channel, messagePayload(this.#world, message));
    return { status: 200, body: messagePayload(this.#world, message) };
  }

  #deleteMessage({ path: [channelId = "", messageId = ""] }: Call): Answer {
    const channel = this.#channel(channelId);
    const message = this.#own(channelId, messageId);
    this.#world.messages.delete(message.id);
    this.#tell("MESSAGE_DELETE", channel, { id: message.id, channel_id: channelId });
    return { status: 204 };
  }

  #type({ path: [channelId = ""] }: Call): Answer {
    this.#channel(channelId);
    this.#world.typed(channelId);
    return { status: 204 };
  }

  #respond({ path: [id = "", token], body }: Call): Answer {
    const interaction = this.#world.interactions.get(id);
    const nowMs = performance.now();
    if (!interaction || interaction.token !== token) throw refusals.unknownInteraction();
    if (interaction.answeredAtMs !== undefined) throw refusals.answeredInteraction();
    if (nowMs - interaction.atMs > interactionMs.answer) throw refusals.unknownInteraction();
    if (![4, 5, 6, 7].includes(Number(body.type)))
      throw new Refusal(400, 50_035, "Invalid Form Body", {
        errors: { type: { _errors: [{ code: "BASE_TYPE_CHOICES" }] } },
      });
    interaction.answeredAtMs = nowMs;
    return { status: 204 };
  }

  #followUp({ path: [applicationId, token], body }: Call): Answer {
    const interaction = [...this.#world.interactions.values()].find((it) => it.token === token);
    if (applicationId !== this.#world.applicationId || !interaction) throw refusals.unknownWebhook();
    if (interaction.answeredAtMs === undefined) throw refusals.unknownWebhook();
    if (performance.now() - interaction.atMs > interactionMs.followUp) throw refusals.invalidWebhookToken();
    const { flags, ...message } = body;
    refusals.checkMessage(this.#world, "", message, 0);
    const id = this.#world.snowflake();
    // 64: shown to nobody but the presser.
    if ((Number(flags ?? 0) & 64) === 0)
      throw new Refusal(400, 0, "this test expects only what the presser alone sees");
    interaction.followedUp(String(message.content));
    return { status: 200, body: { id, content: message.content, flags: 64 } };
  }

  #channel(channelId: string): Channel {
    const channel = this.#world.channels.get(channelId);
    if (!channel) throw refusals.unknownChannel();
    return channel;
  }

  #own(channelId: string, messageId: string): Message {
    const message = this.#world.messages.get(messageId);
    if (message?.channelId !== channelId) throw refusals.unknownMessage();
    if (message.author.id !== this.#world.bot.id)
      throw new Refusal(403, 50_005, "Cannot edit a message authored by another user");
    return message;
  }

  #tell(t: string, { guildId }: Channel, d: Record<string, unknown>): void {
    this.#world.tell({ t, d, ...(guildId !== undefined && { guildId }) });
  }
}

/** Whom the message notifies: without `allowed_mentions` everyone it names. */
function pingsOf(body: MessageBody, replied: Message | undefined): string[] {
  const allowed = body.allowed_mentions;
  const parse = allowed ? (Array.isArray(allowed.parse) ? allowed.parse : []) : ["everyone", "users", "roles"];
  const text = String(body.content ?? "");
  return [
    ...(parse.includes("everyone") && /@(?:everyone|here)/.test(text) ? ["everyone"] : []),
    ...(parse.includes("users") ? [...text.matchAll(/<@!?(\w+)>/g)].map(([, id = ""]) => id) : []),
    ...(parse.includes("roles") ? [...text.matchAll(/<@&(\w+)>/g)].map(([, id = ""]) => id) : []),
    ...(replied && (allowed ? allowed.replied_user === true : true) ? [replied.author.id] : []),
  ];
}

async function bodyOf(request: IncomingMessage): Promise<Omit<Call, "path">> {
  const bytes = Buffer.concat(await request.toArray());
  const type = request.headers["content-type"] ?? "";
  if (bytes.length === 0) return { body: {}, files: [] };
  if (!type.startsWith("multipart/")) return { body: JSON.parse(bytes.toString()), files: [] };
  // oxlint-disable-next-line typescript/no-deprecated -- it is slow with large uploads only; here there are none
  const form = await new Response(bytes, { headers: { "content-type": type } }).formData();
  const files = [...form.values()].filter((value) => typeof value !== "string");
  return { body: JSON.parse(String(form.get("payload_json") ?? "{}")), files };
}
