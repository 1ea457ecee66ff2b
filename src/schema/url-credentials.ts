/** A name and a password inside a URL: no request can be made to such a one, and its errors would tell them. */
export const hasNoCredentials = (url: string): boolean => {
  const read = URL.parse(url);
  return read === null || (read.username === "" && read.password === "");
};

/** Says what to do, and nothing of the URL. */
export const credentialsFault =
  "an address may hold no user name and password (user:password@host); put what lets you in into its path or query";
