import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

const { IPv6 } = ipaddr;
// What is given out to the public internet (RFC 4291, 2.4). The old IPv4-compatible form ::a.b.c.d lies outside of it.
const globalUnicast: [InstanceType<typeof IPv6>, number] = [IPv6.parse("2000::"), 3];

/**
 * Whether an IP address is one of the public internet. Not: loopback, private, link-local, CGNAT, multicast, reserved, for
 * documentation, and every IPv6 form that carries an IPv4 address (mapped, translated, 6to4, Teredo), whatever it carries.
 */
export function isPublicAddress(address: string): boolean {
  // The library also reads spellings such as 1.2.3, which mean one address here and another there.
  if (isIP(address) === 0) return false;
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== "unicast") return false;
  return parsed.kind() === "ipv4" || parsed.match(globalUnicast);
}
