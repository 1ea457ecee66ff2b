import type { WrittenConfig } from "../../schema/config-file.ts";
import { didYouMean } from "../../schema/suggestion.ts";

/** Something to say about a key, by its path: shown with the key's place. */
export type ConfigNote = { readonly path: readonly PropertyKey[]; readonly message: string };

const later = "needs a later version; it is checked and otherwise ignored";

type Rule = readonly [path: readonly string[], isSet: (file: WrittenConfig) => boolean];

// Each is a feature of its own that this version does not have: named at the start rather than silently absent.
const laterFeatures: readonly Rule[] = [
  [["observability", "tracing"], (file) => file.observability.tracing.otlp_endpoint !== undefined],
];

// Of the Rust implementation: accepted so that its files open.
const withoutEffect: readonly (readonly [...Rule, message: string])[] = [
  [
    ["session", "compaction"],
    (file) => file.session.compaction !== undefined,
    "has no effect: a log is never compacted",
  ],
  [
    ["sessions", "compaction"],
    (file) => file.sessions?.compaction !== undefined,
    "has no effect: a log is never compacted",
  ],
  [["memory", "backend"], (file) => file.memory?.backend !== undefined, "has no effect; see services.memory"],
  [["world_memory", "path"], (file) => file.world_memory?.path !== undefined, "has no effect; see services.memory"],
  [["sandbox", "mode"], (file) => file.sandbox.mode === "docker", "docker is read as auto"],
];

/** What is set and will not do what its writer expects. */
export function configNotes(file: WrittenConfig): ConfigNote[] {
  const features = laterFeatures.flatMap(([path, isSet]) => (isSet(file) ? [{ path, message: later }] : []));
  const ignored = withoutEffect.flatMap(([path, isSet, message]) => (isSet(file) ? [{ path, message }] : []));
  const renamed = file.gateways.external.flatMap((gateway, index): ConfigNote[] => {
    const bundled = /^duragent-(telegram|discord)$/.exec(gateway.command)?.[1];
    const path = ["gateways", "external", index, "command"];
    return bundled === undefined ? [] : [{ path, message: `read as duragent-gateway-${bundled}` }];
  });
  const providers = Object.entries(file.models.providers).flatMap(([name, { limits }]) =>
    limits?.inbound === undefined
      ? []
      : [
          {
            path: ["models", "providers", name, "limits", "inbound"],
            message: "has no effect: nothing comes in there",
          },
        ],
  );
  return [...features, ...unknownGateways(file), ...renamed, ...providers, ...ignored];
}

/** Routes and channels that name a gateway which is not there: nothing would ever come or go that way. */
function unknownGateways(file: WrittenConfig): ConfigNote[] {
  const short = (["telegram", "discord"] as const).filter((name) => file.gateways[name]?.enabled === true);
  const known = [...file.gateways.external.map(({ name }) => name), ...short];
  const note = (path: ConfigNote["path"], gateway: string): ConfigNote => ({
    path,
    message: `there is no gateway "${gateway}"${didYouMean(gateway, known) || `; those under gateways are: ${known.join(", ") || "none"}`}`,
  });
  const isKnown = (gateway: string): boolean => known.some((name) => name.toLowerCase() === gateway.toLowerCase());
  const routes = file.routes.flatMap(({ match: { gateway } }, index) =>
    gateway === undefined || isKnown(gateway) ? [] : [note(["routes", index, "match", "gateway"], gateway)],
  );
  const channels = Object.entries(file.notify?.channels ?? {}).flatMap(([name, channel]) =>
    !("gateway" in channel) || known.includes(channel.gateway)
      ? []
      : [note(["notify", "channels", name, "gateway"], channel.gateway)],
  );
  return [...routes, ...channels];
}

/** What is set and can not be had: starting without it would put data where nobody looks for it. */
export function configRefusals(file: WrittenConfig): ConfigNote[] {
  const { session, memory, artifacts, artifact, bus } = file.services;
  const services = { session, memory, artifacts, artifact };
  const backends = Object.entries(services).flatMap(([name, service]) =>
    service === undefined || service.backend === "filesystem" ? [] : [refusal(name, service.backend, "filesystem")],
  );
  const isLocalBus = bus.backend === "auto" || bus.backend === "memory";
  return isLocalBus ? backends : [...backends, refusal("bus", bus.backend, "auto")];
}

const refusal = (service: string, backend: string, instead: string): ConfigNote => ({
  path: ["services", service, "backend"],
  message: `${backend} needs a later version; use ${instead}`,
});
