import type { Mutant } from "../mutant.ts";

const addresses = "test/adapters/tools/web/addresses.test.ts";
const guarded = "src/adapters/tools/web/guarded-fetch.ts";

/** Faults put into what keeps the model out of this machine and its network; each must turn its test red. */
export const webMutants: readonly Mutant[] = [
  {
    name: "DNS is checked only before dialling",
    file: guarded,
    find: "lookup: pinned(addresses),",
    replace:
      "lookup: (name, options, callback) => void guard.lookup(name).then((found) => (options.all ? callback(null, found) : callback(null, found[0]?.address ?? '', found[0]?.family ?? 0))),",
    test: addresses,
  },
  {
    name: "a redirect is followed without a check",
    file: guarded,
    find: "await dial(guard, url, next)",
    replace: "await dial(redirects === 0 ? guard : { ...guard, isAllowed: () => true }, url, next)",
    test: addresses,
  },
  {
    name: "one public address of a name is enough",
    file: "src/adapters/tools/web/address-guard.ts",
    find: "const refused = addresses.find(({ address }) => !guard.isAllowed(address));",
    replace: "const refused = addresses.every(({ address }) => !guard.isAllowed(address)) ? addresses[0] : undefined;",
    test: addresses,
  },
  {
    name: "literal addresses are dialled as they are",
    file: "src/adapters/tools/web/address-guard.ts",
    find: "  if (refused) throw",
    replace: "  if (refused && family === 0) throw",
    test: addresses,
  },
  {
    name: "IPv6 addresses that carry IPv4 are public",
    file: "src/adapters/tools/web/public-address.ts",
    find: 'if (parsed.range() !== "unicast") return false;',
    replace: 'if (parsed.kind() === "ipv4" && parsed.range() !== "unicast") return false;',
    test: addresses,
  },
  {
    name: "credentials travel to another origin",
    file: guarded,
    find: "sameOrigin || carriedAcrossOrigins.has(name)",
    replace: "true",
    test: addresses,
  },
  {
    name: "a page is read past its bound",
    file: "src/adapters/tools/web/page-text.ts",
    find: "readUpTo(response, pageBytesMax)",
    replace: "readUpTo(response, 64 * pageBytesMax)",
    test: "test/adapters/tools/web/fetch.test.ts",
  },
];
