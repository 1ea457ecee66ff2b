/** The name in a `Host` header, without port, brackets and final dot, in lower case; `""` if it is none. */
export function hostName(header: string | undefined): string {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^\s:[\]/@]+))(?::\d{1,5})?$/i.exec(header ?? "");
  return (match?.[1] ?? match?.[2] ?? "").toLowerCase().replace(/\.$/, "");
}

/** Whether a name or address can only mean this machine. */
export function isLoopback(name: string): boolean {
  const plain = name.replace(/^::ffff:/i, "");
  return plain === "localhost" || plain === "::1" || /^127(?:\.\d{1,3}){3}$/.test(plain);
}

/** An address to listen on that stands for all of them is no name of the server. */
export function isWildcard(name: string): boolean {
  return name === "0.0.0.0" || name === "::" || name === "";
}
