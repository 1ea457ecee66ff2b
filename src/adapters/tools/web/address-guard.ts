import { lookup as systemLookup } from "node:dns/promises";
import { isIP } from "node:net";

import { isPublicAddress } from "./public-address.ts";

export type Address = { address: string; family: number };

/** Decides which hosts may be reached, by the addresses that they have when they are dialled. */
export type AddressGuard = {
  /** All addresses of a name. */
  lookup(hostname: string): Promise<Address[]>;
  isAllowed(address: string): boolean;
};

/** An address that the guard keeps away, said for the model. */
export class RefusedAddressError extends Error {
  constructor(hostname: string, address: string) {
    const place = hostname === address ? address : `${hostname} (${address})`;
    super(`${place} is not an address of the public internet, so it was not contacted`);
    this.name = "RefusedAddressError";
  }
}

/** `allowPrivate` is `web.allow_private`, read anew for each connection. */
export const createAddressGuard = (
  allowPrivate: () => boolean,
  lookup: AddressGuard["lookup"] = (hostname) => systemLookup(hostname, { all: true }),
): AddressGuard => ({ lookup, isAllowed: (address) => allowPrivate() || isPublicAddress(address) });

/**
 * The addresses to dial: literal ones as they are, names looked up. One that is refused refuses the host, also where others
 * are public: which of them is dialled would be left to chance. Throws `RefusedAddressError`.
 */
export async function allowedAddresses(guard: AddressGuard, host: string): Promise<Address[]> {
  const hostname = host.replace(/^\[(.*)\]$/, "$1");
  const family = isIP(hostname);
  const addresses = family === 0 ? await guard.lookup(hostname) : [{ address: hostname, family }];
  const refused = addresses.find(({ address }) => !guard.isAllowed(address));
  if (refused) throw new RefusedAddressError(hostname, refused.address);
  if (addresses.length === 0) throw new Error(`${hostname} has no address`);
  return addresses;
}
