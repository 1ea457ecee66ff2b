import { createIncomingFiles } from "../adapters/gateways/media.ts";
import type { Clock } from "../ports/clock.ts";
import type { IncomingFiles } from "../ports/incoming-files.ts";
import type { Config } from "../schema/config.ts";

/** Gets files that come with messages: from the public internet, and from where a gateway's `api_root` is. */
export function incomingFiles(inForce: { readonly config: Config }, clock: Clock): IncomingFiles {
  return createIncomingFiles({
    clock,
    apiRootOf(gateway) {
      const configured = inForce.config.gateways.external.find(({ name }) => name === gateway)?.config.reveal();
      const root = configured?.["api_root"];
      return typeof root === "string" ? root : undefined;
    },
    async fetch(url, { headers, signal, guarded }) {
      const [{ createAddressGuard }, { guardedFetch }] = await Promise.all([
        import("../adapters/tools/web/address-guard.ts"),
        import("../adapters/tools/web/guarded-fetch.ts"),
      ]);
      const guard = createAddressGuard(() => !guarded || (inForce.config.web?.allow_private ?? false));
      const { response } = await guardedFetch(guard, url, { headers, signal, redirect: "manual" });
      return response;
    },
  });
}
