import {
  gatewayListSchema,
  gatewayPathSchema,
  gatewaySchema,
  gatewayTrialSchema,
  tryGatewaySchema,
} from "../../../schema/api/gateway.ts";
import { gatewayBody, tryGateway } from "../gateway-body.ts";
import { json } from "../reply.ts";
import { route } from "../route.ts";

/** Shorter than where it is started for the try: it may have been starting for long. */
const startingMs = 20_000;

/** The programs that join chat platforms. */
export const gateways = [
  route({
    method: "GET",
    path: "/api/v1/admin/gateways",
    id: "listGateways",
    summary: "Every configured chat gateway and how it is",
    responses: { 200: { description: "In the order of duragent.yaml", schema: gatewayListSchema } },
    handle: ({ surface }) => json(200, { gateways: surface.gateways.list().map(gatewayBody) }),
  }),
  route({
    method: "POST",
    path: "/api/v1/admin/gateways/:name/restart",
    id: "restartGateway",
    summary: "Ends a gateway's program, if it runs, and starts it anew",
    params: gatewayPathSchema,
    responses: { 200: { description: "How it is now", schema: gatewaySchema } },
    handle: async ({ surface, params }) => json(200, gatewayBody(await surface.gateways.restart(params.name))),
  }),
  route({
    method: "POST",
    path: "/api/v1/admin/gateways/:name/test",
    id: "testGateway",
    summary:
      "Asks a gateway whether it reaches its platform, 20 s later at most where it is starting; sends a message where `chat_id` says",
    params: gatewayPathSchema,
    body: tryGatewaySchema,
    bodyOptional: true,
    responses: { 200: { description: "What became of it, also where it did not work", schema: gatewayTrialSchema } },
    async handle({ surface, params, body }) {
      const { clock } = surface;
      const trial = { name: params.name, requestId: `test-${clock.ulid()}`, clock, waitMs: startingMs };
      return json(200, await tryGateway(surface.gateways, { ...body, ...trial }));
    },
  }),
];
