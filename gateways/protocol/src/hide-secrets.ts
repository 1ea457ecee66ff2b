const secretName = /token|secret|password|passwd|credential|key/i;
/** A shorter value would hide common words. */
const secretLengthMin = 6;

/**
 * Takes the secrets of a gateway's configuration and environment out of what it says: values under names that sound like a
 * secret's, and proxies with a password. Libraries put addresses into their errors, and Telegram's have the token in them.
 */
export function secretsHidden(
  config: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string | undefined>>,
): (text: string) => string {
  const secrets = new Set<string>();
  collect(config, false, secrets);
  for (const [name, value] of Object.entries(env)) {
    const isProxyWithPassword = /proxy$/i.test(name) && value?.includes("@") === true;
    if (value !== undefined && (secretName.test(name) || isProxyWithPassword)) secrets.add(value);
  }
  const found = [...secrets]
    .flatMap((secret) => [secret, encodeURIComponent(secret.toWellFormed())])
    .filter((secret) => secret.length >= secretLengthMin)
    // The longest first: one may be a part of another.
    .toSorted((a, b) => b.length - a.length);
  return (text) => found.reduce((hidden, secret) => hidden.replaceAll(secret, "[hidden]"), text);
}

function collect(value: unknown, isSecret: boolean, into: Set<string>): void {
  if (typeof value === "string" && isSecret) into.add(value);
  else if (typeof value === "object" && value !== null)
    for (const [name, inner] of Object.entries(value))
      collect(inner, isSecret || (!Array.isArray(value) && secretName.test(name)), into);
}
