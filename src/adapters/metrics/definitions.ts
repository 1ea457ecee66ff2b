export type MetricDefinition = {
  kind: "counter" | "gauge" | "histogram";
  help: string;
  labels?: readonly string[];
  /** Upper bounds in the metric's unit, ascending; histograms only. */
  buckets?: readonly number[];
};

// A sync of a fast disk is 0.2 ms, an answer of a slow model minutes.
const syncSeconds = [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1];
const answerSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** Every metric of this program; Node's own (`process_…`, `nodejs_…`) come beside them. Times are in seconds. */
export const metricDefinitions = {
  duragent_build_info: { kind: "gauge", help: "1, with what runs as labels.", labels: ["version", "node"] },

  duragent_http_requests_total: {
    kind: "counter",
    help: "Answered HTTP requests.",
    labels: ["method", "route", "status"],
  },
  duragent_http_request_seconds: {
    kind: "histogram",
    help: "From a request's head to the end of its answer, streams excepted.",
    labels: ["method", "route"],
    buckets: answerSeconds,
  },
  duragent_streams_open: { kind: "gauge", help: "Event streams that are open." },
  duragent_attached_clients: { kind: "gauge", help: "Clients attached to sessions of this process." },

  duragent_agents: { kind: "gauge", help: "Agents, by whether their definition is valid.", labels: ["state"] },
  duragent_sessions_open: { kind: "gauge", help: "Sessions held in memory." },
  duragent_session_events_bytes: { kind: "gauge", help: "About what the events of sessions held in memory take." },

  duragent_turns_active: { kind: "gauge", help: "Turns that run now." },
  duragent_turns_total: { kind: "counter", help: "Turns that have ended.", labels: ["outcome"] },
  duragent_turn_seconds: {
    kind: "histogram",
    help: "From a turn's start to its end, waiting included.",
    buckets: answerSeconds,
  },

  duragent_model_calls_total: {
    kind: "counter",
    help: "Attempts to call a model.",
    labels: ["provider", "model", "outcome"],
  },
  duragent_model_call_seconds: {
    kind: "histogram",
    help: "One attempt to call a model, from request to last byte.",
    labels: ["provider", "model"],
    buckets: answerSeconds,
  },
  duragent_first_token_seconds: {
    kind: "histogram",
    help: "From a request to a model to the first text of its answer.",
    labels: ["provider", "model"],
    buckets: answerSeconds,
  },
  duragent_tokens_total: {
    kind: "counter",
    help: "Tokens, as providers report them; kind is prompt, completion or cached_prompt.",
    labels: ["provider", "model", "kind"],
  },
  duragent_cost_usd_total: {
    kind: "counter",
    help: "Cost of model calls in US dollars, where the price is known.",
    labels: ["provider", "model"],
  },
  duragent_spent_today_usd: {
    kind: "gauge",
    help: "What the calls of today (UTC) have cost in US dollars; level is server, agent or provider.",
    labels: ["level", "name"],
  },
  duragent_budget_per_day_usd: {
    kind: "gauge",
    help: "What may be spent in a day (limits.budget.per_day_usd), in US dollars, beside duragent_spent_today_usd.",
    labels: ["level", "name"],
  },
  duragent_rate_waiting: { kind: "gauge", help: "Model calls that wait for a rate limit now." },
  duragent_rate_waits_total: {
    kind: "counter",
    help: "Model calls that had to wait for a rate limit, by whose it was.",
    labels: ["level"],
  },
  duragent_rate_wait_seconds: {
    kind: "histogram",
    help: "How long such calls waited.",
    labels: ["level"],
    buckets: answerSeconds,
  },
  duragent_inbound_refused_total: {
    kind: "counter",
    help: "Requests and messages beyond limits.inbound; of is client or sender.",
    labels: ["of"],
  },
  duragent_tool_calls_total: { kind: "counter", help: "Tool calls that have a result.", labels: ["tool", "outcome"] },

  duragent_appends_total: { kind: "counter", help: "Appends to session logs that are durable." },
  duragent_append_seconds: {
    kind: "histogram",
    help: "From an append to its being durable.",
    buckets: syncSeconds,
  },
  duragent_syncs_total: { kind: "counter", help: "Syncs of session logs; fewer than appends where they are grouped." },
  duragent_store_errors_total: { kind: "counter", help: "Failed operations of a store.", labels: ["operation"] },

  duragent_messages_dropped_total: {
    kind: "counter",
    help: "Messages that were dropped before any turn took them in, by why: overflow_old, overflow_new, rejected, busy or session_end.",
    labels: ["reason"],
  },
  duragent_gateways: {
    kind: "gauge",
    help: "1 for the state that a gateway is in: starting, ready, waiting, failed, stopped or off.",
    labels: ["gateway", "state"],
  },
  duragent_gateway_restarts_total: {
    kind: "counter",
    help: "Programs of gateways that had ended and were started again.",
    labels: ["gateway"],
  },
  duragent_gateway_events_total: {
    kind: "counter",
    help: "Events that gateways have sent.",
    labels: ["gateway", "type"],
  },
  duragent_gateway_skipped_lines_total: {
    kind: "counter",
    help: "Lines of gateways that were left out, by why.",
    labels: ["gateway", "why"],
  },
  duragent_gateway_commands_total: {
    kind: "counter",
    help: "Commands to gateways; outcome is ok, error, dropped, not_ready, ended, not_reading or timeout.",
    labels: ["gateway", "type", "outcome"],
  },
  duragent_gateway_sends_total: {
    kind: "counter",
    help: "Messages for chats that are settled; status is sent or failed.",
    labels: ["gateway", "status"],
  },
  duragent_gateway_messages_total: {
    kind: "counter",
    help: "Messages of chats, by what became of them: taken, context, passive, silent, command, answer, repeated, no_route, no_agent, refused, empty, rate_limited, unfit, unsaid, put_off or lost.",
    labels: ["gateway", "outcome"],
  },
  duragent_gateway_presses_total: {
    kind: "counter",
    help: "Pressed buttons, by what became of them: decided, repeated, stale, forbidden, refused, other, unfit or put_off.",
    labels: ["gateway", "outcome"],
  },
} as const satisfies Record<string, MetricDefinition>;
